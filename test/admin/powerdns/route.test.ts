/** What every route of the PowerDNS-compatible API has in common. */
import { describe, expect, test } from 'vitest';
import { bench } from '../../support/admin/bench.ts';
import { ZONE_URL, replace } from '../../support/admin/powerdns-bench.ts';

describe('a body', () => {
  test('in any content type, or none; a body that is none is 400', async () => {
    const { app, tokens } = await bench();
    const payload = JSON.stringify({ rrsets: [replace('www.example.com.', 'A', '192.0.2.9')] });
    for (const type of [undefined, 'application/json', 'application/x-www-form-urlencoded', 'text/plain', 'nonsense']) {
      const headers = { 'x-api-key': tokens.admin, ...(type === undefined ? {} : { 'content-type': type }) };
      expect((await app.inject({ method: 'PATCH', url: ZONE_URL, headers, payload })).statusCode).toBe(204);
      expect((await app.inject({ method: 'PATCH', url: ZONE_URL, headers, payload: '{' })).body).toBe('Bad Request');
      expect((await app.inject({ method: 'PUT', url: `${ZONE_URL}/notify`, headers })).statusCode).toBe(200);
    }
    const big = await app.inject({
      method: 'PATCH',
      url: ZONE_URL,
      headers: { 'x-api-key': tokens.admin },
      payload: 'x'.repeat(9_000_000),
    });
    expect([big.statusCode, big.json<{ error: string }>().error]).toEqual([413, expect.any(String)]);
  });
});
