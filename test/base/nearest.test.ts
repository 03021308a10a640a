/** "Did you mean …": only what is a slip away. */
import { describe, expect, test } from 'vitest';
import { nearestName, nearestWord } from '#base/nearest.ts';

describe('words', () => {
  test.each([
    ['nme', 'name'],
    ['tll', 'ttl'],
    ['ttls', 'ttl'],
    ['listn', 'listen'],
    ['dnsec', 'dnssec'],
    ['recrods', 'records'], // two letters changed places: one slip
    ['nameservres', 'nameservers'],
    ['namserver', 'nameservers'],
    ['rotationIntreval', 'rotationInterval'],
    ['LISTEN', 'listen'],
  ])('%s is %s', (word, candidate) => {
    expect(nearestWord(word, ['other', candidate, 'something'])).toBe(candidate);
  });

  test.each([
    ['tag', 'ttl'],
    ['foo', 'file'],
    ['x', 'y'],
    ['op', 'to'],
    ['port', 'path'],
    ['zone', 'name'],
    ['colour', 'policy'],
    ['recipients', 'records'],
    ['signature', 'nameservers'],
    ['rotation', 'retention'],
    ['', 'a'],
    ['x'.repeat(100), 'x'.repeat(99)],
  ])('%j is not %s', (word, candidate) => {
    expect(nearestWord(word, [candidate])).toBeUndefined();
  });

  test('the nearest of several; of equally near ones the first', () => {
    expect(nearestWord('recrd', ['records', 'record'])).toBe('record');
    expect(nearestWord('cat', ['bat', 'hat'])).toBe('bat');
  });
});

describe('domain names: what they end in alike says nothing', () => {
  test.each([
    ['exmaple.com.', 'example.com.'],
    ['example.cmo.', 'example.com.'],
    ['meridian-pots.example.', 'meridian-post.example.'],
    ['EXAMPLE.CON.', 'example.com.'],
  ])('%s is %s', (name, candidate) => {
    expect(nearestName(name, ['unlike.net.', candidate])).toBe(candidate);
  });

  test.each([
    ['b.test.', 'a.test.'],
    ['other.example.', 'host.example.'],
    ['shop.customers.example.org.', 'blog.customers.example.org.'],
    ['example.net.', 'example.org.'],
    ['customer1234.example.', 'customer5678.example.'],
    ['a.test.', '.'],
  ])('%s is not %s', (name, candidate) => {
    expect(nearestName(name, [candidate])).toBeUndefined();
  });
});
