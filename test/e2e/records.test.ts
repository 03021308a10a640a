/**
 * What was given is what is served: record data and names by API and command line, judged by dig alone.
 * Not here: every form and refusal (test/dns/record-data.test.ts, test/admin/record-data.test.ts, test/cli/rrset.test.ts).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dig } from '../support/dig.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';

const ZONE = 'api.test';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ workers: 1 });
  const made = await server.cli('zone', 'add', ZONE, '--nameserver', 'ns1', 'ns2.provider.example.', '--contact', 'me');
  if (made.exit !== 0) throw new Error(made.err);
});
afterAll(async () => {
  await server.stop();
});

const put = (path: string, ...records: readonly string[]) =>
  server.api('PUT', `/v1/zones/${ZONE}/rrsets/${path}?wait=served`, JSON.stringify({ ttl: 60, records }));

/** Data of the answer, as dig shows it. */
async function served(name: string, type: string): Promise<readonly string[]> {
  const { answer } = await dig(server, [name === '@' ? `${ZONE}.` : `${name}.${ZONE}.`, type]);
  return answer.map((line) => line.split(' ').slice(4).join(' '));
}

const CASES = [
  ['_dmarc', 'TXT', 'v=DMARC1; p=reject; rua=mailto:r@x.example', '"v=DMARC1; p=reject; rua=mailto:r@x.example"'],
  ['@', 'TXT', 'v=spf1 mx -all', '"v=spf1 mx -all"'],
  ['_mta-sts', 'TXT', 'v=STSv1; id=1;', '"v=STSv1; id=1;"'],
  ['quoted', 'TXT', String.raw`"a;b" "say \"hi\" \\"`, String.raw`"a;b" "say \"hi\" \\"`],
  ['long', 'TXT', `v=DKIM1; k=rsa; p=${'A'.repeat(380)}`, `"v=DKIM1; k=rsa; p=${'A'.repeat(237)}" "${'A'.repeat(143)}"`],
  ['@', 'CAA', '0 issue "ca.example; validationmethods=dns-01"', '0 issue "ca.example; validationmethods=dns-01"'],
  ['svc', 'HTTPS', '1 . alpn=h2 port=8443', '1 . alpn="h2" port=8443'],
  ['uri', 'URI', '10 1 "https://x.example/a;b"', '10 1 "https://x.example/a;b"'],
  ['www', 'CNAME', 'api.test', 'api.test.'],
  ['away', 'CNAME', 'www.provider.example.', 'www.provider.example.'],
  ['@', 'MX', '10 mail.api.test', '10 mail.api.test.'],
  ['srv', 'SRV', '0 5 443 host', '0 5 443 host.api.test.'],
  ['octets', 'TYPE65280', String.raw`\# 3 010203`, String.raw`\# 3 010203`],
] as const;

describe('by API', () => {
  test.each(CASES)('%s %s %s', async (name, type, given, shown) => {
    const answer = await put(`${name}/${type}`, given);
    expect([answer.ok, await answer.json()]).toMatchObject([true, { served: true }]);
    expect(await served(name, type)).toEqual([shown]);
  });
});

describe('by command line', () => {
  test.each(CASES)('%s %s %s', async (name, type, given, shown) => {
    expect(await server.cli('rrset', 'set', ZONE, name, type, '61', given)).toMatchObject({ exit: 0 });
    expect(await served(name, type)).toEqual([shown]);
  });

  test('name servers and contact of a new zone', async () => {
    expect(await served('@', 'NS')).toEqual(['ns1.api.test.', 'ns2.provider.example.']);
    expect((await served('@', 'SOA'))[0]).toMatch(/^ns1\.api\.test\. me\.api\.test\. /);
  });
});

test('a broken mail record goes through, and its author is told', async () => {
  const set = await server.cli('rrset', 'set', ZONE, '_dmarc', 'TXT', '60', 'v=DMARC1');
  expect(set).toMatchObject({ exit: 0, err: expect.stringMatching(/^waxseal: warning: .*\[DMARC_POLICY_MISSING\]\n$/) });
  expect(await served('_dmarc', 'TXT')).toEqual(['"v=DMARC1"']);
  const answer = await put('@/TXT', 'v=spf1 mx -all', 'v=spf1 a -all');
  expect(await answer.json()).toMatchObject({ warnings: [{ code: 'SPF_MULTIPLE', at: 'api.test. TXT' }] });
});

test('what is rejected changes nothing that is served', async () => {
  await put('kept/TXT', 'a=1', 'a=1;b=999');
  const before = await served('@', 'SOA');
  for (const [path, record] of [
    ['@/CAA', '0 issue ca.example; validationmethods=dns-01'],
    ['svc/HTTPS', '1 . alpn=h2 ; port=8443'],
    ['www/CNAME', 'www.provider.example'],
    ['@/NS', 'ns1.provider.example'],
    ['kept/TXT', '"a=1" ; comment'],
  ] as const)
    expect((await put(path, record)).status).toBe(422);
  expect(await served('@', 'SOA')).toEqual(before);
  const body = JSON.stringify([{ op: 'remove', name: 'kept', type: 'TXT', records: ['a=1;b=999'] }]);
  expect((await server.api('PATCH', `/v1/zones/${ZONE}/rrsets?wait=served`, body)).status).toBe(200);
  expect(await served('kept', 'TXT')).toEqual(['"a=1"']);
});
