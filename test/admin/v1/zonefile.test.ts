/** `/v1/zones/{zone}/zonefile`: export and import. */
import { describe, expect, test } from 'vitest';
import { type OutcomeBody, type ProblemBody, bench } from '../../support/admin/bench.ts';

const dns = { 'content-type': 'text/dns' };

describe('GET', () => {
  test('exports what can be imported again', async () => {
    const { call } = await bench();
    const exported = await call('GET', '/v1/zones/example.com/zonefile');
    expect(exported.headers['content-type']).toMatch(/^text\/dns/);
    expect(exported.body).toMatch(/^example\.com\.\s+3600\s+IN\s+SOA\s/);
    const again = await call('PUT', '/v1/zones/copy.test/zonefile', {
      headers: dns,
      payload: exported.body.replaceAll('example.com.', 'copy.test.'),
    });
    expect(again.statusCode).toBe(201);
    const copy = await call('GET', '/v1/zones/copy.test/zonefile');
    expect(copy.body.replaceAll('copy.test.', 'example.com.')).toBe(exported.body);
  });
});

describe('PUT', () => {
  test('creates and replaces; dnssec counts on creation', async () => {
    const { call, control } = await bench();
    const text = '@ 300 SOA ns host 7 1 2 3 4\n@ 300 NS ns\nns 300 A 192.0.2.1\n';
    const made = await call('PUT', '/v1/zones/new.test/zonefile?dnssec=off&file=new.zone', { headers: dns, payload: text });
    expect([made.statusCode, made.headers.location, made.json<OutcomeBody>().serial]).toEqual([201, '/v1/zones/new.test', 7]);
    expect(control.commands.at(-1)?.command).toMatchObject({ kind: 'zone.import', dnssec: false, file: 'new.zone', text });
    const replaced = await call('PUT', '/v1/zones/new.test/zonefile', { headers: dns, payload: text.replace('.1\n', '.2\n') });
    expect(replaced.statusCode).toBe(200);
    expect(replaced.json<OutcomeBody>().changeset).toMatchObject({
      deleted: ['ns.new.test. 300 IN A 192.0.2.1'],
      added: ['ns.new.test. 300 IN A 192.0.2.2'],
    });
  });

  test('gives every octet to the parser as it is', async () => {
    const { call, control } = await bench();
    const octets = Buffer.from([...Buffer.from('@ 300 SOA a b 1 1 1 1 1\nt 300 TXT "'), 0xc3, 0xbc, 0xff, 0x80, ...Buffer.from('"\n')]);
    await call('PUT', '/v1/zones/new.test/zonefile?dryRun=1', { headers: dns, payload: octets });
    expect(control.commands.at(-1)?.command).toMatchObject({ text: octets.toString('latin1') });
  });

  test('tells all problems with their lines, and stores nothing', async () => {
    const { call } = await bench();
    const payload = '@ 300 SOA a b 1 1 1 1 1\nwww 300 A 192.0.2.999\nwww 300 AAAA ::g\n';
    const answer = await call('PUT', '/v1/zones/new.test/zonefile?file=new.zone', { headers: dns, payload });
    expect(answer.statusCode).toBe(422);
    expect(answer.json<ProblemBody>().errors.map(({ at }) => at.split(':').slice(0, 2).join(':'))).toEqual(['new.zone:2', 'new.zone:3']);
    expect((await call('GET', '/v1/zones/new.test')).statusCode).toBe(404);
  });

  test('does not read files of the server', async () => {
    const { call } = await bench();
    const answer = await call('PUT', '/v1/zones/new.test/zonefile', { headers: dns, payload: '$INCLUDE /etc/passwd\n' });
    expect(answer.statusCode).toBe(422);
    expect(answer.body).not.toContain('root:');
  });

  test('is limited in size', async () => {
    const { call } = await bench({ zoneFileBytesMax: 1000 });
    const put = async (bytes: number) =>
      await call('PUT', '/v1/zones/new.test/zonefile', { headers: dns, payload: `;${'x'.repeat(bytes - 1)}` });
    expect((await put(1001)).json<ProblemBody>().code).toBe('BODY_SIZE');
    expect((await put(1000)).statusCode).not.toBe(413);
  });

  test('takes text/dns only', async () => {
    const { call } = await bench();
    const put = async (type: string) =>
      (await call('PUT', '/v1/zones/new.test/zonefile', { headers: { 'content-type': type }, payload: ';' })).statusCode;
    for (const type of ['application/json', 'text/plain', 'text/dnsx', 'text/html', 'application/octet-stream'])
      expect(await put(type)).toBe(415);
    for (const type of ['text/dns; charset=utf-8', 'TEXT/DNS', 'text/dns\t;charset=us-ascii']) expect(await put(type)).not.toBe(415);
  });

  test('says so when there is no body', async () => {
    const { call } = await bench();
    expect((await call('PUT', '/v1/zones/new.test/zonefile')).json<ProblemBody>().code).toBe('BODY_MISSING');
  });
});

test('may not create their zone by importing it', async () => {
  const { app, tokens } = await bench();
  const answer = await app.inject({
    method: 'PUT',
    url: '/v1/zones/other.test/zonefile',
    headers: { authorization: `Bearer ${tokens.other}`, 'content-type': 'text/dns' },
    payload: '@ 300 SOA a b 1 2 3 4 5\n@ 300 NS ns.test.\n',
  });
  expect(answer.statusCode).toBe(403);
});
