import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { fromLatin1 } from '#base/bytes.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { dataFileUse } from '#store/data-file.ts';
import { judgeSpace } from '#store/free-space.ts';
import { NODE, bodyOffset, findEntry } from '#store/node-codec.ts';
import { openReader } from '#store/reader.ts';
import { verifyStore } from '#store/verify.ts';
import { roomFor } from '#store/free-space.ts';
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
      // In the middle of whatever comes after so many acknowledged commits.
      while (said.split('\n').length <= 3 + 7 * round) await once(child.stdout, 'data');
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

describe('kill -9 while audit entries are removed', () => {
  test('five times: the log is in order, with its removals or without the last', async () => {
    const dir = join(temporaryFolder(), 'store');
    let from = 1;
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, [SCRIPT, 'removals', dir], { stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      let said = '';
      child.stdout.setEncoding('latin1').on('data', (text: string) => (said += text));
      while (said.split('\n').length <= 5 + 3 * round) await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
      const writer = openWriter(dir, writerOptions());
      const verdict = writer.verifyAudit();
      expect(verdict.brokenAt).toBeUndefined();
      expect(verdict.from).toBeGreaterThan(from);
      expect(verifyStore(writer).problems).toEqual([]);
      from = verdict.from;
      await writer.close();
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

  test('that is full: STORE_FULL before LMDB writes, nothing changed, and the next commit goes through when there is room', async () => {
    // Both tries to make room in the file fail, with slack and without; LMDB's own writes would be the third.
    const { said, dir } = await commitsWith('inject=pwrite64:error=ENOSPC:when=1..2');
    expect(said).toBe('open\nSTORE_FULL 1 generation 0\ncommitted 2\ncommitted 3\nbroken false\n');
    const writer = openWriter(dir, writerOptions());
    expect(contentOf(writer, 'n1.example.')).toBeUndefined();
    expect(writer.zoneById(1)).toMatchObject({ serial: 3, nodeCount: 4 });
    expect(verifyStore(writer).problems).toEqual([]);
    await writer.close();
  });

  test.each([
    ['fails to flush, though a second flush would pass', 'inject=fdatasync:error=EIO:when=1'],
    ['fails while room is made', 'inject=pwrite64:error=EIO:when=1+'],
    // Making room takes six writes of up to 1 MiB; the seventh is LMDB's first page.
    ['fails to write a page', 'inject=pwrite64:error=EIO:when=7+'],
    ['has no room for LMDB, for all the room that was made', 'inject=pwrite64:error=ENOSPC:when=7+'],
  ])('that %s: the writer is broken for good, and the store whole for the next one', async (_what, inject) => {
    const { said, dir } = await commitsWith(inject);
    // The binding's heap may be corrupt by now, so the process may die before it has said all; what it says is not "committed".
    const lines = said.trimEnd().split('\n');
    expect(lines[0]).toBe('open');
    for (const line of lines.slice(1)) expect(line).toMatch(/^(?:STORE_BROKEN \d generation 0|broken true)$/);
    const writer = openWriter(dir, writerOptions());
    expect(writer.generation()).toBe(0);
    expect(verifyStore(writer).problems).toEqual([]);
    await writer.commit({ audit: auditEvent() });
    await writer.close();
  });

  test('never takes more than the room made for a commit', async () => {
    const { dir, writer } = temporaryStore();
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) % below;
    for (let turn = 0; turn < 60; turn++) {
      const count = [1, 5, 300, 2000][random(4)]!;
      const most = [10, 400, 3000][random(3)]!;
      const nodes = Array.from({ length: count }, () => {
        const write = nodeWrite(1, `n${random(4000)}.example.`);
        return { ...write, value: random(4) === 0 ? null : new Uint8Array(random(most) + 1) };
      });
      const before = dataFileUse(dir);
      const changeset = new Uint8Array(random(50_000));
      await writer.commit({
        audit: auditEvent(),
        ...(turn % 20 === 19
          ? { zones: { remove: [1] } }
          : { zones: { put: [zoneRecord(1, 'example.')] }, nodes, journal: [{ zoneId: 1, fromSerial: 0, toSerial: 1, changeset }] }),
      });
      const bytes = changeset.length + nodes.reduce((sum, { key, value }) => sum + key.length + 4 + (value?.length ?? 0), 0);
      const { usedBytes, sizeBytes } = dataFileUse(dir);
      expect(usedBytes - before.usedBytes).toBeLessThanOrEqual(roomFor({ bytes, entries: nodes.length, commits: 1 }, before));
      expect(usedBytes).toBeLessThanOrEqual(sizeBytes);
    }
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
