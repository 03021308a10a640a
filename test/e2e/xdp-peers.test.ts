/**
 * `waxseal serve --udp xdp` as others see it: kxdpgun of Knot DNS asks from a thousand ports and 250 addresses, and what
 * stands behind the sockets is the same as ever: query log, DKIM selectors.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NetworkLab, SERVER_IP } from '../support/network-lab.ts';
import { type RunningServer } from '../support/running-server.ts';
import { buildQuery } from '../support/wire.ts';
import { atOf, isByXdp, metric, startXdpServer } from '../support/xdp-server.ts';

const ZONE = 'meridian-post.example.';
const SECONDS = 2;
const RATE = 500;
const ENOUGH = 0.97;
const RUNS_MAX = 3;
/** Networks that no route leads back to: answers return the way their queries came. */
const STRANGERS = { 4: '198.51.100.0/24', 6: '2001:db8:77::/64' } as const;

let lab: NetworkLab;
let server: RunningServer;
beforeAll(async () => {
  lab = await NetworkLab.open();
  const allow = `["127.0.0.0/8", "192.0.2.0/24", "${STRANGERS[4]}", "2001:db8::/32"]`;
  const config = `[rrl]\nallow = ${allow}\n[log]\nqueries = 1\n`;
  server = await startXdpServer(lab, { config, zones: join(import.meta.dirname, '../../zones') });
  if (!(await isByXdp(server))) throw new Error(server.log());
});
afterAll(async () => {
  await server.stop();
  await lab.close();
});

const received = () => metric(server, 'waxseal_xdp_packets_received_total');

test.each([4, 6] as const)('kxdpgun over IPv%i: every question has its answer', async (family) => {
  const file = join(mkdtempSync(join(tmpdir(), 'waxseal-kxdpgun-')), 'questions');
  const there = ['SOA', 'NS', 'MX', 'TXT', 'DNSKEY'].map((type) => `${ZONE} ${type} D`);
  const missing = ['a', 'b', 'c', 'd', 'e'].map((label) => `no-such-${label}.${ZONE} A E`);
  writeFileSync(file, [...there, ...missing, ''].join('\n'));
  const before = await received();
  const run = await kxdpgun(['-l', STRANGERS[family], '-i', file, SERVER_IP[family]]);
  expect(run.sent).toBeGreaterThan(0.9 * SECONDS * RATE);
  expect(run.replies).toBeGreaterThan(ENOUGH * run.sent);
  expect(run.good + run.none).toBe(run.replies);
  expect(Math.abs(run.good - run.none)).toBeLessThan(0.05 * run.sent);
  // None of them by the kernel's sockets: the kernel knows no way back.
  expect(await server.eventually(async () => (await received()) - before >= run.replies)).toBe(true);
});

async function kxdpgun(words: readonly string[]) {
  const all = ['-t', SECONDS, '-Q', RATE, '-p', server.port, ...words].map(String);
  for (let run = 1; ; run++) {
    const said = await lab.clientRun('kxdpgun', all);
    const number = (pattern: RegExp) => Number(pattern.exec(said)?.[1]);
    const [sent, replies] = [number(/total queries: +(\d+)/), number(/total replies: +(\d+)/)];
    // On a machine that has no time for the server, half a second of questions does not fit into its rings.
    if (replies > ENOUGH * sent || run === RUNS_MAX)
      return { sent, replies, good: number(/NOERROR: +(\d+)/), none: number(/NXDOMAIN: +(\d+)/) };
  }
}

test('query log and DKIM selectors: as by any other socket', async () => {
  const listed = JSON.parse((await server.cli('dkim', 'list', ZONE, '--json')).out) as {
    keys: { selector: string; queries: { count: number } }[];
  };
  const [{ selector, queries }] = listed.keys as [(typeof listed.keys)[number]];
  const name = `${selector}._domainkey.${ZONE}`;
  for (let id = 0; id < 5; id++)
    expect(await lab.one(atOf(server, 4), buildQuery({ name, type: 'TXT', id }))).toBeDefined();
  const counted = async () => {
    const { out } = await server.cli('dkim', 'list', ZONE, '--json');
    return (JSON.parse(out) as typeof listed).keys.find((each) => each.selector === selector)!.queries.count;
  };
  expect(await server.eventually(async () => (await counted()) === queries.count + 5)).toBe(true);
  const lines = () =>
    server
      .log()
      .split('\n')
      .filter((line) => line.includes('"dns.query"') && line.includes(name));
  expect(await server.eventually(() => lines().length > 0)).toBe(true);
  expect(JSON.parse(lines()[0]!)).toMatchObject({ type: 'TXT', transport: 'udp', client: '192.0.2.0/24', rcode: 0 });
});
