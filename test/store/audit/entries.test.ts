import { describe, expect, test } from 'vitest';

import { META, numberKey, textKey } from '#store/schema.ts';
import { encodeJson } from '#store/json.ts';
import { type StoreWriter } from '#store/writer.ts';
import { appendAudit } from '#store/audit/entries.ts';
import { createSealer } from '#store/seal.ts';

import { auditEvent, countedRandom, temporaryStore } from '../../support/temporary-store.ts';

async function storeWithEntries(count: number): Promise<StoreWriter> {
  const { writer } = temporaryStore();
  for (let entry = 1; entry <= count; entry++) await writer.commit({ audit: auditEvent(`action.${entry}`) });
  return writer;
}

const audit = (writer: StoreWriter) => writer.inspect().environment.db.audit;

describe('the audit log', () => {
  test('has one entry for each commit, newest first, in pages', async () => {
    const writer = await storeWithEntries(5);
    expect(writer.audit(2)).toMatchObject([
      { sequence: 5, generation: 5, action: 'action.5', actor: { kind: 'system', id: 'test', from: '' } },
      { sequence: 4, generation: 4, action: 'action.4' },
    ]);
    expect(writer.audit(10, 3).map((entry) => entry.sequence)).toEqual([2, 1]);
    expect(writer.verifyAudit()).toEqual({ entries: 5, from: 1 });
  });

  test('cuts a detail that is too long', async () => {
    const { writer } = temporaryStore();
    await writer.commit({ audit: { ...auditEvent(), detail: 'x'.repeat(100_000) } });
    expect(writer.audit(1)[0]!.detail).toHaveLength(16 * 1024 + 1);
    expect(writer.verifyAudit()).toEqual({ entries: 1, from: 1 });
  });

  test('an empty one is good', () => {
    expect(temporaryStore().writer.verifyAudit()).toEqual({ entries: 0, from: 1 });
  });

  test('any changed octet is found at its entry', async () => {
    const writer = await storeWithEntries(3);
    const original = audit(writer).get(numberKey(2))!.slice();
    for (const at of [0, 31, 32, 60, original.length - 1]) {
      const changed = Uint8Array.from(original);
      changed[at]! ^= 1;
      audit(writer).putSync(numberKey(2), changed);
      expect([at, writer.verifyAudit().brokenAt]).toEqual([at, 2]);
    }
    audit(writer).putSync(numberKey(2), original);
    expect(writer.verifyAudit().brokenAt).toBeUndefined();
  });

  test('a removed entry is found, first, middle and last', async () => {
    for (const [removed, found] of [
      [1, 1],
      [3, 3],
      [5, 5],
    ] as const) {
      // prettier-ignore
      const writer = await storeWithEntries(5);
      audit(writer).removeSync(numberKey(removed));
      expect(writer.verifyAudit().brokenAt).toBe(found);
    }
  });

  test('two entries that changed places are found', async () => {
    const writer = await storeWithEntries(4);
    const [second, third] = [audit(writer).get(numberKey(2))!.slice(), audit(writer).get(numberKey(3))!.slice()];
    audit(writer).putSync(numberKey(2), third);
    audit(writer).putSync(numberKey(3), second);
    expect(writer.verifyAudit()).toMatchObject({ brokenAt: 2, why: 'it was written as entry 3' });
  });

  test('an entry added behind the store’s back is found', async () => {
    const writer = await storeWithEntries(2);
    audit(writer).putSync(numberKey(3), audit(writer).get(numberKey(2))!);
    expect(writer.verifyAudit()).toMatchObject({ brokenAt: 3 });
  });

  test('a log rewritten from end to end by someone without the key is found by the writer', async () => {
    const writer = await storeWithEntries(2);
    const { db } = writer.inspect().environment;
    db.meta.removeSync(textKey(META.AUDIT_HEAD));
    for (const sequence of [1, 2]) db.audit.removeSync(numberKey(sequence));
    const forger = createSealer(new Uint8Array(32).fill(1), countedRandom());
    for (const generation of [1, 2]) appendAudit(db.audit, db.meta, auditEvent('innocent'), generation, forger);
    expect(writer.verifyAudit()).toEqual({ entries: 2, from: 1, brokenAt: 2, why: 'the head was not written by this store' });
  });

  test('an entry that is valid JSON but no entry is refused with its place', async () => {
    const writer = await storeWithEntries(1);
    audit(writer).putSync(numberKey(1), Buffer.concat([Buffer.alloc(32), encodeJson({ hello: 1 })]));
    expect(writer.verifyAudit()).toMatchObject({ entries: 0, brokenAt: 1 });
    expect(() => writer.audit(1)).toThrow('an audit entry does not have its fields');
  });
});
