/** What only the batched socket has: structures, source addresses on 0.0.0.0 and [::], errors of single answers. */
import { createSocket } from 'node:dgram';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { formatIpPort, ipPort, type IpPort } from '#base/address.ts';
import { UDP_SEND_WAITS_MAX } from '#base/limits/server.ts';
import { chooseUdp } from '#server/udp/choose.ts';
import { openUdp } from '#server/udp/mmsg.ts';
import { UdpBatch } from '#server/udp/mmsg-batch.ts';
import { openSockets } from '#server/udp/mmsg-socket.ts';
import { ERRNO, loadSyscalls, type Syscalls } from '#server/udp/mmsg-syscalls.ts';
import { tryPackets } from '#server/udp/mmsg-trial.ts';
import { eventually, idOf, simpleQuery } from '../../support/dns-client.ts';
import { echoResponder, freeAddress, testCounters } from '../fixtures/echo.ts';

/** A socket that hears one reply at a time, and where it came from. */
async function clientOn(ip: string) {
  const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve) => socket.bind(0, ip, resolve));
  onTestFinished(() => void socket.close());
  return (to: IpPort, id: number) =>
    new Promise<{ readonly from: string; readonly id: number }>((resolve) => {
      socket.once('message', (reply, { address, port }) => resolve({ from: formatIpPort(ipPort(address, port)), id: idOf(reply) }));
      socket.send(simpleQuery(id), to.port, to.ip);
    });
}

async function serve(ip: string) {
  const at = await freeAddress(ip);
  const { row, count } = testCounters();
  const listener = await openUdp([at], echoResponder(), row);
  onTestFinished(() => listener.close(100));
  return { at, count };
}

describe('the answer leaves from the address that was asked', () => {
  test('on 0.0.0.0: 127.0.0.1, 127.0.0.5 and 127.9.9.9, from one client and another', async () => {
    const { at } = await serve('0.0.0.0');
    for (const from of ['127.0.0.1', '127.0.0.77']) {
      const ask = await clientOn(from);
      for (const [id, ip] of ['127.0.0.1', '127.0.0.5', '127.9.9.9', '127.0.0.5'].entries())
        expect(await ask(ipPort(ip, at.port), id)).toEqual({ from: `${ip}:${at.port}`, id });
    }
  });

  test('on [::]', async () => {
    const { at } = await serve('::');
    const ask = await clientOn('::1');
    expect(await ask(ipPort('::1', at.port), 1)).toEqual({ from: `[::1]:${at.port}`, id: 1 });
  });

  test('a batch with different destinations: each its own', async () => {
    const { at } = await serve('0.0.0.0');
    const asks = await Promise.all(Array.from({ length: 40 }, (_, n) => clientOn(`127.0.1.${1 + n}`)));
    const replies = await Promise.all(asks.map((ask, n) => ask(ipPort(`127.0.2.${1 + n}`, at.port), n)));
    expect(replies).toEqual(asks.map((_, n) => ({ from: `127.0.2.${1 + n}:${at.port}`, id: n })));
  });
});

/** The real calls, with some of them replaced. */
function batchWith(replaced: Partial<Syscalls>, at: IpPort) {
  const calls = { ...loadSyscalls(), ...replaced };
  const sockets = openSockets(calls, [at]);
  onTestFinished(() => sockets.close());
  const { row, count } = testCounters();
  const batch = new UdpBatch(calls, echoResponder(), row);
  return { turn: () => batch.turn(sockets.sockets[0]!), count, to: sockets.addresses[0]! };
}

async function sendAll(to: IpPort, ids: readonly number[]) {
  const client = createSocket('udp4');
  onTestFinished(() => void client.close());
  const heard: number[] = [];
  client.on('message', (reply) => void heard.push(idOf(reply)));
  for (const id of ids) await new Promise<void>((resolve) => client.send(simpleQuery(id), to.port, to.ip, () => resolve()));
  return heard;
}

describe('sendmmsg', () => {
  const real = loadSyscalls();

  test('answers that are refused one by one (firewall, no route) are counted, and the others go out', async () => {
    let errno = 0;
    let calls = 0;
    const { turn, count, to } = batchWith(
      {
        errno: () => errno || real.errno(),
        // First two go out, the third fails, as the kernel tells it: a short count, then the error.
        sendmmsg: (fd, headers, left, flags) => {
          calls += 1;
          if (calls === 1) return real.sendmmsg(fd, headers, 2, flags);
          errno = calls === 2 ? ERRNO.EPERM : 0;
          return calls === 2 ? -1 : real.sendmmsg(fd, headers, left, flags);
        },
      },
      ipPort('127.0.0.1', 0),
    );
    const heard = await sendAll(to, [1, 2, 3, 4, 5]);
    expect(turn()).toBe(5);
    expect(await eventually(() => heard.length === 4)).toBe(true);
    expect(heard).toEqual([1, 2, 4, 5]);
    expect([count('udpAnswers'), count('udpSendErrors'), count('udpSendOverflow')]).toEqual([4, 1, 0]);
  });

  test('a full send buffer is waited for, a bounded time; then the rest is dropped', async () => {
    const poll = vi.fn<Syscalls['poll']>(() => 0);
    const sendmmsg = vi.fn<Syscalls['sendmmsg']>(() => -1);
    const { turn, count, to } = batchWith({ errno: () => ERRNO.EAGAIN, sendmmsg, poll }, ipPort('127.0.0.1', 0));
    await sendAll(to, [1, 2, 3]);
    expect(turn()).toBe(3);
    expect(poll).toHaveBeenCalledTimes(UDP_SEND_WAITS_MAX);
    expect([count('udpAnswers'), count('udpSendErrors'), count('udpSendOverflow')]).toEqual([0, 0, 3]);
    sendmmsg.mockImplementation((...rest) => real.sendmmsg(...rest));
    const heard = await sendAll(to, [4]);
    expect(turn()).toBe(1);
    expect(await eventually(() => heard.length === 1)).toBe(true);
  });

  test('a signal in between does no harm', async () => {
    let interrupted = 0;
    const { turn, count, to } = batchWith(
      {
        errno: () => ERRNO.EINTR,
        sendmmsg: (...rest) => (interrupted++ < 3 ? -1 : real.sendmmsg(...rest)),
      },
      ipPort('127.0.0.1', 0),
    );
    await sendAll(to, [1, 2]);
    expect(turn()).toBe(2);
    expect(count('udpAnswers')).toBe(2);
  });
});

describe('recvmmsg', () => {
  test('an error at the socket is counted and over', async () => {
    const real = loadSyscalls();
    let failed = false;
    const { turn, count, to } = batchWith(
      {
        errno: () => ERRNO.ECONNREFUSED,
        recvmmsg: (...rest) => {
          if (failed) return real.recvmmsg(...rest);
          failed = true;
          return -1;
        },
      },
      ipPort('127.0.0.1', 0),
    );
    await sendAll(to, [1]);
    expect(turn()).toBe(0);
    expect(count('udpSocketErrors')).toBe(1);
    expect(turn()).toBe(1);
  });

  test('nothing there', () => {
    const { turn, count } = batchWith({}, ipPort('127.0.0.1', 0));
    expect(turn()).toBe(0);
    expect(count('udpSocketErrors')).toBe(0);
  });

  test('a socket that is closed under it is a bug, and says so', () => {
    const { turn } = batchWith({ recvmmsg: () => -1, errno: () => ERRNO.EBADF }, ipPort('127.0.0.1', 0));
    expect(turn).toThrow('recvmmsg EBADF');
  });
});

describe('the machine', () => {
  test('packets come through here, and auto takes the batched socket', async () => {
    expect(() => tryPackets(loadSyscalls())).not.toThrow();
    const chosen = await chooseUdp('auto');
    expect(chosen.refusal).toBeUndefined();
    expect(chosen.openMmsg).toBeDefined();
    expect(await chooseUdp('dgram')).toEqual({ openMmsg: undefined, refusal: undefined });
  });

  test.each<[string, Partial<Syscalls>, string]>([
    ['the call is forbidden', { recvmmsg: () => -1, errno: () => ERRNO.ENOSYS }, 'recvmmsg on IPv4'],
    ['answers do not leave', { sendmmsg: () => -1, errno: () => ERRNO.EPERM }, 'sendmmsg on IPv4'],
    ['no socket can be had', { socket: () => -1, errno: () => ERRNO.EMFILE }, 'socket EMFILE'],
  ])('%s: the trial tells', (_what, replaced, reason) => {
    expect(() => tryPackets({ ...loadSyscalls(), ...replaced })).toThrow(reason);
  });

  test('another operating system or another processor: the reason is told, and node:dgram takes over', async () => {
    vi.spyOn(process, 'platform', 'get').mockReturnValue('darwin');
    onTestFinished(() => void vi.restoreAllMocks());
    expect(await chooseUdp('auto')).toEqual({ openMmsg: undefined, refusal: 'recvmmsg is Linux only, this is darwin' });
    vi.spyOn(process, 'platform', 'get').mockReturnValue('linux');
    vi.spyOn(process, 'arch', 'get').mockReturnValue('mips');
    expect(await chooseUdp('mmsg')).toMatchObject({ openMmsg: undefined, refusal: expect.stringContaining('mips') });
  });
});
