/**
 * What the keys of a zone do while rollovers are under way.
 * Implements: the tables of RFC 6781 §4.1.1.1, §4.1.2 and §4.1.4.
 * Not here: when a rollover goes to its next stage (machine.ts), what a stage of a key means (dnssec/key-stage.ts).
 */
import { assert } from '#base/assert.ts';
import { type LifecycleObject } from '#lifecycle/state.ts';
import { type AlgorithmNumber } from '#dnssec/algorithm.ts';
import { type KeyRole, type KeyStage } from '#dnssec/key-stage.ts';
import { type RolloverKind, isBreaking } from './machine.ts';

/** What a rollover needs to know of a key; a record in the store has more. */
export interface ZoneKey {
  readonly id: string;
  readonly keyTag: number;
  readonly algorithm: AlgorithmNumber;
  readonly role: KeyRole;
  readonly state: KeyStage;
  /** DNSKEY RDATA, base64. */
  readonly dnskey: string;
}

/** Ids of the keys that go and of those that come. */
export interface RolloverData {
  readonly out: readonly string[];
  readonly in: readonly string[];
  /** How long caches may hold, from the entry into `stage` on, what was signed before. */
  readonly cached?: { readonly stage: string; readonly ms: number };
}

export type Rollover = LifecycleObject<RolloverData>;

interface Stages {
  readonly out: KeyStage;
  readonly in: KeyStage;
}

const STAGES: Readonly<Record<RolloverKind, Readonly<Record<string, Stages>>>> = {
  // RFC 6781 §4.1.1.1
  zsk: {
    published: { out: 'active', in: 'published' },
    signing: { out: 'retired', in: 'active' },
  },
  // RFC 6781 §4.1.2. A CSK's other half changes hands when the DS has: both keys are known to every validator by then.
  ksk: {
    published: { out: 'active', in: 'published' },
    submitted: { out: 'signing', in: 'submitted' },
    retiring: { out: 'retired', in: 'active' },
  },
  // RFC 6781 §4.1.4: signatures of a new algorithm before its key, the key before its DS, and the other way round.
  algorithm: {
    presigned: { out: 'active', in: 'presigned' },
    published: { out: 'active', in: 'signing' },
    submitted: { out: 'signing', in: 'active' },
    withdrawn: { out: 'withdrawn', in: 'active' },
  },
  unsigning: { deleting: { out: 'active', in: 'active' } },
  // RFC 6781 §4.2: those that go are gone.
  'zsk-replaced': { replaced: { out: 'active', in: 'active' } },
  'ksk-replaced': { replaced: { out: 'active', in: 'active' } },
};

/** What the keys that come do when a rollover of this kind begins. */
export function firstKeyStage(kind: RolloverKind): KeyStage {
  if (isBreaking(kind)) return 'active';
  return kind === 'algorithm' ? 'presigned' : 'published';
}

/** The key as it is while a rollover of this kind concerns it; undefined when none does. */
export function stageIn(
  kind: RolloverKind,
  { stage, data }: Rollover,
  { id }: Pick<ZoneKey, 'id'>,
): KeyStage | undefined {
  const stages = STAGES[kind][stage];
  assert(stages !== undefined, `a ${kind} rollover that is ${stage}`);
  if (data.in.includes(id)) return stages.in;
  return data.out.includes(id) ? stages.out : undefined;
}
