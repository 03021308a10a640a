/** The cache by itself, and what goes into it: never what a client makes up. */
import { describe, expect, test } from 'vitest';
import { AnswerCache } from '#answer/cache/cache.ts';
import { Dependencies } from '#answer/names/dependencies.ts';
import { hashLabel, hashName, lowerWord } from '#answer/names/hash.ts';
import { Responder } from '#answer/respond.ts';
import { ANSWER_CACHE_BODY_BYTES_MAX } from '#base/limits/answer.ts';
import { formatName, lowerOctet, nameOf } from '#dns/name.ts';
import { zoneSet } from '#zone/served.ts';
import { dummySigned } from '../../support/dummy-signed.ts';
import { MemorySource } from '../../support/memory-source.ts';
import { oracleAnswer } from '../../support/oracle.ts';
import { seededRandom } from '../../support/random.ts';
import { zoneOf } from '../../support/random-zone.ts';
import { type QueryShape, buildQuery } from '../../support/wire.ts';

const SIZE = 16 * ANSWER_CACHE_BODY_BYTES_MAX;

describe('RFC 4343 §3: hashing a name', () => {
  test('four octets are lower-cased at once as each is alone', () => {
    const random = seededRandom(1);
    for (let each = 0; each < 20_000; each++) {
      const octets = Array.from({ length: 4 }, () => (random() < 0.5 ? Math.floor(random() * 256) : 0x3c + Math.floor(random() * 0x44)));
      const word = (list: readonly number[]) => list[0]! | (list[1]! << 8) | (list[2]! << 16) | (list[3]! << 24);
      expect(lowerWord(word(octets)) | 0).toBe(word(octets.map(lowerOctet)));
    }
  });
  test('case does not count, anything else does', () => {
    const hash = (text: string) => hashName(7, nameOf(text), 0, nameOf(text).length, new Int32Array(64));
    expect(hash('www.Example.ORG.')).toBe(hash('WWW.eXAMPLE.org.'));
    expect(new Set(Array.from({ length: 5000 }, (_, at) => hash(`w${at}.example.`))).size).toBeGreaterThan(4990);
    expect(hashLabel(nameOf('aBc.'), 0)).toBe(hashLabel(nameOf('AbC.'), 0));
  });
});

describe('the table', () => {
  const out = new Uint8Array(4096);
  const limit = 4096;
  const make = (bytes = SIZE) => {
    const dependencies = new Dependencies();
    const cache = new AnswerCache(dependencies, 5, bytes);
    const store = (text: string, body: string, node = 1) => {
      const name = nameOf(text);
      cache.findExact(name, 0, name.length, 1, false, limit);
      dependencies.begin();
      dependencies.add(9, node);
      out.set(Buffer.from(body));
      cache.storeExact(name.length, out, 0, body.length);
    };
    const read = (text: string, limitNow = limit): string | undefined => {
      const name = nameOf(text);
      const entry = cache.findExact(name, 0, name.length, 1, false, limitNow);
      return entry < 0 ? undefined : Buffer.from(out.subarray(0, cache.copyBody(entry, out, 0, name.length))).toString();
    };
    return { dependencies, cache, store, read };
  };

  test('gives back what was stored, in any case, where it fits', () => {
    const { store, read } = make();
    store('www.example.', 'a body');
    store('ww.example.', 'b'.repeat(100));
    expect([read('WWW.example.'), read('ww.EXAMPLE.'), read('w.example.')]).toEqual(['a body', 'b'.repeat(100), undefined]);
    expect([read('www.example.', 13 + 4 + 5), read('www.example.', 13 + 4 + 6)]).toEqual([undefined, 'a body']);
  });

  test('forgets what depends on what changed, and nothing else', () => {
    const { dependencies, store, read } = make();
    store('a.example.', 'a', 1);
    store('b.example.', 'b', 2);
    dependencies.nextEpoch();
    dependencies.nodeChanged(9, 1);
    dependencies.nodeChanged(8, 2);
    expect([read('a.example.'), read('b.example.')]).toEqual([undefined, 'b']);
    store('a.example.', 'A', 1);
    expect(read('a.example.')).toBe('A');
    dependencies.nextEpoch();
    dependencies.zoneChanged(9);
    expect([read('a.example.'), read('b.example.')]).toEqual([undefined, undefined]);
  });

  test('is bounded, and keeps what is in use', () => {
    const { cache, store, read } = make();
    store('used.example.', 'in use');
    let lost = 0;
    for (let each = 0; each < 20_000; each++) {
      store(`n${each}.example.`, String(each).padEnd(20 + (each % 200), '.'));
      expect(read(`n${each}.example.`)).toContain(String(each));
      if (read('used.example.') !== undefined) continue;
      lost++;
      store('used.example.', 'in use');
    }
    // A set of the table may fill up before it is asked again; the ring alone never takes it.
    expect(lost).toBeLessThan(20);
    expect(cache.size()).toBeLessThanOrEqual(SIZE / 128);
    expect(read('n3.example.')).toBeUndefined();
  });

  test('keeps nothing that depends on too much, or is too long', () => {
    const { cache, dependencies } = make();
    const name = nameOf('a.example.');
    const long = new Uint8Array(ANSWER_CACHE_BODY_BYTES_MAX + 1);
    cache.findExact(name, 0, name.length, 1, false, limit);
    dependencies.begin();
    cache.storeExact(name.length, long, 0, long.length);
    for (let each = 0; each < 100; each++) dependencies.add(1, each);
    expect(dependencies.isOpen).toBe(true);
    cache.storeExact(name.length, long, 0, 10);
    expect(cache.size()).toBe(0);
  });
});

describe('what is kept', () => {
  const view = dummySigned(
    zoneOf(
      'z.',
      `@ 60 SOA ns hostmaster 1 3600 600 86400 300
       @ 60 NS ns
       ns 60 A 192.0.2.53
       www 60 A 192.0.2.1
       a 60 CNAME www
       m 60 MX 10 www
       cut 60 NS ns.cut
       cut 60 NS ns1.cut
       ns.cut 60 A 192.0.2.2
       *.w 60 MX 10 mail.w
       d 60 DNAME www
       deep.a.b.c 60 TXT "x"`,
    ),
  );
  const served = [{ view, signed: true }];
  const zones = zoneSet(served);
  const source = new MemorySource(served);
  const responder = new Responder(source, { cacheBytes: 1 << 20 });
  const out = Buffer.alloc(65_535);
  /** Reads of the store for one answer, which is the oracle's. */
  const reads = (shape: QueryShape): number => {
    const query = buildQuery({ edns: { size: 1232, dnssecOk: true }, ...shape });
    const before = source.reads;
    responder.beginBatch();
    const length = responder.respond(query, query.length, out, 'udp');
    const expected = Buffer.from(oracleAnswer(zones, query, 'udp'));
    expect(out.toString('hex', 0, length)).toBe(expected.toString('hex'));
    return source.reads - before;
  };
  // The first reads the zone's names into memory.
  reads({ name: 'z.', type: 'SOA' });

  test.each([
    ['www.z.', 'A'],
    ['a.z.', 'AAAA'],
    ['m.z.', 'MX'],
    ['cut.z.', 'A'],
    ['cut.z.', 'DS'],
    ['d.z.', 'DNAME'],
    ['b.c.z.', 'A'],
    ['www.z.', 'TXT'],
  ])('%s %s: asked again, nothing is read, whatever the case', (name, type) => {
    reads({ name, type });
    expect(reads({ name, type })).toBe(0);
    expect(reads({ name: name.toUpperCase(), type })).toBe(0);
    expect(reads({ name, type, edns: { size: 4096, dnssecOk: true } })).toBe(0);
  });

  test.each([
    ['RFC 4035 §3.1.3.2: names that do not exist', (at: number) => `no${at}.z.`],
    ['RFC 4035 §3.1.3.2: deeper ones', (at: number) => `x.${at}.b.c.z.`],
    ['RFC 1034 §4.3.2 3b: names below a cut', (at: number) => `w${at}.x.cut.z.`],
    ['RFC 4592 §3.3: names that a wildcard answers', (at: number) => `w${at}.w.z.`],
  ])('%s: after the first, nothing is read, and nothing more is kept', (_, name) => {
    const read = Array.from({ length: 300 }, (_unused, at) => reads({ name: name(at * 37), type: 'MX' }));
    expect(Math.max(...read.slice(40))).toBe(0);
  });

  test('amid a flood of names, a question is answered from its own entry, and makes one', () => {
    const flood = (seed: string) => {
      for (let each = 0; each < 60; each++) reads({ name: `f${seed}${each}.z.`, type: 'A' });
    };
    const questions: readonly (readonly [string, string])[] = [
      ['www.z.', 'AAAA'],
      ['cut.z.', 'TXT'],
      ['m.z.', 'A'],
    ];
    for (const [name, type] of questions) {
      flood('one');
      reads({ name, type });
      flood('two');
      expect(reads({ name, type }), `${name} ${type}, after a flood`).toBe(0);
      expect(reads({ name, type }), `${name} ${type}, again`).toBe(0);
    }
  });

  test('RFC 1035 §4.1.4: a name that could be pointed to is answered by itself', () => {
    for (const name of ['hostmaster.z.', 'x.hostmaster.z.', 'ns1.cut.z.', 'x.ns1.cut.z.', 'ns.cut.z.', 'mail.w.z.', 'x.mail.w.z.'])
      for (const type of ['MX', 'A', 'TXT', 'MX', 'A', 'TXT']) expect(reads({ name, type }), `${name} ${type}`).toBeLessThan(20);
  });

  test('random names and types leave the cache as small as it was', () => {
    const random = seededRandom(3);
    const own = new Responder(source, { cacheBytes: 1 << 20 });
    const ask = (shape: QueryShape) => {
      const query = buildQuery(shape);
      own.beginBatch();
      own.respond(query, query.length, out, 'udp');
    };
    const names = ['no.z.', 'cut.z.', 'w.z.', 'b.c.z.', 'd.z.'];
    const flood = (count: number) => {
      for (let each = 0; each < count; each++) {
        const name = `${random().toString(36).slice(2)}.${names[each % names.length]!}`;
        ask({ name, type: 'A', ...(each % 2 === 0 ? {} : { edns: { size: 1232, dnssecOk: true } }) });
        ask({ name: 'www.z.', type: `TYPE${1000 + (each % 60_000)}` });
      }
    };
    flood(500);
    const before = own.cachedAnswers();
    flood(3000);
    expect(own.cachedAnswers()).toBeLessThanOrEqual(before + 5);
    expect(before).toBeLessThan(60);
  });

  test('RFC 4035 §3.1.4.1: DS of an apex is the zone’s above from when that comes', () => {
    const child = { view: zoneOf('c.z.', '@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns'), signed: false };
    const both = [
      child,
      {
        view: dummySigned(zoneOf('z.', `@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nc 60 NS ns.c\nc 60 DS 1 13 2 ${'00'.repeat(32)}`)),
        signed: true,
      },
    ];
    let now = new MemorySource([child]);
    const own = new Responder(
      {
        storedZones: () => now.storedZones(),
        nodeBytes: (...rest) => now.nodeBytes(...rest),
        nsecAtOrBefore: (...rest) => now.nsecAtOrBefore(...rest),
        readNodes: (...rest) => now.readNodes(...rest),
        hashedBytes: (...rest) => now.hashedBytes(...rest),
        hashedAtOrBefore: (...rest) => now.hashedAtOrBefore(...rest),
        readHashed: (...rest) => now.readHashed(...rest),
        refresh: () => ({ zones: [1], changes: [] }),
      },
      { cacheBytes: 1 << 20 },
    );
    const query = buildQuery({ name: 'c.z.', type: 'DS', edns: { size: 1232, dnssecOk: true } });
    const answer = () => {
      own.beginBatch();
      return out.toString('hex', 0, own.respond(query, query.length, out, 'udp'));
    };
    for (let turn = 0; turn < 2; turn++) expect(answer()).toBe(Buffer.from(oracleAnswer(zoneSet([child]), query, 'udp')).toString('hex'));
    now = new MemorySource(both);
    own.refresh();
    for (let turn = 0; turn < 2; turn++) expect(answer()).toBe(Buffer.from(oracleAnswer(zoneSet(both), query, 'udp')).toString('hex'));
  });
});

describe('RFC 5155 §7.2: what is kept of a zone with NSEC3', () => {
  const NSEC3 = { iterations: 0, salt: new Uint8Array(0) };
  const out = Buffer.alloc(65_535);
  const asker = (text: string) => {
    const served = [{ view: dummySigned(zoneOf('z.', text), NSEC3), signed: true }];
    const source = new MemorySource(served);
    const responder = new Responder(source, { cacheBytes: 1 << 20 });
    const hashed = [...served[0]!.view.hashed.ascend(served[0]!.view.apexKey)].map(({ owner }) => formatName(owner));
    const reads = (name: string, type: string): number => {
      const query = buildQuery({ name, type, edns: { size: 1232, dnssecOk: true } });
      const before = source.reads;
      responder.beginBatch();
      const length = responder.respond(query, query.length, out, 'udp');
      const expected = Buffer.from(oracleAnswer(zoneSet(served), query, 'udp'));
      expect(`${name} ${out.toString('hex', 0, length)}`).toBe(`${name} ${expected.toString('hex')}`);
      return source.reads - before;
    };
    return { hashed, reads };
  };
  const TEXT = `@ 60 SOA ns hostmaster 1 3600 600 86400 300\n@ 60 NS ns\nns 60 A 192.0.2.53\nw 60 A 192.0.2.1\nx.e 60 A 192.0.2.1`;

  test('of random names that are not there, as many answers as there are NSEC3, and nothing is read any more', () => {
    const { hashed, reads } = asker(TEXT);
    for (let at = 0; at < 400; at++) reads(`r${at}.z.`, 'A');
    for (let at = 400; at < 800; at++) expect(reads(`r${at}.z.`, 'A')).toBe(0);
    expect(hashed.length).toBe(5);
  });

  test.each([
    ['name errors', TEXT],
    ['a wildcard', `${TEXT}\n* 60 TXT "w"`],
  ])('§7.2.8: hashed owner names as names that are asked for, before and after others: %s', (_, text) => {
    for (const type of ['TXT', 'MX', 'NSEC3']) {
      const { hashed, reads } = asker(text);
      for (const owner of hashed) reads(owner, type);
      for (let at = 0; at < 100; at++) reads(`r${at}.z.`, type);
      for (const owner of hashed) reads(owner, type);
      const other = asker(text);
      expect(other.hashed.length).toBeGreaterThan(4);
      for (let at = 0; at < 100; at++) other.reads(`r${at}.z.`, type);
      for (const owner of hashed) other.reads(owner, type);
    }
  });
});
