/** Report URIs. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isHostName, mailtoUri, readReportUri } from '#mail/text/report-uri.ts';

describe('RFC 6068 §2 and RFC 3986 §2: what is a report URI', () => {
  test.each([
    ['mailto:a@b.example', { scheme: 'mailto', host: 'b.example', mailbox: 'a@b.example' }],
    ['MAILTO:A@B.example', { scheme: 'mailto', host: 'b.example', mailbox: 'A@B.example' }],
    ['mailto:a%2Cb@c.example', { scheme: 'mailto', host: 'c.example', mailbox: 'a,b@c.example' }],
    ['mailto:a@b.example?subject=x', { scheme: 'mailto', host: 'b.example', mailbox: 'a@b.example' }],
    ['https://B.example/x', { scheme: 'https', host: 'b.example' }],
    ['ftp://b.example/x', { scheme: 'ftp' }],
  ])('%s', (uri, expected) => expect(readReportUri(uri)).toEqual({ uri, ...expected }));

  test.each([
    'a@b.example', // no scheme
    'mailto:', // nobody
    'mailto:a', // no host
    'mailto:a@b', // a host of one label gets no mail from outside
    'mailto:a@192.0.2.1:25', // not a host name
    'mailto:@b.example', // no local part
    `mailto:${'a'.repeat(65)}@b.example`, // local part too long
    'mailto:a,b@c.example', // a comma ends a URI in a list
    'mailto:a;b@c.example', // a semicolon ends the tag
    'mailto:a!b@c.example', // an exclamation mark began a size once
    'mailto:a%@b.example', // half a percent escape
    'mailto:a%FF@b.example', // not UTF-8
    'mailto:a%0A@b.example', // a control character
    'mailto:ä@b.example', // not ASCII
    'https://', // no host
    'https://user:secret@b.example/', // secrets in DNS
    'https://localhost/', // no public host
  ])('not %s', (uri) => expect(readReportUri(uri)).toHaveProperty('wrong'));

  test('mailtoUri makes a URI that is read as the same mailbox', () =>
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }).filter((text) => !/[\s]/.test(text)),
        (local) => {
          const mailbox = `${local}@b.example`;
          expect(readReportUri(mailtoUri(mailbox))).toMatchObject({ mailbox, host: 'b.example' });
          expect(mailtoUri(mailbox)).not.toMatch(/[,;!]/);
        },
      ),
    ));

  test.each([
    ['a.example', true],
    ['xn--bcher-kva.example', true],
    ['a', false],
    ['A.example', false],
    ['a.example.', false],
    ['-a.example', false],
    ['a_b.example', false],
    ['192.0.2.1', false],
    ['a.0x7f', false],
    [`${'a'.repeat(64)}.example`, false],
  ])('host name %s: %s', (text, expected) => expect(isHostName(text)).toBe(expected));
});
