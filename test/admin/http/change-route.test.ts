/** What every change of a zone has in common: dry run, ?wait=served, status, headers. */
import { expect, test } from 'vitest';
import { WAIT_SERVED_MS_MAX } from '#base/limits/admin.ts';
import { type OutcomeBody, type ProblemBody, bench } from '../../support/admin/bench.ts';

test('decides without writing with ?dryRun=1', async () => {
  const { call } = await bench();
  const answer = await call('POST', '/v1/zones?dryRun=1', { payload: { name: 'new.test' } });
  expect(answer.statusCode).toBe(200);
  expect(answer.json<OutcomeBody>()).toMatchObject({ dryRun: true, created: true });
  expect(answer.headers.etag).toBeUndefined();
  expect((await call('GET', '/v1/zones/new.test')).statusCode).toBe(404);
});

test('waits for the workers with ?wait=served, and tells when they do not follow', async () => {
  const { call, control } = await bench();
  const served = await call('PATCH', '/v1/zones/example.com?wait=served', { payload: { dnssec: 'on' } });
  expect([served.statusCode, served.json<OutcomeBody>().served]).toEqual([200, true]);
  control.servesChanges = false;
  const late = await call('PATCH', '/v1/zones/example.com?wait=served', { payload: { dnssec: 'off' } });
  expect([late.statusCode, late.json<OutcomeBody>().served]).toEqual([202, false]);
  expect(WAIT_SERVED_MS_MAX).toBeGreaterThan(0);
});

test('a problem of the command is answered with its place in the request', async () => {
  const { call } = await bench();
  const answer = await call('PUT', '/v1/zones/example.com/rrsets/www/A', { payload: { ttl: 60, records: ['nonsense'] } });
  expect([answer.statusCode, answer.json<ProblemBody>().errors[0]!.pointer]).toEqual([422, '/records/0']);
});

test('the sender and the dry run are given to the command; a failed precondition stops it', async () => {
  const { call, control } = await bench();
  await call('PATCH', '/v1/zones/example.com/dnssec?dryRun=true', { payload: { dnssec: 'on' } });
  expect(control.commands.at(-1)).toMatchObject({ command: { kind: 'zone.dnssec' }, options: { dryRun: true, actor: { kind: 'token' } } });
  const stale = await call('PATCH', '/v1/zones/example.com/dnssec', { payload: { dnssec: 'on' }, headers: { 'if-match': '"r99"' } });
  expect([stale.statusCode, stale.json<ProblemBody>().code]).toEqual([412, 'PRECONDITION']);
  expect(control.zones.list()[0]!.dnssec).toBe('off');
});

test('a dry run has no ETag, no Location and no 201: nothing is there yet', async () => {
  const { call } = await bench();
  const { statusCode, headers } = await call('PUT', '/v1/zones/example.com/rrsets/new/A?dryRun=1&wait=served', {
    payload: { ttl: 60, records: ['192.0.2.1'] },
  });
  expect(statusCode).toBe(200);
  expect(headers).not.toHaveProperty('etag');
  expect(headers).not.toHaveProperty('location');
});
