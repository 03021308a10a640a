/** Names and URLs of hosted files: exact, and read back as what was uploaded. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { hostedFileName, hostedFileOfPath, hostedFileUrl, isHostedFileUrl, mediaTypeOf } from '#mail/bimi/hosted-file.ts';
import { policyFromZone } from '#mail/import.ts';
import { BASE, zoneOf } from '../../support/mail/mail-domain.ts';

const DOMAIN = nameOf('example.com.');
const OCTETS = Buffer.from('<svg/>');
const FILE = hostedFileName(OCTETS, 'svg');
const URL = `https://bimi.example.com/bimi/${FILE}`;

test('FIPS 180-4: the name is the first half of SHA-256, in hexadecimal', () => {
  // The example of one block in FIPS 180-4.
  expect(hostedFileName(Buffer.from('abc'), 'pem')).toBe('ba7816bf8f01cfea414140de5dae2223.pem');
  expect([mediaTypeOf(FILE), mediaTypeOf('x.pem')]).toEqual(['image/svg+xml', 'application/pem-certificate-chain']);
});

test.each([
  [`/bimi/${FILE}`, FILE],
  [`/bimi/${FILE}?`, undefined],
  [`/bimi/${FILE.toUpperCase()}`, undefined],
  [`/bimi/x${FILE}`, undefined],
  [`/${FILE}`, undefined],
  ['/bimi/', undefined],
])('the path %s asks for %s', (path, file) => {
  expect(hostedFileOfPath(path)).toBe(file);
});

test.each([
  [URL, true],
  [URL.replace('example.com', 'example.net'), false],
  [URL.replace('bimi.', 'www.'), false],
  [URL.replace('https:', 'http:'), false],
  [`${URL}?x`, false],
  [URL.replace('.com', '.com:444'), false],
  ['https://bimi.example.com/bimi/logo.svg', false],
  ['', false],
])('%s is a hosted file: %s', (url, isHosted) => {
  expect(isHostedFileUrl(DOMAIN, url)).toBe(isHosted);
  expect(hostedFileUrl(nameOf('EXAMPLE.com.'), FILE)).toBe(URL);
});

test('a proposal for a zone with a hosted logo has it hosted: by its URL it would be hosted no more', () => {
  const proposal = (url: string) => policyFromZone(zoneOf([...BASE, `default._bimi 300 TXT "v=BIMI1; l=${url}; a=;"`]), true).document.bimi;
  expect(proposal(URL)).toEqual({ hosted: true, avatar: 'brand' });
  expect(proposal('https://example.net/logo.svg')).toEqual({ logo: 'https://example.net/logo.svg', avatar: 'brand' });
});
