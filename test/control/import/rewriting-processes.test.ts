/** A large import of a zone that is there, on a running server: others are served meanwhile, and a kill leaves the old zone or the new one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FILLING_KIND } from '#store/due/documents.ts';
import { openReader } from '#store/reader.ts';
import { verifyStore } from '#store/verify.ts';
import { dig } from '../../support/dig.ts';
import { type RunningServer, startServer } from '../../support/running-server.ts';

const HEAD = '@ 3600 SOA ns1 host 1 7200 900 1209600 900\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.1\n';
const HOSTS = 12_000;
const large = (address: number) => `$TTL 3600\n${HEAD}$GENERATE 1-${HOSTS} h$ A 192.0.2.${address}\n`;

let server: RunningServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server?.stop();
}, 30_000);

/** No limit of the client cuts the time of an import. */
function put(zone: string, text: string): Promise<Response> {
  const token = readFileSync(join(server.directory, 'admin.token'), 'utf8').trim();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/dns' };
  return fetch(`http://127.0.0.1:${server.adminPort}/v1/zones/${zone}/zonefile`, { method: 'PUT', headers, body: text });
}

const address = async (host: string) => (await dig(server, [`${host}.large.test`, 'A'])).answer.join().match(/192\.0\.2\.\d+/)?.[0];

/** The store as it is on the disk: which ids are being filled or emptied, and what is wrong. */
async function looked(): Promise<{ filling: readonly string[]; contentId: number | undefined; problems: readonly string[] }> {
  const reader = openReader(join(server.directory, 'store'));
  try {
    const { problems } = verifyStore(reader);
    const record = reader.zones().find(({ name }) => name === 'large.test.');
    return { filling: reader.documentIds(0, FILLING_KIND), contentId: record?.contentId, problems };
  } finally {
    await reader.close();
  }
}

test('another zone is changed, and served, between the slices', async () => {
  expect((await put('small.test', HEAD)).status).toBe(201);
  expect((await put('large.test', large(7))).status).toBe(201);
  const state = { isDone: false };
  const imported = put('large.test', large(8)).finally(() => (state.isDone = true));
  const reader = openReader(join(server.directory, 'store'));
  let between = 0;
  for (let changes = 0; !state.isDone; changes++) {
    expect((await fetch(`http://127.0.0.1:${server.adminPort}/livez`)).ok).toBe(true);
    reader.refresh();
    const wasWriting = reader.documentIds(0, FILLING_KIND).length > 0;
    const operations = [{ op: 'set', name: 'www', type: 'A', ttl: 60, records: [`192.0.2.${(changes % 250) + 1}`] }];
    const answer = await server.api('PATCH', '/v1/zones/small.test/rrsets?wait=served', JSON.stringify(operations));
    expect(answer.status).toBe(200);
    reader.refresh();
    const isWriting = wasWriting || reader.documentIds(0, FILLING_KIND).length > 0;
    const isNew = reader.zones().find(({ name }) => name === 'large.test.')!.contentId !== undefined;
    // Durable, and served, after the import began to write and before it ended.
    if (isWriting && !isNew) between++;
  }
  await reader.close();
  expect((await imported).status).toBe(200);
  expect(between).toBeGreaterThan(0);
  expect(await server.eventually(async () => (await address('h1')) === '192.0.2.8')).toBe(true);
  expect(await address(`h${HOSTS}`)).toBe('192.0.2.8');
  const denied = await dig(server, ['nowhere.large.test', 'A', '+dnssec']);
  expect([denied.status, denied.authority.join(' ')]).toEqual(['NXDOMAIN', expect.stringContaining('NSEC')]);
  expect(await server.eventually(async () => (await looked()).filling.length === 0)).toBe(true);
  expect((await looked()).problems).toEqual([]);
}, 300_000);

test('kill -9 of the control process at any moment: the zone is whole, the old one or the new one, and no litter stays', async () => {
  expect((await put('large.test', large(7))).status).toBe(201);
  let served = '192.0.2.7';
  // From before the process of the import is there to when the names go that the zone had.
  for (const [round, waitMs] of [0, 400, 800, 1200, 1600, 2400].entries()) {
    const next = 10 + round;
    const answered = put('large.test', large(next)).then(
      ({ status }) => status,
      () => 'gone',
    );
    await Promise.race([delay(waitMs), answered]);
    await server.killChild('control');
    const status = await answered;
    await server.ready();
    const now = await address('h1');
    const allowed = [...(status === 200 ? [] : [served]), `192.0.2.${next}`];
    expect(allowed).toContain(now);
    expect(await address(`h${HOSTS}`)).toBe(now);
    served = now!;
    expect((await looked()).problems).toEqual([]);
    expect(await server.eventually(async () => (await looked()).filling.length === 0)).toBe(true);
  }
  expect((await put('large.test', large(99))).status).toBe(200);
  expect(await server.eventually(async () => (await address('h1')) === '192.0.2.99')).toBe(true);
}, 480_000);
