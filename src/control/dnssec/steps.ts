/**
 * Steps of a zone's key rollovers: what the pure step (dnssec/rollover/step.ts) decides, with the store, the clock and
 * the keys that it needs. A step is data until its decision is carried out.
 * Not here: which command asks for a step (decide.ts), when steps are due (upkeep.ts).
 */
import { DS_TTL_SECONDS_UNKNOWN, KEY_TAG_TRIES_MAX, PARENT_CHECK_EVERY_MS } from '#base/limits/dnssec.ts';
import { LIFECYCLE_SETTLE_MS } from '#base/limits/lifecycle.ts';
import { type Problem } from '#base/problem.ts';
import { type Name, lowerName, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { explainLives } from '#lifecycle/lives.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { cachedUntilMs } from '#lifecycle/ttl-memory.ts';
import { type Facts } from '#lifecycle/world.ts';
import { KEY_POLICY, type KeyPolicy } from '#dnssec/key-policy.ts';
import { goneTtlMs } from '#dnssec/rollover/gone.ts';
import {
  type NewRollover,
  ROLLOVER_LIVES,
  type RolloverInput,
  type RolloverStep,
  stepRollovers,
} from '#dnssec/rollover/step.ts';
import { type ForecastStep, forecastRollovers } from '#dnssec/rollover/forecast.ts';
import { firstKeyStage } from '#dnssec/rollover/keys.ts';
import { isBreaking, needsParent } from '#dnssec/rollover/machine.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { NO_ROLLOVERS, type RolloverState, frozen, rolloversOf, thawed } from '#dnssec/rollover/state.ts';
import { type WantedRollover, nextAgeMs, wantedRollover } from '#dnssec/rollover/wanted.ts';
import { keyPolicyOf, policyNameOf, readFreeze } from '#store/dnssec/policies.ts';
import { readRolloverState, rolloverWrite } from '#store/dnssec/rollovers.ts';
import { type ZoneKeyRef, type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type DnssecView } from '#control/api/dnssec.ts';
import { type Decision, type KeySet, type ZonePart } from '#control/commands/decision.ts';
import { dnssecEvent } from '#control/commands/events.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type OutsideWitnesses, lookPlaces } from '#control/outside/evidence.ts';
import { newZoneKey } from '#control/signing/keys.ts';
import { type Exposure } from './emergency.ts';
import { type ParentServers } from './parent.ts';
import { longestTtlMs } from './longest-ttl.ts';

export interface DnssecStepsOptions {
  readonly writer: StoreWriter;
  readonly time: CountedTime;
  readonly random: (bytes: number) => Uint8Array;
  readonly witnesses: OutsideWitnesses;
  readonly parents: ParentServers;
  /** Called after a commit that moved something. */
  readonly onCommitted: () => void;
}

/** What a step is taken with. */
export interface DnssecStepRequest {
  /** The beginning of the line for the audit log. */
  readonly detail: string;
  readonly state?: RolloverState;
  readonly policy?: KeyPolicy;
  /** Of `policy`; undefined: it is the zone's own. */
  readonly policyName?: string;
  readonly begin?: WantedRollover;
  readonly observations?: readonly LifecycleObservation[];
  readonly dsTtlSeconds?: number;
  readonly isQuiet?: boolean;
  readonly warnings?: readonly Problem[];
  readonly earlier?: readonly LifecycleEvent[];
}

export interface StepDecision extends Decision {
  /** What follows and when at the earliest, wall time. */
  readonly forecast: readonly ForecastStep[];
}

export type CachedNow = Pick<Exposure, 'keysUntilMs' | 'zoneUntilMs' | 'dsUntilMs'>;

/** A rollover that begins with the step, and the keys with its new ones. */
interface Begun {
  readonly begin?: NewRollover;
  readonly keys?: readonly ZoneKeyRef[];
}

export class DnssecSteps {
  readonly #options: DnssecStepsOptions;

  constructor(options: DnssecStepsOptions) {
    this.#options = options;
  }

  stored({ id }: ZoneRecord): RolloverState {
    return readRolloverState(this.#options.writer, id) ?? NO_ROLLOVERS;
  }

  /** Its own, or the one that it has by name, as that is now. */
  policyOf(record: ZoneRecord): KeyPolicy {
    return keyPolicyOf(this.#options.writer, record);
  }

  /** What a step would do now; changes nothing. */
  preview(zone: ServedZone): RolloverStep<ZoneKeyRef> {
    return this.#take(zone, this.stored(zone.record), this.policyOf(zone.record), {});
  }

  /** The rollover that begins with the next step by itself. */
  wanted({ record }: ServedZone): WantedRollover | undefined {
    const ground = this.ground(record);
    return this.#isHeld(ground.state) ? undefined : wantedRollover(ground);
  }

  ground(record: ZoneRecord, policy = this.policyOf(record)) {
    const { nowMs } = this.#options.time.read();
    const isShared = isSharedZone(record);
    return { zone: record.name, state: this.stored(record), keys: record.keys, policy, nowMs, isShared };
  }

  /** One step, with the keys that a new rollover needs. */
  step(zone: ServedZone, request: DnssecStepRequest): StepDecision {
    const { record, view } = zone;
    const { time, onCommitted } = this.#options;
    const policy = request.policy ?? this.policyOf(record);
    const policyName = request.policy === undefined ? policyNameOf(record) : request.policyName;
    const isOtherPolicy = JSON.stringify(policy) !== JSON.stringify(record.keyPolicy ?? KEY_POLICY);
    const isPolicyTaken = request.policy !== undefined || isOtherPolicy;
    const first = this.#take(zone, request.state ?? this.stored(record), policy, request);
    const ground = { ...this.ground(record, policy), state: first.state, keys: first.keys };
    const wanted = request.begin ?? (this.#isHeld(first.state) ? undefined : wantedRollover(ground));
    const begun =
      wanted === undefined || !first.isSigned ? undefined : this.#begin(zone, first, policy, wanted, request);
    const last = begun?.step ?? first;
    const events = [...(request.earlier ?? []), ...first.events, ...(begun?.step.events ?? [])];
    const isMoved = begun !== undefined || this.#isMoved(record, last) || isPolicyTaken;
    const part: ZonePart = last.isSigned
      ? {
          record,
          view,
          changes: [],
          keySet: {
            keys: last.keys,
            isDeletingDs: last.isDeletingDs,
            ...this.#chainOf(record, wanted),
            sealed: begun?.sealed ?? new Map(),
            ...(isPolicyTaken ? { policy, policyName } : {}),
          },
        }
      : { record, view, changes: [], isSigned: false };
    const reasons = begun === undefined ? [] : [`${begun.id} begins: ${wanted!.reason}`];
    const forecast = this.#forecast(zone, last, policy);
    const steps = events.filter(({ event }) => event !== 'waiting').map(({ object, text }) => `${object}: ${text}`);
    return {
      zone: record.name,
      parts: isMoved ? [part] : [],
      documents: [
        rolloverWrite(record.id, last.isSigned ? last.state : null, this.#dueMs(view.apex, last, policy)),
        time.write(),
      ],
      events: events.map((each) => dnssecEvent(record.name, each)),
      plan: forecast.map(({ object, text, atMs }) => `${object}: ${text}, not before ${formatTime(atMs)}`),
      forecast,
      warnings: request.warnings ?? [],
      detail: [request.detail, ...reasons, ...steps].join('; '),
      isChanged: isMoved || stableText(last.state) !== stableText(this.stored(record)),
      isQuiet: request.isQuiet === true && events.every(({ event }) => event === 'waiting'),
      isAlwaysWritten: true,
      afterCommit: onCommitted,
    };
  }

  /** Nothing begins by itself in a zone that is held, or while all are. */
  #isHeld({ rollovers }: RolloverState): boolean {
    return readFreeze(this.#options.writer) !== undefined || rollovers.ksk.hold !== undefined;
  }

  /** The same of a zone by its record. */
  dsUntilMs(record: ZoneRecord): number {
    return this.cachedNow({ record, view: this.#options.writer.view(record) }).dsUntilMs;
  }

  wallMs(): number {
    const { nowMs, wallOffsetMs } = this.#options.time.read();
    return nowMs + wallOffsetMs;
  }

  /** How every rollover stands, for people. */
  view({ record, view }: ServedZone): DnssecView {
    const state = this.stored(record);
    const policy = this.policyOf(record);
    const facts = this.#facts(view);
    const isShared = isSharedZone(record);
    const context = { zone: view.apex, policy, keys: record.keys, facts, cachedMs: () => 0, isShared };
    const explanations = explainLives(ROLLOVER_LIVES, frozen(state, readFreeze(this.#options.writer)), context);
    const tagOf = (id: string): number[] => record.keys.filter((key) => key.id === id).map(({ keyTag }) => keyTag);
    const nextMs = nextAgeMs({ state, keys: record.keys, policy });
    const found = this.#options.parents.found(view.apex);
    const policyName = policyNameOf(record);
    return {
      policy,
      ...(policyName === undefined ? {} : { policyName }),
      rollovers: rolloversOf(state).map(({ object }) => ({
        object: object.id,
        out: object.data.out.flatMap(tagOf),
        in: object.data.in.flatMap(tagOf),
        beganAtMs: object.createdAtMs + facts.wallOffsetMs,
        history: object.history.map((each) => ({ ...each, atMs: each.atMs + facts.wallOffsetMs })),
        explanation: explanations.find((each) => each.object === object.id)!,
      })),
      ...(nextMs === undefined ? {} : { nextRollMs: nextMs + facts.wallOffsetMs }),
      ...(found === undefined ? {} : { parent: { ...found, atMs: found.atMs + facts.wallOffsetMs } }),
    };
  }

  /** How long caches hold what is served now, wall time; `dsTtlSeconds` as the parent was just seen to give it out. */
  cachedNow({ record, view }: ServedZone, dsTtlSeconds?: number): CachedNow {
    const { nowMs, wallOffsetMs } = this.#facts(view);
    const { ttls } = this.stored(record);
    const { keyTtlSeconds, propagationSeconds, parentPropagationSeconds, parentDsTtlSeconds } = this.policyOf(record);
    const lagMs = propagationSeconds * 1000;
    const keysMs = Math.max(cachedUntilMs(ttls, 'dnskey', nowMs), nowMs + keyTtlSeconds * 1000);
    const zoneMs = nowMs + Math.max(longestTtlMs(this.#options.writer, record), goneTtlMs(record, nowMs));
    const unknownMs = ttls['ds'] === undefined ? (parentDsTtlSeconds ?? DS_TTL_SECONDS_UNKNOWN) * 1000 : 0;
    const dsMs = Math.max(cachedUntilMs(ttls, 'ds', nowMs), nowMs + (dsTtlSeconds ?? 0) * 1000);
    const seenMs = dsTtlSeconds === undefined ? Math.max(dsMs, nowMs + unknownMs) : dsMs;
    return {
      keysUntilMs: keysMs + lagMs + wallOffsetMs,
      zoneUntilMs: zoneMs + lagMs + wallOffsetMs,
      dsUntilMs: seenMs + parentPropagationSeconds * 1000 + wallOffsetMs,
    };
  }

  /** The earliest dates of what follows, wall time. */
  #forecast(zone: ServedZone, last: RolloverStep<ZoneKeyRef>, policy: KeyPolicy): readonly ForecastStep[] {
    const { wallOffsetMs } = this.#facts(zone.view);
    const input = this.#input(zone, last.state, policy, {}, {});
    return forecastRollovers(input, last).map((each) => ({ ...each, atMs: each.atMs + wallOffsetMs }));
  }

  #take(
    zone: ServedZone,
    state: RolloverState,
    policy: KeyPolicy,
    request: Pick<DnssecStepRequest, 'observations' | 'dsTtlSeconds'>,
    more: Begun = {},
  ): RolloverStep<ZoneKeyRef> {
    const freeze = readFreeze(this.#options.writer);
    const step = stepRollovers(this.#input(zone, frozen(state, freeze), policy, request, more));
    return freeze === undefined ? step : { ...step, state: thawed(step.state, freeze) };
  }

  #input(
    { record, view }: ServedZone,
    state: RolloverState,
    policy: KeyPolicy,
    { observations = [], dsTtlSeconds }: Pick<DnssecStepRequest, 'observations' | 'dsTtlSeconds'>,
    more: Begun,
  ): RolloverInput<ZoneKeyRef> {
    const facts = this.#facts(view);
    const { keys = record.keys, begin } = more;
    return {
      zone: view.apex,
      policy,
      keys,
      state,
      facts,
      isShared: isSharedZone(record),
      serial: record.serial,
      observations,
      servedKeyTtlSeconds: rrsetOf(view.node(view.apexKey), TYPE.DNSKEY)?.ttl,
      cachedMs: () => Math.max(longestTtlMs(this.#options.writer, record), goneTtlMs(record, facts.nowMs)),
      ...(begin === undefined ? {} : { begin }),
      ...(dsTtlSeconds === undefined ? {} : { dsTtlSeconds }),
    };
  }

  #begin(
    zone: ServedZone,
    { state, keys }: RolloverStep<ZoneKeyRef>,
    policy: KeyPolicy,
    { kind, out, in: incoming }: WantedRollover,
    request: DnssecStepRequest,
  ) {
    const { writer, random, time } = this.#options;
    const made: ReturnType<typeof newZoneKey>[] = [];
    for (const { role, algorithm } of incoming) {
      // RFC 4034 App. B: also none that caches may still know from a key that went.
      const others = zone.record.foreignKeys ?? [];
      const tags = [...keys, ...others, ...made.map(({ ref }) => ref)].map(({ keyTag }) => keyTag);
      const wanted = { role, algorithm, stage: firstKeyStage(kind) };
      made.push(
        newZoneKey(zone.record.name, [...tags, ...state.pastTags], writer.sealer, random, time.read().nowMs, wanted),
      );
    }
    const refs = made.map(({ ref }) => ref);
    const id = this.#newId(kind, refs[0]?.keyTag, state);
    const begin = { kind, id, out, in: refs.map((ref) => ref.id) };
    const step = this.#take(zone, state, policy, request, { begin, keys: [...keys, ...refs] });
    return { id, step, sealed: new Map(made.map(({ ref, sealed }) => [ref.id, sealed])) };
  }

  #newId(kind: string, keyTag: number | undefined, state: RolloverState): string {
    const base = keyTag === undefined ? kind : `${kind}-${keyTag}`;
    const taken = rolloversOf(state).map(({ object }) => object.id);
    for (let count = 1; count <= KEY_TAG_TRIES_MAX; count++) {
      const id = count === 1 ? base : `${base}-${count}`;
      if (!taken.includes(id)) return id;
    }
    return base;
  }

  /** DS records that were seen at the parent, as long as no order breaks the chain of trust or says otherwise. */
  dsOf(record: ZoneRecord): readonly Uint8Array[] {
    return this.#chainOf(record, undefined).chain ?? [];
  }

  /** Of `dsOf`; absent when an order says otherwise. */
  #chainOf(record: ZoneRecord, wanted: WantedRollover | undefined): Pick<KeySet, 'chain'> {
    const state = this.stored(record);
    const isOrdered = rolloversOf(state).some(
      ({ kind, object: { overrides, history } }) =>
        isBreaking(kind) ||
        overrides.some(isDangerous) ||
        history.some(({ evidence }) =>
          evidence.some(({ override }) => override !== undefined && isDangerous(override)),
        ),
    );
    if (isOrdered || (wanted !== undefined && isBreaking(wanted.kind))) return {};
    const seen = record.keys.filter(({ id }) => state.parentKeys?.includes(id) === true);
    const apex = nameOf(record.name);
    return { chain: seen.map(({ dnskey }) => dsRdata(apex, new Uint8Array(Buffer.from(dnskey, 'base64')), 2)) };
  }

  #isMoved(record: ZoneRecord, { keys, isDeletingDs, isSigned }: RolloverStep<ZoneKeyRef>): boolean {
    return (
      !isSigned ||
      isDeletingDs !== (record.isDeletingDs === true) ||
      JSON.stringify(keys) !== JSON.stringify(record.keys)
    );
  }

  #dueMs(
    zone: Name,
    { state, keys, nextDueMs, checks, isSigned }: RolloverStep<ZoneKeyRef>,
    policy: KeyPolicy,
  ): number | undefined {
    if (!isSigned) return undefined;
    const { nowMs } = this.#options.time.read();
    const lookable = checks.filter(({ what, expect }) => what === 'ds' || expect !== undefined);
    // A key that is past its time while something else is under way is rolled when that ends.
    const ageMs = rolloversOf(state).length > 0 ? undefined : nextAgeMs({ state, keys, policy });
    const times = [nextDueMs, ageMs, ...lookable.map(({ dueMs }) => dueMs)];
    // A parent that is fast is asked more often.
    if (checks.some(({ what }) => what === 'ds')) times.push(nowMs + parentEveryMs(policy));
    // Where the parent is not found yet, it is looked for again.
    const isParentUnknown = this.#options.parents.places(zone).length === 0;
    if (isParentUnknown && rolloversOf(state).some(({ kind }) => needsParent(kind)))
      times.push(nowMs + PARENT_CHECK_EVERY_MS);
    const known = times.filter((each) => each !== undefined);
    // What could not be done in this step is not done at once again.
    return known.length === 0 ? undefined : Math.max(Math.min(...known), nowMs + LIFECYCLE_SETTLE_MS);
  }

  #facts(view: ZoneView): Facts {
    const { time, witnesses, parents, writer } = this.#options;
    const { nowMs, wallOffsetMs } = time.read();
    // RFC 8901 §6: name servers of the others are among those of the NS records, with other serials than ours.
    const { secondaries: _secondaries, ...listed } = witnesses;
    const places = {
      servers: lookPlaces(isSharedZone(writer.zoneByName(lowerName(view.apex))) ? listed : witnesses, view).servers,
      parent: parents.places(view.apex).map(({ name }) => name),
    };
    return { nowMs, wallOffsetMs: Math.round(wallOffsetMs / 1000) * 1000, places };
  }
}

/** How often the parent's servers are asked: as often as they may change, and no more than the machines say. */
export function parentEveryMs({ parentPropagationSeconds }: KeyPolicy): number {
  return Math.min(PARENT_CHECK_EVERY_MS, Math.max(1, parentPropagationSeconds) * 1000);
}

/** What others have published is theirs to say, and no danger. */
function isDangerous({ wait }: { readonly wait: string }): boolean {
  return wait !== 'others';
}

function isSharedZone(record: ZoneRecord | undefined): boolean {
  return (record?.foreignKeys ?? []).length > 0;
}

/** A state without what it only remembers of caches and of the zone. */
function stableText({ ttls: _ttls, serials: _serials, ...state }: RolloverState): string {
  return JSON.stringify(state);
}
