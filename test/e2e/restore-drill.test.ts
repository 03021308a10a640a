/**
 * The drill: a server with changes, a rollover, mail and a secondary loses its disk. What was backed up is restored elsewhere; Knot follows
 * with a newer serial, nothing is bogus for a moment, and no step of mail or keys is taken before an operator has looked.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { delv, dig } from '../support/dig.ts';
import { type Endpoint } from '../support/exchange.ts';
import { type Peer } from '../support/peers.ts';
import { RunningServer, runWaxseal, startServer } from '../support/running-server.ts';
import { startSecondary } from '../support/secondary-peers.ts';
import { type ValidatingResolver, validatingResolver } from '../support/validating-resolver.ts';
import { putZones } from '../support/waxseal.ts';

const ZONE = 'drill.example.';
const TEXT = `$ORIGIN ${ZONE}
@ 60 SOA ns host 1 3600 600 86400 60
@ 60 NS ns
@ 60 MX 10 mx
ns 60 A 192.0.2.1
mx 60 A 192.0.2.25
`;

const QUESTIONS = [
  [ZONE, 'SOA'],
  [`ns.${ZONE}`, 'A'],
  [`none.${ZONE}`, 'A'],
  [ZONE, 'DNSKEY'],
] as const;

let server: RunningServer;
let elsewhere: RunningServer | undefined;
let peer: Peer | undefined;
let resolver: ValidatingResolver | undefined;
let vault = '';

beforeAll(async () => {
  vault = mkdtempSync(join(tmpdir(), 'waxseal-vault-'));
  server = await startServer();
  await putZones(server, [{ name: ZONE, text: TEXT }], 'on');
}, 120_000);
afterAll(async () => {
  await Promise.all([peer?.stop(), resolver?.stop(), elsewhere?.stop()]);
  await server.stop();
  rmSync(vault, { recursive: true, force: true });
}, 60_000);

const serialAt = async (at: Endpoint): Promise<number> => Number((await dig(at, [ZONE, 'SOA'])).answer[0]?.split(/\s+/)[6] ?? -1);

async function done(of: RunningServer, ...words: readonly string[]): Promise<string> {
  const { exit, out, err } = await of.cli(...words);
  if (exit !== 0) throw new Error(`${words.join(' ')}: ${exit} ${err}`);
  return out;
}

async function change(of: RunningServer, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const body = JSON.stringify({ ttl: 60, records: [`192.0.2.${at + 1}`] });
    expect((await of.api('PUT', `/v1/zones/${ZONE}/rrsets/n${at}/A?wait=served`, body)).ok).toBe(true);
  }
}

/** Steps in the lives of mail and keys, since the store was made. */
async function stepsOf(of: RunningServer): Promise<number> {
  const events = await (await of.api('GET', '/v1/events?after=0&follow=0')).text();
  return events.match(/"event":"(?:step|started|finished)"/g)?.length ?? 0;
}

test('backup while changes go on, disk lost, restored elsewhere', { timeout: 240_000 }, async () => {
  const key = (await done(server, 'tsig', 'generate', 'k.example', '--zone', ZONE)).trim();
  const [algorithm = '', name = '', secret = ''] = key.split(':');
  peer = await startSecondary('knot', { port: server.port, zones: [ZONE], key: { name, algorithm, secret } });
  await done(server, 'secondary', 'add', ZONE, peer.address, '--port', String(peer.port), '--tsig', 'k.example', '--yes');
  const applyMail = (signers: readonly string[]) => server.api('PUT', `/v1/zones/${ZONE}/mail`, JSON.stringify({ dkim: { signers } }));
  expect((await applyMail(['mx'])).ok).toBe(true);
  await done(server, 'dnssec', 'policy', ZONE, '--keys', 'ksk+zsk', '--yes');
  const [anchor = ''] = (await dig(server, [ZONE, 'DNSKEY'])).answer.filter((line) => /DNSKEY\s+257/.test(line));

  // Probes and changes do not wait for it.
  const made = server.cli('backup', 'create', '--to', vault);
  await change(server, 3);
  expect((await fetch(`http://127.0.0.1:${server.adminPort}/livez`)).ok).toBe(true);
  expect((await made).err).toBe('');
  copyFileSync(server.kekFile, join(vault, 'kek'));
  const backup = join(
    vault,
    readdirSync(vault).find((each) => each.startsWith('waxseal-'))!,
  );

  // After it: what the backup does not know, and the secondary does.
  await change(server, 6);
  expect((await applyMail(['mx', 'mx2'])).ok).toBe(true);
  const last = await serialAt(server);
  expect(await server.eventually(async () => (await serialAt(peer!)) === last, 30_000)).toBe(true);
  await server.killAll();
  rmSync(server.directory, { recursive: true });
  rmSync(join(server.folder, 'keys'), { recursive: true });

  const folder = mkdtempSync(join(tmpdir(), 'waxseal-self-'));
  mkdirSync(join(folder, 'keys'), { mode: 0o700 });
  const ports = { dns: server.port, admin: server.adminPort, https: server.httpsPort };
  elsewhere = new RunningServer(folder, ports, {});
  const restore = (...words: readonly string[]) =>
    runWaxseal(['backup', 'restore', backup, '--data', elsewhere!.directory, '--yes', ...words], {
      environment: { WAXSEAL_KEYS__KEK_FILE: elsewhere!.kekFile },
    });
  // Without the key nothing is touched.
  expect(await restore()).toMatchObject({ exit: 78, err: expect.stringContaining('KEK_FILE') });
  expect(readdirSync(folder)).toEqual(['keys']);
  copyFileSync(join(vault, 'kek'), elsewhere.kekFile);
  expect((await restore('--dry-run')).exit).toBe(0);
  expect(readdirSync(elsewhere.directory)).toEqual(['server.lock']);
  const restored = await restore('--ask-secondaries');
  expect(restored).toMatchObject({ exit: 0, err: '' });
  expect(await restore()).toMatchObject({ exit: 4, err: expect.stringContaining('BACKUP_TARGET') });

  await elsewhere.start();
  const serial = await serialAt(elsewhere);
  expect(serial).toBeGreaterThan(last);
  expect(await elsewhere.eventually(async () => (await serialAt(peer!)) === serial, 60_000)).toBe(true);
  resolver = await validatingResolver(ZONE, [peer, elsewhere], [anchor], true);
  for (const at of [elsewhere, peer])
    for (const [owner, type] of QUESTIONS)
      expect([at.port, owner, (await delv(at, ZONE, [anchor], owner, type)).isValid]).toEqual([at.port, owner, true]);
  expect(await resolver.ask(`mx.${ZONE}`, 'A')).toBe('secure');

  // Held, and nothing of mail or keys moves, though the mail of the backup was due at once.
  const status = await done(elsewhere, 'mail', 'status', ZONE);
  expect(status).toContain('restored from the backup of');
  expect(await done(elsewhere, 'dnssec', 'status', ZONE)).toContain('restored from the backup of');
  const review = await elsewhere.cli('backup', 'review');
  expect([review.exit, review.out]).toEqual([expect.any(Number), expect.stringContaining('rollovers and mail are held')]);
  const before = await stepsOf(elsewhere);
  expect(before).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(await stepsOf(elsewhere)).toBe(before);
  expect(await done(elsewhere, 'backup', 'resume', '--yes')).toContain('mail of 1 zones, move again');
  expect(await done(elsewhere, 'mail', 'status', ZONE)).not.toContain('restored from');
  // What is due is looked for once a minute at least.
  expect(await elsewhere.eventually(async () => (await stepsOf(elsewhere!)) > before, 90_000)).toBe(true);
  expect(await done(elsewhere, 'audit', 'verify')).toContain('all in order');
  await change(elsewhere, 1);
  const next = await serialAt(elsewhere);
  expect(await elsewhere.eventually(async () => (await serialAt(peer!)) >= next, 30_000)).toBe(true);
});
