/** The parent's servers are found and asked; what they answer proves something, or not. */
import { describe, expect, test } from 'vitest';
import { nameOf, ownerKey } from '#dns/name.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { type AskServer, ParentServers, dsTtlOf, judgeDs } from '#control/dnssec/parent.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { engineKey } from '#dnssec/key.ts';
import { type ZoneKey } from '#dnssec/rollover/keys.ts';

const ZONE = nameOf('deep.under.example.');

function resolverOf(table: Readonly<Record<string, ResolverAnswer>>): Resolver {
  return {
    lookup: (name, type) => Promise.resolve(table[`${ownerKey(name)} ${type}`] ?? { kind: 'nodata' }),
  };
}
const at = (name: string, type: number) => `${ownerKey(nameOf(name))} ${type}`;
const answer = (...rdatas: Uint8Array[]): ResolverAnswer => ({ kind: 'answer', rdatas, ttlSeconds: 60 });

function key(octet: number): ZoneKey & { readonly octets: Uint8Array } {
  const { dnskey, keyTag } = engineKey(new Uint8Array(32).fill(octet));
  return {
    id: `${octet}`,
    keyTag,
    algorithm: 13,
    role: 'csk',
    state: 'active',
    dnskey: Buffer.from(dnskey).toString('base64'),
    octets: dnskey,
  };
}

const good: AskServer = () =>
  Promise.resolve({
    reply: {
      rcode: 0,
      isAuthoritative: true,
      isTruncated: false,
      records: [{ ttl: 300, rdata: dsRdata(ZONE, key(1).octets, 2) }],
      count: 1,
    },
  });

describe('RFC 1034 §4.2.1: the zone above is the nearest name that has NS records', () => {
  test('names without NS are passed; every address of every server is asked', async () => {
    const asked: string[] = [];
    const parents = new ParentServers(
      resolverOf({
        [at('example.', TYPE.NS)]: answer(nameOf('a.nic.'), nameOf('b.nic.')),
        [at('a.nic.', TYPE.A)]: answer(Uint8Array.of(192, 0, 2, 1)),
        [at('a.nic.', TYPE.AAAA)]: answer(Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
        [at('b.nic.', TYPE.A)]: answer(Uint8Array.of(192, 0, 2, 2)),
      }),
      (server, name, type) => {
        asked.push(`${server.ip} ${server.port} ${type}`);
        return good(server, name, type);
      },
    );
    const looks = await parents.look(ZONE);
    expect(looks.map(({ place }) => place)).toEqual(['a.nic 192.0.2.1', 'a.nic 2001:db8::1', 'b.nic 192.0.2.2']);
    expect(asked.toSorted()).toEqual([`192.0.2.1 53 ${TYPE.DS}`, `192.0.2.2 53 ${TYPE.DS}`, `2001:db8::1 53 ${TYPE.DS}`]);
    expect(parents.places(ZONE)).toHaveLength(3);
    expect(dsTtlOf(looks)).toBe(300);
  });

  test.each<[string, Readonly<Record<string, ResolverAnswer>>]>([
    ['a look-up fails', { [at('under.example.', TYPE.NS)]: { kind: 'timeout' }, [at('example.', TYPE.NS)]: answer(nameOf('a.nic.')) }],
    [
      'a family of a server cannot be looked up',
      {
        [at('example.', TYPE.NS)]: answer(nameOf('a.nic.')),
        [at('a.nic.', TYPE.A)]: answer(Uint8Array.of(192, 0, 2, 1)),
        [at('a.nic.', TYPE.AAAA)]: { kind: 'timeout' },
      },
    ],
    [
      'more addresses than are asked',
      {
        [at('example.', TYPE.NS)]: answer(nameOf('a.nic.')),
        [at('a.nic.', TYPE.A)]: answer(...Array.from({ length: 27 }, (_, last) => Uint8Array.of(192, 0, 2, last))),
      },
    ],
    ['a server has no address that is known', { [at('example.', TYPE.NS)]: answer(nameOf('a.nic.')) }],
  ])('%s: no place is known, and nothing is proven', async (_, table) => {
    const parents = new ParentServers(resolverOf(table), good);
    expect(await parents.look(ZONE)).toEqual([]);
    expect(parents.places(ZONE)).toEqual([]);
    // And the status says why.
    parents.noteUnfound(ZONE, 7);
    parents.noteUnfound(ZONE, 8);
    expect(parents.found(ZONE)).toEqual({ atMs: 7, servers: [], failure: expect.stringMatching(/looked up|no address|more than/) });
  });

  test('addresses of the policy are asked instead', async () => {
    const parents = new ParentServers(resolverOf({}), good);
    const looks = await parents.look(ZONE, ['192.0.2.7', '[2001:db8::7]:5353', 'nonsense']);
    expect(looks.map(({ place }) => place)).toEqual(['192.0.2.7:53', '[2001:db8::7]:5353']);
  });
});

describe('what an answer proves', () => {
  const look = (...ds: Uint8Array[]) => ({ place: 'a', ds, ttlSeconds: 60, text: 'seen' });
  const [one, two] = [key(1), key(2)];
  const ds = (of: { readonly octets: Uint8Array }, digest: 2 | 4 = 2) => dsRdata(ZONE, of.octets, digest);
  const sha1 = Uint8Array.of(...ds(one).subarray(0, 3), 1, ...new Uint8Array(20));

  test.each([
    ['the DS of the key', look(ds(one)), [one], true],
    ['both digests of it', look(ds(one), ds(one, 4)), [one], true],
    ['SHA-384 alone', look(ds(one, 4)), [one], true],
    ['a SHA-1 digest beside', look(ds(one), sha1), [one], true],
    ['a SHA-1 digest alone', look(sha1), [one], false],
    ['another key beside', look(ds(one), ds(two)), [one], false],
    ['one of two', look(ds(one)), [one, two], false],
    ['another key', look(ds(two)), [one], false],
    ['none', look(), [one], false],
    ['none, where none shall be', look(), [], true],
    ['one, where none shall be', look(ds(one)), [], false],
  ])('%s', (_, seen, keys, isGood) => expect(judgeDs(seen, ZONE, keys).isGood).toBe(isGood));

  test.each([
    ['no authority', { rcode: 0, isAuthoritative: false, isTruncated: false, records: [], count: 0 }],
    ['REFUSED', { rcode: 5, isAuthoritative: false, isTruncated: false, records: [], count: 0 }],
  ])('%s: nothing', async (_, reply) => {
    const parents = new ParentServers(resolverOf({}), () => Promise.resolve({ reply }));
    const [seen] = await parents.look(ZONE, ['192.0.2.7']);
    expect(judgeDs(seen!, ZONE, []).isGood).toBe(false);
    expect(dsTtlOf([seen!])).toBeUndefined();
  });
});
