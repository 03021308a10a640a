/**
 * DKIM keys of a domain over time: which are wanted, what their selectors are called, when they change, and orders to rotate or revoke.
 * Pure: keys are made elsewhere, when `wantedDkimKeys` asks for them.
 * Not here: the stages and waits (machine.ts), records (mail/compile-records.ts), private keys.
 */
import { atObject } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { order, type OrderCause, type LifecycleEvent } from '#lifecycle/engine.ts';
import {
  addObject,
  changeObject,
  findObject,
  type LifecycleObject,
  type LifecycleState,
  newLifecycle,
  noObject,
  observe,
} from '#lifecycle/state.ts';
import { type ConditionVerdict, type World } from '#lifecycle/waits.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { DKIM_MACHINE } from './machine.ts';
import { cacheMs, type MailFacts, mailWorld, verdict } from '#lifecycle/world.ts';
import { type DkimPolicy } from './settle.ts';
import { type DkimAlgorithm } from '#mail/policy/schema.ts';

export interface DkimKeyData {
  readonly algorithm: DkimAlgorithm;
  /** base64, as in "p=". */
  readonly publicKey: string;
  /** Where the private key is kept; absent when a signer made the key and keeps it. */
  readonly secretId?: string;
  /** The signer that keeps the key to itself. */
  readonly signer?: string;
  /** Why it is not to be trusted any more. */
  readonly compromised?: string;
}

export type DkimKey = LifecycleObject<DkimKeyData>;
type Keys = LifecycleState<DkimKeyData>;

export interface DkimState {
  readonly lifecycle: Keys;
  /** The last selector given out, by algorithm: later ones come after it, so no name is ever used again, whatever the clock says. */
  readonly names: Readonly<Record<string, { readonly date: string; readonly count: number }>>;
  /** Orders to rotate, by group: away from the key `from`. */
  readonly rotations: Readonly<Record<string, Rotation>>;
}

type Rotation = OrderCause & { readonly from: string };

export function newDkimState(): DkimState {
  return { lifecycle: newLifecycle(), names: {}, rotations: {} };
}

/** A key that was just made. `publicKey` is base64, as in "p=". */
export type NewDkimKey = Pick<DkimKeyData, 'algorithm' | 'publicKey' | 'secretId' | 'signer'>;

/** Mail may be signed in these. */
const WAITING_STAGES: readonly string[] = ['generated', 'published', 'visible'];
/** The next key is published this long before its turn, or half the interval if that is less: a stuck secondary has days to recover. */
const PREPARE_MS_MAX = 2 * 86_400_000;
/** Beyond the queue life that senders admit to, as a part of it: with 5 days, a key stays for 7. */
const SLACK = 0.4;

/** Longest time without a query that is asked for as evidence: what is sent daily shows within it. */
const QUIET_MS_MAX = 86_400_000;

/** How long nobody must have asked for a selector before it counts as unused. A resolver that has the record asks again only after its TTL. */
export function dkimQuietMs({ queueLifeMs }: DkimPolicy, recordTtlMs: number): number {
  return Math.max(recordTtlMs, Math.min(QUIET_MS_MAX, queueLifeMs));
}

/** Keys that replace each other: of one algorithm, and of one signer if it makes its own. */
export function dkimGroup({ algorithm, signer }: Pick<DkimKeyData, 'algorithm' | 'signer'>): string {
  return signer === undefined ? algorithm : `${signer}/${algorithm}`;
}

/** The world that the engine sees DKIM keys in. */
export function dkimWorld(state: DkimState, policy: DkimPolicy, ttls: TtlMemory, facts: MailFacts, zone: string): World<DkimKeyData> {
  return mailWorld(facts, zone, {
    durations: {
      negativeTtl: cacheMs(ttls, 'negative'),
      recordTtl: cacheMs(ttls, 'dkim'),
      signerLag: () => policy.signerLagMs,
      queueLife: () => policy.queueLifeMs,
      slack: () => policy.queueLifeMs * SLACK,
      revokedFor: () => policy.revokedForMs,
    },
    places: {
      servers: () => facts.servers,
      signers: ({ data: { signer } }) => (signer === undefined ? policy.signers : [signer]),
      queryCounters: () => facts.queryCounters,
      reportSources: () => facts.reportSources,
    },
    conditions: {
      'rotation-due': (object, { objects }) => rotationDue(state, objects, object, policy, facts),
      unwanted: ({ data }) => verdict(!isWanted(data, policy), `the policy has ${policy.algorithms.join(' and ') || 'no keys of its own'}`),
      compromised: ({ data }) => verdict(data.compromised !== undefined, data.compromised ?? 'nobody reported it'),
      revocation: () => verdict(policy.afterRetirement === 'revoke', `the policy says: ${policy.afterRetirement}`),
    },
  });
}

function isWanted({ algorithm, signer }: DkimKeyData, policy: DkimPolicy): boolean {
  return signer === undefined ? policy.algorithms.includes(algorithm) : policy.signers.includes(signer);
}

function rotationDue(
  state: DkimState,
  objects: readonly DkimKey[],
  object: DkimKey,
  policy: DkimPolicy,
  facts: MailFacts,
): ConditionVerdict {
  if (!isWanted(object.data, policy)) return verdict(false, 'the policy does without this kind of key');
  const active = objects.find((each) => each.group === object.group && each.stage === 'active');
  if (active === undefined) return verdict(true, 'no other key signs');
  const ordered = state.rotations[object.group];
  if (ordered?.from === active.id) return verdict(true, `rotation ordered by ${ordered.by}: ${ordered.reason}`);
  // Who makes its own keys says with each new one that it wants to use it.
  if (object.data.signer !== undefined) return verdict(true, `${object.data.signer} has made a new key`);
  const atMs = active.enteredAtMs + policy.rotationIntervalMs;
  const text = `${active.id} signs until ${formatTime(atMs + facts.wallOffsetMs)}`;
  return atMs <= facts.nowMs ? verdict(true, text) : { isMet: false, text, atMs };
}

export interface WantedKeys {
  /** Keys to be made now, one entry each. */
  readonly algorithms: readonly DkimAlgorithm[];
  /** When the next will be wanted, if nothing else happens. */
  readonly nextMs?: number;
}

/** Keys that the policy needs and that are not there yet. */
export function wantedDkimKeys(state: DkimState, policy: DkimPolicy, { nowMs }: MailFacts): WantedKeys {
  const algorithms: DkimAlgorithm[] = [];
  const times: number[] = [];
  for (const algorithm of policy.algorithms) {
    const group = state.lifecycle.objects.filter((each) => each.group === algorithm);
    const active = group.find((each) => each.stage === 'active');
    const waiting = group.filter((each) => WAITING_STAGES.includes(each.stage)).length;
    const prepareMs = Math.min(PREPARE_MS_MAX, policy.rotationIntervalMs / 2);
    const soonMs = active === undefined ? nowMs : active.enteredAtMs + policy.rotationIntervalMs - prepareMs;
    const ordered = state.rotations[algorithm];
    const isOrdered = active !== undefined && ordered?.from === active.id;
    const isSoon = soonMs <= nowMs || isOrdered;
    if (!isSoon) times.push(soonMs);
    for (let missing = Math.max(policy.spareKeys, isSoon ? 1 : 0) - waiting; missing > 0; missing--) algorithms.push(algorithm);
  }
  return { algorithms, ...(times.length === 0 ? {} : { nextMs: Math.min(...times) }) };
}

/** `state` with a new key under a selector that was never used. `isTaken` tells names that the zone has for something else. */
export function addDkimKey(
  state: DkimState,
  key: NewDkimKey,
  { nowMs, wallOffsetMs }: MailFacts,
  isTaken: (selector: string) => boolean,
): { readonly state: DkimState; readonly selector: string } {
  const today = new Date(nowMs + wallOffsetMs).toISOString().slice(0, 10).replaceAll('-', '');
  const last = state.names[key.algorithm];
  const date = last !== undefined && last.date > today ? last.date : today;
  let count = last?.date === date ? last.count + 1 : 0;
  const selectorOf = () => `${key.algorithm[0]}${date}${letters(count)}`;
  while (isTaken(selectorOf())) count++;
  const selector = selectorOf();
  const lifecycle = addObject(state.lifecycle, { id: selector, group: dkimGroup(key), stage: DKIM_MACHINE.first, data: key }, nowMs);
  return { state: { ...state, lifecycle, names: { ...state.names, [key.algorithm]: { date, count } } }, selector };
}

/** a … z, aa, ab … */
function letters(count: number): string {
  return (count >= 26 ? letters(Math.floor(count / 26) - 1) : '') + String.fromCharCode(0x61 + (count % 26));
}

/** Notes that keys of these algorithms are to change as soon as that is safe; without any, all that are active. */
export function rotateDkim(state: DkimState, algorithms: readonly DkimAlgorithm[], cause: OrderCause): Result<DkimState> {
  const active = state.lifecycle.objects.filter((each) => each.stage === 'active');
  const chosen = active.filter(({ data }) => data.signer === undefined && (algorithms.length === 0 || algorithms.includes(data.algorithm)));
  if (chosen.length === 0)
    return fail(
      problem(
        'LIFECYCLE_ORDER',
        atObject(algorithms.join(', ')),
        'no such key of ours signs, so there is nothing to rotate; a first key takes its place by itself',
      ),
    );
  const rotations = Object.fromEntries(chosen.map(({ id, group }) => [group, { ...cause, from: id }]));
  return ok({ ...state, rotations: { ...state.rotations, ...rotations } });
}

/**
 * Takes a key for compromised. At once: its record becomes `p=` now, mail under way fails, and until another key is visible everywhere
 * nothing is signed with this algorithm. After the switch: it goes on until the next key signs, then is revoked without the queue wait.
 */
export function revokeDkim(
  state: DkimState,
  selector: string,
  when: 'at-once' | 'after-switch',
  cause: OrderCause,
): Result<{ readonly state: DkimState; readonly events: readonly LifecycleEvent[] }> {
  const key = findObject(state.lifecycle, selector);
  if (key === undefined) return noObject(selector);
  if (cause.reason.trim() === '')
    return fail(problem('LIFECYCLE_REASON', atObject(selector), 'a revocation needs a reason, which is written into the audit log'));
  const marked = changeObject(state.lifecycle, selector, (each) => ({ ...each, data: { ...each.data, compromised: cause.reason } }));
  const rotations = { ...state.rotations, [key.group]: { ...cause, from: selector } };
  // A key that does not sign is not switched away from.
  if (when === 'after-switch' && key.stage === 'active') return ok({ state: { ...state, lifecycle: marked, rotations }, events: [] });
  const done = order(DKIM_MACHINE, marked, selector, 'compromised', cause);
  return done.ok ? ok({ state: { ...state, lifecycle: done.value.state, rotations }, events: done.value.events }) : done;
}

/** A signer says which selectors it signs with now: evidence for keys on their way out. A pull of the active keys is such a word too. */
export function acknowledgeDkim(state: DkimState, signer: string, selectors: readonly string[], atMs: number): DkimState {
  let { lifecycle } = state;
  for (const { id, stage } of lifecycle.objects) {
    if (stage !== 'retiring') continue;
    const isGood = !selectors.includes(id);
    const text = isGood ? `signs with ${selectors.join(', ') || 'nothing'}` : 'still signs with it';
    lifecycle = observe(lifecycle, id, { what: 'switched', place: signer, isGood, text, atMs });
  }
  return { ...state, lifecycle };
}

/** Ids of private keys that nobody needs any more: no signer may use them again. */
export function forgettableSecrets(state: DkimState): string[] {
  const isDone = ({ stage }: DkimKey) => stage === 'revoked' || stage === 'compromised' || stage === 'removed';
  return state.lifecycle.objects.filter(isDone).flatMap(({ data: { secretId } }) => secretId ?? []);
}
