/**
 * One child process: started, watched, started again when it dies, written to without ever building a long queue.
 * Not here: what the children say to each other and when all ends (process/supervisor.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { type Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type CallFailure, type CallMessage, readCallMessage } from '#base/ipc/calls.ts';
import { readIpcMessage } from '#base/ipc/form.ts';
import { type IpcMessage, type Role } from '#base/ipc/messages.ts';
import { EXIT_CONFIGURATION } from '#base/exit.ts';
import { CALL_LIMITS, HEARTBEATS_MISSED_MAX, HEARTBEAT_MS } from '#base/limits/process.ts';
import { RestartDelay, type RestartTimes } from '#base/restart-delay.ts';
import { CHANNEL_STDIO, CHANNEL_VARIABLES, ChildChannel } from './child-channel.ts';
import { type WithRights } from '#process/privileges.ts';

/** What to start. */
export interface ChildProgram {
  readonly script: string | URL;
  readonly args: readonly string[];
  /** Options of Node; those of this process when absent. */
  readonly nodeOptions?: readonly string[];
  /** Its environment variables; those of this process when absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** How it is started and signalled where that takes rights that this process has put aside. */
  readonly withRights?: WithRights;
  /** Descriptors of this process that it gets, from FIRST_CHILD_FD on. */
  readonly sockets?: readonly number[];
  /** After `sockets` it gets the end of a Unix socket, through which descriptors can be handed over to it later. */
  readonly hasHandOver?: boolean;
  /** nice(1) from when it is ready; that of this process when absent. A confined process cannot set it itself. */
  readonly priority?: number;
}

/** After standard input and output and the channel. */
export const FIRST_CHILD_FD = 4;

export interface HeartbeatTimes {
  readonly everyMs: number;
  /** Without any message for this many intervals, a child is killed. */
  readonly missedMax: number;
}

export const HEARTBEAT_TIMES: HeartbeatTimes = { everyMs: HEARTBEAT_MS, missedMax: HEARTBEATS_MISSED_MAX };

/** How a child ended: its exit code, or the signal that killed it. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It had said hello, so it had its signal handlers. */
  readonly greeted: boolean;
  /** Its exit code when it ended because it could not start, for a reason that it has given. */
  readonly unable: number | undefined;
}

export interface ChildEvents {
  /** The first hello of each life, before it is given as a message too. */
  greeted(role: Role): void;
  message(role: Role, message: IpcMessage): void;
  call(role: Role, message: CallMessage): void;
  /** It said something that has no form of ours. */
  malformed(role: Role): void;
  /** It runs, and its event loop has not turned for too long; it is killed. */
  stuck(role: Role): void;
  /** It has ended; `start` is called again after `waitMs` unless `retire` was called. */
  ended(role: Role, end: ChildEnd, waitMs: number): void;
}

export class SupervisedChild {
  readonly role: Role;
  readonly #program: ChildProgram;
  readonly #events: ChildEvents;
  readonly #delay: RestartDelay;
  #process: ChildProcess | undefined;
  #channel: ChildChannel | undefined;
  #greeted = false;
  #unable: number | undefined;
  #retired = false;
  #restart: NodeJS.Timeout | undefined;
  readonly #heartbeat: HeartbeatTimes;
  #watch: NodeJS.Timeout | undefined;
  /** Looks since its last message. Counted, not timed: while this process is stopped it gets none either. */
  #missed = 0;
  /** A message is on its way to the kernel; others wait, only the newest of each kind (and role that it is about). */
  #sending = false;
  readonly #waiting = new Map<string, IpcMessage>();
  /** Requests and replies that wait, after the others; all of them count. */
  readonly #waitingCalls: CallMessage[] = [];
  #waitingCallBytes = 0;

  constructor(role: Role, program: ChildProgram, events: ChildEvents, times: RestartTimes, heartbeat: HeartbeatTimes) {
    this.#heartbeat = heartbeat;
    this.role = role;
    this.#program = program;
    this.#events = events;
    this.#delay = new RestartDelay(times);
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  /** It has greeted, and not been silent for so long that it is killed. */
  get isAlive(): boolean {
    return this.running && this.#greeted && this.#missed < this.#heartbeat.missedMax;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Our end of the socket that descriptors are handed over through; undefined while the child does not run. */
  get handOver(): Duplex | undefined {
    const { sockets = [], hasHandOver } = this.#program;
    if (hasHandOver !== true) return undefined;
    return (this.#process?.stdio[FIRST_CHILD_FD + sockets.length] ?? undefined) as Duplex | undefined;
  }

  start(): void {
    const startedMs = performance.now();
    const { script, args, nodeOptions, environment, sockets = [], hasHandOver } = this.#program;
    const file = typeof script === 'string' ? script : fileURLToPath(script);
    const child = this.#withRights(() =>
      spawn(process.execPath, [...(nodeOptions ?? process.execArgv), file, ...args], {
        stdio: [...CHANNEL_STDIO, ...sockets, ...(hasHandOver === true ? (['pipe'] as const) : [])],
        env: { ...(environment ?? process.env), ...CHANNEL_VARIABLES },
      }),
    );
    this.#process = child;
    // The child has ended: `exit` tells. Nothing is read from it.
    this.handOver?.on('error', () => undefined);
    this.#missed = 0;
    this.#watch = setInterval(() => this.#listenForHeart(), this.#heartbeat.everyMs);
    this.#greeted = false;
    this.#unable = undefined;
    this.#sending = false;
    this.#waiting.clear();
    this.#waitingCalls.length = 0;
    this.#waitingCallBytes = 0;
    if (child.pid !== undefined) this.#channel = new ChildChannel(child, (value) => this.#receive(child, value));
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      if (this.#process !== child) return;
      this.#process = undefined;
      this.#channel = undefined;
      clearInterval(this.#watch);
      const waitMs = this.#delay.afterLife(performance.now() - startedMs);
      // Of a configuration that cannot work the exit code itself tells.
      const unable = this.#unable ?? (code === EXIT_CONFIGURATION ? code : undefined);
      this.#events.ended(this.role, { code, signal, greeted: this.#greeted, unable }, waitMs);
      if (!this.#retired) this.#restart = setTimeout(() => this.start(), waitMs);
    };
    child.once('exit', ended);
    // Could not be started (EAGAIN, ENOMEM): there is no `exit` then. Any other error is followed by one.
    child.on('error', () => {
      if (child.pid === undefined) ended(null, null);
    });
  }

  #receive(child: ChildProcess, value: unknown): void {
    if (this.#process !== child) return;
    this.#missed = 0;
    const call = readCallMessage(value);
    if (call !== undefined) return this.#events.call(this.role, call);
    const message = readIpcMessage(value);
    if (message === undefined) return this.#events.malformed(this.role);
    if (message.kind === 'alive') return;
    if (message.kind === 'unable') {
      this.#unable = message.exitCode;
      return;
    }
    if (message.kind === 'hello' && !this.#greeted) {
      this.#greeted = true;
      this.#events.greeted(this.role);
      this.#sendNext();
    }
    if (message.kind === 'ready') this.#prefer();
    this.#events.message(this.role, message);
  }

  /**
   * Lost when the child is dead: a new child that needs it says hello and receives it again. Nothing is sent before
   * hello: what starts the child's program (process/confine/launch.ts) has the same channel, and reads none of it.
   */
  send(message: IpcMessage): void {
    const key = kindOf(message);
    this.#waiting.delete(key);
    this.#waiting.set(key, message);
    this.#sendNext();
  }

  /**
   * Sends a request or reply, or returns why it cannot. What waits when the child dies is lost; its peer learns that
   * from `ended`.
   */
  sendCall(message: CallMessage): CallFailure | undefined {
    if (this.#channel?.isOpen !== true || !this.#greeted) return 'gone';
    const bytes = bodyBytes(message);
    const isFull = this.#waitingCalls.length >= 2 * CALL_LIMITS.count;
    // Requests and replies of both directions: twice what either may have under way.
    if (isFull || this.#waitingCallBytes + bytes > 2 * CALL_LIMITS.bytes) return 'overloaded';
    this.#waitingCalls.push(message);
    this.#waitingCallBytes += bytes;
    this.#sendNext();
    return undefined;
  }

  /** True when the child was there to get it. */
  signal(name: NodeJS.Signals): boolean {
    return this.#withRights(() => this.#process?.kill(name)) ?? false;
  }

  /** Only to a child that can have a handler for it: before hello, HUP would kill it. */
  signalGreeted(name: NodeJS.Signals): void {
    if (this.#greeted) this.signal(name);
  }

  /** It is not started again. */
  retire(): void {
    this.#retired = true;
    clearTimeout(this.#restart);
  }

  #withRights<T>(work: () => T): T {
    const { withRights } = this.#program;
    return withRights === undefined ? work() : withRights(work);
  }

  /** Its main thread, which serves; it starts with the priority of all others, so that it is there soon. */
  #prefer(): void {
    const { priority } = this.#program;
    const { pid } = this;
    if (priority === undefined || pid === undefined) return;
    try {
      this.#withRights(() => setPriority(pid, priority));
    } catch {
      // Not on this system, or it has ended: the system decides.
    }
  }

  /** Only of one that has greeted: opening a large store takes its time. */
  #listenForHeart(): void {
    this.#missed += 1;
    if (!this.#greeted || this.#missed < this.#heartbeat.missedMax) return;
    this.#missed = 0;
    this.#events.stuck(this.role);
    this.signal('SIGKILL');
  }

  #sendNext(): void {
    const channel = this.#channel;
    if (this.#sending || channel?.isOpen !== true || !this.#greeted) return;
    const next = this.#takeNext();
    if (next === undefined) return;
    this.#sending = true;
    channel.send(next, (error) => {
      if (this.#channel !== channel) return;
      this.#sending = false;
      if (error === null || error === undefined) this.#sendNext();
    });
  }

  #takeNext(): IpcMessage | CallMessage | undefined {
    const notice = this.#waiting.values().next().value;
    if (notice !== undefined) {
      this.#waiting.delete(kindOf(notice));
      return notice;
    }
    const call = this.#waitingCalls.shift();
    if (call !== undefined) this.#waitingCallBytes -= bodyBytes(call);
    return call;
  }
}

/** Control has two peers: that one has gone says nothing of the other. */
function kindOf(message: IpcMessage): string {
  return 'role' in message ? `${message.kind} ${message.role}` : message.kind;
}

function bodyBytes(message: CallMessage): number {
  return 'body' in message ? Buffer.byteLength(message.body, 'base64') : 0;
}
