/**
 * Starts the program that opens AF_XDP at interfaces which have come since the answer process began. The answer process
 * asks for it, and may have been taken over: it gets no interfaces but those of the configuration, one program at a
 * time, and not often.
 * Not here: the program (process/confine/open-xdp.ts), who asks (server/udp/xdp-service.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { XDP_REOPEN_EVERY_MS, XDP_REOPEN_MS_MAX } from '#base/limits/server.ts';
import { type ChildProgram } from './supervised-child.ts';
import type { XdpOrder } from '#server/udp/xdp-open.ts';

/** The program, and what it may open. Its order is its only argument. */
export interface XdpOpening {
  readonly program: ChildProgram;
  readonly order: XdpOrder;
}

export class XdpOpener {
  readonly #opening: XdpOpening;
  readonly #everyMs: number;
  readonly #limitMs: number;
  readonly #failed: (why: string) => void;
  #child: ChildProcess | undefined;
  #startedMs = -Infinity;

  /** `failed` gets why a program did not end as it should. */
  constructor(
    opening: XdpOpening,
    failed: (why: string) => void,
    { everyMs = 0.8 * XDP_REOPEN_EVERY_MS, limitMs = XDP_REOPEN_MS_MAX } = {},
  ) {
    this.#opening = opening;
    this.#failed = failed;
    this.#everyMs = everyMs;
    this.#limitMs = limitMs;
  }

  /** The program hands over what it opens through `socket`. Nothing is done while one runs, or just after one began. */
  open(names: readonly string[], socket: Duplex): void {
    const { program, order } = this.#opening;
    const interfaces = order.interfaces.filter((each) => names.includes(each));
    const nowMs = performance.now();
    if (interfaces.length === 0 || this.#child !== undefined || nowMs - this.#startedMs < this.#everyMs) return;
    // The answer process has ended, or has closed its end.
    if (socket.destroyed) return;
    this.#startedMs = nowMs;
    const { script, nodeOptions = [], environment, withRights } = program;
    const file = typeof script === 'string' ? script : fileURLToPath(script);
    const words = [...nodeOptions, file, JSON.stringify({ interfaces, ports: order.ports } satisfies XdpOrder)];
    const start = () =>
      spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit', socket], env: { ...environment } });
    const child = withRights === undefined ? start() : withRights(start);
    this.#child = child;
    const timer = setTimeout(() => this.stop(), this.#limitMs);
    const ended = (how: string | undefined) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      clearTimeout(timer);
      if (how !== undefined) this.#failed(`${interfaces.join(', ')}: ${how}`);
    };
    child.once('exit', (code, signal) => ended(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
    child.once('error', (error) => ended(error.message));
  }

  /** Ends a program that runs. */
  stop(): void {
    const { withRights } = this.#opening.program;
    const kill = () => this.#child?.kill('SIGKILL');
    if (withRights === undefined) kill();
    else withRights(kill);
  }
}
