/** A zone is signed with the keys that it brings: when that is safe, what becomes of its policy, and what it costs when it is not. */
import { beforeEach, describe, expect, test } from 'vitest';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { dnskeyOf } from '#dnssec/key-files/key-file.ts';
import { keyTagOf } from '#dnssec/key.ts';
import { generateKeyPairSync } from 'node:crypto';
import { readRolloverState } from '#store/dnssec/rollovers.ts';
import { rrsetOf } from '#zone/view.ts';
import { type DnssecKeysCommand } from '#control/api/dnssec-keys.ts';
import { HOUR_MS, ZONE, type Bench, bench, problemsOf, roll, states } from '../../support/dnssec-control.ts';
import { good } from '../../support/temporary-control.ts';
import { makeKey as make } from '../../support/brought-keys.ts';

type Import = Extract<DnssecKeysCommand, { readonly kind: 'dnssec.import' }>;

const [csk, ksk, zsk, other] = [make(257), make(257), make(256), make(256)];
const rsa = {
  privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' }),
};

let room: Bench;

beforeEach(async () => {
  room = await bench();
});

const command = (more: Partial<Import> = {}): Import => ({
  kind: 'dnssec.import',
  zone: ZONE,
  keys: [csk.given],
  published: [],
  areTimesIgnored: false,
  isReplacing: false,
  isParentIgnored: false,
  ...more,
});
const bring = (more: Partial<Import> = {}) => room.run(command(more));
const unsign = async () => good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: false, force: true }));
const parentHas = (...ds: readonly Uint8Array[]) => Object.values(room.parents).forEach((each) => (each.ds = ds));
const messages = (result: Awaited<ReturnType<typeof bring>>) => (result.ok ? [] : result.problems.map(({ message }) => message));
const dnskeys = () =>
  rrsetOf(room.apex(), TYPE.DNSKEY)
    ?.rdatas.map(keyTagOf)
    .toSorted((a, b) => a - b);
const sorted = (...tags: readonly number[]) => tags.toSorted((a, b) => a - b);

describe('RFC 6781 §4.3.5: an unsigned zone is signed with the keys that it brings', () => {
  beforeEach(unsign);

  test('a CSK that the DS at the parent is of: it signs at once, and nothing is rolled', async () => {
    parentHas(dsRdata(ZONE, csk.dnskey, 2));
    const outcome = good(await bring());
    expect(outcome.plan).toEqual([
      `CSK ${csk.tag} (algorithm 13) signs from now on`,
      `the parent has a DS of key ${csk.tag} at 2 of 2 name servers`,
    ]);
    expect([states(room), problemsOf(room), dnskeys()]).toEqual([['csk 13 active'], [], [csk.tag]]);
    await room.live(24 * HOUR_MS);
    expect([states(room), dnskeys()]).toEqual([['csk 13 active'], [csk.tag]]);
    expect(good(await bring()).changed).toBe(false);
  });

  test('KSK and ZSK: the policy becomes theirs, and the lifetime of the ZSK counts from now on', async () => {
    parentHas(dsRdata(ZONE, ksk.dnskey, 2));
    good(await bring({ keys: [zsk.given, ksk.given] }));
    expect([states(room), problemsOf(room)]).toEqual([['zsk 13 active', 'ksk 13 active'], []]);
    expect(room.record().keyPolicy).toMatchObject({ keys: 'ksk+zsk', algorithm: 13 });
    await room.live(89 * 24 * HOUR_MS);
    expect(states(room)).toEqual(['zsk 13 active', 'ksk 13 active']);
    await room.live(2 * 24 * HOUR_MS);
    expect(states(room)).toEqual(['ksk 13 active', 'zsk 13 active']);
    expect(dnskeys()).not.toContain(zsk.tag);
    expect(problemsOf(room)).toEqual([]);
  });

  test('RFC 5702: RSA keys stay as they are, are rolled neither by time nor by order, and can be left', async () => {
    good(await bring({ keys: [{ ...rsa, publicKey: rsaRecord() }] }));
    expect([states(room), problemsOf(room)]).toEqual([['csk 8 active'], []]);
    await room.live(100 * 24 * HOUR_MS);
    expect(states(room)).toEqual(['csk 8 active']);
    const rolled = await roll(room, 'csk');
    expect(rolled).toMatchObject({
      ok: false,
      problems: [{ code: 'DNSSEC_ROLLOVER', fix: expect.stringContaining('--algorithm 13') as unknown }],
    });
    good(await room.run({ kind: 'dnssec.policy', zone: ZONE, policy: { algorithm: 13 } }));
    expect(states(room)).toEqual(['csk 8 active', 'csk 13 presigned']);
    expect(problemsOf(room)).toEqual([]);
  });

  test('the policy that somebody has set is asked about: taken over, or kept, and then rolled to', async () => {
    good(await room.run({ kind: 'zone.dnssec', zone: ZONE, dnssec: true }));
    good(await room.run({ kind: 'dnssec.policy', zone: ZONE, policy: { algorithm: 15 } }));
    await unsign();
    expect(messages(await bring())).toEqual([expect.stringMatching(/says csk of algorithm 15, and these keys are csk of 13/)]);
    const kept = good(await bring({ isPolicyTaken: false }));
    expect(kept.warnings.map(({ code }) => code)).toContain('DNSSEC_POLICY');
    await room.live(HOUR_MS);
    expect(states(room)).toEqual(['csk 13 active', 'csk 15 presigned']);
    expect(problemsOf(room)).toEqual([]);
  });

  test('RFC 4035 §5.2: a DS at the parent that is of none of the keys stops it, unless that is ignored', async () => {
    parentHas(dsRdata(ZONE, ksk.dnskey, 2));
    expect(messages(await bring()).join()).toMatch(/has DS \d+ .*it is of none of these keys/);
    expect(room.record()).toMatchObject({ dnssec: 'off', keys: [] });
    good(await bring({ isParentIgnored: true }));
    expect(room.asked.length).toBe(2);
  });

  test('RFC 7583 §3.1: a rollover after it waits for the DNSKEY RRset of the server before, an unknown TTL being a day', async () => {
    good(await bring({ keys: [ksk.given, zsk.given] }));
    await room.live(HOUR_MS);
    good(await roll(room, 'zsk'));
    await room.live(20 * HOUR_MS);
    expect(states(room)).toContain('zsk 13 published');
    await room.live(10 * HOUR_MS);
    expect(states(room)).not.toContain('zsk 13 published');
  });

  test('keys of the server before stay published, are signed with ours, and sign nothing', async () => {
    good(await bring({ keys: [ksk.given, zsk.given], published: [other.text] }));
    expect([dnskeys(), problemsOf(room)]).toEqual([sorted(ksk.tag, zsk.tag, other.tag), []]);
    expect(rrsetOf(room.apex(), TYPE.CDS)?.rdatas).toHaveLength(1);
    expect(room.record().foreignKeys).toMatchObject([{ keyTag: other.tag, isAnnounced: false }]);
  });

  test('DNSKEY records in the unsigned zone that are of none of the keys go, and that is said', async () => {
    const operation = {
      op: 'set',
      name: '@',
      type: 'DNSKEY',
      ttl: 60,
      records: [csk.text, other.text].map((each) => each.replace('DNSKEY ', '')),
    } as const;
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [operation] }));
    const outcome = good(await bring());
    expect(outcome.warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(new RegExp(`key ${other.tag}, which is in the zone, goes`)),
    ]);
    expect(dnskeys()).toEqual([csk.tag]);
  });

  test('a dry run writes nothing', async () => {
    const before = room.writer.generation();
    expect(good(await room.run(command(), { dryRun: true })).changed).toBe(true);
    expect([room.writer.generation(), room.record().dnssec]).toEqual([before, 'off']);
  });
});

describe('a signed zone gets other keys', () => {
  test('only when that is asked for, and no server of the parent has a DS of those that it has', async () => {
    const [own] = room.record().keys;
    expect(messages(await bring())).toEqual([expect.stringMatching(/is signed with CSK \d+ \(algorithm 13\) already, which would go/)]);
    room.parents['192.0.2.53']!.ds = [dsRdata(ZONE, new Uint8Array(Buffer.from(own!.dnskey, 'base64')), 4)];
    expect(messages(await bring({ isReplacing: true, isParentIgnored: false }))[0]).toMatch(
      /a\.nic\.test 192\.0\.2\.53, a server of its parent, has their DS/,
    );
    parentHas();
    room.parents['192.0.2.54']!.answers = 'servfail';
    expect(messages(await bring({ isReplacing: true }))).toEqual([
      expect.stringMatching(/is not known: b\.nic\.test 192\.0\.2\.54 answers SERVFAIL/),
    ]);
    room.parents['192.0.2.54']!.answers = 'ds';
    good(await bring({ isReplacing: true }));
    expect([dnskeys(), problemsOf(room)]).toEqual([[csk.tag], []]);
  });

  test('RFC 4034 App. B: a tag of a key that went does not come back', async () => {
    good(await bring({ isReplacing: true }));
    good(await bring({ keys: [make(257).given], isReplacing: true }));
    expect(messages(await bring({ isReplacing: true }))).toEqual([`key tag ${csk.tag} is that of a key that the zone had before`]);
    expect(readRolloverState(room.writer, room.record().id)?.pastTags).toContain(csk.tag);
  });

  test('not while a rollover is under way', async () => {
    good(await roll(room, 'csk'));
    expect(messages(await bring({ isReplacing: true }))).toEqual([expect.stringMatching(/a rollover of keys\.example\. is under way/)]);
  });
});

function rsaRecord(): string {
  const key = dnskeyOf({ algorithm: 8, secret: pkcs8(rsa.privateKey) }, 257);
  return `DNSKEY ${formatRdata(TYPE.DNSKEY, key)}`;
}

function pkcs8(pem: string): Uint8Array {
  return new Uint8Array(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'));
}
