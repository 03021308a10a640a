/**
 * Attempts that were refused, in the audit log: the first ones of each sender in an hour have an entry each, the others
 * are counted, and the count has one entry when the hour is over. So a flood of refusals, of one token or from one
 * network, fills neither the disk nor the log, and takes nothing from the share of others. Senders without a good token
 * share one count: who they are is only their word.
 * Counts are in memory: a process that is killed loses those of the last hour, and no entry that was written.
 * Not here: what is an attempt (admin/refusals.ts, control/update/updates.ts).
 */
import {
  AUDIT_REFUSED_CHARACTERS_MAX,
  AUDIT_REFUSED_ENTRIES_MAX,
  AUDIT_REFUSED_KINDS_MAX,
  AUDIT_REFUSED_SENDERS_MAX,
  AUDIT_REFUSED_WINDOW_MS,
} from '#base/limits/store.ts';
import { type Clock } from '#base/clock.ts';
import { ok } from '#base/problem.ts';
import { showHidden } from '#base/visible.ts';
import { type AuditEvent } from '#store/audit/entries.ts';
import { type Actor, type RefusedAttempt } from '#control/api/control.ts';
import { auditActor } from '#control/funnel/audit-entry.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';

export interface AttemptsOptions {
  readonly funnel: Pick<Funnel, 'change'>;
  readonly clock: Clock;
  readonly time: Pick<CountedTime, 'nowMs'>;
}

/** The action of their entries. */
export const REFUSED_ACTION = 'refused';

/** Refusals of one sender since `sinceMs`. */
interface Share {
  readonly actor: Actor;
  readonly sinceMs: number;
  entries: number;
  /** Those without an entry of their own. */
  counted: number;
  readonly kinds: Map<string, number>;
}

/** Whose count it is when there are too many senders. */
const OTHERS: Actor = { kind: 'unknown', id: 'others', from: '' };

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #shares = new Map<string, Share>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Writes counts whose hour is over, now and every hour. */
  start(): void {
    const look = (): void => {
      this.#inTurn(() => this.writeCounts());
      this.#timer = setTimeout(look, AUDIT_REFUSED_WINDOW_MS);
      this.#timer.unref();
    };
    look();
  }

  /** Writes what was counted. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#inTurn(() => this.writeCounts(Infinity));
    await this.#running;
  }

  note(attempt: RefusedAttempt): void {
    const share = this.#shareOf(attempt.actor);
    if (share.entries >= AUDIT_REFUSED_ENTRIES_MAX) return this.#count(share, attempt);
    share.entries += 1;
    const { actor, what, zone, codes, text } = attempt;
    const detail = `${what}: ${bounded(text)}`;
    const event = { detail, codes, ...(zone === undefined ? {} : { zone: bounded(zone) }) };
    this.#inTurn(async () => {
      // A full disk, or too many changes that wait: the count keeps it.
      if (!(await this.#write(actor, event))) this.#count(share, attempt);
    });
  }

  /** Writes each count that began more than an hour before `nowMs`; with Infinity all of them. */
  async writeCounts(nowMs = this.#options.clock.nowMs()): Promise<void> {
    for (const [key, share] of [...this.#shares]) {
      if (nowMs - share.sinceMs < AUDIT_REFUSED_WINDOW_MS) continue;
      // What comes while it is written belongs to the next hour.
      this.#shares.delete(key);
      if (share.counted > 0 && !(await this.#write(share.actor, countOf(share)))) this.#putBack(key, share);
    }
  }

  /** One write at a time, in order. */
  #inTurn(write: () => Promise<void>): void {
    const before = this.#running;
    const after = async (): Promise<void> => {
      await before;
      await write();
    };
    this.#running = after();
  }

  #putBack(key: string, share: Share): void {
    const { entries = 0, counted = 0, kinds = [] } = this.#shares.get(key) ?? {};
    share.entries = Math.max(share.entries, entries);
    share.counted += counted;
    for (const [kind, times] of kinds) share.kinds.set(kind, (share.kinds.get(kind) ?? 0) + times);
    this.#shares.set(key, share);
  }

  #count(share: Share, { what, codes }: RefusedAttempt): void {
    share.counted += 1;
    const kind = `${what} ${codes[0] ?? ''}`.trim();
    const known = share.kinds.has(kind) || share.kinds.size < AUDIT_REFUSED_KINDS_MAX;
    const name = known ? kind : 'other';
    share.kinds.set(name, (share.kinds.get(name) ?? 0) + 1);
  }

  #shareOf(actor: Actor): Share {
    const own = actor.kind === 'unknown' ? 'unknown' : `${actor.kind} ${actor.id}`;
    const hasPlace = this.#shares.has(own) || this.#shares.size < AUDIT_REFUSED_SENDERS_MAX;
    const key = hasPlace ? own : 'others';
    const known = this.#shares.get(key);
    if (known !== undefined) return known;
    const counting = hasPlace ? (actor.kind === 'unknown' ? { ...OTHERS, id: '' } : actor) : OTHERS;
    const share: Share = {
      actor: counting,
      sinceMs: this.#options.clock.nowMs(),
      entries: 0,
      counted: 0,
      kinds: new Map(),
    };
    this.#shares.set(key, share);
    return share;
  }

  async #write(actor: Actor, event: Pick<AuditEvent, 'detail' | 'zone' | 'codes' | 'count'>): Promise<boolean> {
    const { funnel, clock, time } = this.#options;
    const { reason } = actor;
    const audit: AuditEvent = {
      atMs: clock.nowMs(),
      countedMs: time.nowMs(),
      actor: auditActor(actor),
      action: REFUSED_ACTION,
      outcome: 'refused',
      ...(reason === undefined ? {} : { reason }),
      ...event,
    };
    const written = await funnel.change({ actor: WRITER, action: REFUSED_ACTION }, () =>
      ok({ audit, isChanged: true }),
    );
    return written.ok;
  }
}

function countOf({ counted: count, kinds, sinceMs }: Share): Pick<AuditEvent, 'detail' | 'count'> {
  const list = [...kinds].map(([kind, times]) => `${times} × ${kind}`).join(', ');
  return { detail: `${count} more since ${new Date(sinceMs).toISOString()}: ${list}`, count };
}

/** Refusals wait in a lane of their own, and not among the changes of the sender. */
const WRITER: Actor = { kind: 'system', id: 'audit-refused', from: '' };

function bounded(text: string): string {
  const visible = showHidden(text);
  const max = AUDIT_REFUSED_CHARACTERS_MAX;
  return visible.length <= max ? visible : `${visible.slice(0, max)}… (${visible.length} characters)`;
}
