/** Attachments of mail messages, as mail programs write them. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MESSAGE_DEPTH_MAX, MESSAGE_PARTS_MAX } from '#base/limits/reports.ts';
import { attachmentsOf, isMessage } from '#control/reports/mail-message.ts';

const message = (...lines: readonly string[]) => Buffer.from(lines.join('\r\n'), 'latin1');
const found = (octets: Buffer) => attachmentsOf(octets).map(({ type, name, octets: content }) => [type, name, content.toString('latin1')]);
const multipart = (boundary: string, ...parts: readonly string[]) =>
  [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    'for people',
    ...parts.flatMap((part) => [`--${boundary}`, part]),
    `--${boundary}--`,
    'for people too',
  ].join('\r\n');

test.each<[string, boolean, string]>([
  ['a field that only mail has', true, 'From: a@example.com\r\n\r\nx'],
  ['trace fields first', true, 'Received: by mx1\r\nSubject: x\r\n\r\n'],
  ['an mbox line before it', true, 'From a@example.com Sat Nov 28\nSubject: x\n\n'],
  ['names of fields in any case (RFC 5322 §1.2.2)', true, 'x-a: 1\r\nmime-VERSION: 1.0\r\n\r\n'],
  ['no such field', false, 'x: 1\r\ny: 2\r\n\r\n'],
  ['XML', false, '<?xml version="1.0"?>\nfrom: x'],
  ['JSON', false, '{"organization-name":"x",\n"from":"y"}'],
  ['nothing', false, ''],
])('a message? %s: %s', (_, expected, text) => expect(isMessage(Buffer.from(text))).toBe(expected));

describe('one part', () => {
  test('RFC 2045 §5.2: without a type it is text/plain', () => {
    expect(found(message('Subject: x', '', 'hello'))).toEqual([['text/plain', '', 'hello']]);
  });

  test.each<[string, string, string]>([
    ['in a disposition (RFC 2183 §2.3)', 'Content-Disposition: attachment; filename="a b.xml"', 'a b.xml'],
    ['without quotes', 'Content-Disposition: attachment; filename=a.xml; size=1', 'a.xml'],
    ['with a quoted pair (RFC 5322 §3.2.1)', 'Content-Disposition: attachment; filename="a\\"b.xml"', 'a"b.xml'],
    ['on a folded line (RFC 5322 §2.2.3)', 'Content-Disposition: attachment;\r\n\tfilename="a.xml"', 'a.xml'],
    ['with the case of the parameter as it may be', 'content-disposition: ATTACHMENT; FileName=A.xml', 'A.xml'],
    ['none', 'Content-Disposition: attachment', ''],
  ])('its name: %s', (_, field, name) => {
    expect(found(message(field, 'Content-Type: Application/XML; charset=utf-8', '', 'x'))).toEqual([['application/xml', name, 'x']]);
  });

  test('its name: that of the disposition before that of the type', () => {
    const type = 'Content-Type: application/gzip; name=type.gz';
    expect(found(message(type, '', 'x'))[0]![1]).toBe('type.gz');
    expect(found(message(type, 'Content-Disposition: attachment; filename=disposition.gz', '', 'x'))[0]![1]).toBe('disposition.gz');
  });

  test.each<[string, string, string]>([
    ['7bit', 'a=3D', 'a=3D'],
    ['8bit', '\u{e9}', '\u{e9}'],
    ['quoted-printable', 'a=3Db=\r\nc= \t\r\n d=e9', 'a=bc d\u{e9}'],
    ['Quoted-Printable', '=41', 'A'],
    ['quoted-printable', '<a =\r\nb=3D"1">', '<a b="1">'],
    ['base64', 'aGVs\r\nbG8=\r\n', 'hello'],
    ['BASE64', 'aGVsbG8=', 'hello'],
  ])('RFC 2045 §6: %s', (encoding, body, content) => {
    expect(found(message(`Content-Transfer-Encoding: ${encoding}`, '', body))[0]![2]).toBe(content);
  });

  test('RFC 2045 §6.8: whatever the octets, base64 in lines of 76 brings them back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (octets) => {
        const lines =
          Buffer.from(octets)
            .toString('base64')
            .match(/.{1,76}/g) ?? [];
        const [only] = attachmentsOf(message('Content-Transfer-Encoding: base64', '', ...lines));
        expect(only!.octets).toEqual(Buffer.from(octets));
      }),
      { numRuns: 100 },
    );
  });
});

describe('RFC 2046 §5.1.1: several parts', () => {
  const TEXT = 'Content-Type: text/plain\r\n\r\nread this';
  const XML = 'Content-Type: text/xml; name=a.xml\r\n\r\n<feedback/>';
  const BOTH = [
    ['text/plain', '', 'read this'],
    ['text/xml', 'a.xml', '<feedback/>'],
  ];

  test.each(['b', 'a b', "'()+_,-./:=?", 'x'.repeat(70)])('between lines with the boundary %j', (boundary) => {
    expect(found(message(multipart(boundary, TEXT, XML)))).toEqual(BOTH);
  });

  test('with line ends of LF alone', () => {
    expect(found(Buffer.from(multipart('b', TEXT, XML).replaceAll('\r\n', '\n')))).toEqual(BOTH);
  });

  test('a part without fields is text (RFC 2046 §5.1)', () => {
    expect(found(message(multipart('b', '\r\nplain')))).toEqual([['text/plain', '', 'plain']]);
  });

  test('the boundary within a line, and a longer one, end no part', () => {
    expect(found(message(multipart('b', '\r\nx --b\r\n--bc\r\ny')))).toEqual([['text/plain', '', 'x --b\r\n--bc\r\ny']]);
  });

  test('one in the other, each with its own boundary that begins like the outer one', () => {
    expect(found(message(multipart('b', multipart('b2', TEXT), XML)))).toEqual(BOTH);
  });

  test('RFC 2046 §5.2.1: of a message in a message', () => {
    expect(found(message(multipart('b', `Content-Type: message/rfc822\r\n\r\n${multipart('c', TEXT, XML)}`)))).toEqual(BOTH);
  });

  test('a message that was cut off: what there is', () => {
    const whole = multipart('b', TEXT, XML);
    expect(found(message(whole.slice(0, whole.indexOf('back/>'))))).toEqual([BOTH[0], ['text/xml', 'a.xml', '<feed']]);
  });

  test('not more than the limit of parts', () => {
    const parts = Array.from({ length: MESSAGE_PARTS_MAX + 5 }, (_, at) => `\r\n${at}`);
    const contents = found(message(multipart('b', ...parts))).map(([, , content]) => content);
    expect(contents).toEqual(parts.slice(0, MESSAGE_PARTS_MAX).map((part) => part.trim()));
  });

  test.each([
    [MESSAGE_DEPTH_MAX, 1],
    [MESSAGE_DEPTH_MAX + 1, 0],
  ])('within %i others: %i found', (depth, count) => {
    let text = TEXT;
    for (let level = 0; level < depth; level++) text = multipart(`level${level}.`, text);
    expect(found(message(text))).toHaveLength(count);
  });
});

test('whatever octets there are, it ends and does not throw', () => {
  const pieces = fc.array(
    fc.constantFrom('\r\n', '\n', '--b', '--', 'Content-Type: multipart/x; boundary=b', 'x', ':', '=', ';', '"', ' '),
  );
  fc.assert(
    fc.property(pieces, (all) => {
      const octets = Buffer.from(all.join(''));
      expect(attachmentsOf(octets).length).toBeLessThanOrEqual(MESSAGE_PARTS_MAX);
    }),
    { numRuns: 500 },
  );
});
