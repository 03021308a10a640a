/** What happens to an interface while it is served: each is seen, said once, and the kernel's sockets get what is not taken. */
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ipPort } from '#base/address.ts';
import { type OpenedInterface, descriptorsOfXdp, openXdp } from '#server/udp/xdp-open.ts';
import { startXdp } from '#server/udp/xdp-service.ts';
import { loadXdpSyscalls } from '#server/udp/xdp-syscalls.ts';
import { eventually, simpleQuery } from '../../support/dns-client.ts';
import { CLIENT_IP, NetworkLab, SERVER_IP } from '../../support/network-lab.ts';
import { type XdpServed, serveXdp } from '../../support/xdp-lab.ts';
import { echoResponder } from '../fixtures/echo.ts';

const PORT = 53;
let lab: NetworkLab;
let fromKernel = 0;

/** A fresh pair, with an ordinary socket beside, which answers in another way: with the query as it is. */
beforeAll(async () => {
  lab = await NetworkLab.open();
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    fromKernel += 1;
    socket.send(query, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(PORT, '0.0.0.0', resolve));
  afterAll(() => void socket.close());
});
afterAll(() => lab.close());

/** Who answers at an address: nobody, the kernel's socket, or AF_XDP. */
async function whoAnswers(ip: string = SERVER_IP[4]): Promise<'none' | 'kernel' | 'xdp'> {
  const reply = await lab.one(ipPort(ip, PORT), simpleQuery(7), { timeoutMs: 400 });
  return reply === undefined ? 'none' : reply[2]! >= 0x80 ? 'xdp' : 'kernel';
}

async function comesToBe(expected: Awaited<ReturnType<typeof whoAnswers>>, ip?: string): Promise<boolean> {
  for (let look = 0; look < 40; look++) {
    if ((await whoAnswers(ip)) === expected) return true;
    await sleep(50);
  }
  return false;
}

const serve = () => serveXdp(lab, [ipPort('0.0.0.0', PORT)], echoResponder());
const lastLine = ({ log }: XdpServed) => `${log.at(-1)?.event} ${log.at(-1)?.text}`;

describe('a wildcard', () => {
  test('means the addresses of the interface: one that comes is answered, one that goes is not', async () => {
    await serve();
    lab.ip('addr', 'add', '192.0.2.77/24', 'dev', lab.name);
    expect(await comesToBe('xdp', '192.0.2.77')).toBe(true);
    lab.ip('addr', 'del', '192.0.2.77/24', 'dev', lab.name);
    expect(await comesToBe('none', '192.0.2.77')).toBe(true);
    expect(await whoAnswers()).toBe('xdp');
  });

  test('never another machine’s: what passes by here goes on', async () => {
    await serve();
    lab.ip('addr', 'add', '198.51.100.1/32', 'dev', 'lo');
    lab.clientIp('route', 'add', '198.51.100.0/24', 'via', SERVER_IP[4]);
    onTestFinished(() => {
      lab.clientIp('route', 'del', '198.51.100.0/24');
      lab.ip('addr', 'del', '198.51.100.1/32', 'dev', 'lo');
    });
    expect(await whoAnswers('198.51.100.1')).toBe('kernel');
    expect(await whoAnswers('198.51.100.2')).toBe('none');
  });
});

test('down and up again, another name, another hardware address: it goes on', async () => {
  const served = await serve();
  expect(lastLine(served)).toMatch(
    /^udp\.xdp UDP at srv0 by AF_XDP by its driver, with copies \(zero-copy: bind ENOTSUP\): 1 queue, 1 of 1 workers/,
  );
  lab.ip('link', 'set', lab.name, 'down');
  expect(await eventually(() => lastLine(served).includes('the interface is down now'))).toBe(true);
  lab.ip('link', 'set', lab.name, 'name', 'other0');
  lab.ip('link', 'set', 'other0', 'address', '02:00:00:00:77:01');
  lab.ip('link', 'set', 'other0', 'up');
  expect(await comesToBe('xdp')).toBe(true);
  // A client that still has the hardware address of before may be answered a little sooner than that.
  const isRenamed = () => lastLine(served).startsWith('udp.xdp UDP at other0 (it was srv0) by AF_XDP');
  expect(await eventually(isRenamed)).toBe(true);
  lab.ip('link', 'set', 'other0', 'down');
  lab.ip('link', 'set', 'other0', 'name', lab.name);
  lab.ip('link', 'set', lab.name, 'up');
  expect(await comesToBe('xdp')).toBe(true);
});

test('an MTU that answers do not fit into: the kernel’s sockets, until it is larger', async () => {
  const served = await serve();
  lab.ip('link', 'set', lab.name, 'mtu', '1200');
  expect(await comesToBe('kernel')).toBe(true);
  expect(lastLine(served)).toBe(
    "udp.xdp-fallback UDP at srv0 by the kernel's sockets (recvmmsg), not by AF_XDP: its MTU is 1200, and answers need 1280 " +
      '(ip link set dev srv0 mtu 1280, or more)',
  );
  lab.ip('link', 'set', lab.name, 'mtu', '1500');
  expect(await comesToBe('xdp')).toBe(true);
});

test('a queue that has another socket: the kernel’s sockets, and AF_XDP when it is free; said once each', async () => {
  const first = await serve();
  const calls = loadXdpSyscalls();
  // Its program away and its socket still there: as a process that is not quite dead.
  const [opened] = first.opened.interfaces as [OpenedInterface];
  calls.close(opened.linkFd);
  Object.assign(opened, { linkFd: -1 });
  const second = await serveXdp(lab, [ipPort('0.0.0.0', PORT)], echoResponder());
  expect(second.log).toHaveLength(1);
  expect(lastLine(second)).toBe(
    "udp.xdp-fallback UDP at srv0 by the kernel's sockets (recvmmsg), not by AF_XDP: queue 0 has another AF_XDP socket; " +
      'it is tried again every 1 s',
  );
  expect(await whoAnswers()).toBe('kernel');
  first.pause();
  first.service.close();
  expect(await comesToBe('xdp')).toBe(true);
  expect(second.log.map(({ event }) => event)).toEqual(['udp.xdp-fallback', 'udp.xdp']);
});

test('counts of the kernel, and what is served, are in the row', async () => {
  const { service, row, count, pause } = await serve();
  pause();
  // Nobody takes them: the ring gets full.
  await lab.ask({
    to: lab.at(4, PORT),
    queries: Array.from({ length: 2500 }, (_, id) => simpleQuery(id)),
    timeoutMs: 200,
    window: 2500,
  });
  service.count(0, row);
  expect([count('xdpNative'), count('xdpGeneric'), count('xdpZeroCopy')]).toEqual([1, 0, 0]);
  expect(count('xdpKernelNoFrame') + count('xdpKernelRingFull') + count('xdpKernelDropped')).toBeGreaterThan(0);
  service.setReady(0, false);
  service.count(0, row);
  expect(count('xdpNative')).toBe(0);
});

test('nothing of it can be had: undefined, and a line for each interface', async () => {
  const opened = await openXdp(loadXdpSyscalls(), { interfaces: ['none0', 'none1'], ports: [PORT] });
  const lines: string[] = [];
  const options = {
    opened,
    listen: [],
    workers: 1,
    log: (event: string, text: string) => void lines.push(`${event} ${text}`),
  };
  expect(startXdp(options)).toBeUndefined();
  expect(lines).toEqual(
    ['none0', 'none1'].map((name) => expect.stringContaining(`udp.xdp-fallback UDP at ${name} by the kernel`)),
  );
  expect(descriptorsOfXdp(opened)).toHaveLength(1);
});

/** The last one: the interface is not there any more. */
test('deleted under load: said, and nothing breaks', async () => {
  const served = await serve();
  const load = lab.ask({
    ...{ to: lab.at(4, PORT), timeoutMs: 50, window: 64 },
    queries: Array.from({ length: 1500 }, (_, id) => simpleQuery(id)),
  });
  expect(await eventually(() => served.count('xdpQueries') > 500)).toBe(true);
  lab.ip('link', 'del', lab.name);
  await load;
  expect(await eventually(() => served.log.length === 2)).toBe(true);
  expect(lastLine(served)).toContain('the interface has gone. When it is there again, AF_XDP is opened again');
  served.service.count(0, served.row);
  expect(served.count('xdpNative')).toBe(0);
  expect([CLIENT_IP[4], fromKernel > 0]).toEqual(['192.0.2.2', true]);
});
