import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { readUpdateRights } from '#transfer/update-rights.ts';

const KEY = nameOf('host.example.com.');

describe('what a key may change', () => {
  const fits = (pattern: string, name: string) => readUpdateRights({ names: [pattern] }, KEY).mayName(nameOf(name));

  test.each<[string, string[], string[]]>([
    ['www.example.com.', ['www.example.com.', 'WWW.Example.com.'], ['a.www.example.com.', 'example.com.']],
    ['*.example.com.', ['www.example.com.', 'a.b.example.com.', '*.example.com.'], ['example.com.', 'xexample.com.']],
    [
      '_acme-challenge.*',
      ['_acme-challenge.example.com.', '_ACME-challenge.www.example.com.', '_acme-challenge.'],
      ['www.example.com.', 'x._acme-challenge.example.com.', '_acme-challengex.example.com.'],
    ],
    ['_25._tcp.*', ['_25._tcp.mx.example.com.'], ['_tcp.mx.example.com.', '_25._udp.example.com.']],
    ['{key}', ['host.example.com.'], ['a.host.example.com.', 'example.com.']],
    ['*.{key}', ['a.host.example.com.'], ['host.example.com.', 'ahost.example.com.']],
    ['*', ['anything.at.all.'], []],
  ])('names %s', (pattern, good, bad) => {
    expect([good.filter((name) => !fits(pattern, name)), bad.filter((name) => fits(pattern, name))]).toEqual([[], []]);
  });

  test('nothing said: everything', () => {
    const rights = readUpdateRights({}, KEY);
    expect([rights.mayName(KEY), rights.mayType(TYPE.A), rights.mayTtl(0)]).toEqual([true, true, true]);
  });

  test('types, and TTLs with both bounds in them', () => {
    const rights = readUpdateRights({ types: ['TXT', 'TYPE65280'], ttlMin: 60, ttlMax: 300 }, KEY);
    expect([TYPE.TXT, 65_280, TYPE.A].map((type) => rights.mayType(type))).toEqual([true, true, false]);
    expect([59, 60, 300, 301].map((ttl) => rights.mayTtl(ttl))).toEqual([false, true, true, false]);
  });
});
