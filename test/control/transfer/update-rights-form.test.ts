import { describe, expect, test } from 'vitest';
import { type Problem } from '#base/problem.ts';
import { readWantedRights, rightsText } from '#control/transfer/update-rights-form.ts';
import { type UpdateRightsText } from '#transfer/update-rights.ts';

function read(wanted: UpdateRightsText, zones: 'all' | readonly string[] = ['a.test.']) {
  const problems: Problem[] = [];
  return { rights: readWantedRights(wanted, zones, problems), codes: problems.map(({ code }) => code) };
}

const names = (list: readonly string[], zones?: 'all' | readonly string[]) => {
  const { rights, codes } = read({ names: list }, zones);
  return codes.length > 0 ? codes : rights.names;
};

describe('rights of a key for UPDATE, as they are kept', () => {
  test.each<[string, string[] | string]>([
    ['www', ['www.a.test.']],
    ['@', ['a.test.']],
    ['WWW.a.test', ['www.a.test.']],
    ['www.a.test.', ['www.a.test.']],
    ['*.dyn', ['*.dyn.a.test.']],
    ['*.@', ['*.a.test.']],
    ['_acme-challenge.*', ['_acme-challenge.*']],
    ['{key}', ['{key}']],
    ['*.{key}', ['*.{key}']],
    ['*', ['*']],
  ])('the name %s', (text, wanted) => {
    expect(names([text])).toEqual(wanted);
  });

  test.each<[string, string]>([
    // Could be meant in two ways.
    ['a.www', 'NAME_AMBIGUOUS'],
    // In no zone of the key.
    ['www.b.test.', 'OUT_OF_ZONE'],
    ['*.b.test.', 'OUT_OF_ZONE'],
    ['a..*', 'NAME_EMPTY_LABEL'],
  ])('the name %s is not taken: %s', (text, code) => {
    expect(names([text])).toEqual([code]);
  });

  test('a relative name is one of each zone of the key', () => {
    expect(names(['www'], ['a.test.', 'b.test.'])).toEqual(['www.a.test.', 'www.b.test.']);
    expect(names(['www.b.test'], ['a.test.', 'b.test.'])).toEqual(['www.b.test.']);
  });

  test('a key of all zones takes names with a last dot', () => {
    expect(names(['www.a.test.'], 'all')).toEqual(['www.a.test.']);
    expect(names(['www'], 'all')).toEqual(['NAME_RELATIVE']);
  });

  test('types are those of zones', () => {
    expect(read({ types: ['txt', 'TYPE1', 'TXT'] }).rights.types).toEqual(['TXT', 'A']);
    expect(read({ types: ['ANY', 'NOPE'] }).codes).toEqual(['TYPE_UNKNOWN', 'TYPE_UNKNOWN']);
  });

  test('TTLs are a range', () => {
    expect(read({ ttlMin: 60, ttlMax: 60 }).codes).toEqual([]);
    expect(read({ ttlMin: 61, ttlMax: 60 }).codes).toEqual(['TTL_RANGE']);
    expect(read({ ttlMax: 2 ** 31 }).codes).toEqual(['TTL_RANGE']);
  });

  test('an empty list grants nothing and is not taken', () => {
    expect(read({ names: [], types: [] }).codes).toEqual(['FIELD_VALUE', 'FIELD_VALUE']);
  });

  test('as people read it', () => {
    expect(rightsText({ names: ['a.'], types: ['TXT'], ttlMax: 60 })).toBe(' names a. types TXT TTL 0-60');
    expect(rightsText({})).toBe('');
  });
});
