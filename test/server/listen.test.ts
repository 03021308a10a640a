import { atAddress } from '#base/place.ts';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync, openSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { listenProblem, settleAddresses, startWorkerListeners } from '#server/listen.ts';
import { idOf, simpleQuery, tcpQuery, udpQuery } from '../support/dns-client.ts';
import { echoResponder, freeAddress, testCounters } from './fixtures/echo.ts';

const taken: { udp: Socket[]; tcp: Server[] } = { udp: [], tcp: [] };

afterEach(() => {
  for (const each of taken.udp) each.close();
  for (const each of taken.tcp) each.close();
  taken.udp = [];
  taken.tcp = [];
});

async function takeUdp(ip: string, port = 0): Promise<number> {
  const socket = createSocket({ type: 'udp4', reusePort: true });
  taken.udp.push(socket);
  await new Promise<void>((resolve) => socket.bind(port, ip, resolve));
  return socket.address().port;
}

async function takeTcp(ip: string, port: number): Promise<void> {
  const server = createServer();
  taken.tcp.push(server);
  await new Promise<void>((resolve) => server.listen({ host: ip, port, reusePort: true }, resolve));
}

test('descriptors that were copied for a thread and that it has no use for are closed', async () => {
  const at = await freeAddress();
  const [tcp, udp] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
  const isOpen = (fd: number) => existsSync(`/proc/self/fd/${fd}`);
  const inherited = { '192.0.2.1:53': { tcp, udp } };
  const { row } = testCounters();
  const options = { responder: echoResponder(), addresses: [at], counters: row, openUdp: null, inherited };
  const listeners = await startWorkerListeners(options);
  expect([isOpen(tcp), isOpen(udp)]).toEqual([false, false]);
  await listeners.close(0);
});

describe('settling addresses', () => {
  test('port 0 becomes one port for UDP and TCP', async () => {
    const settled = await settleAddresses([ipPort('127.0.0.1', 0), ipPort('::1', 0)]);
    assert(settled.ok, 'no port is free');
    expect(settled.value.map(({ ip }) => ip)).toEqual(['127.0.0.1', '::1']);
    const { row } = testCounters();
    const listeners = await startWorkerListeners({ responder: echoResponder(), addresses: settled.value, counters: row });
    expect(listeners.addresses).toEqual(settled.value);
    for (const at of settled.value) {
      expect(idOf((await udpQuery(at, simpleQuery(1)))!)).toBe(1);
      expect(idOf((await tcpQuery(at, simpleQuery(2)))!)).toBe(2);
    }
    await listeners.close(100);
  });

  test('the same address twice is one', async () => {
    const at = await freeAddress();
    expect(await settleAddresses([at, at])).toMatchObject({ ok: true, value: [at] });
  });

  test('0.0.0.0 and [::] do not stand in each other’s way', async () => {
    const { port } = await freeAddress('0.0.0.0');
    const wildcards = [ipPort('0.0.0.0', port), ipPort('::', port)];
    expect(await settleAddresses(wildcards)).toMatchObject({ ok: true, value: wildcards });
    const { row } = testCounters();
    const listeners = await startWorkerListeners({ responder: echoResponder(), addresses: wildcards, counters: row });
    expect(idOf((await udpQuery(ipPort('127.0.0.1', port), simpleQuery(1)))!)).toBe(1);
    expect(idOf((await udpQuery(ipPort('::1', port), simpleQuery(2)))!)).toBe(2);
    await listeners.close(100);
  });

  test('taken on UDP or on TCP, even by one that shares its port: every address is named, with what to do', async () => {
    const udpPort = await takeUdp('127.0.0.1');
    const { port: tcpPort } = await freeAddress();
    await takeTcp('127.0.0.1', tcpPort);
    const result = await settleAddresses([ipPort('127.0.0.1', udpPort), ipPort('127.0.0.1', tcpPort), ipPort('127.0.0.1', 0)]);
    assert(!result.ok, 'a taken address was settled');
    expect(result.problems).toMatchObject([
      {
        code: 'ADDRESS_IN_USE',
        at: atAddress(`127.0.0.1:${udpPort}`),
        message: expect.stringContaining('UDP'),
        fix: expect.stringContaining('--dns'),
      },
      { code: 'ADDRESS_IN_USE', at: atAddress(`127.0.0.1:${tcpPort}`), message: expect.stringContaining('TCP') },
    ]);
  });

  test('an address of another machine', async () => {
    const result = await settleAddresses([ipPort('192.0.2.1', 5300)]);
    expect(result).toMatchObject({ ok: false, problems: [{ code: 'ADDRESS_MISSING', at: atAddress('192.0.2.1:5300') }] });
  });

  test('no permission: below 1024 the capability is named', () => {
    const denied = Object.assign(new Error('bind EACCES 127.0.0.1:53'), { code: 'EACCES' });
    expect(listenProblem(ipPort('127.0.0.1', 53), 'UDP', denied)).toMatchObject({
      code: 'ADDRESS_DENIED',
      at: atAddress('127.0.0.1:53'),
      fix: expect.stringContaining('CAP_NET_BIND_SERVICE'),
    });
    expect(listenProblem(ipPort('127.0.0.1', 5300), 'UDP', denied).fix).not.toContain('CAP_NET_BIND_SERVICE');
  });

  test('a worker that cannot have all its addresses leaves none open', async () => {
    const good = await freeAddress();
    const { port } = await freeAddress();
    const exclusive = createSocket('udp4');
    taken.udp.push(exclusive);
    await new Promise<void>((resolve) => exclusive.bind(port, '127.0.0.1', resolve));
    const { row } = testCounters();
    const addresses = [good, ipPort('127.0.0.1', port)];
    await expect(startWorkerListeners({ responder: echoResponder(), addresses, counters: row })).rejects.toThrow(/EADDRINUSE/);
    expect(await settleAddresses([good])).toMatchObject({ ok: true });
  });
});
