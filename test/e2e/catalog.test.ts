/**
 * Knot and BIND follow a catalog of ours (RFC 9432): a member comes, changes and goes there without a change of their configuration.
 * Who may not have the catalog gets nothing of it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { type Peer } from '../support/peers.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { startSecondary } from '../support/secondary-peers.ts';
import { putZones } from '../support/waxseal.ts';

const zoneText = (name: string): string =>
  `$ORIGIN ${name}\n@ 300 SOA ns host 1 3600 600 86400 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n`;
const FOLLOW_MS = 20_000;
let server: RunningServer;
let key = '';
let peers: readonly Peer[] = [];

async function run(...words: string[]): Promise<string> {
  const { exit, out, err } = await server.cli(...words, '--yes');
  if (exit !== 0) throw new Error(err);
  return out;
}

/** Every peer answers so. */
async function everyPeer(
  question: readonly string[],
  holds: (answer: Awaited<ReturnType<typeof dig>>) => boolean,
): Promise<boolean> {
  return server.eventually(
    async () => (await Promise.all(peers.map(async (peer) => holds(await dig(peer, [...question]))))).every(Boolean),
    FOLLOW_MS,
  );
}

beforeAll(async () => {
  server = await startServer({ workers: 1 });
  await putZones(server, [{ name: 'one.example.', text: zoneText('one.example.') }], 'on');
  await putZones(server, [{ name: 'two.example.', text: zoneText('two.example.') }], 'off');
  key = (await server.cli('tsig', 'generate', 'catalog.key', '--all-zones')).out.trim();
  await run('catalog', 'create', 'catalog.example');
  await run('catalog', 'add', 'catalog.example', 'one.example', '--group', 'signed');
  const [algorithm = '', name = '', secret = ''] = key.split(':');
  const hasKey = async () => /XFR size/.test((await dig(server, ['-y', key, 'catalog.example', 'AXFR'])).text);
  if (!(await server.eventually(hasKey))) throw new Error('the key does not open the catalog');
  const of = {
    port: server.port,
    zones: ['catalog.example.'],
    key: { name, algorithm, secret },
    members: ['one.example.'],
  };
  peers = await Promise.all((['knot', 'bind'] as const).map((kind) => startSecondary(kind, of)));
}, 120_000);
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.stop()));
  await server.stop();
});

test('RFC 9432 §6: plain and foreign queries are REFUSED as for a zone that is not here; the key gets the SOA and the zone', async () => {
  for (const question of [
    ['catalog.example', 'SOA'],
    ['version.catalog.example', 'TXT'],
    ['x.zones.catalog.example', 'PTR'],
  ])
    for (const way of [[], ['+tcp']])
      expect((await dig(server, [...question, ...way])).text).toContain('status: REFUSED');
  expect((await dig(server, ['catalog.example', 'AXFR'])).text).toContain('Transfer failed');
  const foreign = (await server.cli('tsig', 'generate', 'foreign.key', '--zone', 'one.example')).out.trim();
  const isKnown = async () => /XFR size/.test((await dig(server, ['-y', foreign, 'one.example', 'AXFR'])).text);
  expect(await server.eventually(isKnown)).toBe(true);
  expect((await dig(server, ['-y', foreign, 'catalog.example', 'SOA'])).text).toContain('status: REFUSED');
  for (const way of [[], ['+tcp']]) {
    const { text } = await dig(server, ['-y', key, 'catalog.example', 'SOA', ...way]);
    expect(text).toMatch(/status: NOERROR[^]*flags: qr aa[^]*IN\s+SOA\s+invalid\. invalid\./);
    expect(text).not.toMatch(/WARNING/);
  }
  expect((await dig(server, ['-y', key, 'version.catalog.example', 'TXT'])).text).toContain('status: REFUSED');
});

test('Knot and BIND serve a member that came before they did, with its signatures', async () => {
  expect(await everyPeer(['one.example', 'SOA', '+dnssec'], ({ text }) => /RRSIG\s+SOA/.test(text))).toBe(true);
});

test('a member that is added, changed and taken out is followed; so is a zone that is removed', async () => {
  const notify = async (peer: Peer): Promise<void> => {
    await run('secondary', 'add', 'catalog.example', '127.0.0.1', '--port', String(peer.port), '--tsig', 'catalog.key');
  };
  const each = async (
    question: readonly string[],
    holds: (answer: Awaited<ReturnType<typeof dig>>) => boolean,
  ): Promise<void> => {
    for (const peer of peers) {
      // Another port of the same address is announced to at once.
      await notify(peer);
      const isSo = async () => holds(await dig(peer, [...question]));
      expect([peer.name, await server.eventually(isSo, FOLLOW_MS)]).toEqual([peer.name, true]);
    }
  };
  await run('catalog', 'add', 'catalog.example', 'two.example');
  await each(['ns.two.example', 'A'], ({ text }) => text.includes('192.0.2.1'));
  // The list has BIND now: it hears of a change of a member, though the member has no list of its own.
  await run('rrset', 'set', 'two.example', 'www', 'A', '300', '192.0.2.80');
  const bind = peers[1]!;
  expect(
    await server.eventually(
      async () => (await dig(bind, ['www.two.example', 'A'])).text.includes('192.0.2.80'),
      FOLLOW_MS,
    ),
  ).toBe(true);
  await run('catalog', 'remove', 'catalog.example', 'one.example');
  await each(['one.example', 'SOA'], ({ text }) => text.includes('status: REFUSED'));
  await run('zone', 'remove', 'two.example');
  expect((await server.cli('catalog', 'list', 'catalog.example')).out).not.toContain('two.example');
  await each(['two.example', 'SOA'], ({ text }) => text.includes('status: REFUSED'));
});
