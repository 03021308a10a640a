/** The mail routes in front of a real control room: forms, statuses, entity tags, and no private key anywhere. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { nameOf } from '#dns/name.ts';
import { DKIM_MACHINE } from '#mail/dkim/machine.ts';
import { TEST_ACTOR, temporaryControl, good } from '../support/temporary-control.ts';

const ZONE = 'post.example';
const TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
@ 3600 MX 10 mx1
ns1 3600 A 192.0.2.1
mx1 3600 A 192.0.2.25
`;
const KEY = `3 1 1 ${'11'.repeat(32)}`;
const POLICY = { mtaSts: { mode: 'off' }, dane: { hosts: { mx1: { keys: [KEY] } } } };

async function bench() {
  const room = temporaryControl();
  await room.load(`${ZONE}.`, TEXT);
  const app = await buildAdmin({ control: room.control });
  onTestFinished(async () => {
    await app.close();
  });
  const { secret } = good(await room.control.tokens.create('test', ['admin'], undefined, TEST_ACTOR));
  const call = async (
    method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    json?: object,
    headers: Record<string, string> = {},
  ) => {
    const payload = json === undefined ? {} : { payload: json };
    const answer = await app.inject({
      method,
      url: `/v1/zones/${ZONE}/${path}`,
      ...payload,
      headers: { authorization: `Bearer ${secret}`, ...headers },
    });
    const body: Readonly<Record<string, unknown>> = answer.json();
    return { status: answer.statusCode, etag: String(answer.headers['etag']), body };
  };
  return { ...room, app, call };
}

describe('GET and PUT /v1/zones/{zone}/mail', () => {
  test('a plan writes nothing, the policy is then what was put, under its entity tag', async () => {
    const { call } = await bench();
    expect(await call('GET', 'mail')).toMatchObject({ status: 404, body: { code: 'MAIL_NO_POLICY' } });
    expect(await call('PUT', 'mail?dryRun=1', POLICY)).toMatchObject({ status: 200, body: { dryRun: true, changed: true } });
    expect((await call('GET', 'mail')).status).toBe(404);
    const put = await call('PUT', 'mail', POLICY, { 'if-none-match': '*' });
    expect(put).toMatchObject({ status: 201, body: { serial: 11, changed: true } });
    const got = await call('GET', 'mail');
    expect(got).toMatchObject({ status: 200, etag: put.etag, body: { policy: POLICY, problems: [] } });
    expect(await call('PUT', 'mail', { ...POLICY, lockdown: true }, { 'if-match': '"other"' })).toMatchObject({ status: 412 });
    expect(await call('PUT', 'mail', POLICY, { 'if-match': got.etag })).toMatchObject({ status: 200, body: { changed: false } });
  });

  test('tells every problem of a policy at once, each with its pointer', async () => {
    const { call } = await bench();
    const bad = { spv: {}, dkim: { rotationInterval: 9 }, dmarc: { policy: 'rejekt' } };
    const { status, body } = await call('PUT', 'mail', bad);
    expect(status).toBe(422);
    expect(body['errors']).toMatchObject([
      { code: 'FIELD_UNKNOWN', pointer: '/spv', fix: expect.stringContaining('spf') },
      { code: 'FIELD_VALUE', pointer: '/dkim/rotationInterval' },
      { code: 'FIELD_VALUE', pointer: '/dmarc/policy' },
    ]);
  });

  test('publishes the schema of a policy, in OpenAPI too', async () => {
    const { app } = await bench();
    expect((await app.inject('/v1/mail/schema')).json()).toMatchObject({ title: 'waxseal mail policy', properties: { dkim: {} } });
    expect((await app.inject('/v1/openapi.json')).body).toContain('waxseal mail policy');
  });
});

describe('how it stands, and orders', () => {
  test('status tells each life with its waits; check reads the records; proposal says the policy of the records', async () => {
    const { call } = await bench();
    await call('PUT', 'mail', POLICY);
    const { body } = await call('GET', 'mail/status');
    expect(body['lives']).toContainEqual(expect.objectContaining({ machine: DKIM_MACHINE.kind, object: 'r20260101a', stage: 'published' }));
    expect(body['spf']).toMatchObject({ lookups: 1, voids: 0, sources: [], alerts: [], lines: [expect.stringContaining('1 look-up')] });
    expect(body['spf']).toMatchObject({ lookedAt: expect.stringMatching(/Z$/), nextLookAt: expect.stringMatching(/Z$/) });
    expect((await call('GET', 'mail/check')).body).toMatchObject({ ok: true });
    expect((await call('GET', 'mail/proposal')).body).toMatchObject({ policy: { dmarc: { policy: 'none' } } });
  });

  test('rotates, revokes, ramps, holds; what does not fit is refused with its reason', async () => {
    const { call } = await bench();
    await call('PUT', 'mail', POLICY);
    expect(await call('POST', 'dkim/rotate', {})).toMatchObject({ status: 409, body: { code: 'LIFECYCLE_ORDER' } });
    expect(await call('POST', 'dkim/nothing/revoke', { reason: 'x' })).toMatchObject({ status: 404, body: { code: 'LIFECYCLE_OBJECT' } });
    expect(await call('POST', 'dkim/r20260101a/revoke', { reason: 'stolen' })).toMatchObject({
      status: 200,
      body: { mail: { object: 'r20260101a' } },
    });
    expect((await call('GET', 'dkim')).body['keys']).toContainEqual(
      expect.objectContaining({ selector: 'r20260101a', stage: 'compromised' }),
    );
    expect(await call('PATCH', 'dmarc', { action: 'pause', reason: 'x' })).toMatchObject({ status: 200 });
    expect((await call('GET', 'dmarc')).body).toMatchObject({ policy: 'none', target: 'reject', held: 'x' });
    expect(await call('POST', 'mail/orders', { action: 'resume' })).toMatchObject({ status: 200 });
    expect(await call('POST', 'mail/orders', { action: 'override', object: 'dmarc', wait: 'nothing', reason: 'x' })).toMatchObject({
      status: 409,
    });
    expect(await call('PATCH', 'mta-sts', { mode: 'testing' })).toMatchObject({ status: 200 });
    expect((await call('GET', 'mta-sts')).body).toMatchObject({
      mode: 'testing',
      target: 'testing',
      body: expect.stringContaining('mx: mx1.post.example'),
    });
    const next = await call('POST', 'tlsa/mx1/next', { key: `3 1 1 ${'22'.repeat(32)}` });
    expect(next).toMatchObject({
      status: 200,
      body: { mail: { object: 'tlsa-mx1-2', isFinal: false, notBefore: expect.stringMatching(/Z$/) } },
    });
    expect(await call('POST', 'tlsa/mx1/activated', {})).toMatchObject({ status: 409, body: { code: 'MAIL_TLSA_EARLY' } });
    expect((await call('GET', 'tlsa')).body['records']).toHaveLength(2);
    expect(await call('POST', 'tlsa/mx1/abandon', { object: 'tlsa-mx1-1' })).toMatchObject({
      status: 409,
      body: { code: 'LIFECYCLE_ORDER' },
    });
    expect(await call('POST', 'tlsa/mx2/abandon', { object: 'tlsa-mx1-2' })).toMatchObject({ status: 404 });
    expect(await call('POST', 'tlsa/mx1/abandon', { reason: 'another CA' })).toMatchObject({
      status: 200,
      body: { changed: true, mail: { object: 'tlsa-mx1-2' } },
    });
    expect((await call('GET', 'tlsa')).body['records']).toHaveLength(1);
    expect(await call('POST', 'tlsa/mx1/abandon', {})).toMatchObject({ status: 404, body: { code: 'LIFECYCLE_OBJECT' } });
    expect(await call('DELETE', 'mail')).toMatchObject({ status: 200 });
  });

  test('no answer holds a private key', async () => {
    const { call, control, clock } = await bench();
    await call('PUT', 'mail', POLICY);
    await control.run(
      { kind: 'lifecycle.override', zone: nameOf(`${ZONE}.`), object: 'e20260101a', wait: 'visible', reason: 'x' },
      { actor: TEST_ACTOR, dryRun: false },
    );
    clock.pass(3_600_000);
    await control.run({ kind: 'lifecycle.tick', zone: nameOf(`${ZONE}.`), observations: [] }, { actor: TEST_ACTOR, dryRun: false });
    const [key] = control.dkimKeys().keysFor(nameOf(`${ZONE}.`));
    const secret = key!.privateKeyPem().split('\n')[1]!;
    for (const path of ['mail', 'mail/status', 'mail/check', 'mail/proposal', 'dkim', 'changes', 'rrsets'])
      expect(JSON.stringify((await call('GET', path)).body)).not.toContain(secret);
  });
});
