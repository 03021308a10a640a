/** A signer with its own client: it fetches its keys and says what it signs with. */
import { createPrivateKey } from 'node:crypto';
import { expect, test } from 'vitest';
import type { ProblemBody } from '../../../support/admin/bench.ts';
import { signerBench } from '../../../support/admin/signer-bench.ts';

test('a signer fetches PEM with times, for one domain or all', async () => {
  const one = await signerBench();
  const all = await one.call('GET', '/v1/signers/mx1/keys', one.token);
  const { keys } = all.json<{ keys: { domain: string; selector: string; privateKey: string; validFrom: string }[] }>();
  expect(keys).toMatchObject([{ domain: 'post.example', selector: one.room.active()[0], algorithm: 'ed25519-sha256' }]);
  expect(createPrivateKey(keys[0]!.privateKey).asymmetricKeyType).toBe('ed25519');
  expect(Date.parse(keys[0]!.validFrom)).toBeLessThan(one.room.clock.nowMs());
  expect((await one.call('GET', '/v1/signers/mx1/keys?domain=post.example', one.token)).json()).toEqual(all.json());
  expect(all.headers['cache-control']).toBe('no-store');
});

test('an acknowledgement names an active selector of the signer, anything else is 409, and is in the audit log', async () => {
  const one = await signerBench();
  const selector = one.room.active()[0]!;
  const ack = (body: object, query = '') => one.call('POST', `/v1/signers/mx1/ack${query}`, one.token, body);
  expect((await ack({ domain: 'post.example', selector })).json()).toEqual({
    domain: 'post.example',
    selector,
    selectors: [selector],
    only: false,
    dryRun: false,
  });
  const unknown = await ack({ domain: 'post.example', selector: 'none' });
  expect([unknown.statusCode, unknown.json<ProblemBody>().code]).toEqual([409, 'SIGNER_SELECTOR']);
  expect((await ack({ domain: 'post.example', selectors: [] })).statusCode).toBe(422);
  expect((await ack({ domain: 'post.example', selectors: [selector], only: true }, '?dryRun=1')).json()).toMatchObject({ only: true });
  expect((await ack({ domain: 'post.example' })).statusCode).toBe(422);
  const before = one.room.control.audit.entries(1000).length;
  expect((await ack({ domain: 'post.example', selector }, '?dryRun=1')).json()).toMatchObject({ dryRun: true });
  expect(one.room.control.audit.entries(1000)).toHaveLength(before);
  expect(one.room.control.audit.entries(1)[0]).toMatchObject({ action: 'dkim.ack', detail: `mx1 signs with ${selector}` });
});
