/**
 * How keys are rolled, as data: a life cycle for each method, whose objects are rollovers, and one for leaving DNSSEC.
 * Implements: RFC 6781 §4.1.1.1 and RFC 7583 §3.2.1 (ZSK: pre-publication), RFC 6781 §4.1.2 and RFC 7583 §3.3.1 (KSK,
 * CSK: both in the DNSKEY RRset until every cache has the new DS), RFC 6781 §4.1.4 (algorithm: the conservative
 * approach), RFC 6781 §4.2 (a compromised key), §4.3.4 (going insecure), RFC 8901 §6 (others sign the zone too).
 * Not here: what keys do at each stage (keys.ts), how long waits are (step.ts).
 */
import { PARENT_CHECK_EVERY_MS, ROLLOVER_CHECK_EVERY_MS } from '#base/limits/dnssec.ts';
import { type Machine, type TimeWait, type Wait, checkedMachine, condition } from '#lifecycle/machine.ts';

/** Rollovers that make no answer bogus. */
export const SAFE_KINDS = ['zsk', 'ksk', 'algorithm', 'unsigning'] as const;
/** A compromised key is gone at once, and the zone bogus behind caches for as long as the rollover is under way. */
export const BREAKING_KINDS = ['zsk-replaced', 'ksk-replaced'] as const;
/** Each is a machine and a list of rollovers. */
export const ROLLOVER_KINDS = [...SAFE_KINDS, ...BREAKING_KINDS] as const;
export type RolloverKind = (typeof ROLLOVER_KINDS)[number];
export type BreakingKind = (typeof BREAKING_KINDS)[number];

/** The zone with the stage's keys is at every name server that can be asked. */
const SERVED: Wait = {
  kind: 'gate',
  id: 'served',
  who: 'every name server to serve the zone with these keys',
  why: 'a resolver gets keys from one server and signatures that they do not match from another',
  rfc: 'RFC 7583 §3.1',
  observation: 'record',
  places: 'servers',
};

/**
 * Others who sign the zone have the new keys in their DNSKEY RRsets, for so long that no cache has one without: only
 * they know. There is nothing to wait for in a zone that has no other signer.
 */
const OTHERS: Wait = condition(
  'others',
  'the other signers of the zone to have the new keys in their DNSKEY RRset for longer than its TTL',
  'what the new keys sign is bogus behind resolvers that have the DNSKEY RRset of another signer',
  'RFC 8901 §6',
);

/** Exactly the DS records that this stage wants are at every name server of the parent. */
const DS: Wait = {
  kind: 'gate',
  id: 'ds',
  who: "every name server of the parent to answer with the zone's new DS records, and with no other",
  why: 'resolvers that get another DS find no key for it',
  rfc: 'RFC 7583 §3.3',
  observation: 'ds',
  places: 'parent',
  needsPlaces: true,
  isWatched: true,
  checkEveryMs: PARENT_CHECK_EVERY_MS,
};

const afterServed = (id: string, who: string, why: string, ttl: 'dnskeyTtl' | 'zoneTtl'): readonly Wait[] => {
  const caches: TimeWait = {
    kind: 'time',
    id,
    who,
    why,
    rfc: 'RFC 7583 §3.2',
    terms: ['propagation', ttl],
    since: SERVED.id,
  };
  return [SERVED, caches];
};

const KEYS_KNOWN = afterServed(
  'key-caches',
  'caches that hold the DNSKEY RRset of before',
  'what the new keys sign is bogus behind them',
  'dnskeyTtl',
);
const SIGNATURES_KNOWN = afterServed(
  'signature-caches',
  'caches that hold signatures of before',
  'records that only the old keys signed are bogus behind them',
  'zoneTtl',
);
const DS_KNOWN: readonly Wait[] = [
  DS,
  {
    kind: 'time',
    id: 'ds-caches',
    who: 'caches that hold the DS records of before',
    why: 'the zone is bogus behind them',
    rfc: 'RFC 7583 §3.3',
    terms: ['parentPropagation', 'dsTtl'],
    since: DS.id,
  },
];

/** Its objects can be called off while nothing depends on the new keys yet. */
const CALLED_OFF = { to: 'cancelled', waits: [], by: 'order' } as const;

export const ROLLOVER_MACHINES: Readonly<Record<RolloverKind, Machine>> = {
  zsk: checkedMachine({
    kind: 'zsk-rollover',
    first: 'published',
    last: ['done', 'cancelled'],
    checkEveryMs: ROLLOVER_CHECK_EVERY_MS,
    transitions: [
      { from: 'published', to: 'signing', waits: [OTHERS, ...KEYS_KNOWN] },
      { from: 'signing', to: 'done', waits: SIGNATURES_KNOWN },
      { from: 'published', ...CALLED_OFF },
    ],
  }),
  ksk: checkedMachine({
    kind: 'ksk-rollover',
    first: 'published',
    last: ['done', 'cancelled'],
    checkEveryMs: ROLLOVER_CHECK_EVERY_MS,
    transitions: [
      { from: 'published', to: 'submitted', waits: [OTHERS, ...KEYS_KNOWN] },
      { from: 'submitted', to: 'retiring', waits: [DS] },
      { from: 'retiring', to: 'done', waits: [...SIGNATURES_KNOWN, ...DS_KNOWN] },
      { from: 'published', ...CALLED_OFF },
    ],
  }),
  algorithm: checkedMachine({
    kind: 'algorithm-rollover',
    first: 'presigned',
    last: ['done', 'cancelled'],
    checkEveryMs: ROLLOVER_CHECK_EVERY_MS,
    transitions: [
      { from: 'presigned', to: 'published', waits: SIGNATURES_KNOWN },
      { from: 'published', to: 'submitted', waits: KEYS_KNOWN },
      { from: 'submitted', to: 'withdrawn', waits: DS_KNOWN },
      { from: 'withdrawn', to: 'done', waits: KEYS_KNOWN },
      { from: 'presigned', ...CALLED_OFF },
    ],
  }),
  unsigning: checkedMachine({
    kind: 'unsigning',
    first: 'deleting',
    last: ['done', 'cancelled'],
    checkEveryMs: ROLLOVER_CHECK_EVERY_MS,
    transitions: [
      { from: 'deleting', to: 'done', waits: DS_KNOWN },
      { from: 'deleting', ...CALLED_OFF },
    ],
  }),
  'zsk-replaced': replacedMachine('zsk-emergency', []),
  'ksk-replaced': replacedMachine('ksk-emergency', DS_KNOWN),
};

/** Whether its waits are for DS records at the parent. */
export function needsParent(kind: RolloverKind): boolean {
  return ROLLOVER_MACHINES[kind].transitions.some(({ waits }) => waits.some(({ id }) => id === DS.id));
}

export function isBreaking(kind: RolloverKind): kind is BreakingKind {
  return BREAKING_KINDS.some((each) => each === kind);
}

/** RFC 6781 §4.2: nothing is taken away any more; what is waited for is the end of the damage. */
function replacedMachine(kind: string, parent: readonly Wait[]): Machine {
  const [served, keys] = KEYS_KNOWN;
  const [, signatures] = SIGNATURES_KNOWN;
  return checkedMachine({
    kind,
    first: 'replaced',
    last: ['done', 'cancelled'],
    checkEveryMs: ROLLOVER_CHECK_EVERY_MS,
    transitions: [{ from: 'replaced', to: 'done', waits: [served!, keys!, signatures!, ...parent] }],
  });
}
