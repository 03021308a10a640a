import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packData, unpackData } from '#control/signing/batch.ts';
import { type PoolKey, signInPool } from '#control/signing/pool.ts';
import { checkByEngine } from '#dnssec/algorithm.ts';
import { engineKey } from '#dnssec/key.ts';

const SECRETS = [new Uint8Array(32).fill(1), new Uint8Array(48).fill(2)];
/** Signatures of 64 and of 96 octets. */
const KEYS = [engineKey(SECRETS[0]!), engineKey(SECRETS[1]!, 256, 14)];
const POOL_KEYS: PoolKey[] = KEYS.map(({ dnskey, flags, algorithm }, at) => ({ secret: SECRETS[at]!, flags, algorithm, dnskey }));

function pieces(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => new Uint8Array(at % 50).fill(at));
}

test('unpack ∘ pack = id', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (list) => {
      expect([...unpackData(packData(list), list.length)]).toEqual(list);
    }),
  );
  expect(() => [...unpackData(packData(pieces(3)), 2)]).toThrow('another length');
});

describe('signInPool', () => {
  const batches = KEYS.map((key, at) => ({ key, data: pieces(at === 0 ? 5000 : 30) }));

  test.each([
    ['here', 10_000],
    ['in worker threads', 0],
  ])('%s: every signature in its place', async (_, inlineCountMax) => {
    const signatures = await signInPool(batches, POOL_KEYS, { inlineCountMax, workersMax: 2 });
    expect(signatures.map((list) => list.length)).toEqual([5000, 30]);
    const wrong = batches.flatMap(({ key, data }, batch) =>
      data.filter((each, at) => at % 25 === 0 && !checkByEngine(key.dnskey, each, signatures[batch]![at]!)),
    );
    expect(wrong).toEqual([]);
  });
  test('a batch for a key without a secret is our own mistake', async () => {
    await expect(signInPool(batches, POOL_KEYS.slice(0, 1), { inlineCountMax: 0 })).rejects.toThrow(`no secret for key ${KEYS[1]!.keyTag}`);
  });
  test('a worker that cannot start fails the call, and says nothing of the secret', async () => {
    const bad = POOL_KEYS.map((each) => ({ ...each, secret: new Uint8Array(32).fill(0xff) }));
    await expect(signInPool(batches, bad, { inlineCountMax: 0, workersMax: 1 })).rejects.toThrow(/^a signing worker failed$/);
  });
  test('nothing to sign', async () => expect(await signInPool([], POOL_KEYS)).toEqual([]));
});
