/**
 * NSD, Knot and BIND by IXFR, PowerDNS by AXFR, follow a signed zone of ours by TSIG through random changes and
 * signatures that are made again: at each serial that a secondary is seen to have, its zone is ours, record by record;
 * at some of them ldns-verify-zone and dnssec-verify validate what the secondary has.
 * How many changes: WAXSEAL_TEST_CHANGES; `npm run test:follow` makes 2,000.
 */
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { nameOf, ownerKey } from '#dns/name.ts';
import { type Endpoint } from '../support/exchange.ts';
import { startPowerdnsServer } from '../support/powerdns-server.ts';
import { randomOperations } from '../support/random-operations.ts';
import { seededRandom } from '../support/random.ts';
import { startSecondary } from '../support/secondary-peers.ts';
import { MAIL_ZONE_TEXT, good } from '../support/temporary-control.ts';
import { runTool } from '../support/tools.ts';
import { type TransferServer, testKey, transferServer } from '../support/transfer-server.ts';

const CHANGES = Number(process.env['WAXSEAL_TEST_CHANGES'] ?? 30);
const ZONE = nameOf('a.test.');
const KEY = testKey('transfer.key.');
const SIGNED = ['-y', `${KEY.algorithm}:${KEY.name}:${KEY.secret}`];
const WAIT_MS = 30_000;
const LOOK_MS = 20;
const HOUR_MS = 3_600_000;
/** Rounds between two in which time passes and signatures are renewed; and between two whose zones are validated. */
const RENEW_EVERY = 3;
const VERIFY_EVERY = 15;

async function transferred(
  { address, port }: Pick<Endpoint, 'address' | 'port'>,
  how: readonly string[] = [],
): Promise<string[]> {
  const words = ['a.test', 'AXFR', '+onesoa', '+nocomments', '+nocmd', '+nostats', '+time=10'];
  const { stdout } = await runTool('dig', [`@${address}`, '-p', String(port), ...words, ...how]);
  return stdout.split('\n').filter((line) => /^[^;\s]/.test(line) && !/\sTSIG\s/.test(line));
}

/** In one spelling: NSD, Knot and PowerDNS keep names in lower case (RFC 4343 §3 lets them). */
function canonical(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.replaceAll(/\s+/g, ' ').toLowerCase()).toSorted();
}

async function serialAt({ address, port }: Pick<Endpoint, 'address' | 'port'>): Promise<number> {
  const words = [`@${address}`, '-p', String(port), 'a.test', 'SOA', '+short', '+time=2', '+tries=1'];
  return Number((await runTool('dig', words)).stdout.split(' ')[2]);
}

/** Announces the serial until the secondary has it. */
async function follow(peer: Endpoint, serial: number, announce: () => void): Promise<void> {
  for (let looks = 0; looks < WAIT_MS / LOOK_MS; looks++) {
    if (looks % 50 === 0) announce();
    if ((await serialAt(peer)) === serial) return;
    await delay(LOOK_MS);
  }
}

async function startAll(port: number): Promise<readonly Endpoint[]> {
  const of = { port, zones: ['a.test.'], key: KEY };
  const three = (['nsd', 'knot', 'bind'] as const).map((kind) => startSecondary(kind, of));
  const powerdns = startPowerdnsServer(async (util) => {
    await util(['import-tsig-key', KEY.name.replace(/\.$/, ''), KEY.algorithm, KEY.secret]);
    await util(['create-slave-zone', 'a.test', `127.0.0.1:${port}`]);
    await util(['activate-tsig-key', 'a.test', KEY.name.replace(/\.$/, ''), 'slave']);
  });
  const started = await Promise.all([
    ...three,
    powerdns.then((peer) => ({ ...peer, name: 'powerdns', address: '127.0.0.1' })),
  ]);
  onTestFinished(async () => void (await Promise.all(started.map((peer) => peer.stop()))));
  return started;
}

/** What the secondary has, validated at the time that it is for the signer. */
async function verify(server: TransferServer, name: string, lines: readonly string[], isNow: boolean): Promise<void> {
  const file = join(server.dir, `${name}.zone`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  const time = new Date(server.clock.nowMs()).toISOString().replaceAll(/[-:T]|\..*$/g, '');
  const ldns = await runTool('ldns-verify-zone', ['-t', time, file]);
  expect([name, ldns.code, ldns.stdout + ldns.stderr]).toEqual([
    name,
    0,
    expect.stringContaining('verified and complete'),
  ]);
  // dnssec-verify has the time of this machine.
  if (!isNow) return;
  const bind = await runTool('dnssec-verify', ['-z', '-o', 'a.test', file]);
  expect([name, bind.code, bind.stderr]).toEqual([name, 0, expect.any(String)]);
}

test('four servers follow random changes and new signatures', { timeout: 60_000 + CHANGES * 2_000 }, async () => {
  const server = await transferServer({ keys: [KEY] });
  server.clock.pass(Date.now() - server.clock.nowMs());
  const names = Array.from({ length: 60 }, (_, at) => `h${at} 300 A 192.0.2.1`).join('\n');
  await server.load('a.test.', `${MAIL_ZONE_TEXT}${names}\n`);
  server.follow();
  const peers = await startAll(server.at.port);
  const { control } = server;
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  // RFC 1996 §3.7. The notifier of ours has a test beside this one; all these listen at one address.
  const notify = Buffer.from([0, 7, 0x24, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...ZONE, 0, 6, 0, 1]);
  const random = seededRandom(2_000);
  const seen = new Set<string>();
  let [renewals, comparisons] = [0, 0];
  for (let made = 0, round = 1; made < CHANGES; round++) {
    for (let each = Math.floor(random() * 4); each >= 0; each--, made++)
      await server.run({ kind: 'rrsets.change', zone: ZONE, operations: randomOperations(random) });
    const isRenewal = round % RENEW_EVERY === 0;
    if (isRenewal) {
      server.clock.pass(4 * HOUR_MS);
      renewals += good(await control.refreshable.refreshSlice(ZONE, ownerKey(ZONE), 10_000)).renewed;
    }
    server.follow();
    const { serial } = control.zones.find(ZONE)!;
    comparisons += 1;
    const ours = canonical(await transferred({ address: server.at.ip, port: server.at.port }, SIGNED));
    await Promise.all(
      peers.map(async (peer) => {
        await follow(peer, serial, () => socket.send(notify, peer.port, peer.address));
        const theirs = await transferred(peer);
        expect([peer.name, serial, canonical(theirs)]).toEqual([peer.name, serial, ours]);
        seen.add(`${peer.name} ${serial}`);
        if (round % VERIFY_EVERY === 1) await verify(server, peer.name, theirs, round < RENEW_EVERY);
      }),
    );
  }
  expect(seen.size).toBeGreaterThanOrEqual((peers.length * CHANGES) / 6);
  if (CHANGES > 100) expect(renewals).toBeGreaterThan(50);
  const sent = server.log.filter((line) => line.startsWith('transfer.sent'));
  // Each of them begins with the whole zone; PowerDNS 4.7 takes signed zones whole each time, and the test compares.
  const whole = sent.filter((line) => !line.startsWith('transfer.sent IXFR')).length - 2 * comparisons;
  expect(whole).toBeLessThanOrEqual(peers.length * 2);
  expect(sent.filter((line) => line.startsWith('transfer.sent IXFR')).length).toBeGreaterThan(CHANGES / 4);
});
