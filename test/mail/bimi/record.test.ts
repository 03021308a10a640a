/** BIMI assertion records. */
import { formatPlace } from '#base/place.ts';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import { type BimiRecord, bimiOwner, checkBimiDmarc, DECLINED_BIMI, formatBimi, isDeclined, parseBimi } from '#mail/bimi/record.ts';
import { parseDmarc } from '#mail/dmarc/record.ts';
import { codesOf, recordTable } from '../../support/mail/record-table.ts';

const { good, bad } = recordTable(parseBimi, formatBimi);
const LOGO: BimiRecord = { ...DECLINED_BIMI, logoUri: 'https://example.com/logo.svg' };
const BOTH: BimiRecord = { ...LOGO, evidenceUri: 'https://example.com/vmc.pem' };

describe('draft-brand-indicators-for-message-identification-12 §4.3: BIMI1 record', () => {
  good('v=BIMI1; l=https://example.com/logo.svg', LOGO);
  good('v=BIMI1; l=https://example.com/logo.svg; a=', LOGO);
  good('v=BIMI1; a=https://example.com/vmc.pem; l=https://example.com/logo.svg;', BOTH); // any order after v
  good('v=BIMI1; l=; a=;', DECLINED_BIMI);
  good('v=BIMI1; l=', DECLINED_BIMI); // a missing a= is an empty one
  good('v=BIMI1; l=https://example.com/logo.svg; avp=personal', { ...LOGO, avatarPreference: 'personal' });
  good('v=BIMI1; l=; a=; lps=newsletter, Offers-', { ...DECLINED_BIMI, selectorPrefixes: ['newsletter', 'offers-'] });
  good('v=BIMI1; l=; a=; lps=true', { ...DECLINED_BIMI, selectorPrefixes: ['true'] }, 'BIMI_PREFIX'); // a switch in drafts before 12
  good('v=BIMI1; l=https://example.com/logo.svgz', { ...LOGO, logoUri: 'https://example.com/logo.svgz' }, 'BIMI_LOCATION'); // allowed, little supported
  good('v=BIMI1; l=https://example.com/logo.svg; z=2', LOGO, 'BIMI_TAG_UNKNOWN');
  bad('v=BIMI1', 'BIMI_LOCATION_MISSING'); // l= is required
  bad('v=bimi1; l=', 'BIMI_VERSION'); // must match precisely
  bad('v=BIMI2; l=', 'BIMI_VERSION');
  bad('l=; v=BIMI1', 'BIMI_VERSION_FIRST');
  bad('v=BIMI1; l=; a=https://example.com/vmc.pem', 'BIMI_LOCATION'); // evidence of nothing
  bad('v=BIMI1; l=http://example.com/logo.svg', 'BIMI_LOCATION'); // https: only
  bad('v=BIMI1; l=https://localhost/logo.svg', 'BIMI_LOCATION'); // not a public host
  bad('v=BIMI1; l=logo.svg', 'BIMI_LOCATION');
  bad('v=BIMI1; l=https://example.com/logo.png', 'BIMI_LOCATION'); // §4.3.2: a permanent error
  bad('v=BIMI1; l=https://example.com/a,b.svg', 'BIMI_LOCATION'); // commas are encoded
  bad('v=BIMI1; l=https://example.com/logo.svg; a=self', 'BIMI_EVIDENCE');
  bad('v=BIMI1; l=https://example.com/logo.svg; avp=logo', 'BIMI_AVATAR');
  bad('v=BIMI1; l=; lps=a_b', 'BIMI_PREFIX');
  bad('v=BIMI1; l=; l=', 'BIMI_TAG_TWICE');

  test('declining is saying so', () => {
    expect(formatBimi(DECLINED_BIMI)).toBe('v=BIMI1; l=; a=;');
    expect([isDeclined(DECLINED_BIMI), isDeclined(LOGO)]).toEqual([true, false]);
  });
  test('judge: mailauth reads l and a', () => {
    const tools = createRequire(import.meta.url)('mailauth/lib/tools.js') as {
      validateTagValueRecord(record: string, type: string): { isValid: boolean; errors: string[]; tags: Record<string, string> };
    };
    expect(
      tools.validateTagValueRecord(formatBimi({ ...BOTH, avatarPreference: 'personal', selectorPrefixes: ['a'] }), 'BIMI'),
    ).toMatchObject({
      isValid: true,
      errors: [],
      tags: { v: 'BIMI1', l: BOTH.logoUri, a: BOTH.evidenceUri },
    });
  });
});

describe('§4.4: selectors', () => {
  test('names', () => {
    const owner = bimiOwner(nameOf('example.com'));
    expect(owner.ok && formatName(owner.value)).toBe('default._bimi.example.com.');
    expect(codesOf(bimiOwner(nameOf('example.com'), 'a_b'))).toEqual(['BIMI_SELECTOR']);
  });
});

describe('§7.1: what DMARC must say', () => {
  test.each([
    ['v=DMARC1; p=reject', []],
    ['v=DMARC1; p=quarantine; sp=reject', []],
    ['v=DMARC1; p=none', ['p=']],
    ['v=DMARC1; p=reject; sp=none', ['sp=']],
    ['v=DMARC1; p=none; sp=none', ['p=', 'sp=']],
    ['v=DMARC1; p=reject; t=y', ['t=']],
    [undefined, ['']],
  ])('%s: %j', (text, expected) => {
    const dmarc = text === undefined ? undefined : parseDmarc(text);
    if (dmarc !== undefined && !dmarc.ok) throw new Error('bad record');
    expect(checkBimiDmarc(LOGO, dmarc?.value).map((each) => formatPlace(each.at))).toEqual(expected);
  });
  test('who declines needs nothing', () => expect(checkBimiDmarc(DECLINED_BIMI, undefined)).toEqual([]));
});
