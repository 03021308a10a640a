/** All routes together. */
import { expect, test } from 'vitest';
import { PRIVATE_MARKER } from '../support/admin/fake-control.ts';
import { type ProblemBody, bench } from '../support/admin/bench.ts';

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
