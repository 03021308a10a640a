/** What of a zone PowerDNS clients are shown. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildAdmin } from '#admin/app.ts';
import { nameOf } from '#dns/name.ts';
import { type RrsetJson, ZONE_URL, replace } from '../../support/admin/powerdns-bench.ts';
import { TEST_ACTOR, good, temporaryControl } from '../../support/temporary-control.ts';

describe('records that are managed', () => {
  test('are neither shown nor changed: mail policy, DNSSEC; TXT beside SPF is', async () => {
    const server = temporaryControl({ sources: ['mail'] });
    const zone = nameOf('example.com.');
    await server.load(
      'example.com.',
      '@ 3600 SOA ns1 h 1 7200 900 1209600 300\n@ 3600 NS ns1\n@ 3600 MX 10 mx1\nns1 60 A 192.0.2.1\nmx1 60 A 192.0.2.2\n',
    );
    good(await server.run({ kind: 'mail.apply', zone, policy: { mtaSts: { mode: 'off' } } }));
    server.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
    const app = await buildAdmin({ control: server.control });
    onTestFinished(async () => {
      await app.close();
    });
    const { secret } = good(await server.control.tokens.create({ name: 'x', scopes: ['admin'] }, TEST_ACTOR));
    const headers = { 'x-api-key': secret };
    const types = async () => {
      const { rrsets } = (await app.inject({ url: ZONE_URL, headers })).json<{ rrsets: RrsetJson[] }>();
      return rrsets.map(({ name, type }) => `${name} ${type}`);
    };
    const plain = ['example.com. NS', 'example.com. SOA', 'example.com. MX', 'mx1.example.com. A', 'ns1.example.com. A'];
    expect(await types()).toEqual(plain);
    const patch = (...rrsets: readonly unknown[]) =>
      app.inject({ method: 'PATCH', url: ZONE_URL, headers, payload: JSON.stringify({ rrsets }) });
    for (const rrset of [
      replace('_dmarc.example.com.', 'TXT', '"x"'),
      { name: '_dmarc.example.com.', type: 'TXT', changetype: 'DELETE' },
    ]) {
      const answer = await patch(rrset);
      expect([answer.statusCode, answer.json<{ error: string }>().error]).toEqual([
        422,
        expect.stringMatching(/_dmarc\.example\.com\..*mail policy/),
      ]);
    }
    expect((await patch({ name: 'example.com.', type: 'DNSKEY', changetype: 'DELETE' })).statusCode).toBe(422);
    // SPF stands among the TXT records of the apex: others beside it come and go, it stays and is not shown.
    expect((await patch({ ...replace('example.com.', 'TXT', '"site=1"'), ttl: 3600 })).statusCode).toBe(204);
    expect(
      (await app.inject({ url: `${ZONE_URL}?rrset_name=example.com.&rrset_type=TXT`, headers })).json<{ rrsets: RrsetJson[] }>().rrsets,
    ).toMatchObject([{ records: [{ content: '"site=1"' }] }]);
    expect((await patch({ name: 'example.com.', type: 'TXT', changetype: 'DELETE' })).statusCode).toBe(204);
    expect(await types()).toEqual(plain);
  });
});
