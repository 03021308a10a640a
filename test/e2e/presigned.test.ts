/**
 * Zones that BIND, ldns and Knot have signed are served here as they are: delv validates them, ldns-verify-zone finds what is exported good, and
 * every answer has the records and signatures that NSD gives for the same file.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DigAnswer, delv, dig, ldnsVerifyZone } from '../support/dig.ts';
import { type Endpoint } from '../support/exchange.ts';
import { type Peer, startPeer } from '../support/peers.ts';
import { type RunningServer, runWaxseal, startServer } from '../support/running-server.ts';
import { runTool } from '../support/tools.ts';
import { exportZone } from '../support/waxseal.ts';

const ZONE = 'pre.example';
const TEXT = `$ORIGIN ${ZONE}.
$TTL 300
@ SOA ns host 1 3600 600 86400 300
@ NS ns
@ MX 10 ns
ns A 192.0.2.1
*.w TXT "x"
a.b.c A 192.0.2.2
al CNAME ns
sub NS ns.sub
ns.sub A 192.0.2.3
sec NS ns.sub
sec DS 12345 13 2 1FFDB0E5C36F733D4E29BA726FEBF6EE898818EA10CBBFF8DB73D018FB318181
`;
const QUESTIONS: readonly (readonly [string, string])[] = [
  ...['SOA', 'MX', 'DNSKEY', 'TXT'].map((type) => [ZONE, type] as const),
  ...['ns A', 'ns AAAA', 'q.w TXT', 'q.w A', 'c A', 'al A', 'no A', 'no.a.b.c A', 'x.sub A', 'sub DS', 'sec DS', 'x.sec A'].map((each) => {
    const [name = '', type = ''] = each.split(' ');
    return [`${name}.${ZONE}`, type] as const;
  }),
];

const PROVED = [`no.${ZONE}. A`, `q.w.${ZONE}. TXT`, `sub.${ZONE}. DS`];

let server: RunningServer;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waxseal-presigned-'));
  server = await startServer();
}, 120_000);

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function tool(program: string, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTool(program, words, { cwd: folder });
  expect([program, code, code === 0 ? '' : `${stdout}${stderr}`]).toEqual([program, 0, '']);
  return stdout;
}

type Signer = 'bind' | 'ldns' | 'knot';

/** Files with the zone signed by each signer, under keys that dnssec-keygen made. */
async function signedBy(signer: Signer, isHashed: boolean): Promise<{ readonly text: string; readonly ds: string }> {
  const zone = join(folder, `${signer}.zone`);
  writeFileSync(zone, TEXT);
  if (signer === 'knot') {
    const config = `database:\n  storage: "${folder}"\npolicy:\n  - id: p\n    manual: on\n    single-type-signing: on\n    nsec3: ${isHashed ? 'on' : 'off'}\nzone:\n  - domain: ${ZONE}\n    storage: "${folder}"\n    file: "${zone}"\n    dnssec-signing: on\n    dnssec-policy: p\n`;
    writeFileSync(join(folder, 'knot.conf'), config);
    await tool('keymgr', ['-c', join(folder, 'knot.conf'), ZONE, 'generate', 'algorithm=13', 'ksk=yes', 'zsk=yes']);
    const out = join(folder, 'out');
    await tool('kzonesign', ['-c', join(folder, 'knot.conf'), '-o', out, ZONE]);
    const ds = await tool('keymgr', ['-c', join(folder, 'knot.conf'), ZONE, 'ds']);
    return { text: readFileSync(join(out, readdirSync(out)[0]!), 'utf8'), ds: ds.split('\n').find((line) => / 13 2 /.test(line))! };
  }
  const keys = join(folder, signer);
  await tool('mkdir', ['-p', keys]);
  const ksk = (await tool('dnssec-keygen', ['-q', '-a', '13', '-f', 'KSK', '-K', keys, ZONE])).trim();
  const zsk = (await tool('dnssec-keygen', ['-q', '-a', '13', '-K', keys, ZONE])).trim();
  const ds = (await tool('dnssec-dsfromkey', ['-2', join(keys, ksk)])).trim();
  if (signer === 'bind')
    await tool('dnssec-signzone', [
      '-Q',
      '-S',
      ...(isHashed ? ['-3', 'ab01', '-H', '5', '-A'] : []),
      '-K',
      keys,
      '-o',
      ZONE,
      '-f',
      `${zone}.signed`,
      zone,
    ]);
  else await tool('ldns-signzone', ['-f', `${zone}.signed`, zone, join(keys, ksk), join(keys, zsk)]);
  return { text: readFileSync(`${zone}.signed`, 'utf8'), ds };
}

/** What counts of an answer: NSD and we order records as we like, and NSD adds none beside. */
function content({ status, answer, authority }: DigAnswer) {
  const canonical = (lines: readonly string[]) => lines.map((line) => line.toLowerCase()).toSorted();
  return { status, answer: canonical(answer), authority: canonical(authority) };
}

const ask = async (at: Endpoint, [name, type]: readonly [string, string]) =>
  content(await dig(at, [name, type, '+dnssec', '+bufsize=4096']));

test.each<readonly [Signer, string]>([
  ['bind', 'NSEC'],
  ['ldns', 'NSEC'],
  ['knot', 'NSEC'],
  // RFC 5155 §6 opt-out, a salt and iterations.
  ['bind', 'NSEC3'],
  ['knot', 'NSEC3'],
])('a zone that %s has signed with %s', async (signer, denial) => {
  const { text, ds } = await signedBy(signer, denial === 'NSEC3');
  const file = join(folder, `${signer}.import`);
  writeFileSync(file, text);
  const at = ['--server', `unix:${server.directory}/admin.sock`];
  const imported = await runWaxseal(['zone', 'import', ZONE, file, '--presigned', ...at]);
  expect([imported.exit, imported.err.replaceAll(/waxseal: warning: .*\n/g, '')]).toEqual([0, '']);
  let nsd: Peer | undefined;
  try {
    nsd = await startPeer('nsd', [{ name: `${ZONE}.`, text }]);
    const peer = nsd;
    const pairs = await Promise.all(
      QUESTIONS.map(async (question) => [question, await ask(server, question), await ask(peer, question)] as const),
    );
    expect(pairs.map(([question, ours]) => [question, ours])).toEqual(pairs.map(([question, , theirs]) => [question, theirs]));
  } finally {
    await nsd?.stop();
  }
  // RFC 5155 §9.2: what a record with opt-out covers is not proved to be absent, and delv calls it insecure.
  const isOptOut = denial === 'NSEC3' && signer === 'bind';
  const chased = await Promise.all(
    [`ns.${ZONE}. A`, `ns.${ZONE}. AAAA`, ...(isOptOut ? [] : PROVED)].map(async (each) => {
      const [name, type] = each.split(' ');
      return `${each} ${String((await delv(server, `${ZONE}.`, [ds], name!, type!)).isValid)}`;
    }),
  );
  expect(chased.filter((each) => !each.endsWith('true'))).toEqual([]);
  const verified = await ldnsVerifyZone(await exportZone(server, `${ZONE}.`, true));
  expect([verified.code, verified.stderr]).toEqual([0, '']);
  expect((await server.api('DELETE', `/v1/zones/${ZONE}`)).status).toBe(200);
});
