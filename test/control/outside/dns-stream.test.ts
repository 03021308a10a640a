/** RFC 9103 §7, RFC 8310 §8.1, RFC 7858 §4.2: who a server over TLS must be before anything is said to it. */
import { X509Certificate } from 'node:crypto';
import { type TLSSocket, type TlsOptions, createServer } from 'node:tls';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { keyPin } from '#base/tls/key-pin.ts';
import { type StreamTls } from '#control/outside/dns-stream.ts';
import { exchangeStream } from '#control/outside/stream-exchange.ts';
import { throwawayCa } from '../../support/throwaway-ca.ts';

const ca = throwawayCa();
afterAll(() => ca.remove());
const named = ca.leaf(['ns.example']);
const own = ca.selfSigned('own.example');
const pinOf = ({ cert }: { readonly cert: string }): string => keyPin(new X509Certificate(cert).publicKey);

/** What comes back, whether anything was said to the server, and the certificate that it was shown. */
async function ask(options: TlsOptions, tls: StreamTls) {
  const said: Buffer[] = [];
  let shown: X509Certificate | undefined;
  const server = createServer({ ALPNProtocols: ['dot'], ...options }, (socket: TLSSocket) => {
    socket.on('error', () => undefined);
    shown = socket.getPeerX509Certificate();
    socket.once('data', (octets: Buffer) => {
      said.push(octets);
      socket.write(Uint8Array.of(0, 1, 42));
    });
    onTestFinished(() => void socket.destroy());
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const order = { server: ipPort('127.0.0.1', port), tls, message: Uint8Array.of(7), connectMs: 2000, answerMs: 2000 };
  const came = await exchangeStream(order);
  return { came, isSaid: said.length > 0, shown };
}

const REPLY = { reply: Uint8Array.of(42) };

test('by name: from a root that is trusted, and no other name', async () => {
  const extraRoots = ca.root;
  expect((await ask(named, { host: 'ns.example', extraRoots })).came).toEqual(REPLY);
  const other = await ask(named, { host: 'other.example', extraRoots });
  expect(other.came).toMatchObject({ failure: expect.stringContaining('not trusted for other.example') });
  const untrusted = await ask(named, { host: 'ns.example' });
  expect(untrusted.came).toMatchObject({ failure: expect.stringContaining('not trusted for ns.example') });
  expect([other.isSaid, untrusted.isSaid]).toEqual([false, false]);
});

test('by pin: any certificate with that key, one of several', async () => {
  expect((await ask(own, { pins: [pinOf(named), pinOf(own)] })).came).toEqual(REPLY);
  const wrong = await ask(own, { pins: [pinOf(named)] });
  expect(wrong).toMatchObject({ came: { failure: `shows a key that is not pinned: ${pinOf(own)}` }, isSaid: false });
});

test('with both, both must hold', async () => {
  const both = { host: 'ns.example', extraRoots: ca.root };
  expect((await ask(named, { ...both, pins: [pinOf(named)] })).came).toEqual(REPLY);
  expect((await ask(named, { ...both, pins: [pinOf(own)] })).isSaid).toBe(false);
  // Its key is pinned, but it is signed by itself.
  expect((await ask(own, { host: 'own.example', pins: [pinOf(own)] })).isSaid).toBe(false);
});

test('RFC 9103 §7.2: a server that has TLS 1.2 alone is told nothing', async () => {
  const { came, isSaid } = await ask({ ...own, maxVersion: 'TLSv1.2' }, { pins: [pinOf(own)] });
  expect([came, isSaid]).toEqual([{ failure: 'does not speak TLS 1.3 (RFC 9103 §7)' }, false]);
});

test('RFC 9103 §9.3.3: a server that asks for a certificate is shown ours, with proof of its key', async () => {
  const { key, cert: chain } = ca.leaf(['client.example']);
  const der = Buffer.from(key.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const certificate = { chain, key: new Uint8Array(der) };
  const asking = { ...own, requestCert: true, rejectUnauthorized: true, ca: ca.root };
  const { came, shown } = await ask(asking, { pins: [pinOf(own)], certificate });
  expect(came).toEqual(REPLY);
  expect(shown?.subject).toBe('CN=client.example');
  expect(await ask(asking, { pins: [pinOf(own)] })).toMatchObject({ isSaid: false });
});

test('what OpenSSL does not take is a failure, and no exception', async () => {
  const { cert: chain } = ca.leaf(['client.example']);
  const { key } = ca.leaf(['other.example']);
  const der = Buffer.from(key.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const certificate = { chain, key: new Uint8Array(der) };
  const { came, isSaid } = await ask(own, { pins: [pinOf(own)], certificate });
  expect([came, isSaid]).toEqual([{ failure: expect.stringContaining('cannot be asked over TLS') }, false]);
});
