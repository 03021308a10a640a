/** `dns.udp = "xdp"` and its interfaces: from the file, from flags, and what is missing. */
import { describe, expect, test } from 'vitest';
import { XDP_PORTS_MAX } from '#base/limits/server.ts';
import { describeConfig, readConfig } from '#config/config.ts';

function read(text: string, flags: Readonly<Record<string, string | readonly string[]>> = {}) {
  const file = { path: '/etc/waxseal.toml', text };
  const result = readConfig({ file, environment: {}, flags, workingDirectory: '/' });
  return result.ok ? result.value : result.problems.map(({ message }) => message);
}

describe('dns.xdp_interfaces', () => {
  test('each once, with "xdp"', () => {
    const config = read('[dns]\nudp = "xdp"\nxdp_interfaces = ["eth0", "eth1", "eth0"]\n');
    expect(config).toMatchObject({ dns: { udp: 'xdp', xdpInterfaces: ['eth0', 'eth1'] } });
    if (Array.isArray(config) || !('dns' in config)) throw new Error('no configuration');
    expect(describeConfig(config)['dns']).toMatchObject({ udp: 'xdp', xdp_interfaces: ['eth0', 'eth1'] });
  });

  test('a flag for the socket leaves those of the file without effect', () => {
    const text = '[dns]\nudp = "xdp"\nxdp_interfaces = ["eth0"]\n';
    expect(read(text, { 'dns.udp': 'mmsg' })).toMatchObject({ dns: { udp: 'mmsg' } });
    expect(read('', { 'dns.udp': 'xdp', 'dns.xdp_interfaces': ['eth7'] })).toMatchObject({ dns: { xdpInterfaces: ['eth7'] } });
  });

  test('"xdp" without them, names that no interface has, more ports than a program compares with', () => {
    expect(read('[dns]\nudp = "xdp"\n')).toEqual([expect.stringContaining('dns.udp = "xdp" needs dns.xdp_interfaces')]);
    expect(read('[dns]\nudp = "xdp"\nxdp_interfaces = ["a-name-of-17-octs"]\n')).toEqual([expect.stringContaining('dns.xdp_interfaces')]);
    const listen = Array.from({ length: XDP_PORTS_MAX + 1 }, (_, at) => `"127.0.0.1:${5300 + at}"`).join(', ');
    expect(read(`[dns]\nudp = "xdp"\nxdp_interfaces = ["eth0"]\nlisten = [${listen}]\n`)).toEqual([
      `dns.listen has ${XDP_PORTS_MAX + 1} different ports, and dns.udp = "xdp" takes ${XDP_PORTS_MAX}`,
    ]);
  });
});
