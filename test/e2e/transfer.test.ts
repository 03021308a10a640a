/** Transfers on the running server: keys made by the command line reach the answer process, also a new one, and a revoked key opens nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { startSecondary } from '../support/secondary-peers.ts';
import { putZones } from '../support/waxseal.ts';

const ZONE = '$ORIGIN example.\n@ 300 SOA ns host 1 3600 600 86400 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n';
let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
  await putZones(server, [{ name: 'example.', text: ZONE }], 'on');
}, 120_000);
afterAll(() => server.stop());

async function transfer(key: string): Promise<string> {
  return (await dig(server, ['-y', key, 'example', 'AXFR'])).text;
}

test('a key opens its zone at once, after a kill of the answer process too, and until it is revoked', async () => {
  const made = await server.cli('tsig', 'generate', 'k.example', '--zone', 'example');
  const key = made.out.trim();
  expect(key).toMatch(/^hmac-sha256:k\.example\.:[A-Za-z0-9+/]{43}=$/);
  const has = async () => /XFR size: \d\d records/.test(await transfer(key));
  expect(await server.eventually(has)).toBe(true);
  expect((await dig(server, ['example', 'AXFR'])).text).toContain('Transfer failed');
  await server.killChild('answer');
  expect(await server.eventually(has, 30_000)).toBe(true);
  await server.killChild('control');
  expect(await server.eventually(async () => (await server.cli('tsig', 'list')).exit === 0, 30_000)).toBe(true);
  expect(await has()).toBe(true);
  expect((await server.cli('tsig', 'revoke', 'k.example', '--yes')).exit).toBe(0);
  expect(await server.eventually(async () => (await transfer(key)).includes('BADKEY'))).toBe(true);
  expect(server.log()).not.toContain(key.split(':')[2]);
});

test('an address that is allowed with ?wait=served has its transfer at once, and no more once it is taken out', async () => {
  const path = '/v1/zones/example/secondaries/127.0.0.1?wait=served';
  const has = async () => (await dig(server, ['example', 'AXFR'])).text.includes('XFR size');
  for (let turn = 0; turn < 5; turn++) {
    const put = await server.api('PUT', path, '{}');
    expect([put.status, (await put.json()) as { served: boolean }]).toMatchObject([expect.any(Number), { served: true }]);
    expect(await has()).toBe(true);
    expect(await (await server.api('DELETE', path)).json()).toMatchObject({ served: true });
    expect(await has()).toBe(false);
  }
});

test('README, docs/transfer.md: NSD follows after the three steps', async () => {
  const made = await server.cli('tsig', 'generate', 'nsd.example', '--zone', 'example');
  const [algorithm = '', name = '', secret = ''] = made.out.trim().split(':');
  expect(await server.eventually(async () => /XFR size/.test(await transfer(made.out.trim())))).toBe(true);
  const peer = await startSecondary('nsd', { port: server.port, zones: ['example.'], key: { name, algorithm, secret } });
  try {
    const added = await server.cli(
      'secondary',
      'add',
      'example',
      peer.address,
      '--port',
      String(peer.port),
      '--tsig',
      'nsd.example',
      '--yes',
    );
    expect(added).toMatchObject({ exit: 0 });
    expect((await server.cli('rrset', 'set', 'example', 'www', 'A', '300', '192.0.2.80', '--yes')).exit).toBe(0);
    const follows = async () => (await dig(peer, ['www.example', 'A'])).answer.join().includes('192.0.2.80');
    expect(await server.eventually(follows, 20_000)).toBe(true);
    const shows = async () => /nsd\.example\.\s+\d+\s+-/.test((await server.cli('secondary', 'list', 'example')).out);
    expect(await server.eventually(shows, 20_000)).toBe(true);
  } finally {
    await peer.stop();
  }
});
