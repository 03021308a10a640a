/** Old entries go from the beginning of the audit log, and its chain is checked over the cut. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AUDIT_REMOVE_ENTRIES_MAX } from '#base/limits/store.ts';
import { AUDIT_REMOVAL, type AuditAnchor } from '#store/audit/chain.ts';
import { judgeSpace } from '#store/free-space.ts';
import { appendAudit } from '#store/audit/entries.ts';
import { encodeJson } from '#store/json.ts';
import { META, numberKey, textKey } from '#store/schema.ts';
import { verifyStore } from '#store/verify.ts';
import { type StoreWriter } from '#store/writer.ts';
import { auditEvent, temporaryStore } from '../../support/temporary-store.ts';

/** In one transaction. */
function storeWithEntries(count: number): StoreWriter {
  const { writer } = temporaryStore();
  const { root, db: databases } = writer.inspect().environment;
  root.transactionSync(() => {
    for (let entry = 1; entry <= count; entry++)
      appendAudit(databases.audit, databases.meta, auditEvent(`action.${entry}`), entry, writer.sealer);
  });
  return writer;
}

const remove = (writer: StoreWriter, through: number) =>
  writer.commit({ audit: { ...auditEvent(AUDIT_REMOVAL), detail: 'old' }, auditThrough: through });
const db = (writer: StoreWriter) => writer.inspect().environment.db;
const anchorOf = (writer: StoreWriter) =>
  JSON.parse(Buffer.from(db(writer).meta.get(textKey(META.AUDIT_ANCHOR))!).toString()) as AuditAnchor;
const putAnchor = (writer: StoreWriter, anchor: AuditAnchor) => db(writer).meta.putSync(textKey(META.AUDIT_ANCHOR), encodeJson(anchor));
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('a removal', () => {
  test('takes the oldest entries, tells of it in an entry, and the rest is in order', async () => {
    const writer = storeWithEntries(9);
    await remove(writer, 4);
    expect(writer.audit(20).map(({ sequence }) => sequence)).toEqual([10, 9, 8, 7, 6, 5]);
    expect(writer.audit(1)).toMatchObject([{ sequence: 10, action: 'audit.remove', detail: '4 entries, 1 to 4: old' }]);
    expect(writer.verifyAudit()).toEqual({ entries: 6, from: 5 });
    expect(writer.auditRange()).toEqual({ from: 5, last: 10 });
    expect(verifyStore(writer)).toMatchObject({ problems: [], auditEntries: 6 });
  });

  test('and the next one goes on from there, past the entry that told of the first', async () => {
    const writer = storeWithEntries(6);
    await remove(writer, 3);
    await writer.commit({ audit: auditEvent('later') });
    await remove(writer, 7);
    expect(writer.audit(20).map(({ sequence, detail }) => [sequence, detail])).toEqual([
      [9, '4 entries, 4 to 7: old'],
      [8, ''],
    ]);
    expect(writer.verifyAudit()).toEqual({ entries: 2, from: 8 });
    await writer.commit({ audit: auditEvent('later') });
    expect(writer.verifyAudit()).toEqual({ entries: 3, from: 8 });
  });

  test('takes all that there is, but not its own entry', async () => {
    const writer = storeWithEntries(3);
    await remove(writer, 3);
    expect(writer.verifyAudit()).toEqual({ entries: 1, from: 4 });
  });

  test('is one slice, however much is old', async () => {
    const writer = storeWithEntries(AUDIT_REMOVE_ENTRIES_MAX + 5);
    await remove(writer, AUDIT_REMOVE_ENTRIES_MAX + 3);
    expect(writer.auditRange()).toMatchObject({ from: AUDIT_REMOVE_ENTRIES_MAX + 1 });
    expect(writer.audit(1)[0]!.detail).toBe(`${AUDIT_REMOVE_ENTRIES_MAX} entries, 1 to ${AUDIT_REMOVE_ENTRIES_MAX}: old`);
  });

  test('joins what was exported before, by its hash', async () => {
    const writer = storeWithEntries(6);
    const before = writer.auditText(0, 10);
    await remove(writer, 4);
    const after = writer.auditText(0, 10);
    expect(after[0]!.sequence).toBe(5);
    const previous = (json: string) => (JSON.parse(json) as { previous: string }).previous;
    expect(previous(after[0]!.json)).toBe(sha256(before[3]!.json));
    expect(after.slice(0, 2)).toEqual(before.slice(4));
  });
});

describe('what is found afterwards', () => {
  async function cut(): Promise<StoreWriter> {
    const writer = storeWithEntries(6);
    await remove(writer, 3);
    await writer.commit({ audit: auditEvent('later') });
    expect(writer.verifyAudit()).toEqual({ entries: 5, from: 4 });
    return writer;
  }

  test.each([
    ['sequence', { sequence: 2 }],
    ['hash', { hash: '0'.repeat(64) }],
    ['toldIn', { toldIn: 8 }],
    ['mac', { mac: '0'.repeat(64) }],
  ] as const)('the anchor with another %s', async (_field, change) => {
    const writer = await cut();
    putAnchor(writer, { ...anchorOf(writer), ...change });
    expect(writer.verifyAudit()).toMatchObject({ entries: 0, why: 'the mark of what was removed was not written by this store' });
  });

  test('no anchor: the first entries are missing', async () => {
    const writer = await cut();
    db(writer).meta.removeSync(textKey(META.AUDIT_ANCHOR));
    expect(writer.verifyAudit()).toMatchObject({ from: 1, brokenAt: 1, why: 'entry 1 is missing' });
  });

  test('the head of an earlier time as an anchor, to cut more than was removed', async () => {
    const writer = await cut();
    const head = JSON.parse(Buffer.from(db(writer).meta.get(textKey(META.AUDIT_HEAD))!).toString()) as Omit<AuditAnchor, 'toldIn'>;
    await writer.commit({ audit: auditEvent('after') });
    for (let sequence = 4; sequence <= head.sequence; sequence++) db(writer).audit.removeSync(numberKey(sequence));
    putAnchor(writer, { ...head, toldIn: 9 });
    expect(writer.verifyAudit()).toMatchObject({ entries: 0, why: 'the mark of what was removed was not written by this store' });
  });

  test('the anchor of an earlier removal: what is between is missing', async () => {
    const writer = await cut();
    const earlier = anchorOf(writer);
    await remove(writer, 6);
    putAnchor(writer, earlier);
    expect(writer.verifyAudit()).toMatchObject({ brokenAt: 4, why: 'entry 4 is missing' });
  });

  test.each([
    ['the first entry that is kept', 4],
    ['the entry that tells of the removal', 7],
    ['the last entry', 8],
  ] as const)('any changed octet of %s', async (_what, sequence) => {
    const writer = await cut();
    const original = db(writer).audit.get(numberKey(sequence))!.slice();
    for (const at of [0, 40, original.length - 2]) {
      const changed = Uint8Array.from(original);
      changed[at]! ^= 1;
      db(writer).audit.putSync(numberKey(sequence), changed);
      expect([at, writer.verifyAudit().brokenAt]).toEqual([at, sequence]);
    }
    db(writer).audit.removeSync(numberKey(sequence));
    expect(writer.verifyAudit().brokenAt).toBe(sequence);
  });

  test('an old entry that is put back', async () => {
    const writer = storeWithEntries(6);
    const third = db(writer).audit.get(numberKey(3))!.slice();
    await remove(writer, 3);
    db(writer).audit.putSync(numberKey(3), third);
    expect(writer.verifyAudit()).toMatchObject({ entries: 0, why: 'entry 3 is there, and was removed' });
  });
});

describe('a log that is not what was written', () => {
  test('is not removed from: its traces would go with it', async () => {
    const writer = storeWithEntries(6);
    const changed = Uint8Array.from(db(writer).audit.get(numberKey(2))!);
    changed[40]! ^= 1;
    db(writer).audit.putSync(numberKey(2), changed);
    await expect(remove(writer, 4)).rejects.toMatchObject({ code: 'AUDIT_BROKEN' });
    expect(writer.auditRange()).toEqual({ from: 1, last: 6 });
    expect(writer.verifyAudit()).toMatchObject({ entries: 1, brokenAt: 2 });
    db(writer).audit.removeSync(numberKey(2));
    await expect(remove(writer, 4)).rejects.toMatchObject({ code: 'AUDIT_BROKEN' });
    await writer.commit({ audit: auditEvent('goes on') });
  });

  test('a commit that finds no space after the removal leaves all of it', async () => {
    let looks = 0;
    const space = () => judgeSpace(looks++ % 2 === 0 ? 2 ** 40 : 0, 2 ** 41);
    const { writer } = temporaryStore({ space: () => judgeSpace(2 ** 40, 2 ** 41) });
    for (let at = 0; at < 4; at++) await writer.commit({ audit: auditEvent() });
    await writer.close();
    const again = temporaryStore({ in: writer.dir, space }).writer;
    looks = 0;
    await expect(remove(again, 2)).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(again.verifyAudit()).toEqual({ entries: 4, from: 1 });
  });
});
