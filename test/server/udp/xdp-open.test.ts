/** What can be opened and what cannot, with the reason that an operator reads. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ERRNO } from '#server/udp/mmsg-syscalls.ts';
import { BPF_ATTR, BPF_ATTR_BYTES, BPF_COMMAND, XDP_NUMBER } from '#server/udp/xdp-layout.ts';
import { type OpenedInterface, descriptorsOfXdp, openXdp, unsuitable } from '#server/udp/xdp-open.ts';
import { type XdpSyscalls, loadXdpSyscalls, viewMemory } from '#server/udp/xdp-syscalls.ts';
import { eventually } from '../../support/dns-client.ts';
import { NetworkLab } from '../../support/network-lab.ts';
import { descriptorCount } from '../../support/process-facts.ts';

let lab: NetworkLab;
beforeAll(async () => {
  lab = await NetworkLab.open({ queues: 2 });
});
afterAll(() => lab.close());

const real = loadXdpSyscalls();

async function open(interfaces: readonly string[], calls: XdpSyscalls = real) {
  const opened = await openXdp(calls, { interfaces, ports: [53] });
  const close = () => {
    for (const fd of descriptorsOfXdp(opened)) real.close(fd);
  };
  onTestFinished(close);
  return { opened, close };
}

/** The real calls, but one that fails. */
function failing(
  name: 'socket' | 'setsockopt' | 'bpf',
  code: keyof typeof ERRNO,
  fails: (...words: readonly number[]) => boolean,
): XdpSyscalls {
  let failed = false;
  const call: (...words: readonly number[]) => number = real[name];
  return {
    ...real,
    [name]: (...words: readonly number[]) => {
      failed = fails(...words);
      return failed ? -1 : call(...words);
    },
    errno: () => (failed ? ERRNO[code] : real.errno()),
  };
}

const refusalOf = async (calls: XdpSyscalls, name = lab.name) => {
  const { opened } = await open([name], calls);
  const [first] = opened.interfaces;
  return first !== undefined && 'refusal' in first ? first.refusal : undefined;
};

test('a veth pair with two queues: native, two sockets; all is gone when it is closed', async () => {
  const before = descriptorCount(process.pid);
  const { opened, close } = await open([lab.name]);
  const [first] = opened.interfaces as [OpenedInterface];
  expect([first.name, first.mode, first.queues.length, first.queuesLeft]).toEqual([lab.name, 'native', 2, 0]);
  expect(lab.programs()).toHaveLength(1);
  close();
  expect(await eventually(() => lab.programs().length === 0)).toBe(true);
  expect(descriptorCount(process.pid)).toBe(before);
});

test('a driver without XDP: the kernel’s own, and the reason', async () => {
  const isDriver = (command: number, address: number) => {
    if (command !== BPF_COMMAND.BPF_LINK_CREATE) return false;
    return linkFlags(address) === XDP_NUMBER.XDP_FLAGS_DRV_MODE;
  };
  const { opened } = await open(
    [lab.name],
    failing('bpf', 'EOPNOTSUPP', (command = 0, address = 0) => isDriver(command, address)),
  );
  expect(opened.interfaces[0]).toMatchObject({
    mode: 'generic',
    notNative: expect.stringContaining('BPF_LINK_CREATE'),
  });
  expect(lab.ip('link', 'show', lab.name)).toContain('xdpgeneric');
});

test('bpf(2): a signal that comes while the program is looked at (EAGAIN): it is loaded again, five times at most', async () => {
  const interrupted = (times: number) => {
    let left = times;
    return failing('bpf', 'EAGAIN', (command) => command === BPF_COMMAND.BPF_PROG_LOAD && left-- > 0);
  };
  const { opened } = await open([lab.name], interrupted(4));
  expect(opened.interfaces[0]).toMatchObject({ mode: 'native' });
  expect(await refusalOf(interrupted(5))).toBe('bpf EAGAIN BPF_PROG_LOAD');
});

describe('refused', () => {
  test('interfaces that are not there, or are none for it; the others are opened', async () => {
    const { opened } = await open(['missing', 'lo', lab.name]);
    expect(opened.interfaces.map((each) => ('refusal' in each ? each.refusal : each.mode))).toEqual([
      'there is no such interface (see: ip link)',
      'it is not Ethernet',
      'native',
    ]);
  });

  test('a VLAN', () => {
    const link = {
      index: 3,
      name: 'eth0.7',
      mtu: 1500,
      isUp: true,
      isEthernet: true,
      mac: new Uint8Array(6),
      receiveQueues: 1,
    };
    expect(unsuitable({ ...link, kind: 'vlan' })).toBe(
      'it is a VLAN: its packets arrive without their tag, and answers need one',
    );
    expect(unsuitable({ ...link, kind: 'bond' })).toBeUndefined();
  });

  test('rights are missing: which, and where they come from', async () => {
    const before = descriptorCount(process.pid);
    const why = 'it takes CAP_NET_RAW, CAP_BPF and CAP_NET_ADMIN at the start (systemd: AmbientCapabilities=)';
    expect(await refusalOf(failing('socket', 'EPERM', (family) => family === XDP_NUMBER.AF_XDP))).toBe(
      `socket EPERM for AF_XDP: ${why}`,
    );
    expect(await refusalOf(failing('bpf', 'EPERM', () => true))).toBe(`bpf EPERM BPF_MAP_CREATE: ${why}`);
    // The socket for rtnetlink stays until the test ends.
    expect(descriptorCount(process.pid)).toBeLessThanOrEqual(before + 2);
  });

  test('a kernel without AF_XDP', async () => {
    const calls = failing('socket', 'EAFNOSUPPORT', (family) => family === XDP_NUMBER.AF_XDP);
    expect(await refusalOf(calls)).toContain('CONFIG_XDP_SOCKETS');
  });

  test('too little locked memory: how much is needed', async () => {
    const calls = failing('setsockopt', 'ENOBUFS', (_fd, _level, option) => option === XDP_NUMBER.XDP_UMEM_REG);
    expect(await refusalOf(calls)).toMatch(
      /^its 2 queues need 10 MiB of locked memory \(5 MiB each\), and the limit is .*LimitMEMLOCK=15M/,
    );
  });

  test('another program is there: it is waited for a little', async () => {
    const { close } = await open([lab.name]);
    expect(await refusalOf(real)).toMatch(/^another XDP program is attached to it; detach it/);
    const later = open([lab.name]);
    setTimeout(close, 300);
    expect((await later).opened.interfaces[0]).toMatchObject({ mode: 'native' });
  });
});

/** Of union bpf_attr at an address: the caller's memory is ours. */
function linkFlags(address: number): number {
  return new Uint32Array(viewMemory({ address, sizeBytes: BPF_ATTR_BYTES }))[BPF_ATTR.BPF_LINK_CREATE.flags / 4]!;
}
