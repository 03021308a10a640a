/** A zone as PowerDNS clients see and change it, by the scope of their token. */
import { describe, expect, test } from 'vitest';
import { ZONE_URL, powerdnsBench, replace } from '../../support/admin/powerdns-bench.ts';

const ACME = { names: ['_acme-challenge.*', '_*._acme-challenge.*'], types: ['TXT'] };

describe('a token for TXT at _acme-challenge', () => {
  test('sees and changes its records, and gets 403 for others of the zone, 404 for other zones', async () => {
    const { patch, shown, ask, control } = await powerdnsBench({ grants: [{ zone: 'example.com.', may: 'change', ...ACME }] });
    expect(await shown()).toEqual([]);
    expect((await patch(replace('_acme-challenge.example.com.', 'TXT', '"v"'))).statusCode).toBe(204);
    expect(await shown()).toEqual(['_acme-challenge.example.com. TXT "v"']);
    expect((await ask('GET', `${ZONE_URL}/export`)).body).toBe('_acme-challenge.example.com.\t60\tIN\tTXT\t"v"\n');
    const before = control.generation;
    const refused = await patch(replace('_acme-challenge.example.com.', 'TXT', '"w"'), replace('www.example.com.', 'A', '192.0.2.66'));
    expect([refused.statusCode, refused.json<{ error: string }>().error, control.generation]).toEqual([
      403,
      expect.stringContaining('www.example.com. A'),
      before,
    ]);
    const guesses = ['www.example.com.', 'com.', '=2E', ''].map((zone) => ask('GET', `/api/v1/servers/localhost/zones/${zone}`));
    expect((await Promise.all(guesses)).map(({ statusCode }) => statusCode)).toEqual([404, 404, 404, 404]);
  });
});

test('labels are read back: kind, account and soa_edit_api change nothing else', async () => {
  const { ask, control } = await powerdnsBench();
  const before = control.zones.list()[0]!.serial;
  const body = { name: 'example.com.', kind: 'master', account: 'admin', soa_edit_api: '' };
  expect((await ask('PUT', ZONE_URL, body)).statusCode).toBe(204);
  expect((await ask('GET', ZONE_URL)).json()).toMatchObject({ kind: 'Master', account: 'admin', soa_edit_api: '', serial: before });
  expect((await ask('PUT', ZONE_URL, { kind: 'Slave', masters: [] })).statusCode).toBe(422);
  expect((await ask('PUT', ZONE_URL, { masters: ['192.0.2.1'] })).statusCode).toBe(422);
});

test('a zone that is signed is not unsigned by a field, one that is not is signed', async () => {
  const { ask } = await powerdnsBench();
  expect((await ask('PUT', ZONE_URL, { dnssec: false })).statusCode).toBe(204);
  expect((await ask('PUT', ZONE_URL, { dnssec: true })).statusCode).toBe(204);
  const refused = await ask('PUT', ZONE_URL, { dnssec: false });
  expect([refused.statusCode, refused.json<{ error: string }>().error]).toEqual([422, expect.stringContaining('waxseal dnssec disable')]);
});
