import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { dataFileUse } from '#store/data-file.ts';
import { StoreFailure } from '#store/failure.ts';
import { NODE } from '#store/node-codec.ts';
import { openReader } from '#store/reader.ts';
import { nodeKey } from '#store/schema.ts';
import { verifyStore } from '#store/verify.ts';
import { openWriter } from '#store/writer.ts';

import { auditEvent, nodeWrite, temporaryFolder, temporaryStore, writerOptions, zoneRecord } from '../support/temporary-store.ts';

describe('a damaged file', () => {
  async function storeWithZone(): Promise<string> {
    const dir = join(temporaryFolder(), 'store');
    const writer = openWriter(dir, writerOptions());
    await writer.commit({
      audit: auditEvent(),
      zones: { put: [zoneRecord(1, 'example.')] },
      nodes: [
        nodeWrite(1, 'example.', [TYPE.SOA], NODE.APEX),
        ...Array.from({ length: 3000 }, (_, at) => nodeWrite(1, `host-${String(at).padStart(5, '0')}.example.`)),
      ],
    });
    await writer.close();
    return dir;
  }

  const codeOf = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      return error instanceof StoreFailure ? error.code : String(error);
    }
    return 'none';
  };

  test('whose meta pages are not LMDB’s is refused in words, where the binding would die', async () => {
    const dir = await storeWithZone();
    const path = join(dir, 'data.mdb');
    const good = readFileSync(path);
    const cases: Record<string, Buffer> = {
      garbage: Buffer.alloc(16_384, 0x5a),
      'cut in the first page': good.subarray(0, 100),
      'one page': good.subarray(0, 4096),
      'first meta page zeroed': Buffer.concat([Buffer.alloc(4096), good.subarray(4096)]),
      'second meta page zeroed': Buffer.concat([good.subarray(0, 4096), Buffer.alloc(4096), good.subarray(8192)]),
    };
    for (const [name, content] of Object.entries(cases)) {
      writeFileSync(path, content);
      expect([name, codeOf(() => openWriter(dir, writerOptions()))]).toEqual([name, 'STORE_DAMAGED']);
      expect([name, codeOf(() => openReader(dir))]).toEqual([name, 'STORE_DAMAGED']);
      expect(readFileSync(path).equals(content)).toBe(true);
    }
    writeFileSync(path, good);
    const writer = openWriter(dir, writerOptions());
    expect(verifyStore(writer).problems).toEqual([]);
    await writer.close();
  });

  test('that was cut short: refused unless nothing of the store was in the part cut off, and never died of', async () => {
    const dir = await storeWithZone();
    const path = join(dir, 'data.mdb');
    const pages = dataFileUse(dir).usedBytes / 4096;
    const outcomes: string[] = [];
    for (const kept of [pages - 1, pages - 2, pages - 5, Math.floor(pages / 2), 3]) {
      const copy = join(temporaryFolder(), 'store');
      mkdirSync(copy);
      copyFileSync(path, join(copy, 'data.mdb'));
      truncateSync(join(copy, 'data.mdb'), kept * 4096);
      let outcome = 'whole';
      try {
        const writer = openWriter(copy, writerOptions());
        expect(verifyStore(writer)).toMatchObject({ problems: [], nodes: 3001, auditEntries: 1 });
        await writer.close();
      } catch (error) {
        outcome = error instanceof StoreFailure ? error.code : String(error);
      }
      outcomes.push(outcome);
    }
    expect(outcomes.slice(2)).toEqual(['STORE_DAMAGED', 'STORE_DAMAGED', 'STORE_DAMAGED']);
    expect(outcomes.slice(0, 2).filter((outcome) => outcome !== 'whole' && outcome !== 'STORE_DAMAGED')).toEqual([]);
  });

  test('with a changed octet in a node: the check names the node', async () => {
    const dir = await storeWithZone();
    const path = join(dir, 'data.mdb');
    const content = readFileSync(path);
    const at = content.indexOf(Buffer.from(nodeKey(1, ownerKey(nameOf('host-01234.example.')))));
    expect(at).toBeGreaterThan(0);
    content[at + nodeKey(1, ownerKey(nameOf('host-01234.example.'))).length + 40]! ^= 1;
    writeFileSync(path, content);
    const writer = openWriter(dir, writerOptions());
    expect(verifyStore(writer).problems).toEqual([
      expect.stringMatching(/^zone example\. host-01234\.example\.: does not have its checksum/),
    ]);
    await writer.close();
  });

  test('with counts that do not agree and things left over: each is named', async () => {
    const { writer } = temporaryStore();
    await writer.commit({ audit: auditEvent(), zones: { put: [zoneRecord(1, 'example.')] }, nodes: [nodeWrite(1, 'example.')] });
    const { db } = writer.inspect().environment;
    db.nodes.putSync(nodeKey(1, ownerKey(nameOf('a.b.example.'))), new Uint8Array(3));
    db.nodes.putSync(nodeKey(1, ownerKey(nameOf('other.'))), nodeWrite(1, 'other.').value!);
    db.secrets.putSync(Buffer.from([0, 0, 0, 9, 0x6b]), new Uint8Array(3));
    const { problems } = verifyStore(writer);
    expect(problems).toEqual([
      'zone example. a.b.example.: is cut short',
      'zone example. a.b.example.: the name above it is missing',
      expect.stringMatching(/^zone example\. other\.: does not have its checksum/),
      'zone example. other.: is not in the zone',
      'zone example.: has 3 nodes, its record says 1',
      'secrets: belong to zone id 9, which does not exist',
    ]);
  });
});
