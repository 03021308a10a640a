/**
 * The same random updates to waxseal, BIND and Knot: the same rcode each time, and the same zone afterwards. Knot does
 * not take over the TTL of a record that is there (RFC 2136 §3.4.2.2 does): with Knot, TTLs and the serials that follow
 * from them are not compared. Not asked here, because more is checked than RFC 2136 says: NS whose hosts are in the zone
 * and have no address, by BIND and waxseal; MX with such hosts, by BIND alone.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { type Endpoint } from '../support/exchange.ts';
import { type Peer } from '../support/peers.ts';
import { randomUpdate } from '../support/random-updates.ts';
import { seedOfRun, seededRandom } from '../support/random.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { runTool } from '../support/tools.ts';
import { sendUpdate } from '../support/update-client.ts';
import { startUpdatePeer } from '../support/update-peers.ts';
import { putZones } from '../support/waxseal.ts';

const ZONE = 'diff.test.';
const TEXT = `$ORIGIN ${ZONE}
$TTL 300
@ SOA ns1 host 1 3600 600 86400 300
@ NS ns.outside.test.
@ NS ns2.outside.test.
ns1 A 192.0.2.1
ns2 A 192.0.2.2
a A 192.0.2.3
b CNAME a
`;
const MESSAGES = 250;
/** Zones are compared after so many messages: each look is three programs. */
const LOOK_EVERY = 12;
const SEED = seedOfRun('UPDATE_SEED', 20261129);

let server: RunningServer;
let peers: Peer[] = [];
let key: { name: string; secret: string };
let transferKey: string;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
  await putZones(server, [{ name: ZONE, text: TEXT }], 'off');
  const made = await server.cli('tsig', 'generate', 'k.diff.test', '--zone', ZONE, '--for', 'update');
  transferKey = (await server.cli('tsig', 'generate', 't.diff.test', '--zone', ZONE)).out.trim();
  const [, name = '', secret = ''] = made.out.trim().split(':');
  key = { name, secret };
  const zone = { name: ZONE, text: TEXT };
  peers = await Promise.all([startUpdatePeer('bind', zone, key), startUpdatePeer('knot', zone, key)]);
}, 120_000);
afterAll(() => Promise.all([server.stop(), ...peers.map((peer) => peer.stop())]));

/** Records of the zone, sorted, with the SOA and its serial. */
async function content(endpoint: Endpoint): Promise<string[]> {
  const signed = endpoint === server ? ['-y', transferKey] : [];
  const words = ['@127.0.0.1', '-p', String(endpoint.port), ...signed, ZONE, 'AXFR', '+noall', '+answer', '+onesoa'];
  const { stdout } = await runTool('dig', words);
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';') && !line.includes('TSIG'));
  // Compression makes the case of names in data a matter of what stands before.
  return lines.map((line) => line.toLowerCase().replaceAll(/\s+/g, ' ')).toSorted();
}

function withoutTtls(lines: readonly string[]): string[] {
  const records = lines.filter((line) => !line.includes(' soa '));
  return records.map((line) => line.replace(/^(\S+) \d+/, '$1')).toSorted();
}

test(`RFC 2136: ${MESSAGES} random messages, seed ${SEED}`, { timeout: 120_000 }, async () => {
  const random = seededRandom(SEED);
  const seen = new Map<number, number>();
  const differences: string[] = [];
  for (let each = 0; each < MESSAGES && differences.length < 1; each++) {
    const lines = randomUpdate(random);
    const send = async ({ port }: Endpoint) => (await sendUpdate(ipPort('127.0.0.1', port), ZONE, lines, key))?.rcode;
    const [ours, bind, knot] = await Promise.all([server, ...peers].map(send));
    seen.set(ours ?? -1, (seen.get(ours ?? -1) ?? 0) + 1);
    const isLook = each % LOOK_EVERY === LOOK_EVERY - 1 || each === MESSAGES - 1;
    const [own, ofBind, ofKnot] = isLook ? await Promise.all([server, ...peers].map(content)) : [[], [], []];
    const text = `message ${each}:\n${lines}\nrcodes ${ours} ${bind} ${knot}`;
    const same = (one: readonly string[], other: readonly string[]) => JSON.stringify(one) === JSON.stringify(other);
    if (ours !== bind || ours !== knot) differences.push(text);
    else if (!same(own!, ofBind!)) differences.push([text, ...own!, '--- bind', ...ofBind!].join('\n'));
    else if (!same(withoutTtls(own!), withoutTtls(ofKnot!))) differences.push([text, ...own!, '--- knot', ...ofKnot!].join('\n'));
  }
  expect(differences.join('\n\n')).toBe('');
  expect([...seen.keys()].toSorted((a, b) => a - b)).toEqual([0, 3, 6, 7, 8, 10]);
});
