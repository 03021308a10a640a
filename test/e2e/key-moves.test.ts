/**
 * A signed zone moves here with its keys, and two providers sign one zone, each with its own: while both answer, unbound that
 * caches and unbound that does not validate every answer, whichever server it came from (RFC 6781 §4.3.5, RFC 8901 model 2).
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { delv } from '../support/dig.ts';
import { type Peer, startPeer } from '../support/peers.ts';
import { startPowerdnsServer } from '../support/powerdns-server.ts';
import { type Finished, type RunningServer, runWaxseal, startServer } from '../support/running-server.ts';
import { runTool } from '../support/tools.ts';
import { validatingResolver } from '../support/validating-resolver.ts';
import { putZones } from '../support/waxseal.ts';

const RECORDS = '$TTL 300\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n*.w TXT "x"\n';
const TEXT = `${RECORDS}${Array.from({ length: 20 }, (_, at) => `h${at} A 192.0.2.${at + 1}\n`).join('')}`;

let server: RunningServer;
let folder = '';
const peers: Peer[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waxseal-moves-'));
  server = await startServer();
}, 120_000);

afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.stop()));
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function tool(program: string, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTool(program, words, { cwd: folder });
  expect([program, code, code === 0 ? '' : `${stdout}${stderr}`]).toEqual([program, 0, '']);
  return stdout;
}

/** Keys by dnssec-keygen, and the zone signed with them. */
async function signedByBind(
  zone: string,
  more = '',
): Promise<{ readonly bases: readonly string[]; readonly text: string; readonly ds: string }> {
  const keys = join(folder, `${zone}-keys`);
  mkdirSync(keys);
  const make = async (words: readonly string[]) =>
    join(keys, (await tool('dnssec-keygen', ['-q', '-a', '13', ...words, '-K', keys, zone])).trim());
  const bases = [await make(['-f', 'KSK']), await make([])];
  const file = join(folder, zone);
  writeFileSync(file, `$ORIGIN ${zone}.\n${TEXT}${more}`);
  await tool('dnssec-signzone', ['-Q', '-S', '-K', keys, '-o', zone, '-f', `${file}.signed`, file]);
  return { bases, text: readFileSync(`${file}.signed`, 'utf8'), ds: (await tool('dnssec-dsfromkey', ['-2', `${bases[0]!}.key`])).trim() };
}

const cli = (...words: readonly string[]): Promise<Finished> => runWaxseal([...words, '--server', `unix:${server.directory}/admin.sock`]);

async function done(...words: readonly string[]): Promise<string> {
  const { exit, out, err } = await cli(...words);
  expect([exit, err.replaceAll(/waxseal: warning: .*\n/g, '')]).toEqual([0, '']);
  return out;
}

type At = Pick<Peer, 'address' | 'port'>;

/** Asks two resolvers, which ask our server and the others, for names that are there, come from a wildcard, and are not there; none may be
 *  anything but secure. */
async function allSecure(zone: string, others: readonly At[], anchors: readonly string[], kinds = [true, false]): Promise<void> {
  await allSecureFrom(zone, [server, ...others], anchors, kinds);
}

async function allSecureFrom(zone: string, servers: readonly At[], anchors: readonly string[], kinds = [true, false]): Promise<void> {
  const names = Array.from({ length: 6 }, (_, at) => [`h${at}.${zone}`, `no${at}.${zone}`, `w${at}.w.${zone}`]).flat();
  const bad = await Promise.all(
    kinds.map(async (isCold) => {
      const resolver = await validatingResolver(`${zone}.`, servers, anchors, isCold);
      const typeOf = (name: string) => (name.includes('.w.') ? 'TXT' : name === zone ? 'DNSKEY' : 'A');
      const ask = async (name: string) => `${resolver.name} ${name} ${await resolver.ask(name, typeOf(name))}`;
      const said = await Promise.all([...names, zone].map(ask));
      await resolver.stop();
      return said.filter((each) => !each.endsWith(' secure'));
    }),
  );
  expect(bad.flat()).toEqual([]);
}

test('a zone that BIND signed moves here with its keys, and away again: both servers validate with the one DS', async () => {
  const zone = 'moving.example';
  const { bases, text, ds } = await signedByBind(zone);
  peers.push(await startPeer('nsd', [{ name: `${zone}.`, text }]));
  await putZones(server, [{ name: `${zone}.`, text: TEXT }], 'off');
  const out = await done('dnssec', 'key', 'import', zone, ...bases.map((base) => `${base}.private`), '--ignore-parent');
  expect(out).toMatch(/KSK \d+ \(algorithm 13\) signs from now on/);
  await allSecure(zone, peers, [ds]);

  // Away: what is exported is what came, and the sealed form opens with its passphrase only.
  mkdirSync(join(folder, 'out'));
  expect((await cli('dnssec', 'key', 'export', zone, '--bind', join(folder, 'out'))).exit).toBe(2);
  await done('dnssec', 'key', 'export', zone, '--bind', join(folder, 'out'), '--yes');
  const privateText = (file: string) => /PrivateKey: (\S+)/.exec(readFileSync(file, 'utf8'))![1]!;
  const exported = readdirSync(join(folder, 'out')).filter((name) => name.endsWith('.private'));
  expect(exported.map((name) => privateText(join(folder, 'out', name))).toSorted()).toEqual(
    bases.map((base) => privateText(`${base}.private`)).toSorted(),
  );
  for (const name of readdirSync(join(folder, 'out'))) expect(statSync(join(folder, 'out', name)).mode & 0o777).toBe(0o600);
  // Neither the log nor the store nor the audit log has a private key.
  const audit = await done('audit', 'tail');
  for (const base of bases) {
    const secret = privateText(`${base}.private`);
    expect([server.log().includes(secret), audit.includes(secret)]).toEqual([false, false]);
    for (const file of readdirSync(join(server.directory, 'store'))) {
      const octets = readFileSync(join(server.directory, 'store', file));
      expect([octets.includes(Buffer.from(secret, 'base64')), octets.includes(secret)]).toEqual([false, false]);
    }
  }
  writeFileSync(join(folder, 'pass'), 'correct horse battery\n', { mode: 0o600 });
  await done('dnssec', 'key', 'export', zone, '--passphrase-file', join(folder, 'pass'), '--output', join(folder, 'sealed'));
  expect(await done('dnssec', 'key', 'import', zone, join(folder, 'sealed'), '--passphrase-file', join(folder, 'pass'))).toContain(
    'is that way already',
  );
  const { isValid, text: said } = await delv(server, `${zone}.`, [ds], `h1.${zone}.`, 'A');
  expect([isValid, said]).toEqual([true, said]);
}, 120_000);

/** What a move from another signer needs: the server that signs now, its keys as files, the DS record that the parent has. */
interface Before {
  readonly peer: Pick<Peer, 'address' | 'port' | 'stop'>;
  readonly files: readonly string[];
  readonly ds: string;
}

/** Keys by keymgr, the zone signed by kzonesign and served by NSD. */
async function beforeKnot(zone: string): Promise<Before> {
  const place = join(folder, 'knot');
  mkdirSync(join(place, 'out'), { recursive: true });
  writeFileSync(join(place, 'zone'), `$ORIGIN ${zone}.\n${TEXT}`);
  const policy = `policy:\n  - id: p\n    manual: on\n    nsec3: off\n`;
  const signing = `    dnssec-signing: on\n    dnssec-policy: p\n`;
  const zones = `zone:\n  - domain: ${zone}\n    storage: "${place}"\n    file: "${place}/zone"\n${signing}`;
  writeFileSync(join(place, 'knot.conf'), `database:\n  storage: "${place}"\n${policy}${zones}`);
  const keymgr = (...words: readonly string[]): Promise<string> => tool('keymgr', ['-c', join(place, 'knot.conf'), zone, ...words]);
  const ids = [
    (await keymgr('generate', 'algorithm=13', 'ksk=yes', 'zsk=no')).trim(),
    (await keymgr('generate', 'algorithm=13', 'ksk=no', 'zsk=yes')).trim(),
  ];
  await tool('kzonesign', ['-c', join(place, 'knot.conf'), '-o', join(place, 'out'), zone]);
  writeFileSync(join(place, 'dnskeys'), (await Promise.all(ids.map((id) => keymgr('dnskey', id)))).join(''));
  const text = readFileSync(join(place, 'out', readdirSync(join(place, 'out'))[0]!), 'utf8');
  const peer = await startPeer('nsd', [{ name: `${zone}.`, text }]);
  const ds = (await keymgr('ds')).split('\n').find((line) => / 13 2 /.test(line))!;
  return { peer, files: [...ids.map((id) => join(place, 'keys', 'keys', `${id}.pem`)), join(place, 'dnskeys')], ds };
}

/** PowerDNS signs while it answers, with keys of pdnsutil. */
async function beforePowerdns(zone: string): Promise<Before> {
  const place = join(folder, 'pdns');
  mkdirSync(place);
  const files: string[] = [];
  let ds = '';
  const peer = await startPowerdnsServer(async (util) => {
    await util(['load-zone', zone, 'FILE'], `$ORIGIN ${zone}.\n${TEXT}`);
    for (const role of ['ksk', 'zsk']) await util(['add-zone-key', zone, role, 'active', 'published', 'ecdsa256']);
    await util(['rectify-zone', zone]);
    const shown = await util(['show-zone', zone]);
    ds = /DS = (\S+ IN DS \d+ 13 2 [0-9a-fA-F]+)/.exec(shown)![1]!;
    for (const [, id = ''] of shown.matchAll(/ID = (\d+) \(/g)) {
      writeFileSync(join(place, `${id}.key`), await util(['export-zone-key', zone, id]));
      writeFileSync(join(place, `${id}.dnskey`), await util(['export-zone-dnskey', zone, id]));
      files.push(join(place, `${id}.key`), join(place, `${id}.dnskey`));
    }
  }, zone);
  return { peer, files, ds };
}

test.each([
  ['Knot', beforeKnot],
  ['PowerDNS', beforePowerdns],
])(
  'RFC 6781 §4.3.5: from %s and away again, with its keys: both servers validate with the one DS',
  async (name, before) => {
    const zone = `from-${name.toLowerCase()}.example`;
    const { peer, files, ds } = await before(zone);
    try {
      await putZones(server, [{ name: `${zone}.`, text: TEXT }], 'off');
      const out = await done('dnssec', 'key', 'import', zone, ...files, '--ignore-parent');
      expect(out).toMatch(/KSK \d+ \(algorithm 13\) signs from now on/);
      await allSecure(zone, [peer], [ds]);
    } finally {
      await peer.stop();
    }
    // Away: BIND signs with what is exported, under the same DS.
    const gone = join(folder, `${name}-gone`);
    mkdirSync(gone);
    await done('dnssec', 'key', 'export', zone, '--bind', gone, '--yes');
    const file = join(gone, 'zone');
    writeFileSync(file, `$ORIGIN ${zone}.\n${TEXT}`);
    await tool('dnssec-signzone', ['-Q', '-S', '-K', gone, '-o', zone, '-f', `${file}.signed`, file]);
    const after = await startPeer('nsd', [{ name: `${zone}.`, text: readFileSync(`${file}.signed`, 'utf8') }]);
    try {
      await allSecure(zone, [after], [ds]);
    } finally {
      await after.stop();
    }
  },
  120_000,
);

test('RFC 8901 §2.1.2: BIND and we sign one zone, each with its own keys, the DNSKEY records of both in both: every answer validates', async () => {
  const zone = 'both.example';
  await putZones(server, [{ name: `${zone}.`, text: TEXT }], 'on');
  const short = async (type: string, at: At = server) =>
    (await tool('dig', [`@${at.address}`, '-p', String(at.port), '+short', '+norecurse', zone, type])).trim().split('\n');
  const [own] = await short('DNSKEY');
  const theirs = await signedByBind(zone, `@ 300 DNSKEY ${own!}\n`);
  const dnskeys = join(folder, 'theirs.txt');
  writeFileSync(dnskeys, theirs.bases.map((base) => readFileSync(`${base}.key`, 'utf8')).join(''));
  await done('dnssec', 'foreign', zone, '--add', dnskeys, '--announce');
  expect([(await short('DNSKEY')).length, (await short('CDS')).length]).toEqual([3, 2]);
  peers.push(await startPeer('nsd', [{ name: `${zone}.`, text: theirs.text }]));
  const cds = await short('CDS');
  await allSecure(
    zone,
    peers.slice(-1),
    cds.map((each) => `${zone}. IN DS ${each}`),
  );
  // A key of ours is not used before they have it, and the zone does not leave DNSSEC.
  await done('dnssec', 'roll', zone, '--role', 'csk', '--yes');
  expect(await done('dnssec', 'status', zone)).toContain('the other signers of the zone');
  const [, rollover] = /^\s*(ksk-\d+)/m.exec(await done('dnssec', 'timeline', zone)) ?? [];
  await done('dnssec', 'cancel', zone, rollover ?? '', '--reason', 'they are not asked yet', '--yes');
  expect((await cli('dnssec', 'disable', zone, '--when-safe', '--yes')).err).toContain('DNSSEC_SHARED');
  // Each DNSKEY RRset is signed by its own server's KSK (§2.1.2): each server's DS leads to its answers, and since the keys in both RRsets are
  // the same, to the answers of the other for who has this RRset in its cache.
  const nsd = peers.at(-1)!;
  expect((await short('DNSKEY', nsd)).toSorted()).toEqual((await short('DNSKEY')).toSorted());
  const [tagOfOurs] = (await done('dnssec', 'key', 'list', zone)).match(/^\d+(?=.*\bactive\b)/m) ?? [];
  const isOurs = (ds: string) => ds.startsWith(`${tagOfOurs} `);
  expect(cds.filter(isOurs)).toHaveLength(1);
  for (const ds of cds) await allSecureFrom(zone, [isOurs(ds) ? server : nsd], [`${zone}. IN DS ${ds}`], [true]);

  const tags = [...(await done('dnssec', 'key', 'list', zone)).matchAll(/^(\d+)\s+(?:yes|no)\s/gm)].map(([, tag]) => tag!);
  expect(tags).toHaveLength(2);
  await done('dnssec', 'foreign', zone, '--remove', ...tags, '--yes');
  expect(await short('DNSKEY')).toEqual([own]);
  // BIND's provider has left: our DS and our servers are enough.
  const [ours] = await short('CDS');
  await allSecure(zone, [], [`${zone}. IN DS ${ours!}`], [true]);
  const { isValid, text } = await delv(server, `${zone}.`, [`${zone}. IN DS ${ours!}`], `h1.${zone}.`, 'A');
  expect([isValid, text]).toEqual([true, text]);
}, 120_000);
