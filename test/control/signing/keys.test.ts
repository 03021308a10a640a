/** Keys of zones: a new one is a CSK whose secret only the sealer opens; the ring gives out none that is missing, sealed otherwise or another. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyRing, newZoneKey } from '#control/signing/keys.ts';
import { createSealer } from '#store/seal.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { TEST_KEK, TEST_NOW_MS, countedRandom, failureOf, zoneRecord } from '../../support/temporary-store.ts';

const ZONE = 'example.com.';
const sealer = createSealer(TEST_KEK, countedRandom());
const newKey = (tagsInUse: readonly number[] = [], random = countedRandom()) => newZoneKey(ZONE, tagsInUse, sealer, random, TEST_NOW_MS);

/** The sum of RFC 4034 Appendix B, as its C code has it. */
function appendixB(rdata: Uint8Array): number {
  let sum = 0;
  for (const [at, octet] of rdata.entries()) sum += at % 2 === 1 ? octet : octet * 256;
  return (sum + (Math.floor(sum / 65_536) % 65_536)) % 65_536;
}

describe('a new key', () => {
  test('RFC 6781 §3.1: one key in both roles; RFC 4034 §2.1: a zone key with SEP, protocol 3; RFC 6605: algorithm 13, 64 octets', () => {
    const { ref } = newKey();
    expect(ref).toMatchObject({ role: 'csk', flags: 257, algorithm: 13, state: 'active', createdAtMs: TEST_NOW_MS });
    const dnskey = Buffer.from(ref.dnskey, 'base64');
    expect([...dnskey.subarray(0, 4)]).toEqual([1, 1, 3, 13]);
    expect(dnskey).toHaveLength(4 + 64);
  });

  test('RFC 4034 Appendix B: its tag is the sum of its DNSKEY', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        // Below the order of the curve, and not 0.
        const { ref } = newKey([], (bytes) => Uint8Array.from({ length: bytes }, (_, at) => (at === 0 ? 1 : seed[at % 32]!)));
        expect(ref.keyTag).toBe(appendixB(Buffer.from(ref.dnskey, 'base64')));
      }),
      { numRuns: 20 },
    );
  });

  test('its tag is not one in use', () => {
    const first = newKey().ref.keyTag;
    const second = newKey([first]).ref.keyTag;
    expect(second).not.toBe(first);
    expect([first, second]).not.toContain(newKey([first, second]).ref.keyTag);
  });

  test('a random source that repeats itself ends, it does not go on for ever', () => {
    const stuck = (bytes: number) => new Uint8Array(bytes).fill(5);
    const { keyTag } = newKey([], stuck).ref;
    expect(() => newKey([keyTag], stuck)).toThrow('repeats itself');
  });

  test('what goes to the store has the secret sealed, under its own id only', () => {
    const { ref, secret, sealed } = newKey();
    const text = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
    expect(text(sealed)).not.toContain(text(secret));
    const opened = sealer.open({ purpose: 'dnssec-key', id: ref.id, version: 1 }, sealed);
    expect(opened).toMatchObject({ ok: true, value: secret });
    expect(sealer.open({ purpose: 'dnssec-key', id: `${ref.id}0`, version: 1 }, sealed).ok).toBe(false);
  });
});

describe('the ring of keys', () => {
  const random = countedRandom();
  const made = [newKey([], random), newKey([], random)];
  const record: ZoneRecord = { ...zoneRecord(7, ZONE), keys: made.map(({ ref }) => ref) };
  const sealedById = new Map(made.map(({ ref, sealed }) => [ref.id, sealed]));
  const [first, second] = made.map(({ ref }) => ref.id);

  function ringOn(sealed: ReadonlyMap<string, Uint8Array>, ringSealer = sealer): { readonly ring: KeyRing; readonly reads: string[] } {
    const reads: string[] = [];
    const ring = new KeyRing(ringSealer, (zoneId, id) => {
      reads.push(`${zoneId} ${id}`);
      return sealed.get(id);
    });
    return { ring, reads };
  }

  test('opens all keys of a record, in its order', () => {
    const { ring } = ringOn(sealedById);
    expect(ring.keysOf(record).map(({ secret }) => secret)).toEqual(made.map(({ secret }) => secret));
    const turned = { ...record, keys: record.keys.toReversed() };
    expect(ring.keysOf(turned).map(({ key }) => key.keyTag)).toEqual(turned.keys.map(({ keyTag }) => keyTag));
    expect(ring.keysOf({ ...record, keys: [] })).toEqual([]);
  });

  test('opens each once, and again after it was forgotten', () => {
    const { ring, reads } = ringOn(sealedById);
    ring.keysOf(record);
    ring.keysOf(record);
    expect(reads).toEqual([`7 ${first}`, `7 ${second}`]);
    ring.forget({ ...record, keys: record.keys.slice(0, 1) });
    ring.keysOf(record);
    expect(reads).toEqual([`7 ${first}`, `7 ${second}`, `7 ${first}`]);
  });

  test('keeps keys by zone: another zone with the same key asks for its own secret', () => {
    const { ring, reads } = ringOn(sealedById);
    ring.keysOf(record);
    ring.keysOf({ ...record, id: 8 });
    expect(reads.slice(2)).toEqual([`8 ${first}`, `8 ${second}`]);
  });

  const ofOther = { ...made[1]!.ref, dnskey: made[0]!.ref.dnskey };
  test.each<[string, string, ZoneRecord, ReadonlyMap<string, Uint8Array>, string]>([
    ['is missing', 'STORE_DAMAGED', record, new Map(), 'not in the store'],
    ['stands under the id of another', 'SECRET_SEALED', record, new Map([[first!, sealedById.get(second!)!]]), 'does not open'],
    [
      'has an octet changed',
      'SECRET_SEALED',
      record,
      new Map([[first!, made[0]!.sealed.map((octet, at) => (at === 20 ? octet ^ 1 : octet))]]),
      'does not open',
    ],
    ['is not that of the published key', 'STORE_DAMAGED', { ...record, keys: [ofOther] }, sealedById, 'does not belong'],
  ])('throws when a secret %s', (_, code, damaged, sealed, why) => {
    const failure = failureOf(() => ringOn(sealed).ring.keysOf(damaged));
    expect(failure).toMatchObject({ code, message: expect.stringContaining(why) });
    for (const { secret } of made) expect(JSON.stringify(failure) + failure.message).not.toContain(Buffer.from(secret).toString('base64'));
  });

  test('throws with another key-encryption key', () => {
    const other = createSealer(new Uint8Array(32).fill(8), countedRandom());
    expect(failureOf(() => ringOn(sealedById, other).ring.keysOf(record))).toMatchObject({ code: 'SECRET_SEALED' });
  });
});
