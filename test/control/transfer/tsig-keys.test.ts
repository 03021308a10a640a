/** TSIG keys as they are made, kept and shown: RFC 8945 §6, §8. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { TSIG_KEYS_MAX } from '#base/limits/transfer.ts';
import { nameOf } from '#dns/name.ts';
import { readKeys } from '#transfer/grants.ts';
import { type TsigKeyWanted } from '#control/api/transfer.ts';
import { TEST_ACTOR, type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const WANTED: TsigKeyWanted = { name: 'K.example', algorithm: 'hmac-sha256', operations: ['transfer'], zones: ['A.test'] };

function create({ control }: TestControl, more: Partial<TsigKeyWanted> = {}, dryRun = false) {
  return control.transfer.createKey({ ...WANTED, ...more }, TEST_ACTOR, dryRun);
}

describe('a new key', () => {
  test('gets a random secret as long as its hash, once; the list has names in lower case and no secret', async () => {
    const server = temporaryControl();
    const { info, secret } = good(await create(server, { algorithm: 'hmac-sha512' }));
    expect(Buffer.from(secret, 'base64')).toHaveLength(64);
    expect(info).toMatchObject({ name: 'k.example.', algorithm: 'hmac-sha512', macBytes: 64, zones: ['a.test.'] });
    expect(JSON.stringify(server.control.transfer.keys())).not.toContain(secret);
    expect(JSON.stringify(server.writer.audit(10))).not.toContain(secret);
    // Neither as text nor as octets in the store's file.
    const file = readFileSync(join(server.dir, 'data.mdb'));
    expect(file.includes(secret)).toBe(false);
    expect(file.includes(Buffer.from(secret, 'base64'))).toBe(false);
  });

  test.each([
    ['MD5', { algorithm: 'hmac-md5' }, 'TSIG_ALGORITHM', /must not be used any more/],
    ['MD5 by its name on the wire', { algorithm: 'hmac-md5.sig-alg.reg.int.' }, 'TSIG_ALGORITHM', /must not be used any more/],
    ['an algorithm that is none', { algorithm: 'sha256' }, 'TSIG_ALGORITHM', /is not a TSIG algorithm/],
    ['a secret that is no base64', { secret: 'not base64!' }, 'TSIG_SECRET', /octets in base64/],
    ['a short secret', { secret: 'AAAA' }, 'TSIG_SECRET', /octets in base64/],
    ['a MAC cut too short', { macBytes: 15 }, 'FIELD_VALUE', /16 to 32 octets/],
    ['a MAC longer than its hash', { macBytes: 33 }, 'FIELD_VALUE', /16 to 32 octets/],
    ['a name that is none', { name: 'a..b' }, 'NAME_EMPTY_LABEL', /label/],
    ['a zone that is none', { zones: ['a..b'] }, 'NAME_EMPTY_LABEL', /label/],
  ])('%s is rejected, and nothing is kept', async (_, more, code, text) => {
    const server = temporaryControl();
    const [problem] = bad(await create(server, more));
    expect(problem).toMatchObject({ code, message: expect.stringMatching(text) });
    expect(server.control.transfer.keys()).toEqual([]);
  });

  test('SHA-1 is taken with a warning that names the way out', async () => {
    const created = await create(temporaryControl(), { algorithm: 'hmac-sha1' });
    expect(created.ok && created.warnings).toMatchObject([{ code: 'TSIG_ALGORITHM_WEAK', severity: 'warning' }]);
  });

  test('a second one of the same name, in any case, is a conflict; a dry run keeps nothing', async () => {
    const server = temporaryControl();
    good(await create(server, {}, true));
    expect(server.control.transfer.keys()).toEqual([]);
    good(await create(server));
    expect(bad(await create(server, { name: 'k.EXAMPLE.' }))).toMatchObject([{ code: 'TSIG_KEY_EXISTS' }]);
  });

  test('there is a limit', () => {
    expect(TSIG_KEYS_MAX).toBe(1000);
  });
});

test('a revoked key is gone, and one that never was is not found', async () => {
  const server = temporaryControl();
  good(await create(server));
  good(await server.control.transfer.revokeKey('k.example.', TEST_ACTOR));
  expect(server.control.transferParts.keys.texts()).toEqual([]);
  expect(bad(await server.control.transfer.revokeKey('k.example.', TEST_ACTOR))).toMatchObject([{ code: 'TSIG_KEY_NOT_FOUND' }]);
});

test('ADR 0007: a key that grants UPDATE does not leave control, and grants nothing else', async () => {
  const server = temporaryControl();
  good(await create(server, { operations: ['update'] }));
  good(await create(server, { name: 'l.example', operations: ['notify', 'transfer'] }));
  expect(bad(await create(server, { name: 'm.example', operations: ['update', 'transfer'] }))).toMatchObject([{ code: 'FIELD_VALUE' }]);
  const sent = server.control.transferParts.keys.texts();
  expect(sent[0]).toEqual({ name: 'k.example.' });
  expect(readKeys(sent).find(nameOf('k.example.'))).toBeUndefined();
  expect(readKeys(sent).find(nameOf('l.example.'))).toBeDefined();
});
