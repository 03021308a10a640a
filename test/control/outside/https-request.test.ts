/** One request for what a host serves to one address: each way to fail has its step, and the text says what to mend. */
import { type RequestListener } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { STS_POLICY_BYTES_MAX } from '#base/limits/mail.ts';
import { type FetchTarget, fetchFrom } from '#control/outside/https-request.ts';
import { ProbeFailure } from '#control/outside/probe-failure.ts';
import { type Pair, type ThrowawayCa, httpsServer, throwawayCa } from '../../support/throwaway-ca.ts';

const HOST = 'mta-sts.example.com';
const BODY = 'version: STSv1\nmode: none\nmax_age: 86400\n';
const TEXT = { 'content-type': 'text/plain' };
const WANTED = { mediaType: 'text/plain', bytesMax: STS_POLICY_BYTES_MAX, readers: 'senders' };

let ca: ThrowawayCa;
let right: Pair;
beforeAll(() => {
  ca = throwawayCa();
  right = ca.leaf([HOST]);
});
afterAll(() => ca.remove());

const serves =
  (body: string, headers: Record<string, string> = TEXT, status = 200): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body);

/** The body, or the failure. */
function fetched(port: number, more: Partial<FetchTarget> = {}): Promise<string | ProbeFailure> {
  const { signal } = new AbortController();
  const target = { ...WANTED, ip: '127.0.0.1', port, host: HOST, path: '/x', extraRoots: ca.root, signal, ...more };
  const text = fetchFrom(target).then((body) => body.toString('utf8'));
  return text.catch((error: unknown) => {
    if (error instanceof ProbeFailure) return error;
    throw error;
  });
}

async function fetchedFrom(listener: RequestListener, pair: Pair = right, more: Partial<FetchTarget> = {}) {
  const server = await httpsServer(pair, listener);
  onTestFinished(() => server.stop());
  return fetched(server.port, more);
}

test('a good answer: its body; a failure shows its step before the reason', async () => {
  expect(await fetchedFrom(serves(BODY))).toBe(BODY);
  expect(new ProbeFailure('HTTP', 'status 404, not 200').message).toBe('HTTP: status 404, not 200');
});

describe('RFC 8461 §3.3: the status, and the size of the body', () => {
  test.each([201, 204, 301, 302, 307, 400, 404, 500])('status %i is none', async (status) => {
    const failure = await fetchedFrom(serves('', { ...TEXT, location: 'https://example.com/' }, status));
    expect(failure).toMatchObject({ step: 'HTTP', why: expect.stringContaining(`status ${status}`) });
  });

  test('one octet more than 64 KiB is too much', async () => {
    expect(await fetchedFrom(serves('x'.repeat(STS_POLICY_BYTES_MAX)))).toHaveLength(65_536);
    expect(await fetchedFrom(serves('x'.repeat(STS_POLICY_BYTES_MAX + 1)))).toMatchObject({ step: 'size' });
  });
});

test.each<[string, boolean]>([
  ['text/plain', true],
  ['TEXT/Plain; charset=utf-8', true],
  ['text/plainer', false],
  ['text/html', false],
  ['application/octet-stream', false],
])('RFC 8461 §3.2: media type %s is taken: %s', async (type, isTaken) => {
  const result = await fetchedFrom(serves(BODY, { 'content-type': type }));
  if (isTaken) expect(result).toBe(BODY);
  else expect(result).toMatchObject({ step: 'media type', why: expect.stringContaining(type) });
});

test.each([
  ['gzip', false],
  ['identity', true],
])('content encoding %s is taken: %s', async (encoding, isTaken) => {
  const result = await fetchedFrom(serves(BODY, { ...TEXT, 'content-encoding': encoding }));
  if (isTaken) expect(result).toBe(BODY);
  else expect(result).toMatchObject({ step: 'HTTP' });
});

describe('RFC 8461 §3.3: the certificate', () => {
  test.each<[string, () => Pair, string]>([
    ['of another name', () => ca.leaf(['www.example.com']), `it is for www.example.com, not for ${HOST}`],
    ['self-signed', () => ca.selfSigned(HOST), 'self-signed'],
    ['with a common name alone', () => ca.leaf([HOST], { isWithoutNames: true }), 'no subjectAltName'],
    ['that has expired', () => ca.leaf([HOST], { from: '20200101000000Z', to: '20200201000000Z' }), 'expired'],
  ])('%s', async (_, pair, why) => {
    expect(await fetchedFrom(serves(BODY), pair())).toMatchObject({ step: 'certificate', why: expect.stringContaining(why) });
  });

  test('of a root that only the further ones have', async () => {
    expect(await fetchedFrom(serves(BODY), right, { extraRoots: undefined })).toMatchObject({ step: 'certificate' });
  });
});

describe('no answer', () => {
  test('a port where nothing listens', async () => {
    const server = await httpsServer(right, serves(BODY));
    await server.stop();
    expect(await fetched(server.port)).toMatchObject({ step: 'connect', why: 'refused' });
  });

  test('a time that is over before it began', async () => {
    expect(await fetchedFrom(serves(BODY), right, { signal: AbortSignal.abort() })).toMatchObject({ why: 'not done in time' });
  });

  test('a host that takes the connection and says no TLS: the end of the time comes at that step', async () => {
    const stop = new AbortController();
    const server = createServer((socket) => void socket.once('data', () => stop.abort()).on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? address!.port : 0;
    expect(await fetched(port, { signal: stop.signal })).toMatchObject({ step: 'TLS', why: 'not done in time' });
  });
});
