/** The stored form of a node: what is written is read back, and the offset readers see the same. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import {
  ENTRY_BYTES,
  NODE,
  OWNER_OFFSET,
  bodyOffset,
  decodeNode,
  directoryOffset,
  encodeNode,
  entryRecords,
  entrySignatures,
  entryTtl,
  entryType,
  findEntry,
  nodeExpiration,
  nodeFlags,
  nodeLongestTtl,
  ownerLength,
  rrsetCount,
} from '#store/node-codec.ts';
import { type NodeRrset, type ZoneNode } from '#zone/view.ts';
import { fields } from '../support/octets.ts';

const rdata = fc.uint8Array({ maxLength: 300 });
const rrset: fc.Arbitrary<NodeRrset> = fc.record({
  type: fc.integer({ min: 1, max: 65_535 }),
  ttl: fc.integer({ min: 0, max: 0x7fff_ffff }),
  rdatas: fc.array(rdata, { minLength: 1, maxLength: 4 }),
  signatures: fc.array(rdata, { maxLength: 2 }),
  manager: fc.constantFrom('manual', 'dnssec', 'mail', 'acme'),
});
const rrsets = fc
  .uniqueArray(rrset, { selector: (each) => each.type, maxLength: 6 })
  .map((list) => list.toSorted((a, b) => a.type - b.type));
const owner = nameOf('WWW.Example.');
const node = rrsets.map((list): ZoneNode => ({ key: ownerKey(owner), owner, rrsets: list }));

describe('encodeNode and decodeNode', () => {
  test('decode ∘ encode = id, in memory of its own', () => {
    fc.assert(
      fc.property(node, fc.integer({ min: 0, max: 63 }), (each, flags) => {
        // As from a store: a Buffer in the middle of a larger one, overwritten afterwards.
        const encoded = encodeNode(each, flags);
        const lent = Buffer.alloc(encoded.length + 20, 0xaa).subarray(7, 7 + encoded.length);
        lent.set(encoded);
        const decoded = decodeNode(lent, each.key);
        lent.fill(0xee);
        const plain = { ...decoded, owner: [...decoded.owner] };
        expect(plain).toEqual({ ...each, owner: [...each.owner] });
      }),
      { numRuns: 200 },
    );
  });

  test('offset readers agree with the node', () => {
    fc.assert(
      fc.property(node, fc.integer({ min: 0, max: 63 }), (each, flags) => {
        const bytes = encodeNode(each, flags);
        expect(nodeFlags(bytes)).toBe(flags);
        expect(rrsetCount(bytes)).toBe(each.rrsets.length);
        const missing = [1, 2, 40_000, 65_535].filter((type) => each.rrsets.every((set) => set.type !== type));
        expect(missing.map((type) => findEntry(bytes, type))).toEqual(missing.map(() => -1));
        expect([...bytes.subarray(OWNER_OFFSET, OWNER_OFFSET + ownerLength(bytes))]).toEqual([...owner]);
        for (const [at, set] of each.rrsets.entries()) {
          const entry = findEntry(bytes, set.type);
          expect(entry).toBe(directoryOffset(bytes) + ENTRY_BYTES * at);
          expect([entryType(bytes, entry), entryTtl(bytes, entry)]).toEqual([set.type, set.ttl]);
          expect([entryRecords(bytes, entry), entrySignatures(bytes, entry)]).toEqual([set.rdatas.length, set.signatures.length]);
          const body = bodyOffset(bytes, entry);
          expect([...bytes.subarray(body + 2, body + 2 + set.rdatas[0]!.length)]).toEqual([...set.rdatas[0]!]);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('an empty non-terminal is a node without RRsets', () => {
    const bytes = encodeNode({ key: ownerKey(owner), owner, rrsets: [] }, 0);
    expect([...bytes]).toEqual([0, 0, 0, 0, 0, 0, owner.length, ...owner]);
    expect(decodeNode(bytes, ownerKey(owner)).rrsets).toEqual([]);
  });

  test('the form on disk, octet for octet', () => {
    const one: NodeRrset = { type: TYPE.A, ttl: 300, rdatas: [Uint8Array.of(192, 0, 2, 1)], signatures: [], manager: 'mail' };
    const bytes = encodeNode({ key: 'x', owner: nameOf('a.'), rrsets: [one] }, NODE.APEX);
    expect(Buffer.from(bytes).toString('hex')).toBe(fields('08 01 00000000 03 016100 0001 0000012c 02 0001 0000 00000006 0004c0000201'));
  });

  test('RFC 4034 §3.1.5: the earliest expiration of all signatures', () => {
    const rrsig = (expiration: number) => {
      const data = new Uint8Array(30);
      new DataView(data.buffer).setUint32(8, expiration);
      return data;
    };
    const set = (type: number, ...times: number[]): NodeRrset => ({
      type,
      ttl: 1,
      rdatas: [Uint8Array.of(1)],
      signatures: times.map(rrsig),
      manager: 'manual',
    });
    const bytes = encodeNode({ key: 'x', owner, rrsets: [set(1, 4_000_000_000), set(2), set(16, 3_999_999_999, 4_100_000_000)] }, 0);
    expect(nodeExpiration(bytes)).toBe(3_999_999_999);
    expect(nodeExpiration(encodeNode({ key: 'x', owner, rrsets: [set(2)] }, 0))).toBe(0);
  });

  test('the longest TTL of all RRsets; 0 without any', () => {
    fc.assert(
      fc.property(node, (each) => {
        expect(nodeLongestTtl(encodeNode(each, 0))).toBe(Math.max(0, ...each.rrsets.map(({ ttl }) => ttl)));
      }),
    );
  });

  test('a node that its directory does not describe is our own bug', () => {
    const bytes = encodeNode({ key: 'x', owner, rrsets: [] }, 0);
    expect(() => decodeNode(Buffer.concat([bytes, Buffer.alloc(1)]), 'x')).toThrow('longer or shorter');
    const twice: NodeRrset = { type: 1, ttl: 1, rdatas: [Uint8Array.of(1)], signatures: [], manager: 'manual' };
    expect(() => encodeNode({ key: 'x', owner, rrsets: [twice, twice] }, 0)).toThrow('ascending');
  });
});
