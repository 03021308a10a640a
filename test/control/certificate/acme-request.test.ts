/** One HTTPS request to a CA: headers, limits, and what the operator reads when it fails. */
import { type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeCertificateKey, selfSignedCertificate, toPem } from '#certificate/x509.ts';
import { type AcmeTransportOptions, acmeTransport, readRetryAfter } from '#control/certificate/acme-request.ts';
import { countedRandom } from '../../support/temporary-store.ts';

async function caThat(listener: RequestListener, options: Partial<AcmeTransportOptions> = {}) {
  const privateKey = await makeCertificateKey('ecdsa-p256');
  const [notBeforeMs, notAfterMs] = [Date.now() - 60_000, Date.now() + 3_600_000];
  const der = selfSignedCertificate({ hosts: ['localhost'], privateKey, notBeforeMs, notAfterMs, random: countedRandom() });
  const cert = toPem('CERTIFICATE', der);
  const server = createServer({ key: privateKey.export({ type: 'pkcs8', format: 'pem' }), cert }, listener);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve));
  const stopping = new AbortController();
  onTestFinished(async () => {
    stopping.abort();
    server.closeAllConnections();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  const transport = acmeTransport({ extraRoots: cert, stopped: stopping.signal, nowMs: () => Date.now(), ...options });
  return { transport, url: `https://localhost:${(server.address() as AddressInfo).port}/x`, stopping };
}

test('a JWS is sent as application/jose+json (RFC 8555 §6.2); status, nonce, location and text come back', async () => {
  let seen: unknown;
  const { transport, url } = await caThat((request, response) => {
    seen = [request.method, request.headers['content-type'], request.headers['user-agent']];
    response.writeHead(201, { 'replay-nonce': 'abc_-1', location: 'https://localhost/account/1', 'retry-after': '7' });
    response.end('{"a":1}');
  });
  expect(await transport({ method: 'POST', url, body: '{}' })).toEqual({
    status: 201,
    nonce: 'abc_-1',
    location: 'https://localhost/account/1',
    retryAfterMs: 7000,
    text: '{"a":1}',
  });
  expect(seen).toEqual(['POST', 'application/jose+json', 'waxseal']);
});

test('a redirect is an answer, and is not followed', async () => {
  let count = 0;
  const { transport, url } = await caThat((_request, response) => {
    count += 1;
    response.writeHead(302, { location: 'https://localhost/elsewhere' }).end();
  });
  expect(await transport({ method: 'GET', url })).toMatchObject({ status: 302 });
  expect(count).toBe(1);
});

test('a nonce with other characters is none (RFC 8555 §6.5.1)', async () => {
  const { transport, url } = await caThat((_request, response) => response.setHeader('replay-nonce', 'a b').end());
  expect(await transport({ method: 'HEAD', url })).not.toHaveProperty('nonce');
});

describe('silence', () => {
  test('an endless body ends', async () => {
    const { transport, url } = await caThat((_request, response) => {
      const write = () => response.write('x'.repeat(65_536));
      response.on('drain', write);
      for (let at = 0; at < 8; at++) write();
    });
    await expect(transport({ method: 'GET', url })).rejects.toThrow('the answer has more than 262144 octets');
  });

  test('a CA that is slow, before or in its answer', async () => {
    const never = await caThat(() => {}, { limitMs: 300 });
    await expect(never.transport({ method: 'GET', url: never.url })).rejects.toThrow('no answer within 0.3 s');
    const half = await caThat((_request, response) => void response.write('{'), { limitMs: 300 });
    await expect(half.transport({ method: 'GET', url: half.url })).rejects.toThrow('no answer within 0.3 s');
  });

  test('a CA whose certificate is not trusted', async () => {
    const { transport, url } = await caThat((_request, response) => response.end('{}'), { extraRoots: undefined });
    await expect(transport({ method: 'GET', url })).rejects.toThrow('self-signed certificate');
  });

  test('nothing listens, and the process ends', async () => {
    const { transport, url, stopping } = await caThat(() => {});
    await expect(transport({ method: 'GET', url: 'https://localhost:1/' })).rejects.toThrow('refused');
    const waiting = transport({ method: 'GET', url });
    setTimeout(() => stopping.abort(), 20);
    await expect(waiting).rejects.toThrow('no answer');
  });
});

test('RFC 9110 §10.2.3: Retry-After in seconds or as a date', () => {
  const nowMs = Date.UTC(2026, 0, 1);
  expect(readRetryAfter('120', nowMs)).toBe(120_000);
  expect(readRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', nowMs)).toBe(60_000);
  expect(readRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', nowMs)).toBe(0);
  expect(['soon', '-1', '', undefined].map((text) => readRetryAfter(text, nowMs))).toEqual([undefined, undefined, undefined, undefined]);
});
