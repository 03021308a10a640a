/**
 * The parent of every signed zone is looked at now and then, whatever is under way: what is wrong with its DS records,
 * and the alert about it.
 * Implements: RFC 4035 §5.2 (a DS that no key of the zone has is a broken chain), RFC 7583 §3.3 (DS at every server).
 * Not here: asking (parent.ts), what a rollover waits for (upkeep.ts).
 */
import {
  PARENT_WATCH_EACH_MS,
  PARENT_WATCH_EVERY_MS,
  PARENT_WATCH_LIST_MS,
  PARENT_ZONES_MAX,
} from '#base/limits/dnssec.ts';
import { atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type Name, formatName, nameOf } from '#dns/name.ts';
import { type KeyPolicy } from '#dnssec/key-policy.ts';
import { type RolloverState, rolloversOf } from '#dnssec/rollover/state.ts';
import { type ZoneRecord, isSignedHere } from '#store/schema.ts';
import { DueTimes } from '#store/due/due-times.ts';
import { type StoreWriter } from '#store/writer.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type ParentLook, type ParentServers, judgeDs } from './parent.ts';
import { type DnssecSteps } from './steps.ts';

/** How often a parent is asked that nothing waits for: six times as seldom as it may change, and no more than that. */
export function watchEveryMs({ parentPropagationSeconds }: KeyPolicy): number {
  return Math.min(PARENT_WATCH_EVERY_MS, Math.max(10, 6 * parentPropagationSeconds) * 1000);
}

export interface ParentWatchOptions {
  readonly writer: StoreWriter;
  readonly policyOf: (record: ZoneRecord) => KeyPolicy;
  /** Counted time. */
  readonly nowMs: () => number;
}

interface Watched {
  /** As it was when it was last listed; undefined: it was not yet. */
  readonly record?: ZoneRecord;
  /** Of the last look since the start, counted time. */
  readonly lookedMs?: number;
}

/**
 * Which zones' parents are to be looked at, kept in memory: after a start all of them are, one after the other. The
 * next time is asked for at each change, so no other zone is looked at for it.
 */
export class ParentWatch {
  readonly #options: ParentWatchOptions;
  readonly #startedMs: number;
  #generation: number | undefined;
  #listedMs = -Infinity;
  /** By the zone's name. */
  readonly #zones = new Map<string, Watched>();
  /** When the next look is due, by the zone's name. */
  readonly #times = new DueTimes();

  constructor(options: ParentWatchOptions) {
    this.#options = options;
    this.#startedMs = options.nowMs();
  }

  /** True also of one that was not looked at since the start, though its turn has not come. */
  isDue(zone: Name): boolean {
    this.#list();
    const isLooked = Number.isFinite(this.lookedMs(zone));
    return !isLooked || this.#times.get(formatName(zone))! <= this.#options.nowMs();
  }

  /** When the zone's parent was looked at last, counted time; long ago when it was not since the start. */
  lookedMs(zone: Name): number {
    return this.#zones.get(formatName(zone))?.lookedMs ?? -Infinity;
  }

  /** The zone's parent is looked at now, whatever for. */
  looked(zone: Name, policy: KeyPolicy): void {
    const name = formatName(zone);
    const lookedMs = this.#options.nowMs();
    this.#zones.set(name, { ...this.#zones.get(name), lookedMs });
    this.#times.set(name, lookedMs + watchEveryMs(policy));
  }

  /** Zones that are due at `untilMs`, `limit` at most, soonest first. */
  due(untilMs: number, limit: number): readonly Name[] {
    this.#list();
    return this.#times.until(untilMs, limit).map((name) => nameOf(name));
  }

  nextDueMs(): number | undefined {
    this.#list();
    return this.#times.firstMs();
  }

  /** Again only when the store has changed, and now and then; of zones that are as they were, nothing is read. */
  #list(): void {
    const { writer, nowMs } = this.#options;
    const generation = writer.generation();
    const isFresh = generation === this.#generation || nowMs() - this.#listedMs < PARENT_WATCH_LIST_MS;
    if (isFresh) return;
    const firstMs = Number.isFinite(this.#listedMs) ? nowMs() : this.#startedMs;
    this.#generation = generation;
    this.#listedMs = nowMs();
    const signed = writer.zones().filter((each) => isSignedHere(each) && each.name !== '.');
    signed.forEach((record, at) => this.#take(record, firstMs + (at + 1) * PARENT_WATCH_EACH_MS));
    if (this.#zones.size === signed.length) return;
    const names = new Set(signed.map(({ name }) => name));
    for (const name of this.#zones.keys()) if (!names.has(name)) this.#drop(name);
  }

  #take(record: ZoneRecord, firstMs: number): void {
    const { name } = record;
    const before = this.#zones.get(name);
    if (before?.record === record) return;
    const lookedMs = before?.lookedMs;
    this.#zones.set(name, { ...before, record });
    // It may have another policy than before.
    if (lookedMs !== undefined) this.#times.set(name, lookedMs + watchEveryMs(this.#options.policyOf(record)));
    else if (this.#times.get(name) === undefined) this.#times.set(name, firstMs);
  }

  #drop(name: string): void {
    this.#zones.delete(name);
    this.#times.delete(name);
  }
}

/**
 * What is wrong with what one server of the parent says, whatever rollover is under way: no answer, a DS that no key of
 * the zone has, or none where there was one.
 */
export function parentProblem(
  seen: ParentLook,
  zone: Name,
  { name, keys, foreignKeys = [] }: Pick<ZoneRecord, 'name' | 'keys' | 'foreignKeys'>,
  state: RolloverState,
): Problem | undefined {
  // RFC 8901 §2.1.2: the DS of another who signs the zone too is no stranger's.
  const known = [...keys, ...foreignKeys];
  const { ds, place, text } = seen;
  const who = `${place}, a name server of the parent of ${name},`;
  if (ds === undefined) return problem('DNSSEC_PARENT', atZone(name), `${who} ${text}`, { fix: HELD });
  const isOf = (rdata: Uint8Array, ofKeys: readonly PublicKey[]): boolean =>
    ofKeys.some((key) => judgeDs({ ...seen, ds: [rdata] }, zone, [key]).isGood || isSha1Of(rdata, key.keyTag));
  const foreign = ds.find((rdata) => !isOf(rdata, known));
  if (foreign !== undefined) {
    const { text: which } = judgeDs({ ...seen, ds: [foreign] }, zone, known);
    const why = `${who} has a DS that no key of the zone has: ${which}`;
    return problem('DNSSEC_PARENT', atZone(name), why, {
      fix: 'no rollover continues while it is there; remove it at the registrar',
      rfc: 'RFC 4035 §5.2',
    });
  }
  const isBare = ds.length === 0;
  const gone = keys
    .filter(({ id }) => isExpected(id, state, isBare))
    .filter((key) => !ds.some((rdata) => isOf(rdata, [key])));
  if (gone.length === 0) return undefined;
  const tags = gone.map(({ keyTag }) => keyTag).join(', ');
  const what = isBare ? 'has no DS any more' : `has only ${text}`;
  const harm = isBare ? ': validators take the zone for unsigned' : '';
  const why = `${who} ${what}; it had a DS of key ${tags}, which is gone there${harm}`;
  return problem('DNSSEC_PARENT', atZone(name), why, {
    fix: `nothing that needs it continues; enter it at the registrar again: waxseal dnssec ds ${name}`,
  });
}

type PublicKey = Pick<ZoneRecord['keys'][number], 'keyTag' | 'dnskey'>;

const HELD = 'no rollover that needs its word continues until it gives it; ask it yourself: dig @SERVER ZONE DS';

/** It was at the parent, and nothing that is under way takes it away; all of them, no rollover takes away. */
function isExpected(id: string, state: RolloverState, isBare = false): boolean {
  const isLeaving = state.rollovers.unsigning.objects.length > 0;
  const goes = !isBare && rolloversOf(state).some(({ object: { data } }) => data.out.includes(id));
  return !isLeaving && !goes && (state.parentKeys ?? []).includes(id);
}

/** RFC 4034 §5.1: a SHA-1 digest beside others does no harm, and is not looked at further. */
function isSha1Of(rdata: Uint8Array, keyTag: number): boolean {
  return rdata[3] === 1 && ((rdata[0]! << 8) | rdata[1]!) === keyTag;
}

/**
 * Ids of the keys whose DS was at every server that gave an answer; undefined when these looks do not tell. A key that
 * was there stays until it is gone from the zone, or gone from every server while it was to go.
 */
export function parentKeysAfter(
  looks: readonly ParentLook[],
  zone: Name,
  keys: ZoneRecord['keys'],
  state: RolloverState,
): readonly string[] | undefined {
  if (looks.length === 0 || looks.some(({ ds }) => ds === undefined)) return undefined;
  const isThere = (look: ParentLook, key: (typeof keys)[number]): boolean =>
    look.ds!.some((rdata) => judgeDs({ ...look, ds: [rdata] }, zone, [key]).isGood);
  const known = state.parentKeys ?? [];
  const isBare = looks.every(({ ds }) => ds!.length === 0);
  const stays = (key: (typeof keys)[number]): boolean =>
    isExpected(key.id, state, isBare) || (known.includes(key.id) && looks.some((look) => isThere(look, key)));
  const after = keys.filter((key) => looks.every((look) => isThere(look, key)) || stays(key)).map(({ id }) => id);
  return JSON.stringify(after) === JSON.stringify(known) ? undefined : after;
}

/** What is known of the zone's DS at its parent, and until when caches have it: a sentence after a blank. */
export function dsText(record: ZoneRecord, steps: Pick<DnssecSteps, 'dsUntilMs'>, parents: ParentServers): string {
  const seen = parents.found(nameOf(record.name))?.servers.filter(({ text }) => text.includes('DS ')) ?? [];
  const until = `If it were removed now, no cache would have it from ${formatTime(steps.dsUntilMs(record))} on.`;
  if (seen.length === 0) return ` ${until}`;
  const others = seen.length > 1 ? ` and ${seen.length - 1} more` : '';
  return ` ${seen[0]!.place}${others} had ${seen[0]!.text}. ${until}`;
}

/** Tells what is wrong at each place once, until it is right or another. */
export class ParentAlarms {
  readonly #alert: (zone: string, problems: readonly Problem[]) => Promise<void>;
  readonly #known = new Map<string, string>();

  constructor(alert: (zone: string, problems: readonly Problem[]) => Promise<void>) {
    this.#alert = alert;
  }

  async tell(zone: string, found: readonly Problem[]): Promise<void> {
    if (this.#known.size > PARENT_ZONES_MAX) this.#known.clear();
    const text = found.map(({ message }) => message).join('\n');
    if ((this.#known.get(zone) ?? '') === text) return;
    if (text === '') this.#known.delete(zone);
    else this.#known.set(zone, text);
    if (found.length > 0) await this.#alert(zone, found);
  }
}
