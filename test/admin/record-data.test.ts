/** Record data and names through the API: what is answered is what was given, or the request is rejected with the fix. */
import { describe, expect, test } from 'vitest';
import { type Bench, type ProblemBody, bench } from '../support/admin/bench.ts';

const base = '/v1/zones/example.com/rrsets';
type Call = Bench['call'];

async function put(call: Call, path: string, ...records: readonly string[]) {
  const answer = await call('PUT', `${base}/${path}`, { payload: { ttl: 60, records } });
  return { status: answer.statusCode, body: answer.json<ProblemBody & { warnings?: ProblemBody['errors'] }>() };
}

async function get(call: Call, path: string): Promise<readonly string[]> {
  return (await call('GET', `${base}/${path}`)).json<{ records?: readonly string[] }>().records ?? [];
}

describe('PUT', () => {
  test.each([
    ['_dmarc/TXT', 'v=DMARC1; p=reject; rua=mailto:r@example.com', '"v=DMARC1; p=reject; rua=mailto:r@example.com"'],
    ['@/TXT', 'v=spf1 mx -all', '"v=spf1 mx -all"'],
    ['s1._domainkey.example.com/TXT', 'v=DKIM1; k=rsa; p=', '"v=DKIM1; k=rsa; p="'],
    ['_mta-sts/TXT', 'v=STSv1; id=20260101', '"v=STSv1; id=20260101"'],
    ['long/TXT', 'x'.repeat(300), `"${'x'.repeat(255)}" "${'x'.repeat(45)}"`],
    ['long/TXT', `"${'x'.repeat(300)}"`, `"${'x'.repeat(255)}" "${'x'.repeat(45)}"`],
    ['@/CAA', '0 issue "ca.example; validationmethods=dns-01"', '0 issue "ca.example; validationmethods=dns-01"'],
    ['svc/HTTPS', '1 . alpn=h2 port=8443', '1 . alpn="h2" port=8443'],
    ['alias/CNAME', 'www.example.com', 'www.example.com.'],
    ['alias/CNAME', 'www', 'www.example.com.'],
    ['alias/CNAME', 'www.example.net.', 'www.example.net.'],
    ['@/MX', '10 mail.example.com', '10 mail.example.com.'],
    ['x/TYPE65280', String.raw`\# 2 0102`, String.raw`\# 2 0102`],
  ])('%s %s', async (path, record, shown) => {
    const { call } = await bench();
    const { status, body } = await put(call, path, record);
    expect([status < 300, body.warnings]).toEqual([true, []]);
    expect(await get(call, path)).toEqual([shown]);
    // What was read can be given back.
    expect((await put(call, path, ...(await get(call, path)))).body).toMatchObject({ changed: false });
  });

  test.each([
    ['@/CAA', '0 issue ca.example; validationmethods=dns-01', 'RDATA_SYNTAX', 'write: 0 issue "ca.example; validationmethods=dns-01"'],
    ['svc/HTTPS', '1 . alpn=h2 ; port=8443', 'RDATA_SYNTAX', 'only blanks'],
    ['u/URI', '10 1 https://example.com/a;b', 'RDATA_SYNTAX', 'write: 10 1 "https://example.com/a;b"'],
    ['www/A', '192.0.2.1 ; comment', 'RDATA_SYNTAX', 'no comment'],
    ['www/A', '192.0.2.1\n', 'RDATA_SYNTAX', 'line breaks'],
    ['alias/CNAME', 'www.example.net', 'NAME_AMBIGUOUS', 'www.example.net. or www.example.net.example.com.'],
    ['@/MX', '10 mail.provider.example', 'NAME_AMBIGUOUS', 'mail.provider.example. or'],
    ['@/NS', 'ns1.provider.example', 'NAME_AMBIGUOUS', 'ns1.provider.example. or'],
    ['t/TXT', 'one\nline', 'RDATA_SYNTAX', String.raw`\010`],
    ['t/TXT', '"a" b', 'RDATA_SYNTAX', 'all of the text in quotes'],
  ])('%s %j is rejected with the fix', async (path, record, code, fix) => {
    const { call, control } = await bench();
    const { status, body } = await put(call, path, record);
    expect([status, body.code]).toEqual([422, code]);
    expect(body.errors[0]).toMatchObject({ pointer: '/records/0', fix: expect.stringContaining(fix) });
    expect(control.generation).toBe(1);
  });

  test('an ANAME is rejected with what to write instead', async () => {
    const { call } = await bench();
    expect((await put(call, '@/ANAME', 'www.example.net.')).body).toMatchObject({
      code: 'TYPE_UNKNOWN',
      fix: expect.stringContaining('write ALIAS'),
    });
  });

  test('a body that is not UTF-8 is rejected, not mended', async () => {
    const { call } = await bench();
    const payload = Buffer.from('{"ttl":60,"records":["gr\u00fc\u00dfe"]}', 'latin1');
    const answer = await call('PUT', `${base}/t/TXT`, { payload, headers: { 'content-type': 'application/json' } });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([422, 'RDATA_SYNTAX']);
  });

  test('data that is surely not meant comes with its warning', async () => {
    const { call } = await bench();
    const { body } = await put(call, '_25._tcp.mail.example.com/TLSA', '3 1 1 00');
    expect(body.warnings).toMatchObject([{ code: 'RDATA_DOUBTFUL', at: '/records/0' }]);
  });
});

describe('owners follow the same rule, in paths, bodies and filters', () => {
  test.each([
    ['GET', 'sub.www/A'],
    ['GET', 'www.example.net/A'],
    ['GET', 'www.exmaple.com/A'],
    ['DELETE', 'www.example.net/A'],
  ] as const)('%s %s: two readings', async (method, path) => {
    const { call } = await bench();
    const answer = await call(method, `${base}/${path}`);
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([422, 'NAME_AMBIGUOUS']);
  });

  test('PUT, PATCH and ?name=', async () => {
    const { call, control } = await bench();
    expect((await put(call, 'sub.www/A', '192.0.2.1')).body.code).toBe('NAME_AMBIGUOUS');
    const patched = await call('PATCH', base, { payload: [{ op: 'set', name: 'sub.www', type: 'A', ttl: 60, records: ['192.0.2.1'] }] });
    expect(patched.json<ProblemBody>().errors).toMatchObject([{ code: 'NAME_AMBIGUOUS', pointer: '/0/name' }]);
    expect((await call('GET', `${base}?name=sub.www`)).json<ProblemBody>().code).toBe('NAME_AMBIGUOUS');
    expect(control.generation).toBe(1);
  });
});

describe('PATCH', () => {
  test('remove takes the record that was named, not one that begins like it', async () => {
    const { call } = await bench();
    await put(call, 't/TXT', 'a=1', 'a=1;b=999', 'a=1; b=2');
    const remove = async (...records: readonly string[]) =>
      await call('PATCH', base, { payload: [{ op: 'remove', name: 't', type: 'TXT', records }] });
    expect((await remove('a=1;b=999')).statusCode).toBe(200);
    expect(await get(call, 't/TXT')).toEqual(['"a=1"', '"a=1; b=2"']);
    await call('PATCH', base, { payload: [{ op: 'add', name: 't', type: 'TXT', records: ['c; d'] }] });
    expect(await get(call, 't/TXT')).toEqual(['"a=1"', '"c; d"', '"a=1; b=2"']);
    // In the form that GET shows, too.
    expect((await remove('"a=1; b=2"', 'c; d')).statusCode).toBe(200);
    expect(await get(call, 't/TXT')).toEqual(['"a=1"']);
  });

  test('a record to remove that is not there is told', async () => {
    const { call } = await bench();
    await put(call, 't/TXT', `"${'x'.repeat(100)}" "${'y'.repeat(200)}"`, 'other');
    const remove = async (record: string) => {
      const answer = await call('PATCH', base, { payload: [{ op: 'remove', name: 't', type: 'TXT', records: [record] }] });
      return answer.json<{ changed: boolean; warnings: ProblemBody['errors'] }>();
    };
    expect(await remove('no such text')).toMatchObject({ changed: false, warnings: [{ code: 'RECORD_NOT_FOUND', at: '/0/records/0' }] });
    // The same text, cut in other places, is another record.
    const other = await remove(`${'x'.repeat(100)}${'y'.repeat(200)}`);
    expect(other).toMatchObject({ changed: false, warnings: [{ fix: expect.stringContaining(`"${'x'.repeat(100)}" "yyy`) }] });
    expect(await remove('other')).toMatchObject({ changed: true, warnings: [] });
  });
});

describe('POST /v1/zones', () => {
  test('name servers and contact follow the rule', async () => {
    const { call } = await bench();
    const post = async (payload: Record<string, unknown>) => await call('POST', '/v1/zones', { payload });
    const refused = await post({ name: 'new.test', nameservers: ['ns1', 'ns2.provider.example'], contact: 'me@new.test' });
    expect(refused.json<ProblemBody>().errors).toMatchObject([
      { code: 'NAME_AMBIGUOUS', pointer: '/nameservers/1' },
      { code: 'NAME_MAILBOX', pointer: '/contact', fix: 'write it as me.new.test.' },
    ]);
    expect(
      (await post({ name: 'new.test', nameservers: ['ns1', 'ns2.new.test', 'ns3.provider.example.'], contact: 'me' })).statusCode,
    ).toBe(201);
    const { rrsets } = (await call('GET', '/v1/zones/new.test/rrsets?name=@')).json<{ rrsets: { type: string; records: string[] }[] }>();
    expect(rrsets.find(({ type }) => type === 'NS')?.records).toEqual(['ns1.new.test.', 'ns2.new.test.', 'ns3.provider.example.']);
    expect(rrsets.find(({ type }) => type === 'SOA')?.records[0]).toMatch(/^ns1\.new\.test\. me\.new\.test\. /);
  });
});
