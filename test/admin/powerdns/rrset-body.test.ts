/** RRsets in requests of PowerDNS clients. */
import { describe, expect, test } from 'vitest';
import { ZONE_URL, powerdnsBench, replace } from '../../support/admin/powerdns-bench.ts';

describe('RRsets', () => {
  test('are shown by name and type when asked, and not at all', async () => {
    const { shown, ask } = await powerdnsBench();
    expect(await shown('?rrset_name=www.example.com.&rrset_type=A')).toEqual([
      'www.example.com. A 192.0.2.1',
      'www.example.com. A 192.0.2.2',
    ]);
    expect(await shown('?rrset_name=WWW.example.com&rrset_type=TXT')).toEqual([]);
    expect(await shown('?rrset_name=nothing.')).toEqual([]);
    expect((await ask('GET', `${ZONE_URL}?rrsets=false`)).json()).not.toHaveProperty('rrsets');
  });

  test('are read by the regular expression of acme.sh', async () => {
    const { patch, ask } = await powerdnsBench();
    await patch(replace('_acme-challenge.www.example.com.', 'TXT', '"one"', '"two"'));
    const { body } = await ask('GET', ZONE_URL);
    const found = /"name":"_acme-challenge\.www\.example\.com\.[^\]]*\}/.exec(body)?.[0] ?? '';
    expect([...found.matchAll(/content":"\\"([^\\]*)/g)].map(([, value]) => value)).toEqual(['one', 'two']);
  });

  test('EXTEND and PRUNE of one RRset come in one request', async () => {
    const { patch, shown } = await powerdnsBench();
    const [out, into] = [replace('www.example.com.', 'A', '192.0.2.1'), replace('www.example.com.', 'A', '192.0.2.3')];
    expect((await patch({ ...out, changetype: 'PRUNE' }, { ...into, changetype: 'EXTEND' })).statusCode).toBe(204);
    expect(await shown('?rrset_name=www.example.com.')).toEqual(['www.example.com. A 192.0.2.2', 'www.example.com. A 192.0.2.3']);
  });

  test('one string is one record: a long text is split, nothing is cut, and comes back as it was', async () => {
    const { patch, shown } = await powerdnsBench();
    const long = 'k'.repeat(300);
    await patch(
      replace('long.example.com.', 'TXT', `"${long}"`),
      replace('odd.example.com.', 'TXT', '"a;b" "c(d)"', '"v=DMARC1\\; p=none"'),
    );
    expect(await shown('?rrset_name=long.example.com.')).toEqual([`long.example.com. TXT "${'k'.repeat(255)}" "${'k'.repeat(45)}"`]);
    expect(await shown('?rrset_name=odd.example.com.')).toEqual([
      'odd.example.com. TXT "a;b" "c(d)"',
      'odd.example.com. TXT "v=DMARC1; p=none"',
    ]);
  });

  test('a name without its last dot is absolute, and the answer says so', async () => {
    const { patch, shown } = await powerdnsBench();
    const answer = await patch(replace('nodot.example.com', 'A', '192.0.2.1'));
    expect([answer.statusCode, answer.headers['x-waxseal-warning']]).toEqual([204, expect.stringContaining('nodot.example.com.')]);
    expect(await shown('?rrset_name=nodot.example.com.')).toEqual(['nodot.example.com. A 192.0.2.1']);
  });

  test('a SOA keeps the serial of the zone, whatever the client writes', async () => {
    const { patch, shown, control } = await powerdnsBench();
    const before = control.zones.list()[0]!.serial;
    expect((await patch(replace('example.com.', 'SOA', 'ns.example.com. me.example.com. 4000000000 1 2 3 4'))).statusCode).toBe(204);
    expect(await shown('?rrset_type=SOA')).toEqual([`example.com. SOA ns.example.com. me.example.com. ${before + 1} 1 2 3 4`]);
  });

  test('all or none: with one that is wrong nothing is changed, and every error is told', async () => {
    const { patch, control } = await powerdnsBench();
    const before = control.generation;
    const answer = await patch(
      replace('a.example.com.', 'A', '192.0.2.1'),
      replace('b.example.com.', 'A', 'x'),
      replace('c.example.com.', 'ANAME', 'x.'),
    );
    expect(answer.json<{ errors: string[] }>().errors).toEqual([
      expect.stringContaining("Record b.example.com./A 'x': "),
      'RRset c.example.com. IN ANAME: unknown type given',
    ]);
    expect(control.generation).toBe(before);
  });

  test.each([
    ['bücher.example.com.', 'xn--bcher-kva.example.com'],
    ['a b.example.com.', '032'],
    ['me@example.com.', 'an at sign'],
  ])('the name %s is read as in other requests, and rejected with the fix', async (name, fix) => {
    const { patch } = await powerdnsBench();
    const answer = await patch(replace(name, 'A', '192.0.2.1'));
    expect([answer.statusCode, answer.body.includes(fix)]).toEqual([422, true]);
    expect((await patch(replace('x.example.com.', 'CNAME', name))).statusCode).toBe(422);
  });

  test('a last dot that is escaped is part of a label: the name in a record is not absolute', async () => {
    const { patch } = await powerdnsBench();
    expect((await patch(replace('x.example.com.', 'CNAME', 'www.example.net\\.'))).statusCode).toBe(422);
  });

  test('waits until the change is served, and answers all the same when it is not', async () => {
    const { patch, control } = await powerdnsBench();
    control.servesChanges = false;
    expect((await patch(replace('www.example.com.', 'A', '192.0.2.5'))).statusCode).toBe(204);
  });
});
