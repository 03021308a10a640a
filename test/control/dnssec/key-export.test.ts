/** Private keys leave the control process sealed to the asker's key, after the audit log has it, and not on a dry run. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { readPrivateKey } from '#dnssec/key-files/key-file.ts';
import { openByKey, publicOctets, sealedAbout } from '#dnssec/key-files/sealed-keys.ts';
import { type OpenedKey } from '#control/api/dnssec-keys.ts';
import { ZONE, bench } from '../../support/dnssec-control.ts';
import { TEST_ACTOR, good } from '../../support/temporary-control.ts';

const recipient = generateKeyPairSync('x25519');

test('all keys of the zone, in the form of BIND, for the recipient alone; the audit log names who it was sealed to', async () => {
  const room = await bench();
  good(await room.run({ kind: 'dnssec.policy', zone: ZONE, policy: { keys: 'ksk+zsk' } }));
  const options = { actor: TEST_ACTOR, dryRun: false };
  const to = publicOctets(recipient.publicKey);
  const sealed = good(await room.control.dnssecKeys.export(room.record(), to, options));
  const tags = room.record().keys.map(({ keyTag }) => keyTag);
  expect(sealed).toMatchObject({ format: 'waxseal-dnssec-keys', version: 1, zone: 'keys.example.', keyTags: tags });
  const octets = openByKey(recipient.privateKey, sealed, sealedAbout('keys.example.', tags));
  const { keys }: { readonly keys: readonly OpenedKey[] } = JSON.parse(Buffer.from(octets!).toString());
  expect(keys.map(({ keyTag, role, state }) => [keyTag, role, state])).toEqual(
    room.record().keys.map(({ keyTag, role, state }) => [keyTag, role, state]),
  );
  for (const { privateKey, algorithm } of keys) expect(good(readPrivateKey(privateKey)).algorithm).toBe(algorithm);
  const [entry] = room.control.audit.entries(1);
  expect(entry).toMatchObject({ action: 'dnssec.export', zone: 'keys.example.' });
  expect(entry!.detail).toBe(`private keys ${tags.join(', ')}, sealed to ${Buffer.from(to).toString('base64')}`);
  const generation = room.writer.generation();
  good(await room.control.dnssecKeys.export(room.record(), to, { ...options, dryRun: true }));
  expect(room.writer.generation()).toBe(generation);
});

test('RFC 7748 §6.1: nothing is sealed to a point of small order; an unsigned zone has nothing', async () => {
  const room = await bench();
  const options = { actor: TEST_ACTOR, dryRun: false };
  expect(await room.control.dnssecKeys.export(room.record(), new Uint8Array(32), options)).toMatchObject({ ok: false });
  good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
  expect(await room.control.dnssecKeys.export(room.record(), publicOctets(recipient.publicKey), options)).toMatchObject({
    ok: false,
    problems: [{ code: 'DNSSEC_OFF' }],
  });
});
