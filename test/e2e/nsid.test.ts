/** NSID (RFC 5001) on the running server, as dig and kdig show it: over UDP, by both kinds of socket, and TCP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dig, kdig } from '../support/dig.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { putZones } from '../support/waxseal.ts';

const ZONE = '$ORIGIN example.\n@ 300 SOA ns host 1 3600 600 86400 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n';

describe.each(['mmsg', 'dgram'] as const)('%s', (udp) => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ udp, workers: 1, config: '[dns]\nnsid = "fra1.ns"\n' });
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
});
