/** `/v1/audit/export` as rows for a spreadsheet, and `/v1/audit/head`, `/v1/audit/key`. */
import { createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { isGoodAuditHead, readAuditHead } from '#store/audit/signed-head.ts';
import { bench } from '../../../support/admin/bench.ts';

test('RFC 4180 §2: a heading and a row for each entry; what a client wrote is no formula', async () => {
  const { call, control } = await bench();
  const headers = { 'x-change-reason': '=HYPERLINK("http://attacker.example","click")' };
  const changed = await call('PUT', '/v1/zones/example.com/rrsets/www/A', {
    payload: { ttl: 60, records: ['192.0.2.99'] },
    headers,
  });
  expect(changed.statusCode).toBe(200);
  const answer = await call('GET', '/v1/audit/export?format=csv');
  expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
  const rows = answer.body.split('\r\n');
  expect(rows[0]).toMatch(/^sequence,at,counted,actorKind,/);
  expect(rows).toHaveLength(control.auditLog.length + 2);
  expect(rows.at(-2)).toContain(`"'=HYPERLINK(""http://attacker.example"",""click"")"`);
});

test('the head is signed by the key that is shown', async () => {
  const { call } = await bench();
  const { keyId, publicKey } = (await call('GET', '/v1/audit/key')).json<{ keyId: string; publicKey: string }>();
  const head = readAuditHead((await call('GET', '/v1/audit/head')).json())!;
  expect(head.keyId).toBe(keyId);
  expect(isGoodAuditHead(head, createPublicKey(publicKey))).toBe(true);
  expect(isGoodAuditHead({ ...head, sequence: head.sequence - 1 }, createPublicKey(publicKey))).toBe(false);
});
