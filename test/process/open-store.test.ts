/** Where the key-encryption key is looked for, made, remembered and missed. */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '#config/config.ts';
import { openStore, type OpenedStore, rememberKek } from '#process/open-store.ts';
import { makeKek, readKek } from '#store/kek.ts';
import { openWriter } from '#store/writer.ts';
import { good } from '../support/temporary-control.ts';
import { countedRandom, temporaryFolder, TEST_NOW_MS, writerOptions } from '../support/temporary-store.ts';

/** An installation in a folder of its own. `from` is where `waxseal serve` is started. */
function installation() {
  const folder = temporaryFolder();
  const home = join(folder, 'srv');
  mkdirSync(home);
  const data = join(home, 'data');
  const open = async ({ from = home, kekFile }: { from?: string; kekFile?: string } = {}) => {
    const flags = { data, ...(kekFile === undefined ? {} : { 'keys.kek_file': kekFile }) };
    const config = good(readConfig({ environment: {}, flags, workingDirectory: from }));
    const before = process.cwd();
    process.chdir(from);
    try {
      const opened = openStore(config, { random: countedRandom(), nowMs: TEST_NOW_MS });
      if (!opened.ok) return opened;
      onTestFinished(() => opened.value.writer.close());
      await rememberKek(opened.value, TEST_NOW_MS);
      return opened;
    } finally {
      process.chdir(before);
    }
  };
  const use = async (options?: Parameters<typeof open>[0]): Promise<Omit<OpenedStore, 'writer'>> => {
    const { writer, ...rest } = good(await open(options));
    await writer.close();
    return rest;
  };
  return { folder, home, data, open, use };
}

/** Code and text of the only problem. */
async function refusal(opened: Promise<ReturnType<typeof openStore>>): Promise<string> {
  const result = await opened;
  return result.ok ? 'opened' : result.problems.map(({ code, message }) => `${code} ${message}`).join('\n');
}

describe('a new store', () => {
  test('has its key made beside the data directory, wherever the server is started; the file and the event say so', async () => {
    const { home, folder, open } = installation();
    const opened = good(await open({ from: folder }));
    const file = join(home, 'keys', 'kek');
    expect(opened).toMatchObject({ kekFile: file, kekMade: { code: 'KEK_MADE', severity: 'warning' } });
    expect([statSync(file).mode & 0o777, statSync(file).size, statSync(join(home, 'keys')).mode & 0o777]).toEqual([0o600, 32, 0o700]);
    expect(opened.writer.kekFile()).toBe(file);
    expect(opened.writer.events(0, 10)).toMatchObject([{ kind: 'alert', event: 'KEK_MADE' }]);
    expect(opened.writer.audit(10)).toMatchObject([{ action: 'kek.make', detail: file, actor: { kind: 'system' } }]);
    expect(existsSync(join(folder, 'keys'))).toBe(false);
  });

  test('its octets are wiped when the store is open', () => {
    const { data, home } = installation();
    const made: Uint8Array[] = [];
    const counted = countedRandom();
    const random = (bytes: number): Uint8Array => {
      const octets = counted(bytes);
      if (bytes === 32) made.push(octets);
      return octets;
    };
    const config = good(readConfig({ environment: {}, flags: { data }, workingDirectory: home }));
    const { writer, kekFile } = good(openStore(config, { random, nowMs: TEST_NOW_MS }));
    onTestFinished(() => writer.close());
    expect(made.map((key) => key.every((octet) => octet === 0))).toEqual([true]);
    expect(good(readKek(kekFile)).some((octet) => octet !== 0)).toBe(true);
  });

  test('takes no key from the folder that it is started in', async () => {
    const { folder, home, use } = installation();
    makeKek(join(folder, 'keys', 'kek'), countedRandom());
    expect(await use({ from: folder })).toMatchObject({ kekFile: join(home, 'keys', 'kek'), kekMade: { code: 'KEK_MADE' } });
  });

  test('takes a key that is there, and makes none', async () => {
    const { home, open } = installation();
    makeKek(join(home, 'keys', 'kek'), countedRandom());
    const opened = good(await open());
    expect(opened.kekMade).toBeUndefined();
    expect(opened.writer.events(0, 10)).toEqual([]);
  });

  test('has its key where keys.kek_file says, relative to the folder of whoever says it', async () => {
    const { folder, use } = installation();
    expect(await use({ from: folder, kekFile: 'secret/kek' })).toMatchObject({ kekFile: join(folder, 'secret', 'kek') });
  });

  test('gets no key in a folder where others may exchange it, nor where none can be made', async () => {
    const { home, open } = installation();
    mkdirSync(join(home, 'keys'));
    chmodSync(join(home, 'keys'), 0o777);
    expect(await refusal(open())).toContain('KEK_PERMISSIONS');
    rmSync(join(home, 'keys'), { recursive: true });
    expect(await refusal(open({ kekFile: '/proc/none/kek' }))).toMatch(/^KEK_FILE the key-encryption key cannot be made: ENOENT/);
    expect(await refusal(open())).toBe('opened');
  });
});

describe('a store that exists', () => {
  test('finds its key from anywhere, and does not write that down again', async () => {
    const { folder, home, open, use } = installation();
    await use();
    const opened = good(await open({ from: folder }));
    expect(opened).toMatchObject({ kekFile: join(home, 'keys', 'kek'), kekMade: undefined });
    expect(opened.writer.audit(10)).toHaveLength(1);
  });

  test('remembers a key that keys.kek_file named once', async () => {
    const { folder, use } = installation();
    await use({ kekFile: join(folder, 'elsewhere') });
    expect(await use()).toMatchObject({ kekFile: join(folder, 'elsewhere') });
  });

  test('finds a key that was moved beside the data, and remembers that', async () => {
    const { folder, home, open, use } = installation();
    await use({ kekFile: join(folder, 'elsewhere') });
    mkdirSync(join(home, 'keys'));
    renameSync(join(folder, 'elsewhere'), join(home, 'keys', 'kek'));
    const opened = good(await open());
    expect(opened.writer.kekFile()).toBe(join(home, 'keys', 'kek'));
    expect(opened.writer.audit(1)).toMatchObject([{ action: 'kek.found', detail: join(home, 'keys', 'kek') }]);
  });

  test('of an earlier version, whose key was where the server was started: found there, remembered, and then from anywhere', async () => {
    const { folder, home, data, use } = installation();
    const from = join(folder, 'started-here');
    const kek = makeKek(join(from, 'keys', 'kek'), countedRandom());
    await openWriter(join(data, 'store'), { ...writerOptions(), kek }).close();
    expect(await use({ from })).toMatchObject({ kekFile: join(from, 'keys', 'kek') });
    expect(await use({ from: home })).toMatchObject({ kekFile: join(from, 'keys', 'kek') });
  });

  test('without its key: none is made anew; what was tried, why, and where it was last', async () => {
    const { folder, home, open, use } = installation();
    await use();
    const file = join(home, 'keys', 'kek');
    renameSync(file, join(folder, 'away'));
    const missed = await refusal(open());
    expect(missed).toMatch(/^KEK_FILE the key-encryption key cannot be read: ENOENT/);
    expect(missed).toContain(`The file is ${file}: the store was last opened with it`);
    expect(existsSync(file)).toBe(false);
    const named = await refusal(open({ kekFile: join(folder, 'other') }));
    expect(named).toContain(
      `The file is ${join(folder, 'other')}: keys.kek_file names it; the store was last opened with the key in ${file}`,
    );
  });

  test('with another key: which file was tried, and where the right one was last', async () => {
    const { folder, home, open, use } = installation();
    await use();
    makeKek(join(folder, 'other'), (bytes) => new Uint8Array(bytes).fill(9));
    const wrong = await refusal(open({ kekFile: join(folder, 'other') }));
    expect(wrong).toMatch(/^KEK_WRONG /);
    expect(wrong).toContain(`The file is ${join(folder, 'other')}: keys.kek_file names it`);
    expect(wrong).toContain(`last opened with the key in ${join(home, 'keys', 'kek')}`);
    expect(await use()).toMatchObject({ kekFile: join(home, 'keys', 'kek') });
  });
});

describe('a store whose key was changed', () => {
  test('opens with the next key by itself; a setting that names the key of before is explained', async () => {
    const { home, open, use } = installation();
    const before = join(home, 'keys', 'kek');
    const next = join(home, 'keys', 'kek-2');
    const { writer } = good(await open());
    makeKek(next, (bytes) => new Uint8Array(bytes).fill(9));
    const kek = good(readKek(next));
    const audit = { atMs: TEST_NOW_MS } as const;
    await writer.commit({ audit, kek: { kind: 'begin', next: writer.sealerOf(kek), file: next, fileBefore: before } });
    await writer.close();
    // In between both are needed, whichever is named.
    expect((await use()).kekFile).toBe(before);
    expect((await use({ kekFile: next })).kekFile).toBe(next);
    renameSync(next, `${next}.away`);
    expect(await refusal(open())).toMatch(/^KEK_FILE .*is on its way between two keys and needs both/);
    renameSync(`${next}.away`, next);
    const { writer: again } = good(await open());
    expect(again.kekFile()).toBe(before);
    await again.commit({ audit, kek: { kind: 'end' } });
    await again.close();
    expect((await use()).kekFile).toBe(next);
    expect(await refusal(open({ kekFile: before }))).toMatch(
      /^KEK_WRONG .*keys\.kek_file names it; the store was last opened with the key in .*kek-2/,
    );
  });
});
