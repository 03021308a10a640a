/** `/v1/query`. */
import { expect, test } from 'vitest';
import { bench } from '../../support/admin/bench.ts';

test('answers with sections and the steps that led there', async () => {
  const { call } = await bench();
  const answer = (await call('GET', '/v1/query?name=x.WILD.example.com&type=txt')).json<{ steps: { rule: string }[] }>();
  expect(answer).toMatchObject({ rcode: 'NOERROR', authoritative: true, answer: [expect.stringContaining(' 60 IN TXT "any"')] });
  expect(answer.steps.map(({ rule }) => rule).join()).toContain('RFC 4592');
  expect((await call('GET', '/v1/query?name=none.example.com')).json()).toMatchObject({ rcode: 'NXDOMAIN', type: 'A' });
  expect((await call('GET', '/v1/query?name=example.net')).json()).toMatchObject({ rcode: 'REFUSED', ede: { code: 20 } });
});

test.each(['', '?name=', '?name=a..b&type=A', '?name=a&type=NOPE', '?name=a&class=CH'])('refuses %j', async (query) => {
  const { call } = await bench();
  expect([400, 422]).toContain((await call('GET', `/v1/query${query}`)).statusCode);
});
