import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { fromLatin1 } from '#base/bytes.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { judgeSpace, meansNoRoom } from '#store/free-space.ts';
import { NODE, bodyOffset, findEntry } from '#store/node-codec.ts';
import { openReader } from '#store/reader.ts';
import { verifyStore } from '#store/verify.ts';
import { type StoreWriter, openWriter } from '#store/writer.ts';

import { auditEvent, nodeWrite, temporaryFolder, temporaryStore, writerOptions, zoneRecord } from '../support/temporary-store.ts';
import { runTool, toolPath } from '../support/tools.ts';

const SCRIPT = new URL('./store-script.ts', import.meta.url).pathname;

/** What store-script.ts wrote as content of a name. */
function contentOf(store: StoreWriter, name: string): number | undefined {
  const node = store.nodeBytes(1, fromLatin1(ownerKey(nameOf(name))));
  if (node === undefined) return undefined;
  return Buffer.from(node).readUInt32BE(bodyOffset(node, findEntry(node, TYPE.TXT)) + 3);
}

describe('kill -9 while committing', () => {
  test('five times: every acknowledged commit is there, and each one whole or not at all', async () => {
    const dir = join(temporaryFolder(), 'store');
    let acknowledged = 0;
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, [SCRIPT, 'commits', dir], { stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      let said = '';
      child.stdout.setEncoding('latin1').on('data', (text: string) => (said += text));
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, 40 + round * 23));
      child.kill('SIGKILL');
      await once(child, 'close');
      const last = Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1));
      expect(last).toBeGreaterThan(acknowledged);
      acknowledged = last;

      const writer = openWriter(dir, writerOptions());
      const { serial, nodeCount } = writer.zoneById(1)!;
      // One more than acknowledged: durable, but killed before it was said.
      expect(serial).toBeGreaterThanOrEqual(acknowledged);
      expect(serial).toBeLessThanOrEqual(acknowledged + 1);
      expect([contentOf(writer, 'example.'), contentOf(writer, 'a.example.'), contentOf(writer, `n${serial}.example.`)]).toEqual(
        Array.from({ length: 3 }, () => serial),
      );
      expect(contentOf(writer, `n${serial + 1}.example.`)).toBeUndefined();
      expect([nodeCount, writer.generation(), writer.journal(1, 1)[0]?.toSerial]).toEqual([serial + 2, serial, serial]);
      expect(verifyStore(writer)).toMatchObject({ problems: [], auditEntries: serial });
      await writer.close();
      acknowledged = serial;
    }
  });
});

describe('order of writing', () => {
  test('a commit is acknowledged only after its pages, then its meta page, are flushed', async () => {
    const folder = temporaryFolder();
    const trace = join(folder, 'trace');
    const calls = 'trace=pwrite64,pwritev,pwritev2,write,writev,fdatasync,fsync,msync,openat';
    const { stdout, stderr } = await runTool('strace', [
      '-f',
      '-y',
      '-o',
      trace,
      '-e',
      calls,
      process.execPath,
      SCRIPT,
      'one-commit',
      join(folder, 'store'),
      '1', // prettier-ignore
    ]);
    expect(`${stdout}${stderr}`).toContain('committed 1\nbroken false\n');
    const lines = readFileSync(trace, 'latin1').split('\n');
    const opened = lines.findIndex((line) => line.includes('"open\\n"'));
    const committed = lines.findIndex((line) => line.includes('"committed 1\\n"'));
    const commit = lines.slice(opened, committed).filter((line) => line.includes('data.mdb'));
    const kinds = commit.map((line) =>
      / (?:fdatasync|fsync|msync)\(/.test(line) ? 'flush' : / pwritev?2?(?:64)?\(/.test(line) ? 'write' : '',
    );
    // Pages, flush, meta page; the meta page by a descriptor that is synchronous itself, or flushed too.
    expect(kinds).toContain('write');
    const meta = kinds.lastIndexOf('write');
    expect(kinds.slice(0, meta)).toContain('flush');
    const synchronous = lines.some((line) => /data\.mdb".*O_D?SYNC/.test(line));
    expect(synchronous || kinds.slice(meta + 1).includes('flush')).toBe(true);
  });

  test('another process sees nothing of a commit before its flush is over', async () => {
    const folder = temporaryFolder();
    const dir = join(folder, 'store');
    const first = openWriter(dir, writerOptions());
    await first.commit({ audit: auditEvent() });
    await first.close();
    const reader = openReader(dir);
    onTestFinished(() => reader.close());
    // Each flush begins 400 ms late: what is visible before that is visible too early.
    const child = spawn(
      toolPath('strace'),
      ['-f', '-o', join(folder, 'trace'), '-e', 'trace=fdatasync', '-e', 'inject=fdatasync:delay_enter=400000', process.execPath, SCRIPT, 'one-commit', dir, '1'], // prettier-ignore
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    let openAtMs = 0;
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      said += text;
      if (openAtMs === 0 && said.includes('open\n')) openAtMs = Date.now();
    });
    const closed = once(child, 'close');
    let visibleAtMs = 0;
    while (visibleAtMs === 0 && child.exitCode === null) {
      reader.refresh();
      if (reader.zoneById(1) !== undefined) visibleAtMs = Date.now();
      else await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await closed;
    expect(said).toContain('committed 1');
    expect(visibleAtMs - openAtMs).toBeGreaterThanOrEqual(380);
  });
});

describe('a failing disk', () => {
  /** Runs three commits while `inject` makes system calls of them fail; what the script said. */
  async function commitsWith(inject: string): Promise<{ readonly said: string; readonly dir: string }> {
    const folder = temporaryFolder();
    const dir = join(folder, 'store');
    await openWriter(dir, writerOptions()).close();
    const path = join(dir, 'data.mdb');
    const { stdout } = await runTool('strace', [
      '-f',
      '-o',
      join(folder, 'trace'),
      '-P',
      path,
      '-e',
      'trace=pwrite64,pwritev,fdatasync',
      '-e',
      inject,
      process.execPath,
      SCRIPT,
      'one-commit',
      dir,
      '3', // prettier-ignore
    ]);
    return { said: stdout, dir };
  }

  test('that is full: STORE_FULL, nothing changed, and the next commit goes through when there is room', async () => {
    for (const call of ['pwrite64', 'pwritev']) {
      const { said, dir } = await commitsWith(`inject=${call}:error=ENOSPC:when=1`);
      // LMDB writes single pages by one call and runs of pages by the other: at least one of the two is hit at the first commit.
      if (call === 'pwritev' && said.includes('committed 1')) continue;
      expect(said).toBe('open\nSTORE_FULL 1 generation 0\ncommitted 2\ncommitted 3\nbroken false\n');
      const writer = openWriter(dir, writerOptions());
      expect(contentOf(writer, 'n1.example.')).toBeUndefined();
      expect(writer.zoneById(1)).toMatchObject({ serial: 3, nodeCount: 4 });
      expect(verifyStore(writer).problems).toEqual([]);
      await writer.close();
    }
  });

  test('that fails to flush: the writer is broken for good, though a second flush would pass', async () => {
    const { said, dir } = await commitsWith('inject=fdatasync:error=EIO:when=1');
    expect(said).toBe('open\nSTORE_BROKEN 1 generation 0\nSTORE_BROKEN 2 generation 0\nSTORE_BROKEN 3 generation 0\nbroken true\n');
    const writer = openWriter(dir, writerOptions());
    expect(verifyStore(writer).problems).toEqual([]);
    await writer.commit({ audit: auditEvent() });
    await writer.close();
  });

  test('is told from a bad one: a write cut short on a full disk is LMDB’s EIO too', () => {
    const cases = [[28, 1e9], [122, 1e9], [-30792, 1e9], [5, 0], [5, 4096], [5, 1e9], [30, 0], [-30796, 0]] as const; // prettier-ignore
    expect(cases.map(([code, freeBytes]) => meansNoRoom(code, freeBytes))).toEqual([true, true, true, true, true, false, false, false]);
  });

  test('with little room left: large changes are refused before the disk is touched, upkeep is written', async () => {
    const mib = 1024 * 1024;
    let freeBytes = 30 * mib;
    const { writer } = temporaryStore({ space: () => judgeSpace(freeBytes, 400 * mib) });
    const zone = { audit: auditEvent(), zones: { put: [zoneRecord(1, 'example.')] } };
    const large = { ...nodeWrite(1, 'big.example.'), value: new Uint8Array(6 * mib) };
    await expect(writer.commit({ ...zone, nodes: [large] })).rejects.toMatchObject({
      code: 'STORE_FULL',
      problem: { fix: expect.stringContaining('make room') },
    });
    expect(writer.generation()).toBe(0);
    await writer.commit({ ...zone, nodes: [nodeWrite(1, 'example.', [TYPE.SOA], NODE.APEX)] });
    freeBytes = 19 * mib;
    await expect(writer.commit({ audit: auditEvent() })).rejects.toMatchObject({ code: 'STORE_FULL' });
    await writer.commit({ audit: auditEvent('zone.remove'), zones: { remove: [1] }, upkeep: true });
    freeBytes = 300 * mib;
    await writer.commit({ audit: auditEvent() });
    expect(writer.generation()).toBe(3);
    expect([judgeSpace(19 * mib, 400 * mib).level, judgeSpace(70 * mib, 400 * mib).level, writer.space().level]).toEqual([
      'reserved',
      'low',
      'enough',
    ]);
  });
});
