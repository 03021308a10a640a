/**
 * Entry of the control process, forked by the supervisor: configuration, store, then the service until TERM.
 * Not here: what the service is made of (control-service.ts), HUP (reload.ts).
 */
import { randomBytes } from 'node:crypto';
import { systemClock } from '#base/clock.ts';
import { type IpcMessage } from '#base/ipc/messages.ts';
import { logCrashes } from '#base/exit.ts';
import { createLog } from '#base/log.ts';
import { type NoticeFormat } from '#process/confine/notice.ts';
import { type Problem } from '#base/problem.ts';
import { primaryRootsOf } from '#control/outside/resolver-of.ts';
import { alertPartsOf } from '#control/alerts/settings.ts';
import { acmeOf } from '#control/certificate/acme-roots.ts';
import { outsideOf } from '#control/outside/witnesses.ts';
import { ControlService } from './control-service.ts';
import { reportNotStarted } from './not-started.ts';
import { openStore, rememberKek } from './open-store.ts';
import { type ReloadOptions, reload } from './reload.ts';
import { type ServeOptions, readLogFormat, readServeConfig } from './serve-options.ts';

process.title = 'waxseal control';
await main(JSON.parse(process.argv[2] ?? '{"flags":{}}') as ServeOptions);

async function main(options: ServeOptions): Promise<void> {
  const loaded = readServeConfig(options);
  if (!loaded.ok) return refuse(loaded.problems, readLogFormat(options));
  const config = loaded.value;
  const { format } = config.log;
  const outside = outsideOf(config);
  if (!outside.ok) return refuse(outside.problems, format);
  const stopping = new AbortController();
  const roots = primaryRootsOf(config.dns.primariesCaFile);
  if (!roots.ok) return refuse(roots.problems, format);
  const acme = acmeOf(config.acme, () => systemClock.nowMs(), stopping.signal);
  if (!acme.ok) return refuse(acme.problems, format);
  const alerts = alertPartsOf(config.alerts);
  if (!alerts.ok) return refuse(alerts.problems, format);
  const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
  const nowMs = systemClock.nowMs();
  const store = openStore(config, { random, nowMs });
  if (!store.ok) return refuse(store.problems, format);
  await rememberKek(store.value, nowMs);
  const log = createLog({ ...config.log, fields: { process: 'control' } });
  if (format === 'json') logCrashes(process, (how, event, message, fields) => log[how](event, message, fields));
  const asked = { outside: outside.value, acme: acme.value, alerts: alerts.value, primaryRoots: roots.value };
  const parts = { store: store.value, ...asked, onStop: () => stopping.abort() };
  const service = new ControlService({ own: process, config, log, random, adminFd: options.adminFd, ...parts });
  const listening = await service.listen();
  if (!listening.ok) return refuse(listening.problems, format);
  const publish: ReloadOptions['publish'] = (found) => service.publish(found);
  process.on('SIGHUP', () => void reload({ options, running: config, log, publish }).then(tellReloaded));
  process.on('SIGTERM', () => void service.stop());
  process.on('SIGINT', () => void service.stop());
  await service.run(options.zonesFolder);
}

function tellReloaded(isGood: boolean): void {
  process.send?.({ kind: 'reloaded', isGood } satisfies IpcMessage, () => {
    // The supervisor has gone, and this process ends with it.
  });
}

/** Tells why on stderr and the supervisor that starting again does not help; then the process ends. */
function refuse(problems: readonly Problem[], format: NoticeFormat): void {
  const exitCode = reportNotStarted('control', problems, format);
  const end = () => process.exit(exitCode);
  if (process.send === undefined) end();
  else process.send({ kind: 'unable', role: 'control', exitCode } satisfies IpcMessage, undefined, undefined, end);
}
