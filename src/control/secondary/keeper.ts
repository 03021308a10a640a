/**
 * Keeps the zones that come from primaries: looks at them in time, takes in what is new, tries one primary after the
 * other, and lets a zone expire that none has confirmed for too long.
 * Implements: RFC 1034 §4.3.5 (refresh, retry, expire), RFC 1996 §3.10–3.11 (a NOTIFY is a reason to look now), RFC
 * 7314 §4.
 * Each zone is looked at by itself: one whose primary hangs holds up none of the others, and no answer waits for any.
 * Not here: one look (pull.ts), the times (timers.ts), the list of primaries (primaries.ts).
 */
import { ipPort } from '#base/address.ts';
import {
  EXPIRE_AGAIN_MS,
  NOTIFIED_CHECK_MS,
  POSTPONED_MS,
  SECONDARY_NEXT_MS,
  SECONDARY_TICK_MS,
} from '#base/limits/transfer.ts';
import { SOA_CHECKS_MAX, SOA_CHECKS_PER_PRIMARY_MAX } from '#base/limits/transfer.ts';
import { type Log } from '#base/log.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import {
  type CheckedState,
  type Primary,
  checkedWrite,
  readChecked,
  readPrimaries,
} from '#store/transfer/primaries.ts';
import { type PrimaryState } from '#control/api/transfer.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import {
  type KeptZone,
  noteFailure,
  noteSuccess,
  primaryOrder,
  primaryState,
  askedOf,
  isOver,
  isToBeWritten,
  stateOf,
  viewOf,
  newKept,
} from './kept-zone.ts';
import { changedMeanwhile, decideTaking, expiryDecision, timesNow } from './decisions.ts';
import { type PullOptions, type Pulled, notWritten, pull } from './pull.ts';
import { type PrimaryAccess } from './primary-access.ts';
import { checkedState, firstRetryMs, jittered } from './timers.ts';

export interface KeeperOptions extends Omit<PullOptions, 'signal' | 'now'> {
  readonly writer: StoreWriter;
  readonly funnel: Funnel;
  /** Wall time, milliseconds. */
  readonly nowMs: () => number;
  /** 0 ≤ x < 1 */
  readonly chance: () => number;
  /** How it is asked (primary-access.ts). */
  readonly access: (primary: Primary) => PrimaryAccess;
  readonly alert: (zone: string | undefined, problems: readonly Problem[]) => Promise<void>;
}

/** `again`: it is looked at once more. Or words that follow the primary's address. */
type Tried = 'current' | 'taken' | 'again' | { readonly failure: string };

type TakenZone = Extract<Pulled, { kind: 'taken' }>;

const ACTOR = { kind: 'system', id: 'secondary', from: '' } as const;

export class SecondaryKeeper {
  readonly #options: KeeperOptions;
  readonly #zones = new Map<number, KeptZone>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Looks under way, by the address that is asked first. */
  readonly #looksAt = new Map<string, number>();
  /** Since the start. */
  readonly counts = { checks: 0, transfers: 0, failures: 0, notified: 0 };
  #timer: NodeJS.Timeout | undefined;
  #next: NodeJS.Timeout | undefined;
  #log: Log | undefined;
  #isWriting = false;
  /** In the last round a zone found no place. */
  #isCrowded = false;
  #tickedMs = -Infinity;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  start(log: Log): void {
    this.#log = log;
    for (const zone of this.#options.writer.zones()) if (zone.secondary !== undefined) this.follow(zone);
    this.#timer = setInterval(() => this.tick(), SECONDARY_TICK_MS);
  }

  /** Looks under way are given up; what was looked at is written down. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#next);
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#writeChecked(() => true);
  }

  /** The zone is new here, or has other primaries: it is looked at now. */
  follow({ id, name }: Pick<ZoneRecord, 'id' | 'name'>): void {
    const known = this.#zones.get(id) ?? newKept(id, name, readChecked(this.#options.writer, id));
    this.#zones.set(id, known);
    known.primaries.clear();
    known.isWanted = true;
    known.dueMs = this.#options.nowMs();
  }

  /** A primary says that the zone has changed. */
  notified(zoneId: number): void {
    const kept = this.#zones.get(zoneId);
    if (kept === undefined) return;
    this.counts.notified += 1;
    kept.isNotified = true;
    for (const primary of kept.primaries.values()) primary.restsUntilMs = 0;
    const dueMs = Math.max(this.#options.nowMs(), kept.startedMs + NOTIFIED_CHECK_MS);
    if (kept.isBusy) kept.isWanted = true;
    else kept.dueMs = Math.min(kept.dueMs, dueMs);
  }

  /** What is known of a zone from primaries. */
  view(record: ZoneRecord): PrimaryState | undefined {
    const { writer, nowMs } = this.#options;
    if (record.secondary === undefined) return undefined;
    const kept = this.#zones.get(record.id) ?? newKept(record.id, record.name, readChecked(writer, record.id));
    return viewOf(record, kept, readPrimaries(writer, record.id), nowMs());
  }

  /** In the order in which they are asked now. */
  primariesOf({ id, name }: ZoneRecord): readonly Primary[] {
    const { writer, nowMs } = this.#options;
    return primaryOrder(this.#zones.get(id) ?? newKept(id, name, undefined), readPrimaries(writer, id), nowMs());
  }

  /** The same in a word; undefined for a zone that is kept here. */
  state(record: ZoneRecord): PrimaryState['state'] | undefined {
    const kept = record.secondary && this.#zones.get(record.id);
    return kept && stateOf(record, kept);
  }

  /** Begins what is due. */
  tick(): void {
    clearTimeout(this.#next);
    this.#next = undefined;
    if (this.#stop.signal.aborted) return;
    this.#isCrowded = false;
    const nowMs = this.#options.nowMs();
    // A clock that is set back: nothing waits for the time that comes again.
    const backMs = Math.max(0, this.#tickedMs - nowMs);
    this.#tickedMs = nowMs;
    for (const [id, kept] of this.#zones) {
      kept.dueMs -= backMs;
      if (kept.isBusy) continue;
      const record = this.#options.writer.zoneById(id);
      if (record?.secondary === undefined) this.#zones.delete(id);
      else if (isOver(record, kept, nowMs) && kept.failures > 0) this.#begin(kept, () => this.#expire(kept, record));
      // After a stop, or when the clock has jumped, the primaries have a word before the zone expires.
      else if (kept.dueMs <= nowMs || isOver(record, kept, nowMs)) this.#lookInPlace(kept, record, nowMs);
    }
    if (!this.#isWriting) void this.#writeChecked((kept) => isToBeWritten(kept, nowMs));
  }

  /** In a later round, while there is no place. */
  #lookInPlace(kept: KeptZone, record: ZoneRecord, nowMs: number): void {
    this.#isCrowded ||= this.#running.size >= SOA_CHECKS_MAX;
    if (this.#running.size >= SOA_CHECKS_MAX) return;
    const order = primaryOrder(kept, readPrimaries(this.#options.writer, record.id), nowMs);
    const address = order[0]?.ip ?? '';
    const looks = this.#looksAt.get(address) ?? 0;
    this.#isCrowded ||= looks >= SOA_CHECKS_PER_PRIMARY_MAX;
    if (looks >= SOA_CHECKS_PER_PRIMARY_MAX) return;
    this.#looksAt.set(address, looks + 1);
    this.#begin(kept, async () => {
      await this.#look(kept, record, order);
      const left = this.#looksAt.get(address)! - 1;
      if (left === 0) this.#looksAt.delete(address);
      else this.#looksAt.set(address, left);
      this.#soon();
    });
  }

  /** A place is free: many zones may wait for it, as after a start or when a catalog brings them. */
  #soon(): void {
    if (!this.#isCrowded || this.#timer === undefined || this.#stop.signal.aborted) return;
    this.#next ??= setTimeout(() => this.tick(), SECONDARY_NEXT_MS);
  }

  #begin(kept: KeptZone, work: () => Promise<void>): void {
    kept.isBusy = true;
    kept.isWanted = false;
    kept.startedMs = this.#options.nowMs();
    const running = work().finally(() => {
      kept.isBusy = false;
      if (kept.isWanted) kept.dueMs = Math.min(kept.dueMs, kept.startedMs + NOTIFIED_CHECK_MS);
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  async #look(kept: KeptZone, record: ZoneRecord, order: readonly Primary[]): Promise<void> {
    this.counts.checks += 1;
    const { writer, nowMs } = this.#options;
    const { isNotified } = kept;
    kept.isNotified = false;
    let isConfirmed = false;
    // What a primary has said is remembered until the zone was looked at.
    let isToCome = true;
    for (const primary of order) {
      const state = primaryState(kept, primary);
      const result = await this.#try(kept, record, primary);
      // The server stops, or the zone is gone.
      if (this.#stop.signal.aborted || writer.zoneById(record.id) === undefined) return;
      state.lookedAtMs = nowMs();
      if (typeof result === 'string') {
        noteSuccess(kept, state);
        isConfirmed = true;
        isToCome = result === 'again';
        // RFC 1996 §3.11: one of them has a newer zone; a primary that is behind must not hide it.
        if (result === 'current' && isNotified) continue;
        break;
      }
      noteFailure(state, result.failure, nowMs());
      this.#log?.warn('secondary.primary-failed', `${record.name} from ${primary.ip}: it ${result.failure}`, {
        zone: record.name,
        primary: primary.ip,
      });
    }
    kept.isNotified ||= isNotified && isToCome;
    if (!isConfirmed) await this.#allFailed(kept, record);
    else if (kept.postponedUntilMs > nowMs()) kept.dueMs = kept.postponedUntilMs;
    else kept.dueMs = nowMs() + this.#waitMs(kept, 'refresh');
  }

  async #try(kept: KeptZone, record: ZoneRecord, primary: Primary): Promise<Tried> {
    const access = this.#options.access(primary);
    if ('failure' in access) return access;
    const { writer, nowMs } = this.#options;
    const order = { server: ipPort(primary.ip, primary.port), ...access, ...askedOf(writer, record, kept) };
    const now = (): number => Math.floor(nowMs() / 1000);
    const pulled = await pull(order, { ...this.#options, now, signal: this.#stop.signal });
    if (pulled.kind === 'failed') return { failure: pulled.failure };
    if (pulled.kind === 'postponed') {
      this.#log?.info('secondary.postponed', `${record.name} from ${primary.ip}: it ${pulled.failure}`, {
        zone: record.name,
      });
      kept.postponedUntilMs = nowMs() + POSTPONED_MS;
      return 'again';
    }
    primaryState(kept, primary).serial = pulled.serial;
    if (pulled.kind === 'current') return this.#current(kept, record, pulled);
    if (pulled.kind === 'new') return this.#take(kept, record, primary, pulled);
    if (pulled.kind === 'overtaken') return this.#again(kept);
    return this.#taken(kept, record, primary, { ...pulled, checked: readChecked(writer, record.id) });
  }

  #again(kept: KeptZone): Tried {
    kept.isWanted = true;
    return 'again';
  }

  async #current(kept: KeptZone, record: ZoneRecord, pulled: Extract<Pulled, { kind: 'current' }>): Promise<Tried> {
    const { expireSeconds: saidSeconds } = pulled;
    const soaExpireSeconds = timesNow(this.#options.writer, record.id)?.expireSeconds ?? 0;
    const serial = kept.checked?.serial ?? pulled.serial;
    const check = { nowMs: this.#options.nowMs(), serial, soaExpireSeconds, saidSeconds, isTransfer: false };
    kept.checked = checkedState(kept.checked, check);
    if (record.secondary?.isExpired === true) await this.#revive(kept, record);
    return 'current';
  }

  /** Writes what came, with the state, in one transaction. */
  async #take(
    kept: KeptZone,
    record: ZoneRecord,
    primary: Primary,
    came: Extract<Pulled, { kind: 'new' }>,
  ): Promise<Tried> {
    const { funnel, nowMs, writer } = this.#options;
    let checked = kept.checked;
    const done = await funnel.change({ actor: ACTOR, action: 'zone.transfer' }, () =>
      decideTaking({ reader: writer, record, came, ip: primary.ip, nowMs: nowMs(), onChecked: (it) => (checked = it) }),
    );
    if (!done.ok && done.problems.some(({ code }) => code === 'PRECONDITION')) return this.#again(kept);
    if (!done.ok) return { failure: notWritten(done.problems) };
    return this.#taken(kept, record, primary, { ...came, checked });
  }

  /** It is durable. */
  #taken(
    kept: KeptZone,
    record: ZoneRecord,
    primary: Primary,
    { serial, notes, how, checked }: Pick<TakenZone, 'serial' | 'notes' | 'how'> & Pick<KeptZone, 'checked'>,
  ): Tried {
    const { nowMs, writer } = this.#options;
    this.counts.transfers += 1;
    [kept.checked, kept.writtenAtMs, kept.notes] = [checked, nowMs(), notes];
    kept.takenRevision = writer.zoneById(record.id)?.revision;
    this.#log?.info('secondary.transferred', `${record.name} serial ${serial} from ${primary.ip}: ${how}`, {
      zone: record.name,
    });
    for (const each of notes) this.#log?.warn('secondary.left-out', each, { zone: record.name });
    return 'taken';
  }

  async #allFailed(kept: KeptZone, record: ZoneRecord): Promise<void> {
    const { nowMs, alert, writer } = this.#options;
    this.counts.failures += 1;
    kept.failures += 1;
    kept.dueMs = nowMs() + this.#waitMs(kept, 'retry');
    if (kept.failures > 1) return;
    const found = [...kept.primaries].map(([ip, { failure = 'was not asked' }]) => `${ip} ${failure}`).join('; ');
    const what = readPrimaries(writer, record.id).length === 0 ? 'it has no primaries' : found;
    const fix = `look at: waxseal zone show ${record.name}`;
    await alert(record.name, [
      warning('PRIMARY_FAILED', atZone(record.name), `no primary gives ${record.name}: ${what}`, { fix }),
    ]);
  }

  async #expire(kept: KeptZone, record: ZoneRecord): Promise<void> {
    const since = new Date(kept.checked!.checkedAtMs).toISOString();
    const what = 'it has expired, and is answered with SERVFAIL';
    const text = `no primary of ${record.name} was reached since ${since}: ${what}`;
    const done = await this.#setExpired(record, true, text);
    if (!done.ok) {
      // A store without space; an expired zone is then answered for a little longer.
      kept.expiresAgainMs = this.#options.nowMs() + EXPIRE_AGAIN_MS;
      return;
    }
    this.#log?.error('secondary.expired', text, { zone: record.name });
    const rfc = 'RFC 1034 §4.3.5';
    await this.#options.alert(record.name, [problem('ZONE_EXPIRED', atZone(record.name), text, { rfc })]);
  }

  async #revive(kept: KeptZone, record: ZoneRecord): Promise<void> {
    const text = `${record.name} is answered for again: a primary has confirmed it`;
    const done = await this.#setExpired(record, false, text, kept.checked);
    if (done.ok) this.#log?.info('secondary.revived', text, { zone: record.name });
  }

  #setExpired(
    record: ZoneRecord,
    isExpired: boolean,
    detail: string,
    checked?: CheckedState,
  ): Promise<Result<unknown>> {
    const { funnel, writer } = this.#options;
    return funnel.change({ actor: ACTOR, action: 'zone.expire', upkeep: true }, () => {
      const now = this.#sameZone(record);
      if (now === undefined) return fail(changedMeanwhile(record));
      return ok(expiryDecision(writer, now, isExpired, detail, checked));
    });
  }

  /** The zone as it is, if it is as it was. */
  #sameZone({ id, revision }: ZoneRecord): ZoneRecord | undefined {
    const now = this.#options.writer.zoneById(id);
    return now?.revision === revision && now.secondary !== undefined ? now : undefined;
  }

  #waitMs(kept: KeptZone, which: 'refresh' | 'retry'): number {
    const times = timesNow(this.#options.writer, kept.zoneId);
    const { chance } = this.#options;
    if (times === undefined) return jittered(firstRetryMs(Math.max(kept.failures, 1)), chance());
    return jittered((which === 'refresh' ? times.refreshSeconds : times.retrySeconds) * 1000, chance());
  }

  /** Writes down when zones were looked at, of all that have something to be written when one is chosen. */
  async #writeChecked(isChosen: (kept: KeptZone) => boolean): Promise<void> {
    const unwritten = [...this.#zones.values()].filter(
      ({ checked, writtenAtMs }) => checked && checked.checkedAtMs > writtenAtMs,
    );
    if (!unwritten.some(isChosen)) return;
    this.#isWriting = true;
    const { funnel, writer } = this.#options;
    const states = unwritten.map((kept) => ({ kept, state: kept.checked! }));
    const done = await funnel.change({ actor: ACTOR, action: 'zone.checked', upkeep: true }, () => {
      const there = states.filter(({ kept }) => writer.zoneById(kept.zoneId) !== undefined);
      return ok({
        documents: there.map(({ kept, state }) => checkedWrite(kept.zoneId, state)),
        isChanged: there.length > 0,
      });
    });
    if (done.ok) for (const { kept, state } of states) kept.writtenAtMs = state.checkedAtMs;
    this.#isWriting = false;
  }
}
