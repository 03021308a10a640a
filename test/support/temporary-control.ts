/** A control room over a temporary store, with a clock and a random source that the test holds, and a list of what was published. */
import { type Clock } from '#base/clock.ts';
import { type IpcMessage } from '#base/ipc.ts';
import { type Problem, type Result } from '#base/problem.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/control-api.ts';
import { Control } from '#control/control.ts';
import { Publisher } from '#control/publisher.ts';
import { nameOf } from '#dns/name.ts';
import { type StoreFailure } from '#store/failure.ts';
import { type StoreWriter, type WriterOptions } from '#store/writer.ts';
import { TEST_NOW_MS, countedRandom, temporaryStore } from './temporary-store.ts';

export const TEST_ACTOR: Actor = { kind: 'socket', id: 'test', from: '' };

export interface TestControl {
  readonly control: Control;
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock & { set(nowMs: number): void };
  readonly sent: IpcMessage[];
  readonly fatal: StoreFailure[];
  run(command: Command, options?: Partial<RunOptions>): Promise<Result<Outcome>>;
  /** `run` of a zone file; the outcome must be good. */
  load(zone: string, text: string, options?: { readonly dnssec?: boolean }): Promise<Outcome>;
}

/** All of it goes when the test ends. */
export function temporaryControl(options: Partial<WriterOptions> & { readonly nowMs?: number } = {}): TestControl {
  let nowMs = options.nowMs ?? TEST_NOW_MS;
  const clock = { nowMs: () => nowMs, set: (to: number) => (nowMs = to) };
  const { writer } = temporaryStore(options);
  const sent: IpcMessage[] = [];
  const fatal: StoreFailure[] = [];
  const publisher = new Publisher((message) => sent.push(message));
  const control = new Control({
    writer,
    publisher,
    clock,
    random: countedRandom(),
    outside: { lookup: () => Promise.resolve({ kind: 'nxdomain' }) },
    onFatal: (failure) => fatal.push(failure),
    version: '0.0.0',
    adminListener: '',
    socketPath: '',
    counterTable: {},
  });
  const run: TestControl['run'] = (command, more = {}) => control.run(command, { actor: TEST_ACTOR, dryRun: false, ...more });
  return {
    control,
    writer,
    publisher,
    clock,
    sent,
    fatal,
    run,
    async load(zone, text, { dnssec = true } = {}) {
      return good(await run({ kind: 'zone.import', zone: nameOf(zone), text, file: 'test.zone', dnssec }));
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
