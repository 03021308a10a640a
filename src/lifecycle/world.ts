/**
 * Facts of one moment, and the engine's world made of them and of what one kind of object knows.
 * Not here: the kinds (mail/lives.ts), the loops over all of them (lives.ts).
 */
import { assert } from '#base/assert.ts';
import { type LifecycleObject, type LifecycleState } from './state.ts';
import { cachedUntilMs, type TtlMemory } from './ttl-memory.ts';
import { type ConditionVerdict, type Moment, type World } from './waits.ts';

/** What the control process knows at one moment. */
export interface Facts extends Moment {
  /** Who can be asked, by the names that machines use; an empty list means that there is no such witness. */
  readonly places: Readonly<Record<string, readonly string[]>>;
}

type Lengths<Data> = Readonly<Record<string, (object: LifecycleObject<Data>, sinceMs: number) => number>>;
type Places<Data> = Readonly<Record<string, (object: LifecycleObject<Data>) => readonly string[]>>;
type Conditions<Data> = Readonly<Record<string, (object: LifecycleObject<Data>, state: LifecycleState<Data>) => ConditionVerdict>>;

/** What one kind of object knows, by the names that its machine uses. `places`: those that are no facts. */
export interface Vocabulary<Data> {
  readonly durations: Lengths<Data>;
  readonly places?: Places<Data>;
  /** Why nothing was seen at a place of that name, where more is known than that. */
  readonly unseen?: Readonly<Record<string, (place: string) => string | undefined>>;
  readonly conditions: Conditions<Data>;
}

/** The engine's world. A name that a machine uses and that neither vocabulary nor facts have throws: a bug. */
export function worldOf<Data>(
  facts: Facts,
  { durations, places = {}, unseen = {}, conditions }: Vocabulary<Data>,
  overrideCommand: (object: string, wait: string) => string,
): World<Data> {
  return {
    nowMs: facts.nowMs,
    wallOffsetMs: facts.wallOffsetMs,
    durationMs: (term, object, sinceMs) => durations[term]!(object, sinceMs),
    places(name, object) {
      const found = places[name]?.(object) ?? facts.places[name];
      assert(found !== undefined, `no facts about the places ${name}`);
      return found;
    },
    unseenText: (name, place) => unseen[name]?.(place),
    condition: (id, object, state) => conditions[id]!(object, state),
    overrideCommand: ({ id }, wait) => overrideCommand(id, wait),
  };
}

/** How long after `sinceMs` caches may still hold what was given out then. */
export function cacheMs(ttls: TtlMemory, kind: string): (object: unknown, sinceMs: number) => number {
  return (_object, sinceMs) => cachedUntilMs(ttls, kind, sinceMs) - sinceMs;
}

/** A verdict without a time. */
export function verdict(isMet: boolean, text: string): ConditionVerdict {
  return { isMet, text };
}
