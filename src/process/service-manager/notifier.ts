/**
 * What the service manager hears about the server: when it is ready, that it lives, when it reads its configuration
 * again and has done so, that it stops, and one line for `systemctl status`.
 * Implements: sd_notify(3): READY, RELOADING with MONOTONIC_USEC, STOPPING, WATCHDOG, STATUS.
 * It lives as long as the answer process does: a control process that does not come back is no reason to take DNS away
 * by a restart of everything; the line for people says so, and so do alerts.
 * Not here: how it is sent (datagram.ts).
 */
import { MANAGER_STATUS_EVERY_MS, READY_WITHOUT_CONTROL_MS, RELOAD_SAID_MS_MAX } from '#base/limits/process.ts';
import { type Role } from '#base/ipc/messages.ts';

export interface NotifierOptions {
  /** False: not now. Throws when it is not possible. */
  readonly send: (text: string) => boolean;
  readonly watchdogMs?: number;
  /** The process runs, and has said so a short while ago. */
  readonly isAlive: (role: Role) => boolean;
  /** What was not sent, once. */
  readonly complain: (why: string) => void;
  readonly readyWithoutControlMs?: number;
}

/** Of the time after which the service manager gives up: two of three datagrams may be late. */
const PINGS_PER_WATCHDOG = 3;
const REFUSED = 'the configuration that was read last has errors: the one before stays (waxseal config check)';

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #ready = new Set<Role>();
  #timer: NodeJS.Timeout | undefined;
  #starter: NodeJS.Timeout | undefined;
  #isReady = false;
  /** Until when the configuration is read again at the latest; undefined: it is not. */
  #reloadEndMs: number | undefined;
  #isLastReloadGood = true;
  #isStopping = false;
  #hasComplained = false;
  #status = '';

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  start(): void {
    const { watchdogMs } = this.#options;
    const everyMs = watchdogMs === undefined ? MANAGER_STATUS_EVERY_MS : watchdogMs / PINGS_PER_WATCHDOG;
    this.#timer = setInterval(() => this.#look(), everyMs);
    this.#timer.unref();
    this.#say('STATUS=starting');
  }

  /** A process can do its work. The server is ready when DNS is answered and changes are possible, or a while later. */
  processReady(role: Role): void {
    this.#ready.add(role);
    // A process that starts has read a good one.
    if (role === 'control') this.#isLastReloadGood = true;
    if (this.#isReady || this.#isStopping || !this.#ready.has('answer')) return;
    if (this.#ready.has('control')) return this.#becomeReady();
    const { readyWithoutControlMs = READY_WITHOUT_CONTROL_MS } = this.#options;
    this.#starter ??= setTimeout(() => this.#becomeReady(), readyWithoutControlMs).unref();
  }

  /** HUP. What comes before the server is ready is part of its start. */
  reloading(): void {
    if (!this.#isReady || this.#isStopping) return;
    this.#reloadEndMs = performance.now() + RELOAD_SAID_MS_MAX;
    const microseconds = process.hrtime.bigint() / 1000n;
    this.#status = 'reading the configuration again';
    this.#say(`RELOADING=1\nMONOTONIC_USEC=${microseconds}\nSTATUS=${this.#status}`);
    // Without it there is no configuration to read, and its next start reads it.
    if (!this.#options.isAlive('control')) this.#endReload();
  }

  /** By the control process, which says whether the configuration is good. */
  reloaded(isGood: boolean): void {
    this.#isLastReloadGood = isGood;
    if (this.#reloadEndMs !== undefined) this.#endReload();
  }

  stopping(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    clearInterval(this.#timer);
    clearTimeout(this.#starter);
    this.#say('STOPPING=1\nSTATUS=stopping');
  }

  #becomeReady(): void {
    clearTimeout(this.#starter);
    if (this.#isReady || this.#isStopping) return;
    this.#status = this.#words();
    // Not taken now: again at the next look.
    this.#isReady = this.#say(`READY=1\nSTATUS=${this.#status}`);
  }

  #endReload(): void {
    if (this.#isStopping) return;
    const words = this.#words();
    // Not taken now: again at the next look.
    if (!this.#say(`READY=1\nSTATUS=${words}`)) {
      this.#reloadEndMs = 0;
      return;
    }
    this.#reloadEndMs = undefined;
    this.#status = words;
  }

  #look(): void {
    const { isAlive } = this.#options;
    const endMs = this.#reloadEndMs;
    if (endMs !== undefined && (performance.now() >= endMs || !isAlive('control'))) this.#endReload();
    const isAnswering = isAlive('answer');
    if (!this.#isReady && this.#ready.has('answer') && this.#ready.has('control')) this.#becomeReady();
    const words = this.#words();
    const lines = [
      ...(isAnswering && this.#options.watchdogMs !== undefined ? ['WATCHDOG=1'] : []),
      ...(this.#isReady && this.#reloadEndMs === undefined && words !== this.#status ? [`STATUS=${words}`] : []),
    ];
    if (lines.length > 0 && this.#say(lines.join('\n')) && this.#isReady) this.#status = words;
  }

  #words(): string {
    const { isAlive } = this.#options;
    if (!isAlive('answer')) return 'DNS is not answered: the answer process does not run';
    if (!isAlive('control')) return 'DNS is answered; no changes: the control process does not run';
    return this.#isLastReloadGood ? 'DNS is answered' : `DNS is answered; ${REFUSED}`;
  }

  #say(text: string): boolean {
    try {
      return this.#options.send(text);
    } catch (error) {
      if (!this.#hasComplained) this.#options.complain(error instanceof Error ? error.message : String(error));
      this.#hasComplained = true;
      return false;
    }
  }
}
