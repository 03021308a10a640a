/** Places: each kind in the words that people read, and how places inside texts and bodies are made. */
import { describe, expect, test } from 'vitest';
import {
  type Place,
  WHOLE,
  atAddress,
  atColumn,
  atField,
  atFlag,
  atLine,
  atObject,
  atPath,
  atRrset,
  atTag,
  atVariable,
  atZone,
  below,
  formatPlace,
  inBody,
  inFile,
  inHeader,
  inQuery,
  inUrl,
  pointerSteps,
  within,
} from '#base/place.ts';
import { formatProblem, placeAt, placeWithin, problem, withoutPath } from '#base/problem.ts';

const SPF = atRrset('example.com', 'TXT');

describe('formatPlace', () => {
  test.each<[Place, string]>([
    [WHOLE, ''],
    [inBody('/dkim/signers/0'), '/dkim/signers/0'],
    [within(inBody('/bimi'), atTag('l')), '/bimi (l=)'],
    [inUrl('zone'), 'zone'],
    [inQuery('cursor'), '?cursor'],
    [inHeader('If-Match'), 'If-Match'],
    [inFile('db.example'), 'db.example'],
    [inFile('db.example', 3), 'db.example:3'],
    [inFile('db.example', 3, 7), 'db.example:3:7'],
    [within(inFile('logo.svg'), atLine(2)), 'logo.svg: line 2'],
    [atRrset('a.example.'), 'a.example.'],
    [atRrset('a.example.', 'MX'), 'a.example. MX'],
    [within(atRrset('_dmarc.example.', 'TXT'), atTag('p')), '_dmarc.example. TXT p='],
    [within(SPF, atColumn(12)), 'example.com TXT, column 12'],
    [atRrset('example.com', 'TXT', { kind: 'term', term: 'include:a.example' }), 'example.com TXT, include:a.example'],
    [atZone('example.'), 'example.'],
    [atObject('r20261121a'), 'r20261121a'],
    [atFlag('dns'), '--dns'],
    [atVariable('WAXSEAL_DATA'), 'WAXSEAL_DATA'],
    [atAddress('[::1]:53'), '[::1]:53'],
    [atPath('/var/lib/waxseal', 'the data directory'), '/var/lib/waxseal'],
    [atTag('p'), 'p='],
    [atLine(4), 'line 4'],
    [atColumn(4), 'column 4'],
    [atField('max_age'), 'max_age'],
  ])('%j: %s', (place, words) => expect(formatPlace(place)).toBe(words));

  test('a problem without a place begins with its severity', () => {
    expect(formatProblem(problem('BODY_JSON', WHOLE, 'the body is not JSON'))).toBe('error: the body is not JSON [BODY_JSON]');
    expect(formatProblem(problem('BODY_JSON', inFile('f', 1), 'bad'))).toBe('f:1: error: bad [BODY_JSON]');
  });
});

describe('RFC 6901 §3: pointers', () => {
  test('"~" and "/" of a name are escaped, and come back as they were', () => {
    const { pointer } = below(inBody('/dane/hosts'), 'a/b~1', 0);
    expect(pointer).toBe('/dane/hosts/a~1b~01/0');
    expect(pointerSteps(pointer)).toEqual(['dane', 'hosts', 'a/b~1', '0']);
    expect(pointerSteps('')).toEqual([]);
  });
});

describe('within', () => {
  test('only a place in a text goes into another place; any other is somewhere in it', () => {
    expect(within(WHOLE, atTag('p'))).toEqual(atTag('p'));
    expect(within(SPF, WHOLE)).toEqual(SPF);
    expect(within(atObject('mx1'), atTag('p'))).toEqual(atObject('mx1'));
    const found = [problem('DKIM_FLAG', atTag('t'), 'x'), problem('DKIM_FLAG', WHOLE, 'y')];
    expect(placeWithin(found, SPF).map(({ at }) => formatPlace(at))).toEqual(['example.com TXT t=', 'example.com TXT']);
    expect(placeAt(found, inBody('/record')).map(({ at }) => at)).toEqual([inBody('/record'), inBody('/record')]);
  });
});

describe('withoutPath', () => {
  test('the path goes, also out of the message and the fix', () => {
    const at = atPath('/srv/w', 'the data directory');
    expect(withoutPath(problem('STORE_BROKEN', at, 'a write to /srv/w/data.mdb failed', { fix: 'look at /srv/w' }))).toEqual(
      problem('STORE_BROKEN', WHOLE, 'a write to the data directory/data.mdb failed', { fix: 'look at the data directory' }),
    );
    const other = problem('REQUEST', inBody('/a'), 'bad');
    expect(withoutPath(other)).toBe(other);
  });
});
