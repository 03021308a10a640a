/** Keys and metadata as dnscontrol asks for them. */
import { expect, test } from 'vitest';
import { PRIVATE_MARKER } from '../../support/admin/fake-control.ts';
import { ZONE_URL, powerdnsBench } from '../../support/admin/powerdns-bench.ts';

const KEYS = `${ZONE_URL}/cryptokeys`;

test('an unsigned zone has no keys; POST signs it and shows its key, twice the same, never the private one', async () => {
  const { ask } = await powerdnsBench();
  expect((await ask('GET', KEYS)).json()).toEqual([]);
  const body = { keytype: 'csk', active: true, published: true };
  const made = await ask('POST', KEYS, body);
  expect([made.statusCode, made.json()]).toMatchObject([
    201,
    { type: 'Cryptokey', id: 12_345, keytype: 'csk', active: true, published: true, flags: 257, algorithm: 'ECDSAP256SHA256', bits: 256 },
  ]);
  expect(made.json<{ ds: string[] }>().ds).toEqual([
    expect.stringMatching(/^12345 13 2 (?:ab){32}$/),
    expect.stringMatching(/^12345 13 4 /),
  ]);
  expect((await ask('POST', KEYS, body)).body).toBe(made.body);
  expect((await ask('GET', `${KEYS}/12345`)).body).toBe(made.body);
  expect((await ask('GET', `${KEYS}/1`)).body).toBe('Not Found');
  expect(made.body).not.toContain(PRIVATE_MARKER);
  expect(made.body).not.toContain('privatekey');
});

test('keys are not removed or changed by hand: the error names the DS and the way', async () => {
  const { ask } = await powerdnsBench();
  for (const method of ['DELETE', 'PUT'] as const) {
    const answer = await ask(method, `${KEYS}/12345`, {});
    expect([answer.statusCode, answer.json<{ error: string }>().error]).toEqual([422, expect.stringMatching(/DS record.*--when-safe/)]);
  }
});

test('metadata is SOA-EDIT-API alone, and cannot be changed', async () => {
  const { ask } = await powerdnsBench();
  const entry = { kind: 'SOA-EDIT-API', metadata: ['DEFAULT'], type: 'Metadata' };
  expect((await ask('GET', `${ZONE_URL}/metadata`)).json()).toEqual([entry]);
  expect((await ask('GET', `${ZONE_URL}/metadata/SOA-EDIT-API`)).json()).toEqual(entry);
  expect((await ask('GET', `${ZONE_URL}/metadata/ALSO-NOTIFY`)).json()).toMatchObject({ metadata: [] });
  expect((await ask('PUT', `${ZONE_URL}/metadata/ALSO-NOTIFY`, { metadata: [] })).statusCode).toBe(422);
  expect((await ask('POST', `${ZONE_URL}/metadata`, {})).statusCode).toBe(422);
});
