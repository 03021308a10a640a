/** What a handshake shows, and how it fails. Mail hosts in front of it: test/control/outside/starttls.test.ts. */
import { X509Certificate } from 'node:crypto';
import { createServer, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connected, handshakeFailure, shakeHands } from '#control/outside/tls-handshake.ts';
import { testPolicyHost } from '../../support/policy-host.ts';

const HOST = 'mta-sts.one.example';

async function socketTo(port: number) {
  const socket = connect({ host: '127.0.0.1', port });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await connected(socket, 5000);
  return socket;
}

test('RFC 8446 §4.4.2: the certificates of the handshake for the name that was asked for', async () => {
  const made = await testPolicyHost();
  const { chain, tlsVersion } = await shakeHands(await socketTo(made.port), HOST);
  expect(tlsVersion).toBe('TLSv1.3');
  expect(chain.map((der) => new X509Certificate(der).subjectAltName)).toEqual([`DNS:${HOST}`]);
});

test('a name without a certificate, and a server that speaks no TLS, fail with the step and why', async () => {
  const made = await testPolicyHost();
  const failed = await shakeHands(await socketTo(made.port), 'www.one.example').catch((error: unknown) => error);
  expect(String(handshakeFailure(failed, 'TLS'))).toMatch(/TLS: .*(handshake failure|unrecognized name)/);
  const closing = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => void closing.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void closing.close());
  const { port } = closing.address() as { port: number };
  const brokenOff = await shakeHands(await socketTo(port), HOST).catch((error: unknown) => error);
  expect(String(handshakeFailure(brokenOff, 'TLS'))).toContain('TLS: the host broke off');
  await new Promise((resolve) => void closing.close(resolve));
  await expect(socketTo(port)).rejects.toThrow('connect: refused');
});
