/** Large bodies wait on disk without a name, come out whole, and are gone with their client; what is too much is answered. */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { ipPort } from '#base/address.ts';
import { JSON_BODY_BYTES_MAX, TOKEN_GENERATED_RECORDS_MAX } from '#base/limits/admin.ts';
import { fakeWithZone } from '../../support/admin/fake-control.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

const BODY_BYTES_MAX = 4 * JSON_BODY_BYTES_MAX;
const TEXT = '$TTL 60\n@ SOA ns1 host 7 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n';

async function bench(bodyFolder = temporaryFolder()) {
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control, zoneFileBytesMax: BODY_BYTES_MAX, bodyFolder });
  const listeners = await listenAdmin(app, { tcp: ipPort('127.0.0.1', 0), socketPath: undefined });
  onTestFinished(() => listeners.close(0));
  const port = Number(listeners.address.split(':')[1]);
  const put = (token: string, length: Readonly<Record<string, string | number>>, type = 'text/dns'): ClientRequest => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type, ...length };
    const path = '/v1/zones/example.com/zonefile';
    const asked = request({ host: '127.0.0.1', port, method: 'PUT', path, headers, agent: false });
    onTestFinished(() => void asked.destroy());
    return asked.on('error', () => undefined);
  };
  const metrics = async () => (await app.inject({ url: '/metrics' })).body;
  return { bodyFolder, tokens, put, metrics };
}

async function answerOf(asked: ClientRequest): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await new Promise<IncomingMessage>((resolve) => void asked.once('response', resolve));
  let text = '';
  for await (const part of answer as AsyncIterable<Buffer>) text += part.toString();
  return { status: answer.statusCode!, text };
}

/** Octets in files of `folder` that have no name any more. */
function unnamedBytes(folder: string): number[] {
  return readdirSync('/proc/self/fd').flatMap((each) => {
    const path = `/proc/self/fd/${each}`;
    try {
      return readlinkSync(path).startsWith(`${folder}/body-`) ? [statSync(path).size] : [];
    } catch {
      return [];
    }
  });
}

async function until(holds: () => boolean): Promise<void> {
  for (let left = 250; !holds() && left > 0; left--) await delay(20);
  expect(holds()).toBe(true);
}

describe('a large body', () => {
  test.each([
    ['of a stated length', true],
    ['in chunks', false],
  ])('%s arrives whole, and leaves no file', async (_what, isStated) => {
    const { bodyFolder, tokens, put } = await bench();
    const body = `${TEXT}; ${'x'.repeat(100)}\n`.padEnd(2 * JSON_BODY_BYTES_MAX, ';') + '\nlast A 192.0.2.9\n';
    const asked = put(tokens.admin, isStated ? { 'content-length': body.length } : { 'transfer-encoding': 'chunked' });
    for (let at = 0; at < body.length; at += 300_000) asked.write(body.slice(at, at + 300_000));
    asked.end();
    const { status, text } = await answerOf(asked);
    expect([status, text]).toEqual([200, expect.stringContaining('last')]);
    expect(readdirSync(bodyFolder)).toEqual([]);
    await until(() => unnamedBytes(bodyFolder).length === 0);
  });

  test('that does not end is on disk, under no name, and goes when its client goes', async () => {
    const { bodyFolder, tokens, put } = await bench();
    const asked = put(tokens.zone, { 'content-length': BODY_BYTES_MAX });
    asked.write(Buffer.alloc(BODY_BYTES_MAX - 1, ';'));
    await until(() => unnamedBytes(bodyFolder).includes(BODY_BYTES_MAX - 1));
    expect(readdirSync(bodyFolder)).toEqual([]);
    asked.destroy();
    await until(() => unnamedBytes(bodyFolder).length === 0);
  });

  test('that grows past the limit of its route is answered 413', async () => {
    const { bodyFolder, tokens, put } = await bench();
    const asked = put(tokens.zone, { 'transfer-encoding': 'chunked' });
    asked.end(Buffer.alloc(BODY_BYTES_MAX + 1, ';'));
    expect(await answerOf(asked)).toMatchObject({ status: 413, text: expect.stringContaining('BODY_SIZE') });
    await until(() => unnamedBytes(bodyFolder).length === 0);
  });

  test('of a type that the route does not take is answered 415, and its file goes', async () => {
    const { bodyFolder, tokens, put } = await bench();
    const bytes = 2 * JSON_BODY_BYTES_MAX;
    const asked = put(tokens.admin, { 'content-length': bytes }, 'application/x-none');
    asked.end(Buffer.alloc(bytes, 0x20));
    expect((await answerOf(asked)).status).toBe(415);
    await until(() => unnamedBytes(bodyFolder).length === 0);
  });

  test('that cannot be kept is a problem, not a crash', async () => {
    const { tokens, put } = await bench('/nonexistent/folder');
    const asked = put(tokens.admin, { 'content-length': 2 * JSON_BODY_BYTES_MAX });
    asked.end(Buffer.alloc(2 * JSON_BODY_BYTES_MAX, ';'));
    expect((await answerOf(asked)).status).toBeGreaterThanOrEqual(500);
  });
});

test('records of one command by a token of a zone have a bound, an administrator’s do not; it is counted', async () => {
  const { tokens, put, metrics } = await bench();
  const body = `${TEXT}$GENERATE 1-${TOKEN_GENERATED_RECORDS_MAX + 1} h$ A 192.0.2.7\n`;
  const asked = put(tokens.zone, { 'content-length': body.length });
  asked.end(body);
  const { status, text } = await answerOf(asked);
  expect([status, JSON.parse(text).code]).toEqual([413, 'ZONE_RECORDS_LIMIT']);
  expect(await metrics()).toContain('waxseal_api_budget_rejected_total{budget="records"} 1');
  const byAdmin = put(tokens.admin, { 'content-length': body.length });
  byAdmin.end(body);
  expect((await answerOf(byAdmin)).status).toBe(200);
});

test('each budget has its figures among the metrics', async () => {
  const { metrics } = await bench();
  const text = await metrics();
  for (const budget of ['streams', 'looks', 'waits', 'octets', 'texts', 'imports'])
    expect(text).toMatch(new RegExp(`waxseal_api_budget_max\\{budget="${budget}"\\} [1-9]`));
});
