/**
 * A domain's SPF record with addresses in place of includes, and the `_spfN` records beside it: which exist, since when
 * no record needs one, and when it may go. A part never changes under its name: a receiver with an old record in its
 * cache finds what it includes as it was; else an address that moved to another part would be in none for a while.
 * Implements: RFC 7208 §5.2 (an include without a record is a permerror: parts outlive the records that include them), §3.2.
 * Not here: the addresses (flatten.ts), when they are looked up (upkeep.ts).
 */
import { atRrset } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { SPF_PARTS_MAX } from '#base/limits/spf.ts';
import { type Name, formatName, ownerKey, parseName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type TtlMemory, cachedUntilMs } from '#lifecycle/ttl-memory.ts';
import { soaRefresh } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type SpfPolicy } from './settle.ts';
import { spfRecordOf } from './settle.ts';
import { type FlattenedSource, composeFlattened } from './flatten.ts';
import { formatSpf, isSpfText } from './spf.ts';
import { txtText } from '#mail/text/txt.ts';

/** What an include stood for when it was last read; as it is kept. */
export interface SpfSource {
  /** The included domain, lower-case. */
  readonly include: string;
  /** `192.0.2.0/24`, sorted and joined. */
  readonly networks: readonly string[];
  /** Wall time. */
  readonly seenAtMs: number;
}

/** One `_spfN` record. Times are counted time. */
export interface SpfPart {
  readonly number: number;
  readonly text: string;
  /** The domain's record does not include it any more since then. */
  readonly unusedSinceMs?: number;
  /** Not published any more since then; the number rests until caches have forgotten the text. */
  readonly goneSinceMs?: number;
}

/** Kept with the mail state. */
export interface SpfState {
  readonly sources: readonly SpfSource[];
  readonly parts: readonly SpfPart[];
  /** Text of the domain's record, where addresses stand in place of includes. */
  readonly record?: string;
}

export const NO_SPF_STATE: SpfState = { sources: [], parts: [] };

/** What the records have to fit. */
export interface SpfGround {
  readonly domain: Name;
  readonly policy: SpfPolicy;
  readonly view: ZoneView;
  /** `spf` is the TTL of the domain's record and of the parts. */
  readonly ttls: TtlMemory;
  readonly nowMs: number;
}

export interface SettledSpf {
  readonly state: SpfState;
  readonly events: readonly LifecycleEvent[];
  readonly problems: readonly Problem[];
  readonly nextDueMs?: number;
}

/** `_spfN` of the domain, without its last dot. */
export function partOwner(number: number, domain: Name): string {
  return `_spf${number}.${plainDomain(domain)}`;
}

/** Parts that are to be published. */
export function publishedParts({ parts }: SpfState): readonly SpfPart[] {
  return parts.filter(({ goneSinceMs }) => goneSinceMs === undefined);
}

/** The text that the domain's SPF record is to have. */
export function spfTextOf(policy: SpfPolicy, state: SpfState = NO_SPF_STATE): string {
  return state.record ?? formatSpf(spfRecordOf(policy));
}

/** SPF names are written without the last dot. */
export function plainDomain(domain: Name): string {
  return formatName(domain).slice(0, -1);
}

/** The form that `flatten` takes. */
export function flattenedSource({ include, networks, seenAtMs }: SpfSource): FlattenedSource {
  return { include, networks: networks.map((network) => ({ network, via: [] })), seenAtMs };
}

/** Texts of the other TXT records at the domain's name. */
export function otherTextsAt(view: ZoneView, domain: Name): string[] {
  const rrset = rrsetOf(view.node(ownerKey(domain)), TYPE.TXT);
  return (rrset?.rdatas ?? []).map(txtText).filter((text) => !isSpfText(text));
}

/** The records that result from `state.sources` now; the same every time it is called with the same arguments. */
export function settleSpfParts(state: SpfState, ground: SpfGround): SettledSpf {
  const { policy, nowMs } = ground;
  // Names that have rested long enough are free first of all.
  const isResting = ({ goneSinceMs }: SpfPart) => goneSinceMs === undefined || forgottenAtMs(goneSinceMs, ground) > nowMs;
  const before = { ...state, parts: state.parts.filter(isResting) };
  const chosen = policy.isEnabled ? policy.flatten : [];
  const sources = before.sources.filter(({ include }) => chosen.includes(include));
  const composed = composeParts(before, sources, ground);
  const problems = composed === undefined ? [noSpace(ground)] : [];
  // Without a free number the record stays as it is, with what it includes.
  const { record, parts, used } = composed ?? {
    record: before.record,
    parts: before.parts,
    used: new Set(before.parts.filter(({ unusedSinceMs }) => unusedSinceMs === undefined).map(({ number }) => number)),
  };
  const events: LifecycleEvent[] = [];
  const times: number[] = [];
  const kept = parts.map((part) => agePart(part, used.has(part.number), ground, events, times));
  for (const { number } of kept)
    if (!before.parts.some((each) => each.number === number)) events.push(partEvent(number, 'published', ground));
  const later = times.filter((each) => each > nowMs);
  return {
    state: { sources, parts: kept, ...(record === undefined ? {} : { record }) },
    events,
    problems,
    ...(later.length === 0 ? {} : { nextDueMs: Math.min(...later) }),
  };
}

interface ComposedParts {
  readonly record?: string;
  readonly parts: readonly SpfPart[];
  readonly used: ReadonlySet<number>;
}

/** Undefined when more parts are wanted than there are numbers. */
function composeParts(before: SpfState, sources: readonly SpfSource[], ground: SpfGround): ComposedParts | undefined {
  if (sources.length === 0) return { parts: before.parts, used: new Set() };
  const { domain, policy, view } = ground;
  const parts = [...before.parts];
  const used = new Set<number>();
  let isFull = false;
  const ownerOf = (text: string): string => {
    const same = parts.find((each) => each.text === text && each.goneSinceMs === undefined);
    const number = same?.number ?? freeNumber(parts, ground);
    if (number === undefined) isFull = true;
    else if (same === undefined) parts.push({ number, text });
    if (number !== undefined) used.add(number);
    return partOwner(number ?? SPF_PARTS_MAX, domain);
  };
  const request = {
    domain: plainDomain(domain),
    record: spfRecordOf(policy),
    chosen: policy.flatten,
    otherTxtBytes: otherTextsAt(view, domain).reduce((sum, text) => sum + text.length, 0),
  };
  const { record } = composeFlattened(request, sources.map(flattenedSource), ownerOf);
  return isFull ? undefined : { record: formatSpf(record), parts, used };
}

/** The lowest number whose name is not in use: neither a part, also one that is gone, nor the zone, nor the policy. */
function freeNumber(parts: readonly SpfPart[], { domain, policy, view }: SpfGround): number | undefined {
  for (let number = 1; number <= SPF_PARTS_MAX; number++) {
    if (parts.some((each) => each.number === number)) continue;
    const owner = partOwner(number, domain);
    const name = parseName(`${owner}.`);
    if (name.ok && view.node(ownerKey(name.value)) !== undefined) continue;
    if (policy.mechanisms.some((text) => text.toLowerCase().includes(`:${owner.toLowerCase()}`))) continue;
    return number;
  }
  return undefined;
}

/** A part with the time that went by. */
function agePart(part: SpfPart, isUsed: boolean, ground: SpfGround, events: LifecycleEvent[], times: number[]): SpfPart {
  const { number, text } = part;
  if (isUsed) return { number, text };
  const unusedSinceMs = part.unusedSinceMs ?? ground.nowMs;
  if (part.goneSinceMs === undefined) {
    const untilMs = forgottenAtMs(unusedSinceMs, ground);
    if (untilMs > ground.nowMs) {
      times.push(untilMs);
      return { number, text, unusedSinceMs };
    }
    events.push(partEvent(number, 'removed', ground));
  }
  const goneSinceMs = part.goneSinceMs ?? ground.nowMs;
  times.push(forgottenAtMs(goneSinceMs, ground));
  return { number, text, unusedSinceMs, goneSinceMs };
}

/** When no cache can hold what was there until `atMs`: secondaries that lag may give it out for a while yet. */
export function forgottenAtMs(atMs: number, { view, ttls }: Pick<SpfGround, 'view' | 'ttls'>): number {
  const soa = rrsetOf(view.node(view.apexKey), TYPE.SOA);
  const lagMs = soa === undefined ? 0 : soaRefresh(soa.rdatas[0]!) * 1000;
  return cachedUntilMs(ttls, 'spf', atMs + lagMs);
}

function partEvent(number: number, stage: 'published' | 'removed', { domain, nowMs }: SpfGround): LifecycleEvent {
  const owner = partOwner(number, domain);
  const text = stage === 'published' ? `${owner} is published` : `${owner} is removed: no cache can hold a record that includes it`;
  return { event: stage === 'published' ? 'started' : 'finished', machine: 'spf', object: `_spf${number}`, stage, atMs: nowMs, text };
}

function noSpace({ domain }: SpfGround): Problem {
  const message = `all ${SPF_PARTS_MAX} names _spf1 to _spf${SPF_PARTS_MAX} are in use, or rest until caches have forgotten them; the SPF record stays as it is`;
  return problem('SPF_FLATTEN_LARGE', atRrset(formatName(domain), 'TXT'), message, { fix: 'flatten fewer includes, or lower ttl.spf' });
}
