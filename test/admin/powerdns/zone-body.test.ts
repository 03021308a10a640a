/** What is no new zone, in the words of PowerDNS. */
import { describe, expect, test } from 'vitest';
import { powerdnsBench, replace } from '../../support/admin/powerdns-bench.ts';

const ZONES = '/api/v1/servers/localhost/zones';

describe('a new zone', () => {
  test.each([
    [{ nameservers: [] }, 'has no name server'],
    [{ nameservers: ['ns1'] }, "Nameserver is not canonical: 'ns1'"],
    [{ nameservers: [1] }, 'Nameserver is not canonical'],
    [{ nameservers: 'ns1.example.net.' }, "Key 'nameservers' not an Array"],
    [{ kind: 'Slave' }, "kind 'Slave'"],
    [{ kind: 1 }, "Key 'kind'"],
    [{ masters: ['192.0.2.1'] }, 'masters'],
    [{ account: 'a'.repeat(41) }, 'at most 40'],
    [{ zone: '@ SOA …' }, 'a zone file is not taken here'],
    [{ name: 'new.test' }, 'is not canonical'],
    [{ name: 'a..b.' }, 'is not valid'],
    [{ rrsets: [replace('www.example.net.', 'A', '192.0.2.1')] }, 'Name is out of zone'],
  ])('is rejected with %j', async (part, error) => {
    const { ask, control } = await powerdnsBench();
    const answer = await ask('POST', ZONES, { name: 'new.test.', kind: 'Native', nameservers: ['ns1.example.net.'], ...part });
    expect([answer.statusCode, answer.json<{ error: string }>().error]).toEqual([422, expect.stringContaining(error)]);
    expect(control.zones.list().length).toBe(1);
  });
});
