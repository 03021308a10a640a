/**
 * Gives memory back that a process has needed and needs no more: V8 collects when it must, which in a process that
 * rests is never. When the process did little for a while and its heap has grown since the last time, the garbage is
 * collected and the empty pages go back to the system.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { IDLE_MEMORY_BUSY_SHARE, IDLE_MEMORY_GROWN_BYTES, IDLE_MEMORY_LOOK_MS } from '#base/limits/process.ts';

export interface IdleMemoryOptions {
  readonly lookMs: number;
  /** Octets of the heap, and of what it holds outside. */
  readonly heldBytes: () => number;
  /** Microseconds of processor time so far. */
  readonly cpuMicroseconds: () => number;
  readonly collect: () => void;
}

export class IdleMemory {
  readonly #options: IdleMemoryOptions;
  #timer: NodeJS.Timeout | undefined;
  #cpu = 0;
  /** After the last collection. */
  #leastBytes = 0;

  /** A test gives some of them. */
  constructor(options: Partial<IdleMemoryOptions> = {}) {
    this.#options = { lookMs: IDLE_MEMORY_LOOK_MS, heldBytes, cpuMicroseconds, collect: collector(), ...options };
  }

  start(): void {
    this.#cpu = this.#options.cpuMicroseconds();
    this.#timer = setInterval(() => this.#look(), this.#options.lookMs).unref();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  #look(): void {
    const { lookMs, heldBytes: held, cpuMicroseconds: cpu, collect } = this.#options;
    const before = this.#cpu;
    this.#cpu = cpu();
    if (this.#cpu - before > IDLE_MEMORY_BUSY_SHARE * lookMs * 1000) return;
    if (held() < this.#leastBytes + IDLE_MEMORY_GROWN_BYTES) return;
    collect();
    this.#leastBytes = held();
    // What collecting took is not what the process does.
    this.#cpu = cpu();
  }
}

function heldBytes(): number {
  const { heapTotal, external } = process.memoryUsage();
  return heapTotal + external;
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * V8's own collection of everything, which has a name only when a flag says so. An ordinary one keeps the empty pages
 * for what comes next; the last resort gives them back.
 */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const how = { type: 'major', flavor: 'last-resort' } as const;
  const collect = runInNewContext('gc') as (options: typeof how) => void;
  return () => collect(how);
}
