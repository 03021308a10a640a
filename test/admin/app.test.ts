import { expect, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { fakeWithZone } from './fake-control.ts';

test('smoke', async () => {
  const { control, tokens } = await fakeWithZone();
  const app = await buildAdmin({ control });
  const auth = { authorization: `Bearer ${tokens.admin}` };
  for (const url of [
    '/v1/zones',
    '/v1/zones/example.com',
    '/v1/zones/example.com/rrsets',
    '/v1/zones/example.com/rrsets/www/A',
    '/v1/zones/example.com/zonefile',
    '/v1/zones/example.com/changes',
    '/v1/zones/example.com/dnssec',
    '/v1/status',
    '/v1/query?name=x.wild.example.com&type=TXT',
    '/v1/tokens',
    '/v1/audit',
    '/livez',
    '/readyz',
    '/metrics',
    '/v1/nope',
    '/docs/',
    '/v1/openapi.json',
    '/v1/zones?limt=3',
    '/v1/zones/exmple.com',
  ]) {
    const r = await app.inject({ url, headers: auth });
    console.log(url, r.statusCode, r.headers.etag, r.headers['content-type'], r.body.slice(0, 600));
  }
  const r = await app.inject({ url: '/v1/zones/example.com' });
  console.log(r.statusCode, r.headers, r.body);
  expect(1).toBe(1);
  await app.close();
});
