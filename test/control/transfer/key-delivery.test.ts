/** TSIG keys on their way to the answer process: all, in parts that fit, again to each new one, and none that is overtaken. */
import { expect, test } from 'vitest';
import { CALL_BYTES_MAX } from '#base/limits/process.ts';
import { createLog } from '#base/log.ts';
import { KeyDelivery } from '#control/transfer/key-delivery.ts';
import { readKeyPart, readKeys, writeKeyParts } from '#transfer/grants.ts';
import { nameOf } from '#dns/name.ts';
import { TEST_ACTOR, good, temporaryControl } from '../../support/temporary-control.ts';
import { testKey } from '../../support/transfer-server.ts';

test('1,000 keys with the longest lists of zones go in parts that fit, and arrive whole and in order', () => {
  const zones = Array.from({ length: 100 }, (_, at) => `${`${'z'.repeat(60)}.`.repeat(3)}${at}.test.`);
  const keys = Array.from({ length: 1000 }, (_, at) => testKey(`k${at}.`, at % 100 === 0 ? { zones } : {}));
  const parts = writeKeyParts(keys, CALL_BYTES_MAX);
  for (const part of parts) expect(part.length).toBeLessThanOrEqual(CALL_BYTES_MAX);
  const read = parts.map(readKeyPart);
  expect(read.map(({ isFirst, isLast }) => [isFirst, isLast])).toEqual(parts.map((_, at) => [at === 0, at === parts.length - 1]));
  expect(read.flatMap((part) => part.keys)).toEqual(keys);
  expect(readKeys(keys).find(nameOf('K7.'))).toMatchObject({ macBytes: 32, zones: 'all' });
});

test('no key at all is sent too: the last one must go', () => {
  expect(writeKeyParts([], 1000).map(readKeyPart)).toEqual([{ isFirst: true, isLast: true, keys: [] }]);
});

test('they are sent to each answer process that says hello, and after each change; of an UPDATE key only the name', async () => {
  const server = temporaryControl();
  const sent: string[][] = [];
  const request = (_: string, body: Uint8Array) => {
    sent.push(readKeyPart(body).keys.map((key) => (Object.keys(key).length === 1 ? `name ${key.name}` : key.name)));
    return Promise.resolve({ ok: true, body: new Uint8Array(0) } as const);
  };
  const delivery = new KeyDelivery({ keys: server.control.transferParts.keys, calls: { request }, log: createLog({ level: 'silent' }) });
  const wanted = { name: 'k', algorithm: 'hmac-sha256', operations: ['transfer'], zones: 'all' } as const;
  good(await server.control.transfer.createKey(wanted, TEST_ACTOR));
  // There is no answer process yet.
  expect(sent).toEqual([]);
  delivery.receive({ kind: 'hello', role: 'answer', pid: 1 });
  await expect.poll(() => sent).toEqual([['k.']]);
  good(await server.control.transfer.createKey({ ...wanted, name: 'l', operations: ['update'] }, TEST_ACTOR));
  await expect.poll(() => sent).toEqual([['k.'], ['k.', 'name l.']]);
  delivery.receive({ kind: 'gone', role: 'answer' });
  good(await server.control.transfer.revokeKey('k.', TEST_ACTOR));
  expect(sent).toHaveLength(2);
  delivery.receive({ kind: 'hello', role: 'answer', pid: 2 });
  await expect.poll(() => sent).toEqual([['k.'], ['k.', 'name l.'], ['name l.']]);
  await delivery.stop();
});

test('keys that the answer process did not take are sent again', async () => {
  const server = temporaryControl();
  let calls = 0;
  const request = () =>
    Promise.resolve(++calls === 1 ? ({ ok: false, why: 'overloaded' } as const) : ({ ok: true, body: new Uint8Array(0) } as const));
  const delivery = new KeyDelivery({ keys: server.control.transferParts.keys, calls: { request }, log: createLog({ level: 'silent' }) });
  delivery.receive({ kind: 'hello', role: 'answer', pid: 1 });
  await expect.poll(() => calls, { timeout: 5000 }).toBe(2);
  await delivery.stop();
});
