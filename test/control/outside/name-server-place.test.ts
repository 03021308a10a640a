/** Names of name servers in evidence: what states hold of earlier versions means the same place. */
import { expect, test } from 'vitest';
import { type NameServerPlace, formatNameServerPlace, parseNameServerPlace } from '#control/outside/name-server-place.ts';

test.each<[string, NameServerPlace]>([
  ['this server', { kind: 'own' }],
  ['192.0.2.54:53', { kind: 'listed', endpoint: '192.0.2.54:53' }],
  ['[2001:db8::2]:5300', { kind: 'listed', endpoint: '[2001:db8::2]:5300' }],
  ['ns2.example.net 192.0.2.54', { kind: 'secondary', host: 'ns2.example.net', ip: '192.0.2.54' }],
  ['ns2.example.net 2001:db8::2', { kind: 'secondary', host: 'ns2.example.net', ip: '2001:db8::2' }],
  ['ns2.example.net', { kind: 'secondary', host: 'ns2.example.net' }],
])('%s', (name, place) => {
  expect(parseNameServerPlace(name)).toEqual(place);
  expect(formatNameServerPlace(place)).toBe(name);
});
