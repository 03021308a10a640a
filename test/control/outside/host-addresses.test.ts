/** Every address of a host, and whether a family of them is not known. */
import { expect, test } from 'vitest';
import { hostAddresses } from '#control/outside/host-addresses.ts';
import { nameOf } from '#dns/name.ts';
import { type ResolverAnswer } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';

const V4: ResolverAnswer = { kind: 'answer', rdatas: [Uint8Array.of(192, 0, 2, 2), Uint8Array.of(192, 0, 2, 1)], ttlSeconds: 60 };
const V6: ResolverAnswer = { kind: 'answer', rdatas: [Uint8Array.of(0x20, 1, ...new Uint8Array(13), 1)], ttlSeconds: 60 };
const NONE: ResolverAnswer = { kind: 'nodata' };
const LATE: ResolverAnswer = { kind: 'timeout', reason: 'no answer in time' };

const of = (v4: ResolverAnswer, v6: ResolverAnswer) =>
  hostAddresses(nameOf('ns.example.'), { lookup: (_name, type) => Promise.resolve(type === TYPE.A ? v4 : v6) });

test.each<[string, ResolverAnswer, ResolverAnswer, object]>([
  ['both families', V4, V6, { addresses: ['192.0.2.1', '192.0.2.2', '2001::1'] }],
  ['one family', V4, NONE, { addresses: ['192.0.2.1', '192.0.2.2'] }],
  ['none', NONE, { kind: 'nxdomain' }, { addresses: [] }],
  ['RFC 3596 §2.1: AAAA fails', V4, LATE, { failure: 'its IPv6 addresses cannot be looked up: no answer in time' }],
  ['A fails', { kind: 'servfail' }, V6, { addresses: ['2001::1'], failure: 'its IPv4 addresses cannot be looked up: servfail' }],
  ['both fail', LATE, LATE, { addresses: [], failure: 'its addresses cannot be looked up: no answer in time' }],
])('%s', async (_, v4, v6, found) => {
  expect(await of(v4, v6)).toMatchObject(found);
  expect((await of(v4, v6)).failure === undefined).toBe(!('failure' in found));
});
