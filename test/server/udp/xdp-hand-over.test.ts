/** Interfaces with their descriptors through a Unix socket, within one process: what arrives is the same files by other numbers. */
import { closeSync, fstatSync, mkdtempSync, openSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { XDP_QUEUES_MAX } from '#base/limits/server.ts';
import { type HandedInterface, HandOverReader, handOver } from '#server/udp/xdp-hand-over.ts';
import { type OpenedInterface, descriptorsOfInterface } from '#server/udp/xdp-open.ts';
import { loadXdpSyscalls } from '#server/udp/xdp-syscalls.ts';
import { unixPair } from '../../support/unix-pair.ts';

const calls = loadXdpSyscalls();

/** An interface whose descriptors are those of files. */
function interfaceOf(queues: number): OpenedInterface {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-hand-over-'));
  let made = 0;
  const open = () => {
    const fd = openSync(join(folder, String(made++)), 'w');
    onTestFinished(() => closeSync(fd));
    return fd;
  };
  const all = Array.from({ length: queues }, () => ({ fd: open(), memoryFd: open() }));
  return {
    ...{ name: 'eth0', index: 7, mode: 'native', linkFd: open(), controlFd: open() },
    ...{ queues: all, queuesLeft: 3 },
  } as const;
}

const openCount = () => readdirSync('/proc/self/fd').length;
const inodes = (each: OpenedInterface) => descriptorsOfInterface(each).map((fd) => fstatSync(fd).ino);

test.each([1, XDP_QUEUES_MAX])(
  '%i queues: the receiver has the same files, and the sender keeps its own',
  async (queues) => {
    const [near, far] = await unixPair();
    const given = interfaceOf(queues);
    handOver(calls, near.fd, given);
    const taken = new HandOverReader(calls, far.fd).next() as OpenedInterface;
    expect({ ...taken, linkFd: 0, controlFd: 0, queues: [] }).toEqual({
      ...given,
      linkFd: 0,
      controlFd: 0,
      queues: [],
    });
    expect(inodes(taken)).toEqual(inodes(given));
    const numbers = descriptorsOfInterface(taken);
    expect(numbers.filter((fd) => descriptorsOfInterface(given).includes(fd))).toEqual([]);
    for (const fd of numbers) closeSync(fd);
  },
);

test('several, one after the other; a refusal has no descriptors; then nothing waits', async () => {
  const [near, far] = await unixPair();
  const reader = new HandOverReader(calls, far.fd);
  const refused: HandedInterface = { name: 'eth1', refusal: 'it is “not” Ethernet' };
  handOver(calls, near.fd, refused);
  handOver(calls, near.fd, refused);
  handOver(calls, near.fd, interfaceOf(2));
  handOver(calls, near.fd, refused);
  expect(reader.next()).toEqual(refused);
  expect(reader.next()).toEqual(refused);
  const taken = reader.next() as OpenedInterface;
  expect(taken.queues).toHaveLength(2);
  for (const fd of descriptorsOfInterface(taken)) closeSync(fd);
  expect(reader.next()).toEqual(refused);
  expect(reader.next()).toBeUndefined();
  near.socket.write('{"name":"eth2",');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(reader.next()).toBeUndefined();
  near.socket.write('"refusal":"in two pieces"}\n');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(reader.next()).toEqual({ name: 'eth2', refusal: 'in two pieces' });
  near.socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(reader.next()).toBeUndefined();
});

test('what has no such form is rejected, and leaves no descriptor open', async () => {
  const [near, far] = await unixPair();
  const reader = new HandOverReader(calls, far.fd);
  const given = interfaceOf(2);
  const before = openCount();
  // Its text speaks of more queues than there are descriptors.
  handOver(
    calls,
    near.fd,
    Object.assign({ toJSON: () => ({ ...given, queues: [...given.queues, ...given.queues] }) }, given),
  );
  expect(() => reader.next()).toThrow('an interface was handed over in a form that is none');
  for (const text of ['{"name":\n', '7\n', 'x'.repeat(3 * 16 * 1024)]) {
    near.socket.write(text);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(() => reader.next()).toThrow('in a form that is none');
  }
  expect(openCount()).toBe(before);
});

test('more than one message takes is rejected, and a socket that is none is the system’s error', async () => {
  const [near] = await unixPair();
  const [queue] = interfaceOf(1).queues;
  const many = { ...interfaceOf(1), queues: Array.from({ length: XDP_QUEUES_MAX + 1 }, () => queue!) };
  expect(() => handOver(calls, near.fd, many)).toThrow('eth0 has 132 descriptors, which do not fit into one message');
  const { fd } = interfaceOf(1).queues[0]!;
  expect(() => handOver(calls, fd, interfaceOf(1))).toThrow('sendmsg ENOTSOCK eth0');
  expect(() => new HandOverReader(calls, fd).next()).toThrow('recvmsg ENOTSOCK');
});
