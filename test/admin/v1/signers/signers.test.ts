/** `/v1/signers`: the register. */
import { expect, test } from 'vitest';
import type { ProblemBody } from '../../../support/admin/bench.ts';
import { asRspamd, signerBench } from '../../../support/admin/signer-bench.ts';

test('a signer is listed, shown and removed; its token is then unknown', async () => {
  const one = await signerBench();
  const list = await one.call('GET', '/v1/signers', one.admin);
  expect(list.json()).toMatchObject({
    signers: [{ name: 'mx1', delivery: 'fetch', domains: ['post.example.'], allow: ['127.0.0.0/8', '::1/128'] }],
  });
  const shown = await one.call('GET', '/v1/signers/mx1', one.admin);
  expect(shown.json()).toEqual(list.json<{ signers: object[] }>().signers[0]);
  await asRspamd(one);
  expect((await one.call('GET', '/v1/signers/mx1', one.admin)).json()).toHaveProperty('fetchedAt');
  expect((await one.call('DELETE', '/v1/signers/mx1?dryRun=1', one.admin)).json()).toMatchObject({
    name: 'mx1',
    removed: false,
    dryRun: true,
  });
  expect((await one.call('DELETE', '/v1/signers/mx1', one.admin)).json()).toMatchObject({
    ...{ name: 'mx1', removed: true, dryRun: false },
    // The policy still names it.
    warnings: [{ code: 'SIGNER_NOT_FOUND' }],
  });
  expect((await asRspamd(one)).statusCode).toBe(401);
  expect((await one.call('GET', '/v1/signers/mx1', one.admin)).json<ProblemBody>().code).toBe('SIGNER_NOT_FOUND');
});

test('a token cannot register a folder or a command', async () => {
  const one = await signerBench();
  const files = { form: 'opendkim', command: ['/bin/sh', '-c', 'true'] };
  const made = await one.call('POST', '/v1/signers', one.admin, { name: 'mx3', delivery: 'files', domains: ['post.example'], files });
  expect([made.statusCode, made.json<ProblemBody>().code]).toEqual([403, 'SIGNER_LOCAL']);
});

test('a new signer gets a token that no cache keeps; a dry run makes neither', async () => {
  const one = await signerBench();
  const signer = { name: 'mx2', delivery: 'fetch', domains: ['post.example'], allow: ['192.0.2.25'] };
  const planned = await one.call('POST', '/v1/signers?dryRun=1', one.admin, signer);
  expect([planned.statusCode, planned.json()]).toMatchObject([200, { name: 'mx2', dryRun: true, tokens: [] }]);
  expect(planned.json()).not.toHaveProperty('token');
  expect((await one.call('GET', '/v1/signers/mx2', one.admin)).statusCode).toBe(404);
  const made = await one.call('POST', '/v1/signers', one.admin, signer);
  expect([made.statusCode, made.headers.location, made.headers['cache-control']]).toEqual([201, '/v1/signers/mx2', 'no-store']);
  expect(made.json<{ token: string }>().token).toMatch(/^wax_/);
  expect((await one.call('POST', '/v1/signers', one.admin, signer)).statusCode).toBe(409);
});

test('RFC 9110 §13.1.2: 304 for a register that has not changed', async () => {
  const one = await signerBench();
  const { etag } = (await one.call('GET', '/v1/signers', one.admin)).headers;
  const again = await one.app.inject({
    url: '/v1/signers',
    headers: { authorization: `Bearer ${one.admin}`, 'if-none-match': String(etag) },
  });
  expect([again.statusCode, again.body]).toEqual([304, '']);
});
