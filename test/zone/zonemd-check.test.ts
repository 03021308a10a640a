/** RFC 8976 §4 and appendix A: a zone file is compared with its digest, as the RFC makes it. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { parseZoneFile } from '#dns/zone-file.ts';
import { checkZonemd } from '#zone/zonemd-check.ts';

/** RFC 8976 appendix A.1. */
const RFC_A1 = `
example. 86400 IN SOA ns1.example. admin.example. 2018031900 1800 900 604800 86400
example. 86400 IN NS ns1.example.
example. 86400 IN NS ns2.example.
example. 86400 IN ZONEMD 2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3 (
  a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c )
ns1.example. 3600 IN A 203.0.113.63
ns2.example. 3600 IN AAAA 2001:db8::63
`;

function verdicts(text: string, zone = 'example.'): readonly string[] {
  const { records, problems } = parseZoneFile(text, { file: 'test', origin: nameOf(zone) });
  expect(problems).toEqual([]);
  return checkZonemd(nameOf(zone), records).map(({ code, severity, message }) => `${severity} ${code} ${message}`);
}

const mismatch = [expect.stringMatching(/^error ZONEMD_MISMATCH the file is not the one that its ZONEMD/)];
const unchecked = (why: RegExp) => [
  expect.stringMatching(new RegExp(`^warning ZONEMD_MISMATCH the file was not compared.*${why.source}`)),
];

describe('RFC 8976 appendix A.1', () => {
  test('matches; in any order and case, with a record twice, and with data of no zone of ours', () => {
    expect(verdicts(RFC_A1)).toEqual([]);
    expect(
      verdicts(
        RFC_A1.replace(/\(\n| \)/g, '')
          .trim()
          .split('\n')
          .toReversed()
          .join('\n'),
      ),
    ).toEqual([]);
    expect(verdicts(RFC_A1.replaceAll('ns1.example.', 'NS1.Example.'))).toEqual([]);
    expect(verdicts(`${RFC_A1}ns1.example. 3600 IN A 203.0.113.63\n`)).toEqual([]);
    expect(verdicts(`${RFC_A1}ns1.elsewhere. 3600 IN A 203.0.113.63\n`)).toEqual([]);
  });

  test.each<[string, (text: string) => string]>([
    ['another address', (text) => text.replace('203.0.113.63', '203.0.113.64')],
    ['another TTL', (text) => text.replace('3600 IN A ', '3601 IN A ')],
    ['a record more', (text) => `${text}www.example. 60 IN A 203.0.113.1\n`],
    ['a record less', (text) => text.replace(/ns2.*AAAA.*\n/, '')],
    ['another digest', (text) => text.replace('c68090d9', 'c68090d8')],
  ])('%s is noticed', (_, change) => expect(verdicts(change(RFC_A1))).toEqual(mismatch));
});

describe('RFC 8976 §4: which digests count', () => {
  const more = (rdata: string): string => `${RFC_A1}example. 86400 IN ZONEMD ${rdata}\n`;
  const zeros = (octets: number): string => '00'.repeat(octets);

  test('one that matches is enough; one whose algorithm is not known says nothing', () => {
    expect(verdicts(more(`2018031900 1 2 ${zeros(64)}`))).toEqual([]);
    expect(verdicts(more(`2018031900 1 240 ${zeros(12)}`))).toEqual([]);
  });
  test('of another serial, or unknown, or two of one kind: a warning', () => {
    expect(verdicts(RFC_A1.replace('admin.example. 2018031900', 'admin.example. 2018031901'))).toEqual(
      unchecked(/of serial 2018031900, and its SOA has 2018031901/),
    );
    expect(verdicts(RFC_A1.replace('2018031900 1 1', '2018031900 240 1'))).toEqual(unchecked(/not known here/));
    expect(verdicts(more(`2018031900 1 1 ${zeros(48)}`))).toEqual(unchecked(/two have the same/));
  });
  test('elsewhere than at the apex it is no digest; without one there is nothing to compare', () => {
    expect(verdicts(RFC_A1.replace('example. 86400 IN ZONEMD', 'ns1.example. 86400 IN ZONEMD'))).toEqual([]);
    expect(verdicts(RFC_A1.replace(/.*ZONEMD.*\n.*\n/, ''))).toEqual([]);
  });
});
