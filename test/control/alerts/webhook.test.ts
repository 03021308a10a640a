/** Messages to real HTTP servers; the reference library of Standard Webhooks as judge of signatures. */
import { randomBytes } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import { NetworkSet, parseNetwork } from '#base/network.ts';
import { type Resolver } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { webhookName, webhookTarget } from '#control/alerts/webhook.ts';

const KEY = new Uint8Array(randomBytes(32));
const LOOPBACK = new NetworkSet([parseNetwork('127.0.0.0/8')!]);
const NOWHERE: Resolver = { lookup: () => Promise.resolve({ kind: 'nxdomain' }) };

interface Got {
  readonly request: IncomingMessage;
  readonly body: string;
}

async function receiver(answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      got.push({ request, body: Buffer.concat(chunks).toString() });
      answer(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { got, port: (server.address() as AddressInfo).port };
}

function target(url: string, more: Partial<Parameters<typeof webhookTarget>[0]> = {}) {
  return webhookTarget({
    url,
    key: KEY,
    allowed: LOOPBACK,
    resolver: NOWHERE,
    extraRoots: undefined,
    nowMs: Date.now,
    ...more,
  });
}

const send = (url: string, more?: Parameters<typeof target>[1]) =>
  target(url, more).send('msg-1', '{"type":"alert.test"}', AbortSignal.timeout(5000));

test('the reference library verifies the message, and no other body, id or time', async () => {
  const { got, port } = await receiver((response) => response.writeHead(204).end());
  await send(`http://127.0.0.1:${port}/hooks/waxseal?token=1`);
  const { request, body } = got[0]!;
  expect([request.method, request.url]).toEqual(['POST', '/hooks/waxseal?token=1']);
  const headers = request.headers as Record<string, string>;
  const judge = new Webhook(Buffer.from(KEY).toString('base64'));
  expect(judge.verify(body, headers)).toEqual({ type: 'alert.test' });
  expect(() => judge.verify(`${body} `, headers)).toThrow('No matching signature');
  expect(() => judge.verify(body, { ...headers, 'webhook-id': 'msg-2' })).toThrow('No matching signature');
  const later = String(Number(headers['webhook-timestamp']) + 1);
  expect(() => judge.verify(body, { ...headers, 'webhook-timestamp': later })).toThrow('No matching signature');
  await send(`http://127.0.0.1:${port}/`, { nowMs: () => Date.now() - 3_600_000 });
  expect(() => judge.verify(body, got[1]!.request.headers as Record<string, string>)).toThrow(/old/);
});

test('only 2xx is taken for received; a redirect is not followed', async () => {
  const { got, port } = await receiver((response, { url }) => {
    response.writeHead(Number(url!.slice(1)), { location: '/200' }).end('x'.repeat(100_000));
  });
  const base = `http://127.0.0.1:${port}`;
  await expect(send(`${base}/200`)).resolves.toBeUndefined();
  for (const status of [301, 307, 404, 500])
    await expect(send(`${base}/${status}`)).rejects.toThrow(`it answers ${status}`);
  expect(got).toHaveLength(5);
});

test('a private address is refused unless its network is allowed, as an address and as what a name leads to', async () => {
  const { got, port } = await receiver((response) => response.writeHead(204).end());
  const none = { allowed: new NetworkSet([]) };
  await expect(send(`http://127.0.0.1:${port}/`, none)).rejects.toThrow('alerts.webhook_networks');
  await expect(send(`http://[::1]:${port}/`, none)).rejects.toThrow('alerts.webhook_networks');
  const leadsInside: Resolver = {
    lookup: (_name, type) =>
      Promise.resolve(
        type === TYPE.A ? { kind: 'answer', rdatas: [Uint8Array.of(127, 0, 0, 1)], ttlSeconds: 1 } : { kind: 'nodata' },
      ) as ReturnType<Resolver['lookup']>,
  };
  await expect(send(`http://hooks.example:${port}/`, { ...none, resolver: leadsInside })).rejects.toThrow('127.0.0.1');
  expect(got).toHaveLength(0);
  await send(`http://hooks.example:${port}/`, { resolver: leadsInside });
  expect(got[0]!.request.headers.host).toBe(`hooks.example:${port}`);
});

test('without TLS nothing goes outside', async () => {
  await expect(send('http://9.9.9.9/')).rejects.toThrow('needs https:');
});

test('one that never answers is given up when the time is over', async () => {
  const { port } = await receiver(() => {});
  const signal = AbortSignal.timeout(200);
  await expect(target(`http://127.0.0.1:${port}/`).send('id', '{}', signal)).rejects.toThrow('it cannot be reached');
});

test('its name shows no secret of the URL', () => {
  const name = webhookName('https://hooks.example/services/T0000000000/BSECRETSECRETSECRET?key=hidden');
  expect(name).toBe('webhook https://hooks.example/services/T0000000000/BSEC…');
});
