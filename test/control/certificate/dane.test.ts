/**
 * RFC 7671 §8.1 for hosts whose certificate this server has: the record of the next key first, the key two TTLs later,
 * the record of the old one until no cache needs it.
 */
import { X509Certificate, createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Control } from '#control/control.ts';
import { createLog } from '#base/log.ts';
import { makeCertificateKey, selfSignedCertificate, toPem } from '#certificate/x509.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { type Resolver } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { readMailState } from '#store/mail/state.ts';
import { rrsetOf } from '#zone/view.ts';
import { type HouseOptions, TEST_NOW_MS, ZONE, certificateHouse } from '../../support/acme/certificate-house.ts';
import { good } from '../../support/temporary-control.ts';
import { countedRandom } from '../../support/temporary-store.ts';

const HOST = 'www.post.example';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const recordOf = (pem: string): string => {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return `3 1 1 ${createHash('sha256').update(spki).digest('hex')}`;
};

interface FollowedOptions extends HouseOptions {
  readonly tlsaTtl?: string;
  readonly others?: readonly string[];
  readonly onMade?: (control: Control) => void;
}

/** A host with a certificate, whose key has a TLSA record at port 443. */
async function followedHost(options: FollowedOptions = {}) {
  const made = await certificateHouse({ sources: ['certificate', 'mail'], ...options });
  options.onMade?.(made.control);
  await made.want(HOST);
  await made.live(MINUTE_MS);
  const { tlsaTtl: tlsa = '1h', others = [] } = options;
  const keys = [made.certificate(HOST)!.chain, ...others];
  const policy = {
    dkim: { algorithms: [] },
    tlsRpt: { rua: [] },
    mtaSts: { mode: 'off' as const },
    ttl: { tlsa },
    dane: { hosts: { [HOST]: { port: 443, keys } } },
  };
  good(await made.run({ kind: 'mail.apply', zone: ZONE, policy }));
  const record = () => made.writer.zoneByName(ZONE)!;
  const tlsa443 = () => {
    const rrset = rrsetOf(made.writer.view(record()).node(ownerKey(nameOf(`_443._tcp.${HOST}.`))), TYPE.TLSA);
    return (rrset?.rdatas ?? []).map((rdata) => formatRdata(TYPE.TLSA, rdata).toLowerCase());
  };
  const objects = () => readMailState(made.writer, record().id)!.tlsa.lifecycle.objects;
  const stages = () => objects().map(({ id, stage }) => `${id} ${stage}`);
  return { ...made, policy, tlsa443, stages };
}
type House = Awaited<ReturnType<typeof certificateHouse>>;
type Followed = Awaited<ReturnType<typeof followedHost>>;

/** Lets time go by; what any cache may hold must always match what is served. */
async function liveAndJudge(made: Followed, ms: number, ttlMs: number): Promise<void> {
  const seen: { readonly atMs: number; readonly records: readonly string[] }[] = [];
  await made.live(ms, () => {
    const [nowMs, served] = [made.clock.nowMs(), recordOf(made.certificate(HOST)!.chain)];
    const since = seen.findLastIndex(({ atMs }) => atMs <= nowMs - ttlMs);
    seen.splice(0, Math.max(0, since));
    seen.push({ atMs: nowMs, records: made.tlsa443() });
    const without = seen.find(({ records }) => !records.includes(served));
    expect(without, 'a cache may hold a set without the key that is served').toBeUndefined();
  });
}

describe('a renewal with a new key', () => {
  test('its record is published, the certificate waits for two TTLs, then the old record goes', async () => {
    const made = await followedHost();
    const first = made.certificate(HOST)!.chain;
    await made.live(3 * HOUR_MS);
    await made.want(HOST);
    await made.live(MINUTE_MS);
    expect(made.object(HOST)).toMatchObject({ stage: 'issued' });
    expect(made.certificate(HOST)!.chain).toBe(first);
    expect(made.tlsa443()).toHaveLength(2);
    expect(made.view(HOST)!.lines.join('\n')).toMatch(
      /deployable: .*the TLSA record of its key, tlsa-www-2, is visible, not before 2026-01-01 0/,
    );
    await liveAndJudge(made, 119 * MINUTE_MS - MINUTE_MS, HOUR_MS);
    expect(made.certificate(HOST)!.chain).toBe(first);
    await liveAndJudge(made, 6 * MINUTE_MS, HOUR_MS);
    const second = made.certificate(HOST)!.chain;
    expect(second).not.toBe(first);
    expect(made.object(HOST)).toMatchObject({ stage: 'in-use' });
    expect(made.stages()).toEqual(['tlsa-www-1 withdrawing', 'tlsa-www-2 current']);
    await liveAndJudge(made, 5 * HOUR_MS, HOUR_MS);
    expect(made.tlsa443()).toEqual([recordOf(second)]);
  });

  test('nine days of certificates of six, with records of a day: none ends, no cache misses a key', async () => {
    const made = await followedHost({ ca: { lifeDays: 6 }, tlsaTtl: '1d' });
    let endMs = Infinity;
    const days = 9;
    for (let day = 0; day < days; day++) {
      await liveAndJudge(made, DAY_MS, DAY_MS);
      endMs = made.certificate(HOST)!.notAfterMs;
      expect(endMs).toBeGreaterThan(made.clock.nowMs());
    }
    expect(made.ca.issued(HOST)).toBeGreaterThanOrEqual(3);
  });

  test('with two keys side by side only the record of the one that changes goes', async () => {
    const other = `3 1 1 ${'ab'.repeat(32)}`;
    const made = await followedHost({ others: [other] });
    await made.want(HOST);
    await made.live(8 * HOUR_MS);
    expect(made.tlsa443().toSorted()).toEqual([other, recordOf(made.certificate(HOST)!.chain)].toSorted());
  });
});

describe('what stands in its way', () => {
  test('a secondary without the record: the old certificate stays, and it is said who is waited for', async () => {
    let isLate = false;
    // It has what this server has, but for TLSA records while it is late.
    const resolver: { lookup: Resolver['lookup'] } = { lookup: () => Promise.resolve({ kind: 'nodata' }) };
    const late: Resolver = { lookup: (...asked) => resolver.lookup(...asked) };
    const nameServers = new Map([['192.0.2.9:53', late]]);
    const made = await followedHost({
      witnesses: { nameServers },
      onMade(control) {
        resolver.lookup = (name, type) => {
          const isHidden = isLate && type === TYPE.TLSA;
          return isHidden ? Promise.resolve({ kind: 'nodata' }) : control.zones.resolver.lookup(name, type);
        };
      },
    });
    const first = made.certificate(HOST)!.chain;
    isLate = true;
    await made.want(HOST);
    await made.live(4 * HOUR_MS);
    expect(made.certificate(HOST)!.chain).toBe(first);
    expect(made.view(HOST)!.lines.join('\n')).toContain('the TLSA record of its key, tlsa-www-2, is published');
    isLate = false;
    await liveAndJudge(made, 3 * HOUR_MS, HOUR_MS);
    expect(made.certificate(HOST)!.chain).not.toBe(first);
  });

  test('a certificate that is not wanted any more before it was used takes its record with it', async () => {
    const made = await followedHost();
    await made.live(3 * HOUR_MS);
    const first = recordOf(made.certificate(HOST)!.chain);
    await made.want(HOST);
    await made.live(MINUTE_MS);
    expect(made.tlsa443()).toHaveLength(2);
    good(await made.run({ kind: 'certificate.want', zone: ZONE, host: HOST }));
    good(await made.run({ kind: 'certificate.unwant', zone: ZONE, host: HOST }));
    await made.live(MINUTE_MS);
    expect(made.tlsa443()).toEqual([first]);
    expect(made.state()).toMatchObject({ lost: [] });
  });

  test('records of keys of other servers are left alone, and nothing waits for them', async () => {
    const made = await followedHost();
    const foreign = { ...made.policy, dane: { hosts: { 'mx1.post.example': { keys: [`3 1 1 ${'cd'.repeat(32)}`] } } } };
    good(await made.run({ kind: 'mail.apply', zone: ZONE, policy: foreign }));
    await made.want('mx1.post.example');
    await made.live(MINUTE_MS);
    await made.want('mx1.post.example');
    await made.live(MINUTE_MS);
    expect(made.ca.issued('mx1.post.example')).toBe(2);
    expect(made.object('mx1.post.example')).toMatchObject({ stage: 'in-use' });
    expect(made.stages()).toEqual(['tlsa-mx1-2 current']);
  });
});

describe('a certificate from a file', () => {
  const pemOf = async () => {
    const privateKey = await makeCertificateKey('ecdsa-p256');
    const dates = { notBeforeMs: TEST_NOW_MS - DAY_MS, notAfterMs: TEST_NOW_MS + 30 * DAY_MS };
    const der = selfSignedCertificate({ hosts: [HOST], privateKey, ...dates, random: countedRandom() });
    return { cert: toPem('CERTIFICATE', der), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
  };

  test('waits in the same way, and its key is used when the policy host was seen with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-cert-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'host.pem');
    let isServing = true;
    const look = () => {
      const chain = isServing ? made.certificate(HOST)!.chain : first.cert;
      return Promise.resolve({ at: '127.0.0.1:8443', chain: [new Uint8Array(new X509Certificate(chain).raw)] });
    };
    const ownHosts = new Map([['the policy host here', look]]);
    const made: House = await certificateHouse({ sources: ['mail'], witnesses: { ownHosts } });
    const files = made.control.certificateFiles([file], createLog({ level: 'silent' }));
    const put = ({ cert, key }: { cert: string; key: string }) => writeFileSync(file, `${cert}${key}`);
    const [first, second] = [await pemOf(), await pemOf()];
    put(first);
    await files.look();
    const dane = { hosts: { [HOST]: { keys: [first.cert] } } };
    const policy = { dkim: { algorithms: [] }, mtaSts: { mode: 'off' as const }, dane };
    good(await made.run({ kind: 'mail.apply', zone: ZONE, policy }));
    const mail = () => readMailState(made.writer, made.writer.zoneByName(ZONE)!.id)!;
    const stages = () => mail().tlsa.lifecycle.objects.map(({ stage }) => stage);
    const lookAfter = async (ms: number) => {
      await made.live(ms);
      await files.look();
    };
    put(second);
    await files.look();
    expect(made.certificate(HOST)!.chain).toBe(first.cert);
    await lookAfter(MINUTE_MS);
    expect(stages()).toEqual(['current', 'visible']);
    expect(made.certificate(HOST)!.chain).toBe(first.cert);
    isServing = false;
    await lookAfter(2 * DAY_MS);
    expect(made.certificate(HOST)!.chain).toBe(second.cert);
    await lookAfter(MINUTE_MS);
    // Installed, and another one is served: the record of the old key stays.
    expect(stages()).toEqual(['current', 'deployable']);
    await lookAfter(10 * MINUTE_MS);
    const alerts = made.control.events.after(0, 1000).filter(({ kind }) => kind === 'alert');
    expect(alerts.map(({ event }) => event)).toContain('CERTIFICATE_UNSERVED');
    isServing = true;
    await lookAfter(MINUTE_MS);
    expect(stages()).toEqual(['withdrawing', 'current']);
  });
});
