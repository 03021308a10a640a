/** What a document means is made once for the same octets, and never out of others. */
import { expect, test, vi } from 'vitest';
import { DocumentCache } from '#store/document-cache.ts';
import { openReader } from '#store/reader.ts';
import { type StoreWriter } from '#store/writer.ts';
import { auditEvent, nodeWrite, temporaryStore, zoneRecord } from '../support/temporary-store.ts';

async function storeWith(zones: readonly string[]) {
  const { writer, dir } = temporaryStore();
  await writer.commit({
    audit: auditEvent(),
    zones: { put: zones.map((name, at) => zoneRecord(at + 1, name)) },
    nodes: zones.map((name, at) => nodeWrite(at + 1, name)),
  });
  return { writer, dir };
}

const put = (writer: StoreWriter, zoneId: number, value: unknown) =>
  writer.commit({ audit: auditEvent(), documents: [{ zoneId, kind: 'mail', id: 'policy', value }] });

const made = () => vi.fn<(value: unknown) => { value: unknown }>((value) => ({ value }));

test('the same octets are made into something once, others anew, and none into nothing', async () => {
  const { writer } = await storeWith(['example.']);
  const [cache, make] = [new DocumentCache<{ value: unknown }>('mail', 'policy'), made()];
  expect(cache.read(writer, 1, make)).toBeUndefined();
  await put(writer, 1, { a: 1 });
  const first = cache.read(writer, 1, make);
  expect(first).toEqual({ value: { a: 1 } });
  // Another commit, the same document: only the octets count.
  await put(writer, 1, { a: 1 });
  expect(cache.read(writer, 1, make)).toBe(first);
  expect(make).toHaveBeenCalledTimes(1);
  await put(writer, 1, { a: 2 });
  expect(cache.read(writer, 1, make)).toEqual({ value: { a: 2 } });
  await put(writer, 1, null);
  expect(cache.read(writer, 1, make)).toBeUndefined();
  expect(make).toHaveBeenCalledTimes(2);
});

test('a reader of another process sees its own snapshot, not what the writer has kept', async () => {
  const { writer, dir } = await storeWith(['example.']);
  await put(writer, 1, 'old');
  const reader = openReader(dir);
  try {
    const [cache, make] = [new DocumentCache<{ value: unknown }>('mail', 'policy'), made()];
    await put(writer, 1, 'new');
    expect(cache.read(writer, 1, make)).toEqual({ value: 'new' });
    expect(cache.read(reader, 1, make)).toEqual({ value: 'old' });
    reader.refresh();
    expect(cache.read(reader, 1, make)).toEqual({ value: 'new' });
  } finally {
    await reader.close();
  }
});

test('what is not good is thrown at each read, and the document that was good before is not given instead', async () => {
  const { writer } = await storeWith(['example.']);
  const cache = new DocumentCache<string>('mail', 'policy');
  const make = (value: unknown): string => {
    if (typeof value !== 'string') throw new Error('no text');
    return value;
  };
  await put(writer, 1, 'good');
  expect(cache.read(writer, 1, make)).toBe('good');
  await put(writer, 1, 7);
  expect(() => cache.read(writer, 1, make)).toThrow('no text');
  expect(() => cache.read(writer, 1, make)).toThrow('no text');
});

test('no more is kept than the limit says; the longest unused goes first', async () => {
  const { writer } = await storeWith(['a.example.', 'b.example.', 'c.example.']);
  for (const zoneId of [1, 2, 3]) await put(writer, zoneId, 'x'.repeat(100));
  const bytes = writer.documentOctets(1, 'mail', 'policy')!.length;
  const cache = new DocumentCache<{ value: unknown }>('mail', 'policy', 2 * bytes);
  const make = made();
  const countOf = (zoneId: number): number => {
    const before = make.mock.calls.length;
    cache.read(writer, zoneId, make);
    return make.mock.calls.length - before;
  };
  // 1 is used again before 3 comes, so 2 has to go.
  expect([1, 2, 1, 3].map(countOf)).toEqual([1, 1, 0, 1]);
  expect([1, 3, 2].map(countOf)).toEqual([0, 0, 1]);
  // Alone over the limit: given, and not kept.
  await put(writer, 1, 'x'.repeat(3 * bytes));
  expect([1, 1].map(countOf)).toEqual([1, 1]);
});
