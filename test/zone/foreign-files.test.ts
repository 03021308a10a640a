/** Zone files of other products: what is rejected says the cause, and what to do. The files are fixtures of check.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { nameOf } from '#dns/name.ts';
import { loadZone } from '#zone/assemble.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/zones');

function problemsOf(text: string, zone: string) {
  const result = loadZone(text, { file: 'f', origin: nameOf(zone), signed: true });
  return result.ok ? result.warnings : result.problems;
}
const fixture = (file: string, zone: string) => problemsOf(readFileSync(join(FOLDER, file), 'latin1'), zone);
const fixOf = (problems: ReturnType<typeof problemsOf>, code: string) => problems.find((each) => each.code === code)?.fix;

test('old exports of Cloudflare: the SOA at the root, the alias at the apex', () => {
  const problems = fixture('foreign-cloudflare-old.zone', 'shop.example');
  expect(fixOf(problems, 'SOA_MISSING')).toMatch(
    /^the SOA at f:9:1 is of \., because @ is the root after \$ORIGIN \. .*write shop\.example\. in its place$/,
  );
  expect(fixOf(problems, 'CNAME_OTHER_DATA')).toContain(
    'cannot be an alias, even where another provider showed it as one: write the A and AAAA',
  );
});

test('exports of Cloudflare now: the SOA has no last dot', () => {
  const problems = fixture('foreign-cloudflare.zone', 'shop.example');
  expect(fixOf(problems, 'SOA_MISSING')).toBe(
    'the SOA at f:6:1 is of shop.example.shop.example.: was its last dot forgotten? Write shop.example.',
  );
  expect(fixOf(problems, 'NAME_ORIGIN_TWICE')).toContain('write shop.example.');
});

test('the file of another zone', () => {
  const problems = problemsOf('example.net. 60 SOA ns. host. 1 2 3 4 5\nexample.net. 60 NS ns.\n', 'example.com');
  expect(fixOf(problems, 'SOA_MISSING')).toBe('the SOA at f:1:1 is of example.net.: is this the file of another zone?');
});

test('Windows DNS: WINS, time stamps, mailboxes, texts without quotes', () => {
  const problems = fixture('foreign-windows.zone', 'corp.example');
  const [wins, age, age2] = problems.filter(({ code }) => code === 'TYPE_UNKNOWN');
  expect(wins?.fix).toContain('Windows DNS ask a WINS server');
  expect(formatPlace(wins!.at)).toBe('f:21:25');
  expect([age?.fix, age2?.fix]).toEqual(Array(2).fill(expect.stringContaining('delete every [AGE:…]')));
  expect(fixOf(problems, 'NAME_MAILBOX')).toContain('a dot in place of its at sign');
  expect(fixOf(problems, 'TEXT_UNQUOTED')).toBe('put the whole text in quotes');
});

test('lists that Windows shows, and UTF-16', () => {
  expect(fixOf(fixture('foreign-windows-list.zone', 'corp.example'), 'TEXT_LIST')).toContain('dnscmd /ZoneExport');
  expect(fixOf(problemsOf('"HostName","RecordType"\r\n"www","A"\r\n', 'corp.example'), 'TEXT_LIST')).toContain('Export-DnsServerZone');
  expect(problemsOf('@\u0000 \u0000S\u0000O\u0000A\u0000', 'corp.example')).toMatchObject([{ code: 'TEXT_NUL' }]);
});

describe('types of others that are no records', () => {
  test.each([
    ['ANAME', 'target.example.', 'write ALIAS with its target'],
    ['LUA', 'A "ifportup()"', 'PowerDNS'],
    ['WINS-R', 'LOCAL example.', 'WINS'],
    ['URL301', 'https://x.example/', 'web redirect'],
  ])('%s', (type, data, fix) => {
    const problems = problemsOf(`@ 60 SOA ns. host. 1 2 3 4 5\n@ 60 NS ns.\n@ 60 IN ${type} ${data}\n`, 'example.com');
    expect(fixOf(problems, 'TYPE_UNKNOWN')).toContain(fix);
  });
});

test('a name that ends in the zone twice says which was meant', () => {
  const text =
    '@ 60 SOA ns. host. 1 2 3 4 5\n@ 60 NS ns.\nwww.example.com 60 A 192.0.2.1\n$GENERATE 1-3 h$.example.com 60 A 192.0.2.$\n@ 60 MX 10 mail.example.com\n';
  const twice = problemsOf(text, 'example.com').filter(({ code }) => code === 'NAME_ORIGIN_TWICE');
  expect(twice.map(({ at, fix }) => [formatPlace(at), fix?.replace(/^.*: /, '')])).toEqual([
    ['f:3:1', 'write www.example.com.'],
    ['f:4:15', 'write h1.example.com.'], // one for the line, not one for each record
    ['f:5:12', 'write mail.example.com.'],
  ]);
});

test.each(['www', '@', 'www.example.net.', 'example.com.', 'www.notexample.com', 'example.com.example.net.'])(
  '%s is no such name',
  (name) => {
    const text = `@ 60 SOA ns. host. 1 2 3 4 5\n@ 60 NS ns.\nx 60 CNAME ${name}\n`;
    expect(problemsOf(text, 'example.com').filter(({ code }) => code === 'NAME_ORIGIN_TWICE')).toEqual([]);
  },
);
