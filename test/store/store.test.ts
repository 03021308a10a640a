import { once } from 'node:events';
import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { expect, onTestFinished, test, describe } from 'vitest';

import { fromLatin1 } from '#base/bytes.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { NODE, findEntry } from '#store/node-codec.ts';
import { openReader } from '#store/reader.ts';
import { META, STORE_FORMAT, textKey } from '#store/schema.ts';
import { makeDatabase, openRoot } from '#store/store.ts';
import { encodeJson } from '#store/json.ts';
import { verifyStore } from '#store/verify.ts';
import { openWriter } from '#store/writer.ts';

import {
  auditEvent,
  failureOf,
  nodeWrite,
  temporaryFolder,
  temporaryStore,
  writerOptions,
  zoneRecord,
} from '../support/temporary-store.ts';

const key = (name: string): Uint8Array => fromLatin1(ownerKey(nameOf(name)));

describe('opening', () => {
  test('a reader without a store says so, and makes nothing', () => {
    const folder = temporaryFolder();
    expect(failureOf(() => openReader(join(folder, 'store'))).code).toBe('STORE_MISSING');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a store whose making was interrupted does not exist for readers, and the next writer completes it', async () => {
    const dir = join(temporaryFolder(), 'store');
    const root = openRoot(dir, false);
    makeDatabase(root, 'meta');
    makeDatabase(root, 'zones');
    await root.close();
    expect(failureOf(() => openReader(dir)).code).toBe('STORE_MISSING');
    const writer = openWriter(dir, writerOptions());
    expect(writer.generation()).toBe(0);
    expect(writer.installation()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    await writer.close();
  });

  test('another LMDB database is left alone', async () => {
    const dir = join(temporaryFolder(), 'store');
    const root = openRoot(dir, false);
    root.putSync(Buffer.from('theirs'), Buffer.from('data'));
    await root.close();
    expect(failureOf(() => openWriter(dir, writerOptions())).code).toBe('STORE_FORMAT');
    const again = openRoot(dir, false);
    expect([...again.getKeys()].map((each) => Buffer.from(each).toString())).toEqual(['theirs']);
    await again.close();
  });

  test('a newer format is refused by writer and reader, both versions are named, nothing is changed', async () => {
    const { dir, writer } = temporaryStore();
    await writer.close();
    const root = openRoot(dir, false);
    const mark = { product: 'waxseal', version: STORE_FORMAT + 6, createdAtMs: 0 };
    makeDatabase(root, 'meta').putSync(textKey(META.FORMAT), encodeJson(mark));
    await root.close();
    const before = readFileSync(join(dir, 'data.mdb'));
    for (const open of [() => openWriter(dir, writerOptions()), () => openReader(dir)]) {
      const failure = failureOf(open);
      expect(failure.code).toBe('STORE_FORMAT');
      expect(failure.message).toContain(`format ${STORE_FORMAT + 6}`);
      expect(failure.message).toContain(`format ${STORE_FORMAT} `);
      expect(failure.problem.fix).toContain('newer waxseal');
    }
    expect(readFileSync(join(dir, 'data.mdb')).equals(before)).toBe(true);
  });

  test('a file that is not LMDB is refused', async () => {
    const { dir, writer } = temporaryStore();
    await writer.close();
    writeFileSync(join(dir, 'data.mdb'), Buffer.alloc(16_384, 0x5a));
    expect(failureOf(() => openWriter(dir, writerOptions())).code).toBe('STORE_DAMAGED');
    expect(failureOf(() => openReader(dir)).code).toBe('STORE_DAMAGED');
  });

  test('another key-encryption key is refused before anything is written', async () => {
    const { dir, writer } = temporaryStore();
    await writer.close();
    const failure = failureOf(() => openWriter(dir, writerOptions({ kek: new Uint8Array(32).fill(8) })));
    expect(failure.code).toBe('KEK_WRONG');
    const again = openWriter(dir, writerOptions());
    await again.close();
  });

  test('nothing in the store can be read by others, whatever the umask', async () => {
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    const { dir, writer } = temporaryStore();
    await writer.commit({ audit: auditEvent() });
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    const files = readdirSync(dir);
    expect(files.toSorted()).toEqual(['data.mdb', 'lock.mdb', 'writer.json', 'writer.lock']);
    for (const file of files) expect([file, statSync(join(dir, file)).mode & 0o777]).toEqual([file, 0o600]);
  });
});

describe('one writer', () => {
  test('a second one in the same process is refused, the first goes on', async () => {
    const { dir, writer } = temporaryStore();
    const failure = failureOf(() => openWriter(dir, writerOptions()));
    expect(failure.code).toBe('STORE_LOCKED');
    expect(failure.message).toContain(`process ${process.pid} `);
    await writer.commit({ audit: auditEvent() });
    expect(writer.generation()).toBe(1);
  });

  test('a holder file alone holds nothing, even with a living pid: only the kernel lock counts', async () => {
    const { dir, writer } = temporaryStore();
    await writer.close();
    const holder = { pid: 1, host: 'h', bootId: '', startTicks: '', sinceMs: 0 };
    writeFileSync(join(dir, 'writer.json'), JSON.stringify(holder));
    chmodSync(join(dir, 'writer.json'), 0o644);
    const next = openWriter(dir, writerOptions());
    expect(next.abandonedBy).toEqual(holder);
    expect(statSync(join(dir, 'writer.json')).mode & 0o777).toBe(0o600);
    await next.close();
  });
});

describe('commits', () => {
  test('make zones, nodes and tokens visible at once, with true counts and revision', async () => {
    const { writer } = temporaryStore();
    const nodes = [nodeWrite(1, 'example.', [TYPE.SOA], NODE.APEX), nodeWrite(1, 'A.example.'), nodeWrite(1, 'b.example.')];
    const token = { id: 't1', hash: 'ab', name: 'ci', scopes: ['read'], createdAtMs: 5 };
    const outcome = await writer.commit({
      audit: auditEvent('zone.create', 'example.'),
      zones: { put: [zoneRecord(1, 'example.')] },
      nodes,
      tokens: { put: [token] },
    });
    expect(outcome).toMatchObject({ generation: 1, zones: [{ id: 1, nodeCount: 3, revision: 1 }] });
    expect(writer.zoneByName(nameOf('EXAMPLE.'))).toEqual(outcome.zones[0]);
    expect(writer.tokens()).toEqual([token]);
    expect(writer.token('t1')).toEqual(token);
    expect(writer.nextZoneId()).toBe(2);
    const stored = writer.nodeBytes(1, key('a.example.'))!;
    expect([stored.length, stored.byteLength]).toEqual([nodes[1]!.value!.length, nodes[1]!.value!.length]);
    expect(Buffer.from(stored).equals(Buffer.from(nodes[1]!.value!))).toBe(true);
    expect(findEntry(stored, TYPE.TXT)).toBeGreaterThan(0);

    await writer.commit({
      audit: auditEvent(),
      zones: { put: [zoneRecord(1, 'example.', 2)] },
      nodes: [
        { ...nodeWrite(1, 'a.example.'), value: null },
        { ...nodeWrite(1, 'nothing.example.'), value: null },
        nodeWrite(1, 'b.example.', [TYPE.A]),
      ],
      tokens: { remove: ['t1'] },
    });
    expect(writer.zoneById(1)).toMatchObject({ serial: 2, nodeCount: 2, revision: 2 });
    expect(writer.nodeBytes(1, key('a.example.'))).toBeUndefined();
    expect(writer.tokens()).toEqual([]);
    expect(verifyStore(writer).problems).toEqual([]);
  });

  test('that fail in the middle leave no trace, and the next one goes through', async () => {
    const { writer } = temporaryStore();
    await writer.commit({
      audit: auditEvent(),
      zones: { put: [zoneRecord(1, 'example.')] },
      nodes: [nodeWrite(1, 'example.', [TYPE.SOA], NODE.APEX)],
    });
    const failing = function* () {
      yield nodeWrite(1, 'half.example.');
      yield { ...nodeWrite(1, 'example.'), value: null };
      throw new Error('the planner failed');
    };
    const write = { audit: auditEvent(), zones: { put: [zoneRecord(1, 'example.', 9)] }, nodes: failing() };
    await expect(writer.commit(write)).rejects.toThrow('the planner failed');
    const large = { ...nodeWrite(1, 'large.example.'), value: new Uint8Array(9 * 1024 * 1024) };
    await expect(writer.commit({ audit: auditEvent(), zones: { put: [zoneRecord(1, 'example.')] }, nodes: [large] })).rejects.toMatchObject(
      { code: 'STORE_LIMIT', message: expect.stringContaining('at this name') },
    );
    await expect(writer.commit({ audit: auditEvent(), nodes: [nodeWrite(5, 'x.')] })).rejects.toThrow('does not write');
    expect(writer.broken).toBeUndefined();
    expect(writer.generation()).toBe(1);
    expect(writer.zoneById(1)).toMatchObject({ serial: 1, nodeCount: 1 });
    expect(writer.nodeBytes(1, key('half.example.'))).toBeUndefined();
    expect(verifyStore(writer)).toMatchObject({ problems: [], nodes: 1, auditEntries: 1 });
    await writer.commit({ audit: auditEvent() });
    expect(writer.generation()).toBe(2);
  });

  test('removing a zone takes its nodes, journal and secrets and nobody else’s', async () => {
    const { writer } = temporaryStore();
    const zone = (id: number, name: string) => ({
      zones: { put: [zoneRecord(id, name)] },
      nodes: [nodeWrite(id, name, [TYPE.SOA], NODE.APEX), ...Array.from({ length: 2500 }, (_, at) => nodeWrite(id, `n${at}.${name}`))],
      journal: [{ zoneId: id, fromSerial: 0, toSerial: 1, changeset: Uint8Array.of(1) }],
      secrets: [{ zoneId: id, id: 'k', value: Uint8Array.of(id) }],
    });
    for (const [id, name] of [
      [1, 'a.'],
      [2, 'b.'],
      [3, 'c.'],
    ] as const)
      await writer.commit({ audit: auditEvent('zone.create', name), ...zone(id, name) });
    await writer.commit({ audit: auditEvent('zone.remove', 'b.'), zones: { remove: [2] } });
    expect(writer.zones().map((record) => record.name)).toEqual(['a.', 'c.']);
    expect(writer.nodeBytes(2, key('n7.b.'))).toBeUndefined();
    expect(writer.nodeBytes(1, key('n7.a.'))).toBeDefined();
    expect(writer.journal(2, 10)).toEqual([]);
    expect(writer.journal(3, 10)).toHaveLength(1);
    expect([writer.sealedSecret(1, 'k'), writer.sealedSecret(2, 'k')?.length]).toEqual([Buffer.of(1), undefined]);
    expect(writer.nextZoneId()).toBe(4);
    expect(writer.audit(1)).toMatchObject([{ action: 'zone.remove', zone: 'b.', sequence: 4 }]);
    expect(verifyStore(writer)).toMatchObject({ problems: [], zones: 2, nodes: 5002 });
  });

  test('keep the highest clock ever seen', async () => {
    const { writer } = temporaryStore();
    const at = writer.clockHighWaterMs();
    await writer.commit({ audit: { ...auditEvent(), atMs: at + 5000 } });
    await writer.commit({ audit: { ...auditEvent(), atMs: at - 9000 } });
    expect(writer.clockHighWaterMs()).toBe(at + 5000);
  });
});

describe('readers', () => {
  test('hold one snapshot until refresh, which tells the zones that changed', async () => {
    const { dir, writer } = temporaryStore();
    const put = (id: number, name: string, serial: number) =>
      writer.commit({
        audit: auditEvent(),
        zones: { put: [zoneRecord(id, name, serial)] },
        nodes: [nodeWrite(id, name, [TYPE.SOA], NODE.APEX), nodeWrite(id, `s${serial}.${name}`)],
      });
    await put(1, 'a.', 1);
    await put(2, 'b.', 1);
    const reader = openReader(dir);
    onTestFinished(() => reader.close());
    expect(reader.generation()).toBe(2);
    await put(2, 'b.', 2);
    // Over an event turn, where the binding would have renewed a snapshot of its own.
    await setTimeout(1);
    expect(reader.nodeBytes(2, key('s2.b.'))).toBeUndefined();
    expect([reader.generation(), reader.newestGeneration(), reader.zoneById(2)?.serial]).toEqual([2, 3, 1]);
    expect(reader.refresh()).toEqual({
      generation: 3,
      moved: true,
      zones: [2],
      changes: [{ zoneId: 2, keys: ['b\0', 'b\0s2\0'], sameNames: false }],
    });
    expect(reader.nodeBytes(2, key('s2.b.'))).toBeDefined();
    expect(reader.zoneById(2)?.serial).toBe(2);
    expect(reader.refresh()).toMatchObject({ generation: 3, moved: false, zones: [], changes: [] });

    await writer.commit({ audit: auditEvent(), zones: { remove: [1] } });
    await put(3, 'a.', 1);
    expect(reader.refresh()).toEqual({ generation: 5, moved: true, zones: [1, 3], changes: [] });
    expect(reader.storedZones().map(({ record }) => record.id)).toEqual([3, 2]);
    expect(reader.zoneByName(nameOf('a.'))?.id).toBe(3);
    expect(reader.storedZones()).toBe(reader.storedZones());
  });

  test('in a synchronous loop see new generations after refresh, not a frozen snapshot', async () => {
    const { dir, writer } = temporaryStore();
    const reader = openReader(dir);
    onTestFinished(() => reader.close());
    const seen: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      // Runs to its end before it first awaits, so the loop never leaves this turn.
      void writer.commit({ audit: auditEvent() });
      seen.push(reader.refresh().generation);
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  test('a terminated worker thread gives its snapshot back', async () => {
    const { dir, writer } = temporaryStore();
    const worker = new Worker(FOLLOWER, { argv: ['follow-thread', dir, '99'] });
    await once(worker, 'message');
    const { root } = writer.inspect().environment;
    const held = (): number =>
      root
        .readerList()
        .split('\n')
        .filter((line) => /\s\d+$/.test(line)).length;
    root.resetReadTxn();
    expect(held()).toBeGreaterThan(0);
    await worker.terminate();
    root.resetReadTxn();
    expect(held()).toBe(0);
  });

  test('walk a zone both ways over batches, and may stop in the middle', async () => {
    const { dir, writer } = temporaryStore();
    const names = Array.from({ length: 1000 }, (_, at) => `h${String(at).padStart(4, '0')}.example.`);
    await writer.commit({
      audit: auditEvent(),
      zones: { put: [zoneRecord(1, 'example.'), zoneRecord(256, '.')] },
      nodes: [
        nodeWrite(1, 'Example.', [TYPE.SOA], NODE.APEX),
        ...names.map((name) => nodeWrite(1, name)),
        nodeWrite(256, '.', [TYPE.SOA], NODE.APEX),
        nodeWrite(256, 'com.', [TYPE.NS], NODE.CUT),
      ],
    });
    const reader = openReader(dir);
    onTestFinished(() => reader.close());
    const view = reader.view(reader.zoneByName(nameOf('example.'))!);
    const keys = ['example.', ...names].map((name) => ownerKey(nameOf(name)));
    expect([...view.ascend('')].map((node) => node.key)).toEqual(keys);
    expect([...view.descend('zzz')].map((node) => node.key)).toEqual(keys.toReversed());
    expect([...view.ascend(keys[700]!)].map((node) => node.key)).toEqual(keys.slice(700));
    expect([...view.descend(keys[300]!)].map((node) => node.key)).toEqual(keys.slice(0, 301).toReversed());
    expect([...view.ascend(`${keys[1000]!}\u0000`)]).toEqual([]);
    expect([...view.descend('aaa')]).toEqual([]);
    for (const node of view.ascend(keys[10]!)) {
      expect(node.key).toBe(keys[10]);
      break;
    }
    expect(view.node(keys[0]!)?.owner).toEqual(nameOf('Example.'));
    expect(view.node(ownerKey(nameOf('absent.example.')))).toBeUndefined();
    const root = reader.view(reader.zoneByName(nameOf('.'))!);
    expect([...root.ascend('')].map((node) => node.key)).toEqual(['', ownerKey(nameOf('com.'))]);
    expect([...root.descend('net\u0000')].map((node) => node.key)).toEqual([ownerKey(nameOf('com.')), '']);
    expect(verifyStore(reader).problems).toEqual([]);
    expect(verifyStore(reader, { nodesPerZone: 3 })).toMatchObject({ problems: [], nodes: 5 });
  });
});

describe('RFC 4035 §3.1.3: the NSEC at or before a name', () => {
  const NSEC = [TYPE.NSEC];
  const at = (reader: { nsecAtOrBefore(zone: number, key: Uint8Array): Uint8Array | undefined }, zone: number, name: string) => {
    const node = reader.nsecAtOrBefore(zone, key(name));
    return node === undefined
      ? undefined
      : Buffer.from(node.slice(7, 7 + node[6]!))
          .toString('latin1')
          .replace(/[^a-z]+/g, '.');
  };

  test('is found past empty non-terminals and past all that is occluded', async () => {
    const { writer } = temporaryStore();
    const occluded = Array.from({ length: 700 }, (_, each) => nodeWrite(1, `h${each}.deep.sub.example.`, [TYPE.A], NODE.BELOW));
    await writer.commit({
      audit: auditEvent(),
      zones: { put: [zoneRecord(1, 'example.'), zoneRecord(2, '.'), zoneRecord(256, 'plain.')] },
      nodes: [
        nodeWrite(1, 'example.', NSEC, NODE.APEX),
        nodeWrite(1, 'ent.example.', []),
        nodeWrite(1, 'mid.ent.example.', []),
        nodeWrite(1, 'leaf.mid.ent.example.', NSEC),
        nodeWrite(1, 'sub.example.', [TYPE.NS, TYPE.NSEC], NODE.CUT),
        nodeWrite(1, 'deep.sub.example.', [], NODE.BELOW),
        ...occluded,
        nodeWrite(1, 'zz.example.', []),
        nodeWrite(1, 'y.zz.example.', NSEC),
        nodeWrite(2, '.', NSEC, NODE.APEX),
        nodeWrite(2, 'com.', [TYPE.A], NODE.BELOW),
        nodeWrite(256, 'plain.', [TYPE.SOA], NODE.APEX),
        nodeWrite(256, 'a.plain.', [TYPE.A], NODE.BELOW),
      ],
    });
    expect(at(writer, 1, 'example.')).toBe('.example.');
    expect(at(writer, 1, 'aaa.example.')).toBe('.example.');
    expect(at(writer, 1, 'ent.example.')).toBe('.example.');
    expect(at(writer, 1, 'f.mid.ent.example.')).toBe('.example.');
    expect(at(writer, 1, 'f.example.')).toBe('.leaf.mid.ent.example.');
    expect(at(writer, 1, 't.example.')).toBe('.sub.example.');
    expect(at(writer, 1, 'h5.deep.sub.example.')).toBe('.sub.example.');
    expect(at(writer, 1, 'zz.example.')).toBe('.sub.example.');
    expect(at(writer, 1, 'zzz.example.')).toBe('.y.zz.example.');
    expect(at(writer, 2, 'net.')).toBe('.');
    // An unsigned zone has none, and never one of its neighbour's.
    expect(at(writer, 256, 'b.plain.')).toBeUndefined();
    expect(at(writer, 3, 'b.plain.')).toBeUndefined();
  });
});

const FOLLOWER = new URL('./store-script.ts', import.meta.url);
