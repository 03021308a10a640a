/**
 * `zone check-delegation` on the running server: name servers at port 53 of loopback addresses, sound, then with NSD as
 * a second server that is behind, then with a name server that is not there.
 */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { putZones } from '../support/waxseal.ts';

const NETWORK = `127.${randomInt(16, 250)}`;
const [FIRST, SECOND, NONE] = [`${NETWORK}.1.53`, `${NETWORK}.2.53`, `${NETWORK}.3.53`];
const zone = (extra = '') => `@ 300 SOA ns1 host 1 3600 600 86400 300
@ 300 NS ns1
@ 300 NS ns2
ns1 300 A ${FIRST}
ns2 300 A ${SECOND}
${extra}`;
let server: RunningServer;

beforeAll(async () => {
  const config = `[mail]\nresolvers = ["${FIRST}:53"]\nprobe_networks = ["127.0.0.0/8"]\n`;
  server = await startServer({ config, workers: 1, words: ['--dns', `${FIRST}:53`, '--dns', `${SECOND}:53`] });
  const parent = `@ 300 SOA ns host 1 3600 600 86400 300\n@ 300 NS ns\nns 300 A ${FIRST}\nchild 300 NS ns1.child\nchild 300 NS ns2.child
ns1.child 300 A ${FIRST}\nns2.child 300 A ${SECOND}\n`;
  await putZones(
    server,
    [
      { name: 'example.', text: parent },
      { name: 'child.example.', text: zone() },
    ],
    'on',
  );
}, 120_000);
afterAll(() => server?.stop());

test('a sound delegation: exit 0, the addresses for the registrar, the parent that was asked', async () => {
  const { exit, out, err } = await server.cli('zone', 'check-delegation', 'child.example');
  expect([exit, err]).toEqual([0, '']);
  expect(out).toContain(`ns1.child.example. ${FIRST} (glue: the registrar needs these addresses)`);
  expect(out).toContain(`servers of the parent: ns.example ${FIRST}`);
  expect(out).toContain('child.example.: a registry that checks takes this delegation');
  expect(out).not.toMatch(/^error/m);
});

test('a name server that is not there: exit 6, which one, why, and what to do; as JSON too', async () => {
  await putZones(server, [{ name: 'child.example.', text: zone(`@ 300 NS ns3\nns3 300 A ${NONE}\n`) }], 'on');
  const { exit, out } = await server.cli('zone', 'check-delegation', 'child.example');
  expect(exit).toBe(6);
  expect(out).toMatch(
    new RegExp(`^error: ns3\\.child\\.example\\. ${NONE.replaceAll('.', '\\.')}: over UDP: .*\\[RFC 1034 §4\\.2\\.2\\]$`, 'm'),
  );
  expect(out).toContain('a registry that checks rejects this delegation');
  const answer = await server.api('GET', '/v1/zones/child.example/delegation');
  expect(answer.status).toBe(200);
  const body = (await answer.json()) as { acceptable: boolean; findings: { code: string; subject: string }[] };
  expect(body.acceptable).toBe(false);
  expect(body.findings.map(({ code, subject }) => `${code} ${subject}`)).toContain(`no-answer ns3.child.example. ${NONE}`);
});

test('a zone that is not here', async () => {
  const { exit, err } = await server.cli('zone', 'check-delegation', 'other.example');
  expect(exit).toBe(3);
  expect(err).toContain('other.example');
});
