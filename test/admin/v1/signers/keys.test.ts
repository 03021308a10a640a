/** A signer with its own client: it fetches its keys and says what it signs with. */
import { createPrivateKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
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
  // Refusals have entries of their own.
  const done = () => one.room.control.audit.entries(1000).filter(({ outcome }) => outcome !== 'refused');
  const before = done().length;
  expect((await ack({ domain: 'post.example', selector }, '?dryRun=1')).json()).toMatchObject({ dryRun: true });
  expect(done()).toHaveLength(before);
  expect(done()[0]).toMatchObject({ action: 'dkim.ack', detail: `mx1 signs with ${selector}` });
});

test('before the first key is active, the answer says when it will be and what it waits for', async () => {
  const one = await signerBench();
  await one.room.load('new.example.', '@ 3600 SOA ns1 host 1 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n');
  const policy = { mtaSts: { mode: 'off' }, dkim: { signers: ['mx2'], algorithms: ['ed25519'] } };
  const applied = await one.room.run({ kind: 'mail.apply', zone: nameOf('new.example.'), policy });
  expect(applied.ok).toBe(true);
  const made = await one.call('POST', '/v1/signers', one.admin, { name: 'mx2', delivery: 'fetch', domains: ['new.example'] });
  const { token } = made.json<{ token: string }>();
  const ask = async () => {
    const answer = await one.call('GET', '/v1/signers/mx2/keys?domain=New.example', token);
    return answer.json<{ keys: unknown[]; coming: { activeAt: string; waitsFor: string }[] }>();
  };
  const { keys, coming } = await ask();
  expect(keys).toEqual([]);
  expect(coming).toMatchObject([{ domain: 'new.example', algorithm: 'ed25519-sha256' }]);
  // RFC 2308 §5: the SOA's minimum of 900 s, in which caches remember that the selector was not there.
  const waitSeconds = (Date.parse(coming[0]!.activeAt) - one.room.clock.nowMs()) / 1000;
  expect(waitSeconds).toBeGreaterThan(890);
  expect(waitSeconds).toBeLessThan(910);
  expect(coming[0]!.waitsFor).toMatch(/waits for/);
  await one.room.live(3_600_000);
  const later = await ask();
  expect([later.keys.length, later.coming]).toEqual([1, []]);
});
