/**
 * A power cut at any point of a commit, many times: what was acknowledged is there, what was not is absent as a whole, and the next
 * start needs no help. A disk may have any of the sectors that were written since the last flush, in any order; LMDB flushes its pages
 * before it writes the meta page that makes them the valid ones, and flushes that before a commit is acknowledged.
 * Not here: that it does so (test/store/crash-processes.test.ts), a process that is killed (the same).
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromLatin1 } from '#base/bytes.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { dataFile, dataFileUse } from '#store/data-file.ts';
import { NODE } from '#store/node-codec.ts';
import { type StoreWriter, openWriter } from '#store/writer.ts';
import { verifyStore } from '#store/verify.ts';
import { nodeWrite, writerOptions, zoneRecord } from './temporary-store.ts';

const PAGE = 4096;
const SECTOR = 512;
const META_PAGES = 2;
/** Images of one commit: for each a cut before its flush, and one at each later point. */
const TORN = 6;

export interface PowerCuts {
  readonly images: number;
  readonly commits: number;
  /** Each image that was not what it must be, in words; empty: none. */
  readonly faults: readonly string[];
}

interface Image {
  readonly kind: 'torn' | 'unmarked' | 'whole';
  readonly file: Buffer;
  /** The last commit that must be there; of `whole` it is this one, acknowledged or not. */
  readonly commit: number;
}

/** After so many commits a new store begins: each image is checked whole, and a store that only grows would take all the time. */
const COMMITS_EACH = 250;

/** Commits until there were `count` images, and starts a store from each. `random`: from 0 to below 1. */
export async function cutPower(count: number, random: () => number): Promise<PowerCuts> {
  const all = { images: 0, commits: 0, faults: [] as string[] };
  while (all.images < count) {
    const { images, commits, faults } = await cutPowerOf(count - all.images, random);
    all.images += images;
    all.commits += commits;
    all.faults.push(...faults);
  }
  return all;
}

/** The same for one store. */
async function cutPowerOf(count: number, random: () => number): Promise<PowerCuts> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-power-cut-'));
  const faults: string[] = [];
  const writer = openWriter(join(folder, 'live'), writerOptions());
  let images = 0;
  let commit = 0;
  try {
    while (images < count && commit < COMMITS_EACH) {
      const before = usedPart(writer.dir);
      commit++;
      await commitOne(writer, commit, random);
      for (const image of imagesOf(before, usedPart(writer.dir), commit, random)) {
        if (images++ >= count) break;
        const fault = await faultOf(image, join(folder, 'image'), random() < 0.1);
        if (fault !== undefined) faults.push(`commit ${commit}, ${image.kind}: ${fault}`);
      }
    }
    return { images: Math.min(images, count), commits: commit, faults };
  } finally {
    await writer.close();
    rmSync(folder, { recursive: true });
  }
}

/** Two names have the number of the commit; others come and go, so that pages are freed and used again. */
async function commitOne(writer: StoreWriter, commit: number, random: () => number): Promise<void> {
  const filler = Array.from({ length: Math.floor(random() * 60) }, () => {
    const write = nodeWrite(1, `f${Math.floor(random() * 300)}.example.`);
    return random() < 0.4 ? { ...write, value: null } : write;
  });
  await writer.commit({
    audit: { atMs: commit, actor: { kind: 'system', id: 'power', from: '' }, action: 'test', detail: String(commit) },
    zones: { put: [{ ...zoneRecord(1, 'example.', commit), dnssec: 'off' }] },
    nodes: [nodeWrite(1, 'example.', [TYPE.SOA], NODE.APEX), nodeWrite(1, `c${commit}.example.`), ...filler],
    journal: [{ zoneId: 1, fromSerial: commit - 1, toSerial: commit, changeset: new Uint8Array(Math.floor(random() * 6000)) }],
  });
}

/** The file up to its last page: what is behind is kept for later commits. */
function usedPart(dir: string): Buffer {
  const file = readFileSync(dataFile(dir));
  return Buffer.from(file.subarray(0, dataFileUse(dir).usedBytes));
}

function* imagesOf(before: Buffer, after: Buffer, commit: number, random: () => number): Generator<Image> {
  const sectors = changedSectors(before, after);
  const data = sectors.filter((sector) => sector >= (META_PAGES * PAGE) / SECTOR);
  for (let torn = 0; torn < TORN; torn++) {
    // Of some cuts hardly anything is on the disk, of others nearly all.
    const share = random();
    const file = withSectors(
      before,
      after,
      data.filter(() => random() < share),
    );
    yield { kind: 'torn', file, commit: commit - 1 };
  }
  yield { kind: 'unmarked', file: withSectors(before, after, data), commit: commit - 1 };
  yield { kind: 'whole', file: after, commit };
}

/** What is wrong with the store that starts from the image; undefined: nothing. */
async function faultOf({ file, commit }: Image, dir: string, isContinued: boolean): Promise<string | undefined> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { mode: 0o700 });
  writeFileSync(dataFile(dir), file, { mode: 0o600 });
  let writer: StoreWriter;
  try {
    writer = openWriter(dir, writerOptions());
  } catch (error) {
    return `does not start: ${String(error)}`;
  }
  try {
    const [first] = verifyStore(writer).problems;
    if (first !== undefined) return first;
    const serial = writer.zoneById(1)?.serial ?? 0;
    if (serial !== commit || writer.generation() !== commit) return `has commit ${serial}, not ${commit}`;
    const has = (name: string) => writer.nodeBytes(1, fromLatin1(ownerKey(nameOf(name)))) !== undefined;
    for (let each = Math.max(1, commit - 20); each <= commit; each++)
      if (!has(`c${each}.example.`)) return `lacks what commit ${each} wrote`;
    if (has(`c${commit + 1}.example.`)) return `has a part of commit ${commit + 1}`;
    if (commit > 0 && writer.audit(1)[0]?.detail !== String(commit)) return 'has another audit entry than records';
    if (isContinued) await commitOne(writer, commit + 1, () => 0.5);
    return isContinued ? verifyStore(writer).problems[0] : undefined;
  } catch (error) {
    return String(error);
  } finally {
    await writer.close();
  }
}

function changedSectors(before: Buffer, after: Buffer): number[] {
  const at = (file: Buffer, sector: number) => file.subarray(sector * SECTOR, (sector + 1) * SECTOR);
  const count = Math.ceil(after.length / SECTOR);
  return Array.from({ length: count }, (_, sector) => sector).filter((sector) => !at(before, sector).equals(at(after, sector)));
}

/** What the file had before, and these sectors of after; sectors that were never written are zeros. */
function withSectors(before: Buffer, after: Buffer, sectors: readonly number[]): Buffer {
  const file = Buffer.alloc(Math.max(before.length, after.length));
  before.copy(file);
  for (const sector of sectors) after.copy(file, sector * SECTOR, sector * SECTOR, (sector + 1) * SECTOR);
  return file;
}
