/**
 * Laws of the mail records: what is printed is read as what it was (parse∘format = id); no text makes a reader throw; and the readers of
 * mailauth take what we print. Tables of good and bad records, with reasons, are in test/mail/.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import { parsePolicy } from 'mailauth/lib/mta-sts.js';
import { describe, expect, test } from 'vitest';
import { ok, type Result } from '#base/problem.ts';
import { splitString } from '#dns/rdata/txt.ts';
import { formatRdata, parseRdataText } from '#dns/registry.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type BimiRecord, formatBimi, parseBimi } from '#mail/bimi/record.ts';
import { formatTlsa, parseTlsa, tlsaRdata, type TlsaRecord } from '#mail/dane/record.ts';
import { type DkimRecord } from '#mail/dkim/record-type.ts';
import { formatDkim, parseDkim } from '#mail/dkim/record.ts';
import { DMARC_POLICIES, type DmarcFailureOption, type DmarcRecord, formatDmarc, isDmarcText, parseDmarc } from '#mail/dmarc/record.ts';
import { checkTexts } from '#mail/hygiene.ts';
import {
  formatStsPolicy,
  formatStsRecord,
  parseStsPolicy,
  parseStsRecord,
  policyId,
  STS_MODES,
  type StsPolicy,
} from '#mail/mta-sts/record.ts';
import { mailtoUri } from '#mail/text/report-uri.ts';
import { formatTlsRpt, parseTlsRpt, selectTlsRpt, type TlsRptRecord } from '#mail/tls-rpt/record.ts';
import { txtRdata, txtText } from '#mail/text/txt.ts';

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
const host = fc
  .array(label, { minLength: 2, maxLength: 4 })
  .map((labels) => labels.join('.'))
  .filter((text) => /\.[a-z][a-z0-9-]*$/.test(text));
const mailto = fc
  .tuple(
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }).filter((text) => !/\s/.test(text)),
    host,
  )
  .map(([local, at]) => mailtoUri(`${local}@${at}`));
const https = fc.tuple(host, fc.stringMatching(/^[a-z0-9/._-]{0,20}$/)).map(([name, path]) => `https://${name}/${path}`);
const several = <T>(each: fc.Arbitrary<T>, minLength = 0) => fc.uniqueArray(each, { minLength, maxLength: 3 });

const policies = fc.constantFrom(...DMARC_POLICIES);
const alignments = fc.constantFrom('relaxed' as const, 'strict' as const);
const failureOptions = fc
  .tuple(fc.constantFrom('0', '1', ''), fc.subarray(['d', 's']), fc.boolean())
  .map(
    ([number, letters, isFirst]) =>
      (isFirst ? [number, ...letters] : [...letters, number]).filter((each) => each !== '') as DmarcFailureOption[],
  )
  .map((options) => (options.length === 0 ? (['0'] as const) : options));

const dmarcRecords: fc.Arbitrary<DmarcRecord> = fc.record(
  {
    policy: policies,
    subdomainPolicy: policies,
    nonexistentPolicy: policies,
    isPublicSuffix: fc.boolean(),
    dkimAlignment: alignments,
    spfAlignment: alignments,
    isTesting: fc.boolean(),
    aggregateUris: several(mailto),
    failureUris: several(mailto),
    failureOptions,
  },
  { requiredKeys: ['policy', 'dkimAlignment', 'spfAlignment', 'isTesting', 'aggregateUris', 'failureUris', 'failureOptions'] },
);

const RSA_KEYS = [2048, 3072].map(
  (modulusLength) => new Uint8Array(generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ type: 'spki', format: 'der' })),
);
const dkimKeys: fc.Arbitrary<Pick<DkimRecord, 'keyType' | 'publicKey'>> = fc.oneof(
  fc.constantFrom(...RSA_KEYS, new Uint8Array(0)).map((publicKey) => ({ keyType: 'rsa' as const, publicKey })),
  fc
    .oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.constant(new Uint8Array(0)))
    .map((publicKey) => ({ keyType: 'ed25519' as const, publicKey })),
);
const dkimRecords: fc.Arbitrary<DkimRecord> = fc
  .tuple(
    dkimKeys,
    fc.record({
      hashes: fc.constantFrom([], ['sha256']),
      services: fc.subarray(['email', 'tlsrpt']),
      isTesting: fc.boolean(),
      isDomainOnly: fc.boolean(),
      notes: fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)), maxLength: 20 }),
    }),
  )
  .map(([key, rest]) => ({ ...key, ...rest }));

const stsPolicies: fc.Arbitrary<StsPolicy> = fc
  .record({
    mode: fc.constantFrom(...STS_MODES),
    maxAgeSeconds: fc.integer({ min: 86_400, max: 31_557_600 }),
    mxPatterns: several(
      fc.tuple(fc.boolean(), host).map(([isWild, name]) => (isWild ? `*.${name}` : name)),
      1,
    ),
  })
  .map((policy) => (policy.mode === 'none' ? { ...policy, mxPatterns: [] } : policy));

const tlsRptRecords: fc.Arbitrary<TlsRptRecord> = fc.record({ reportUris: several(fc.oneof(mailto, https), 1) });

const bimiRecords: fc.Arbitrary<BimiRecord> = fc
  .record({
    logoUri: fc.oneof(
      https.map((uri) => `${uri}.svg`),
      fc.constant(''),
    ),
    evidenceUri: fc.oneof(https, fc.constant('')),
    avatarPreference: fc.constantFrom('brand' as const, 'personal' as const),
    selectorPrefixes: several(label),
  })
  .map((record) => (record.logoUri === '' ? { ...record, evidenceUri: '' } : record));

const tlsaRecords: fc.Arbitrary<TlsaRecord> = fc.record({
  usage: fc.constantFrom(2, 3),
  selector: fc.constant(1),
  matching: fc.constant(1),
  data: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

describe('parse∘format = id, without a warning', () => {
  const law = <T>(title: string, records: fc.Arbitrary<T>, format: (record: T) => string, parse: (text: string) => Result<T>) =>
    test(`of ${title}`, () => {
      fc.assert(
        fc.property(records, (record) => {
          expect(parse(format(record))).toEqual(ok(record));
        }),
        { numRuns: 500 },
      );
    });
  law('DKIM', dkimRecords, formatDkim, parseDkim);
  law('DMARC', dmarcRecords, formatDmarc, parseDmarc);
  law(
    'MTA-STS record',
    fc.stringMatching(/^[A-Za-z0-9]{1,32}$/).map((id) => ({ id })),
    formatStsRecord,
    parseStsRecord,
  );
  law('MTA-STS policy', stsPolicies, formatStsPolicy, parseStsPolicy);
  law('TLS-RPT', tlsRptRecords, formatTlsRpt, parseTlsRpt);
  law('BIMI', bimiRecords, formatBimi, parseBimi);
  law('TLSA', tlsaRecords, formatTlsa, parseTlsa);
});

describe('what is printed', () => {
  test('goes through TXT RDATA and the zone file unchanged', () =>
    fc.assert(
      fc.property(fc.oneof(dkimRecords.map(formatDkim), dmarcRecords.map(formatDmarc), bimiRecords.map(formatBimi)), (text) => {
        const rdata = txtRdata(text);
        expect(txtText(rdata)).toBe(text);
        expect(splitString(Buffer.from(text, 'latin1')).every((each) => each.length <= 255)).toBe(true);
        expect(parseRdataText(TYPE.TXT, formatRdata(TYPE.TXT, rdata), nameOf('.'))).toEqual(ok(rdata));
        expect(text).toMatch(/^[\x20-\x7e]*$/);
      }),
    ));
  test('is what readers select', () => {
    fc.assert(
      fc.property(dmarcRecords, (record) => {
        expect(isDmarcText(formatDmarc(record))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(tlsRptRecords, (record) => {
        expect(selectTlsRpt([formatTlsRpt(record)])).toHaveLength(1);
      }),
    );
  });
  test('TLSA: RDATA and text say the same', () =>
    fc.assert(
      fc.property(tlsaRecords, (record) => {
        expect(formatRdata(TYPE.TLSA, tlsaRdata(record))).toBe(formatTlsa(record));
      }),
    ));
  test('an MTA-STS id changes when the policy does', () =>
    fc.assert(
      fc.property(stsPolicies, stsPolicies, (a, b) => {
        const [bodyA, bodyB] = [formatStsPolicy(a), formatStsPolicy(b)];
        expect(policyId(bodyA) === policyId(bodyB)).toBe(bodyA === bodyB);
        expect(parseStsRecord(formatStsRecord({ id: policyId(bodyA) })).ok).toBe(true);
      }),
    ));
});

describe('no text makes a reader throw', () => {
  const pieces = fc.constantFrom(
    'v=',
    'DKIM1',
    'DMARC1',
    'STSv1',
    'TLSRPTv1',
    'BIMI1',
    'v=spf1 ',
    ';',
    '; ',
    '=',
    'p=',
    'k=ed25519',
    'k=rsa',
    'n==3',
    'h=sha256',
    's=*',
    't=y:',
    'rua=',
    'mailto:',
    'https://',
    'a@b.example',
    '%',
    '%4',
    ',',
    '!',
    '10m',
    'fo=0:1',
    'l=',
    'lps=',
    ':',
    '\r\n',
    '\n',
    'mode: ',
    'mx: *.',
    'max_age: 1',
    ' ',
    '\u{0}',
    '\u{ff}',
    'MIIB',
    '[::1]',
    '3 1 1 ',
  );
  const texts = fc.oneof(
    fc.array(pieces, { maxLength: 15 }).map((all) => all.join('')),
    fc.string({ unit: 'binary', maxLength: 60 }),
  );
  const readers: Readonly<Record<string, (text: string) => Result<unknown>>> = {
    DKIM: parseDkim,
    DMARC: parseDmarc,
    'MTA-STS record': parseStsRecord,
    'MTA-STS policy': parseStsPolicy,
    'TLS-RPT': parseTlsRpt,
    BIMI: parseBimi,
  };
  test.each(Object.entries(readers))('%s, and a refusal has a reason with an error first', (_, read) => {
    fc.assert(
      fc.property(texts, (text) => {
        const result = read(text);
        if (!result.ok) expect(result.problems[0]!.severity).toBe('error');
        else expect(result.warnings.every((each) => each.severity === 'warning')).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
  test('hygiene of any texts at any place', () => {
    const owners = [
      'example.com',
      '_dmarc.example.com',
      's._domainkey.example.com',
      'a._report._dmarc.b.example',
      '_mta-sts.example.com',
      '_smtp._tls.example.com',
      'default._bimi.example.com',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...owners), fc.array(texts, { maxLength: 3 }), (owner, all) => {
        expect(Array.isArray(checkTexts(nameOf(owner), all))).toBe(true);
      }),
    );
  });
});

describe('judge: mailauth', () => {
  const require = createRequire(import.meta.url);
  type Resolve = () => Promise<string[][]>;
  const getDmarcRecord = require('mailauth/lib/dmarc/get-dmarc-record.js') as (
    domain: string,
    resolver: Resolve,
  ) => Promise<Record<string, unknown>>;
  const { getPublicKey } = require('mailauth/lib/tools.js') as {
    getPublicKey: (type: string, name: string, bits: number, resolver: Resolve) => Promise<{ publicKey: string }>;
  };
  const strings = (text: string) =>
    Promise.resolve([splitString(Buffer.from(text, 'latin1')).map((each) => Buffer.from(each).toString('latin1'))]);

  test('reads our DMARC records', () =>
    fc.assert(
      fc.asyncProperty(dmarcRecords, async (record) => {
        const read = await getDmarcRecord('example.com', () => strings(formatDmarc(record)));
        expect(read['v']).toBe('DMARC1');
        expect([read['p'], read['sp'], read['np']]).toEqual([record.policy, record.subdomainPolicy, record.nonexistentPolicy]);
        expect([read['adkim'] ?? 'r', read['aspf'] ?? 'r']).toEqual([record.dkimAlignment[0], record.spfAlignment[0]]);
        expect(read['rua'] ?? '').toBe(record.aggregateUris.join(','));
      }),
    ));
  test('finds the key in our DKIM records', () =>
    fc.assert(
      // Its header reader stops at quotes, brackets and backslashes, which a key record may have in its notes.
      fc.asyncProperty(
        dkimRecords.filter((record) => record.publicKey.length > 0 && !/["'()\\]/.test(record.notes)),
        async (record) => {
          const { publicKey } = await getPublicKey('DKIM', 'x', 1024, () => strings(formatDkim(record)));
          const octets = Buffer.from(publicKey.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
          expect(Buffer.from(record.publicKey).subarray(-32).equals(octets.subarray(-32))).toBe(true);
        },
      ),
    ));
  test('reads our MTA-STS policies', () =>
    fc.assert(
      fc.property(stsPolicies, (policy) => {
        const read = parsePolicy(formatStsPolicy(policy));
        expect([read.mode, read.maxAge, read.mx ?? []]).toEqual([policy.mode, policy.maxAgeSeconds, policy.mxPatterns]);
      }),
    ));
});
