/** PowerDNS as primary of waxseal, unsigned and signed live with NSEC and NSEC3, and as secondary of waxseal with TSIG. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { delv, dig } from '../support/dig.ts';
import { type Endpoint } from '../support/exchange.ts';
import { type PowerdnsServer, startPowerdnsServer } from '../support/powerdns-server.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';

const KEY = { name: 'k.example', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 6).toString('base64') };
const ZONES = ['plain.example', 'nsec.example', 'nsec3.example'] as const;
const textOf = (zone: string): string => `$ORIGIN ${zone}.
$TTL 60
@ SOA ns host 1 2 2 3600 60
@ NS ns
ns A 192.0.2.1
a.b.c A 192.0.2.2
*.w TXT "x"
sub NS ns.sub
ns.sub A 192.0.2.3
`;

let server: RunningServer;
let powerdns: PowerdnsServer;

beforeAll(async () => {
  server = await startServer();
  powerdns = await startPowerdnsServer(async (util) => {
    for (const zone of ZONES) await util(['load-zone', zone, 'FILE'], textOf(zone));
    for (const zone of ZONES.slice(1)) await util(['secure-zone', zone]);
    await util(['set-nsec3', 'nsec3.example', '1 0 0 -']);
    for (const zone of ZONES) await util(['rectify-zone', zone]);
    await util(['import-tsig-key', KEY.name, KEY.algorithm, KEY.secret]);
    await util(['create-slave-zone', 'ours.example', `127.0.0.1:${server.port}`]);
    await util(['activate-tsig-key', 'ours.example', KEY.name, 'slave']);
  }, 'plain.example');
}, 60_000);

afterAll(async () => {
  await Promise.all([server.stop(), powerdns.stop()]);
}, 60_000);

async function contentOf(at: Endpoint, zone: string): Promise<readonly string[]> {
  const lines = (await dig(at, [zone, 'AXFR'])).text.split('\n').filter((line) => /^[^;\s]/.test(line));
  return [...new Set(lines.map((line) => line.replaceAll(/\s+/g, ' ').toLowerCase()))].toSorted();
}

const post = async (path: string, body: object) => (await server.api('POST', path, JSON.stringify(body))).status;
const answers = async (at: Endpoint, zone: string) => (await dig(at, [zone, 'SOA'])).answer.length > 0;

test.each(ZONES)('as primary: %s is served as it comes, and delv validates what is not there', async (zone) => {
  expect(await post('/v1/zones', { name: zone, primaries: [{ address: '127.0.0.1', port: powerdns.port }] })).toBe(201);
  expect((await server.api('PUT', `/v1/zones/${zone}/secondaries/127.0.0.1`, '{}')).status).toBe(200);
  expect(await server.eventually(() => answers(server, zone))).toBe(true);
  const [ours, theirs] = [await contentOf(server, zone), await contentOf(powerdns, zone)];
  expect(theirs.length).toBeGreaterThan(6);
  expect(ours).toEqual(theirs);
  if (zone === 'plain.example') return;
  const ds = (await powerdns.util(['show-zone', zone])).match(/DS = (.* 13 2 [0-9a-f]{64})/)![1]!;
  const questions = ['ns A', 'ns AAAA', 'no A', 'q.w TXT', 'c A', 'sub DS'];
  const judged = await Promise.all(
    questions.map(async (each) => {
      const [name = '', type = ''] = each.split(' ');
      return `${each} ${String((await delv(server, `${zone}.`, [ds], `${name}.${zone}.`, type)).isValid)}`;
    }),
  );
  expect(judged.filter((each) => !each.endsWith('true'))).toEqual([]);
});

test('as secondary: a signed zone comes by TSIG, and each change is followed', async () => {
  expect(await post('/v1/tsig', { ...KEY, zones: ['ours.example'] })).toBe(201);
  expect(await post('/v1/zones', { name: 'ours.example' })).toBe(201);
  const secondary = JSON.stringify({ port: powerdns.port, key: KEY.name });
  expect((await server.api('PUT', '/v1/zones/ours.example/secondaries/127.0.0.1', secondary)).status).toBe(200);
  expect(await server.eventually(() => answers(powerdns, 'ours.example'), 15_000)).toBe(true);
  const rrset = JSON.stringify({ ttl: 60, records: ['"new"'] });
  expect((await server.api('PUT', '/v1/zones/ours.example/rrsets/www.ours.example/TXT', rrset)).status).toBeLessThan(300);
  const isThere = async () => (await dig(powerdns, ['www.ours.example', 'TXT'])).answer.length > 0;
  expect(await server.eventually(isThere, 15_000)).toBe(true);
  const key = `${KEY.algorithm}:${KEY.name}:${KEY.secret}`;
  const ours = (await dig(server, ['-y', key, 'ours.example', 'AXFR'])).text.split('\n');
  const records = ours.filter((line) => /^[^;\s]/.test(line) && !/\sTSIG\s/.test(line));
  const spelled = [...new Set(records.map((line) => line.replaceAll(/\s+/g, ' ').toLowerCase()))].toSorted();
  expect(await contentOf(powerdns, 'ours.example')).toEqual(spelled);
});
