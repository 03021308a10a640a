/**
 * NSD, Knot and BIND by IXFR, PowerDNS by AXFR, follow a signed zone of ours by TSIG through random changes and
 * signatures that are made again; so do NSD and BIND over TLS (RFC 9103), which Knot and PowerDNS of Debian 12 do not
 * speak for transfers. At each serial that a secondary is seen to have, its zone is ours, record by record; at some of
 * them ldns-verify-zone and dnssec-verify validate what the secondary has.
 * How many changes: WAXSEAL_TEST_CHANGES; `npm run test:follow` makes 2,000, both ways.
 */
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { udpQuery } from '../support/dns-client.ts';
import { type Endpoint } from '../support/exchange.ts';
import { startPowerdnsServer } from '../support/powerdns-server.ts';
import { randomOperations } from '../support/random-operations.ts';
import { seededRandom } from '../support/random.ts';
import { startSecondary } from '../support/secondary-peers.ts';
import { MAIL_ZONE_TEXT, good } from '../support/temporary-control.ts';
import { type ThrowawayCa, throwawayCa } from '../support/throwaway-ca.ts';
import { runTool } from '../support/tools.ts';
import { type TransferServer, testKey, transferServer } from '../support/transfer-server.ts';
import { buildQuery, parseMessage } from '../support/wire.ts';

const CHANGES = Number(process.env['WAXSEAL_TEST_CHANGES'] ?? 30);
const ZONE = nameOf('a.test.');
const HOST = 'ns1.a.test';
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

/** Not by dig: this is asked for thousands of times. */
async function serialAt({ address, port }: Pick<Endpoint, 'address' | 'port'>): Promise<number> {
  const query = buildQuery({ name: 'a.test.', type: 'SOA' });
  const reply = await udpQuery(ipPort(address, port), query, 2_000);
  const soa = reply && parseMessage(reply).answer.find(({ type }) => type === 'SOA');
  // SERIAL is before the last four numbers (RFC 1035 §3.3.13).
  return soa === undefined ? -1 : Number.parseInt(soa.rdata.slice(-40, -32), 16);
}

/** Announces the serial until the secondary has it. */
async function follow(peer: Endpoint, serial: number, announce: () => void): Promise<void> {
  for (let looks = 0; looks < WAIT_MS / LOOK_MS; looks++) {
    if (looks % 50 === 0) announce();
    if ((await serialAt(peer)) === serial) return;
    await delay(LOOK_MS);
  }
}

async function startPowerdns(port: number) {
  const peer = await startPowerdnsServer(async (util) => {
    await util(['import-tsig-key', KEY.name.replace(/\.$/, ''), KEY.algorithm, KEY.secret]);
    await util(['create-slave-zone', 'a.test', `127.0.0.1:${port}`]);
    await util(['activate-tsig-key', 'a.test', KEY.name.replace(/\.$/, ''), 'slave']);
  });
  return { ...peer, name: 'powerdns' };
}

/** Over TLS if there is a CA, whose root is the only one that they trust. */
async function startAll({ at, tlsAt }: TransferServer, ca: ThrowawayCa | undefined): Promise<readonly Endpoint[]> {
  const tls = ca && { port: tlsAt!.port, host: HOST, caFile: join(ca.folder, 'ca.pem') };
  const of = { port: at.port, zones: ['a.test.'], key: KEY, ...(tls && { tls }) };
  const kinds = tls === undefined ? (['nsd', 'knot', 'bind'] as const) : (['nsd', 'bind'] as const);
  const powerdns = tls === undefined ? [startPowerdns(at.port)] : [];
  const started = await Promise.all([...kinds.map((kind) => startSecondary(kind, of)), ...powerdns]);
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

const WAYS = [
  ['four servers', 'TCP'],
  ['NSD and BIND', 'TLS'],
] as const;
const TIMES = { timeout: 60_000 + CHANGES * 2_000 };

test.each(WAYS)('%s follow random changes and new signatures over %s', TIMES, async (_who, transport) => {
  const ca = transport === 'TLS' ? throwawayCa() : undefined;
  onTestFinished(() => ca?.remove());
  const server = await transferServer({ keys: [KEY], ...(ca && { tls: ca.leaf([HOST]) }) });
  server.clock.pass(Date.now() - server.clock.nowMs());
  const names = Array.from({ length: 60 }, (_, at) => `h${at} 300 A 192.0.2.1`).join('\n');
  await server.load('a.test.', `${MAIL_ZONE_TEXT}${names}\n`);
  server.follow();
  const peers = await startAll(server, ca);
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
  expect(server.tlsHandshakes() > 0).toBe(ca !== undefined);
  expect(seen.size).toBeGreaterThanOrEqual((peers.length * CHANGES) / 6);
  if (CHANGES > 100) expect(renewals).toBeGreaterThan(50);
  const sent = server.log.filter((line) => line.startsWith('transfer.sent'));
  // Each of them begins with the whole zone; PowerDNS 4.7 takes signed zones whole each time, and the test compares.
  const wholeEachTime = peers.some(({ name }) => name === 'powerdns') ? 2 : 1;
  const whole = sent.filter((line) => !line.startsWith('transfer.sent IXFR')).length - wholeEachTime * comparisons;
  expect(whole).toBeLessThanOrEqual(peers.length * 2);
  expect(sent.filter((line) => line.startsWith('transfer.sent IXFR')).length).toBeGreaterThan(CHANGES / 4);
});
