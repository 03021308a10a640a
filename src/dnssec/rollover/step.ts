/**
 * Rollovers as life cycles: how long their waits are, what a look must show, and the step that moves them on and says
 * what each key of the zone does then. Pure.
 * Implements: RFC 7583 §3.2–3.3 (the times of the waits), RFC 6781 §4.1.
 * Not here: the machines (machine.ts), which rollover a zone needs (wanted.ts).
 */
import { assert } from '#base/assert.ts';
import { DS_TTL_SECONDS_UNKNOWN, PAST_KEY_TAGS_MAX } from '#base/limits/dnssec.ts';
import { ok } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { type Serial } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { type LifecycleEvent, type WantedCheck } from '#lifecycle/engine.ts';
import { type Expectation, expectRecord } from '#lifecycle/expectation.ts';
import { type Life, type LifecycleCheck, observeLives, stepLives } from '#lifecycle/lives.ts';
import { type Machine } from '#lifecycle/machine.ts';
import { type LifecycleObservation, addObject, changeObject, findObject, forgetObjects } from '#lifecycle/state.ts';
import { cachedUntilMs, rememberTtl } from '#lifecycle/ttl-memory.ts';
import { type Facts, type Vocabulary, cacheMs, verdict, worldOf } from '#lifecycle/world.ts';
import { type KeyPolicy } from '#dnssec/key-policy.ts';
import { keyUse } from '#dnssec/key-stage.ts';
import { type Rollover, type RolloverData, type ZoneKey, stageIn } from './keys.ts';
import { ROLLOVER_KINDS, ROLLOVER_MACHINES, type RolloverKind, isBreaking } from './machine.ts';
import { type RolloverState, rolloversOf } from './state.ts';

export interface RolloverContext {
  readonly zone: Name;
  readonly policy: KeyPolicy;
  readonly keys: readonly ZoneKey[];
  /** With the places `servers` (of the zone) and `parent` (name servers of the parent; none: they were not found). */
  readonly facts: Facts;
  /** Others sign the zone too, each with its own keys; false unless given. */
  readonly isShared?: boolean;
  /** How long from now caches may hold a signed RRset that is served now or was served before. */
  readonly cachedMs: () => number;
}

type RolloverLife = Life<RolloverState, RolloverContext, RolloverData>;

/** Stages whose end waits until no cache has what was signed before. */
const COUNTS_SIGNATURES: readonly string[] = ['signing', 'retiring', 'presigned', 'replaced'];

type RolloverMachines = Readonly<Record<RolloverKind, Machine>>;

/** One for each kind; with other machines in tests only. */
export function rolloverLives(machines: RolloverMachines = ROLLOVER_MACHINES): readonly RolloverLife[] {
  return ROLLOVER_KINDS.map((kind) => ({
    machine: machines[kind],
    isSerialNoted: true,
    get: ({ rollovers }) => rollovers[kind],
    set: (state, lifecycle) => ({ ...state, rollovers: { ...state.rollovers, [kind]: lifecycle } }),
    world: ({ ttls }, { zone, policy, facts, isShared = false }) => {
      const name = formatName(zone).replace(/(?<=.)\.$/, '');
      return worldOf(facts, vocabulary(ttls, policy, isShared), (object, wait) =>
        wait === 'ds'
          ? `waxseal dnssec ds-seen ${name} ${object} --reason "…"`
          : `waxseal dnssec override ${name} ${object} ${wait} --reason "…"`,
      );
    },
    prepare: (state, context) => noteCached(kind, state, context),
    expect: (check, state, context) => expectKeys(kind, check, state, context),
  }));
}

export const ROLLOVER_LIVES: readonly RolloverLife[] = rolloverLives();

function vocabulary(ttls: RolloverState['ttls'], policy: KeyPolicy, isShared: boolean): Vocabulary<RolloverData> {
  return {
    durations: {
      propagation: () => policy.propagationSeconds * 1000,
      parentPropagation: () => policy.parentPropagationSeconds * 1000,
      dnskeyTtl: cacheMs(ttls, 'dnskey'),
      dsTtl: cacheMs(ttls, 'ds'),
      // Without a note the stage was entered this very moment; the next round of the step has one.
      zoneTtl: ({ data, stage }) => (data.cached?.stage === stage ? data.cached.ms : Infinity),
    },
    conditions: {
      others: () =>
        verdict(
          !isShared,
          isShared ? 'only they know: give them the new DNSKEY, then say so' : 'no one else signs the zone',
        ),
    },
  };
}

/** On the entry into a stage: how long caches hold what was signed until now. */
function noteCached(kind: RolloverKind, before: RolloverState, { cachedMs }: RolloverContext): RolloverState {
  let state = before;
  for (const { id, stage, data } of before.rollovers[kind].objects) {
    if (!COUNTS_SIGNATURES.includes(stage) || data.cached?.stage === stage) continue;
    const noted = changeObject(state.rollovers[kind], id, (object) => ({
      ...object,
      data: { ...data, cached: { stage, ms: cachedMs() } },
    }));
    state = { ...state, rollovers: { ...state.rollovers, [kind]: noted } };
  }
  return state;
}

/** What a name server that has the stage's zone answers about the keys that come; the serial does the rest. */
function expectKeys(
  kind: RolloverKind,
  { object: id, what }: WantedCheck,
  state: RolloverState,
  { zone, keys }: RolloverContext,
): Expectation | undefined {
  const object = findObject(state.rollovers[kind], id);
  if (object === undefined || what !== 'record') return undefined;
  const key = keys.find((each) => object.data.in.includes(each.id));
  if (key === undefined) return undefined;
  const isPublished = keyUse(key.role, stageIn(kind, object, key) ?? key.state).isPublished;
  const text = formatRdata(TYPE.DNSKEY, new Uint8Array(Buffer.from(key.dnskey, 'base64')));
  return expectRecord(isPublished ? 'record' : 'no-record', ok(zone), TYPE.DNSKEY, text);
}

/** The keys whose DS records, and no others, the parent shall have for `object`; none: it shall have no DS. */
export function keysForParent<K extends ZoneKey>(
  kind: RolloverKind,
  { data }: Rollover,
  keys: readonly K[],
): readonly K[] {
  if (kind === 'unsigning') return [];
  return keys.filter(({ id, role }) => data.in.includes(id) && role !== 'zsk');
}

/** A rollover that begins. */
export interface NewRollover {
  readonly kind: RolloverKind;
  /** Ids. */
  readonly out: readonly string[];
  readonly in: readonly string[];
  readonly id: string;
}

export interface RolloverInput<K extends ZoneKey> extends Omit<RolloverContext, 'keys'> {
  readonly state: RolloverState;
  /** With those of a rollover that begins. */
  readonly keys: readonly K[];
  readonly serial: Serial;
  readonly begin?: NewRollover;
  readonly observations: readonly LifecycleObservation[];
  /** The TTL of the DNSKEY RRset that is served until this step is committed; absent: there is none. */
  readonly servedKeyTtlSeconds?: number | undefined;
  /** The longest TTL of DS records that the parent's servers gave out in these looks; 0: they have none. */
  readonly dsTtlSeconds?: number;
  readonly lives?: readonly RolloverLife[];
}

export interface RolloverStep<K extends ZoneKey> {
  readonly state: RolloverState;
  /** All keys that the zone has now, each as it is used now. */
  readonly keys: readonly K[];
  /** CDS and CDNSKEY ask for no DS. */
  readonly isDeletingDs: boolean;
  /** False: the zone is not signed any more. */
  readonly isSigned: boolean;
  readonly events: readonly LifecycleEvent[];
  readonly checks: readonly LifecycleCheck[];
  readonly nextDueMs?: number;
}

/** Moves rollovers on. What it returns is committed together, or never happened. */
export function stepRollovers<K extends ZoneKey>(input: RolloverInput<K>): RolloverStep<K> {
  const { keys, facts, serial, begin, lives = ROLLOVER_LIVES } = input;
  const { nowMs } = facts;
  const before = begun(observeLives(lives, withTtls(input), input.observations), input.begin, nowMs);
  const stepped = stepLives(lives, before, input, { nowMs, serial });
  const isLeft = (kind: RolloverKind, id: string) => findObject(stepped.state.rollovers[kind], id) !== undefined;
  const done = rolloversOf(before).filter(({ kind, object }) => !isLeft(kind, object.id));
  const isSigned = !done.some(({ kind, object }) => kind === 'unsigning' && object.stage !== 'cancelled');
  const replaced = begin !== undefined && isBreaking(begin.kind) ? begin.out : [];
  const ended = done.flatMap(({ object: { stage, data } }) => (stage === 'cancelled' ? data.in : data.out));
  const gone = new Set([...ended, ...replaced]);
  const after = keys.filter(({ id }) => !gone.has(id)).map((key) => ({ ...key, state: stageOf(key, stepped.state) }));
  return {
    state: remembered(stepped.state, keys, after, nowMs),
    keys: isSigned ? after : [],
    isDeletingDs: stepped.state.rollovers.unsigning.objects.length > 0,
    isSigned,
    events: stepped.events,
    checks: stepped.checks,
    ...(stepped.nextDueMs === undefined ? {} : { nextDueMs: stepped.nextDueMs }),
  };
}

/** What a key does while these rollovers are under way. */
export function stageOf(key: ZoneKey, state: RolloverState): ZoneKey['state'] {
  for (const { kind, object } of rolloversOf(state)) {
    const stage = stageIn(kind, object, key);
    if (stage !== undefined) return stage;
  }
  return 'active';
}

function begun(state: RolloverState, begin: NewRollover | undefined, nowMs: number): RolloverState {
  if (begin === undefined) return state;
  const { kind, id, out, in: incoming } = begin;
  assert(
    rolloversOf(state).every(({ object }) => object.id !== id),
    `a second rollover ${id}`,
  );
  const { first } = ROLLOVER_MACHINES[kind];
  const data = { out, in: incoming };
  const rollovers = isBreaking(kind) ? without(state.rollovers, out) : state.rollovers;
  const added = addObject(rollovers[kind], { id, group: kind, stage: first, data }, nowMs);
  return { ...state, rollovers: { ...rollovers, [kind]: added } };
}

/** Rollovers that concern none of these keys, which are gone. */
function without(rollovers: RolloverState['rollovers'], gone: readonly string[]): RolloverState['rollovers'] {
  const concerns = ({ data }: Rollover): boolean => [...data.out, ...data.in].some((id) => gone.includes(id));
  return Object.fromEntries(
    ROLLOVER_KINDS.map((kind) => [kind, forgetObjects(rollovers[kind], concerns)]),
  ) as RolloverState['rollovers'];
}

/** Notes the TTLs that are given out until now, and from now on. */
function withTtls(input: RolloverInput<ZoneKey>): RolloverState {
  const { state, policy, begin, facts, servedKeyTtlSeconds: served = policy.keyTtlSeconds } = input;
  const { nowMs } = facts;
  const lagMs = policy.propagationSeconds * 1000;
  // A zone whose policy is another before its first step was served with the TTL of before all the same.
  const ttls = [served, policy.keyTtlSeconds].reduce(
    (memory, seconds) => rememberTtl(memory, 'dnskey', seconds, nowMs, lagMs),
    state.ttls,
  );
  // What the DS had before it changes is only known from a look before.
  const unknownTtl = policy.parentDsTtlSeconds ?? DS_TTL_SECONDS_UNKNOWN;
  const dsTtlSeconds = input.dsTtlSeconds ?? (begin === undefined ? undefined : unknownTtl);
  if (dsTtlSeconds === undefined) return { ...state, ttls };
  return { ...state, ttls: rememberTtl(ttls, 'ds', dsTtlSeconds, nowMs, policy.parentPropagationSeconds * 1000) };
}

function remembered(
  state: RolloverState,
  before: readonly ZoneKey[],
  after: readonly ZoneKey[],
  nowMs: number,
): RolloverState {
  const active = after.filter((key) => key.state === 'active');
  const since = active.map(({ id }) => [id, state.activeSinceMs[id] ?? nowMs] as const);
  const gone = before.filter(({ id }) => after.every((key) => key.id !== id)).map(({ keyTag }) => keyTag);
  const pastTags = [...state.pastTags, ...gone].slice(-PAST_KEY_TAGS_MAX);
  return { ...state, activeSinceMs: Object.fromEntries(since), pastTags };
}

/** Until when caches may hold a DNSKEY RRset that is given out now. */
export function keysCachedUntilMs({ ttls }: RolloverState, nowMs: number): number {
  return cachedUntilMs(ttls, 'dnskey', nowMs);
}
