/**
 * Requests that were sent with an Idempotency-Key: each is written down before it is carried out, and its answer before
 * the client has it. So a repetition is found also after a restart, and one whose end is not known is never carried out
 * again. They are kept for a day, so many of each sender, and so many in all.
 * Implements: draft-ietf-httpapi-idempotency-key-header §2.6 (what a repetition is answered).
 * Not here: the header and the sealing of answers (admin/idempotency/).
 */
import { type Clock } from '#base/clock.ts';
import { KEPT_ANSWERS_MAX, KEPT_ANSWERS_PER_SENDER_MAX, KEPT_ANSWER_MS } from '#base/limits/admin.ts';
import { type Result, ok } from '#base/problem.ts';
import { type Actor } from '#control/api/control.ts';
import { type KeptAnswersApi, type KeyedRequest, type KnownRequest } from '#control/api/kept-answers.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

const NO_ZONE = 0;
const KIND = 'kept-answer';

/** As stored. */
interface Kept {
  readonly sender: string;
  readonly fingerprint: string;
  readonly atMs: number;
  readonly isAnswered: boolean;
  readonly sealed?: string;
}

export interface KeptAnswersOptions {
  readonly writer: StoreReader;
  readonly funnel: Pick<Funnel, 'change'>;
  readonly clock: Clock;
}

export class KeptAnswers implements KeptAnswersApi {
  readonly #options: KeptAnswersOptions;
  /** Being carried out by this process. */
  readonly #underWay = new Set<string>();
  /** Oldest first; read from the store when the first request with a key comes. */
  #known: Map<string, Pick<Kept, 'sender' | 'atMs'>> | undefined;

  constructor(options: KeptAnswersOptions) {
    this.#options = options;
  }

  async begin(request: KeyedRequest): Promise<Result<KnownRequest | undefined>> {
    const { id, actor, fingerprint } = request;
    let found: KnownRequest | undefined;
    let isMine = false;
    const done = await this.#write(actor, (nowMs) => {
      const kept = this.#read(id);
      if (kept !== undefined && isFresh(kept, nowMs)) {
        found = this.#judge(kept, request);
        return [];
      }
      this.#underWay.add(id);
      isMine = true;
      const value: Kept = { sender: senderOf(actor), fingerprint, atMs: nowMs, isAnswered: false };
      return [...this.#outOfSpace(value.sender, nowMs), { id, value }];
    });
    if (done.ok) return ok(found);
    // A repetition that was turned away leaves the mark of the one under way.
    if (isMine) this.#underWay.delete(id);
    return done;
  }

  async finish({ id, actor, fingerprint }: KeyedRequest, sealed: string | undefined): Promise<void> {
    const sender = senderOf(actor);
    // What cannot be written stays without an answer: for a repetition its end is not known.
    await this.#write(actor, (nowMs) => {
      const value: Kept = {
        sender,
        fingerprint,
        atMs: nowMs,
        isAnswered: true,
        ...(sealed === undefined ? {} : { sealed }),
      };
      return [{ id, value }];
    });
    this.#underWay.delete(id);
  }

  async forget({ id, actor }: KeyedRequest): Promise<void> {
    await this.#write(actor, () => [{ id, value: null }]);
    this.#underWay.delete(id);
  }

  abandon({ id }: KeyedRequest): void {
    this.#underWay.delete(id);
  }

  #judge(kept: Kept, { id, fingerprint }: KeyedRequest): KnownRequest {
    if (kept.fingerprint !== fingerprint) return { kind: 'other' };
    if (kept.isAnswered) return { kind: 'answered', sealed: kept.sealed };
    return { kind: this.#underWay.has(id) ? 'under-way' : 'unknown' };
  }

  #read(id: string): Kept | undefined {
    const value = this.#options.writer.document(NO_ZONE, KIND, id);
    if (value === undefined) return undefined;
    const isKept = hasFields(value, {
      sender: 'string',
      fingerprint: 'string',
      atMs: 'number',
      isAnswered: (given) => typeof given === 'boolean',
      sealed: 'string?',
    });
    if (!isKept) throw formFailure('an answer that is kept');
    return value as Kept;
  }

  #all(): Map<string, Pick<Kept, 'sender' | 'atMs'>> {
    if (this.#known !== undefined) return this.#known;
    const entries = this.#options.writer.documentIds(NO_ZONE, KIND).flatMap((id) => {
      const kept = this.#read(id);
      return kept === undefined ? [] : [[id, { sender: kept.sender, atMs: kept.atMs }] as const];
    });
    this.#known = new Map(entries.toSorted(([, a], [, b]) => a.atMs - b.atMs));
    return this.#known;
  }

  /** What goes so that one more of `sender` can be kept: all that are too old; its oldest, or that of who has most. */
  #outOfSpace(sender: string, nowMs: number): { readonly id: string; readonly value: null }[] {
    const all = this.#all();
    const gone = [...all].filter(([, kept]) => !isFresh(kept, nowMs)).map(([id]) => id);
    const stale = new Set(gone);
    const rest = [...all].filter(([id]) => !stale.has(id) && !this.#underWay.has(id));
    const bySender = Map.groupBy(rest, ([, kept]) => kept.sender);
    const own = bySender.get(sender) ?? [];
    if (own.length >= KEPT_ANSWERS_PER_SENDER_MAX) gone.push(own[0]![0]);
    else if (all.size - gone.length >= KEPT_ANSWERS_MAX) {
      const most = [...bySender.values()].toSorted((a, b) => b.length - a.length)[0];
      if (most !== undefined) gone.push(most[0]![0]);
    }
    return gone.map((id) => ({ id, value: null }));
  }

  /** In one turn of the sender, without an audit entry: the change itself has one. */
  async #write(
    actor: Actor,
    decide: (nowMs: number) => readonly { readonly id: string; readonly value: Kept | null }[],
  ): Promise<Result<unknown>> {
    let written: ReturnType<typeof decide> = [];
    const done = await this.#options.funnel.change({ actor, action: 'request.keep' }, () => {
      written = decide(this.#options.clock.nowMs());
      const documents = written.map((each): DocumentWrite => ({ zoneId: NO_ZONE, kind: KIND, ...each }));
      return ok({ documents, isQuiet: true, isChanged: documents.length > 0 });
    });
    if (!done.ok) return done;
    for (const { id, value } of written) {
      this.#all().delete(id);
      if (value !== null) this.#all().set(id, { sender: value.sender, atMs: value.atMs });
    }
    return ok(undefined);
  }
}

function senderOf({ kind, id }: Actor): string {
  return `${kind} ${id}`;
}

function isFresh({ atMs }: Pick<Kept, 'atMs'>, nowMs: number): boolean {
  return Math.abs(nowMs - atMs) < KEPT_ANSWER_MS;
}
