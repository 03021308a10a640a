/** Tables of record data by type: what is taken and how it is shown, what is refused and why. Vectors are the RFCs' own where they have some. */
import { describe, expect, test } from 'vitest';
import { toHex } from '#base/bytes.ts';
import { nameOf } from '#dns/name.ts';
import { checkRdata, formatRdata, parseRdataText, typeCode, zoneFileForm } from '#dns/registry.ts';

const ORIGIN = nameOf('example.');
const parse = (mnemonic: string, text: string) => parseRdataText(typeCode(mnemonic)!, text, ORIGIN);

/** `text` is taken and shown as `shown` (itself when left out). */
function good(mnemonic: string, text: string, shown = text) {
  test(`${mnemonic} ${text}`, () => {
    const result = parse(mnemonic, text);
    expect(result).toMatchObject({ ok: true, warnings: [] });
    expect(result.ok && formatRdata(typeCode(mnemonic)!, result.value)).toBe(shown);
  });
}

/** `text` has these octets. */
function wire(mnemonic: string, text: string, hex: string) {
  test(`${mnemonic} ${text} in wire form`, () => {
    const result = parse(mnemonic, text);
    expect(result.ok ? toHex(result.value) : result.problems).toBe(hex.replaceAll(' ', '').toUpperCase());
  });
}

function bad(mnemonic: string, text: string, code: string) {
  test(`not ${mnemonic} ${text.slice(0, 60)}`, () => {
    const result = parse(mnemonic, text);
    expect(result.ok ? formatRdata(typeCode(mnemonic)!, result.value) : result.problems[0]!.code).toBe(code);
  });
}

/** Taken, with a warning. */
function doubtful(mnemonic: string, text: string) {
  test(`${mnemonic} ${text}, with a warning`, () => {
    expect(parse(mnemonic, text)).toMatchObject({ ok: true, warnings: [{ code: 'RDATA_DOUBTFUL', severity: 'warning' }] });
  });
}

/** These octets are no data of the type. */
function badWire(mnemonic: string, hex: string) {
  test(`not ${mnemonic} \\# ${hex}`, () => {
    expect(checkRdata(typeCode(mnemonic)!, new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex')))).toMatchObject([
      { code: 'RDATA_WIRE' },
    ]);
  });
}

describe('RFC 1035 §3.4.1, RFC 3596, RFC 5952: addresses', () => {
  good('A', '192.0.2.1');
  bad('A', '192.0.2', 'RDATA_VALUE');
  bad('A', '192.0.2.256', 'RDATA_VALUE');
  bad('A', '192.0.2.01', 'RDATA_VALUE'); // some read a leading zero as octal
  bad('A', '192.0.2.1 192.0.2.2', 'RDATA_TRAILING');
  good('AAAA', '2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'); // §4.2.3: the first of equal runs
  good('AAAA', '2001:db8:0:1:1:1:1:1'); // §4.2.2: one group of zeros is not shortened
  good('AAAA', '::');
  good('AAAA', '1::', '1::');
  good('AAAA', '::ffff:192.0.2.1');
  good('AAAA', '1:2:3:4:5:6:192.0.2.1', '1:2:3:4:5:6:c000:201');
  good('AAAA', '1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0');
  bad('AAAA', '1:2:3:4:5:6:7:8::', 'RDATA_VALUE'); // :: stands for one group at least
  bad('AAAA', '1::2::3', 'RDATA_VALUE');
  bad('AAAA', ':1:2:3:4:5:6:7', 'RDATA_VALUE');
  bad('AAAA', '1:2:3:4:5:6:7', 'RDATA_VALUE');
  bad('AAAA', '12345::', 'RDATA_VALUE');
  bad('AAAA', '192.0.2.1::', 'RDATA_VALUE');
  bad('AAAA', 'fe80::1%eth0', 'RDATA_VALUE');
});

describe('RFC 1035 §3.3.13: SOA', () => {
  good('SOA', 'ns host.mail 2026010101 1h30m 15M 2w 300', 'ns.example. host.mail.example. 2026010101 5400 900 1209600 300');
  bad('SOA', 'ns host 1h 1 1 1 1', 'RDATA_VALUE'); // a serial has no units
  bad('SOA', 'ns host 4294967296 1 1 1 1', 'RDATA_VALUE');
  bad('SOA', 'ns host 1 1h30 1 1 1', 'RDATA_VALUE'); // 30 of what
  bad('SOA', 'ns host 1 1 1 1 7102w', 'RDATA_VALUE'); // above 2³²
  bad('SOA', 'ns host 1 1 1 1', 'RDATA_MISSING');
});

describe('RFC 1035 §3.3.14: TXT and other text', () => {
  good('TXT', '"a b" c "" \\"', '"a b" "c" "" "\\""');
  good('TXT', '"\\228\\(\\\\ \\065"', '"\\228(\\\\ A"');
  good('TXT', 'a"b"c', '"a" "b" "c"');
  good('TXT', 'v=1; comment', '"v=1"');
  bad('TXT', '', 'RDATA_MISSING');
  bad('TXT', `"${'x'.repeat(256)}"`, 'RDATA_VALUE');
  bad('TXT', '"\\256"', 'TEXT_ESCAPE');
  bad('TXT', '"\\1"', 'TEXT_ESCAPE');
  bad('TXT', 'a="b c"', 'RDATA_SYNTAX'); // BIND makes two strings of it; nobody means that
  test('a string too long says how to split it', () => {
    const result = parse('TXT', `"${'x'.repeat(400)}"`);
    expect(result.ok ? '' : result.problems[0]!.fix).toContain('split it');
  });
  badWire('TXT', '');
  badWire('TXT', '02 61');
  good('HINFO', 'Generic\\ PC Linux', '"Generic PC" "Linux"');
  bad('HINFO', '"CPU"', 'RDATA_MISSING');
  good('X25', '311061700956', '"311061700956"');
  bad('X25', '123', 'RDATA_VALUE'); // four digits at least
  good('ISDN', '150862028003217 004', '"150862028003217" "004"');
  good('ISDN', '150862028003217', '"150862028003217"');
  good('GPOS', '-32.6882 116.8652 10.0', '"-32.6882" "116.8652" "10.0"');
  bad('GPOS', 'north 1 1', 'RDATA_VALUE');
});

describe('RFC 1035 §3.3: names in data', () => {
  good('NS', 'ns1', 'ns1.example.');
  good('CNAME', '@', 'example.');
  good('PTR', 'a\\.b\\032c.', 'a\\.b\\032c.');
  bad('NS', '"ns1"', 'RDATA_SYNTAX');
  bad('MX', '10 a..b', 'NAME_EMPTY_LABEL');
  bad('MX', `10 ${'x'.repeat(64)}`, 'NAME_LABEL_LONG');
  bad('MX', '65536 a', 'RDATA_VALUE');
  bad('MX', '-1 a', 'RDATA_VALUE');
  badWire('NS', 'C000');
  badWire('NS', '016100 00');
  badWire('MX', '000A');
  good('RP', 'host. .', 'host. .');
  good('SRV', '0 5 5060 sip', '0 5 5060 sip.example.');
  good('KX', '10 a.', '10 a.');
});

describe('RFC 3403 §4, RFC 3402 §3.2: NAPTR', () => {
  good('NAPTR', '100 50 "s" "z3950+I2L+I2C" "" _z3950._tcp.gatech.edu.', '100 50 "s" "z3950+I2L+I2C" "" _z3950._tcp.gatech.edu.');
  good(
    'NAPTR',
    '100 10 "u" "E2U+sip" "!^(\\\\+43.*)$!sip:\\\\1@example.com!i" .',
    '100 10 "u" "E2U+sip" "!^(\\\\+43.*)$!sip:\\\\1@example.com!i" .',
  );
  bad('NAPTR', '100 10 "u" "E2U+sip" "!a!\\\\1!" .', 'RDATA_VALUE'); // no such group
  bad('NAPTR', '100 10 "u" "" "!a!b" .', 'RDATA_VALUE');
  bad('NAPTR', '100 10 "u" "" "!a!b!c" .', 'RDATA_VALUE');
  bad('NAPTR', '100 10 "u" "" "1a1b1" .', 'RDATA_VALUE');
});

describe('RFC 1876: LOC', () => {
  good('LOC', '42 21 54 N 71 06 18 W -24m 30m', '42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m');
  good('LOC', '52 14 05 N 00 08 50 E 10m', '52 14 5.000 N 0 8 50.000 E 10.00m 1.00m 10000.00m 10.00m');
  good('LOC', '32 7 19 S 116 2 25 E 10m', '32 7 19.000 S 116 2 25.000 E 10.00m 1.00m 10000.00m 10.00m');
  good('LOC', '90 N 180 W -100000.00m 90000000.00m 0 0.09', '90 0 0.000 N 180 0 0.000 W -100000.00m 90000000.00m 0.00m 0.09m');
  wire('LOC', '42 21 43.952 N 71 5 6.344 W -24m 1m 200m', '00 12 24 13 89170690 70BF2DD8 00988D20');
  bad('LOC', '90 0 0.001 N 0 E 1m', 'RDATA_VALUE');
  bad('LOC', '10 60 0 N 0 E 1m', 'RDATA_VALUE');
  bad('LOC', '10 0 0.0001 N 0 E 1m', 'RDATA_VALUE');
  bad('LOC', '10 E 10 N 1m', 'RDATA_VALUE'); // latitude first
  bad('LOC', '10 N 10 E', 'RDATA_MISSING');
  bad('LOC', '10 N 10 E 42849673m', 'RDATA_VALUE');
  badWire('LOC', '01 12 16 13 80000000 80000000 00989680'); // version 1
  badWire('LOC', '00 A2 16 13 80000000 80000000 00989680'); // a digit of ten
  badWire('LOC', '00 12 16 13 00000000 80000000 00989680'); // beyond the pole
});

describe('RFC 3123: APL', () => {
  good('APL', '1:192.168.32.0/21 !1:192.168.38.0/28');
  good('APL', '', '');
  wire('APL', '1:224.0.0.0/4 2:FF00:0:0:0:0:0:0:0/8', '0001 04 01 E0 0002 08 01 FF'); // trailing zero octets are left out
  bad('APL', '1:192.0.2.0/33', 'RDATA_SYNTAX');
  bad('APL', '3:192.0.2.0/24', 'RDATA_SYNTAX');
  bad('APL', '192.0.2.0/24', 'RDATA_SYNTAX');
  badWire('APL', '0001 18 04 C0000200'); // a trailing zero octet
  badWire('APL', '0001 21 01 C0'); // 33 bits
  badWire('APL', '0001 18 05 C000020101');
});

describe('RFC 4034 §5, RFC 8078 §4: DS and its like', () => {
  good('DS', '60485 RSASHA1 SHA-1 2BB183AF5F22588179A53B0A 98631FAD1A292118', '60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118');
  good('CDS', '0 0 0 00');
  good('CDNSKEY', '0 3 0 AA==');
  good('DS', '1 8 200 ab', '1 8 200 AB'); // an unknown digest type has any length
  bad('DS', '1 8 2 2BB183AF5F22588179A53B0A98631FAD1A292118', 'RDATA_VALUE');
  bad('DS', '1 8 1 2BB183AF5F22588179A53B0A98631FAD1A29211', 'RDATA_SYNTAX'); // half an octet
  bad('DS', '1 8 1', 'RDATA_MISSING');
  bad('SSHFP', '1 2 00', 'RDATA_VALUE');
  badWire('SSHFP', '0101 00');
  bad('ZONEMD', '1 1 1 00', 'RDATA_VALUE');
  bad('ZONEMD', '1 1 240 00', 'RDATA_VALUE'); // RFC 8976 §2.2.4: twelve octets at least
  good('TLSA', `DANE-EE SPKI SHA2-256 ${'0'.repeat(64)}`, `3 1 1 ${'0'.repeat(64)}`);
  doubtful('TLSA', '3 1 1 00'); // a digest that no client can match
});

describe('RFC 4034 §2–4, RFC 5155: DNSSEC', () => {
  good('DNSKEY', '256 3 RSASHA1 AQPSKmynfzW4 kyBv015MUG2D', '256 3 5 AQPSKmynfzW4kyBv015MUG2D');
  bad('DNSKEY', '256 3 5 AQ', 'RDATA_SYNTAX'); // padding is missing
  bad('DNSKEY', '256 3 5 AR==', 'RDATA_SYNTAX'); // bits after the end
  bad('DNSKEY', '256 3 5', 'RDATA_MISSING');
  bad('DNSKEY', '256 3 253 wAA=', 'RDATA_VALUE'); // RFC 4034 A.1.1: a name comes first
  good('KEY', 'NOKEY DNSSEC 5', '49152 3 5');
  bad('KEY', 'NOKEY 3 5 AQID', 'RDATA_VALUE');
  good(
    'RRSIG',
    'A 5 3 86400 20030322173103 ( 20030220173103 2642 example.com. AQID )',
    'A 5 3 86400 20030322173103 20030220173103 2642 example.com. AQID',
  );
  good('RRSIG', 'TYPE300 13 2 60 1048354263 0 1 . AQID', 'TYPE300 13 2 60 20030322173103 19700101000000 1 . AQID');
  bad('RRSIG', 'A 5 3 60 20030231000000 0 1 . AQID', 'RDATA_VALUE'); // no such day
  bad('RRSIG', 'A 5 1 60 0 0 1 example.com. AQID', 'RDATA_VALUE'); // fewer labels than the signer's zone
  bad('RRSIG', 'NOSUCH 5 1 60 0 0 1 . AQID', 'TYPE_UNKNOWN');
  wire(
    'NSEC',
    'host.example.com. A MX RRSIG NSEC TYPE1234',
    `04686f7374076578616d706c6503636f6d00 0006400100000003 041b ${'00'.repeat(26)}20`,
  );
  good('NSEC', 'a. NSEC A TYPE65280 A', 'a. A NSEC TYPE65280');
  bad('NSEC', 'a.', 'RDATA_MISSING'); // never without NSEC itself
  bad('NSEC', 'a. NOSUCH', 'TYPE_UNKNOWN');
  badWire('NSEC', '00 0001 00'); // trailing zero octet
  badWire('NSEC', '00 0000'); // an empty window
  badWire('NSEC', `00 0021 ${'01'.repeat(33)}`);
  badWire('NSEC', '00 000140 000140'); // the same window twice
  badWire('NSEC', '00 010140 000140'); // windows out of order
  good('NSEC3', '1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX', '1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR MX');
  good('NSEC3', '1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR'); // an empty non-terminal
  bad('NSEC3', '1 0 0 - 2T7G', 'RDATA_VALUE'); // SHA-1 has 20 octets
  bad('NSEC3', '1 0 0 - WXYZ', 'RDATA_SYNTAX');
  good('NSEC3PARAM', '1 0 12 aabbccdd', '1 0 12 AABBCCDD');
  bad('NSEC3PARAM', '1 0 12 abc', 'RDATA_SYNTAX');
  good('CSYNC', '66 3 A NS AAAA');
  good('NXT', 'big.example. A NS SIG 127', 'big.example. A NS SIG TYPE127');
  bad('NXT', 'a. CAA', 'TYPE_UNKNOWN');
});

describe('RFC 8659, RFC 7553: CAA and URI', () => {
  good('CAA', '0 issue "ca1.example.net; account=230123"');
  good('CAA', '128 tbs Unknown', '128 tbs "Unknown"');
  good('CAA', '0 issue ";"');
  good('CAA', '0 issue ""');
  good('CAA', `0 issue "${'x'.repeat(300)}"`); // the value is no character-string
  bad('CAA', '256 issue ""', 'RDATA_VALUE');
  bad('CAA', '0 is-sue ""', 'RDATA_VALUE');
  bad('CAA', '0 issue', 'RDATA_MISSING');
  badWire('CAA', '00 00 61'); // no tag
  badWire('CAA', '00 02 2D61');
  badWire('CAA', '00 05 6973');
  good('URI', '10 1 "ftp://ftp1.example.com/public"');
  bad('URI', '10 1 ""', 'RDATA_VALUE');
});

describe('RFC 9460 appendix D: SVCB and HTTPS', () => {
  wire('HTTPS', '0 foo.example.com.', '0000 03666f6f076578616d706c6503636f6d00');
  wire('SVCB', '1 .', '0001 00');
  wire('SVCB', '16 foo.example.com. port=53', '0010 03666f6f076578616d706c6503636f6d00 0003 0002 0035');
  wire('SVCB', '1 foo.example.com. key667=hello', '0001 03666f6f076578616d706c6503636f6d00 029b 0005 68656c6c6f');
  wire('SVCB', '1 foo.example.com. key667="hello\\210qoo"', '0001 03666f6f076578616d706c6503636f6d00 029b 0009 68656c6c6fd2716f6f');
  wire(
    'SVCB',
    '1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1"',
    '0001 03666f6f076578616d706c6503636f6d00 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001',
  );
  wire(
    'SVCB',
    '16 foo.example.org. ( alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1 )',
    '0010 03666f6f076578616d706c65036f726700 0000 0004 00010004 0001 0009 02683205 68332d3139 0004 0004 c0000201',
  );
  wire(
    'SVCB',
    '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
    '0010 03666f6f076578616d706c65036f726700 0001 000c 08 665c6f6f2c626172 02 6832',
  );
  wire(
    'SVCB',
    '16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2',
    '0010 03666f6f076578616d706c65036f726700 0001 000c 08 665c6f6f2c626172 02 6832',
  );
  good('HTTPS', '1 . alpn="h2,h3" ech=AAAA no-default-alpn', '1 . alpn="h2,h3" no-default-alpn ech=AAAA');
  good('SVCB', '1 . dohpath=/dns-query{?dns} ohttp', '1 . key7="/dns-query{?dns}" key8');
  good('SVCB', '1 . key1="\\002h2"', '1 . alpn="h2"');
  // IANA “DNS Service Bindings (SVCB)”: every key that has a name.
  wire('HTTPS', '1 . tls-supported-groups=29,23', '0001 00 0009 0004 001d 0017');
  wire('HTTPS', '1 . tls-supported-groups=4588', '0001 00 0009 0002 11ec');
  wire('SVCB', '1 . docpath=dns', '0001 00 000a 0004 03646e73');
  wire('SVCB', '1 . docpath=n,s', '0001 00 000a 0004 016e 0173');
  wire('SVCB', '1 . docpath', '0001 00 000a 0000'); // the path "/"
  wire('SVCB', '1 . pvd oots=x', '0001 00 000b 0000 000c 0001 78');
  wire('SVCB', '1 . mandatory=tls-supported-groups tls-supported-groups=29', '0001 00 0000 0002 0009 0009 0002 001d');
  good('HTTPS', '1 . tls-supported-groups=29,23', '1 . key9="\\000\\029\\000\\023"');
  bad('HTTPS', '1 . tls-supported-groups', 'RDATA_VALUE');
  bad('HTTPS', '1 . tls-supported-groups=29,', 'RDATA_VALUE');
  bad('HTTPS', '1 . tls-supported-groups=65536', 'RDATA_VALUE');
  bad('HTTPS', '1 . tls-supported-groups=x25519', 'RDATA_VALUE');
  bad('SVCB', '1 . docpath=a,,b', 'RDATA_VALUE');
  badWire('HTTPS', '0001 00 0009 0003 001d00');
  badWire('SVCB', '0001 00 000a 0003 03646e');
  bad('SVCB', '1 foo.example.com. key123=abc key123=def', 'RDATA_VALUE');
  bad('SVCB', '1 foo.example.com. mandatory', 'RDATA_VALUE');
  bad('SVCB', '1 foo.example.com. alpn', 'RDATA_VALUE');
  bad('SVCB', '1 foo.example.com. port', 'RDATA_VALUE');
  bad('SVCB', '1 foo.example.com. ipv4hint', 'RDATA_VALUE');
  bad('SVCB', '1 foo.example.com. ipv6hint', 'RDATA_VALUE');
  bad('SVCB', '1 foo.example.com. no-default-alpn=abc', 'RDATA_VALUE');
  bad('SVCB', '1 foo.example.com. mandatory=key123', 'RDATA_VALUE'); // not there
  bad('SVCB', '1 foo.example.com. mandatory=mandatory', 'RDATA_VALUE'); // names itself
  bad('SVCB', '1 foo.example.com. mandatory=key123,key123 key123=abc', 'RDATA_VALUE');
  bad('SVCB', '1 . no-default-alpn', 'RDATA_VALUE'); // §7.1.1: wants alpn
  bad('SVCB', '1 . alpn="h2,,h3"', 'RDATA_VALUE');
  bad('SVCB', '1 . key01=a', 'RDATA_VALUE');
  bad('SVCB', '1 . key65535=a', 'RDATA_VALUE'); // §14.3.2: the invalid key
  bad('SVCB', '1 . port=65536', 'RDATA_VALUE');
  bad('SVCB', '1 . "port=1"', 'RDATA_SYNTAX');
  bad('SVCB', '1 . dohpath=/dns-query', 'RDATA_VALUE'); // RFC 9461 §5: no {?dns}
  bad('SVCB', '1 . ipv4hint=192.0.2.1,', 'RDATA_VALUE');
  doubtful('HTTPS', '0 foo. port=53'); // §2.4.2
  badWire('SVCB', '0001 00 0003 0002 0035 0001 0003 026832'); // keys out of order
  badWire('SVCB', '0001 00 0003 0002 0035 0003 0002 0035'); // twice
  badWire('SVCB', '0001 00 0003 0003 003500');
  badWire('SVCB', '0001 00 0001 0003 036832');
  badWire('SVCB', '0001 00 0003 0002 00');
  badWire('SVCB', '0001 00 0004 0003 C00002');
  badWire('SVCB', '0001 00 0000 0004 0003 0001 0001 0003 026832 0003 0002 0035'); // mandatory not ascending
});

describe('RFC 4025, RFC 8777, RFC 8005: gateways and host identity', () => {
  good('IPSECKEY', '10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==');
  good('IPSECKEY', '10 3 2 gw AQNR', '10 3 2 gw.example. AQNR');
  good('IPSECKEY', '10 0 0 .', '\\# 3 0A0000'); // no key: no text that BIND takes
  bad('IPSECKEY', '10 1 2 2001:db8::1 AQNR', 'RDATA_VALUE');
  bad('IPSECKEY', '10 0 2 gw. AQNR', 'RDATA_VALUE');
  bad('IPSECKEY', '10 4 2 . AQNR', 'RDATA_VALUE');
  bad('IPSECKEY', '10 1 2 192.0.2.38', 'RDATA_VALUE'); // an algorithm without key
  badWire('IPSECKEY', '0A 04 02 01');
  good('AMTRELAY', '10 0 1 203.0.113.15');
  good('AMTRELAY', '10 1 3 amtrelays.example.com.');
  good('AMTRELAY', '128 0 0 .');
  bad('AMTRELAY', '10 2 1 203.0.113.15', 'RDATA_VALUE');
  bad('AMTRELAY', '10 0 4 x', 'RDATA_VALUE');
  good('HIP', '2 200100107B1A74DF365639CC39F1D578 AwEA rvs1 rvs2.', '2 200100107B1A74DF365639CC39F1D578 AwEA rvs1.example. rvs2.');
  bad('HIP', '2 20010', 'RDATA_SYNTAX');
  bad('HIP', '2 2001', 'RDATA_MISSING');
  badWire('HIP', '00 02 0001 AA');
});

describe('identifiers and old networks', () => {
  good('EUI48', '00-00-5E-00-53-2A', '00-00-5e-00-53-2a'); // RFC 7043 §3
  bad('EUI48', '00:00:5e:00:53:2a', 'RDATA_SYNTAX');
  bad('EUI64', '00-00-5e-00-53-2a', 'RDATA_SYNTAX');
  good('NID', '10 14:4fff:ff20:ee64', '10 0014:4fff:ff20:ee64'); // RFC 6742 §2.1
  good('L32', '10 10.1.2.0');
  bad('L64', '10 2001:db8::', 'RDATA_SYNTAX');
  good('LP', '10 l64-subnet1', '10 l64-subnet1.example.');
  good('NSAP', '0x47.0005.80', '0x47000580'); // RFC 1706 §5
  bad('NSAP', '47000580', 'RDATA_SYNTAX');
  good('ATMA', '+61.200.300.4', '+612003004');
  good('ATMA', '39.246f', '39246F');
  good('WKS', '10.0.0.1 TCP ( telnet smtp ftp 65535 )', '10.0.0.1 6 21 23 25 65535'); // RFC 1035 §3.4.2
  bad('WKS', '10.0.0.1 TCP nosuch', 'RDATA_VALUE');
  good('CERT', 'PGP 0 0 AQID', 'PGP 0 0 AQID'); // RFC 4398 §2
  good('CERT', '65280 1 RSASHA256 AQID', '65280 1 8 AQID');
  good('A6', '64 ::1234:5678:1212:5675 subnet', '64 ::1234:5678:1212:5675 subnet.example.'); // RFC 2874 §3.1
  good('A6', '128 a.', '128 a.');
  bad('A6', '64 ::1', 'RDATA_VALUE');
  bad('A6', '0 ::1 a.', 'RDATA_VALUE');
  badWire('A6', '81 00');
  good('DSYNC', 'CDS NOTIFY 5359 cds-scanner.example.net.', 'CDS 1 5359 cds-scanner.example.net.'); // RFC 9859 §2
  good('DOA', '0 1 2 "" aHR0cHM6Ly93d3cuaXNjLm9yZy8=');
  good('DOA', '0 1 2 "text/plain" -');
  bad('NULL', 'abc', 'RDATA_SYNTAX');
});

describe('zoneFileForm: what readers in wide use take', () => {
  test.each([
    ['MX', '10 a.', { type: 'MX', rdata: '10 a.' }],
    ['WALLET', '"x"', { type: 'TYPE262', rdata: '\\# 2 0178' }],
    ['CSYNC', '1 2', { type: 'TYPE62', rdata: '\\# 6 000000010002' }],
    ['CSYNC', '1 2 A', { type: 'CSYNC', rdata: '1 2 A' }],
    ['CSYNC', '1 2 A DLV', { type: 'CSYNC', rdata: '1 2 A TYPE32769' }],
    [
      'RRSIG',
      'RESINFO 13 2 60 20300101000000 20200101000000 1 example. AQID',
      { type: 'RRSIG', rdata: 'TYPE261 13 2 60 20300101000000 20200101000000 1 example. AQID' },
    ],
    ['NSEC', 'b.example. A HIP RRSIG NSEC WALLET', { type: 'NSEC', rdata: 'b.example. A RRSIG NSEC TYPE55 TYPE262' }],
    ['NSEC', 'a6. A A6', { type: 'NSEC', rdata: 'a6. A TYPE38' }],
    ['HIP', '2 20 AQID', { type: 'TYPE55', rdata: '\\# 8 0102000320010203' }],
    ['CAA', '0 issue "x"', { type: 'CAA', rdata: '0 issue "x"' }],
    ['CAA', '0 Issue "x"', { type: 'TYPE257', rdata: '\\# 8 0005497373756578' }],
  ])('%s %s', (mnemonic, text, form) => {
    const result = parse(mnemonic, text);
    expect(result.ok && zoneFileForm(typeCode(mnemonic)!, result.value)).toEqual(form);
  });
});
