/** draft-ietf-httpapi-idempotency-key-header: a change that is sent again is carried out once and answered twice. */
import type { LightMyRequestResponse } from 'fastify';
import { describe, expect, test } from 'vitest';
import { KEPT_ANSWERS_PER_SENDER_MAX, KEPT_ANSWER_MS } from '#base/limits/admin.ts';
import { type Bench, type ProblemBody, bench } from '../../support/admin/bench.ts';

const KEY = '"8e03978e-40d5-43e8-bc93-6894a57f9324"';

interface Sent {
  readonly key?: string;
  readonly url?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const create = async (
  { call }: Bench,
  payload: object,
  { key = KEY, url = '/v1/tokens', token, headers = {} }: Sent = {},
): Promise<LightMyRequestResponse> => {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return await call('POST', url, { payload, headers: { 'idempotency-key': key, ...authorization, ...headers } });
};
const codeOf = (answer: LightMyRequestResponse) => [answer.statusCode, answer.json<ProblemBody>().code];
const READER = { name: 'reader', scopes: ['read'] };

describe('the same request again', () => {
  test('is answered as before, with the secret that is shown once, and makes nothing', async () => {
    const one = await bench();
    const first = await create(one, READER);
    const again = await create(one, READER);
    expect([first.statusCode, again.statusCode]).toEqual([201, 201]);
    expect(again.body).toBe(first.body);
    expect(again.json()).toMatchObject({ token: expect.stringMatching(/^wax_/) });
    for (const name of ['location', 'content-type', 'cache-control']) expect(again.headers[name]).toBe(first.headers[name]);
    expect([first.headers['idempotent-replayed'], again.headers['idempotent-replayed']]).toEqual([undefined, 'true']);
    expect(one.control.tokens.list().filter(({ name }) => name === 'reader')).toHaveLength(1);
  });

  test('the key may stand without quotes', async () => {
    const one = await bench();
    const first = await create(one, READER);
    expect((await create(one, READER, { key: KEY.replaceAll('"', '') })).body).toBe(first.body);
  });

  test('after a restart too, and neither the store nor another token can read what was answered', async () => {
    const one = await bench();
    const first = await create(one, READER);
    const secret = first.json<{ token: string }>().token;
    const stored = JSON.stringify([...one.control.kept.documents]);
    expect(stored).not.toContain(secret);
    expect(stored).not.toContain(KEY.replaceAll('"', ''));
    expect(stored).toContain('sealed');
    Object.assign(one.control, { keptAnswers: one.control.kept.restarted() });
    expect((await create(one, READER)).body).toBe(first.body);
  });

  test('with another body, URL or method it is rejected', async () => {
    const one = await bench();
    await create(one, READER);
    expect(codeOf(await create(one, { ...READER, name: 'other' }))).toEqual([422, 'IDEMPOTENCY_KEY_USED']);
    expect(codeOf(await create(one, { name: 'x.test' }, { url: '/v1/zones' }))).toEqual([422, 'IDEMPOTENCY_KEY_USED']);
    const removed = await one.call('DELETE', '/v1/zones/example.com', { headers: { 'idempotency-key': KEY } });
    expect(codeOf(removed)).toEqual([422, 'IDEMPOTENCY_KEY_USED']);
    expect(one.control.zones.list()).toHaveLength(1);
  });

  test('of another token it is another request', async () => {
    const one = await bench();
    const zone = { name: 'second.test' };
    const other = { grants: [{ may: 'manage' as const }], scopes: [], name: 'other' };
    const made = await one.control.tokens.create(other, { kind: 'system', id: 'test', from: '' });
    if (!made.ok) throw new Error('no token');
    expect((await create(one, zone, { url: '/v1/zones' })).statusCode).toBe(201);
    // The zone is there by now: carried out, and not answered from what the first token was told.
    expect(codeOf(await create(one, zone, { url: '/v1/zones', token: made.value.secret }))).toEqual([409, 'ZONE_EXISTS']);
  });

  test('while the first is under way: 409', async () => {
    const one = await bench();
    const make = one.control.tokens.create.bind(one.control.tokens);
    const reached = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<undefined>();
    one.control.tokens.create = async (...given) => {
      reached.resolve(undefined);
      await held.promise;
      return await make(...given);
    };
    const first = create(one, READER);
    await reached.promise;
    expect(codeOf(await create(one, READER))).toEqual([409, 'IDEMPOTENCY_UNDER_WAY']);
    held.resolve(undefined);
    expect((await first).statusCode).toBe(201);
    expect((await create(one, READER)).headers['idempotent-replayed']).toBe('true');
  });

  test('when the server stopped in between: 409, and never a second time', async () => {
    const one = await bench();
    // Written down, and no more.
    one.control.keptAnswers.finish = () => Promise.resolve();
    await create(one, READER);
    Object.assign(one.control, { keptAnswers: one.control.kept.restarted() });
    expect(codeOf(await create(one, READER))).toEqual([409, 'IDEMPOTENCY_UNKNOWN']);
    expect(one.control.tokens.list().filter(({ name }) => name === 'reader')).toHaveLength(1);
  });

  test('when the server failed: 409', async () => {
    const one = await bench();
    one.control.failure = new Error('broken');
    const zone = { name: 'second.test' };
    expect((await create(one, zone, { url: '/v1/zones' })).statusCode).toBe(500);
    one.control.failure = undefined;
    expect(codeOf(await create(one, zone, { url: '/v1/zones' }))).toEqual([409, 'IDEMPOTENCY_UNKNOWN']);
  });

  test('when the first was rejected it is carried out: nothing was changed by it', async () => {
    const one = await bench();
    expect((await create(one, { name: 'reader', scopes: [] })).statusCode).toBe(422);
    expect((await create(one, READER)).statusCode).toBe(201);
  });

  test('a dry run is none of it', async () => {
    const one = await bench();
    expect((await create(one, READER, { url: '/v1/tokens?dryRun=1' })).statusCode).toBe(200);
    expect((await create(one, READER)).statusCode).toBe(201);
  });
});

test.each(['"short"', 'x'.repeat(256), '"8e03978e-40d5-43e8-bc93', '8e03978e 40d5 43e8 bc93', '"8e03978e-40d5-43e8-bc9é"'])(
  'a key that is none is rejected: %s',
  async (key) => {
    const one = await bench();
    expect(codeOf(await create(one, READER, { key }))).toEqual([400, 'REQUEST']);
    expect(one.control.tokens.list().some(({ name }) => name === 'reader')).toBe(false);
  },
);

describe('what is kept', () => {
  test('a day, and so many of one sender: its oldest goes', async () => {
    const one = await bench();
    const { documents } = one.control.kept;
    const keyOf = (n: number) => `"${String(n).padStart(36, '0')}"`;
    for (let n = 0; n <= KEPT_ANSWERS_PER_SENDER_MAX; n++) await create(one, { name: `t${n}`, scopes: ['read'] }, { key: keyOf(n) });
    expect(documents.size).toBe(KEPT_ANSWERS_PER_SENDER_MAX);
    const before = one.control.tokens.list().length;
    // The second is known, the first is not.
    expect((await create(one, { name: 't1', scopes: ['read'] }, { key: keyOf(1) })).headers['idempotent-replayed']).toBe('true');
    await create(one, { name: 't0', scopes: ['read'] }, { key: keyOf(0) });
    expect(one.control.tokens.list()).toHaveLength(before + 1);
    one.control.kept.nowMs += KEPT_ANSWER_MS;
    await create(one, READER);
    expect(documents.size).toBe(1);
  });

  test('an answer that is too large is not: the repetition is told so', async () => {
    const one = await bench();
    const finish = one.control.keptAnswers.finish.bind(one.control.keptAnswers);
    one.control.keptAnswers.finish = (request) => finish(request, undefined);
    await create(one, READER);
    const again = await create(one, READER);
    expect(codeOf(again)).toEqual([409, 'IDEMPOTENCY_UNKNOWN']);
    expect(again.json<ProblemBody>().detail).toContain('too large to be kept');
  });
});
