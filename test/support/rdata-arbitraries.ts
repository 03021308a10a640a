/**
 * Generators of valid record data in presentation form, one per type that has a form of its own; names in it are absolute.
 * What they make, BIND's named-compilezone takes too (test/dns/rdata-judges.test.ts), so zones made from them can be given to other servers.
 */
import * as fc from 'fast-check';
import { formatIpv6 } from '#dns/rdata/field-address.ts';
import { formatBase32Hex } from '#dns/rdata/field-binary.ts';
import { quote } from '#dns/rdata/field-text.ts';

type Text = fc.Arbitrary<string>;

const u8: Text = fc.integer({ min: 0, max: 255 }).map(String);
const u16: Text = fc.integer({ min: 0, max: 65_535 }).map(String);
const u32: Text = fc.integer({ min: 0, max: 0xffff_ffff }).map(String);
const words = (...parts: readonly Text[]): Text => fc.tuple(...parts).map((all) => all.filter((part) => part !== '').join(' '));
const optional = (text: Text): Text => fc.oneof(fc.constant(''), text);
const octets = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength });
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const hex = (minLength: number, maxLength = minLength): Text => octets(minLength, maxLength).map(hexOf);
const base64 = (minLength: number, maxLength: number): Text =>
  octets(minLength, maxLength).map((bytes) => Buffer.from(bytes).toString('base64'));

const label: Text = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?$/) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '_tcp',
      '*',
      'a\\.b',
      'sp\\032ace',
      '\\000\\255',
      'x'.repeat(63),
      '\\"q\\"',
      '\\@',
      '\\$',
      'Ümlaut'.replace('Ü', '\\220'),
    ),
  },
);
/** An absolute name: mostly ordinary, now and then with escapes. */
export const absoluteNames: Text = fc.array(label, { maxLength: 3 }).map((labels) => (labels.length === 0 ? '.' : `${labels.join('.')}.`));

const plainString: Text = fc.stringMatching(/^[a-zA-Z0-9=;:+/., _-]{0,40}$/).map((text) => `"${text}"`);
const anyString: Text = octets(0, 255).map(quote);
/** A quoted character-string of any octets. */
export const characterStrings: Text = fc.oneof(
  { weight: 3, arbitrary: plainString },
  anyString,
  fc.stringMatching(/^[a-zA-Z0-9=+/-]{1,20}$/),
);

export const ipv4Texts: Text = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join('.'));
export const ipv6Texts: Text = fc.oneof(
  octets(16).map((bytes) => formatIpv6(bytes, 0)),
  fc.constantFrom(
    '::',
    '::1',
    '2001:db8::',
    '2001:DB8:0:0:1:0:0:1',
    '::ffff:192.0.2.1',
    '64:ff9b::192.0.2.33',
    '1:2:3:4:5:6:7:8',
    'fe80::0:1',
  ),
);

const algorithm: Text = fc.oneof(
  fc.constantFrom('5', '7', '8', '10', '13', '14', '15', '16', 'RSASHA256', 'ECDSAP256SHA256', 'ED25519'),
  fc.integer({ min: 17, max: 251 }).map(String),
);
const typeNames = fc.constantFrom(
  'A',
  'NS',
  'SOA',
  'MX',
  'TXT',
  'AAAA',
  'RRSIG',
  'NSEC',
  'DNSKEY',
  'CAA',
  'TYPE1234',
  'TYPE65280',
  'DLV',
  'CDS',
);
const bitmap = (minLength: number): Text => fc.uniqueArray(typeNames, { minLength, maxLength: 10 }).map((names) => names.join(' '));
const dates: Text = fc
  .date({ min: new Date('1970-01-02T00:00:00Z'), max: new Date('2090-01-01T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString().replace(/[-:T]|\..*$/g, ''));
// BIND shows seconds near 2³² as a date before 1970, which nobody reads.
const times: Text = fc.oneof(dates, fc.integer({ min: 0, max: 0x7fff_ffff }).map(String));
const durations: Text = fc.oneof(u32, fc.constantFrom('1h30m', '2W', '1d', '1w2d3h4m5s'));

const digest: Text = fc.oneof(
  words(fc.constant('1'), hex(20)),
  words(fc.constantFrom('2', 'SHA-256'), hex(32)),
  words(fc.constant('4'), hex(48)),
  words(fc.integer({ min: 7, max: 255 }).map(String), hex(1, 64)),
);
const ds = words(u16, algorithm, digest);
const deletion = (text: string) => (texts: Text) => fc.oneof({ weight: 9, arbitrary: texts }, fc.constant(text));
const dnskey = words(fc.constantFrom('256', '257', '0', '385'), fc.constant('3'), algorithm, base64(1, 300));
const signature = (time: Text): Text =>
  words(typeNames, algorithm, fc.integer({ min: 3, max: 127 }).map(String), u32, time, time, u16, absoluteNames, base64(1, 256));
const tlsa = words(
  u8,
  u8,
  fc.oneof(words(fc.constant('1'), hex(32)), words(fc.constant('2'), hex(64)), words(fc.constantFrom('0', '3'), hex(1, 100))),
);
const txt: Text = fc.array(characterStrings, { minLength: 1, maxLength: 4 }).map((strings) => strings.join(' '));
const preferenceAndName = words(u16, absoluteNames);
const salt: Text = fc.oneof(fc.constant('-'), hex(1, 20));
const hash = (size: number, most = size): Text => octets(size, most).map(formatBase32Hex);
const nsec3: Text = fc.oneof(words(fc.constant('1'), u8, u16, salt, hash(20)), words(fc.constant('2'), u8, u16, salt, hash(1, 32)));
const groups = (count: number, size: number, separator: string): Text =>
  octets(count * size).map((bytes) =>
    Array.from({ length: count }, (_, at) => hexOf(bytes.subarray(at * size, (at + 1) * size))).join(separator),
  );

const angle = (degrees: number, letters: readonly string[]): Text =>
  words(
    fc.integer({ min: 0, max: degrees - 1 }).map(String),
    optional(
      words(fc.integer({ min: 0, max: 59 }).map(String), optional(fc.integer({ min: 0, max: 59_999 }).map((ms) => (ms / 1000).toFixed(3)))),
    ),
    fc.constantFrom(...letters),
  );
const metres = (least: number, most: number): Text =>
  fc
    .tuple(fc.integer({ min: least, max: most }), fc.constantFrom('m', ''))
    .map(([centimetres, unit]) => `${(centimetres / 100).toFixed(2)}${unit}`);
const size = metres(0, 900_000_000);
const loc = words(
  angle(90, ['N', 'S']),
  angle(180, ['E', 'W']),
  metres(-10_000_000, 2_000_000_000),
  optional(words(size, optional(words(size, optional(size))))),
);

const aplItem: Text = fc
  .tuple(
    fc.constantFrom('', '!'),
    fc.oneof(
      fc.tuple(fc.constant('1'), ipv4Texts, fc.integer({ min: 0, max: 32 })),
      fc.tuple(fc.constant('2'), ipv6Texts, fc.integer({ min: 0, max: 128 })),
    ),
  )
  .map(([not, [family, address, prefix]]) => `${not}${family}:${address}/${prefix}`);

const gatewayAnd = (algorithmText: Text): Text =>
  fc.oneof(
    words(fc.constant('0'), algorithmText, fc.constant('.')),
    words(fc.constant('1'), algorithmText, ipv4Texts),
    words(fc.constant('2'), algorithmText, ipv6Texts),
    words(fc.constant('3'), algorithmText, absoluteNames),
  );

const alpnId: Text = fc.oneof(
  fc.constantFrom('h2', 'h3', 'http/1.1', 'dot', 'doq'),
  fc.constantFrom('f\\\\\\\\oo', 'b\\\\,ar', 'sp ace', '\\200\\001'),
);
const svcParameters: Text = fc
  .record(
    {
      alpn: fc.array(alpnId, { minLength: 1, maxLength: 3 }).map((ids) => `"${ids.join(',')}"`),
      port: u16,
      ipv4hint: fc.array(ipv4Texts, { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
      ech: base64(1, 60),
      ipv6hint: fc.array(ipv6Texts, { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
      dohpath: fc.constantFrom('/dns-query{?dns}', '"/q{?dns}"'),
      key667: fc.oneof(anyString, fc.constant('hello')),
      key65000: fc.constantFrom('"a b"', 'x'),
    },
    { requiredKeys: [] },
  )
  .chain((parameters) => {
    const known = Object.keys(parameters);
    const extra = known.includes('alpn') ? fc.constantFrom('', 'no-default-alpn') : fc.constant('');
    const mandatory =
      known.length === 0 ? fc.constant('') : fc.subarray(known).map((keys) => (keys.length === 0 ? '' : `mandatory=${keys.join(',')}`));
    const rest = fc.shuffledSubarray(
      Object.entries(parameters).map(([key, value]) => `${key}=${value}`),
      { minLength: known.length },
    );
    return words(
      extra,
      rest.map((all) => all.join(' ')),
      mandatory,
    );
  });
const svcb: Text = fc.oneof(
  words(fc.constant('0'), absoluteNames),
  words(fc.integer({ min: 1, max: 65_535 }).map(String), absoluteNames, svcParameters),
);

const naptr = words(
  u16,
  u16,
  fc.constantFrom('""', '"s"', '"U"', '"a"'),
  fc.constantFrom('""', '"SIP+D2U"', '"E2U+sip"'),
  fc.constantFrom('""', '"!^.*$!sip:info@example.com!"', '"/^(.*)x(y)?$/\\\\1-\\\\2/i"'),
  absoluteNames,
);

const nxtTypes: Text = fc
  .uniqueArray(fc.constantFrom('A', 'NS', 'SOA', 'MX', 'SIG', 'KEY', 'NXT', 'TYPE127'), { minLength: 1, maxLength: 5 })
  .map((all) => all.join(' '));

const a6: Text = fc.oneof(
  words(fc.constant('0'), ipv6Texts),
  words(fc.integer({ min: 1, max: 127 }).map(String), ipv6Texts, absoluteNames),
  words(fc.constant('128'), absoluteNames),
);

/** By mnemonic: text that `parseRdata` takes. */
export const rdataTexts: Readonly<Record<string, fc.Arbitrary<string>>> = {
  A: ipv4Texts,
  NS: absoluteNames,
  MD: absoluteNames,
  MF: absoluteNames,
  CNAME: absoluteNames,
  SOA: words(absoluteNames, absoluteNames, u32, durations, durations, durations, durations),
  MB: absoluteNames,
  MG: absoluteNames,
  MR: absoluteNames,
  NULL: octets(0, 30).map((bytes) => `\\# ${bytes.length} ${hexOf(bytes)}`),
  WKS: words(
    ipv4Texts,
    fc.constantFrom('6', '17', 'tcp', 'UDP', '99'),
    fc.uniqueArray(fc.oneof(u16, fc.constantFrom('25', '53', '80')), { maxLength: 5 }).map((all) => all.join(' ')),
  ),
  PTR: absoluteNames,
  HINFO: words(characterStrings, characterStrings),
  MINFO: words(absoluteNames, absoluteNames),
  MX: preferenceAndName,
  TXT: txt,
  RP: words(absoluteNames, absoluteNames),
  AFSDB: preferenceAndName,
  X25: fc.stringMatching(/^[0-9]{4,15}$/),
  ISDN: words(fc.stringMatching(/^[0-9]{1,15}$/), optional(fc.stringMatching(/^[0-9]{1,4}$/))),
  RT: preferenceAndName,
  NSAP: fc.oneof(
    hex(1, 20).map((digits) => `0x${digits}`),
    fc.constant('0x47.0005.80.005a00.0000.0001.e133.ffffff000162.00'),
  ),
  'NSAP-PTR': absoluteNames,
  SIG: signature(dates),
  KEY: fc.oneof(
    words(fc.constantFrom('256', '512', 'ZONE', 'USER|SIG3'), fc.constantFrom('3', 'DNSSEC', '255'), algorithm, base64(1, 200)),
    words(fc.constant('NOKEY'), fc.constant('3'), algorithm),
  ),
  PX: words(u16, absoluteNames, absoluteNames),
  GPOS: words(
    fc.constantFrom('-32.6882', '"116.8652"', '10'),
    fc.constantFrom('-32.6882', '16.8', '+1.5'),
    fc.constantFrom('10.0', '-5', '"0"'),
  ),
  AAAA: ipv6Texts,
  LOC: loc,
  NXT: words(absoluteNames, nxtTypes),
  EID: hex(1, 30),
  NIMLOC: hex(1, 30),
  SRV: words(u16, u16, u16, absoluteNames),
  ATMA: fc.oneof(hex(1, 20), fc.stringMatching(/^\+[0-9]{1,15}$/)),
  NAPTR: naptr,
  KX: preferenceAndName,
  CERT: words(fc.oneof(u16, fc.constantFrom('PKIX', 'PGP', 'URI', 'OID')), u16, algorithm, base64(1, 300)),
  A6: a6,
  DNAME: absoluteNames,
  SINK: words(u8, u8, u8, optional(base64(1, 30))),
  APL: fc.array(aplItem, { maxLength: 4 }).map((items) => items.join(' ')),
  DS: ds,
  SSHFP: words(u8, fc.oneof(words(fc.constant('1'), hex(20)), words(fc.constant('2'), hex(32)), words(fc.constant('9'), hex(1, 40)))),
  IPSECKEY: words(u8, gatewayAnd(fc.constantFrom('1', '2', '4')), base64(1, 100)),
  RRSIG: signature(times),
  NSEC: words(absoluteNames, bitmap(1)),
  DNSKEY: dnskey,
  DHCID: base64(1, 60),
  NSEC3: words(nsec3, bitmap(0)),
  NSEC3PARAM: words(u8, u8, u16, salt),
  TLSA: tlsa,
  SMIMEA: tlsa,
  HIP: words(
    u8,
    hex(1, 16),
    base64(1, 100),
    fc.array(absoluteNames, { maxLength: 3 }).map((names) => names.join(' ')),
  ),
  NINFO: txt,
  RKEY: words(fc.constant('0'), u8, algorithm, base64(1, 100)),
  TALINK: words(absoluteNames, absoluteNames),
  CDS: deletion('0 0 0 00')(ds),
  CDNSKEY: deletion('0 3 0 AA==')(dnskey),
  OPENPGPKEY: base64(1, 200),
  CSYNC: words(u32, u16, bitmap(0)),
  ZONEMD: words(
    u32,
    u8,
    fc.oneof(words(fc.constant('1'), hex(48)), words(fc.constant('2'), hex(64)), words(fc.constantFrom('3', '240'), hex(12, 70))),
  ),
  SVCB: svcb,
  HTTPS: svcb,
  DSYNC: words(fc.constantFrom('CDS', 'CSYNC', 'TYPE1234'), fc.constantFrom('1', 'NOTIFY', '128'), u16, absoluteNames),
  SPF: txt,
  NID: words(u16, groups(4, 2, ':')),
  L32: words(u16, ipv4Texts),
  L64: words(u16, groups(4, 2, ':')),
  LP: preferenceAndName,
  EUI48: groups(6, 1, '-'),
  EUI64: groups(8, 1, '-'),
  URI: words(u16, u16, octets(1, 300).map(quote)),
  CAA: words(u8, fc.stringMatching(/^[a-zA-Z0-9]{1,15}$/), fc.oneof(plainString, octets(0, 300).map(quote))),
  AVC: txt,
  DOA: words(u32, u32, u8, characterStrings, fc.oneof(fc.constant('-'), base64(1, 60))),
  AMTRELAY: words(u8, fc.oneof(...['0', '1'].flatMap((bit) => [words(fc.constant(bit), gatewayAnd(fc.constant('')))]))),
  RESINFO: txt,
  WALLET: txt,
  TA: ds,
  DLV: ds,
  ALIAS: absoluteNames,
  TYPE65280: octets(0, 60).map((bytes) => `\\# ${bytes.length} ${hexOf(bytes)}`),
};
