/**
 * One job in a process of its own, with a limit of time: a disk that hangs costs this process nothing but that limit,
 * and the memory that the job took is the system's again at its end. Both ends.
 * Not here: the jobs (control/backup/jobs.ts, control/import/job.ts), processes that stay (process/children/).
 */
import { type ForkOptions, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { assert } from '#base/assert.ts';
import { safeNodeOptions } from './node-options.ts';

/** nice(2): as far back as work goes that may take its time; what answers queries comes first. */
const NICE = 10;

export interface ChildJobOptions extends Pick<ForkOptions, 'env' | 'serialization'> {
  /** Of Node, beside those that every process gets. */
  readonly execArgv?: readonly string[];
  readonly limitMs: number;
  /** Kills it. */
  readonly signal: AbortSignal;
  /** Why, when `signal` does. */
  readonly stopped: string;
  /** Descriptors that it gets as 4 and on. */
  readonly files?: readonly number[];
  /** Receives what it says on its way, before its reply. */
  readonly onNote?: (note: object) => void;
}

/** What a job says before its reply. */
interface NoteMessage {
  readonly note: object;
}

/** Sends `request` to the program at `script`; what it replies. Rejects when it does not in time, or ends before. */
export function runChildJob<Reply>(
  script: URL,
  request: object,
  { limitMs, signal, stopped, files = [], onNote, execArgv, env: given, ...options }: ChildJobOptions,
): Promise<Reply> {
  if (signal.aborted) return Promise.reject(new Error(stopped));
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  // No variable but these and those that are given: what it needs comes by the channel.
  const env = { ...passed(process.env), ...given };
  const whole = { execArgv: safeNodeOptions(execArgv), ...options, env };
  const child = fork(script, [], { ...whole, stdio: ['ignore', 'ignore', 'inherit', 'ipc', ...files] });
  const end = (why: string): void => {
    reject(new Error(why));
    child.kill('SIGKILL');
    // What the kernel holds until its disk answers must not hold this process.
    child.unref();
  };
  const timer = setTimeout(() => end(`it did not end within ${limitMs / 1000} s`), limitMs);
  const stop = (): void => end(stopped);
  signal.addEventListener('abort', stop, { once: true });
  child.on('message', (message) => {
    if (isNote(message)) onNote?.(message.note);
    else resolve(message as Reply);
  });
  child.once('error', reject);
  child.once('exit', (code, by) => reject(new Error(`its process has ended early (${by ?? `exit ${code}`})`)));
  child.send(request, (error) => error !== null && reject(error));
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    if (child.connected) child.disconnect();
  });
}

/** Of this process's own: compiled code, without which a start takes a second of a processor, and the allocator. */
const PASSED = ['MALLOC_ARENA_MAX', 'NODE_COMPILE_CACHE'] as const;

function passed(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(PASSED.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]])));
}

function isNote(message: unknown): message is NoteMessage {
  return typeof message === 'object' && message !== null && 'note' in message;
}

/**
 * In the child: does the one job that comes, replies, and ends. `run` takes what the parent sends; must not reject.
 * What it gives to `tell` goes to the parent at once, also from inside a long loop.
 */
export function serveChildJob(
  title: string,
  run: (request: never, tell: (note: object) => void) => Promise<object>,
): void {
  const own = process;
  own.title = title;
  own.umask(0o077);
  assert(own.send !== undefined, `${title} is started by the control process only`);
  try {
    setPriority(NICE);
  } catch {
    // A system that does not allow it: the job is the same.
  }
  own.once('message', (request) => {
    const tell = (note: object): void => void (own.connected && own.send?.({ note }));
    void run(request as never, tell).then((reply) => own.send?.(reply, undefined, undefined, () => own.exit()));
  });
  // The parent has gone, and with it who wants the job.
  own.on('disconnect', () => own.exit());
  // What is meant for the server is not for this process: its parent says when to end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) own.on(signal, () => {});
}
