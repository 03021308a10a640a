/**
 * Entry of the control process, forked by the supervisor: configuration, key-encryption key, store, control room, admin listeners,
 * signature refresh; and the way down again. Everything it does is elsewhere; this file is the order of it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { ANSWER_METRICS, ANSWER_SLOTS } from '#answer/count/counters.ts';
import { systemClock } from '#base/clock.ts';
import { openSupervisorChannel, type IpcMessage } from '#base/ipc.ts';
import { ADMIN_DRAIN_MS } from '#base/limits/limits.ts';
import { type Log, createLog } from '#base/log.ts';
import { type Problem, formatProblem, problem } from '#base/problem.ts';
import { productVersion } from '#base/version.ts';
import { problemKind } from '#base/problem-codes.ts';
import { readUptime } from '#control/lifecycle/boot-time.ts';
import { Control } from '#control/control.ts';
import { MailScheduler } from '#control/lifecycle/scheduler.ts';
import { SpfScheduler } from '#control/mail/spf-scheduler.ts';
import { outsideOf } from '#control/outside/witnesses.ts';
import { Publisher } from '#control/publish/publisher.ts';
import { Refresher } from '#control/zone/refresh.ts';
import { SignerExporter } from '#control/signers/export.ts';
import { SERVER_METRICS } from '#server/counters.ts';
import { listenProblem } from '#server/listen.ts';
import { EXIT_CONFIGURATION } from '#base/exit.ts';
import { StoreFailure } from '#store/failure.ts';
import { makeKek, readKek } from '#store/kek.ts';
import { storeExists } from '#store/store.ts';
import { type StoreWriter, openWriter } from '#store/writer.ts';
import { type Config, loadConfig } from '#config/config.ts';
import { ensureAdminToken } from './admin-token.ts';
import { readyScreen } from './ready-screen.ts';
import { type ServeOptions } from './serve-options.ts';
import { importMissingZones } from './zones-folder.ts';

const EXIT_FAILED = 1;

process.title = 'waxseal control';
await main(JSON.parse(process.argv[2] ?? '{"flags":{}}') as ServeOptions);

async function main(options: ServeOptions): Promise<void> {
  const config = readConfig(options);
  const log = createLog({ ...config.log, fields: { process: 'control' } });
  const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
  const outside = outsideOf(config);
  if (!outside.ok) return refuse(outside.problems, EXIT_CONFIGURATION);
  const writer = openStore(config, random);
  if (writer.abandonedBy !== undefined)
    log.warn('store.recovered', 'the last control process ended without closing the store; it is intact up to its last commit', {
      pid: writer.abandonedBy.pid,
    });

  let publisher: Publisher | undefined;
  let adminAddress: string | undefined;
  let screenShown = false;
  let zonesLoaded = options.zonesFolder === undefined;
  const showScreen = (): void => {
    if (screenShown || adminAddress === undefined || publisher === undefined || publisher.addresses.length === 0 || !zonesLoaded) return;
    screenShown = true;
    process.stdout.write(readyScreen(control, { tokenFile, dns: publisher.addresses, admin: adminAddress }));
  };
  const receive = (message: IpcMessage): void => {
    publisher?.receive(message);
    showScreen();
  };
  const channel = openSupervisorChannel(process, receive, () => {
    log.error('supervisor.gone', 'the supervisor has gone; ending');
    process.exit(EXIT_FAILED);
  });
  publisher = new Publisher((message) => channel.send(message));

  const socketPath = join(config.data, 'admin.sock');
  const control = new Control({
    writer,
    publisher,
    clock: systemClock,
    random,
    outside: outside.value.resolver,
    onFatal: (failure) => {
      log.fatal('store.broken', failure.message);
      process.exit(EXIT_FAILED);
    },
    version: productVersion(),
    adminListener: config.admin.listen === undefined ? '' : `${config.admin.listen.ip}:${config.admin.listen.port}`,
    socketPath,
    uptime: readUptime,
    witnesses: outside.value.witnesses,
    countsQueries: true,
    onMailEvents: (zone, events) => {
      // What is waited for is in `mail status` and in the stream of events.
      for (const { event, machine, object, stage, text } of events)
        log[event === 'waiting' ? 'debug' : 'info'](`mail.${event}`, `${zone} ${object}: ${text}`, { zone, machine, object, stage });
    },
    signerFilesRoot: dirname(config.keys.kekFile),
    counterTable: { ...SERVER_METRICS, ...Object.fromEntries(ANSWER_SLOTS.map((slot, at) => [slot, ANSWER_METRICS[at]!])) },
  });
  const exporter = new SignerExporter({
    signers: control.signers,
    clock: systemClock,
    random,
    log,
    generation: () => writer.generation(),
  });
  control.signers.useFiles(exporter);
  const tokenFile = join(config.data, 'admin.token');
  await ensureAdminToken(control, tokenFile);
  const app = await buildAdmin({ control, logger: log.with({ part: 'admin' }).pino, zoneFileBytesMax: config.admin.zoneFileBytesMax });
  const listeners = await listenAdmin(app, { tcp: config.admin.listen, socketPath, requestMsMax: config.admin.requestMsMax }).catch(
    (error: unknown) => refuse([adminProblem(config, socketPath, error)], EXIT_CONFIGURATION),
  );
  adminAddress = listeners.address;
  channel.send({ kind: 'hello', role: 'control', pid: process.pid });

  const refresher = new Refresher(control, systemClock, log);
  const mailScheduler = new MailScheduler(control.mailUpkeep(), log);
  const spfScheduler = new SpfScheduler(control.mailUpkeep().spf, log);
  process.on('SIGHUP', () => reload(options, config, log));
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    // First: streams end at once, and what is still done is in the journal.
    control.events.close();
    outside.value.stop();
    await refresher.stop();
    await mailScheduler.stop();
    await spfScheduler.stop();
    await exporter.stop();
    await listeners.close(ADMIN_DRAIN_MS);
    await control.close();
    log.info('control.stopped', 'control process stopped');
    channel.close();
    process.exitCode = 0;
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());

  if (options.zonesFolder !== undefined) {
    await importMissingZones(control, options.zonesFolder, (text) => process.stderr.write(`waxseal: ${text}\n`));
    zonesLoaded = true;
  }
  refresher.start();
  mailScheduler.start();
  spfScheduler.start();
  exporter.start();
  channel.send({ kind: 'ready', role: 'control' });
  log.info('control.ready', 'control process ready', { zones: control.zones().length, admin: listeners.address });
  showScreen();
}

/** The configuration, or the end: a child that says 78 is not started again. */
function readConfig(options: ServeOptions): Config {
  const loaded = loadConfig({ file: options.configFile, environment: process.env, flags: options.flags, workingDirectory: process.cwd() });
  if (loaded.ok) return loaded.value;
  return refuse(loaded.problems, EXIT_CONFIGURATION);
}

function openStore(config: Config, random: (bytes: number) => Uint8Array): StoreWriter {
  const dir = join(config.data, 'store');
  const { kekFile } = config.keys;
  try {
    // An existing store's key is never made anew: that would lock its secrets away for good.
    const kek = storeExists(dir) || existsSync(kekFile) ? readKek(kekFile) : { ok: true as const, value: makeKek(kekFile, random) };
    if (!kek.ok) return refuse(kek.problems, EXIT_CONFIGURATION);
    return openWriter(dir, { kek: kek.value, random, nowMs: systemClock.nowMs() });
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    // Another writer, a newer format, a wrong key: starting again cannot help. Other failures may pass.
    const hopeless = problemKind(error.code).exit === EXIT_CONFIGURATION;
    return refuse([error.problem], hopeless ? EXIT_CONFIGURATION : EXIT_FAILED);
  }
}

/** Why the admin API cannot listen: on its TCP address, whose error names a port, or on its Unix socket. */
function adminProblem({ admin }: Config, socketPath: string, error: unknown): Problem {
  if (admin.listen !== undefined && error instanceof Error && 'port' in error) return listenProblem(admin.listen, 'TCP', error, '--admin');
  const why = error instanceof Error ? error.message : String(error);
  return problem('ADDRESS_UNUSABLE', socketPath, `the admin API cannot listen: ${why}`);
}

function refuse(problems: readonly Problem[], exitCode: number): never {
  process.stderr.write(`waxseal: not started:\n${problems.map((each) => `  ${formatProblem(each)}\n`).join('')}`);
  process.exit(exitCode);
}

/** HUP: the log level changes at once; what needs a restart is said. A bad file changes nothing. */
function reload(options: ServeOptions, running: Config, log: Log): void {
  const loaded = loadConfig({ file: options.configFile, environment: process.env, flags: options.flags, workingDirectory: process.cwd() });
  if (!loaded.ok) {
    log.error('config.refused', 'the configuration has errors; the running one stays', { problems: loaded.problems.map(formatProblem) });
    return;
  }
  const { level } = loaded.value.log;
  log.setLevel(level);
  const restart = (['data', 'dns', 'admin', 'https', 'mail', 'keys', 'cookies', 'rrl'] as const).filter(
    (section) => JSON.stringify(loaded.value[section]) !== JSON.stringify(running[section]),
  );
  log.info(
    'config.reloaded',
    restart.length === 0 ? 'configuration read again' : `configuration read again; a restart is needed for: ${restart.join(', ')}`,
    { level, needsRestart: restart },
  );
}
