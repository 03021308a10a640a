/**
 * What is remembered of a zone's rollovers: those under way, what caches may still hold, since when keys are used.
 * Not here: what follows from it (step.ts).
 */
import { type Hold, newLifecycle, type LifecycleState } from '#lifecycle/state.ts';
import { type SerialNotes } from '#lifecycle/lives.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { type RolloverData } from './keys.ts';
import { ROLLOVER_KINDS, type RolloverKind } from './machine.ts';

export interface RolloverState {
  readonly version: 1;
  readonly rollovers: Readonly<Record<RolloverKind, LifecycleState<RolloverData>>>;
  readonly serials: SerialNotes;
  /** Kinds: `dnskey`, and `ds` as the parent's servers give it out. */
  readonly ttls: TtlMemory;
  /** When each key was first active, counted time, by key id. */
  readonly activeSinceMs: Readonly<Record<string, number>>;
  /** Ids of keys whose DS was seen at every server of the parent; absent: none was. */
  readonly parentKeys?: readonly string[];
  /** Tags of keys that are gone, the last ones. */
  readonly pastTags: readonly number[];
}

export const NO_ROLLOVERS: RolloverState = {
  version: 1,
  rollovers: {
    zsk: newLifecycle(),
    ksk: newLifecycle(),
    algorithm: newLifecycle(),
    unsigning: newLifecycle(),
    'zsk-replaced': newLifecycle(),
    'ksk-replaced': newLifecycle(),
  },
  serials: {},
  ttls: {},
  activeSinceMs: {},
  pastTags: [],
};

/** `state` with every kind that is not held held by `hold`, for all zones; as it is without one. */
export function frozen(state: RolloverState, hold: Hold | undefined): RolloverState {
  if (hold === undefined) return state;
  return mapKinds(state, (lifecycle) => (lifecycle.hold === undefined ? { ...lifecycle, hold } : lifecycle));
}

/** What `frozen` did taken back. */
export function thawed(state: RolloverState, hold: Hold): RolloverState {
  return mapKinds(state, (lifecycle) => {
    const { hold: held, ...rest } = lifecycle;
    return held === hold ? rest : lifecycle;
  });
}

type Lifecycle = LifecycleState<RolloverData>;

function mapKinds(state: RolloverState, change: (lifecycle: Lifecycle) => Lifecycle): RolloverState {
  const rollovers = ROLLOVER_KINDS.map((kind) => [kind, change(state.rollovers[kind])]);
  return { ...state, rollovers: Object.fromEntries(rollovers) as RolloverState['rollovers'] };
}

/** Every rollover that is under way, with its kind. */
export function rolloversOf({ rollovers }: RolloverState) {
  return ROLLOVER_KINDS.flatMap((kind) => rollovers[kind].objects.map((object) => ({ kind, object })));
}
