/** Examples printed in the RFCs, as they stand there. */

/** RFC 4034 §5.4 and RFC 4509 §2.3: one RSA key and its DS, SHA-1 and SHA-256. */
export const RFC4509_KEY = {
  owner: 'dskey.example.com.',
  dnskey:
    '256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==',
  ds: '60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A',
} as const;

/** RFC 6605 §6.1: P-256 key, DS and a signed RRset. */
export const RFC6605_P256 = {
  secretBase64: 'GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=',
  owner: 'example.net.',
  dnskey: '257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
  ds: '55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17',
  signed: {
    owner: 'www.example.net.',
    ttl: 3600,
    address: '192.0.2.1',
    rrsig:
      'A 13 3 3600 20100909100439 20100812100439 55648 example.net. qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
  },
} as const;

/** Other algorithms: a key, an RRset and its RRSIG. */
export const ALGORITHM_EXAMPLES = [
  {
    source: 'RFC 5702 §6.1: RSA/SHA-256',
    algorithm: 8,
    keyTag: 9033,
    zone: 'example.net.',
    dnskey: '256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=',
    owner: 'www.example.net.',
    type: 'A',
    rdata: '192.0.2.91',
    rrsig:
      'A 8 3 3600 20300101000000 20000101000000 9033 example.net. kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==',
  },
  {
    source: 'RFC 6605 §6.2: P-384',
    algorithm: 14,
    keyTag: 10771,
    zone: 'example.net.',
    dnskey:
      '257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40',
    owner: 'www.example.net.',
    type: 'A',
    rdata: '192.0.2.1',
    rrsig:
      'A 14 3 3600 20100909102025 20100812102025 10771 example.net. /L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm',
  },
  {
    source: 'RFC 8080 §6.1: Ed25519, with erratum 4935',
    algorithm: 15,
    keyTag: 3613,
    zone: 'example.com.',
    dnskey: '257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=',
    owner: 'example.com.',
    type: 'MX',
    rdata: '10 mail.example.com.',
    rrsig:
      'MX 15 2 3600 20150819220000 20150729220000 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
  },
] as const;

/** RFC 8080 §6.2 as printed: its RRSIG has a label too many (erratum 4935), the signature is one over what it says. */
export const RFC8080_ED448 = {
  secretBase64: 'xZ+5Cgm463xugtkY5B0Jx6erFTXp13rYegst0qRtNsOYnaVpMx0Z/c5EiA9x8wWbDDct/U3FhYWA',
  dnskey: '257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA',
  rrsig:
    'MX 16 3 3600 20150819220000 20150729220000 9713 example.com. Nmc0rgGKpr3GKYXcB1JmqqS4NYwhmechvJTqVzt3jR+Qy/lSLFoIk1L+9e39GPL+5tVzDPN3f9kAwiu8KCuPPjtl227ayaCZtRKZuJax7n9NuYlZJIusX0SOIOKBGzG+yWYtz1/jjbzl5GGkWvREUCUA',
} as const;

/** RFC 6979 A.2.5: ECDSA, P-256, SHA-256. */
export const RFC6979_P256 = {
  secret: 'C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721',
  publicKey:
    '60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB67903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299',
  signatures: {
    sample:
      'EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716' +
      'F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8',
    test:
      'F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367' +
      '019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083',
  },
} as const;

/** RFC 4034 §4.3: RDATA of `alfa.example.com. NSEC host.example.com. (A MX RRSIG NSEC TYPE1234)`. */
export const RFC4034_NSEC = `04686F7374076578616D706C6503636F6D000006400100000003041B${'00'.repeat(26)}20`;

/** RFC 4035 App. A: the records of the signed zone that its operator wrote. */
export const RFC4035_ZONE = `
example. 3600 SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600
example. 3600 NS ns1.example.
example. 3600 NS ns2.example.
example. 3600 MX 1 xx.example.
a.example. 3600 NS ns1.a.example.
a.example. 3600 NS ns2.a.example.
a.example. 3600 DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B
ns1.a.example. 3600 A 192.0.2.5
ns2.a.example. 3600 A 192.0.2.6
ai.example. 3600 A 192.0.2.9
ai.example. 3600 HINFO "KLH-10" "ITS"
ai.example. 3600 AAAA 2001:db8::f00:baa9
b.example. 3600 NS ns1.b.example.
b.example. 3600 NS ns2.b.example.
ns1.b.example. 3600 A 192.0.2.7
ns2.b.example. 3600 A 192.0.2.8
ns1.example. 3600 A 192.0.2.1
ns2.example. 3600 A 192.0.2.2
*.w.example. 3600 MX 1 ai.example.
x.w.example. 3600 MX 1 xx.example.
x.y.w.example. 3600 MX 1 xx.example.
xx.example. 3600 A 192.0.2.10
xx.example. 3600 HINFO "KLH-10" "TOPS-20"
xx.example. 3600 AAAA 2001:db8::f00:baaa
`;

/** RFC 4035 App. A: its NSEC records. Ours adds CDS and CDNSKEY at the apex. */
export const RFC4035_CHAIN = [
  'example. 3600 IN NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY CDS CDNSKEY',
  'a.example. 3600 IN NSEC ai.example. NS DS RRSIG NSEC',
  'ai.example. 3600 IN NSEC b.example. A HINFO AAAA RRSIG NSEC',
  'b.example. 3600 IN NSEC ns1.example. NS RRSIG NSEC',
  'ns1.example. 3600 IN NSEC ns2.example. A RRSIG NSEC',
  'ns2.example. 3600 IN NSEC *.w.example. A RRSIG NSEC',
  '*.w.example. 3600 IN NSEC x.w.example. MX RRSIG NSEC',
  'x.w.example. 3600 IN NSEC x.y.w.example. MX RRSIG NSEC',
  'x.y.w.example. 3600 IN NSEC xx.example. MX RRSIG NSEC',
  'xx.example. 3600 IN NSEC example. A HINFO AAAA RRSIG NSEC',
] as const;
