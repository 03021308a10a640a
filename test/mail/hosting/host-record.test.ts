/** What stands at mta-sts.<domain>, and what this server would put there: every shape that a zone can have. */
import { describe, expect, test } from 'vitest';
import { type Name, formatName, isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { type HostSight, type HostTarget, hostRrsets, judgeHostRecord } from '#mail/hosting/host-record.ts';
import { type ZoneView } from '#zone/view.ts';
import { APEX, BASE, zoneOf } from '../../support/mail/mail-domain.ts';

const ADDRESSES: HostTarget = { addresses: ['192.0.2.80', '2001:db8::80'] };
const ALIAS: HostTarget = { addresses: [], host: nameOf('policy.provider.example.') };
const PROVIDER = ['@ 3600 SOA ns hostmaster 1 7200 900 1209600 900', '@ 3600 NS ns', 'ns 3600 A 192.0.2.53'];

function judge(records: readonly string[], target = ADDRESSES, more: Partial<HostSight> = {}) {
  const { kind, records: found, text } = judgeHostRecord('mta-sts', APEX, target, { view: zoneOf([...BASE, ...records]), ...more });
  return [kind, found.join(', '), text];
}

/** The deepest of `zones` that a name is in. */
function zonesOf(...zones: ZoneView[]): (name: Name) => ZoneView | undefined {
  return (name) =>
    zones.filter(({ apexKey }) => isAtOrBelow(ownerKey(name), apexKey)).toSorted((a, b) => b.apexKey.length - a.apexKey.length)[0];
}

const OURS = 'A 192.0.2.80, AAAA 2001:db8::80';
const LEADS = 'mta-sts.example.com leads to this server';

describe('RFC 8461 §3.3: the host that a zone gets', () => {
  test('addresses, or an alias of the host that serves many domains (§8.2)', () => {
    expect(judge([])).toEqual(['ours', OURS, LEADS]);
    expect(judge([], ALIAS)).toEqual(['ours', 'CNAME policy.provider.example.', LEADS]);
  });

  test('a name with other records gets addresses beside them', () => {
    expect(judge(['mta-sts 300 TXT "note"', 'mta-sts 300 CAA 0 issue "ca.example"'])).toEqual(['ours', OURS, LEADS]);
    expect(judge(['_acme-challenge.mta-sts 300 TXT "token"'])).toEqual(['ours', OURS, LEADS]);
  });

  test('RFC 1034 §3.6.2: an alias stands alone', () => {
    const [kind, records, text] = judge(['mta-sts 300 TXT "note"'], ALIAS);
    expect([kind, records]).toEqual(['blocked', '']);
    expect(text).toContain('mta-sts.example.com has TXT');
    // Below it other names may stand.
    expect(judge(['_acme-challenge.mta-sts 300 TXT "token"'], ALIAS)[0]).toBe('ours');
  });

  test('RFC 4592 §2.2.1: a wildcard above does not answer for it any more, which is said', () => {
    const told = 'the wildcard *.example.com answered for mta-sts.example.com until now';
    expect(judge(['* 300 A 203.0.113.1'])).toEqual(['ours', OURS, told]);
    expect(judge(['* 300 CNAME www'])).toEqual(['ours', OURS, told]);
    expect(judge(['* 300 MX 10 mx1'])).toEqual(['ours', OURS, LEADS]);
    // An empty non-terminal had stopped the wildcard already (RFC 4592 §2.2.2).
    expect(judge(['* 300 A 203.0.113.1', '_x.mta-sts 300 TXT "x"'])).toEqual(['ours', OURS, LEADS]);
  });

  test('a domain whose host would be longer than a name can be', () => {
    const long = nameOf(`${`${'a'.repeat(63)}.`.repeat(3)}${'b'.repeat(57)}.`);
    expect(judgeHostRecord('mta-sts', long, ADDRESSES, { view: zoneOf(BASE) }).kind).toBe('blocked');
  });
});

describe('a record put by hand', () => {
  test('that says the same is taken over, and a missing type joins it', () => {
    expect(judge(['mta-sts 300 A 192.0.2.80'])).toEqual(['ours', OURS, LEADS]);
    expect(judge(['mta-sts 300 CNAME POLICY.provider.example.'], ALIAS)[0]).toBe('ours');
  });

  test('that leads elsewhere stays, until the operator says that it is to give way', () => {
    const [kind, records, text] = judge(['mta-sts 300 A 203.0.113.9']);
    expect([kind, records, text]).toEqual(['elsewhere', '', 'mta-sts.example.com A 203.0.113.9 was put by hand and leads elsewhere']);
    expect(judge(['mta-sts 300 A 203.0.113.9'], ADDRESSES, { isTakeOver: true })).toEqual(['ours', OURS, LEADS]);
    expect(judge(['mta-sts 300 A 192.0.2.80', 'mta-sts 300 A 203.0.113.9'])[0]).toBe('elsewhere');
    expect(judge(['mta-sts 300 CNAME sts.other.example.'])[0]).toBe('elsewhere');
    expect(judge(['mta-sts 300 CNAME sts.other.example.'], ALIAS)[0]).toBe('elsewhere');
    expect(judge(['mta-sts 300 A 203.0.113.9'], ALIAS)[0]).toBe('elsewhere');
  });

  test('that has some of the addresses leads here, and stays', () => {
    const target = { addresses: ['192.0.2.80', '192.0.2.81'] };
    expect(judge(['mta-sts 300 A 192.0.2.81'], target)[0]).toBe('here');
    expect(judge(['mta-sts 300 A 192.0.2.81'], target)[1]).toBe('A 192.0.2.81');
  });

  test('that is an alias inside our own zones is followed', () => {
    const provider = zoneOf(
      [...PROVIDER, 'policy 300 A 192.0.2.80', 'sts 300 CNAME policy', 'loop 300 CNAME loop'],
      nameOf('provider.example.'),
    );
    const zoneFor = (view: ZoneView) => ({ view, zoneOf: zonesOf(view, provider) });
    const at = (record: string, target = ADDRESSES) => judgeHostRecord('mta-sts', APEX, target, zoneFor(zoneOf([...BASE, record]))).kind;
    expect(at('mta-sts 300 CNAME sts.provider.example.')).toBe('here');
    expect(at('mta-sts 300 CNAME loop.provider.example.')).toBe('elsewhere');
    expect(at('mta-sts 300 CNAME missing.provider.example.')).toBe('elsewhere');
    // The provider's host by its address instead of its name.
    expect(at('mta-sts 300 A 192.0.2.80', ALIAS)).toBe('here');
    expect(at('mta-sts 300 A 192.0.2.81', ALIAS)).toBe('elsewhere');
  });
});

describe('a zone that does not say where the host is', () => {
  test('RFC 1034 §4.2.1: a delegation', () => {
    expect(judge(['mta-sts 300 NS ns1.other.example.'])).toEqual([
      'elsewhere',
      '',
      'mta-sts.example.com is delegated to ns1.other.example',
    ]);
    expect(judge(['mta-sts 300 NS ns1.other.example.'], ADDRESSES, { isTakeOver: true })[0]).toBe('elsewhere');
  });

  test('RFC 6672 §2.4: a DNAME above', () => {
    expect(judge(['@ 300 DNAME other.example.'])[0]).toBe('elsewhere');
  });
});

describe("the provider's host in a zone of ours", () => {
  const domain = nameOf('provider.example.');
  const of = (host: string, ...records: string[]) => {
    const view = zoneOf([...PROVIDER, ...records], domain);
    return judgeHostRecord('mta-sts', domain, { addresses: [], host: nameOf(host) }, { view, zoneOf: zonesOf(view) });
  };

  test('gives its own zone an alias like any other', () => {
    expect(of('policy.provider.example.', 'policy 300 A 192.0.2.80').kind).toBe('ours');
  });

  test('may be the policy host of its own zone: then its addresses are put by hand', () => {
    expect(of('mta-sts.provider.example.', 'mta-sts 300 A 192.0.2.80')).toMatchObject({ kind: 'here', records: ['A 192.0.2.80'] });
    expect(of('mta-sts.provider.example.')).toMatchObject({ kind: 'blocked', text: expect.stringContaining('has no address') });
  });
});

test('records of a standing are RRsets', () => {
  const shown = (records: readonly string[]) =>
    hostRrsets(records).map(({ type, rdatas }) => `${typeName(type)} ${rdatas.map((rdata) => formatRdata(type, rdata)).join(' ')}`);
  expect(shown(['A 192.0.2.1', 'AAAA 2001:db8::1', 'A 192.0.2.2'])).toEqual(['A 192.0.2.1 192.0.2.2', 'AAAA 2001:db8::1']);
  expect(shown([`CNAME ${formatName(nameOf('a.example.'))}`, 'nonsense', 'A nonsense'])).toEqual(['CNAME a.example.']);
});
