/** The key that signs heads of the audit log: one, sealed, in the log itself, and good after another key-encryption key. */
import { createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { isGoodAuditHead } from '#store/audit/signed-head.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

test('is made once, by two that ask at once, and the log says which', async () => {
  const { control, writer } = temporaryControl();
  const [one, two] = await Promise.all([control.audit.signer(), control.audit.signer()]);
  expect(good(one).keyId).toBe(good(two).keyId);
  const made = writer.audit(10).filter(({ action }) => action === 'audit.key');
  expect(made.map(({ detail }) => detail)).toEqual([`the key that signs heads of this log: ${good(one).keyId}`]);
});

test('RFC 8032 §5.1: signs the last entry of now, with the store and the first entry that is kept', async () => {
  const { control, writer } = temporaryControl();
  const { publicKey } = good(await control.audit.signer());
  const head = good(await control.audit.head());
  expect(head).toMatchObject({
    installation: writer.installation(),
    from: 1,
    sequence: 1,
    hash: writer.audit(1)[0]!.hash,
  });
  expect(isGoodAuditHead(head, createPublicKey(publicKey))).toBe(true);
  for (const changed of [
    { ...head, from: 2 },
    { ...head, at: '2020-01-01T00:00:00.000Z' },
    { ...head, hash: '00' },
  ])
    expect(isGoodAuditHead(changed, createPublicKey(publicKey))).toBe(false);
});

test('its private half is nowhere in the clear', async () => {
  const seed = new Uint8Array(32).fill(0x5a);
  const { control, writer } = temporaryControl({
    random: (bytes) => (bytes === 32 ? seed : new Uint8Array(bytes).fill(1)),
  });
  good(await control.audit.signer());
  const { db } = writer.inspect().environment;
  for (const database of Object.values(db))
    for (const { value } of database.getRange({})) expect(Buffer.from(value).includes(seed)).toBe(false);
});
