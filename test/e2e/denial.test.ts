/**
 * NSEC3, judged by others: the same zones answered by NSD, Knot and BIND, proof by proof; the chain that other signers
 * make; validators on every kind of negative answer, on exports, and all through switches between NSEC and NSEC3.
 */

import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DifferentialQuery, formatDifferences, runDifferential } from '../support/differential.ts';
import { delv, dig, dnssecVerify, ldnsVerifyZone, namedCheckzone } from '../support/dig.ts';
import { ownLoopback, validatingUnbound } from '../support/mail/dane-sender.ts';
import { runTool } from '../support/tools.ts';
import { PEER_KINDS } from '../support/peer-kinds.ts';
import { type Peer, startPeers } from '../support/peers.ts';
import { randomQueries } from '../support/query-set.ts';
import { pick, seededRandom } from '../support/random.ts';
import { randomZoneTexts } from '../support/random-zone-text.ts';
import { exportSigned, exportZone, putZones, setDenial, startWaxseal, type Waxseal } from '../support/waxseal.ts';

const SEED = Number(process.env['WAXSEAL_SEED'] ?? 20_261_129);
const ZONES = 24;
const QUERIES_PER_ZONE = 120;

let server: Waxseal;
beforeAll(async () => {
  server = await startWaxseal();
});
afterAll(() => server.stop());

describe(`RFC 5155 §7.2: ${ZONES} random zones with NSEC3, their exports served by NSD, Knot and BIND`, () => {
  const random = seededRandom(SEED);
  const zones = randomZoneTexts(ZONES, random);
  let peers: Peer[] = [];
  const queries: DifferentialQuery[] = [];

  beforeAll(async () => {
    await putZones(server, zones, 'on');
    const exported: { name: string; text: string }[] = [];
    for (const zone of zones) {
      await setDenial(server, zone.name, 'nsec3');
      exported.push({ name: zone.name, text: await exportSigned(server, zone.name) });
    }
    for (const [at, zone] of zones.entries()) {
      const hashed = [...exported[at]!.text.matchAll(/^(\S+)\t\d+\tIN\tNSEC3\t/gm)].map((match) => match[1]!);
      for (const shape of randomQueries(zone.name, zone.text, QUERIES_PER_ZONE, random)) {
        // §7.2.8: also for the hashed owner names themselves, and for NSEC3 as a type.
        const name = random() < 0.06 ? pick(random, hashed) : shape.name;
        const type = random() < 0.04 ? 'NSEC3' : shape.type;
        const edns = { size: shape.edns?.size ?? 1232, dnssecOk: random() < 0.9 };
        queries.push({ zone, shape: { ...shape, name, type, edns }, transport: random() < 0.15 ? 'tcp' : 'udp' });
      }
    }
    peers = await startPeers(PEER_KINDS, () => exported);
  });
  afterAll(async () => {
    await Promise.all(peers.map((peer) => peer.stop()));
  });

  test('waxseal against NSD, Knot and BIND', async () => {
    const result = await runDifferential(server, peers, queries, { apexes: zones.map((zone) => zone.name) });
    const isGood = result.differences.length + result.broken.length === 0;
    expect(isGood ? '' : formatDifferences(result)).toBe('');
    expect(result.compared).toBe(ZONES * QUERIES_PER_ZONE * PEER_KINDS.length);
  });
});

const CHAIN = 'chain.example.';
const CHAIN_TEXT = `$TTL 300
@          SOA   ns host 1 3600 600 86400 60
@          NS    ns
ns         A     192.0.2.1
www        A     192.0.2.2
*.wild     TXT   "wild"
x.y.ent    TXT   "deep"
alias      CNAME www
*.walias   CNAME www
tree       DNAME www
plain      NS    ns.plain
ns.plain   A     192.0.2.9
deep.plain2 NS   ns.elsewhere.example.
secure     NS    ns.secure
secure     DS    12345 13 2 ${'ab'.repeat(32)}
ns.secure  A     192.0.2.10
types      TYPE65280 \\# 4 c0000201
types      CAA   0 issue "ca.example"
MIXED.Case A     192.0.2.4
\\000.odd   A     192.0.2.5
`;

/** Owner, next hash and types of each NSEC3 in a zone file of whatever form, but for what each signer has at the apex. */
function chainOf(text: string): string[] {
  const records = text.replaceAll(/\(([^)]*)\)/g, (_, inner: string) => inner.replaceAll(/\s+/g, ' ')).split('\n');
  return records
    .flatMap((line) => {
      const match = /^(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(?:\d+\s+)?NSEC3\s+1 (\d) 0 -\s+(\S+)\s*([^;]*)/i.exec(line);
      if (match === null) return [];
      const types = match[4]!.trim().split(/\s+/).toSorted();
      const isApex = types.includes('SOA');
      return [`${match[1]!.split('.')[0]} ${match[2]} ${match[3]} ${isApex ? 'apex' : types.join(' ')}`.toLowerCase()];
    })
    .toSorted();
}

describe('RFC 5155 §7.1: the chain of other signers is ours', () => {
  let folder = '';
  let exported = '';
  let plain = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'waxseal-denial-'));
    await putZones(server, [{ name: CHAIN, text: CHAIN_TEXT }], 'on');
    await setDenial(server, CHAIN, 'nsec3');
    exported = await exportSigned(server, CHAIN);
    plain = await exportZone(server, CHAIN, false);
    writeFileSync(join(folder, 'zone'), plain, 'latin1');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = async (program: string, ...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runTool(program, words, { cwd: folder, timeoutMs: 60_000 });
    expect({ program, code, text: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ program, code: 0, text: '' });
    return stdout;
  };

  test('BIND’s dnssec-signzone', async () => {
    const key = (await run('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', '-f', 'KSK', CHAIN)).trim();
    await run('dnssec-signzone', '-q', '-z', '-P', '-3', '-', '-H', '0', '-S', '-K', folder, '-o', CHAIN, '-f', 'bind', 'zone');
    expect(key).toMatch(/^Kchain/);
    expect(chainOf(readFileSync(join(folder, 'bind'), 'latin1'))).toEqual(chainOf(exported));
  });

  test('Knot’s kzonesign', async () => {
    const config = ['policy:', '  - id: p', '    nsec3: on', '    nsec3-iterations: 0', '    nsec3-salt-length: 0', 'zone:'];
    const zone = [`  - domain: ${CHAIN}`, '    dnssec-policy: p', `    file: ${join(folder, 'zone')}`, `    storage: ${folder}`];
    const database = ['database:', `  storage: ${folder}`];
    writeFileSync(join(folder, 'knot.conf'), `${[...database, ...config, ...zone].join('\n')}\n`);
    mkdirSync(join(folder, 'knot'));
    await run('kzonesign', '-c', join(folder, 'knot.conf'), '-o', join(folder, 'knot'), CHAIN);
    const [file] = readdirSync(join(folder, 'knot'));
    expect(chainOf(readFileSync(join(folder, 'knot', file!), 'latin1'))).toEqual(chainOf(exported));
  });

  test('and ldns-verify-zone, dnssec-verify, named-checkzone and kzonecheck accept the export', async () => {
    expect(chainOf(exported).length).toBeGreaterThan(15);
    expect(exported).toMatch(/^chain\.example\.\t60\tIN\tNSEC3PARAM\t1 0 0 -$/m);
    expect(await ldnsVerifyZone(exported)).toMatchObject({ code: 0 });
    expect(await dnssecVerify(CHAIN, exported)).toMatchObject({ code: 0 });
    expect(await namedCheckzone(CHAIN, exported)).toMatchObject({ code: 0 });
    writeFileSync(join(folder, 'signed'), exported, 'latin1');
    await run('kzonecheck', '-o', CHAIN, '-d', 'on', join(folder, 'signed'));
    // One NSEC3 fewer is noticed by all that check the chain.
    const line = exported.split('\n').find((each) => each.includes('\tNSEC3\t') && each.endsWith(' A RRSIG'))!;
    const broken = exported.replace(`${line}\n`, '');
    expect((await ldnsVerifyZone(broken)).code).not.toBe(0);
    expect((await dnssecVerify(CHAIN, broken)).code).not.toBe(0);
  });
});

/** Every kind of negative answer. */
const KINDS: readonly (readonly [kind: string, name: string, type: string])[] = [
  ['RFC 5155 §7.2.2: name error', `none.${CHAIN}`, 'A'],
  ['name error, several labels deep', `a.b.c.none.${CHAIN}`, 'A'],
  ['name error below an existing name', `none.www.${CHAIN}`, 'TXT'],
  ['name error below an empty non-terminal', `none.ent.${CHAIN}`, 'A'],
  ['§7.2.3: no data', `www.${CHAIN}`, 'MX'],
  ['no data at the apex', CHAIN, 'LOC'],
  ['no data at an empty non-terminal', `ent.${CHAIN}`, 'A'],
  ['§7.2.4: no DS at an insecure delegation', `plain.${CHAIN}`, 'DS'],
  ['no DS at an insecure delegation below an empty non-terminal', `deep.plain2.${CHAIN}`, 'DS'],
  ['§7.2.5: no data from a wildcard', `x.wild.${CHAIN}`, 'A'],
  ['§7.2.6: an answer from a wildcard', `x.y.wild.${CHAIN}`, 'TXT'],
  ['an alias from a wildcard', `x.walias.${CHAIN}`, 'A'],
  ['a name with odd octets', `\\001.odd.${CHAIN}`, 'A'],
];

describe('validators', () => {
  let anchors: string[] = [];
  beforeAll(async () => {
    const answer = await server.api('GET', `/v1/zones/${CHAIN}/dnssec/ds`);
    const { ds }: { ds: readonly { record: string }[] } = JSON.parse(await answer.text());
    anchors = ds.map(({ record }) => record);
  });

  test.each(KINDS)('delv: %s', async (_, name, type) => {
    const { isValid, text } = await delv(server, CHAIN, anchors, name, type);
    expect(isValid ? '' : text).toBe('');
  });

  test('§7.2.8: the name of an NSEC3 is a name like any other', async () => {
    const [, owner = ''] = /^(\S+)\t\d+\tIN\tNSEC3\t/m.exec(await exportSigned(server, CHAIN)) ?? [];
    for (const type of ['NSEC3', 'A', 'ANY']) {
      expect(await dig(server, [owner, type, '+dnssec', '+notcp'])).toMatchObject({ status: 'NXDOMAIN', answer: [] });
      if (type !== 'ANY') expect(await delv(server, CHAIN, anchors, owner, type)).toMatchObject({ isValid: true });
    }
  });

  test('unbound with aggressive-nsec answers all through switches from one to the other and back', async () => {
    const address = ownLoopback();
    const unbound = await validatingUnbound(address, { zone: CHAIN, server, anchors });
    const wrong: string[] = [];
    const count = { asked: 0 };
    const over = new AbortController();
    const ask = async (): Promise<void> => {
      for (let at = 0; !over.signal.aborted; at++) {
        const [, name, type] = KINDS[at % KINDS.length]!;
        // Half are names that no cache has.
        const fresh = at % 2 === 0 || type === 'DS' ? name : `n${at}.${name}`;
        const reply = await dig({ name: 'unbound', address, port: 53 }, [fresh, type, '+dnssec', '+recurse']);
        // On a busy machine dig may give up before unbound has asked; what counts is what is answered.
        if (reply.status === '') continue;
        count.asked++;
        if (!['NOERROR', 'NXDOMAIN'].includes(reply.status) || !reply.flags.includes('ad')) wrong.push(`${fresh} ${type} ${reply.text}`);
      }
    };
    const asking = ask();
    try {
      for (const denial of ['nsec', 'nsec3', 'nsec', 'nsec3'] as const) {
        await setDenial(server, CHAIN, denial);
        // Every kind of answer is asked for while the caches hold the other kind of proof.
        const begin = count.asked;
        for (let turn = 0; count.asked - begin < KINDS.length && turn < 200; turn++) await delay(50);
      }
    } finally {
      over.abort();
      await asking;
      await unbound.stop();
    }
    expect(wrong).toEqual([]);
    expect(count.asked).toBeGreaterThanOrEqual(KINDS.length);
  });
});
