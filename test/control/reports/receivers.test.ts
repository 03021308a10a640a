/** Reports in the shapes that real senders give them: each is taken for what it is. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type Result } from '#base/problem.ts';
import { unpackReport } from '#control/reports/report-file.ts';
import { parseDmarcReport } from '#mail/reports/dmarc-aggregate.ts';
import { parseTlsReport } from '#mail/reports/tls-report.ts';
import { bad, good } from '../../support/temporary-control.ts';
import { zipOf } from '../../support/zip.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/reports/${name}`, import.meta.url));
const XML = fixture('google-rfc7489.xml');
const JSON_TEXT = fixture('tls-google.json');
const EXPECTED = good(parseDmarcReport(XML));

const read = <T>(octets: Buffer, parse: (octets: Uint8Array) => Result<T>): Result<T> => {
  const unpacked = unpackReport(octets);
  return unpacked.ok ? parse(unpacked.value) : unpacked;
};

const CRLF = Buffer.from('\r\n');
const message = (type: string, body: string, more = '') =>
  Buffer.from(`From: reports@receiver.example\r\nMIME-Version: 1.0\r\nContent-Type: ${type}\r\n${more}\r\n${body}`, 'latin1');
const wrapped = (octets: Buffer) => octets.toString('base64').replaceAll(/.{76}/g, '$&\r\n');

describe('DMARC', () => {
  test.each<[string, Buffer]>([
    ['gzip with a line end behind it', fixture('crlf-behind.xml.gz')],
    ['gzip with a bare line feed behind it', Buffer.concat([gzipSync(XML), Buffer.from('\n')])],
    ['gzip with octets 0 behind it, as from a tape', Buffer.concat([gzipSync(XML), Buffer.alloc(512)])],
    [
      'gzip in two members, with a line end behind them',
      Buffer.concat([gzipSync(XML.subarray(0, 500)), gzipSync(XML.subarray(500)), CRLF]),
    ],
    ['zip of a Mac, with its resource fork', fixture('macosx.zip')],
    [
      'zip of Windows, with its pictures of folders',
      zipOf({ 'r/Thumbs.db': Buffer.from('x'), 'r/desktop.ini': Buffer.from('x'), 'r/a.xml': XML }),
    ],
    ['gzip in a zip', zipOf({ 'a.xml.gz': gzipSync(XML) })],
    ['the whole message, multipart, gzip in base64', fixture('message.eml')],
    ['the whole message of one part, zip, as mbox has it', fixture('message-one-part.eml')],
    ['the message, compressed', gzipSync(fixture('message.eml'))],
    [
      'the message that was forwarded as an attachment',
      message(
        'multipart/mixed; boundary=out',
        `--out\r\n\r\nsee below\r\n--out\r\nContent-Type: message/rfc822\r\n\r\n${fixture('message.eml').toString('latin1')}\r\n--out--`,
      ),
    ],
    [
      'XML in quoted-printable, named by its file alone',
      message(
        'multipart/mixed; boundary="b"',
        `--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="r.xml"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${XML.toString('latin1').replaceAll('=', '=3D').replaceAll('\n', '\r\n')}\r\n--b--\r\n`,
      ),
    ],
    [
      'gzip in a message that was cut off behind it',
      message(
        'multipart/mixed; boundary=b',
        `--b\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n${wrapped(gzipSync(XML))}\r\n`,
      ),
    ],
    ['a schema around the report', fixture('schema-around.xml')],
    ['a schema that is never closed', fixture('schema-open.xml')],
  ])('%s', (_what, octets) => {
    expect(good(read(octets, parseDmarcReport))).toEqual(EXPECTED);
  });

  test('an empty org_name, where the address says who sent it', () => {
    expect(good(read(fixture('empty-org-name.xml'), parseDmarcReport))).toEqual({ ...EXPECTED, organization: 'mx.receiver.example' });
    const without = fixture('empty-org-name.xml').toString();
    expect(good(read(Buffer.from(without.replace('<org_name></org_name>', '')), parseDmarcReport)).organization).toBe(
      'mx.receiver.example',
    );
    const nameless = without.replace(/<email>.*<\/email>/, '<email>nobody</email>');
    expect(bad(read(Buffer.from(nameless), parseDmarcReport))[0]!.message).toContain('no org_name, and no email');
  });

  test.each<[string, Buffer, string]>([
    ['a message without a report', message('text/plain', 'hello'), 'a mail message without a report attached'],
    [
      'a message with two',
      message(
        'multipart/mixed; boundary=b',
        ['one.xml', 'two.xml'].map((name) => `--b\r\nContent-Type: text/xml; name=${name}\r\n\r\n${XML.toString('latin1')}\r\n`).join('') +
          '--b--',
      ),
      'a mail message with 2 reports: one.xml, two.xml',
    ],
    ['gzip in gzip in gzip in gzip', gzipSync(gzipSync(gzipSync(gzipSync(XML)))), 'packed more than 3 times'],
    ['a zip of files of a Mac alone', zipOf({ '__MACOSX/._a.xml': XML }), 'it has 0 files, not one'],
    ['a zip of two reports', zipOf({ 'a.xml': XML, 'b.xml': XML }), 'it has 2 files, not one'],
  ])('%s is told by name', (_what, octets, told) => {
    expect(bad(read(octets, parseDmarcReport))).toMatchObject([{ code: 'REPORT_PACKED', message: expect.stringContaining(told) }]);
  });

  test('messages that are made to hurt end soon', () => {
    const nested = (depth: number): string =>
      depth === 0 ? 'x' : `Content-Type: multipart/mixed; boundary=b${depth}\r\n\r\n--b${depth}\r\n${nested(depth - 1)}\r\n--b${depth}--`;
    for (const octets of [
      Buffer.from(`From: a\r\n${nested(200)}`),
      message('multipart/mixed; boundary=b', '--b\r\n\r\n'.repeat(100_000)),
      message('multipart/mixed; boundary=""', '--\r\n'.repeat(1000)),
      message('multipart/mixed; boundary=b', '--b'),
      Buffer.from('From: a'),
    ])
      expect(bad(read(octets, parseDmarcReport))[0]!.code).toBe('REPORT_PACKED');
  });
});

describe('TLS', () => {
  test.each<[string, Buffer]>([
    ['gzip with a line end behind it', Buffer.concat([gzipSync(JSON_TEXT), CRLF])],
    [
      'the whole message (RFC 8460 §5.3)',
      message(
        'multipart/report; report-type="tlsrpt"; boundary="b"',
        `--b\r\nContent-Type: text/plain\r\n\r\nThis is a TLS report.\r\n--b\r\nContent-Type: application/tlsrpt+gzip; name="a!b!1!2.json.gz"\r\nContent-Transfer-Encoding: base64\r\n\r\n${wrapped(gzipSync(JSON_TEXT))}\r\n--b--`,
        'TLS-Report-Domain: post.example\r\nTLS-Report-Submitter: google.com\r\n',
      ),
    ],
  ])('%s', (_what, octets) => {
    expect(good(read(octets, parseTlsReport))).toEqual(good(parseTlsReport(JSON_TEXT)));
  });

  test('without policy-domain: it is about the zone that it is given to', () => {
    const { policies, leftOut } = good(read(fixture('tls-no-domain.json'), parseTlsReport));
    expect(policies.map(({ domain, kind, succeeded, failed }) => [domain, kind, succeeded, failed])).toEqual([
      [undefined, 'sts', 995, 5],
      [undefined, 'tlsa', 0, 7],
    ]);
    expect(leftOut).toEqual([]);
  });

  test('one policy about an MX host', () => {
    const { policies } = good(read(fixture('tls-mx-host.json'), parseTlsReport));
    expect(policies.map(({ domain }) => domain)).toEqual(['post.example', 'mx1.post.example']);
  });
});
