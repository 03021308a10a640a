/** `/v1/zones/{zone}/dkim`: the public part of the keys, rotation and revocation. */
import { storedDkimKeys } from '#control/mail/dkim-keys.ts';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { MAIL_POLICY, MAIL_ZONE, mailBench } from '../../../support/admin/mail-bench.ts';
import { TEST_ACTOR } from '../../../support/temporary-control.ts';

describe('GET /v1/zones/{zone}/dkim', () => {
  test('shows the public part of each key and nothing else of it', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    const keys = (await call('GET', 'dkim')).body['keys'] as Readonly<Record<string, unknown>>[];
    expect(keys).toContainEqual({
      selector: 'r20260101a',
      algorithm: 'rsa2048',
      stage: 'published',
      since: '2026-01-01T00:00:00.000Z',
      publicKey: expect.stringMatching(/^[A-Za-z0-9+/]{300,}=*$/),
      queries: { count: 0 },
    });
    for (const key of keys) expect(Object.keys(key)).toHaveLength(6);
  });

  test('neither this nor any other answer about mail holds a private key', async () => {
    const { call, control, clock, writer } = await mailBench(MAIL_POLICY);
    const zone = nameOf(`${MAIL_ZONE}.`);
    const options = { actor: TEST_ACTOR, dryRun: false };
    await control.run({ kind: 'lifecycle.override', zone, object: 'e20260101a', wait: 'visible', reason: 'x' }, options);
    clock.pass(3_600_000);
    await control.run({ kind: 'lifecycle.tick', zone, observations: [] }, options);
    const [key] = storedDkimKeys(writer).keysFor(zone);
    const secret = key!.privateKeyPem().split('\n')[1]!;
    for (const path of ['mail', 'mail/status', 'mail/check', 'mail/proposal', 'dkim', 'changes', 'rrsets'])
      expect(JSON.stringify((await call('GET', path)).body)).not.toContain(secret);
  });
});

describe('POST /v1/zones/{zone}/dkim/rotate', () => {
  test('409 while the first keys are not yet active', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    expect(await call('POST', 'dkim/rotate', {})).toMatchObject({ status: 409, body: { code: 'LIFECYCLE_ORDER' } });
  });

  test('422 for an algorithm that does not exist', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    const { status, body } = await call('POST', 'dkim/rotate', { algorithms: ['dsa'] });
    expect([status, body['code']]).toEqual([422, 'FIELD_VALUE']);
  });
});

describe('POST /v1/zones/{zone}/dkim/{selector}/revoke', () => {
  test('the key is compromised at once, and the answer names it', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    expect(await call('POST', 'dkim/r20260101a/revoke', { reason: 'stolen' })).toMatchObject({
      status: 200,
      body: { mail: { object: 'r20260101a' } },
    });
    expect((await call('GET', 'dkim')).body['keys']).toContainEqual(
      expect.objectContaining({ selector: 'r20260101a', stage: 'compromised', compromised: 'stolen' }),
    );
  });

  test('404 for a selector that the zone does not have, 422 without a reason', async () => {
    const { call } = await mailBench(MAIL_POLICY);
    expect(await call('POST', 'dkim/nothing/revoke', { reason: 'x' })).toMatchObject({ status: 404, body: { code: 'LIFECYCLE_OBJECT' } });
    expect(await call('POST', 'dkim/r20260101a/revoke', {})).toMatchObject({ status: 422, body: { code: 'FIELD_MISSING' } });
  });
});
