/** A control room over a temporary store, with a clock and a random source that the test holds, and a list of what was published. */
import { onTestFinished } from 'vitest';
import { type Clock } from '#base/clock.ts';
import { type IpcMessage } from '#base/ipc/messages.ts';
import { type Log, createLog } from '#base/log.ts';
import { type Problem, type Result } from '#base/problem.ts';
import { type Actor, type Command, type Outcome, type ParentCare, type RunOptions } from '#control/api/control.ts';
import { doBackupJob } from '#control/backup/jobs.ts';
import { type AlertParts } from '#control/alerts/settings.ts';
import { type CertificateSettings } from '#control/certificate/certificates.ts';
import { Control } from '#control/control.ts';
import { type FillLimits } from '#control/import/filling.ts';
import { type RunImport } from '#control/import/import-process.ts';
import { type AskServer } from '#control/dnssec/parent.ts';
import { askDirectly } from '#control/outside/direct-question.ts';
import { Scheduler } from '#control/lifecycle/scheduler.ts';
import { type PolicyHostSettings } from '#control/mail/policy-host.ts';
import { NO_WITNESSES, type OutsideWitnesses } from '#control/outside/evidence.ts';
import { Publisher } from '#control/publish/publisher.ts';
import { nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type StoreFailure } from '#store/failure.ts';
import { type StoreWriter, type WriterOptions } from '#store/writer.ts';
import { TEST_NOW_MS, countedRandom, temporaryStore } from './temporary-store.ts';
import { TestTimers } from './test-timers.ts';

/** A zone with one host for mail, and nothing about mail besides. */
export const MAIL_ZONE_TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
@ 3600 MX 10 mx1
ns1 3600 A 192.0.2.1
mx1 3600 A 192.0.2.25
`;

export const TEST_ACTOR: Actor = { kind: 'socket', id: 'test', from: '' };

export interface TestControl {
  readonly control: Control;
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  /** `set` moves the wall clock, as somebody may do; `pass` lets time go by. */
  readonly clock: Clock & { set(nowMs: number): void; pass(ms: number): void };
  readonly dir: string;
  /** `zone event object text`, of the lives of mail. */
  readonly events: string[];
  readonly sent: IpcMessage[];
  readonly fatal: StoreFailure[];
  run(command: Command, options?: Partial<RunOptions>): Promise<Result<Outcome>>;
  /** Lets time go by, in which the scheduler does what is due when it is due; `each` is called whenever it goes to sleep. */
  live(ms: number, each?: () => void): Promise<void>;
  /** `run` of a zone file; the outcome must be good. */
  load(zone: string, text: string, options?: { readonly dnssec?: boolean; readonly parent?: ParentCare }): Promise<Outcome>;
}

export interface TestControlOptions extends Partial<WriterOptions> {
  /** A store that exists, whose writer is closed. */
  readonly in?: string;
  readonly bootId?: string;
  readonly random?: (bytes: number) => Uint8Array;
  readonly outside?: Resolver;
  readonly witnesses?: OutsideWitnesses;
  readonly countsQueries?: boolean;
  readonly recordsPerRrsetMax?: number;
  readonly hasResolvers?: boolean;
  readonly auditKeepMs?: number;
  readonly auditLargeBytes?: number;
  readonly policyHost?: PolicyHostSettings;
  readonly certificates?: CertificateSettings;
  /** What the parent's name servers answer. */
  readonly askServer?: AskServer;
  /** Who makes large imports ready; all are made in their turns unless given. */
  readonly runImport?: RunImport;
  readonly importWaitMs?: number;
  readonly importProgressMs?: number;
  readonly fillLimits?: FillLimits;
  /** Rules of alerts, and where they are sent. */
  readonly alerts?: AlertParts;
  /** Of the scheduler. */
  readonly log?: Log;
  /** Names of the sources of due work that `live` has done; all unless given. Looks at SPF make a year long. */
  readonly sources?: readonly string[];
  /** The scheduler wakes this often though nothing is due. */
  readonly wakeEveryMs?: number;
}

/** No test asks a server outside by chance. */
const askOnLoopback: AskServer = (server, ...question) =>
  server.ip.startsWith('127.') ? askDirectly(server, ...question) : Promise.resolve({ failure: 'does not answer' });

/** All of it goes when the test ends. */
export function temporaryControl(options: TestControlOptions = {}): TestControl {
  let nowMs = options.nowMs ?? TEST_NOW_MS;
  let uptimeMs = nowMs - TEST_NOW_MS;
  const clock = {
    nowMs: () => nowMs,
    set: (to: number) => (nowMs = to),
    pass: (ms: number) => {
      nowMs += ms;
      uptimeMs += ms;
    },
  };
  const { writer, dir } = temporaryStore(options);
  const sent: IpcMessage[] = [];
  const fatal: StoreFailure[] = [];
  const events: string[] = [];
  const publisher = new Publisher((message) => sent.push(message));
  const control = new Control({
    writer,
    publisher,
    clock,
    random: options.random ?? countedRandom(),
    outside: options.outside ?? { lookup: () => Promise.resolve({ kind: 'nxdomain' }) },
    uptime: () => ({ uptimeMs, bootId: options.bootId ?? 'test' }),
    // There is no process of a policy host: nothing looks at one unless a test gives who does.
    witnesses: { ...NO_WITNESSES, ownHosts: new Map(), ...options.witnesses },
    countsQueries: options.countsQueries ?? false,
    ...(options.recordsPerRrsetMax === undefined ? {} : { recordsPerRrsetMax: options.recordsPerRrsetMax }),
    askServer: options.askServer ?? askOnLoopback,
    hasResolvers: options.hasResolvers ?? true,
    alerts: options.alerts,
    auditKeepMs: options.auditKeepMs,
    auditLargeBytes: options.auditLargeBytes,
    ...(options.policyHost === undefined ? {} : { policyHost: options.policyHost }),
    ...(options.certificates === undefined ? {} : { certificates: options.certificates }),
    onMailEvents: (zone, all) => events.push(...all.map(({ event, object, text }) => `${zone} ${event} ${object} ${text}`)),
    onFatal: (failure) => fatal.push(failure),
    version: '0.0.0',
    adminListener: '',
    socketPath: '',
    counterTable: {},
    runJob: doBackupJob,
    ...(options.runImport === undefined ? {} : { runImport: options.runImport }),
    ...(options.importWaitMs === undefined ? {} : { importWaitMs: options.importWaitMs }),
    ...(options.fillLimits === undefined ? {} : { fillLimits: options.fillLimits }),
    ...(options.importProgressMs === undefined ? {} : { importProgressMs: options.importProgressMs }),
  });
  // Before its store: what still waits in turns is done.
  onTestFinished(() => control.close());
  const run: TestControl['run'] = (command, more = {}) => control.run(command, { actor: TEST_ACTOR, dryRun: false, ...more });
  const timers = new TestTimers(() => uptimeMs);
  const sources = control.lifecycles.sources.filter(({ name }) => options.sources?.includes(name) ?? true);
  let scheduler: Scheduler | undefined;
  const start = (): Scheduler => {
    const { log = createLog({ level: 'silent' }), wakeEveryMs = 86_400_000 } = options;
    const started = new Scheduler({ ...control.lifecycles, sources }, log, { timers, wakeEveryMs });
    started.start();
    return started;
  };
  return {
    control,
    writer,
    publisher,
    clock,
    dir,
    events,
    sent,
    fatal,
    run,
    async live(ms, each = () => {}) {
      scheduler ??= start();
      const endMs = uptimeMs + ms;
      for (;;) {
        await timers.waiting(sources.length);
        each();
        if (timers.nextMs() > endMs) break;
        clock.pass(Math.max(0, timers.nextMs() - uptimeMs));
        timers.fire();
      }
      clock.pass(endMs - uptimeMs);
    },
    async load(zone, text, { dnssec = true, parent = 'check' } = {}) {
      return good(await run({ kind: 'zone.import', zone: nameOf(zone), text, file: 'test.zone', dnssec, parent }));
    },
  };
}

/** The value of a result that must be good. */
export function good<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`not good: ${JSON.stringify(result.problems)}`);
  return result.value;
}

/** The problems of a result that must be bad. */
export function bad<T>(result: Result<T>): readonly Problem[] {
  if (result.ok) throw new Error('a bad result was expected');
  return result.problems;
}
