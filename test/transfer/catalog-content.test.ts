/** RFC 9432: what catalogs of other servers say, and which of them are broken. */
import { expect, test } from 'vitest';
import { formatName, nameOf } from '#dns/name.ts';
import { readCatalog } from '#transfer/catalog-content.ts';
import { receivedZone } from '#zone/received-zone.ts';
import { ZONE, record } from '../support/transfer-messages.ts';

const HEAD = ['@ 0 SOA invalid. invalid. 1 60 60 999 0', '@ 0 NS invalid.'];
const VERSION = 'version 0 TXT "2"';
const read = (...lines: readonly string[]) => readCatalog(receivedZone(ZONE, [...HEAD, ...lines].map(record)).zone, 3);

/** `label zone groups coo`, one for each member. */
function members(...lines: readonly string[]): readonly string[] {
  const content = read(VERSION, ...lines);
  if ('broken' in content) throw new Error(content.broken);
  return [...content.members.values()].map(({ label, zone, groups, coo }) => {
    return [label, formatName(zone), ...groups, ...(coo === undefined ? [] : [`coo ${formatName(coo)}`])].join(' ');
  });
}

test.each<readonly [string, readonly string[], readonly string[]]>([
  ['§4.2: a PTR below `zones`, in lower case', ['A1.zones 0 PTR A.Test.'], ['a1 a.test.']],
  ['§4.2: the root zone', ['r.zones 0 PTR .'], ['r .']],
  [
    '§4.4.2: groups',
    ['a.zones 0 PTR a.test.', 'group.a.zones 0 TXT "y"', 'group.a.zones 0 TXT "X"'],
    ['a a.test. X y'],
  ],
  ['§4.4.1: the new owner', ['a.zones 0 PTR a.test.', 'coo.a.zones 0 PTR New.Test.'], ['a a.test. coo new.test.']],
  [
    '§3: deeper names, other types, properties of no member and of others are ignored',
    [
      'a.zones 0 PTR a.test.',
      'a.zones 0 TXT "x"',
      'x.y.zones 0 PTR b.test.',
      'primaries.ext.a.zones 0 A 192.0.2.1',
      'group.b.zones 0 TXT "x"',
      'coo.b.zones 0 PTR new.test.',
      'ext 0 TXT "x"',
      'zones 0 PTR c.test.',
      'other 0 PTR d.test.',
    ],
    ['a a.test.'],
  ],
  ['no members', [], []],
])('%s', (_name, lines, expected) => {
  expect(members(...lines)).toEqual(expected);
});

test.each<readonly [string, readonly string[]]>([
  ['no version (RFC 9432 §4.3.1)', ['a.zones 0 PTR a.test.']],
  ['more than one version', [VERSION, 'version 0 TXT "1"']],
  ['the version "1"', ['version 0 TXT "1"']],
  ['the version "2 "', ['version 0 TXT "2 "']],
  ['two PTR records at the member node a', [VERSION, 'a.zones 0 PTR a.test.', 'a.zones 0 PTR b.test.']],
  ['the member a.test. twice, at a and b', [VERSION, 'a.zones 0 PTR a.test.', 'b.zones 0 PTR A.test.']],
  ['two new owners for a.test.', [VERSION, 'a.zones 0 PTR a.test.', 'coo.a.zones 0 PTR x.', 'coo.a.zones 0 PTR y.']],
  ['more members than the 3', [VERSION, ...['a', 'b', 'c', 'd'].map((each) => `${each}.zones 0 PTR ${each}.test.`)]],
])('§5.1 broken: it has %s', (why, lines) => {
  expect(read(...lines)).toMatchObject({ broken: expect.stringContaining(why) });
});

test('a catalog that has never come is broken', () => {
  expect(readCatalog(receivedZone(nameOf('z.example.'), []).zone, 3)).toHaveProperty('broken');
});
