/** Endpoints and RRsets: there and back, and what is none. */
import { describe, expect, test } from 'vitest';
import { EXTERNALDNS_TARGETS_MAX } from '#base/limits/admin.ts';
import { WHOLE } from '#base/place.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type NodeRrset } from '#zone/view.ts';
import { adjusted, endpointForm, isEndpointType, readEndpoint } from '#admin/externaldns/endpoint.ts';

const OWNER = nameOf('x.example.com.');
const of = (recordType: string, ...targets: readonly string[]) => ({ dnsName: 'x.example.com', recordType, targets });
const ALIAS = { providerSpecific: [{ name: 'alias', value: 'true' }] };

describe('what is wanted is written as it will be read back', () => {
  test.each([
    ['AAAA', '2001:DB8:0:0::1', '2001:db8::1'],
    ['CNAME', 'host.example.net.', 'host.example.net'],
    ['CNAME', 'Host.Example.net', 'Host.Example.net'],
    ['NS', 'ns.example.net', 'ns.example.net'],
    ['PTR', 'host.example.net.', 'host.example.net'],
    ['MX', '10 mail.example.net', '10 mail.example.net'],
    ['SRV', '0 50 80 a.example.net', '0 50 80 a.example.net.'],
    ['NAPTR', '10 20 "u" "sip" "!^.*$!sip:a@b.example!" .', '10 20 "u" "sip" "!^.*$!sip:a@b.example!" .'],
    ['TXT', 'plain text', '"plain text"'],
    ['TXT', '"with; all \\"kinds\\""', '"with; all \\"kinds\\""'],
    // It is told when it is applied.
    ['A', 'no address', 'no address'],
  ])('%s %s: %s', (recordType, sent, back) => {
    const made = adjusted(of(recordType, sent), () => false);
    expect(made).toEqual(of(recordType, back));
    const read = readEndpoint(made, WHOLE);
    if (!read.ok) return;
    const { name, type, rdatas } = read.value;
    const rrset: NodeRrset = { type, ttl: 60, rdatas, signatures: [], manager: 'manual' };
    expect(endpointForm(name, rrset)).toEqual({ ...of(recordType, back), recordTTL: 60 });
  });

  test('other properties go, what else there is stays', () => {
    const more = { labels: { owner: 'me' }, recordTTL: 7, setIdentifier: '' };
    const foreign = { ...of('A', '192.0.2.1'), ...more, providerSpecific: [{ name: 'aws/weight', value: '1' }] };
    expect(adjusted(foreign, () => false)).toEqual({ ...of('A', '192.0.2.1'), ...more });
  });

  test('an ALIAS is a CNAME with a property, by wish or at an apex', () => {
    expect(adjusted(of('CNAME', 'a.example.net.'), () => true)).toEqual({ ...of('CNAME', 'a.example.net'), ...ALIAS });
    const read = readEndpoint({ ...of('CNAME', 'a.example.net'), ...ALIAS }, WHOLE);
    expect(read.ok && read.value.type).toBe(TYPE.ALIAS);
    const rdatas = [nameOf('a.example.net.')];
    const rrset: NodeRrset = { type: TYPE.ALIAS, ttl: 60, rdatas, signatures: [], manager: 'manual' };
    expect(endpointForm(OWNER, rrset)).toEqual({ ...of('CNAME', 'a.example.net'), ...ALIAS, recordTTL: 60 });
    // Another type has no ALIAS.
    expect(adjusted(of('A', '192.0.2.1'), () => true)).toEqual(of('A', '192.0.2.1'));
  });
});

test('what is managed, and what ExternalDNS does not know, is no endpoint', () => {
  const rrset = (type: RrType, manager: NodeRrset['manager']): NodeRrset => {
    return { type, ttl: 60, rdatas: [new Uint8Array([192, 0, 2, 1])], signatures: [], manager };
  };
  expect(endpointForm(OWNER, rrset(TYPE.A, 'manual'))).toMatchObject(of('A', '192.0.2.1'));
  for (const manager of ['mail', 'acme', 'dnssec', 'alias', 'catalog', 'delegation'] as const)
    expect(endpointForm(OWNER, rrset(TYPE.A, manager))).toBeUndefined();
  expect([isEndpointType(TYPE.SOA), isEndpointType(TYPE.DS), isEndpointType(TYPE.ALIAS)]).toEqual([false, false, true]);
});

test.each([
  null,
  'x',
  {},
  { ...of('A', '192.0.2.1'), dnsName: 7 },
  { ...of('A', '192.0.2.1'), dnsName: 'a..b' },
  of('DS', '1 2 3 AA'),
  of('NONE', 'x'),
  { ...of('A', '192.0.2.1'), recordType: 1 },
  of('A'),
  of('A', 'x'),
  of('CNAME', 'a..b'),
  { ...of('A'), targets: [1] },
  { ...of('A'), targets: 'x' },
  { ...of('A'), targets: Array.from({ length: EXTERNALDNS_TARGETS_MAX + 1 }, () => '192.0.2.1') },
  { ...of('A', '192.0.2.1'), recordTTL: 1.5 },
  { ...of('A', '192.0.2.1'), recordTTL: 2 ** 31 },
  { ...of('A', '192.0.2.1'), setIdentifier: 'one' },
])('%j is none, and the reason is said', (value) => {
  const read = readEndpoint(value, WHOLE);
  expect(read.ok ? [] : read.problems.map(({ message }) => message.length > 0)).toContain(true);
  // Whatever it is, it can be looked at.
  expect(() => adjusted(value, () => true)).not.toThrow();
});

test('a TTL of 0 is no wish', () => {
  const ttls = [0, undefined, 60].map((recordTTL) => {
    const read = readEndpoint({ ...of('A', '192.0.2.1'), ...(recordTTL === undefined ? {} : { recordTTL }) }, WHOLE);
    return read.ok ? [formatName(read.value.name), read.value.ttl] : [];
  });
  expect(ttls).toEqual([
    ['x.example.com.', undefined],
    ['x.example.com.', undefined],
    ['x.example.com.', 60],
  ]);
});
