/** `/v1/spf/{domain}`: costs, addresses instead of includes, and what SPF says about a client. */
import { describe, expect, test } from 'vitest';
import type { ProblemBody } from '../../support/admin/bench.ts';
import { mailBench } from '../../support/admin/mail-bench.ts';

/** post.example includes a zone of this server, which names one network. */
async function spfBench() {
  const mail = await mailBench();
  const { app, call } = mail;
  await mail.load(
    'sender.example.',
    '@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n@ 60 TXT "v=spf1 ip4:198.51.100.0/24 -all"\n',
  );
  await call('PUT', 'rrsets/@/TXT', { ttl: 300, records: ['"v=spf1 mx include:sender.example -all"'] });
  const headers = { authorization: `Bearer ${await mail.token('read')}` };
  return { ask: (path: string) => app.inject({ url: `/v1/spf/${path}`, headers }) };
}

describe('GET /v1/spf/{domain}/tree', () => {
  test('RFC 7208 §4.6.4: counts the terms that cause look-ups, with those of includes', async () => {
    const { ask } = await spfBench();
    expect((await ask('Post.Example./tree')).json()).toMatchObject({
      domain: 'post.example',
      state: 'record',
      text: 'v=spf1 mx include:sender.example -all',
      lookups: 2,
      voids: 0,
      drawing: expect.stringContaining('sender.example'),
      problems: [],
    });
  });

  test('a domain without a record is no error of the request', async () => {
    const { ask } = await spfBench();
    const answer = await ask('nothing.post.example/tree');
    expect([answer.statusCode, answer.json<{ state: string }>().state]).toEqual([200, 'none']);
  });

  test('400 for a parameter that the route does not have', async () => {
    const { ask } = await spfBench();
    expect((await ask('post.example/tree?depth=1')).statusCode).toBe(400);
  });
});

describe('GET /v1/spf/{domain}/check', () => {
  test.each([
    ['192.0.2.25', 'pass', 'mx'],
    ['198.51.100.7', 'pass', 'include:sender.example'],
    ['203.0.113.9', 'fail', '-all'],
  ])('RFC 7208 §4.6: %s: %s by %s', async (ip, result, term) => {
    const { ask } = await spfBench();
    const answer = (await ask(`post.example/check?ip=${ip}`)).json<{ result: string; matched: { domain: string; term: string } }>();
    expect([answer.result, answer.matched.domain, answer.matched.term]).toEqual([result, 'post.example', term]);
  });

  test('400 for what is not an address, with the parameter named', async () => {
    const { ask } = await spfBench();
    const answer = await ask('post.example/check?ip=192.0.2');
    expect([answer.statusCode, answer.json<ProblemBody>().errors[0]!.at]).toEqual([400, '?ip']);
  });
});

describe('GET /v1/spf/{domain}/flatten', () => {
  test('puts the addresses of a chosen include in its place', async () => {
    const { ask } = await spfBench();
    const flat = (await ask('post.example/flatten?include=sender.example')).json<{ record: string; parts: { record: string }[] }>();
    const text = [flat.record, ...flat.parts.map(({ record }) => record)].join(' ');
    expect(text).toContain('ip4:198.51.100.0/24');
    expect(text).not.toContain('sender.example');
  });

  test('422 for a record that cannot be read', async () => {
    const { ask } = await spfBench();
    expect((await ask('nothing.post.example/flatten?include=sender.example')).statusCode).toBe(422);
  });
});
