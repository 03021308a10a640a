/** Tokens are changes like any other: they have an audit entry, wait their turn, and fail as every change fails. */
import { describe, expect, test } from 'vitest';
import { WHOLE } from '#base/place.ts';
import { checkToken, newToken } from '#control/tokens/tokens.ts';
import { StoreFailure } from '#store/failure.ts';
import { TEST_ACTOR, bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { TEST_NOW_MS, countedRandom } from '../../support/temporary-store.ts';

describe('a token', () => {
  const { record, text } = newToken(
    { name: 'ci', scopes: ['zone:example.'], expiresAtMs: TEST_NOW_MS + 1000 },
    countedRandom(),
    TEST_NOW_MS,
  );
  const find = (id: string) => (id === record.id ? record : undefined);

  test('has 64 bits of id and 256 of secret, and only a hash of the secret is kept', () => {
    expect(text).toMatch(/^wax_[0-9a-f]{16}_[0-9a-f]{64}$/);
    expect(JSON.stringify(record)).not.toContain(text.slice(-64));
  });

  test('is known by its whole text until it expires', () => {
    expect(checkToken(text, find, { nowMs: TEST_NOW_MS, from: '' })).toMatchObject({
      id: record.id,
      name: 'ci',
      scopes: ['zone:example.'],
    });
    expect(checkToken(text, find, { nowMs: TEST_NOW_MS, from: '' })).not.toHaveProperty('hash');
    expect(checkToken(text, find, { nowMs: TEST_NOW_MS + 1000, from: '' })).toMatchObject({ why: expect.stringContaining('expired') });
    const other = text.endsWith('0') ? '1' : '0';
    const wrong = ['', text.slice(0, -1), text.slice(0, -1) + other, text.toUpperCase(), ` ${text}`, text.replace('wax_', 'wax')];
    expect(wrong.filter((each) => 'id' in checkToken(each, find, { nowMs: TEST_NOW_MS, from: '' }))).toEqual([]);
  });
});

describe('why a token was rejected, for the log', () => {
  const grant = { name: 'x', scopes: ['read'], networks: ['192.0.2.0/24'], unusedMs: 1000, expiresAtMs: TEST_NOW_MS + 5000 } as const;
  const { record, text } = newToken(grant, countedRandom(), TEST_NOW_MS);
  const find = (id: string) => (id === record.id ? record : undefined);

  test.each([
    [text, 0, '192.0.2.1', undefined],
    [text, 0, '198.51.100.1', 'it is not for 198.51.100.1'],
    [text, 0, 'unix', 'it is not for unix'],
    [text, 1000, '192.0.2.1', 'it was not used for too long'],
    [text, 5000, '192.0.2.1', 'it expired at 2026-01-01T00:00:05.000Z'],
    [text.slice(0, -1) + (text.endsWith('0') ? '1' : '0'), 0, '192.0.2.1', 'its secret is wrong'],
    [`wax_${'0'.repeat(16)}_${'0'.repeat(64)}`, 0, '192.0.2.1', undefined],
    ['', 0, '192.0.2.1', undefined],
  ])('%s', (presented, laterMs, from, expected) => {
    const moment = { nowMs: TEST_NOW_MS + laterMs, from };
    const judged = checkToken(presented, find, moment);
    expect('why' in judged ? judged.why : undefined).toBe(expected);
    expect('id' in judged).toBe(expected === undefined && presented === text);
  });
});

describe('the tokens of the store', () => {
  test('are created, listed, used and revoked, each with its audit entry', async () => {
    const { control, writer } = temporaryControl();
    const { info, secret } = good(await control.tokens.create({ name: 'ci', scopes: ['read'] }, TEST_ACTOR));
    expect(control.tokens.list()).toEqual([info]);
    expect(control.tokens.authenticate(secret, '')).toMatchObject(info);
    good(await control.tokens.revoke(info.id, TEST_ACTOR, true));
    expect(control.tokens.authenticate(secret, '')).toMatchObject(info);
    good(await control.tokens.revoke(info.id, TEST_ACTOR));
    expect(control.tokens.authenticate(secret, '')).not.toHaveProperty('id');
    // What is no id at all is none that is here, and no key that the store is asked for.
    for (const id of [info.id, '', '💥', '\u0000', 'x'.repeat(2000)])
      expect(bad(await control.tokens.revoke(id, TEST_ACTOR))).toMatchObject([{ code: 'TOKEN_NOT_FOUND' }]);
    expect(writer.audit(10).map(({ action }) => action)).toEqual(['token.revoke', 'token.create']);
  });

  test('full store: no token, a problem; revoking is upkeep and is tried with the last reserve', async () => {
    const { control, writer, fatal } = temporaryControl();
    const { info } = good(await control.tokens.create({ name: 'ci', scopes: ['read'] }, TEST_ACTOR));
    const commit = writer.commitTogether.bind(writer);
    writer.commitTogether = (collect) =>
      commit((apply) =>
        collect((write) => {
          if (write.upkeep !== true) throw new StoreFailure('STORE_FULL', WHOLE, 'no space');
          return apply(write);
        }),
      );
    expect(bad(await control.tokens.create({ name: 'more', scopes: ['read'] }, TEST_ACTOR))[0]?.code).toBe('STORE_FULL');
    good(await control.tokens.revoke(info.id, TEST_ACTOR));
    expect(control.tokens.list()).toEqual([]);
    expect(fatal).toEqual([]);
  });

  test('broken store: a problem, and the process ends', async () => {
    const { control, writer, fatal } = temporaryControl();
    writer.commitTogether = () => Promise.reject(new StoreFailure('STORE_BROKEN', WHOLE, 'a flush failed'));
    expect(bad(await control.tokens.create({ name: 'x', scopes: ['read'] }, TEST_ACTOR))[0]?.code).toBe('STORE_BROKEN');
    expect(fatal.map(({ code }) => code)).toEqual(['STORE_BROKEN']);
  });
});

describe('a token with a policy', () => {
  test('lets an older version do nothing: what it may do stands where that version does not look', async () => {
    const { control, writer } = temporaryControl();
    const grants = [{ zone: 'example.com.', may: 'change', types: ['TXT'] }] as const;
    const { info } = good(await control.tokens.create({ name: 'x', scopes: ['read'], grants }, TEST_ACTOR));
    expect(info).toMatchObject({ scopes: ['read'], grants });
    expect(writer.token(info.id)).toMatchObject({ scopes: [], policy: { scopes: ['read'], grants } });
    expect(writer.audit(1)[0]?.detail).toContain('for read, change example.com. (TXT at all names)');
  });

  test('ends when it was not used for its period; use is known after a restart, to the hour, and is no audit entry', async () => {
    const { control, writer, clock } = temporaryControl();
    const day = 86_400_000;
    const { info, secret } = good(await control.tokens.create({ name: 'x', scopes: ['read'], unusedMs: day }, TEST_ACTOR));
    const entries = writer.audit(10).length;
    clock.pass(day - 1);
    expect(control.tokens.authenticate(secret, '')).toHaveProperty('id');
    clock.pass(1800_000);
    expect(control.tokens.authenticate(secret, '')).toHaveProperty('id');
    expect(control.tokens.list()[0]?.lastUsedAtMs).toBe(clock.nowMs());
    await control.tokens.revoke('none', TEST_ACTOR);
    expect(writer.token(info.id)?.lastUsedAtMs).toBe(clock.nowMs() - 1800_000);
    expect(writer.audit(10).length).toBe(entries);
    clock.pass(day);
    expect(control.tokens.authenticate(secret, '')).not.toHaveProperty('id');
  });

  test('a use that is written down does not bring back a token that was revoked', async () => {
    const { control, writer } = temporaryControl();
    const { info, secret } = good(await control.tokens.create({ name: 'x', scopes: ['read'] }, TEST_ACTOR));
    const revoked = control.tokens.revoke(info.id, TEST_ACTOR);
    expect(control.tokens.authenticate(secret, '')).toHaveProperty('id');
    await revoked;
    await control.tokens.revoke('none', TEST_ACTOR);
    expect(writer.token(info.id)).toBeUndefined();
  });
});

test('an id that no token can have is not found, whatever it is made of', async () => {
  const { control, fatal } = temporaryControl();
  const ids = ['', '\0', 'a\0b', '\u{1f511}', '0123456789ABCDEF', 'x'.repeat(3000)];
  for (const id of ids) expect(bad(await control.tokens.revoke(id, TEST_ACTOR))).toMatchObject([{ code: 'TOKEN_NOT_FOUND' }]);
  expect(fatal).toEqual([]);
});
