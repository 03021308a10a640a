/** Random numbers from a seed: the same in every run and on every machine. */
import { randomInt } from 'node:crypto';

const SEED_MAX = 0xffff_ffff;

/** Uniform in [0, 1). */
export type Random = () => number;

/** mulberry32: the seed decides everything. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** One of `choices`. */
export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!;
}

/** The seed that the environment has in `variable`, else `otherwise`. It is printed, so that what failed can be repeated. */
export function seedOfRun(variable: string, otherwise: number = randomInt(SEED_MAX)): number {
  const seed = Number(process.env[variable] ?? otherwise);
  if (!Number.isInteger(seed) || seed < 0 || seed > SEED_MAX) throw new Error(`${variable} must be a whole number from 0 to ${SEED_MAX}`);
  console.log(`${variable}=${seed} repeats this run`);
  return seed;
}
