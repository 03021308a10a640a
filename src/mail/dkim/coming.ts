/**
 * Keys that a signer waits for: of algorithms with which nothing can be signed yet, and when that will be.
 * Not here: the waits themselves (machine.ts), keys that follow an active one, which take its place by themselves.
 */
import { type Explanation } from '#lifecycle/explain.ts';
import { cachedUntilMs, type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { type Moment } from '#lifecycle/waits.ts';
import { type DkimAlgorithm } from '#mail/policy/schema.ts';
import { type DkimState, isDkimKeyComing } from './lifecycle.ts';

export interface ComingDkimKey {
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  readonly stage: string;
  /** Wall time before which the key is not active; absent while that depends on others alone. */
  readonly earliestMs?: number;
  /** What it waits for. */
  readonly text: string;
}

/** The first keys to come of groups without an active one. `explanations`: how everything of the domain stands. */
export function comingDkimKeys(
  { lifecycle: { objects } }: DkimState,
  explanations: readonly Explanation[],
  ttls: TtlMemory,
  { nowMs, wallOffsetMs }: Moment,
): ComingDkimKey[] {
  const active = new Set(objects.filter(({ stage }) => stage === 'active').map(({ group }) => group));
  const first = new Map(
    objects
      .filter(isDkimKeyComing)
      .toReversed()
      .map((key) => [key.group, key]),
  );
  return [...first.values()]
    .filter(({ group }) => !active.has(group))
    .map(({ id, stage, data }) => {
      const told = explanations.find(({ machine, object }) => machine === 'dkim' && object === id);
      // Seen everywhere at this moment, it still waits until no cache remembers that it was not there.
      const soonMs = cachedUntilMs(ttls, 'negative', nowMs) + wallOffsetMs;
      const earliestMs = stage === 'visible' ? told?.earliestMs : soonMs;
      const open = told?.waits.filter(({ isOver }) => !isOver).map(({ text }) => text) ?? [];
      const held = told?.hold === undefined ? [] : [`held: ${told.hold.reason}`];
      const text = [...held, ...open].join('; ') || 'it continues at the next look';
      const time = earliestMs === undefined ? {} : { earliestMs };
      return { selector: id, algorithm: data.algorithm, stage, ...time, text };
    });
}
