/**
 * A large zone as one answer: of one version, while the zone and others are changed and other requests are answered; a token has its
 * share of such answers, and who leaves gives it back.
 */
import { connect } from 'node:net';
import { type Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { wholeZone } from '#admin/export/whole-zone.ts';
import { ipPort } from '#base/address.ts';
import { EXPORTS_PER_TOKEN_MAX, EXPORT_AT_ONCE_NODES_MAX } from '#base/limits/admin.ts';
import { nameOf } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { eventually } from '../../support/dns-client.ts';
import { TEST_ACTOR, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('large.example.');
const HOSTS = EXPORT_AT_ONCE_NODES_MAX + 2000;
const TEXT = `@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n$GENERATE 1-${HOSTS} h$ 3600 TXT "${'x'.repeat(60)}"\n`;

async function served() {
  const room = temporaryControl();
  await room.load('large.example.', TEXT, { dnssec: false });
  await room.load('small.example.', '@ 60 SOA ns1 host 10 7200 900 1209600 900\n@ 60 NS ns1\nns1 60 A 192.0.2.1\n', { dnssec: false });
  const app = await buildAdmin({ control: room.control });
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: undefined });
  onTestFinished(() => listeners.close(0));
  const token = async () => good(await room.control.tokens.create({ name: 'x', scopes: ['zone:large.example.'] }, TEST_ACTOR)).secret;
  const base = `http://127.0.0.1:${listeners.address.split(':')[1]}`;
  return { room, app, token, base, port: Number(listeners.address.split(':')[1]) };
}

const zoneOf = ({ room }: Awaited<ReturnType<typeof served>>) => room.writer.zoneByName(ZONE)!;
const all = async (stream: Readable) => Buffer.concat((await stream.toArray()) as Buffer[]).toString();
const set = (name: string) =>
  ({
    kind: 'rrsets.change',
    zone: ZONE,
    operations: [{ op: 'set', name, type: 'A', ttl: 60, records: ['192.0.2.9'] }],
  }) as const;

describe('the body of a large zone', () => {
  const texts = (view: Parameters<Parameters<typeof wholeZone>[2]>[0]) => formatZoneFile(view.ascend(view.apexKey), { signed: false });

  test('is of the version that it began with: changes meanwhile are not in it, and are carried out meanwhile', async () => {
    const made = await served();
    const { room } = made;
    const { control } = room;
    const before = await all(wholeZone(control, zoneOf(made), texts) as Readable);
    expect(before.split('\n')).toHaveLength(HOSTS + 3 + 1);
    const stream = wholeZone(control, zoneOf(made), texts) as Readable;
    const parts = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const got = [(await parts.next()).value as Buffer];
    good(await room.run(set('zzz')));
    good(await room.run({ ...set('h9'), operations: [{ op: 'delete', name: 'h9', type: 'TXT' }] }));
    for (let next = await parts.next(); next.done !== true; next = await parts.next()) got.push(next.value);
    expect(got.length).toBeGreaterThan(10);
    expect(Buffer.concat(got).toString()).toBe(before);
    const after = await all(wholeZone(control, zoneOf(made), texts) as Readable);
    expect([after.includes('zzz.large'), after.includes('h9.large')]).toEqual([true, false]);
  });

  test('comes in parts between which other requests have their turns, and not before the client takes them', async () => {
    const made = await served();
    let read = 0;
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    onTestFinished(() => clearInterval(counting));
    const stream = wholeZone(made.room.control, zoneOf(made), function* (view) {
      for (const text of texts(view)) {
        read++;
        yield text;
      }
    }) as Readable;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(read).toBe(0);
    stream.read(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(read).toBeLessThan(HOSTS / 2);
    turns = 0;
    await all(stream);
    expect(read).toBe(HOSTS + 3);
    expect(turns).toBeGreaterThan(3);
  });

  test('that is never read, or left half-way, holds nothing of the store afterwards', async () => {
    const made = await served();
    const { room } = made;
    const { control, writer } = room;
    const oldest = () => Math.min(...writer.snapshots().map(({ transaction }) => transaction));
    const [never, half] = [wholeZone(control, zoneOf(made), texts) as Readable, wholeZone(control, zoneOf(made), texts) as Readable];
    const held = oldest();
    await half[Symbol.asyncIterator]().next();
    good(await room.run(set('zzz')));
    expect(oldest()).toBe(held);
    never.destroy();
    half.destroy();
    good(await room.run(set('zzzz')));
    expect(await eventually(() => oldest() > held)).toBe(true);
  });

  test('that is under way when the store is closed does not keep it from closing', async () => {
    const made = await served();
    const stream = wholeZone(made.room.control, zoneOf(made), texts) as Readable;
    await stream[Symbol.asyncIterator]().next();
    await made.room.control.close();
    await made.room.writer.close();
    stream.destroy();
    expect(await eventually(() => stream.closed)).toBe(true);
  });
});

describe.each([
  ['/v1', '/v1/zones/large.example/zonefile'],
  ['PowerDNS zone', '/api/v1/servers/localhost/zones/large.example.'],
  ['PowerDNS export', '/api/v1/servers/localhost/zones/large.example./export'],
])('%s', (_, url) => {
  test('a token has its share: one more is rejected with the reason, other tokens and other requests are not; who leaves gives it back', async () => {
    const { base, token, port } = await served();
    const [greedy, modest] = [await token(), await token()];
    const headersOf = (secret: string) => ({ authorization: `Bearer ${secret}`, 'x-api-key': secret });
    const ask = (secret: string) => fetch(`${base}${url}`, { headers: headersOf(secret) });
    // These never read.
    const never = Array.from({ length: EXPORTS_PER_TOKEN_MAX }, () => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(`GET ${url} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${greedy}\r\nX-API-Key: ${greedy}\r\n\r\n`),
      );
      socket.pause();
      return socket;
    });
    onTestFinished(() => never.forEach((socket) => socket.destroy()));
    expect(await eventually(async () => (await ask(greedy)).status === 503, 10_000)).toBe(true);
    const refused = await ask(greedy);
    expect(await refused.text()).toContain(`${EXPORTS_PER_TOKEN_MAX} exports of large zones`);
    const other = await ask(modest);
    expect([other.status, (await other.text()).match(/h\d+\.large\.example\./g)?.length]).toEqual([200, HOSTS]);
    expect((await fetch(`${base}/v1/zones/large.example`, { headers: headersOf(greedy) })).status).toBe(200);
    for (const socket of never) socket.destroy();
    expect(await eventually(async () => (await ask(greedy)).status === 200, 10_000)).toBe(true);
  });
});

test('who has the zone already gets 304, and HEAD its headers, also while there is no place for an export; neither takes one', async () => {
  const { base, token, room } = await served();
  const url = `${base}/v1/zones/large.example/zonefile`;
  const secret = await token();
  const ask = (method: string, more: Readonly<Record<string, string>> = {}) =>
    fetch(url, { method, headers: { authorization: `Bearer ${secret}`, ...more } });
  const oldest = () => Math.min(...room.writer.snapshots().map(({ transaction }) => transaction));
  const before = oldest();
  for (let each = 0; each < 2 * EXPORTS_PER_TOKEN_MAX; each++) expect((await ask('HEAD')).status).toBe(200);
  const first = await ask('GET');
  const etag = first.headers.get('etag') ?? '';
  expect([first.status, (await first.text()).length > 1_000_000, etag]).toEqual([200, true, expect.stringMatching(/^"/)]);
  good(await room.run({ ...set('ns1'), zone: nameOf('small.example.') }));
  expect(await eventually(() => oldest() > before)).toBe(true);
  const bodies = await Promise.all(Array.from({ length: EXPORTS_PER_TOKEN_MAX }, () => ask('GET')));
  const busy = await ask('GET');
  expect([busy.status, busy.headers.get('etag')]).toEqual([503, null]);
  expect((await ask('GET', { 'if-none-match': etag })).status).toBe(304);
  for (const body of bodies) await body.body?.cancel();
});
