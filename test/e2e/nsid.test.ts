/** NSID (RFC 5001) on the running server, as dig and kdig show it: over UDP, by both kinds of socket, and TCP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dig, kdig } from '../support/dig.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { putZones } from '../support/waxseal.ts';

const ZONE = '$ORIGIN example.\n@ 300 SOA ns host 1 3600 600 86400 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n';

describe.each(['mmsg', 'dgram'] as const)('%s', (udp) => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ udp, workers: 1, config: '[dns]\nnsid = "fra1.ns"\nreport_agent = "agent.example.net"\n' });
    await putZones(server, [{ name: 'example.', text: ZONE }], 'on');
  }, 120_000);
  afterAll(() => server.stop());

  test.each([
    ['UDP', []],
    ['TCP', ['+tcp']],
  ] as const)('over %s, and only when asked for', async (_name, transport) => {
    const endpoint = server;
    for (let round = 0; round < 2; round++) {
      const asked = await dig(endpoint, ['ns.example', 'A', '+nsid', ...transport]);
      expect(asked.text).toMatch(/; NSID: 66 72 61 31 2e 6e 73 \("fra1\.ns"\)/);
      expect(asked.answer).toEqual(['ns.example. 300 IN A 192.0.2.1']);
      expect((await kdig(endpoint, ['ns.example', 'A', '+nsid', ...transport])).text).toContain(`NSID: 667261312E6E73 "fra1.ns"`);
      const plain = await dig(endpoint, ['ns.example', 'A', '+edns=0', ...transport]);
      expect(plain.text).not.toContain('NSID');
      expect(plain.answer).toEqual(asked.answer);
    }
    expect((await dig(endpoint, ['none.example', 'A', '+nsid', '+dnssec', ...transport])).text).toContain('; NSID: 66 72 61 31');
  });

  test('RFC 7314 §3.2: EXPIRE of the SOA, as dig shows it', async () => {
    expect((await dig(server, ['example', 'SOA', '+expire'])).text).toContain('; EXPIRE: 86400 (1 day)');
    expect((await dig(server, ['example', 'SOA'])).text).not.toContain('EXPIRE: ');
  });

  test('RFC 7828, RFC 9660, RFC 9567: keepalive, version of the zone and report channel, as dig shows them', async () => {
    const { text } = await dig(server, ['ns.example', 'A', '+tcp', '+keepalive', '+ednsopt=19']);
    expect(text).toContain('; TCP KEEPALIVE: 10.0 secs');
    // Labels, type and serial 1; BIND 9.18 has no name for the option.
    expect(text).toMatch(/; OPT=19: 01 00 00 00 00 01/);
    expect(text).toMatch(/; OPT=18: 05 61 67 65 6e 74 07 65 78 61 6d 70 6c 65 03 6e 65 74 00/);
    const over = await dig(server, ['ns.example', 'A', '+keepalive', '+notcp']);
    expect(over.text).not.toContain('KEEPALIVE: ');
  });
});
