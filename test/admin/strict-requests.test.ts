/** URLs of requests: their usual form, the host in them, and secrets left out. What is rejected: http/hostile.test.ts. */
import { expect, test } from 'vitest';
import { authorityOf, originForm, withoutTokens } from '#admin/strict-requests.ts';

test.each([
  ['/v1/zones?limit=1', '/v1/zones?limit=1', undefined],
  ['http://localhost:8053/v1/zones?x=http://y/', '/v1/zones?x=http://y/', 'localhost:8053'],
  ['HTTPS://[::1]/', '/', '[::1]'],
  ['http://localhost', '/', 'localhost'],
  ['http://localhost?x=1', '/?x=1', 'localhost'],
  ['ftp://localhost/v1', 'ftp://localhost/v1', 'localhost'],
  ['//evil.example.net/v1', '//evil.example.net/v1', undefined],
  ['*', '*', undefined],
])('RFC 9112 §3.2: %s is %s, of the host %s', (url, path, authority) => {
  expect([originForm(url), authorityOf(url)]).toEqual([path, authority]);
});

test('the secret of a token is left out of a URL, its id is not', () => {
  const id = '0123456789abcdef';
  expect(withoutTokens(`/v1/zones?a=wax_${id}_Secret-1&b=2`)).toBe(`/v1/zones?a=wax_${id}_[secret]&b=2`);
  expect(withoutTokens(`/v1/tokens/wax%5F${id}%5fSecret`)).toBe(`/v1/tokens/wax_${id}_[secret]`);
  expect(withoutTokens('/v1/zones/wax_1_2')).toBe('/v1/zones/wax_1_2');
});
