/** Which TLSA records follow which certificate of a host. The times, in a control room: test/control/certificate/dane.test.ts. */
import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeCertificateKey, selfSignedCertificate, toPem } from '#certificate/x509.ts';
import { nameOf } from '#dns/name.ts';
import { type Chain, abandonedOf, isFollowed, standingOf, unusedOf } from '#mail/dane/follow.ts';
import { type TlsaState, newTlsaState, takeTlsaPolicy, tlsaNext } from '#mail/dane/lifecycle.ts';
import { parseTlsa, tlsaFor } from '#mail/dane/record.ts';
import { good } from '../../support/temporary-control.ts';
import { countedRandom } from '../../support/temporary-store.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 50 * DAY_MS;
const [DOMAIN, HOST] = [nameOf('post.example.'), 'mx1.post.example'];

async function chain(): Promise<Chain> {
  const privateKey = await makeCertificateKey('ecdsa-p256');
  const dates = { notBeforeMs: NOW_MS - DAY_MS, notAfterMs: NOW_MS + DAY_MS };
  const pem = toPem('CERTIFICATE', selfSignedCertificate({ hosts: [HOST], privateKey, ...dates, random: countedRandom() }));
  return { pem, ders: [new Uint8Array(new X509Certificate(pem).raw)] };
}

const recordFor = ({ pem }: Chain, parameters = {}) => good(tlsaFor({ pem }, parameters));
const host = (port: number, ...records: ReturnType<typeof recordFor>[]) => ({ host: nameOf(`${HOST}.`), port, records });
const followed = (served: Chain | undefined) => ({ host: HOST, domain: DOMAIN, served, nowMs: NOW_MS });
const staged = (state: TlsaState, id: string, stage: string): TlsaState => ({
  ...state,
  lifecycle: {
    ...state.lifecycle,
    objects: state.lifecycle.objects.map((each) => (each.id === id ? { ...each, stage } : each)),
  },
});

test('a port follows the certificate that is served when one of its records is of it; the others are of other servers', async () => {
  const [now, next, foreign] = [await chain(), await chain(), await chain()];
  const state = takeTlsaPolicy(newTlsaState(), [host(25, recordFor(foreign)), host(443, recordFor(now))], NOW_MS);
  const { wanted, pending, ready } = standingOf(state, next, followed(now));
  expect(wanted).toMatchObject([{ port: 443, record: expect.stringMatching(/^3 1 1 /), replaces: 'tlsa-mx1-2' }]);
  expect([pending, ready]).toEqual([[], []]);
  expect(isFollowed(state, followed(now))).toBe(true);
  expect(isFollowed(state, followed(next))).toBe(false);
  expect(standingOf(state, next, followed(undefined))).toEqual({ wanted: [], pending: [], ready: [] });
});

test('RFC 7671 §8.1: the record of the next key is wanted, then pending, then ready; a withdrawn one is none', async () => {
  const [now, next] = [await chain(), await chain()];
  const first = takeTlsaPolicy(newTlsaState(), [host(443, recordFor(now))], NOW_MS);
  const [wanted] = standingOf(first, next, followed(now)).wanted;
  const given = { host: nameOf(`${HOST}.`), port: 443, record: good(parseTlsa(wanted!.record)), replaces: wanted!.replaces };
  const { state, id } = good(tlsaNext(first, given, NOW_MS));
  const idsAt = (stage: string) => {
    const { pending, ready, wanted: left } = standingOf(staged(state, id, stage), next, followed(now));
    return [pending, ready, left].map(({ length }) => length);
  };
  expect(['published', 'visible', 'deployable', 'current', 'withdrawing'].map(idsAt)).toEqual([
    [1, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  expect(unusedOf(staged(state, id, 'deployable'), followed(next)).map((each) => each.id)).toEqual([id]);
  expect(unusedOf(staged(state, id, 'deployable'), followed(now))).toEqual([]);
  expect(unusedOf(staged(state, id, 'visible'), followed(next))).toEqual([]);
  expect(abandonedOf(state, next, followed(now)).map((each) => each.id)).toEqual([id]);
  expect(abandonedOf(state, next, followed(next))).toEqual([]);
  expect(abandonedOf(state, now, followed(now))).toEqual([]);
});

test('the next record has the form of the one that it follows; of two keys side by side it replaces the own one', async () => {
  const [now, next, other] = [await chain(), await chain(), await chain()];
  const records = [recordFor(other), recordFor(now, { selector: 0, matching: 2 })];
  const state = takeTlsaPolicy(newTlsaState(), [host(25, ...records)], NOW_MS);
  const { wanted } = standingOf(state, next, followed(now));
  expect(wanted).toMatchObject([{ record: expect.stringMatching(/^3 0 2 [0-9a-f]{128}$/i), replaces: 'tlsa-mx1-2' }]);
});

test('a renewal with the same key needs no other record', async () => {
  const now = await chain();
  const state = takeTlsaPolicy(newTlsaState(), [host(443, recordFor(now))], NOW_MS);
  expect(standingOf(state, now, followed(now))).toMatchObject({ wanted: [], pending: [], ready: [{ id: 'tlsa-mx1-1' }] });
});
