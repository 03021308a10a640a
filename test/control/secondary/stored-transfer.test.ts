/** Octets of a large zone wait in a file without a name: all of them, in order, until it is closed. */
import fs, { closeSync, fstatSync, openSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { StoredTransfer } from '#control/secondary/stored-transfer.ts';
import { seededRandom } from '../../support/random.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

const MIB = 1024 * 1024;

/** In a folder of its own; closed when the test ends. */
function stored(): { readonly folder: string; readonly transfer: StoredTransfer } {
  const folder = temporaryFolder();
  const transfer = new StoredTransfer(folder);
  onTestFinished(() => transfer.close());
  return { folder, transfer };
}

/** What is in the file, by a descriptor of our own. */
const contentOf = (file: number): Buffer => readFileSync(`/proc/self/fd/${file}`);

/** Octets that tell where they stand. */
function piece(from: number, length: number): Buffer {
  const octets = Buffer.alloc(length);
  for (let at = 0; at < length; at++) octets[at] = ((from + at) * 7 + ((from + at) >> 8)) & 0xff;
  return octets;
}

/** Descriptors of this process for files of `folder` that have no name. */
function openIn(folder: string): number {
  const targets = readdirSync('/proc/self/fd').map((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`);
    } catch {
      // That of the folder that was read.
      return '';
    }
  });
  return targets.filter((each) => each.startsWith(join(folder, 'transfer-'))).length;
}

/** Waits, in turns of the event loop, until no file of the folder is open. */
async function untilClosed(folder: string): Promise<void> {
  for (let turns = 0; turns < 10_000 && openIn(folder) > 0; turns++) await turn();
  expect(openIn(folder)).toBe(0);
}

test('pieces of any size are in the file in the order in which they came', async () => {
  const { transfer } = stored();
  const random = seededRandom(7);
  const sizes = [0, 1, 2, 65_535, 65_537, MIB - 1, MIB, MIB + 1, 0, 3 * MIB + 5];
  for (let each = 0; each < 60; each++) sizes.push(Math.floor(random() ** 4 * 200_000));
  const pieces: Buffer[] = [];
  let total = 0;
  for (const size of sizes) {
    const octets = piece(total, size);
    total += size;
    pieces.push(octets);
    // As the connection does: more comes only when what waits is written.
    if (transfer.add(octets)) await transfer.flush();
    expect(transfer.bytes).toBe(total);
  }
  await transfer.flush();
  expect(total).toBeGreaterThan(6 * MIB);
  expect(contentOf(transfer.file).equals(Buffer.concat(pieces))).toBe(true);
  expect(fstatSync(transfer.file).size).toBe(total);
});

test('it says so once 1 MiB waits; what is on its way does not wait any more', async () => {
  const { transfer } = stored();
  expect(transfer.add(piece(0, MIB - 1))).toBe(false);
  expect(transfer.add(piece(MIB - 1, 1))).toBe(true);
  expect(transfer.add(piece(MIB, 10))).toBe(true);
  await transfer.flush();
  expect(transfer.add(piece(MIB + 10, MIB - 1))).toBe(false);
  expect(transfer.add(piece(2 * MIB + 9, 1))).toBe(true);
  await transfer.flush();
  expect(contentOf(transfer.file).equals(piece(0, 2 * MIB + 10))).toBe(true);
});

test('what comes while it writes, and a second order to write at once, keep the order', async () => {
  const { transfer } = stored();
  transfer.add(piece(0, 2 * MIB));
  const first = transfer.flush();
  transfer.add(piece(2 * MIB, 300_000));
  const second = transfer.flush();
  transfer.add(piece(2 * MIB + 300_000, 7));
  const third = transfer.flush();
  await third;
  expect(contentOf(transfer.file).equals(piece(0, 2 * MIB + 300_007))).toBe(true);
  await Promise.all([first, second, transfer.flush(), transfer.flush()]);
  expect(fstatSync(transfer.file).size).toBe(2 * MIB + 300_007);
});

test('closed while it writes: what was on its way is written, then the file is closed', async () => {
  const { folder, transfer } = stored();
  const other = openSync(`/proc/self/fd/${transfer.file}`, 'r');
  onTestFinished(() => closeSync(other));
  expect(openIn(folder)).toBe(2);
  transfer.add(piece(0, 3 * MIB));
  const written = transfer.flush();
  transfer.close();
  await written;
  expect(readFileSync(other).equals(piece(0, 3 * MIB))).toBe(true);
  for (let turns = 0; turns < 10_000 && openIn(folder) > 1; turns++) await turn();
  // That of the test alone.
  expect(openIn(folder)).toBe(1);
});

test('closed twice: a file that got its number meanwhile stays open', async () => {
  const { folder, transfer } = stored();
  const number = transfer.file;
  transfer.close();
  await untilClosed(folder);
  const others: number[] = [];
  onTestFinished(() => others.forEach((each) => closeSync(each)));
  for (let each = 0; each < 20 && !others.includes(number); each++) others.push(openSync('/dev/null', 'r'));
  expect(others).toContain(number);
  transfer.close();
  for (let turns = 0; turns < 10; turns++) await turn();
  expect(readlinkSync(`/proc/self/fd/${number}`)).toBe('/dev/null');
});

test('the file has no name in its folder, is for this user alone, and a second one is another', async () => {
  const { folder, transfer } = stored();
  const second = new StoredTransfer(folder);
  onTestFinished(() => second.close());
  transfer.add(Buffer.from('one'));
  second.add(Buffer.from('another'));
  await Promise.all([transfer.flush(), second.flush()]);
  expect(readdirSync(folder)).toEqual([]);
  expect(fstatSync(transfer.file)).toMatchObject({ nlink: 0, mode: 0o100600 });
  expect([contentOf(transfer.file).toString(), contentOf(second.file).toString()]).toEqual(['one', 'another']);
});

test('a folder that is not there is an error at once, and leaves no file open', () => {
  const folder = join(temporaryFolder(), 'none');
  expect(() => new StoredTransfer(folder)).toThrow(/ENOENT/);
  expect(openIn(folder)).toBe(0);
});

test('the reserve of the disk is left to upkeep: nothing is written into it', async () => {
  const { folder, transfer } = stored();
  // A file system of 40 MiB, of which a twentieth is the reserve.
  const blocks = (free: number) => ({ bavail: free / 4096, blocks: (40 * MIB) / 4096, bsize: 4096, type: 0 });
  let freeBytes = 4 * MIB;
  const look = vi.spyOn(fs, 'statfsSync').mockImplementation((() => blocks(freeBytes)) as never);
  syncBuiltinESMExports();
  onTestFinished(() => {
    look.mockRestore();
    syncBuiltinESMExports();
  });
  transfer.add(piece(0, 2 * MIB));
  await transfer.flush();
  freeBytes = 2 * MIB;
  transfer.add(piece(2 * MIB, 1));
  await expect(transfer.flush()).rejects.toThrow('2.0 MiB are free, and 2.0 are kept for upkeep');
  expect(fstatSync(transfer.file).size).toBe(2 * MIB);
  transfer.close();
  await untilClosed(folder);
});
