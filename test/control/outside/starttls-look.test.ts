/** Looks at all addresses of mail hosts on this machine. Not here: one conversation (starttls.test.ts). */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseNetwork } from '#base/network.ts';
import { starttlsLook } from '#control/outside/starttls-look.ts';
import { type HostSeen } from '#mail/dane/live.ts';
import { starttlsServer } from '../../support/mail/starttls-server.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';
import { type Pair, type ThrowawayCa, throwawayCa } from '../../support/throwaway-ca.ts';

const HOST = 'mx1.example.com';
const HERE = [parseNetwork('127.0.0.0/8')!];

let ca: ThrowawayCa;
let leaf: Pair;
let other: Pair;
beforeAll(() => {
  ca = throwawayCa();
  leaf = ca.leaf([HOST]);
  other = ca.leaf(['other.example']);
});
afterAll(() => ca.remove());

async function host(pair: Pair, address: { readonly ip?: string; readonly port?: number } = {}) {
  const server = await starttlsServer(pair, {}, address);
  onTestFinished(() => server.stop());
  return server;
}

const look = (port: number, table: Table, networks = HERE, more: { readonly stopped?: AbortSignal } = {}) =>
  starttlsLook({ resolver: tableResolver(table), networks, port, ...more })(HOST);

/** What was seen, a line for each address. */
function lines(seen: HostSeen): string[] {
  if ('failure' in seen) return [seen.failure.message];
  return seen.addresses.map((each) =>
    'failure' in each ? `${each.ip} ${each.failure.message}` : `${each.ip} ${new X509Certificate(each.chain[0]!).subject}`,
  );
}

describe('addresses', () => {
  test('each is looked at, and stands for itself', async () => {
    const first = await host(leaf);
    const table = { [HOST]: { a: ['127.0.0.1', '127.0.0.2', '127.0.0.3'] } };
    await host(other, { ip: '127.0.0.2', port: first.port });
    expect(lines(await look(first.port, table))).toEqual([
      `127.0.0.1 CN=${HOST}`,
      '127.0.0.2 CN=other.example',
      '127.0.0.3 connect: refused',
    ]);
  });

  test.each<[string, Table, string]>([
    ['no such name', {}, `DNS: ${HOST} does not exist`],
    ['no answer', { [HOST]: { timeout: true } }, `DNS: ${HOST}: TIMEOUT`],
    [
      'SSRF: an address inside',
      { [HOST]: { a: ['198.41.0.4', '169.254.169.254'] } },
      `DNS: ${HOST} has the address 169.254.169.254, which no host outside can reach (mail.probe_networks)`,
    ],
  ])('%s: no connection is made', async (_title, table, text) => {
    expect(lines(await look(1, table, []))).toEqual([text]);
  });

  test('a process that ends waits for no host', async () => {
    const stopped = new AbortController();
    const server = await starttlsServer(leaf, { instead: () => stopped.abort() });
    onTestFinished(() => server.stop());
    expect(lines(await look(server.port, { [HOST]: { a: ['127.0.0.1'] } }, HERE, { stopped: stopped.signal }))).toEqual([
      expect.stringMatching(/^127.0.0.1 (?:connect|SMTP): not done in time$/),
    ]);
  });
});
