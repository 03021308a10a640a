/**
 * API tokens: `wax_<id>_<secret>`, 128 and 256 random bits. Only the SHA-256 of the secret is stored: with that many random bits a slow
 * hash adds nothing. Found by id, then compared in constant time.
 * Not here: what a scope may do (admin/http/access.ts).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Clock } from '#base/clock.ts';
import { inUrl } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Funnel } from '#control/funnel/funnel.ts';

import { type TokenRecord } from '#store/schema.ts';
import { type Actor, type TokenInfo, type TokenScope, type TokensApi } from '#control/api/control.ts';

const ID_BYTES = 8;
const SECRET_BYTES = 32;
const FORM = /^wax_([0-9a-f]{16})_([0-9a-f]{64})$/;

export interface TokensOptions {
  readonly writer: StoreWriter;
  readonly funnel: Funnel;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
}

/** The tokens of the store. */
export class Tokens implements TokensApi {
  readonly #options: TokensOptions;

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  list(): readonly TokenInfo[] {
    return this.#options.writer.tokens().map(tokenInfo);
  }

  async create(
    name: string,
    scopes: readonly TokenScope[],
    expiresAtMs: number | undefined,
    actor: Actor,
  ): Promise<Result<{ readonly info: TokenInfo; readonly secret: string }>> {
    const { funnel, clock, random } = this.#options;
    const { record, text } = newToken(name, scopes, expiresAtMs, random, clock.nowMs());
    const detail = `token ${record.id} "${name}" for ${scopes.join(', ')}`;
    const done = await funnel.change({ actor, action: 'token.create' }, () => ok({ tokens: { put: [record] }, detail, isChanged: true }));
    return done.ok ? ok({ info: tokenInfo(record), secret: text }) : done;
  }

  async revoke(id: string, actor: Actor, dryRun = false): Promise<Result<undefined>> {
    const { funnel, writer } = this.#options;
    const done = await funnel.change({ actor, action: 'token.revoke', upkeep: true, dryRun }, () =>
      writer.token(id) === undefined
        ? fail(problem('TOKEN_NOT_FOUND', inUrl('id'), `there is no token ${JSON.stringify(id)}`))
        : ok({ tokens: { remove: [id] }, detail: `token ${id}`, isChanged: true }),
    );
    return done.ok ? ok(undefined) : done;
  }

  authenticate(secret: string): TokenInfo | undefined {
    const { writer, clock } = this.#options;
    return checkToken(secret, (id) => writer.token(id), clock.nowMs());
  }
}

/** A new token: what is stored, and the text that is shown once. */
export function newToken(
  name: string,
  scopes: readonly TokenScope[],
  expiresAtMs: number | undefined,
  random: (bytes: number) => Uint8Array,
  nowMs: number,
): { readonly record: TokenRecord; readonly text: string } {
  const id = Buffer.from(random(ID_BYTES)).toString('hex');
  const secret = Buffer.from(random(SECRET_BYTES)).toString('hex');
  const record: TokenRecord = {
    id,
    hash: hashOf(secret),
    name,
    scopes,
    createdAtMs: nowMs,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  };
  return { record, text: `wax_${id}_${secret}` };
}

/** The token that `text` is, or undefined when it is malformed, unknown or expired. Constant time in the secret part. */
export function checkToken(text: string, find: (id: string) => TokenRecord | undefined, nowMs: number): TokenInfo | undefined {
  const form = FORM.exec(text);
  if (form === null) return undefined;
  const record = find(form[1]!);
  const stored = Buffer.from(record?.hash ?? '0'.repeat(64), 'hex');
  const same = timingSafeEqual(stored, Buffer.from(hashOf(form[2]!), 'hex'));
  if (record === undefined || !same || (record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs)) return undefined;
  return tokenInfo(record);
}

/** What may be shown of a token. */
export function tokenInfo({ hash: _hash, scopes, ...rest }: TokenRecord): TokenInfo {
  return { ...rest, scopes: scopes as readonly TokenScope[] };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
