/**
 * A server under test: started on one core, stopped with SIGSTOP while others are measured, ended at the end whatever happens.
 * Not here: how each server is configured (peers/).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processTree } from './cores.ts';
import { ask, hasAnswer } from './dns-probe.ts';

export const ADDRESS = '127.0.0.1';
const STOP_MS = 20_000;
const LOOK_EVERY_MS = 10;

export interface DaemonOptions {
  readonly program: string;
  readonly words: readonly string[];
  /** Cores, in the form of taskset. */
  readonly cores: string;
  /** Where its log goes, and its working directory. */
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export class Daemon {
  readonly port: number;
  /** Its own. */
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #log: string;
  readonly #killAtExit: () => void;
  #paused = false;

  constructor(port: number, { program, words, cores, folder, environment = {} }: DaemonOptions) {
    this.port = port;
    this.folder = folder;
    this.#log = join(folder, 'log');
    const log = openSync(this.#log, 'a');
    const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
    this.#child = spawn('taskset', ['-c', cores, program, ...words], {
      cwd: folder,
      env: { ...process.env, PATH: path, ...environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
    this.#killAtExit = () => this.#signal('SIGKILL');
    process.once('exit', this.#killAtExit);
  }

  /** Milliseconds until it answered `query`. Throws with the end of its log when it ends before, or takes longer than `limitMs`. */
  async ready(query: Buffer, limitMs: number, good: (answer: Buffer | undefined) => boolean = hasAnswer): Promise<number> {
    const startedMs = performance.now();
    for (;;) {
      const isGood = good(await ask(this.port, query, 200));
      const tookMs = performance.now() - startedMs;
      if (isGood) return tookMs;
      if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null || tookMs > limitMs) {
        const said = this.log().split('\n').slice(-20).join('\n');
        await this.stop();
        throw new Error(`${this.#child.spawnargs.join(' ')}: no answer after ${Math.round(tookMs)} ms\n${said}`);
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  /** The process and its children, as they are now. */
  pids(): readonly number[] {
    return this.#child.pid === undefined ? [] : processTree(this.#child.pid);
  }

  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  pause(): void {
    this.#paused = true;
    this.#signal('SIGSTOP');
  }

  resume(): void {
    this.#paused = false;
    this.#signal('SIGCONT');
  }

  log(): string {
    return readFileSync(this.#log, 'latin1');
  }

  async stop(): Promise<void> {
    process.off('exit', this.#killAtExit);
    if (this.#paused) this.resume();
    const pids = this.pids();
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    const killer = setTimeout(() => {
      for (const pid of new Set([...pids, ...this.pids()])) kill(pid, 'SIGKILL');
    }, STOP_MS);
    await this.#ended;
    clearTimeout(killer);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    for (const pid of this.pids()) kill(pid, signal);
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
