/** What one client, one network, one host may take; and that everybody else is served meanwhile. */
import { connect as connectTcp } from 'node:net';
import { connect as connect2 } from 'node:http2';
import { expect, test } from 'vitest';
import { networkOf } from '#policy-host/connections.ts';
import { PATH, bodyOf, readAll, testPolicyHost } from '../support/policy-host.ts';

const HOST = 'mta-sts.one.example';
const GET = `GET ${PATH} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;
const SERVED = bodyOf('one.example');
const SOON = { timeout: 20_000 };

test('a network is an IPv4 address, or the first 64 bits of an IPv6 address', () => {
  expect(networkOf('192.0.2.1')).toBe(networkOf('::ffff:192.0.2.1'));
  expect(networkOf('192.0.2.1')).not.toBe(networkOf('192.0.2.2'));
  expect(networkOf('2001:db8:1:2::1')).toBe(networkOf('2001:db8:1:2:ffff::9'));
  expect(networkOf('2001:db8:1:2::1')).not.toBe(networkOf('2001:db8:1:3::1'));
  expect(networkOf('pipe')).toBeUndefined();
});

test('connections of one network: the one too many is cut off, and there is space again when one ends', async () => {
  const { shake, raw, count, host } = await testPolicyHost({ limits: { perNetwork: 3 } });
  const open = [await shake(HOST), await shake(HOST), await shake(HOST)];
  await expect(shake(HOST)).rejects.toThrow(/closed|ECONNRESET|disconnected/);
  expect(count('httpsLimit.network_connections')).toBe(1);
  open[0]!.destroy();
  await expect.poll(() => host.connections.count, SOON).toBe(2);
  expect((await raw(GET)).endsWith(SERVED)).toBe(true);
});

test('connections for one host: another host is served all the same', async () => {
  const { shake, raw, count } = await testPolicyHost({ limits: { perHost: 2 } });
  await shake(HOST);
  await shake(HOST);
  expect(await readAll(await shake(HOST), 10_000)).toBe('');
  expect(count('httpsLimit.host_connections')).toBe(1);
  const other = GET.replace('one.example', 'two.example');
  expect((await raw(other, { serverName: 'mta-sts.two.example' })).endsWith(bodyOf('two.example'))).toBe(true);
});

test('when all places are taken, who has only waited longest gives way', async () => {
  const { shake, raw, count } = await testPolicyHost({ limits: { count: 2 } });
  const first = await shake(HOST);
  const second = await shake(HOST);
  const ended = readAll(first, 10_000);
  expect((await raw(GET)).endsWith(SERVED)).toBe(true);
  expect(await ended).toBe('');
  expect(second.destroyed).toBe(false);
  expect(count('httpsLimit.connections')).toBe(1);
});

test('handshakes that do not go on: as many as may be, each as long as may be', async () => {
  const { port, raw, count, host } = await testPolicyHost({ limits: { handshakesPerNetwork: 2, handshakeMs: 600 } });
  const silent = [connectTcp(port, '127.0.0.1'), connectTcp(port, '127.0.0.1'), connectTcp(port, '127.0.0.1')];
  for (const each of silent) each.on('error', () => undefined);
  await expect.poll(() => count('httpsLimit.network_handshakes'), SOON).toBe(1);
  await expect.poll(() => count('httpsLimit.handshake_time'), SOON).toBe(2);
  await expect.poll(() => host.connections.count, SOON).toBe(0);
  expect((await raw(GET)).endsWith(SERVED)).toBe(true);
  for (const each of silent) each.destroy();
});

test('slow loris: a request that comes octet by octet ends when its time is over', async () => {
  const { shake, count, raw } = await testPolicyHost({ limits: { requestMs: 700 } });
  const socket = await shake(HOST);
  let at = 0;
  const timer = setInterval(() => socket.write(GET[at++ % GET.length]!), 20);
  expect(await readAll(socket, 15_000)).toBe('');
  clearInterval(timer);
  expect(count('httpsLimit.request_time')).toBe(1);
  expect((await raw(GET)).endsWith(SERVED)).toBe(true);
});

test('a connection that waits after its answer ends too, over both protocols', async () => {
  const { shake, port, count } = await testPolicyHost({ limits: { requestMs: 500 } });
  const socket = await shake(HOST);
  socket.write(GET.replace('Connection: close\r\n', ''));
  expect((await readAll(socket, 15_000)).endsWith(SERVED)).toBe(true);
  const session = connect2(`https://127.0.0.1:${port}`, { servername: HOST, rejectUnauthorized: false });
  session.on('error', () => undefined);
  await new Promise<void>((resolve) => void session.once('close', resolve));
  expect(count('httpsLimit.request_time')).toBe(2);
});

test('HTTP/2: a flood of pings, and of resets, ends its session and nothing else', async () => {
  const { port, count, raw } = await testPolicyHost();
  const open = () => {
    const session = connect2(`https://127.0.0.1:${port}`, { servername: HOST, rejectUnauthorized: false, maxOutstandingPings: 1000 });
    session.on('error', () => undefined);
    return session;
  };
  const pinging = open();
  const pinged = new Promise<void>((resolve) => void pinging.once('close', resolve));
  pinging.once('connect', () => {
    for (let each = 0; each < 200; each++) pinging.ping(() => undefined);
  });
  await pinged;
  expect(count('httpsLimit.frames')).toBe(1);
  const resetting = open();
  const reset = new Promise<void>((resolve) => void resetting.once('close', resolve));
  resetting.once('connect', () => {
    for (let each = 0; each < 200; each++) {
      const stream = resetting.request({ ':authority': HOST, ':path': PATH });
      stream.on('error', () => undefined);
      stream.close(8);
    }
  });
  await Promise.race([reset, new Promise((resolve) => setTimeout(resolve, 3000))]);
  resetting.destroy();
  expect((await raw(GET)).endsWith(SERVED)).toBe(true);
});

test('octets without requests: 200 KiB of them end the connection', async () => {
  const { shake, count, raw } = await testPolicyHost();
  const socket = await shake(HOST, { ALPNProtocols: ['h2'] });
  // RFC 9113 §3.4, §4.1: the preface and an empty SETTINGS frame, then frames of a type that is unknown and ignored.
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  const unknown = Buffer.concat([Buffer.from([0, 0x20, 0, 0xfa, 0, 0, 0, 0, 0]), Buffer.alloc(0x2000)]);
  for (let each = 0; each < 25; each++) socket.write(unknown);
  await readAll(socket, 15_000);
  expect(count('httpsLimit.spare_octets')).toBe(1);
  expect((await raw(GET)).endsWith(SERVED)).toBe(true);
});

test('the table is empty when all clients have gone, however they went', async () => {
  const { shake, host, port } = await testPolicyHost();
  for (let each = 0; each < 20; each++) {
    const socket = await shake(HOST, each % 2 === 0 ? {} : { ALPNProtocols: ['h2'] });
    if (each % 3 === 0) socket.write(GET);
    if (each % 4 === 0) socket.end();
    else socket.destroy();
    connectTcp(port, '127.0.0.1').destroy();
  }
  await expect.poll(() => host.connections.count, SOON).toBe(0);
});
