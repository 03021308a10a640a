/** `waxseal store` and `waxseal backup` without a server: what they say, and their exit codes. */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test, onTestFinished } from 'vitest';
import { SERVER_LOCK, acquireLock } from '#store/process-lock.ts';
import { openWriter } from '#store/writer.ts';
import { NODE } from '#store/node-codec.ts';
import { TYPE } from '#dns/types.ts';
import { run } from '../support/cli-server.ts';
import { exampleServer } from '../support/admin/example-server.ts';
import { TEST_KEK, auditEvent, nodeWrite, temporaryFolder, writerOptions, zoneRecord } from '../support/temporary-store.ts';

/** A data directory whose store was written by a control room, and its key beside it. */
async function dataFolder(): Promise<string> {
  const { writer, dir } = await exampleServer();
  await writer.close();
  const parent = temporaryFolder();
  mkdirSync(join(parent, 'data'));
  renameSync(dir, join(parent, 'data', 'store'));
  mkdirSync(join(parent, 'keys'), { mode: 0o700 });
  writeFileSync(join(parent, 'keys', 'kek'), TEST_KEK, { mode: 0o600 });
  return join(parent, 'data');
}

describe('waxseal store', () => {
  test('stats, check, compact', async () => {
    const data = await dataFolder();
    const stats = await run(['store', 'stats', '--data', data]);
    expect(stats).toMatchObject({ exit: 0, out: expect.stringMatching(/pages of 4096 octets: \d+ with content, \d+ free/) });
    expect(stats.out).toMatch(/^nodes +\d+ +\d /m);
    const checked = await run(['store', 'check', '--data', data, '--json']);
    expect(checked.exit).toBe(0);
    expect(JSON.parse(checked.out)).toMatchObject({ whole: true, problems: [], secrets: expect.any(Number) });
    expect((await run(['store', 'compact', '--data', data])).err).toContain('CLI_CONFIRM');
    expect((await run(['store', 'compact', '--data', data, '--dry-run'])).out).toMatch(/would become about/);
    expect((await run(['store', 'compact', '--data', data, '--yes'])).out).toMatch(/MiB became/);
    expect((await run(['store', 'check', '--data', data, '--signatures', 'all'])).out).toContain('the store is whole');
  });

  test('while a server has it: looking goes, compacting is exit 4 and changes nothing; no store is said', async () => {
    const data = await dataFolder();
    const lock = acquireLock(SERVER_LOCK, data, 0);
    onTestFinished(() => lock.release());
    expect((await run(['store', 'check', '--data', data])).exit).toBe(0);
    expect(await run(['store', 'compact', '--data', data, '--yes'])).toMatchObject({
      exit: 4,
      err: expect.stringContaining('STORE_LOCKED'),
    });
    expect((await run(['store', 'stats', '--data', temporaryFolder()])).err).toContain('STORE_MISSING');
  });

  test('a key that cannot be read is said and is no fault of the store; one that is another is', async () => {
    const data = await dataFolder();
    const kek = join(dirname(data), 'keys', 'kek');
    chmodSync(kek, 0o644);
    const env = { WAXSEAL_KEYS__KEK_FILE: kek };
    expect(await run(['store', 'check', '--data', data], { env })).toMatchObject({
      exit: 0,
      out: expect.stringContaining('secrets were not opened'),
    });
    chmodSync(kek, 0o600);
    writeFileSync(kek, new Uint8Array(32).fill(1));
    expect(await run(['store', 'check', '--data', data], { env })).toMatchObject({ exit: 6, out: expect.stringContaining('NOT WHOLE') });
  });

  test('what is damaged is named, exit 6', async () => {
    const parent = temporaryFolder();
    mkdirSync(join(parent, 'data'));
    const writer = openWriter(join(parent, 'data', 'store'), writerOptions());
    const nodes = [nodeWrite(1, 'example.', [TYPE.SOA], NODE.APEX), nodeWrite(1, 'a.b.example.')];
    await writer.commit({ audit: auditEvent(), zones: { put: [{ ...zoneRecord(1, 'example.'), dnssec: 'off' }] }, nodes });
    await writer.close();
    const checked = await run(['store', 'check', '--data', join(parent, 'data')]);
    expect(checked).toMatchObject({ exit: 6, out: expect.stringContaining('zone example. a.b.example.: the name above it is missing') });
  });
});

describe('waxseal backup without a server', () => {
  let data = '';
  let to = '';
  const backup = () => join(to, readdirSync(to)[0]!);
  beforeAll(() => {
    to = '';
  });

  test('create --offline, verify, restore, and what each refuses', async () => {
    data = await dataFolder();
    to = join(temporaryFolder(), 'backups');
    const planned = await run(['backup', 'create', '--offline', '--to', to, '--data', data, '--dry-run']);
    expect([planned.exit, planned.out]).toEqual([0, expect.stringContaining('would be made')]);
    const made = await run(['backup', 'create', '--offline', '--to', to, '--data', data]);
    expect(made).toMatchObject({ exit: 0, out: expect.stringContaining('was made and found good') });
    expect(made.out).toContain('keep a copy of that elsewhere');
    const kek = ['--kek-file', join(dirname(data), 'keys', 'kek')];
    expect(await run(['backup', 'verify', backup(), ...kek])).toMatchObject({
      exit: 0,
      out: expect.stringContaining('the backup is good'),
    });
    expect((await run(['backup', 'verify', backup(), ...kek, '--json'])).out).toContain('"good": true');
    const target = join(temporaryFolder(), 'data');
    expect((await run(['backup', 'restore', backup(), '--data', target, ...kek])).err).toContain('CLI_CONFIRM');
    expect(await run(['backup', 'restore', backup(), '--data', target, '--kek-file', '/nowhere', '--yes'])).toMatchObject({
      exit: 78,
      err: expect.stringContaining('KEK_FILE'),
    });
    expect(() => readdirSync(target)).toThrow('ENOENT');
    const restored = await run(['backup', 'restore', backup(), '--data', target, ...kek, '--yes', '--json']);
    expect(restored.exit).toBe(0);
    const document = JSON.parse(restored.out) as { raised: { from: number; to: number }[]; heldMail: number };
    expect(document.heldMail).toBe(1);
    for (const { from, to: serial } of document.raised) expect(serial).toBeGreaterThan(from + 65_535);
    expect((await run(['store', 'check', '--data', target, '--signatures', 'all'])).exit).toBe(0);
    expect((await run(['backup', 'restore', backup(), '--data', target, ...kek, '--yes'])).exit).toBe(4);
    const replaced = await run(['backup', 'restore', backup(), '--data', target, ...kek, '--yes', '--replace']);
    expect(replaced.out).toMatch(/the store that was there is in .*store-before-/);
    const lock = acquireLock(SERVER_LOCK, target, 0);
    expect((await run(['backup', 'restore', backup(), '--data', target, ...kek, '--yes', '--replace'])).exit).toBe(4);
    lock.release();
    rmSync(join(backup(), 'zones.json'));
    expect(await run(['backup', 'verify', backup(), ...kek])).toMatchObject({ exit: 6, out: expect.stringContaining('NOT GOOD') });
    expect((await run(['backup', 'restore', backup(), '--data', join(temporaryFolder(), 'd'), ...kek, '--yes'])).exit).toBe(6);
  });
});
