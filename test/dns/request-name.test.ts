/** Names in requests and on command lines: absolute, relative to the zone, or rejected with both readings; never doubled in silence. */
import { describe, expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import { parseRequestName } from '#dns/request-name.ts';

const read = (text: string, zone: string) => {
  const result = parseRequestName(text, nameOf(zone));
  return result.ok ? formatName(result.value) : result.problems.map(({ code }) => code).join();
};
const problemOf = (text: string, zone = 'api.test') => {
  const result = parseRequestName(text, nameOf(zone));
  return result.ok ? undefined : result.problems[0];
};

describe('one rule for owners and for names in record data', () => {
  test.each([
    ['@', 'api.test', 'api.test.'],
    ['www', 'api.test', 'www.api.test.'],
    ['*', 'api.test', '*.api.test.'],
    ['_dmarc', 'api.test', '_dmarc.api.test.'],
    [String.raw`a\.b`, 'api.test', String.raw`a\.b.api.test.`], // one label
    ['api.test', 'api.test', 'api.test.'],
    ['API.Test', 'api.test', 'API.Test.'],
    ['www.api.test', 'api.test', 'www.api.test.'],
    ['_25._tcp.mail.api.test', 'api.test', '_25._tcp.mail.api.test.'],
    ['www.api.test.', 'api.test', 'www.api.test.'],
    ['other.example.', 'api.test', 'other.example.'],
    ['api.test.api.test.', 'api.test', 'api.test.api.test.'], // the last dot says so
    ['.', 'api.test', '.'],
    ['www.', 'api.test', 'www.'],
    // A zone of one label: its name is itself, not test.test.
    ['test', 'test', 'test.'],
    ['TEST', 'test', 'TEST.'],
    ['www.test', 'test', 'www.test.'],
    ['www', 'test', 'www.test.'],
    // Everything ends in the root.
    ['www', '.', 'www.'],
    ['www.example', '.', 'www.example.'],
    ['@', '.', '.'],
    ['5', '2.0.192.in-addr.arpa', '5.2.0.192.in-addr.arpa.'],
    ['5.2.0.192.in-addr.arpa', '2.0.192.in-addr.arpa', '5.2.0.192.in-addr.arpa.'],
  ])('%s in %s is %s', (text, zone, name) => {
    expect(read(text, zone)).toBe(name);
  });

  test.each([
    ['other.example', 'api.test'],
    ['www.sub', 'api.test'],
    ['notapi.test', 'api.test'], // ends in the letters of the zone's name, not in its labels
    ['mail.api', 'api.test'],
    ['api.test.example', 'api.test'],
    ['1.2', '2.0.192.in-addr.arpa'],
  ])('%s in %s could be meant in two ways', (text, zone) => {
    const problem = problemOf(text, zone);
    expect(problem).toMatchObject({ code: 'NAME_AMBIGUOUS', severity: 'error' });
    expect(problem?.message).toContain(`${text}.${zone}.`);
    expect(problem?.fix).toContain(`${text}.${zone}.`);
    expect(problem?.fix).toMatch(new RegExp(`${text.replaceAll('.', String.raw`\.`)}\\.(?!${zone})`));
  });

  test('where only one reading fits into 255 octets, both are told all the same', () => {
    const long = `${'a'.repeat(62)}.`.repeat(4).slice(0, -1);
    expect(problemOf(long)?.code).toBe('NAME_AMBIGUOUS');
  });

  test.each([
    ['bücher', 'NAME_ESCAPE', 'xn--bcher-kva'],
    ['www.bücher.api.test.', 'NAME_ESCAPE', 'www.xn--bcher-kva.api.test.'],
    ['hostmaster@example.com', 'NAME_MAILBOX', 'hostmaster.example.com.'],
    ['first.last@example.com', 'NAME_MAILBOX', String.raw`first\.last.example.com.`],
    ['192.0.2.1', 'NAME_AMBIGUOUS', 'A record'],
    ['a..b', 'NAME_EMPTY_LABEL', undefined],
    ['', 'NAME_EMPTY_LABEL', undefined],
    ['a b', 'NAME_ESCAPE', String.raw`\032`],
    ['a\nb', 'NAME_ESCAPE', String.raw`\010`],
    ['a'.repeat(64), 'NAME_LABEL_LONG', undefined],
  ])('%j is rejected', (text, code, fix) => {
    const problem = problemOf(text);
    expect(problem?.code).toBe(code);
    if (fix !== undefined) expect(problem?.fix).toContain(fix);
  });

  test(String.raw`an octet of any kind is written \DDD, an at sign \@`, () => {
    expect(read(String.raw`a\032b`, 'api.test')).toBe(String.raw`a\032b.api.test.`);
    expect(read(String.raw`a\@b`, 'api.test')).toBe(String.raw`a\@b.api.test.`);
    expect(read(String.raw`a\195\188`, 'api.test')).toBe(String.raw`a\195\188.api.test.`);
  });
});
