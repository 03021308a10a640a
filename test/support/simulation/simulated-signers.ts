/**
 * Mail signers of a simulated domain: three that take a new key at times of their own. Two say so; the third was never enrolled, and
 * follows within the hour that is allowed. When a key leaked, everybody is told at once.
 */
import { type Random } from '../random.ts';
import { DAY_MS, HOUR_MS, type Use } from './diary.ts';

const SIGNERS = ['mta1', 'mta2', 'forgotten'];

/** Something that happens at its time. */
export interface Errand {
  readonly atMs: number;
  run(): void;
}

export class SimulatedSigners {
  readonly #random: Random;
  readonly #uses: Use[];
  readonly #acknowledge: (signer: string, selectors: readonly string[]) => void;
  /** By algorithm, the selector that they are given when they ask. */
  readonly #offered = new Map<string, string | undefined>();

  /** Writes what signs with which selector into `uses`: `mta1/ed25519/e20261121a`. */
  constructor(random: Random, uses: Use[], acknowledge: (signer: string, selectors: readonly string[]) => void) {
    this.#random = random;
    this.#uses = uses;
    this.#acknowledge = acknowledge;
  }

  /** From now on they are given `selector`; those in `revoked` are taken from them. What follows later is in the errands. */
  offer(algorithm: string, selector: string | undefined, revoked: ReadonlySet<string>, nowMs: number): Errand[] {
    const isChanged = selector !== this.#offered.get(algorithm);
    this.#offered.set(algorithm, selector);
    for (const signer of SIGNERS)
      if (revoked.has(this.#use(signer, algorithm)?.what.split('/')[2] ?? '')) this.#look(signer, algorithm, nowMs);
    if (!isChanged) return [];
    return SIGNERS.map((signer) => {
      const lateMs = signer === 'forgotten' ? HOUR_MS : signer === 'mta2' && this.#random() < 0.3 ? 4 * DAY_MS : 2 * HOUR_MS;
      const atMs = nowMs + this.#random() * lateMs;
      return { atMs, run: () => this.#look(signer, algorithm, atMs) };
    });
  }

  #use(signer: string, algorithm: string): Use | undefined {
    return this.#uses.findLast((use) => use.what.startsWith(`${signer}/${algorithm}/`) && use.endMs === Infinity);
  }

  /** Slow signers take what is there when they look. */
  #look(signer: string, algorithm: string, atMs: number): void {
    const last = this.#use(signer, algorithm);
    const selector = this.#offered.get(algorithm);
    const what = selector === undefined ? undefined : `${signer}/${algorithm}/${selector}`;
    if (last?.what === what) return;
    if (last !== undefined) last.endMs = atMs;
    if (what === undefined) return;
    this.#uses.push({ what, fromMs: atMs, endMs: Infinity });
    if (signer === 'forgotten') return;
    // One says what it took, the other all that it signs with. What either says of a key that is not active counts for nothing.
    const inUse = this.#uses.filter((use) => use.what.startsWith(`${signer}/`) && use.endMs === Infinity);
    const told = signer === 'mta2' ? [selector!] : inUse.map((use) => use.what.split('/')[2]!);
    this.#acknowledge(signer, told);
  }
}
