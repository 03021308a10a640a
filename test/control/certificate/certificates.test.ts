/** The life of a certificate, from the order to the renewal and the end, with a pretended CA. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { openHostKey } from '#store/tls/host-certificate.ts';
import { rrsetOf } from '#zone/view.ts';
import { HOST, TEST_NOW_MS, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';
import { bad, good } from '../../support/temporary-control.ts';

const DAY_MS = 86_400_000;
const CHALLENGE = `_acme-challenge.${HOST}`;
const STEPS = ['begins as wanted', 'wanted → ordered', 'ordered → visible', 'visible → issued', 'issued → installed', 'installed → in-use'];

describe('a host that wants a certificate', () => {
  test('gets one, step by step, with the key beside it, and its challenge goes', async () => {
    const made = await certificateHouse();
    await made.want();
    await made.live(60_000);
    expect(made.stages()).toEqual(STEPS);
    const certificate = made.certificate()!;
    const x509 = new X509Certificate(certificate.chain);
    expect(x509.checkHost(HOST, { subject: 'never' })).toBe(HOST);
    expect(certificate).toMatchObject({ origin: 'acme', notAfterMs: x509.validToDate.getTime() });
    const key = good(openHostKey(made.writer, made.writer.sealer, made.writer.zoneByName(ZONE)!.id, certificate)!);
    expect(x509.checkPrivateKey(createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' }))).toBe(true);
    expect(made.texts(CHALLENGE)).toEqual([]);
  });

  test('while the CA looks, the challenge stands in the zone as managed, and nobody changes it by hand', async () => {
    const made = await certificateHouse();
    await made.want();
    let seen = 0;
    await made.live(60_000, () => {
      const record = made.writer.zoneByName(ZONE)!;
      const rrset = rrsetOf(made.writer.view(record).node(ownerKey(nameOf(`${CHALLENGE}.`))), TYPE.TXT);
      if (made.object()?.stage !== 'visible') return;
      seen += 1;
      expect(rrset).toMatchObject({ manager: 'acme', ttl: 30 });
    });
    expect(seen).toBeGreaterThan(0);
  });

  test('a private key is in no event, no answer and no document', async () => {
    const made = await certificateHouse();
    await made.want();
    await made.live(60_000);
    const said = JSON.stringify([made.view(), made.events, made.state(), made.control.events.after(0, 1000), made.certificate()]);
    expect(said).not.toMatch(/PRIVATE KEY|"d":/);
    expect(said).toContain('BEGIN CERTIFICATE');
  });
});

describe('renewal', () => {
  const renewalMs = 60 * DAY_MS;

  test('after about two thirds of its life the next one comes; the first is served until then', async () => {
    const made = await certificateHouse();
    await made.want();
    await made.live(60_000);
    const first = made.certificate()!;
    await made.live(50 * DAY_MS);
    expect(made.certificate()).toEqual(first);
    await made.live(renewalMs - 49 * DAY_MS);
    const second = made.certificate()!;
    expect(second.notAfterMs).toBeGreaterThan(first.notAfterMs);
    expect(second.keyVersion).toBeGreaterThan(first.keyVersion);
    expect(made.ca.issued(HOST)).toBe(2);
    expect(made.state()!.lifecycle.objects).toHaveLength(1);
  });

  test('a certificate of six days renews as calmly as one of ninety', async () => {
    const made = await certificateHouse({ ca: { lifeDays: 6 } });
    await made.want();
    let endMs = Infinity;
    await made.live(60 * DAY_MS, () => {
      endMs = made.certificate()?.notAfterMs ?? Infinity;
      expect(endMs - made.clock.nowMs()).toBeGreaterThan(1.5 * DAY_MS);
    });
    expect(made.ca.issued(HOST)).toBeGreaterThanOrEqual(14);
    expect(made.ca.issued(HOST)).toBeLessThanOrEqual(18);
    expect(made.ca.liveMax).toBe(1);
  });

  test('RFC 9773: the CA suggests an earlier time, which is kept; it hears what is replaced', async () => {
    const made = await certificateHouse();
    made.ca.hasRenewalInfo = true;
    made.ca.window = { startMs: TEST_NOW_MS + 70 * DAY_MS, endMs: TEST_NOW_MS + 71 * DAY_MS };
    await made.want();
    await made.live(5 * DAY_MS);
    expect(made.view()).toMatchObject({ renewal: { isSuggested: true, explanationUrl: 'https://ca.example/why' } });
    // A mass revocation is at hand.
    made.ca.window = { startMs: TEST_NOW_MS + 6 * DAY_MS, endMs: TEST_NOW_MS + 7 * DAY_MS };
    const looks = made.ca.asked.filter((each) => each.startsWith('GET /ari/'));
    const id = looks[0]!.slice('GET /ari/'.length);
    await made.live(0.9 * DAY_MS);
    expect(made.ca.issued(HOST)).toBe(1);
    await made.live(1.5 * DAY_MS);
    expect(made.ca.issued(HOST)).toBe(2);
    expect(made.ca.orders[1]).toMatchObject({ replaces: id });
    // Every six hours, as its Retry-After says.
    expect(looks.length).toBeGreaterThanOrEqual(18);
    expect(looks.length).toBeLessThanOrEqual(22);
  });

  test('RFC 9773 §5: what is replaced already is ordered without saying so', async () => {
    const made = await certificateHouse();
    made.ca.hasRenewalInfo = true;
    await made.want();
    await made.live(60_000);
    made.ca.rejecting = 'alreadyReplaced';
    await made.want();
    await made.live(500);
    made.ca.rejecting = undefined;
    await made.live(60_000);
    expect(made.ca.issued(HOST)).toBe(2);
    expect(made.ca.orders[1]).not.toHaveProperty('replaces');
  });

  test('a profile is asked for where the directory has it', async () => {
    const made = await certificateHouse({ settings: { profile: 'shortlived' } });
    await made.want();
    await made.live(60_000);
    made.ca.profiles = ['shortlived'];
    await made.live(DAY_MS);
    await made.want();
    await made.live(60_000);
    expect(made.ca.orders.map(({ profile }) => profile)).toEqual([undefined, 'shortlived']);
  });
});

describe('the end', () => {
  test('a host whose order is taken back loses certificate, key and challenge', async () => {
    const made = await certificateHouse();
    await made.want();
    await made.live(60_000);
    const zoneId = made.writer.zoneByName(ZONE)!.id;
    const certificate = made.certificate()!;
    good(await made.run({ kind: 'certificate.unwant', zone: ZONE, host: HOST }));
    await made.live(60_000);
    expect(made.certificate()).toBeUndefined();
    expect(openHostKey(made.writer, made.writer.sealer, zoneId, certificate)).toBeUndefined();
    expect(made.state()).toMatchObject({ lifecycle: { objects: [] }, wishes: [], published: [] });
    expect(bad(await made.run({ kind: 'certificate.unwant', zone: ZONE, host: HOST })).map(({ code }) => code)).toEqual([
      'CERTIFICATE_NONE',
    ]);
  });

  test('taken back in the middle: the challenge goes, and no key of the order stays', async () => {
    const made = await certificateHouse();
    await made.want();
    made.ca.outage = undefined;
    let isTakenBack = false;
    await made.live(1000);
    expect(made.object()?.stage).toBe('visible');
    isTakenBack = true;
    good(await made.run({ kind: 'certificate.unwant', zone: ZONE, host: HOST }));
    await made.live(60_000);
    expect(isTakenBack && made.texts(CHALLENGE)).toEqual([]);
    expect(made.writer.sealedSecret(made.writer.zoneByName(ZONE)!.id, `acme-order/${HOST}`)).toBeUndefined();
    expect(made.certificate()).toBeUndefined();
  });

  test('a zone that goes takes them all with it', async () => {
    const made = await certificateHouse();
    await made.want();
    await made.live(60_000);
    const zoneId = made.writer.zoneByName(ZONE)!.id;
    good(await made.run({ kind: 'zone.remove', zone: ZONE }));
    await made.live(DAY_MS);
    expect(made.writer.documentIds(zoneId, 'tls-host')).toEqual([]);
    expect(made.writer.due(Number.MAX_SAFE_INTEGER - 1, 10, 'certificates')).toEqual([]);
  });
});
