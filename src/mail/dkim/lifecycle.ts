/**
 * DKIM keys of a domain over time: which are wanted, what their selectors are called, when they change, and orders to rotate or revoke.
 * Pure: keys are made elsewhere, when `wantedDkimKeys` asks for them.
 * Not here: the stages and waits (machine.ts), records (mail/compile-records.ts), private keys.
 */
import { DKIM_PREPARE_MS_MAX, DKIM_QUIET_MS_MAX } from '#base/limits/mail.ts';
import { atObject } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
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
import { type ConditionVerdict, type Moment } from '#lifecycle/waits.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { DKIM_MACHINE } from './machine.ts';
import { type RecordExpectation, expectRecord } from '#lifecycle/expectation.ts';
import { cacheMs, verdict, type Vocabulary } from '#lifecycle/world.ts';
import { type Name, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type ZoneView } from '#zone/view.ts';
import { type DkimRecord } from './record-type.ts';
import { type SignerFacts, silenceOf } from './signers.ts';
import { dkimOwner, formatDkim, revokedDkim } from './record.ts';
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
/** True for a key that nothing is signed with yet. */
export function isDkimKeyComing({ stage }: DkimKey): boolean {
  return WAITING_STAGES.includes(stage);
}

/** Beyond the queue life that senders admit to, as a part of it: with 5 days, a key stays for 7. */
const SLACK = 0.4;

/** How long without queries makes a selector unused. A resolver with the record asks again only after its TTL. */
export function dkimQuietMs({ queueLifeMs }: DkimPolicy, recordTtlMs: number): number {
  return Math.max(recordTtlMs, Math.min(DKIM_QUIET_MS_MAX, queueLifeMs));
}

/** Keys that replace each other: of one algorithm, and of one signer if it makes its own. */
export function dkimGroup({ algorithm, signer }: Pick<DkimKeyData, 'algorithm' | 'signer'>): string {
  return signer === undefined ? algorithm : `${signer}/${algorithm}`;
}

/** What the waits of DKIM keys depend on. */
export function dkimVocabulary(
  state: DkimState,
  policy: DkimPolicy,
  ttls: TtlMemory,
  now: Moment & { readonly signers?: SignerFacts },
): Vocabulary<DkimKeyData> {
  // Who makes its own keys has none that is made here, and cannot say that it left one.
  const givenKeys = policy.signers.filter((name) => now.signers?.get(name) !== 'own-key');
  return {
    durations: {
      negativeTtl: cacheMs(ttls, 'negative'),
      recordTtl: cacheMs(ttls, 'dkim'),
      signerLag: () => policy.signerLagMs,
      queueLife: () => policy.queueLifeMs,
      slack: () => policy.queueLifeMs * SLACK,
      revokedFor: () => policy.revokedForMs,
    },
    places: { signers: ({ data: { signer } }) => (signer === undefined ? givenKeys : [signer]) },
    unseen: { signers: (name) => silenceOf(name, now.signers) },
    conditions: {
      'rotation-due': (object, { objects }) => rotationDue(state, objects, object, policy, now),
      unwanted: ({ data }) =>
        verdict(!isDkimKeyWanted(data, policy), `the policy has ${policy.algorithms.join(' and ') || 'no keys of its own'}`),
      compromised: ({ data }) => verdict(data.compromised !== undefined, data.compromised ?? 'not reported'),
      revocation: () => verdict(policy.afterRetirement === 'revoke', `the policy says: ${policy.afterRetirement}`),
    },
  };
}

/** False: the policy does without this kind of key. */
export function isDkimKeyWanted({ algorithm, signer }: DkimKeyData, policy: DkimPolicy): boolean {
  return signer === undefined ? policy.algorithms.includes(algorithm) : policy.signers.includes(signer);
}

function rotationDue(
  { rotations }: DkimState,
  objects: readonly DkimKey[],
  object: DkimKey,
  policy: DkimPolicy,
  { nowMs, wallOffsetMs }: Moment,
): ConditionVerdict {
  if (!isDkimKeyWanted(object.data, policy)) return verdict(false, 'the policy does without this kind of key');
  const active = objects.find((each) => each.group === object.group && each.stage === 'active');
  if (active === undefined) return verdict(true, 'no other key signs');
  const ordered = rotations[object.group];
  if (ordered?.from === active.id) return verdict(true, `rotation ordered by ${ordered.by}: ${ordered.reason}`);
  // Who makes its own keys says with each new one that it wants to use it.
  if (object.data.signer !== undefined) return verdict(true, `${object.data.signer} has made a new key`);
  const atMs = active.enteredAtMs + policy.rotationIntervalMs;
  const text = `${active.id} signs until ${formatTime(atMs + wallOffsetMs)}`;
  return atMs <= nowMs ? verdict(true, text) : { isMet: false, text, atMs };
}

export interface WantedKeys {
  /** Keys to be made now, one entry each. */
  readonly algorithms: readonly DkimAlgorithm[];
  /** When the next will be wanted, if nothing else happens. */
  readonly nextMs?: number;
}

/** Keys that the policy needs and that are not there yet. */
export function wantedDkimKeys(state: DkimState, policy: DkimPolicy, { nowMs }: Moment): WantedKeys {
  const algorithms: DkimAlgorithm[] = [];
  const times: number[] = [];
  for (const algorithm of policy.algorithms) {
    const group = state.lifecycle.objects.filter((each) => each.group === algorithm);
    const active = group.find((each) => each.stage === 'active');
    const waiting = group.filter((each) => WAITING_STAGES.includes(each.stage)).length;
    const prepareMs = Math.min(DKIM_PREPARE_MS_MAX, policy.rotationIntervalMs / 2);
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
  { nowMs, wallOffsetMs }: Moment,
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

/** Puts new keys in where they are wanted; keys that signers made themselves always are. `selectors`: of those put in. */
export function takeDkimKeys(
  before: DkimState,
  keys: readonly NewDkimKey[],
  policy: DkimPolicy,
  view: ZoneView,
  moment: Moment,
): { readonly state: DkimState; readonly selectors: readonly string[] } {
  const named = new Set([...policy.external, ...policy.delegations].map(({ selector }) => selector.toLowerCase()));
  const isTaken = (selector: string) => {
    const owner = dkimOwner(selector, view.apex);
    return named.has(selector) || (owner.ok && view.node(ownerKey(owner.value)) !== undefined);
  };
  let state = before;
  const selectors: string[] = [];
  for (const key of keys) {
    if (key.signer === undefined && !wantedDkimKeys(state, policy, moment).algorithms.includes(key.algorithm)) continue;
    const added = addDkimKey(state, key, moment, isTaken);
    state = added.state;
    selectors.push(added.selector);
  }
  return { state, selectors };
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
 * Takes a key for compromised. At once: its record becomes `p=` now, mail under way fails, and until another key is
 * visible everywhere nothing is signed with this algorithm. After the switch: it continues to sign until the next key
 * signs, then is revoked without the queue wait.
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

/** A signer's word on what it signs with now. */
export interface DkimAcknowledgement {
  readonly signer: string;
  /** One of each algorithm that it speaks of. */
  readonly selectors: readonly string[];
  /** It signs with these and with no other key of the domain: it speaks of every algorithm. */
  readonly isAll: boolean;
}

/**
 * A signer says which keys it signs with now: evidence for keys of the same algorithms on their way out, and for no others. With RSA and
 * Ed25519 side by side, a signer that took the new Ed25519 key may still sign with the old RSA key. Only an active key can be signed with.
 */
export function acknowledgeDkim(state: DkimState, { signer, selectors, isAll }: DkimAcknowledgement, atMs: number): Result<DkimState> {
  const problems = selectors.flatMap((selector) => checkAcknowledged(state, signer, selector) ?? []);
  if (problems.length > 0) return fail(...problems);
  const algorithms = new Set(selectors.map((selector) => findObject(state.lifecycle, selector)!.data.algorithm));
  const text = `signs with ${selectors.join(', ') || 'no key of this domain'}`;
  let { lifecycle } = state;
  for (const { id, stage, data } of lifecycle.objects)
    if (stage === 'retiring' && (isAll || algorithms.has(data.algorithm)))
      lifecycle = observe(lifecycle, id, { what: 'switched', place: signer, isGood: true, text, atMs });
  return ok({ ...state, lifecycle });
}

/** Why nothing should be signed with a key that does not sign, by its stage. */
const NOT_SIGNING: Readonly<Record<string, string>> = {
  generated: 'it is not published yet',
  published: 'it is not visible on every name server yet, so receivers may not find it',
  visible: 'it waits for its turn; caches may still remember that it did not exist',
  retiring: 'it is on its way out',
  revoked: 'it is revoked, and mail signed with it fails',
  compromised: 'it is compromised and revoked, and mail signed with it fails',
};

function checkAcknowledged({ lifecycle: { objects } }: DkimState, signer: string, selector: string): Problem | undefined {
  const key = objects.find(({ id }) => id === selector);
  const at = atObject(selector);
  const active = objects.filter(({ stage, data }) => stage === 'active' && (data.signer ?? signer) === signer);
  const names = active.map(({ id }) => id).join(', ');
  const fix = names === '' ? 'no key is active now' : `active now: ${names}`;
  if (key === undefined) return problem('SIGNER_SELECTOR', at, 'the domain has no such selector', { fix });
  const { stage, data } = key;
  if (data.signer !== undefined && data.signer !== signer)
    return problem('SIGNER_SELECTOR', at, `only ${data.signer} has this key, not ${signer}`, { fix });
  if (stage === 'active') return undefined;
  const why = `the key is ${stage}, not active: ${NOT_SIGNING[stage] ?? 'nothing is signed with it'}; nothing was noted`;
  return problem('SIGNER_SELECTOR', at, why, { fix });
}

/** Ids of private keys of `before` that no signer may use again after a step. */
export function forgettableSecrets(before: DkimState, after: DkimState): string[] {
  const isDone = ({ stage }: DkimKey) => stage === 'revoked' || stage === 'compromised';
  const needed = new Set(after.lifecycle.objects.filter((key) => !isDone(key)).map(({ data }) => data.secretId));
  const known = before.lifecycle.objects.flatMap(({ data: { secretId } }) => secretId ?? []);
  return known.filter((id) => !needed.has(id));
}

/** The text at a selector: the key while it may be needed, `p=` when it is revoked, nothing before it is published. */
export function dkimText({ stage, data }: DkimKey): string | undefined {
  if (stage === 'generated' || stage === 'removed') return undefined;
  const record: DkimRecord = {
    keyType: data.algorithm === 'ed25519' ? 'ed25519' : 'rsa',
    publicKey: new Uint8Array(Buffer.from(data.publicKey, 'base64')),
    hashes: [],
    // All services: DMARC and TLS reports are signed with the same keys (RFC 8460 §3).
    services: [],
    isTesting: false,
    isDomainOnly: false,
    notes: '',
  };
  return formatDkim(stage === 'revoked' || stage === 'compromised' ? revokedDkim(record) : record);
}

/** What name servers should show of a key. A selector is never used again: seen once is seen. */
export function dkimExpectation(state: DkimState, selector: string, domain: Name): RecordExpectation | undefined {
  const key = findObject(state.lifecycle, selector);
  return key && expectRecord('record', dkimOwner(selector, domain), TYPE.TXT, dkimText(key));
}
