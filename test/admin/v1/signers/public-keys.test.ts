/** `/v1/signers/{signer}/public-keys`: keys that a signer makes itself. */
import { expect, test } from 'vitest';
import type { ProblemBody } from '../../../support/admin/bench.ts';
import { signerBench } from '../../../support/admin/signer-bench.ts';

test('a key of a signer that keeps its own keys is published under the selector that the answer names', async () => {
  const one = await signerBench();
  const publicKey = 'JNyi81Czeh4PFczQqdFnKeJi6+e3NJPY2pEVvEmgt3s=';
  const refused = await one.call('POST', '/v1/signers/mx1/public-keys', one.admin, { domain: 'post.example', publicKey });
  expect(refused.json<ProblemBody>().code).toBe('SIGNER_OWN_KEY');
  await one.call('DELETE', '/v1/signers/mx1', one.admin);
  await one.call('POST', '/v1/signers', one.admin, { name: 'mx1', delivery: 'own-key', domains: ['post.example'] });
  const added = await one.call('POST', '/v1/signers/mx1/public-keys', one.admin, { domain: 'post.example', publicKey });
  const { selector } = added.json<{ selector: string }>();
  expect(one.room.stages()[selector]).toBe('published');
});
