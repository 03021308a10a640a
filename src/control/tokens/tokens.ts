/**
 * API tokens: `wax_<id>_<secret>`, 128 and 256 random bits. Only the SHA-256 of the secret is stored: with that many random bits a slow
 * hash adds nothing. Found by id, then compared in constant time.
 * Not here: what a scope may do (admin/http/access.ts).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Clock } from '#base/clock.ts';
import { rightsText } from '#base/grant-text.ts';
import { TOKEN_USE_WRITTEN_MS } from '#base/limits/admin.ts';
import { isAddressIn } from '#base/network.ts';
import { inUrl } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Funnel } from '#control/funnel/funnel.ts';

import { type TokenPolicy, type TokenRecord } from '#store/schema.ts';
import { type Actor, type TokensApi } from '#control/api/control.ts';
import { type NewToken, type RejectedToken, type TokenInfo, type TokenScope } from '#control/api/tokens.ts';

const ID_BYTES = 8;
const SECRET_BYTES = 32;
/** What is none is no key of the store either. */
const ID = /^[0-9a-f]{16}$/;
const FORM = /^wax_([0-9a-f]{16})_([0-9a-f]{64})$/;
const USE_ACTOR: Actor = { kind: 'system', id: 'tokens', from: '' };

export interface TokensOptions {
  readonly writer: StoreWriter;
  readonly funnel: Funnel;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
}

/** The tokens of the store. */
export class Tokens implements TokensApi {
  readonly #options: TokensOptions;
  /** When each token was last used since the start. */
  readonly #usedAtMs = new Map<string, number>();
  /** When each use was last given to the funnel. */
  readonly #writtenAtMs = new Map<string, number>();

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  list(): readonly TokenInfo[] {
    return this.#options.writer.tokens().map((record) => tokenInfo(this.#withUse(record)));
  }

  async create(wanted: NewToken, actor: Actor): Promise<Result<{ readonly info: TokenInfo; readonly secret: string }>> {
    const { funnel, clock, random } = this.#options;
    const { record, text } = newToken(wanted, random, clock.nowMs());
    const info = tokenInfo(record);
    const detail = `token ${record.id} "${record.name}" for ${rightsText(info.scopes, info.grants)}`;
    const done = await funnel.change({ actor, action: 'token.create' }, () => ok({ tokens: { put: [record] }, detail, isChanged: true }));
    return done.ok ? ok({ info, secret: text }) : done;
  }

  async revoke(id: string, actor: Actor, dryRun = false): Promise<Result<undefined>> {
    const { funnel, writer } = this.#options;
    const done = await funnel.change({ actor, action: 'token.revoke', upkeep: true, dryRun }, () =>
      !ID.test(id) || writer.token(id) === undefined
        ? fail(problem('TOKEN_NOT_FOUND', inUrl('id'), `there is no token ${JSON.stringify(id)}`))
        : ok({ tokens: { remove: [id] }, detail: `token ${id}`, isChanged: true }),
    );
    if (done.ok && !dryRun) {
      this.#usedAtMs.delete(id);
      this.#writtenAtMs.delete(id);
    }
    return done.ok ? ok(undefined) : done;
  }

  authenticate(secret: string, from: string): TokenInfo | RejectedToken {
    const { writer, clock } = this.#options;
    const nowMs = clock.nowMs();
    const find = (id: string) => {
      const record = writer.token(id);
      return record === undefined ? undefined : this.#withUse(record);
    };
    const info = checkToken(secret, find, { nowMs, from });
    if ('id' in info) this.#noteUse(info, nowMs);
    return info;
  }

  #withUse(record: TokenRecord): TokenRecord {
    const usedAtMs = this.#usedAtMs.get(record.id);
    return usedAtMs === undefined ? record : { ...record, lastUsedAtMs: Math.max(usedAtMs, record.lastUsedAtMs ?? 0) };
  }

  /** Remembers the use; writes it down once an hour, without an audit entry. What fails is tried an hour later. */
  #noteUse({ id }: TokenInfo, nowMs: number): void {
    const { funnel, writer } = this.#options;
    this.#usedAtMs.set(id, nowMs);
    const writtenAtMs = this.#writtenAtMs.get(id) ?? writer.token(id)?.lastUsedAtMs;
    if (writtenAtMs !== undefined && Math.abs(nowMs - writtenAtMs) < TOKEN_USE_WRITTEN_MS) return;
    this.#writtenAtMs.set(id, nowMs);
    void funnel.change({ actor: USE_ACTOR, action: 'token.used' }, () => {
      const record = writer.token(id);
      if (record === undefined) return ok({ isChanged: false });
      return ok({ tokens: { put: [{ ...record, lastUsedAtMs: nowMs }] }, isQuiet: true, isChanged: true });
    });
  }
}

/** The record of a token that there is. */
type Find = (id: string) => TokenRecord | undefined;

/** When a token is used, and from which address. */
interface Moment {
  readonly nowMs: number;
  readonly from: string;
}

/** A new token: what is stored, and the text that is shown once. */
export function newToken(
  { name, scopes, owner, expiresAtMs, ...narrowing }: NewToken,
  random: (bytes: number) => Uint8Array,
  nowMs: number,
): { readonly record: TokenRecord; readonly text: string } {
  const id = Buffer.from(random(ID_BYTES)).toString('hex');
  const secret = Buffer.from(random(SECRET_BYTES)).toString('hex');
  const isGiven = (each: unknown) => each !== undefined && !(Array.isArray(each) && each.length === 0);
  const isNarrowed = Object.values(narrowing).some(isGiven);
  const policy: TokenPolicy = { ...narrowing, scopes, grants: narrowing.grants ?? [] };
  const record: TokenRecord = {
    id,
    hash: hashOf(secret),
    name,
    scopes: isNarrowed ? [] : scopes,
    createdAtMs: nowMs,
    ...(isNarrowed ? { policy } : {}),
    ...(owner === undefined ? {} : { owner }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  };
  return { record, text: `wax_${id}_${secret}` };
}

/**
 * The token that `text` is, or why it is not good now and from there; without a reason where there is no such token.
 * Constant time in the secret part.
 */
export function checkToken(text: string, find: Find, { nowMs, from }: Moment): TokenInfo | RejectedToken {
  const form = FORM.exec(text);
  if (form === null) return {};
  const record = find(form[1]!);
  const stored = Buffer.from(record?.hash ?? '0'.repeat(64), 'hex');
  const same = timingSafeEqual(stored, Buffer.from(hashOf(form[2]!), 'hex'));
  if (record === undefined) return {};
  const why = same ? whyNotGood(record, nowMs, from) : 'its secret is wrong';
  return why === undefined ? tokenInfo(record) : { why };
}

function whyNotGood({ expiresAtMs, createdAtMs, lastUsedAtMs, policy }: TokenRecord, nowMs: number, from: string) {
  const { unusedMs, networks } = policy ?? {};
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) return `it expired at ${new Date(expiresAtMs).toISOString()}`;
  const usedAtMs = lastUsedAtMs ?? createdAtMs;
  if (unusedMs !== undefined && usedAtMs + unusedMs <= nowMs) return 'it was not used for too long';
  const isFromElsewhere = networks !== undefined && !isAddressIn(from, networks);
  return isFromElsewhere ? `it is not for ${from}` : undefined;
}

/** What may be shown of a token. */
export function tokenInfo({ hash: _hash, scopes, policy, ...rest }: TokenRecord): TokenInfo {
  return { ...rest, grants: [], ...policy, scopes: (policy?.scopes ?? scopes) as readonly TokenScope[] };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
