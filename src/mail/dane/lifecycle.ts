/**
 * TLSA records of mail hosts over time: the next key's record stands two TTLs before the key is used, the old one's stands two TTLs
 * after. No cache ever holds a set that the host's key is not in.
 * Implements: RFC 7671 §8 (order and times), RFC 7672 §4.
 * Not here: the stages and waits (machine.ts), making records from certificates (record.ts), which hosts may have them
 * (settle.ts).
 */
import { atObject } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { advance, type LifecycleEvent, order, type OrderCause } from '#lifecycle/engine.ts';
import { expectRecord, type NotServedExpectation, type RecordExpectation } from '#lifecycle/expectation.ts';
import {
  addObject,
  changeObject,
  findObject,
  type LifecycleObject,
  type LifecycleState,
  newLifecycle,
  noObject,
} from '#lifecycle/state.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { judgeWaits, type World } from '#lifecycle/waits.ts';
import { formatName, type Name, nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { cacheMs, type Facts, verdict, type Vocabulary } from '#lifecycle/world.ts';
import { TLSA_MACHINE, TWO_TTLS } from './machine.ts';
import { formatTlsa, SMTP_PORT, tlsaOwner } from './record.ts';
import { type DaneHost } from './settle.ts';

export interface TlsaHost {
  /** Absolute, lower case. */
  readonly host: string;
  readonly port: number;
}

/** A key of a host. Keys that follow each other have one slot, which is the place in the policy's list; RSA and ECDSA have two. */
export interface TlsaKey extends TlsaHost {
  readonly slot: number;
  /** Presentation form. */
  readonly record: string;
}

export interface TlsaData extends TlsaKey {
  /** When the host was said to use the key. */
  readonly activatedAtMs?: number;
}

export type TlsaObject = LifecycleObject<TlsaData>;
type Records = LifecycleState<TlsaData>;

export interface TlsaState {
  readonly lifecycle: Records;
  /** Keys already taken from the policy: what is new in the policy is a next key. */
  readonly taken: readonly TlsaKey[];
  readonly count: number;
}

export function newTlsaState(): TlsaState {
  return { lifecycle: newLifecycle(), taken: [], count: 0 };
}

/** What the waits of TLSA records depend on. */
export function tlsaVocabulary(
  hosts: readonly DaneHost[],
  signerLagMs: number,
  ttls: TtlMemory,
  { wallOffsetMs, places }: Facts,
): Vocabulary<TlsaData> {
  return {
    durations: { tlsaTtl: cacheMs(ttls, 'tlsa'), signerLag: () => signerLagMs },
    // Only the port of SMTP is looked at.
    places: { liveChecks: ({ data }) => (data.port === SMTP_PORT ? (places['liveChecks'] ?? []) : []) },
    conditions: {
      activated: ({ data: { activatedAtMs } }) =>
        activatedAtMs === undefined
          ? verdict(false, 'the host is not reported to use the key')
          : verdict(true, `activated ${formatTime(activatedAtMs + wallOffsetMs)}`),
      'host-gone': ({ data }) => verdict(!hosts.some((host) => isSameHost(hostOf(host), data)), 'the policy names the host'),
    },
  };
}

/** What name servers should show of a record. */
export function tlsaExpectation({ lifecycle }: TlsaState, object: string): RecordExpectation | undefined {
  const data = findObject(lifecycle, object)?.data;
  return data && expectRecord('record', tlsaOwner(nameOf(data.host), data.port), TYPE.TLSA, data.record);
}

/** What hosts should present so that a record can go: only what other records, which stay, are of (RFC 7671 §8.4). */
export function notServedExpectation(state: TlsaState, object: string, domain: Name): NotServedExpectation | undefined {
  const { lifecycle } = state;
  const data = findObject(lifecycle, object)?.data;
  if (data === undefined) return undefined;
  const isOther = (each: TlsaObject) => each.id !== object && isSameHost(each.data, data);
  const isStaying = ({ stage, data: { record } }: TlsaObject) => stage === 'current' || record === data.record;
  const others = lifecycle.objects.filter((each) => isOther(each) && isStaying(each));
  const host = withoutDot(data.host);
  const names = mailNames(data.host, domain);
  return { kind: 'not-served', host, record: data.record, others: others.map((each) => each.data.record), names };
}

/** RFC 7672 §3.2.2: names that count for usage 2: the host's, and the domain's that it takes mail for. */
export function mailNames(host: string, domain: Name): string[] {
  return [withoutDot(host), withoutDot(formatName(domain).toLowerCase())];
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, '');
}

function hostOf({ host, port }: Pick<DaneHost, 'host' | 'port'>): TlsaHost {
  return { host: formatName(host).toLowerCase(), port };
}

function isSameHost(a: TlsaHost, b: TlsaHost): boolean {
  return a.host === b.host && a.port === b.port;
}

/** Takes the policy's keys in: the first ones of a host are in use already, later ones are next in their place. */
export function takeTlsaPolicy(state: TlsaState, hosts: readonly DaneHost[], nowMs: number): TlsaState {
  let next = state;
  const taken = state.taken.filter((each) => hosts.some((host) => isSameHost(hostOf(host), each)));
  for (const host of hosts) {
    for (const [slot, rdata] of host.records.entries()) {
      const key: TlsaKey = { ...hostOf(host), slot, record: formatTlsa(rdata) };
      const ofSlot = taken.filter((each) => isSameHost(each, key) && each.slot === slot);
      if (ofSlot.some(({ record }) => record === key.record)) continue;
      taken.push(key);
      const isKnown = next.lifecycle.objects.some(({ data }) => isSameHost(data, key) && data.record === key.record);
      if (!isKnown) next = addTlsa(next, key, ofSlot.length === 0 ? 'current' : TLSA_MACHINE.first, nowMs).state;
    }
  }
  return { ...next, taken };
}

function addTlsa(state: TlsaState, key: TlsaKey, stage: string, nowMs: number): TlsaNext {
  const count = state.count + 1;
  const id = `tlsa-${key.host.split('.')[0]}-${count}`;
  const group = `${key.host}:${key.port} ${key.slot}`;
  const lifecycle = addObject(state.lifecycle, { id, group, stage, data: key }, nowMs);
  return { id, state: { ...state, lifecycle, count } };
}

export interface TlsaNext {
  readonly state: TlsaState;
  readonly id: string;
}

/**
 * Publishes the record of a key to come at `host`. When `replaces` is not given the host must have one key in use; with RSA and ECDSA side
 * by side it says which of them changes. A key that has its record already keeps it.
 */
export function tlsaNext(
  state: TlsaState,
  { host, port = 25, record, replaces }: { host: DaneHost['host']; port?: number; record: DaneHost['records'][number]; replaces?: string },
  nowMs: number,
): Result<TlsaNext> {
  const named = hostOf({ host, port });
  const ofHost = state.lifecycle.objects.filter(({ data }) => isSameHost(data, named));
  const text = formatTlsa(record);
  const known = ofHost.find((each) => each.data.record === text && each.stage !== 'withdrawing' && each.stage !== 'removed');
  if (known !== undefined) return ok({ state, id: known.id });
  const current = ofHost.filter((each) => each.stage === 'current');
  const old = replaces === undefined ? current[0] : current.find((each) => each.id === replaces);
  if (old === undefined || (replaces === undefined && current.length > 1))
    return fail(
      problem(
        'LIFECYCLE_OBJECT',
        atObject(`${named.host}:${port}`),
        old === undefined ? 'the policy names no key in use at this host' : 'the host has several keys in use',
        {
          fix:
            current.length === 0
              ? 'add the host to dane.hosts of the mail policy'
              : `say which is replaced: ${current.map((each) => each.id).join(', ')}`,
        },
      ),
    );
  return ok(addTlsa(state, { ...named, slot: old.data.slot, record: text }, TLSA_MACHINE.first, nowMs));
}

/** When a host may use its next key at the earliest. `isFinal`: the time will not move any more. */
export interface DeployTime {
  readonly atMs: number;
  readonly isFinal: boolean;
}

/** When the host may use the key at the earliest, as far as that is known now; counted time. */
export function notBeforeDeploy(state: TlsaState, id: string, world: World<TlsaData>): Result<DeployTime> {
  const object = findObject(state.lifecycle, id);
  if (object === undefined) return noObject(id);
  if (object.stage === 'published') {
    const twoTtls = TWO_TTLS.reduce((atMs, term) => atMs + world.durationMs(term, object, atMs), world.nowMs);
    return ok({ atMs: twoTtls, isFinal: false });
  }
  if (object.stage !== 'visible') return ok({ atMs: object.enteredAtMs, isFinal: true });
  const transition = TLSA_MACHINE.transitions.find((each) => each.from === 'visible' && each.to === 'deployable')!;
  const [report] = judgeWaits(TLSA_MACHINE, transition, object, state.lifecycle, world);
  return ok({ atMs: report?.override?.atMs ?? report?.untilMs ?? world.nowMs, isFinal: true });
}

/** Of all next keys, by object; wall time. */
export function deployTimes(state: TlsaState, world: World<TlsaData>): ReadonlyMap<string, DeployTime> {
  const coming = state.lifecycle.objects.filter(({ stage }) => COMING_STAGES.includes(stage));
  const times = coming.flatMap(({ id }) => {
    const time = notBeforeDeploy(state, id, world);
    return time.ok ? [[id, { ...time.value, atMs: time.value.atMs + world.wallOffsetMs }] as const] : [];
  });
  return new Map(times);
}

/**
 * Notes that the host uses the key now. Too early is rejected, because caches may hold sets without the key; when the
 * host uses it all the same, `isForced` takes note of it, and the old record stays until the new one is known
 * everywhere and two TTLs more.
 */
export function tlsaActivated(state: TlsaState, id: string, world: World<TlsaData>, isForced: boolean): Result<TlsaState> {
  // Looked at as it would be after the steps that are due; the next step of the domain takes and reports them.
  const moved = advance(TLSA_MACHINE, state.lifecycle, world).state;
  const object = findObject(moved, id);
  if (object === undefined) return noObject(id);
  if (object.stage === 'current') return ok(state);
  if (object.stage === 'withdrawing' || object.stage === 'removed')
    return fail(
      problem('LIFECYCLE_ORDER', atObject(id), `${id} is being withdrawn`, { fix: 'publish the key again with: waxseal tlsa next' }),
    );
  const isReady = object.stage === 'deployable';
  if (!isReady && !isForced) {
    const time = notBeforeDeploy({ ...state, lifecycle: moved }, id, world);
    const atMs = time.ok ? time.value.atMs + world.wallOffsetMs : undefined;
    return fail(
      problem(
        'MAIL_TLSA_EARLY',
        atObject(id),
        `senders may hold TLSA records of ${object.data.host} without this key, and would not deliver; not before ${atMs === undefined ? 'it is published' : formatTime(atMs)}`,
        { rfc: 'RFC 7671 §8.1', fix: 'go back to the old key until then; if the host cannot, say so with --force' },
      ),
    );
  }
  const mark = (each: TlsaObject): TlsaObject => ({ ...each, data: { ...each.data, activatedAtMs: world.nowMs } });
  return ok({ ...state, lifecycle: changeObject(state.lifecycle, id, mark) });
}

/** Of keys whose record is announced, and which no order has said to be in use. */
export const COMING_STAGES: readonly string[] = ['published', 'visible', 'deployable'];

/** Keys to come at a host: announced, and no order has said that the host uses them. */
export function comingTlsa({ lifecycle }: TlsaState, host: string): TlsaObject[] {
  return lifecycle.objects.filter(
    ({ stage, data }) => COMING_STAGES.includes(stage) && data.host === host && data.activatedAtMs === undefined,
  );
}

/** Takes back a next key that was never used, at once: no sender misses a record that no key needs. */
export function tlsaAbandon(
  state: TlsaState,
  id: string,
  cause: OrderCause,
): Result<{ readonly state: TlsaState; readonly events: readonly LifecycleEvent[] }> {
  const object = findObject(state.lifecycle, id);
  if (object?.stage === 'current' || object?.data.activatedAtMs !== undefined)
    return fail(
      problem('LIFECYCLE_ORDER', atObject(id), `${object.data.host} uses ${id}: without its record senders would not deliver`, {
        rfc: 'RFC 7671 §8.1',
        fix: 'put another key in its place: waxseal tlsa next',
      }),
    );
  const done = order(TLSA_MACHINE, state.lifecycle, id, 'removed', cause);
  return done.ok ? ok({ state: { ...state, lifecycle: done.value.state }, events: done.value.events }) : done;
}

/** Records that stand now at a host, as `u s m HEX`, each once. */
export function publishedTlsa(state: TlsaState): TlsaObject[] {
  return state.lifecycle.objects.filter((each) => each.stage !== 'removed');
}
