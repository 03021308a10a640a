/**
 * The process that `waxseal serve` starts in: its children, control, answer and policy host, each started again when it
 * dies, and the line between them. It opens no store, no socket and no key, so that there is next to nothing in it that
 * can fail.
 * DNS answering does not depend on control being alive: the answer process never has to stop because of it. A policy
 * host that cannot start is tried again, and stops nothing.
 * Not here: what the messages mean (base/ipc/messages.ts), settling addresses (server/listen.ts), reading the
 * configuration (supervise.ts).
 */
import { CALL_PEER, type CallMessage } from '#base/ipc/calls.ts';
import { type AnswerSettings, type CookieSecretTexts, type IpcMessage } from '#base/ipc/messages.ts';
import { type PolicyHostSettings, type Role, peersOf, receiversOf } from '#base/ipc/messages.ts';
import { POLICY_HOST_START_MS } from '#base/limits/https.ts';
import { SHUTDOWN_MS } from '#base/limits/server.ts';
import { RESTART_TIMES, type RestartTimes } from '#base/restart-delay.ts';
import { DroppedMessages } from '#process/children/dropped-messages.ts';
import { XdpOpener, type XdpOpening } from '#process/children/xdp-opener.ts';
import { type ChildEnd, type ChildProgram, SupervisedChild } from '#process/children/supervised-child.ts';
import { HEARTBEAT_TIMES, type HeartbeatTimes } from '#process/children/supervised-child.ts';

export interface SupervisorOptions {
  readonly control: ChildProgram;
  readonly answer: ChildProgram;
  /** Given to the answer process at each start; addresses settled (server/listen.ts). */
  readonly settings: AnswerSettings;
  /** Absent: there is none. */
  readonly policyHost?: { readonly program: ChildProgram; readonly settings: PolicyHostSettings } | undefined;
  /** One line about what has happened to a child: the event's name, and its text. */
  readonly log: (event: ChildEvent, text: string) => void;
  /** AF_XDP at interfaces that come while the answer process runs; absent: it is not wanted. */
  readonly xdp?: XdpOpening | undefined;
  /** Resolves when any number of threads of the answer process may open the store (store-hold.ts); absent: at once. */
  readonly holdStore?: () => Promise<void>;
  /** A child can do its work; in each of its lives. */
  readonly ready?: (role: Role) => void;
  /** The control process has read its configuration again, and whether that is good. */
  readonly reloaded?: (isGood: boolean) => void;
  readonly restartTimes?: RestartTimes;
  readonly shutdownMs?: number;
  readonly heartbeat?: HeartbeatTimes;
}

type ProcessEvent = 'process.bad-message' | 'process.ended' | 'process.killed' | 'process.not-started';
export type ChildEvent = ProcessEvent | 'udp.xdp-not-opened';

interface Children extends Partial<Readonly<Record<Role, SupervisedChild>>> {
  readonly control: SupervisedChild;
  readonly answer: SupervisedChild;
}

export class Supervisor {
  /** 0 after a clean drain, that of a child that cannot start, 1 when a child had to be killed. Never rejects. */
  readonly exitCode: Promise<number>;
  readonly #options: SupervisorOptions;
  readonly #children: Children;
  readonly #finish: (code: number) => void;
  /**
   * Children that have done their work in this run: what keeps them from starting again may pass, and DNS
   * continues meanwhile.
   */
  readonly #wereReady = new Set<Role>();
  readonly #dropped: DroppedMessages;
  readonly #opener: XdpOpener | undefined;
  #settings: AnswerSettings;
  #stopping = false;
  #code = 0;
  #killer: NodeJS.Timeout | undefined;
  #starter: NodeJS.Timeout | undefined;
  #isPolicyHostStarted = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#settings = options.settings;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.exitCode = promise;
    this.#finish = resolve;
    this.#dropped = new DroppedMessages({
      log: (role, more, total) => {
        const have = more === 1 ? 'message has' : 'messages have';
        const what = `${more} ${have} not the form of ours (${total} in all); dropped`;
        const why = 'only a process that was taken over, or a bug, sends such';
        options.log('process.bad-message', `${role} process: ${what}; ${why}`);
      },
      tell: (role, count) => this.#children.control.send({ kind: 'dropped', role, count }),
    });
    this.#opener =
      options.xdp &&
      new XdpOpener(options.xdp, (why) =>
        options.log('udp.xdp-not-opened', `AF_XDP could not be opened again, ${why}; recvmmsg serves there`),
      );
    const { restartTimes: times = RESTART_TIMES, heartbeat = HEARTBEAT_TIMES } = options;
    const events = {
      greeted: (role: Role) => {
        if (role === 'answer') this.#children.answer.send({ kind: 'start', settings: this.#settings });
        if (role === 'control') {
          this.#startPolicyHost();
          this.#dropped.tellAll();
        }
        const { policyHost } = options;
        if (role === 'policy-host' && policyHost !== undefined)
          this.#children[role]?.send({ kind: 'start-policy-host', settings: policyHost.settings });
      },
      message: (role: Role, message: IpcMessage) => this.#relay(role, message),
      call: (role: Role, message: CallMessage) => this.#relayCall(role, message),
      malformed: (role: Role) => this.#dropped.add(role),
      stuck: (role: Role) => options.log('process.killed', `${role} process runs and does not answer; killing it`),
      ended: (role: Role, end: ChildEnd, waitMs: number) => this.#ended(role, end, waitMs),
    };
    this.#children = {
      control: new SupervisedChild('control', options.control, events, times, heartbeat),
      answer: new SupervisedChild('answer', options.answer, events, times, heartbeat),
      ...(options.policyHost === undefined
        ? {}
        : { 'policy-host': new SupervisedChild('policy-host', options.policyHost.program, events, times, heartbeat) }),
    };
  }

  /** Process ids of the children that run now. */
  get pids(): Readonly<Partial<Record<Role, number | undefined>>> {
    return Object.fromEntries(this.#all().map((child) => [child.role, child.pid]));
  }

  /** The process runs, and its event loop turned a short while ago. */
  isAlive(role: Role): boolean {
    return this.#children[role]?.isAlive === true;
  }

  /** Answering first: it is what a restart must not keep waiting. */
  start(): void {
    this.#children.answer.start();
    this.#children.control.start();
    this.#starter = setTimeout(() => this.#startPolicyHost(), POLICY_HOST_START_MS);
  }

  /**
   * Once, when control is there: it has made what a first start of the policy host needs, and DNS is not kept waiting.
   * Without control, a little later.
   */
  #startPolicyHost(): void {
    clearTimeout(this.#starter);
    if (this.#stopping || this.#isPolicyHostStarted) return;
    this.#isPolicyHostStarted = true;
    this.#children['policy-host']?.start();
  }

  /**
   * First call: the children are asked to end (TERM), and killed if they have not after SHUTDOWN_MS. Second call:
   * killed now.
   */
  stop(): void {
    if (this.#stopping) {
      this.#kill('asked a second time to stop');
      return;
    }
    this.#stopping = true;
    clearTimeout(this.#starter);
    this.#opener?.stop();
    for (const child of this.#all()) {
      child.retire();
      child.signal('SIGTERM');
    }
    this.#killer = setTimeout(() => this.#kill('not ended in time'), this.#options.shutdownMs ?? SHUTDOWN_MS);
    this.#finishIfDone();
  }

  /** The children read their configuration again (HUP). */
  reload(): void {
    for (const child of this.#all()) child.signalGreeted('SIGHUP');
  }

  /** For the answer process that runs now, and those to come. */
  useCookieSecrets(secrets: CookieSecretTexts): void {
    this.#settings = { ...this.#settings, cookies: { secrets } };
    this.#children.answer.send({ kind: 'cookie-secrets', secrets });
  }

  #all(): readonly SupervisedChild[] {
    return Object.values(this.#children);
  }

  #kill(why: string): void {
    for (const child of this.#all()) {
      if (!child.running) continue;
      this.#options.log('process.killed', `${child.role} process: ${why}; killing it`);
      this.#code ||= 1;
      child.signal('SIGKILL');
    }
  }

  #relay(from: Role, message: IpcMessage): void {
    if (message.kind === 'ready' && message.role === from) {
      this.#wereReady.add(from);
      this.#options.ready?.(from);
    }
    if (message.kind === 'store-open' && from === 'answer') return void this.#storeOpened();
    if (message.kind === 'reloaded' && from === 'control') return this.#options.reloaded?.(message.isGood);
    if (message.kind === 'xdp-wanted' && from === 'answer') return this.#openXdp(message.interfaces);
    const receivers = receiversOf(from, message);
    if (receivers.length === 0) this.#dropped.add(from);
    for (const to of receivers) this.#children[to]?.send(message);
  }

  #openXdp(interfaces: readonly string[]): void {
    const { handOver } = this.#children.answer;
    if (handOver !== undefined && !this.#stopping) this.#opener?.open(interfaces, handOver);
  }

  async #storeOpened(): Promise<void> {
    await this.#options.holdStore?.();
    this.#children.answer.send({ kind: 'store-held' });
  }

  /**
   * A request that cannot be passed on is answered here. A reply that cannot be is lost: its request ends by itself.
   */
  #relayCall(from: Role, message: CallMessage): void {
    const { peer: named, ...rest } = message;
    const to = from === 'control' ? (named ?? CALL_PEER) : 'control';
    const isSpecial = from !== 'control' && from !== CALL_PEER;
    const child = this.#children[to];
    const why = child === undefined ? 'gone' : child.sendCall(isSpecial ? { ...rest, peer: from } : rest);
    if (why === undefined || message.kind === 'reply') return;
    const peer = from === 'control' && named !== undefined ? { peer: named } : {};
    this.#children[from]?.sendCall({ kind: 'reply', id: message.id, why, ...peer });
  }

  #ended(role: Role, end: ChildEnd, waitMs: number): void {
    for (const peer of peersOf(role)) this.#children[peer]?.send({ kind: 'gone', role });
    const how = end.signal ?? (end.code === null ? 'could not be started' : `exit code ${end.code}`);
    if (end.unable !== undefined && !this.#wereReady.has(role) && role !== 'policy-host') {
      this.#code ||= end.unable;
      if (!this.#stopping) {
        this.#options.log('process.not-started', `${role} process cannot start (${how}); stopping`);
        this.stop();
      }
    } else if (this.#stopping) {
      // A child that was asked to end before it had its signal handlers has nothing to drain.
      const isDrained = end.code === 0 || end.unable !== undefined || (end.signal === 'SIGTERM' && !end.greeted);
      if (!isDrained) {
        this.#options.log('process.ended', `${role} process ended with ${how} while stopping`);
        this.#code ||= 1;
      }
    } else {
      this.#options.log('process.ended', `${role} process ended (${how}); starting it again in ${waitMs} ms`);
    }
    this.#finishIfDone();
  }

  #finishIfDone(): void {
    if (!this.#stopping || this.#all().some((each) => each.running)) return;
    clearTimeout(this.#killer);
    this.#finish(this.#code);
  }
}

/** TERM and INT drain, a second one kills; HUP reloads. */
export function obeySignals(own: NodeJS.Process, supervisor: Supervisor): void {
  own.on('SIGTERM', () => supervisor.stop());
  own.on('SIGINT', () => supervisor.stop());
  own.on('SIGHUP', () => supervisor.reload());
}
