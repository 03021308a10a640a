/** Each fault that registries reject, one at a time, in a world that is sound without it. */
import { describe, expect, test } from 'vitest';
import { type DelegationFacts, type ServerFacts } from '#control/delegation-check/facts.ts';
import { FINDINGS, judgeDelegation } from '#control/delegation-check/judge.ts';

const SOA = { rcode: 0, isAuthoritative: true, isRecursive: false, hasEdns: true, serial: 7, isSigned: true };
const NS = ['ns1.example.', 'ns2.example.net.'];
const server = (host: string, ip: string, more: Partial<ServerFacts> = {}): ServerFacts => ({
  host,
  ip,
  udp: SOA,
  tcp: SOA,
  ns: NS,
  keys: 'aa',
  ...more,
});
const SOUND: DelegationFacts = {
  zone: 'example.',
  isSigned: true,
  ns: NS,
  serial: 7,
  hosts: [
    { host: 'ns1.example.', needsGlue: true, addresses: ['193.0.14.1'] },
    { host: 'ns2.example.net.', needsGlue: false, addresses: ['2001:7fd::1'] },
  ],
  servers: [server('ns1.example.', '193.0.14.1'), server('ns2.example.net.', '2001:7fd::1')],
  parent: [{ place: 'a.nic. 1', said: { ns: NS, glue: { 'ns1.example.': ['193.0.14.1'] } } }],
};

/** The sound world with another second server. */
const second = (more: Partial<ServerFacts>): Partial<DelegationFacts> => ({
  servers: [SOUND.servers[0]!, server('ns2.example.net.', '2001:7fd::1', more)],
});

test('a sound delegation has no finding, also before the parent has it, and when it needs no glue', () => {
  expect(judgeDelegation(SOUND)).toEqual([]);
  expect(judgeDelegation({ ...SOUND, parent: [{ place: 'a', said: { ns: [], glue: {} } }] })).toEqual([]);
  expect(judgeDelegation({ ...SOUND, isSigned: false, ...second({ udp: { ...SOA, isSigned: false }, keys: '' }) })).toEqual([]);
});

describe('each fault by itself is found, and nothing else', () => {
  const FAULTS: readonly [string, Partial<DelegationFacts>, string, RegExp][] = [
    [
      'one name server',
      {
        ns: NS.slice(0, 1),
        servers: [server('ns1.example.', '193.0.14.1', { ns: NS.slice(0, 1) })],
        parent: [{ place: 'a.nic. 1', said: { ns: [], glue: {} } }],
      },
      'too-few-servers',
      /1 name server/,
    ],
    ['a name server past the thirteenth', { nsUnasked: ['ns14.example.net.'] }, 'too-many-servers', /not asked: ns14/],
    [
      'more addresses than are asked',
      { hosts: [SOUND.hosts[0]!, { ...SOUND.hosts[1]!, unasked: ['2001:7fd::5'] }] },
      'not-asked',
      /2 addresses.*2001:7fd::5/,
    ],
    [
      'a family that cannot be looked up: glue is not compared',
      { hosts: [{ ...SOUND.hosts[0]!, addresses: ['193.0.14.2'], failure: 'its IPv6 addresses cannot…' }, SOUND.hosts[1]!] },
      'address-unknown',
      /IPv6/,
    ],
    [
      'an address inside beside a public one',
      { hosts: [SOUND.hosts[0]!, { ...SOUND.hosts[1]!, inside: ['10.0.0.1'] }] },
      'not-public',
      /10\.0\.0\.1/,
    ],
    ['no server of the parent', { parent: [] }, 'parent-unknown', /no server of the parent was found/],
    [
      'a host without address',
      { hosts: [SOUND.hosts[0]!, { host: NS[1]!, needsGlue: false, addresses: [], why: 'it is an alias (CNAME)' }] },
      'no-address',
      /alias/,
    ],
    [
      'an address inside',
      { hosts: [SOUND.hosts[0]!, { host: NS[1]!, needsGlue: false, addresses: [], inside: ['10.0.0.1'] }] },
      'not-public',
      /10\.0\.0\.1, so it was not asked/,
    ],
    ['silence over UDP', second({ udp: { failure: 'does not answer' } }), 'no-answer', /over UDP: does not answer/],
    ['silence over TCP', second({ tcp: { failure: 'closes the connection' } }), 'no-tcp', /closes the connection/],
    ['a lame server', second({ udp: { ...SOA, isAuthoritative: false } }), 'not-authoritative', /without authority/],
    ['REFUSED', second({ udp: { ...SOA, rcode: 5, isAuthoritative: false, serial: undefined } }), 'not-authoritative', /REFUSED/],
    ['a recursive server', second({ udp: { ...SOA, isRecursive: true } }), 'recursive', /RA is set/],
    ['a server without EDNS', second({ udp: { ...SOA, hasEdns: false } }), 'no-edns', /without EDNS/],
    ['a server that is behind', second({ udp: { ...SOA, serial: 6 } }), 'serial-differs', /serial 6, and this server 7/],
    ['other NS records', second({ ns: ['ns1.example.', 'ns3.example.net.'] }), 'servers-differ', /ns3/],
    ['stripped signatures', second({ udp: { ...SOA, isSigned: false } }), 'unsigned', /no signatures/],
    ['other keys', second({ keys: 'bb' }), 'keys-differ', /DNSKEY/],
    [
      'another set at the parent',
      { parent: [{ place: 'a.nic. 1', said: { ns: NS.slice(0, 1), glue: { 'ns1.example.': ['193.0.14.1'] } } }] },
      'parent-differs',
      /the parent has ns1\.example\.,/,
    ],
    [
      'old glue',
      { parent: [{ place: 'a.nic. 1', said: { ns: NS, glue: { 'ns1.example.': ['193.0.14.9'] } } }] },
      'glue-differs',
      /193\.0\.14\.9/,
    ],
    [
      'a parent that cannot be asked',
      { parent: [{ place: 'a.nic. 1', said: { failure: 'does not answer' } }] },
      'parent-unknown',
      /cannot be asked/,
    ],
    ['one network', { servers: [SOUND.servers[0]!, server(NS[1]!, '193.0.14.200')] }, 'one-network', /193\.0\.14\.0\/24/],
  ];

  test.each(FAULTS)('%s', (_, fault, code, text) => {
    const findings = judgeDelegation({ ...SOUND, ...fault });
    expect(findings.map((each) => each.code)).toEqual([code]);
    expect(findings[0]).toMatchObject({ text: expect.stringMatching(text), rfc: expect.stringMatching(/^RFC \d+ §/) });
    expect(findings[0]!.fix).not.toBe('');
  });

  test('every rule has a fault that shows it', () => {
    expect([...new Set(FAULTS.map(([, , code]) => code))].toSorted()).toEqual(Object.keys(FINDINGS).toSorted());
  });
});

test('RFC 1034 §4.2.1: glue is compared with all addresses, also those that were not asked', () => {
  const host = { ...SOUND.hosts[0]!, inside: ['10.0.0.1'], unasked: ['193.0.14.3'] };
  const glue = { 'ns1.example.': ['10.0.0.1', '193.0.14.1', '193.0.14.3'] };
  const facts = { ...SOUND, hosts: [host, SOUND.hosts[1]!], parent: [{ place: 'a', said: { ns: NS, glue } }] };
  expect(judgeDelegation(facts).map(({ code }) => code)).toEqual(['not-public', 'not-asked']);
});

test('errors stand before warnings', () => {
  const findings = judgeDelegation({ ...SOUND, servers: [SOUND.servers[0]!, server(NS[1]!, '193.0.14.200', { keys: 'bb' })] });
  expect(findings.map(({ severity }) => severity)).toEqual(['error', 'warning']);
});
