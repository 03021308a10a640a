/** rspamd's own request to its Vault. */
import { expect, test } from 'vitest';
import { type VaultSelector, asRspamd, signerBench, taken } from '../../../support/admin/signer-bench.ts';

test('rspamd gets the keys to sign with, in both forms of a key-value store', async () => {
  const one = await signerBench({});
  const answer = await asRspamd(one);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  const { data } = answer.json<{ data: { selectors: VaultSelector[] } }>();
  const now = one.room.clock.nowMs() / 1000;
  expect(taken(data.selectors, now).map(({ selector, domain, alg }) => ({ selector, domain, alg }))).toEqual(
    one.room.active().map((selector) => ({ selector, domain: 'post.example', alg: selector.startsWith('r') ? 'rsa' : 'ed25519' })),
  );
  const nested = await asRspamd(one, '/v1/dkim/data/post.example.');
  expect(nested.json()).toEqual({ data: { data } });
});

test('before, during and after every rotation rspamd signs with exactly one key of each algorithm', async () => {
  const one = await signerBench({ rotationInterval: '1d' });
  const seen = new Set<string>();
  for (let hour = 0; hour < 60; hour += 6) {
    const { data } = (await asRspamd(one)).json<{ data: { selectors: VaultSelector[] } }>();
    const use = taken(data.selectors, one.room.clock.nowMs() / 1000);
    expect(use.map(({ alg }) => alg).toSorted()).toEqual(['ed25519', 'rsa']);
    for (const { selector } of use) {
      seen.add(selector);
      expect(one.room.stages()[selector]).toBe('active');
    }
    await one.room.live(6 * 3_600_000);
  }
  expect(seen.size).toBeGreaterThanOrEqual(4);
});

test.each<[string, string, number]>([
  ['a domain that it does not sign for', '/v1/dkim/other.example', 404],
  ['a domain that is not served', '/v1/dkim/elsewhere.example', 404],
  ['no domain name at all', '/v1/dkim/%2e%2e%2fetc', 404],
])('404, which no cache keeps, for %s', async (_what, url, status) => {
  const answer = await asRspamd(await signerBench(), url);
  expect(answer.statusCode).toBe(status);
  expect(answer.headers['cache-control']).toBe('no-store');
});
