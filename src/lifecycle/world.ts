/**
 * What the life cycles of mail share: facts from outside, and a world for the engine made of them.
 * Not here: the machines (mail/dkim/lifecycle.ts and its siblings).
 */
import { type ConditionVerdict, type World } from './waits.ts';
import { type LifecycleObject, type LifecycleState } from './state.ts';
import { cachedUntilMs, type TtlMemory } from './ttl-memory.ts';

/** What the control room knows at one moment. Lists of places: who can be asked; an empty list means that there is no such witness. */
export interface MailFacts {
  /** Counted time (timeline.ts). */
  readonly nowMs: number;
  /** Wall time minus counted time. */
  readonly wallOffsetMs: number;
  /** Name servers of the zone, secondaries too, as they are to be called: each must show a record before it counts as published. */
  readonly servers: readonly string[];
  /** From where the MTA-STS body is fetched as a sender would; without one, no new body is announced. */
  readonly probes: readonly string[];
  /** Where DMARC reports are collected. */
  readonly reportSources: readonly string[];
  /** Name servers whose query counts per selector are known. */
  readonly queryCounters: readonly string[];
  /** Where TLS reports are collected. */
  readonly tlsReports: readonly string[];
  /** From where the certificates of mail hosts are looked at. */
  readonly liveChecks: readonly string[];
}

/** Facts of a server that stands alone and knows nothing yet; what is known is put over it. */
export function mailFacts(nowMs: number, known: Partial<MailFacts> = {}): MailFacts {
  return {
    nowMs,
    wallOffsetMs: 0,
    servers: ['this server'],
    probes: [],
    reportSources: [],
    queryCounters: [],
    tlsReports: [],
    liveChecks: [],
    ...known,
  };
}

type Lengths<Data> = Readonly<Record<string, (object: LifecycleObject<Data>, sinceMs: number) => number>>;
type Places<Data> = Readonly<Record<string, (object: LifecycleObject<Data>) => readonly string[]>>;
type Conditions<Data> = Readonly<Record<string, (object: LifecycleObject<Data>, state: LifecycleState<Data>) => ConditionVerdict>>;

/** What one kind of object knows: durations, places and conditions by the names that its machine uses. */
export interface Vocabulary<Data> {
  readonly durations: Lengths<Data>;
  readonly places: Places<Data>;
  readonly conditions: Conditions<Data>;
}

/** The engine's world. `zone` is for commands in texts. A name that a machine uses and the vocabulary lacks throws: a bug. */
export function mailWorld<Data>(
  { nowMs, wallOffsetMs }: MailFacts,
  zone: string,
  { durations, places, conditions }: Vocabulary<Data>,
): World<Data> {
  return {
    nowMs,
    wallOffsetMs,
    durationMs: (term, object, sinceMs) => durations[term]!(object, sinceMs),
    places: (name, object) => places[name]!(object),
    condition: (id, object, state) => conditions[id]!(object, state),
    overrideCommand: (object, wait) => `waxseal mail override ${zone.replace(/(?<=.)\.$/, '')} ${object.id} ${wait} --reason "…"`,
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
