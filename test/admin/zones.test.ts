import { describe, expect, test } from 'vitest';
import { WAIT_SERVED_MS_MAX } from '#base/limits/limits.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { PRIVATE_MARKER } from '../support/admin/fake-control.ts';
import { type ProblemBody, bench } from '../support/admin/bench.ts';

interface OutcomeBody {
  readonly zone: string;
  readonly serial: number;
  readonly revision: number;
  readonly changed: boolean;
  readonly created: boolean;
  readonly dryRun: boolean;
  readonly served?: boolean;
  readonly changeset: { readonly deleted: readonly string[]; readonly added: readonly string[] };
  readonly warnings: readonly { readonly code: string }[];
}

const dns = { 'content-type': 'text/dns' };

describe('/v1/zones', () => {
  test('creates a zone, signed unless told otherwise, and says where it is', async () => {
    const { call, control } = await bench();
    const answer = await call('POST', '/v1/zones', {
      payload: { name: 'New.Test', nameservers: ['ns1.example.net.'], contact: 'admin.example.net.' },
    });
    expect(answer.statusCode).toBe(201);
    expect(answer.headers.location).toBe('/v1/zones/new.test');
    expect(answer.json<OutcomeBody>()).toMatchObject({ zone: 'new.test.', created: true, serial: 1, dryRun: false });
    expect(control.commands.at(-1)?.command).toMatchObject({ kind: 'zone.create', dnssec: true });
    expect((await call('GET', String(answer.headers.location))).headers.etag).toBe(answer.headers.etag);
  });

  test('answers 409 for one that is there', async () => {
    const { call } = await bench();
    const answer = await call('POST', '/v1/zones', { payload: { name: 'example.com' } });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([409, 'ZONE_EXISTS']);
  });

  test('decides without writing with ?dryRun=1', async () => {
    const { call } = await bench();
    const answer = await call('POST', '/v1/zones?dryRun=1', { payload: { name: 'new.test' } });
    expect(answer.statusCode).toBe(200);
    expect(answer.json<OutcomeBody>()).toMatchObject({ dryRun: true, created: true });
    expect(answer.headers.etag).toBeUndefined();
    expect((await call('GET', '/v1/zones/new.test')).statusCode).toBe(404);
  });

  test('tells every problem of the body at once, with pointer and suggestion', async () => {
    const { call } = await bench();
    const answer = await call('POST', '/v1/zones', { payload: { nme: 'x', dnssec: 'maybe', nameservers: [] } });
    expect(answer.statusCode).toBe(422);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(
      answer
        .json<ProblemBody>()
        .errors.map(({ code, pointer, fix }) => [code, pointer, fix])
        .toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    ).toEqual([
      ['FIELD_MISSING', '/name', undefined],
      ['FIELD_UNKNOWN', '/nme', 'did you mean "name"?'],
      ['FIELD_VALUE', '/dnssec', undefined],
      ['FIELD_VALUE', '/nameservers', undefined],
    ]);
  });

  test('pages by cursor and Link', async () => {
    const { call } = await bench();
    for (const name of ['b.test', 'a.test', '=2E', 'z.a.test']) await call('POST', '/v1/zones', { payload: { name } });
    const names: string[] = [];
    let url: string | undefined = '/v1/zones?limit=2';
    for (let pages = 0; url !== undefined; pages++) {
      expect(pages).toBeLessThan(4);
      const answer = await call('GET', url);
      const body = answer.json<{ zones: { name: string }[]; next?: string }>();
      names.push(...body.zones.map(({ name }) => name));
      url = /^<(.*)>; rel="next"$/.exec(String(answer.headers.link))?.[1];
      expect(body.next === undefined).toBe(url === undefined);
    }
    expect(names).toEqual(['.', 'example.com.', 'a.test.', 'z.a.test.', 'b.test.']);
  });

  test.each([
    '/v1/zones?limit=0',
    '/v1/zones?limit=many',
    '/v1/zones?cursor=!!',
    '/v1/zones?cursor=WyJhIiwiYiJd',
    '/v1/zones?lmit=1',
    '/v1/zones?limit=1&limit=2',
  ])('400 for %s', async (url) => {
    const { call } = await bench();
    const answer = await call('GET', url);
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([400, 'PARAMETER']);
  });
});

describe('/v1/zones/{zone}', () => {
  test.each(['example.com', 'example.com.', 'EXAMPLE.Com', String.raw`ex\097mple.com`])('%s is the same zone', async (zone) => {
    const { call } = await bench();
    expect((await call('GET', `/v1/zones/${encodeURIComponent(zone)}`)).json<{ name: string }>().name).toBe('example.com.');
  });

  test('has the root zone as =2E', async () => {
    const { call } = await bench();
    expect((await call('POST', '/v1/zones', { payload: { name: '.' } })).headers.location).toBe('/v1/zones/=2E');
    expect((await call('GET', '/v1/zones/=2E')).json<{ name: string }>().name).toBe('.');
    expect((await call('GET', '/v1/zones/=2e/rrsets/@/SOA')).json<{ name: string }>().name).toBe('.');
  });

  test('keeps / and odd octets of a name through the URL', async () => {
    const { call, control } = await bench();
    for (const name of [
      '0/25.2.0.192.in-addr.arpa',
      String.raw`a\.b\032\255\000.test`,
      '100%25.test',
      'q?x=1&y#z.test',
      '+ a.test',
      '..%2f'.slice(2),
    ]) {
      const canonical = formatName(nameOf(name));
      const made = await call('POST', '/v1/zones', { payload: { name } });
      expect(made.statusCode).toBe(201);
      const shown = await call('GET', `/v1/zones/${encodeURIComponent(name)}`);
      expect(shown.json()).toMatchObject({ name: canonical });
      expect((await call('GET', String(made.headers.location))).statusCode).toBe(200);
      expect(formatName(control.commands.at(-1)!.command.zone)).toBe(canonical);
    }
  });

  test.each([
    ['nothing.test', 404, 'ZONE_NOT_FOUND'],
    ['exmaple.com', 404, 'ZONE_NOT_FOUND'],
    ['a..b', 422, 'NAME_EMPTY_LABEL'],
    ['x'.repeat(64), 422, 'NAME_LABEL_LONG'],
    [`${'abcdefg.'.repeat(32)}x`, 422, 'NAME_LONG'],
    ['b%C3%BCcher.test', 422, 'NAME_ESCAPE'],
    ['%FF', 400, 'REQUEST'],
    ['x'.repeat(3000), 414, 'REQUEST'],
  ])('bad name %#', async (zone, status, code) => {
    const { call } = await bench();
    const answer = await call('GET', `/v1/zones/${zone}`);
    expect([answer.json<ProblemBody>().code, answer.statusCode]).toEqual([code, status]);
  });

  test('suggests what may have been meant', async () => {
    const { call } = await bench();
    const fixOf = async (zone: string) => (await call('GET', `/v1/zones/${zone}`)).json<ProblemBody>().fix;
    expect(await fixOf('exmaple.com')).toBe('did you mean example.com.?');
    expect(await fixOf('www.example.com')).toBe('it may be a name in the zone example.com.');
    expect(await fixOf('b%C3%BCcher.test')).toBe('write it as xn--bcher-kva.test');
  });

  test('answers 304 when the client has it already', async () => {
    const { call } = await bench();
    const { etag } = (await call('GET', '/v1/zones/example.com')).headers;
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await call('GET', '/v1/zones/example.com', { headers: { 'if-none-match': header } });
      expect([answer.statusCode, answer.body]).toEqual([304, '']);
    }
    expect((await call('GET', '/v1/zones/example.com', { headers: { 'if-none-match': '"other"' } })).statusCode).toBe(200);
  });

  test('is removed once', async () => {
    const { call } = await bench();
    expect((await call('DELETE', '/v1/zones/example.com?dryRun')).json()).toMatchObject({ dryRun: true, changed: true });
    expect((await call('DELETE', '/v1/zones/example.com')).statusCode).toBe(200);
    expect((await call('DELETE', '/v1/zones/example.com')).json<ProblemBody>().code).toBe('ZONE_NOT_FOUND');
  });

  test('waits for the workers with ?wait=served, and tells when they do not follow', async () => {
    const { call, control } = await bench();
    const served = await call('PATCH', '/v1/zones/example.com?wait=served', { payload: { dnssec: 'on' } });
    expect([served.statusCode, served.json<OutcomeBody>().served]).toEqual([200, true]);
    control.servesChanges = false;
    const late = await call('PATCH', '/v1/zones/example.com?wait=served', { payload: { dnssec: 'off' } });
    expect([late.statusCode, late.json<OutcomeBody>().served]).toEqual([202, false]);
    expect(WAIT_SERVED_MS_MAX).toBeGreaterThan(0);
  });
});

describe('/v1/zones/{zone}/zonefile', () => {
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

describe('/v1/zones/{zone}/changes', () => {
  test('lists the newest first, by pages', async () => {
    const { call } = await bench();
    for (const digit of [1, 2, 3])
      await call('PUT', '/v1/zones/example.com/rrsets/n/A', { payload: { ttl: 60, records: [`192.0.2.${digit}`] } });
    const first = (await call('GET', '/v1/zones/example.com/changes?limit=3')).json<{
      changes: { changeset: { toSerial: number } }[];
      next: string;
    }>();
    expect(first.changes.map(({ changeset }) => changeset.toSerial)).toEqual([4, 3, 2]);
    const second = (await call('GET', `/v1/zones/example.com/changes?limit=3&cursor=${first.next}`)).json<{
      changes: { changeset: { toSerial: number } }[];
    }>();
    expect(second).toMatchObject({ changes: [{ changeset: { toSerial: 1 } }] });
    expect(second).not.toHaveProperty('next');
  });

  test('undoes one', async () => {
    const { call } = await bench();
    await call('DELETE', '/v1/zones/example.com/rrsets/www/A');
    const reverted = await call('POST', '/v1/zones/example.com/changes/2/revert');
    expect(reverted.json<OutcomeBody>()).toMatchObject({ serial: 3, changed: true });
    expect((await call('GET', '/v1/zones/example.com/rrsets/www/A')).statusCode).toBe(200);
    expect((await call('POST', '/v1/zones/example.com/changes/99/revert')).json<ProblemBody>().code).toBe('CHANGE_NOT_FOUND');
    expect((await call('POST', '/v1/zones/example.com/changes/x/revert')).statusCode).toBe(400);
  });
});

describe('/v1/zones/{zone}/dnssec', () => {
  test('turns on and shows keys and DS', async () => {
    const { call } = await bench();
    expect((await call('GET', '/v1/zones/example.com/dnssec')).json()).toEqual({ zone: 'example.com.', dnssec: 'off', keys: [], ds: [] });
    expect((await call('PATCH', '/v1/zones/example.com/dnssec', { payload: { dnssec: 'on' } })).statusCode).toBe(200);
    expect((await call('GET', '/v1/zones/example.com/dnssec')).json()).toMatchObject({
      dnssec: 'on',
      keys: [{ keyTag: 12_345, role: 'csk' }],
    });
    const { ds } = (await call('GET', '/v1/zones/example.com/dnssec/ds')).json<{ ds: { record: string; digestType: number }[] }>();
    expect(ds.map(({ digestType }) => digestType)).toEqual([2, 4]);
    expect(ds[0]!.record).toMatch(/^example\.com\. 3600 IN DS 12345 13 2 /);
  });
});

test('never answers with a private key, whatever is asked', async () => {
  const { call, control } = await bench();
  await call('PATCH', '/v1/zones/example.com/dnssec', { payload: { dnssec: 'on' } });
  expect(JSON.stringify(control.zones())).toContain(PRIVATE_MARKER);
  let shown = 0;
  const { paths } = (await call('GET', '/v1/openapi.json')).json<{ paths: Record<string, object> }>();
  // Without follow=0, events are a stream that does not end.
  const asked: Record<string, string> = { '/v1/query': '?name=example.com&type=DNSKEY', '/v1/events': '?follow=0' };
  for (const [path, methods] of Object.entries(paths)) {
    if (!('get' in methods)) continue;
    const url = path.replace('{zone}', 'example.com').replace('{name}', 'www').replace('{type}', 'A');
    const answer = await call('GET', url + (asked[path] ?? ''));
    // The stand-in has no mail policies and no signers, and the keys of signers are not for administrators: mail.test.ts and
    // signers.test.ts look at theirs. SPF wants to know of which client.
    const refusals = ['MAIL_NO_POLICY', 'SIGNER_NOT_FOUND', 'AUTH_SCOPE', 'PARAMETER'];
    if (answer.statusCode === 200) shown++;
    else expect([path, refusals]).toEqual([path, expect.arrayContaining([answer.json<ProblemBody>().code])]);
    expect(answer.body).not.toContain(PRIVATE_MARKER);
    expect(answer.body).not.toMatch(/"hash"|"secret"/);
  }
  expect(shown).toBeGreaterThan(15);
});
