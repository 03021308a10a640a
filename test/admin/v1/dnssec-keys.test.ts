/** `/v1/zones/{zone}/dnssec/keys…`: bodies become commands; a private key that was sent is in no answer. */
import { expect, test } from 'vitest';
import { bench } from '../../support/admin/bench.ts';
import { exampleServer } from '../../support/admin/example-server.ts';
import { adminRoutes } from '#admin/routes.ts';

const PRIVATE = 'Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=\n';

test('import and foreign keys are commands', async () => {
  const { call, control } = await bench();
  const post = (what: string, payload: object) => call('POST', `/v1/zones/example.com/dnssec/${what}`, { payload });
  await post('keys', { keys: [{ privateKey: PRIVATE, role: 'csk' }] });
  const more = { policy: 'keep', ignoreTimes: true, ignoreParent: true, replace: true, dnskeyTtl: 300 };
  await post('keys', { keys: [{ privateKey: PRIVATE, publicKey: 'DNSKEY 257 3 13 AAAA' }], published: ['DNSKEY 256 3 13 AAAA'], ...more });
  await post('foreign', { add: ['DNSKEY 257 3 13 AAAA'], announce: true, remove: [1] });
  expect(control.commands.slice(1).map(({ command: { zone: _zone, ...rest } }) => rest)).toEqual([
    {
      kind: 'dnssec.import',
      keys: [{ privateKey: PRIVATE, role: 'csk' }],
      published: [],
      areTimesIgnored: false,
      isReplacing: false,
      isParentIgnored: false,
    },
    {
      kind: 'dnssec.import',
      keys: [{ privateKey: PRIVATE, publicKey: 'DNSKEY 257 3 13 AAAA' }],
      published: ['DNSKEY 256 3 13 AAAA'],
      isPolicyTaken: false,
      areTimesIgnored: true,
      isReplacing: true,
      isParentIgnored: true,
      ttlSeconds: 300,
    },
    { kind: 'dnssec.foreign', add: ['DNSKEY 257 3 13 AAAA'], remove: [1], isAnnounced: true },
  ]);
});

test('bodies that cannot be are refused, and what was sent as a private key is in no answer', async () => {
  const { call } = await bench();
  const post = (what: string, payload: object) => call('POST', `/v1/zones/example.com/dnssec/${what}`, { payload });
  const secret = 'GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O';
  const bodies = [
    { keys: [] },
    { keys: [{ privateKey: `${PRIVATE}\u0007`, role: 'csk' }] },
    { keys: [{ privateKey: PRIVATE, role: 'key' }] },
    { keys: [{ privateKey: PRIVATE, [secret.slice(0, 3)]: 1 }] },
    { keys: [{ privateKey: PRIVATE.repeat(100) }] },
    { keys: Array.from({ length: 9 }, () => ({ privateKey: PRIVATE })) },
    { keys: { privateKey: PRIVATE } },
    { keys: [{ privateKey: PRIVATE }], dnskeyTtl: -1 },
  ];
  for (const body of bodies) {
    const answer = await post('keys', body);
    expect([answer.statusCode, answer.body.includes(secret)]).toEqual([422, false]);
  }
  for (const recipient of ['', 'AAAA', `${'A'.repeat(43)}==`, 'not base64 at all']) {
    expect((await post('keys/export', { recipient })).statusCode).toBe(422);
  }
});

test('a real server: a key that is not taken is not shown, one that is taken is listed by its public side', async () => {
  const server = await exampleServer();
  const route = adminRoutes().find(({ url, method }) => method === 'POST' && url.endsWith('/dnssec/keys'))!;
  const refused = await server.send(route, '', {
    keys: [{ privateKey: PRIVATE, publicKey: 'DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=' }],
  });
  expect(refused.statusCode).toBe(422);
  expect(refused.body).not.toContain('GU6SnQ');
  const taken = await server.change(route);
  expect(taken.statusCode).toBe(200);
  expect(taken.body).not.toContain('ODIyNjAz');
  expect(server.writer.zoneByName(new Uint8Array(Buffer.from('\u0007example\u0003com\u0000')))?.keys).toMatchObject([
    { keyTag: 3613, algorithm: 15 },
  ]);
});
