/** Certificates that the server signs itself: for hosts with a body to serve and no other certificate. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { SELF_SIGNED_ZONES_AT_ONCE } from '#base/limits/https.ts';
import { ok, fail, problem } from '#base/problem.ts';
import { WHOLE } from '#base/place.ts';
import { DAY_MS } from '#base/units.ts';
import { nameOf } from '#dns/name.ts';
import { createSealer } from '#store/seal.ts';
import { hostCertificateWrite, openHostKey, readHostCertificate } from '#store/tls/host-certificate.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../../support/temporary-control.ts';
import { auditEvent, countedRandom, zoneRecord } from '../../support/temporary-store.ts';

const HOST = 'mta-sts.post.example';
const SEALER = createSealer(new Uint8Array(32).fill(9), countedRandom());
const OTHER = createSealer(new Uint8Array(32).fill(8), countedRandom());
const LOG = createLog({ level: 'silent' });
const STS_POLICY = { mtaSts: { mode: 'testing' } };

async function roomWithPolicy() {
  const room = temporaryControl();
  await room.load('post.example.', MAIL_ZONE_TEXT);
  good(await room.run({ kind: 'mail.apply', zone: nameOf('post.example.'), policy: STS_POLICY }));
  const zoneId = room.writer.zones()[0]!.id;
  const read = () => readHostCertificate(room.writer, zoneId, HOST);
  return { ...room, room, zoneId, read, signer: room.control.selfSigner(() => ok(SEALER), LOG) };
}

test('a zone with a body gets one for mta-sts.<zone>, whose sealed key fits', async () => {
  const { writer, zoneId, read, signer, clock } = await roomWithPolicy();
  expect(good(await signer.signSome())).toBe(1);
  const stored = read()!;
  expect(stored).toMatchObject({ host: HOST, origin: 'self-signed', keyVersion: 1 });
  const certificate = new X509Certificate(stored.chain);
  expect(certificate.subjectAltName).toBe(`DNS:${HOST}`);
  expect(certificate.validFromDate.getTime()).toBeLessThan(clock.nowMs());
  const der = Buffer.from(good(openHostKey(writer, SEALER, zoneId, stored)!));
  expect(certificate.checkPrivateKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))).toBe(true);
  expect(good(await signer.signSome())).toBe(0);
});

test('a zone without MTA-STS gets none', async () => {
  const room = temporaryControl();
  await room.load('post.example.', MAIL_ZONE_TEXT);
  expect(good(await room.control.selfSigner(() => ok(SEALER), LOG).signSome())).toBe(0);
});

test('a certificate of another origin is left alone', async () => {
  const { writer, zoneId, read, signer } = await roomWithPolicy();
  const acme = { host: HOST, chain: 'PEM', keyVersion: 7, notBeforeMs: 0, notAfterMs: 1, origin: 'acme' } as const;
  await writer.commit({ audit: auditEvent(), documents: [hostCertificateWrite(zoneId, HOST, acme)] });
  expect(good(await signer.signSome())).toBe(0);
  expect(read()).toEqual(acme);
});

test('one that ends soon is replaced, and one whose key does not open', async () => {
  const { control, read, signer, clock } = await roomWithPolicy();
  await signer.signSome();
  clock.pass(300 * DAY_MS);
  expect(good(await signer.signSome())).toBe(0);
  clock.pass(30 * DAY_MS);
  expect(good(await signer.signSome())).toBe(1);
  expect(read()!.keyVersion).toBe(2);
  const withOtherKey = control.selfSigner(() => ok(OTHER), LOG);
  expect(good(await withOtherKey.signSome())).toBe(1);
  expect(read()!.keyVersion).toBe(3);
});

test('without the key nothing is written, and a damaged document of one zone stops no other', async () => {
  const { room, control, writer, zoneId, read, signer } = await roomWithPolicy();
  const keyless = control.selfSigner(() => fail(problem('HTTPS_KEY_FILE', WHOLE, 'is missing')), LOG);
  expect((await keyless.signSome()).ok).toBe(false);
  expect(read()).toBeUndefined();
  await writer.commit({ audit: auditEvent(), documents: [{ ...hostCertificateWrite(zoneId, HOST, null), value: { version: 1 } }] });
  await room.load('second.example.', MAIL_ZONE_TEXT);
  good(await room.run({ kind: 'mail.apply', zone: nameOf('second.example.'), policy: STS_POLICY }));
  expect(good(await signer.signSome())).toBe(1);
  const second = writer.zones().find(({ name }) => name === 'second.example.')!;
  expect(readHostCertificate(writer, second.id, 'mta-sts.second.example')?.origin).toBe('self-signed');
});

test('many zones are looked at some at a time, and none is left out', async () => {
  const { writer, read, signer } = await roomWithPolicy();
  const before = Array.from({ length: SELF_SIGNED_ZONES_AT_ONCE }, (_, at) => zoneRecord(100 + at, `a${at}.example.`));
  await writer.commit({ audit: auditEvent(), zones: { put: before } });
  expect(good(await signer.signSome())).toBe(0);
  expect(read()).toBeUndefined();
  expect(good(await signer.signSome())).toBe(1);
  expect(read()).toMatchObject({ host: HOST });
});
