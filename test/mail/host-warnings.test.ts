/** Mail records that name hosts of their own zone, and what the zone has there. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { checkDelivery, checkMxTargets, checkReportHosts, checkTlsaHost } from '#mail/host-warnings.ts';
import { rrsetOf } from '#zone/view.ts';
import { zoneOf } from '../support/mail/mail-domain.ts';

const VIEW = zoneOf([
  '@ 3600 SOA ns hostmaster 1 7200 900 1209600 900',
  '@ 3600 NS ns',
  '@ 3600 MX 10 mx1',
  'ns 3600 A 192.0.2.53',
  'mx1 3600 A 192.0.2.25',
  'null 3600 MX 0 .',
  'dead 3600 MX 10 gone',
  'dead 3600 MX 20 www.text',
  'half 3600 MX 10 gone',
  'half 3600 MX 20 mx1',
  'away 3600 MX 10 mx.example.net.',
  'host 3600 A 192.0.2.80',
  'www.text 3600 TXT "no address"',
  'alias 3600 CNAME null',
  'out 3600 CNAME mail.example.net.',
  'loop 3600 CNAME loop',
  '*.wild 3600 A 192.0.2.81',
  'child 3600 NS ns.child',
  'ns.child 3600 A 192.0.2.54',
  'names 3600 MX 10 alias',
  'names 3600 MX 20 192.0.2.25.',
]);

const dmarc = (host: string) => `v=DMARC1; p=none; rua=mailto:r@${host}`;
const told = (owner: string, text: string) =>
  checkReportHosts(VIEW, nameOf(owner), text).map(
    ({ severity, code, at, message }) => `${severity} ${code} ${formatPlace(at)}: ${message}`,
  );

describe('RFC 5321 §5.1: reports to a host that takes no mail', () => {
  test.each([
    ['null.example.com', /null\.example\.com\. has a null MX/], // RFC 7505 §3
    ['text.example.com', /has neither MX nor address/],
    ['none.example.com', /none\.example\.com\. does not exist in the zone/],
    ['dead.example.com', /has the MX gone\.example\.com\., www\.text\.example\.com\., without any address/],
    ['alias.example.com', /alias\.example\.com\. has a null MX/],
  ])('%s', (host, why) => {
    expect(told('_dmarc.example.com', dmarc(host))).toEqual([
      expect.stringMatching(/^warning MAIL_REPORT_HOST _dmarc\.example\.com\. TXT rua=: /),
    ]);
    expect(told('_dmarc.example.com', dmarc(host))[0]).toMatch(why);
  });

  test.each([
    'example.com',
    'host.example.com',
    'half.example.com',
    'away.example.com',
    'out.example.com',
    'a.wild.example.com',
    'x.child.example.com',
    'loop.example.com',
    'reports.example.net',
  ])('%s takes mail, or the zone does not say', (host) => expect(told('_dmarc.example.com', dmarc(host))).toEqual([]));

  test('of every record with report addresses, by the tag', () => {
    expect(told('_dmarc.example.com', 'v=DMARC1; p=none; ruf=mailto:r@null.example.com')).toEqual([expect.stringContaining('ruf=')]);
    expect(told('_smtp._tls.example.com', 'v=TLSRPTv1; rua=mailto:r@null.example.com,https://text.example.com/')).toEqual([
      expect.stringContaining('null MX'),
      expect.stringContaining('https://text.example.com/: text.example.com. has no address'),
    ]);
    // A mail host is no web server's business, and the other way round.
    expect(told('_smtp._tls.example.com', 'v=TLSRPTv1; rua=https://host.example.com/,https://a.wild.example.com/')).toEqual([]);
    expect(told('www.example.com', dmarc('null.example.com'))).toEqual([]);
  });
});

const mxOf = (owner: string) => rrsetOf(VIEW.node(ownerKey(nameOf(owner))), TYPE.MX)!.rdatas;

test('RFC 5321 §5.1: mail that cannot be delivered is an error; a null MX is none, and one host is enough', () => {
  expect(checkDelivery(VIEW, nameOf('dead.example.com'), mxOf('dead.example.com'))).toMatchObject([
    { severity: 'error', code: 'MAIL_HOSTS_NONE', message: expect.stringContaining('its mail cannot be delivered') },
  ]);
  for (const owner of ['half.example.com', 'null.example.com', 'away.example.com', 'example.com'])
    expect(checkDelivery(VIEW, nameOf(owner), mxOf(owner))).toEqual([]);
});

test('RFC 2181 §10.3: mail hosts that are aliases or addresses', () => {
  const codes = (owner: string) => checkMxTargets(VIEW, VIEW.node(ownerKey(nameOf(owner)))!).map(({ code }) => code);
  expect(codes('names.example.com')).toEqual(['TARGET_ALIAS', 'TARGET_IS_ADDRESS']);
  expect(codes('example.com')).toEqual([]);
});

describe('RFC 7672 §2.2: TLSA that no sender looks at', () => {
  const of = (owner: string, isSigned = true) =>
    checkTlsaHost(VIEW, nameOf(owner), isSigned).map(({ code, message }) => `${code} ${message}`);
  test.each([
    ['_25._tcp.alias.example.com', /is an alias/],
    ['_25._tcp.none.example.com', /has no address/],
  ])('%s', (owner, why) => expect(of(owner)).toEqual([expect.stringMatching(why)]));

  test('in a zone that is not signed', () => expect(of('_25._tcp.mx1.example.com', false)).toEqual([expect.stringMatching(/not signed/)]));
  test('at a host with an address, none is', () => expect(of('_25._tcp.mx1.example.com')).toEqual([]));
});
