/**
 * Stores of every format that there was are opened by this version: read, checked, changed, and their keys still sign. One file for each
 * format, made by the version that wrote it: a zone with rollovers and mail, signers, tokens, a removed zone, one that comes from primaries.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { openReader } from '#store/reader.ts';
import { LATER_DATABASES, META, STORE_FORMAT, textKey } from '#store/schema.ts';
import { existingDatabase, openRoot } from '#store/store.ts';
import { verifySecrets, verifySignatures } from '#store/upkeep/content.ts';
import { verifyStore } from '#store/verify.ts';
import { openWriter } from '#store/writer.ts';
import { encodeJson } from '#store/json.ts';
import { kekFileOf } from '../support/backups.ts';
import { run } from '../support/cli-server.ts';
import { good, temporaryControl } from '../support/temporary-control.ts';
import { TEST_NOW_MS, failureOf, temporaryFolder, writerOptions } from '../support/temporary-store.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/stores');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.mdb.gz'));

/** The store of a file, in a data directory of its own. */
function storeOf(file: string): string {
  const dir = join(temporaryFolder(), 'store');
  mkdirSync(dir, { mode: 0o700 });
  writeFileSync(join(dir, 'data.mdb'), gunzipSync(readFileSync(join(FOLDER, file))), { mode: 0o600 });
  return dir;
}

test('each format up to this version’s has its file', () => {
  const wanted = Array.from({ length: STORE_FORMAT }, (_, at) => `format-${at + 1}.mdb.gz`);
  expect(FILES.toSorted()).toEqual(wanted);
});

describe.each(FILES)('%s', (file) => {
  test('is read as it is, whole, and its secrets open', async () => {
    const dir = storeOf(file);
    const reader = openReader(dir);
    expect(reader.zones().map(({ name }) => name)).toContain('example.com.');
    expect(verifyStore(reader)).toMatchObject({ problems: [], zones: 3 });
    const wrong: string[] = [];
    const report = (where: string, what: string) => void wrong.push(`${where}: ${what}`);
    expect(verifySignatures(reader, { nodes: 'all', random: () => 0, atMs: Infinity }, report)).toBeGreaterThan(10);
    await reader.close();
    const writer = openWriter(dir, writerOptions());
    expect(verifySecrets(writer, writer.sealer, report).secrets).toBeGreaterThan(5);
    expect(wrong).toEqual([]);
    await writer.close();
  });

  test('is changed and signed with the keys that it has, its mail stays as it was, a removed zone comes back', async () => {
    const server = temporaryControl({ in: storeOf(file), nowMs: TEST_NOW_MS + 3_700_000 });
    const { control, writer } = server;
    const zone = nameOf('example.com.');
    const tags = () => writer.zoneByName(zone)!.keys.map(({ keyTag }) => keyTag);
    const before = tags();
    const set = { op: 'set', name: 'new', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;
    expect(good(await server.run({ kind: 'rrsets.change', zone, operations: [set] })).changed).toBe(true);
    expect([tags(), control.mail.view(writer.zoneByName(zone)!)]).toEqual([before, expect.anything()]);
    expect(good(await server.run({ kind: 'zone.restore', zone: nameOf('removed.example.') })).created).toBe(true);
    expect(verifyStore(writer).problems).toEqual([]);
    expect(control.audit.verify().brokenAt).toBeUndefined();
  });

  test('lacks nothing that a later version has made optional', async () => {
    const dir = storeOf(file);
    const root = openRoot(dir, false);
    for (const name of LATER_DATABASES) await existingDatabase(root, name)?.drop();
    await root.close();
    const writer = openWriter(dir, writerOptions());
    expect(verifyStore(writer).problems.filter((each) => !/NSEC3/.test(each))).toEqual([]);
    await writer.close();
  });
});

test('a newer format is turned away by the writer and by commands that read, with both versions, exit 78, and not an octet changed', async () => {
  const dir = storeOf(FILES[0]!);
  const root = openRoot(dir, false);
  const meta = existingDatabase(root, 'meta')!;
  await meta.put(textKey(META.FORMAT), encodeJson({ product: 'waxseal', version: STORE_FORMAT + 1, createdAtMs: 0 }));
  await root.close();
  const before = readFileSync(join(dir, 'data.mdb'));
  const said = `has format ${STORE_FORMAT + 1}; this version of waxseal reads format ${STORE_FORMAT} and nothing newer`;
  expect(failureOf(() => openWriter(dir, writerOptions())).message).toContain(said);
  const data = join(dir, '..');
  for (const words of [
    ['store', 'check'],
    ['store', 'stats'],
    ['backup', 'create', '--offline', '--to', join(data, 'b')],
  ])
    expect(await run([...words, '--data', data], { env: { WAXSEAL_KEYS__KEK_FILE: kekFileOf() } })).toMatchObject({
      exit: 78,
      err: expect.stringContaining('a backup made before the upgrade'),
    });
  expect(readFileSync(join(dir, 'data.mdb')).equals(before)).toBe(true);
});
