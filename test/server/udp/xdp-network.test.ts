/** The kernel lists its interfaces and addresses, and tells when they change. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { NetworkReader, openNetlink } from '#server/udp/xdp-network.ts';
import { mapped } from '#server/udp/xdp-netlink.ts';
import { ERRNO } from '#server/udp/mmsg-syscalls.ts';
import { loadXdpSyscalls } from '#server/udp/xdp-syscalls.ts';
import { NetworkLab } from '../../support/network-lab.ts';

let lab: NetworkLab;
beforeAll(async () => {
  lab = await NetworkLab.open({ queues: 2 });
});
afterAll(() => lab.close());

const calls = loadXdpSyscalls();

function reader(replaced: Partial<typeof calls> = {}): NetworkReader {
  const fd = openNetlink(calls);
  onTestFinished(() => void calls.close(fd));
  return new NetworkReader({ ...calls, ...replaced }, fd);
}

test('what there is', () => {
  const network = reader().read()!;
  const { destinationMac } = lab.hardwareAddresses();
  expect(network.links.map(({ name }) => name)).toEqual(['lo', lab.name]);
  const link = network.links[1]!;
  const pair = { name: lab.name, mtu: 1500, isUp: true, isEthernet: true, kind: 'veth', receiveQueues: 2 };
  expect(link).toMatchObject(pair);
  expect([...link.mac]).toEqual(destinationMac);
  const own = network.addresses.filter(({ index }) => index === link.index);
  expect(own).toContainEqual({ index: link.index, family: 4, octets: mapped(Uint8Array.of(192, 0, 2, 1)) });
  expect(own.some(({ family, octets }) => family === 6 && octets[0] === 0x20)).toBe(true);
});

test('1000 addresses are listed whole', () => {
  const commands = Array.from({ length: 1000 }, (_, at) => `addr add 10.9.${at >> 8}.${at & 255}/32 dev lo`);
  lab.batch(commands);
  expect(reader().read()!.addresses.length).toBeGreaterThan(1000);
  lab.batch(commands.map((each) => each.replace(/^addr add/, 'addr del')));
});

test('a change is heard of once', () => {
  const network = reader();
  expect(network.hasChanged()).toBe(false);
  lab.ip('addr', 'add', '192.0.2.99/24', 'dev', lab.name);
  expect([network.hasChanged(), network.hasChanged()]).toEqual([true, false]);
  lab.ip('addr', 'del', '192.0.2.99/24', 'dev', lab.name);
  expect(network.hasChanged()).toBe(true);
});

test('events that were lost for lack of space are a change; another error is thrown', () => {
  let errnos: number[] = [ERRNO.ENOBUFS, ERRNO.EAGAIN];
  const network = reader({ recv: () => -1, errno: () => errnos.shift()! });
  expect(network.hasChanged()).toBe(true);
  errnos = [ERRNO.EBADF, ERRNO.EBADF];
  expect(() => network.hasChanged()).toThrow('recv EBADF from rtnetlink');
});
