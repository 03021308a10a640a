/** TCP by epoll: what node:net does by itself, or cannot do. What holds for both ways is in the other files of this folder. */
import { createServer } from 'node:net';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type IpPort, formatIpPort, ipPort } from '#base/address.ts';
import { TCP_ACCEPT_PAUSE_MS, TCP_UNSENT_BYTES } from '#base/limits/server.ts';
import { startWorkerListeners } from '#server/listen.ts';
import { type QueryResponder } from '#server/listener.ts';
import { chooseTcp } from '#server/tcp/choose.ts';
import { epollCarrier, sharedEpollCarrier } from '#server/tcp/epoll.ts';
import { openEpollSockets } from '#server/tcp/epoll-sockets.ts';
import { type EpollSyscalls, loadEpollSyscalls } from '#server/tcp/epoll-syscalls.ts';
import { tryEpoll } from '#server/tcp/epoll-trial.ts';
import { TCP_LIMITS, type TcpLimits } from '#server/tcp/table.ts';
import { ERRNO } from '#server/udp/mmsg-syscalls.ts';
import { TcpClient, eventually, framed, idOf, simpleQuery, tcpQuery } from '../../support/dns-client.ts';
import { echoResponder, freeAddress, testCounters } from '../fixtures/echo.ts';

const CALLS = loadEpollSyscalls();

interface Served {
  readonly responder?: QueryResponder;
  readonly limits?: Partial<TcpLimits>;
  readonly calls?: EpollSyscalls;
}

async function serve(addresses: readonly IpPort[], { responder = echoResponder(), limits = {}, calls = CALLS }: Served = {}) {
  const { row, count } = testCounters();
  const tcpLimits = { ...TCP_LIMITS, ...limits };
  const tcp = sharedEpollCarrier(addresses, calls);
  const listeners = await startWorkerListeners({ responder, addresses, counters: row, tcpLimits, tcp, openUdp: null });
  onTestFinished(() => listeners.close(0));
  return { listeners, count, at: addresses[0]! };
}

async function open(to: IpPort, options?: { from?: string; reading?: boolean }): Promise<TcpClient> {
  const client = await TcpClient.open(to, options);
  onTestFinished(() => client.destroy());
  return client;
}

const openDescriptors = () => readdirSync('/proc/self/fd').length;
const ask = (id: number) => framed(simpleQuery(id));

test('the clients’ addresses, IPv4 and IPv6, reach the responder, and both families are served at one port', async () => {
  const { port } = await freeAddress('0.0.0.0');
  const clients: string[] = [];
  const responder: QueryResponder = {
    respond: (...query) => {
      const [, , , transport, client] = query;
      clients.push(`${transport} ${client.octets.subarray(0, client.length).join('.')}`);
      return echoResponder().respond(...query);
    },
  };
  await serve([ipPort('0.0.0.0', port), ipPort('::', port)], { responder });
  const one = await open(ipPort('127.0.0.1', port), { from: '127.0.0.77' });
  one.send(ask(1));
  expect((await one.receive(1)).map(idOf)).toEqual([1]);
  expect(idOf((await tcpQuery(ipPort('::1', port), simpleQuery(2)))!)).toBe(2);
  expect(clients).toEqual(['tcp 127.0.0.77', 'tcp 0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1']);
});

test('3,000 connections at once, each with its question, all answered; no descriptor stays', async () => {
  const COUNT = 3000;
  const before = openDescriptors();
  const { at, listeners, count } = await serve([await freeAddress()], {
    limits: { connections: COUNT, connectionsPerClient: COUNT, firstMessageMs: 60_000, idleFullMs: 60_000, idleMs: 60_000 },
  });
  const clients: TcpClient[] = [];
  while (clients.length < COUNT) clients.push(...(await Promise.all(Array.from({ length: 100 }, () => TcpClient.open(at)))));
  expect(await eventually(() => listeners.table.size === COUNT)).toBe(true);
  for (const [id, each] of clients.entries()) each.send(ask(id));
  for (const [id, each] of clients.entries()) expect((await each.receive(1)).map(idOf)).toEqual([id]);
  for (const each of clients) each.destroy();
  expect(await eventually(() => listeners.table.size === 0)).toBe(true);
  expect([count('tcpAccepted'), count('tcpAnswers'), count('tcpOpen')]).toEqual([COUNT, COUNT, 0]);
  await listeners.close(0);
  expect(await eventually(() => openDescriptors() <= before)).toBe(true);
});

test('without descriptors accepting pauses instead of trying without end, and goes on when there are some', async () => {
  let isFull = true;
  let tries = 0;
  const calls: EpollSyscalls = {
    ...CALLS,
    accept4: (...accepted) => {
      tries += 1;
      return isFull ? -1 : CALLS.accept4(...accepted);
    },
    errno: () => (isFull ? ERRNO.EMFILE : CALLS.errno()),
  };
  const { at, count } = await serve([await freeAddress()], { calls });
  const client = await open(at);
  client.send(ask(5));
  expect(await eventually(() => tries > 0)).toBe(true);
  // That little happens has no event to wait for.
  await sleep(5 * TCP_ACCEPT_PAUSE_MS);
  expect(tries).toBeLessThan(10);
  expect(count('tcpSocketErrors')).toBe(tries);
  isFull = false;
  expect((await client.receive(1)).map(idOf)).toEqual([5]);
});

test('a client that does not read gets little more than the kernel holds of what is unsent, and no answer is made beyond', async () => {
  const { at, listeners, count } = await serve([await freeAddress()], { responder: echoResponder(1000) });
  const client = await open(at, { reading: false });
  client.send(Buffer.concat(Array.from({ length: 60_000 }, (_, id) => ask(id))));
  expect(await eventually(() => listeners.table.phases().join() === 'blocked')).toBe(true);
  // The window that a client which never reads announces, of the segments in flight; a send buffer would grow to 4 MB.
  expect(count('tcpQueries') * 1000).toBeLessThan(TCP_UNSENT_BYTES + 1_500_000);
});

test('a client that resets while its answer is made elsewhere, or does not read, is gone at once', async () => {
  const { at, listeners, count } = await serve([await freeAddress()], { responder: echoResponder(60_000) });
  const client = await open(at, { reading: false });
  client.send(Buffer.concat(Array.from({ length: 200 }, (_, id) => ask(id))));
  expect(await eventually(() => listeners.table.phases().join() === 'blocked')).toBe(true);
  client.reset();
  expect(await eventually(() => listeners.table.size === 0, 2000)).toBe(true);
  expect([count('tcpSocketErrors'), count('tcpTimeoutWrite')]).toEqual([1, 0]);
});

test('an answer is whole, though the client has sent more than is read: the end is FIN, not RST', async () => {
  const { at } = await serve([await freeAddress()]);
  const client = await open(at);
  const garbage = framed(Buffer.from(simpleQuery(2)).fill(0x80, 2, 3));
  client.send(Buffer.concat([ask(1), garbage, Buffer.alloc(20_000)]));
  expect((await client.receive(1)).map(idOf)).toEqual([1]);
  expect(await client.ending()).toBe('end');
});

test('who had connected when the server drains is answered; who comes then is refused', async () => {
  const at = await freeAddress();
  const { listeners } = await serve([at]);
  const clients = await Promise.all(Array.from({ length: 20 }, () => open(at)));
  for (const [id, each] of clients.entries()) await each.sendNow(ask(id));
  const closed = listeners.close(1000);
  for (const [id, each] of clients.entries()) expect((await each.receive(1)).map(idOf)).toEqual([id]);
  await closed;
  await expect(TcpClient.open(at)).rejects.toThrow(/ECONNREFUSED/);
});

describe('sockets that are opened for a thread', () => {
  test('one that the service manager has opened is shared: closing ours leaves theirs', async () => {
    const at = await freeAddress();
    const theirs = openEpollSockets(CALLS, [at]);
    onTestFinished(() => theirs.close());
    const [fd] = theirs.handles.listeners;
    const sockets = openEpollSockets(CALLS, [at], { [formatIpPort(at)]: { tcp: fd } });
    const tcp = epollCarrier(sockets.handles);
    const { row } = testCounters();
    const addresses = [at];
    const listeners = await startWorkerListeners({ responder: echoResponder(), addresses, counters: row, tcp, openUdp: null });
    sockets.ring();
    await listeners.close(0);
    sockets.close();
    await expect(TcpClient.open(at).then((client) => client.destroy())).resolves.toBeUndefined();
  });

  test('an address that is taken is the system’s error, and none of the others stays open', async () => {
    const good = await freeAddress();
    const exclusive = createServer();
    await new Promise<void>((resolve) => exclusive.listen({ host: '127.0.0.1', port: 0, exclusive: true }, resolve));
    onTestFinished(() => void exclusive.close());
    const taken = exclusive.address();
    const before = openDescriptors();
    const at = ipPort('127.0.0.1', typeof taken === 'object' && taken !== null ? taken.port : 0);
    expect(() => openEpollSockets(CALLS, [good, at])).toThrow(expect.objectContaining({ code: 'EADDRINUSE', syscall: 'bind' }));
    expect(openDescriptors()).toBe(before);
  });

  test('what a thread leaves open when it dies, its opener closes: listeners, connections, epoll and the bell', async () => {
    const before = openDescriptors();
    const sockets = openEpollSockets(CALLS, [await freeAddress()]);
    const descriptors = new Int32Array(sockets.handles.descriptors);
    // As the thread would note a connection.
    descriptors[7] = CALLS.dup(sockets.handles.bellFd) + 1;
    expect(openDescriptors()).toBe(before + 4);
    sockets.close();
    expect(openDescriptors()).toBe(before);
    expect(() => sockets.ring()).not.toThrow();
  });
});

describe('the choice', () => {
  test('each call is tried, and the first that does not work is the reason', () => {
    expect(() => tryEpoll(CALLS)).not.toThrow();
    const before = openDescriptors();
    const denied = (name: keyof EpollSyscalls): EpollSyscalls => {
      let isDenied = false;
      const deny = () => {
        isDenied = true;
        return -1;
      };
      return { ...CALLS, [name]: deny, errno: () => (isDenied ? ERRNO.ENOSYS : CALLS.errno()) };
    };
    for (const name of ['epoll_create1', 'epoll_ctl', 'epoll_wait', 'accept4', 'recv', 'send', 'fcntl', 'setsockopt'] as const)
      expect(() => tryEpoll(denied(name))).toThrow(`${name} ENOSYS`);
    const empty: EpollSyscalls = { ...CALLS, epoll_wait: () => 0 };
    expect(() => tryEpoll(empty)).toThrow('epoll_wait does not tell what was asked for');
    expect(openDescriptors()).toBe(before);
  });

  test('node:net needs no try; epoll opens sockets here', async () => {
    expect(await chooseTcp('net')).toEqual({ openEpoll: undefined, refusal: undefined });
    expect(await chooseTcp('auto')).toEqual({ openEpoll: expect.any(Function), refusal: undefined });
  });
});
