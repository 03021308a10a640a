/** DMARC aggregate reports as receivers write them, and as nobody should. */
import { formatPlace } from '#base/place.ts';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DMARC_REPORT_TAGS_MAX } from '#base/limits/reports.ts';
import { parseDmarcReport } from '#mail/reports/dmarc-aggregate.ts';

const file = (name: string) => readFileSync(new URL(`../../fixtures/reports/${name}`, import.meta.url));
const codes = (text: string | Uint8Array) => {
  const parsed = parseDmarcReport(typeof text === 'string' ? Buffer.from(text) : text);
  return parsed.ok ? [] : parsed.problems.map(({ code, at, message }) => `${code} ${formatPlace(at)} ${message}`);
};
const SAMPLES = ['google-rfc7489.xml', 'outlook-rfc7489.xml', 'rfc9990.xml'];

describe('RFC 7489 §C: the older form', () => {
  test('as Google sends it', () => {
    expect(parseDmarcReport(file('google-rfc7489.xml'))).toMatchObject({
      ok: true,
      value: {
        organization: 'google.com',
        id: '4183017263549817203',
        domain: 'post.example',
        beginMs: Date.UTC(2026, 0, 1),
        endMs: Date.UTC(2026, 0, 2) - 1000,
        rows: [
          {
            address: '192.0.2.25',
            messages: 240,
            isDkimAligned: true,
            isSpfAligned: true,
            isForwarded: false,
            signatures: [
              { domain: 'post.example', selector: 'r20260101a' },
              { domain: 'post.example', selector: 'e20260101a' },
            ],
          },
          { address: '2001:db8::25', messages: 3, isDkimAligned: false, isSpfAligned: false, isForwarded: true, signatures: [] },
        ],
      },
    });
  });

  test('as Outlook sends it: all in one line, the domain in capitals', () => {
    expect(parseDmarcReport(file('outlook-rfc7489.xml'))).toMatchObject({
      ok: true,
      value: {
        organization: 'Outlook.com',
        domain: 'post.example',
        rows: [
          { address: '198.51.100.9', messages: 12, isDkimAligned: false, isSpfAligned: false, signatures: [{ domain: 'esp.example' }] },
          { address: '192.0.2.25', messages: 8, isDkimAligned: true },
        ],
      },
    });
  });

  test.each([
    ['little-endian with a mark', (text: string) => Buffer.from(`\u{feff}${text}`, 'utf16le')],
    ['big-endian with a mark', (text: string) => Buffer.from(`\u{feff}${text}`, 'utf16le').swap16()],
    ['without a mark', (text: string) => Buffer.from(text, 'utf16le')],
  ])('UTF-16, %s (XML 1.0, appendix F)', (_what, encode) => {
    const text = file('outlook-rfc7489.xml').toString().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>');
    expect(parseDmarcReport(encode(text))).toEqual(parseDmarcReport(file('outlook-rfc7489.xml')));
  });

  test('an encoding of the west, and octets that are no UTF-8', () => {
    const latin = file('outlook-rfc7489.xml').toString().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="windows-1252"?>');
    const named = (text: string) => parseDmarcReport(Buffer.from(text.replace('Outlook.com', 'Société'), 'latin1'));
    expect(named(latin)).toMatchObject({ ok: true, value: { organization: 'Société' } });
    expect(named(file('outlook-rfc7489.xml').toString())).toMatchObject({ ok: true, value: { organization: 'Soci\u{fffd}t\u{fffd}' } });
  });
});

test('RFC 9990 §A: the new form, with a namespace, an extension and words in capitals', () => {
  expect(parseDmarcReport(file('rfc9990.xml'))).toMatchObject({
    ok: true,
    value: {
      organization: 'Sample Receiver',
      rows: [{ messages: 123, isDkimAligned: true, isSpfAligned: false, signatures: [{ domain: 'post.example', selector: 'e20260101a' }] }],
    },
  });
});

describe('what is refused', () => {
  const good = file('google-rfc7489.xml').toString();

  test('every problem at once, each with its line', () => {
    const bad = good
      .replace('<org_name>google.com</org_name>', '')
      .replace(/<email>.*<.email>/, '')
      .replace('<begin>1767225600</begin>', '<begin>yesterday</begin>')
      .replace('192.0.2.25', '192.0.2.256')
      .replace('<count>3</count>', '<count>-3</count>');
    expect(codes(bad)).toEqual([
      'REPORT_FORM line 4 <report_metadata> has no org_name, and no email to tell who sent it',
      'REPORT_FORM line 10 <begin> begin "yesterday" is not a number of seconds since 1970',
      'REPORT_FORM line 2 <feedback> has no record that counts: not counted: record: source_ip "192.0.2.256" is not an address, 240 messages',
      'REPORT_FORM line 2 <feedback> has no record that counts: not counted: record: count "-3" is not a number from 0 to 1000000000',
    ]);
  });

  test.each([
    ['', 'REPORT_XML'],
    ['hello', 'REPORT_XML'],
    ['<html></html>', 'REPORT_FORM'], // another document
    ['<feedback></feedback>', 'REPORT_FORM'], // nothing in it
    [good.replace('<feedback>', '<!DOCTYPE feedback [<!ENTITY a "aaaa">]><feedback>'), 'REPORT_XML'], // entities multiply
    [good.replace('list &amp; more', '&a;'), 'REPORT_XML'],
    [good.slice(0, -20), 'REPORT_XML'], // cut off
    [good.replaceAll(/<policy_evaluated>[\s\S]*?<\/policy_evaluated>|<auth_results>[\s\S]*?<\/auth_results>/g, ''), 'REPORT_FORM'], // nobody judged
    ['<a>'.repeat(100), 'REPORT_XML'], // too deep
    ['<a/>'.repeat(DMARC_REPORT_TAGS_MAX + 1), 'REPORT_SIZE'], // small as text, large in memory
  ])('%#', (text, code) => {
    expect(codes(text)[0]?.split(' ')[0]).toBe(code);
  });
});

test('a record that cannot be read is left out and named; the others count', () => {
  const report = parseDmarcReport(Buffer.from(file('google-rfc7489.xml').toString().replace('2001:DB8:0:0::25', 'unknown')));
  expect(report).toMatchObject({
    ok: true,
    value: {
      rows: [{ messages: 240 }],
      leftOut: [{ what: 'record: source_ip "unknown" is not an address', times: 1, amount: 3 }],
    },
  });
});

test('whatever is done to a report, reading it does not throw, and what is read is counts', () => {
  const edits = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(40),
      put: fc.oneof(
        fc.string({ maxLength: 8 }),
        fc.constantFrom('<', '>', '</row>', '<record>', '&#0;', '&amp;', ']]>', '<![CDATA[', '9'.repeat(30), '\0'),
      ),
    }),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...SAMPLES), edits, (name, changes) => {
      let text = file(name).toString();
      for (const { at, cut, put } of changes) {
        const from = Math.floor(at * text.length);
        text = text.slice(0, from) + put + text.slice(from + cut);
      }
      const parsed = parseDmarcReport(Buffer.from(text));
      if (!parsed.ok) {
        expect(parsed.problems.length).toBeGreaterThan(0);
        return;
      }
      expect(parsed.value.organization).not.toBe('');
      for (const { messages } of parsed.value.rows) expect(messages).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 500 },
  );
});
