/**
 * What `kill -9` leaves of a store, without a process that is killed: while a writer commits, the data file as it may
 * be at each point between two flushes. LMDB writes changed pages beside the ones that are valid, flushes, then writes
 * one of its two meta pages (pages 0 and 1), which makes them the valid ones.
 * Not here: what is done with the images; a process that is really killed (test/store/crash-processes.test.ts).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFile } from '#store/data-file.ts';
import { type StoreWriter } from '#store/writer.ts';

const PAGE = 4096;
const META_PAGES = 2;

export interface FlushImage {
  /** `torn`: some pages are written; `unmarked`: all of them, but not the meta page; `whole`: all. */
  readonly kind: 'torn' | 'unmarked' | 'whole';
  readonly file: Buffer;
  /** Of the store that the next start must find. */
  readonly generation: number;
  /** Commits of this writer before this one. */
  readonly commit: number;
}

/** Calls `take` with the images of each commit of `writer` from now on. */
export function onEachFlush(writer: StoreWriter, random: () => number, take: (image: FlushImage) => void): void {
  const read = (): Buffer => readFileSync(dataFile(writer.dir));
  let commit = 0;
  const watched = async <T>(run: () => Promise<T>): Promise<T> => {
    const [before, earlier] = [read(), writer.generation()];
    const outcome = await run();
    // Of several changes that may be written together, none was.
    if (writer.generation() === earlier) return outcome;
    const after = read();
    const changed = changedPages(before, after);
    const written = (pages: readonly number[]): Buffer => withPages(before, after, pages);
    const data = changed.filter((page) => page >= META_PAGES);
    take({ kind: 'torn', file: written(data.filter(() => random() < 0.5)), generation: earlier, commit });
    take({ kind: 'unmarked', file: written(data), generation: earlier, commit });
    take({ kind: 'whole', file: after, generation: writer.generation(), commit });
    commit++;
    return outcome;
  };
  const [alone, together] = [writer.commit.bind(writer), writer.commitTogether.bind(writer)];
  writer.commit = (write) => watched(() => alone(write));
  writer.commitTogether = (collect) => watched(() => together(collect));
}

/** A store that has this image as its data, for the next writer. */
export function storeOf({ file }: FlushImage, folder: string): string {
  const dir = join(folder, 'store');
  mkdirSync(dir, { mode: 0o700 });
  writeFileSync(dataFile(dir), file, { mode: 0o600 });
  return dir;
}

function changedPages(before: Buffer, after: Buffer): number[] {
  const count = Math.ceil(after.length / PAGE);
  const pageOf = (file: Buffer, page: number): Buffer => file.subarray(page * PAGE, (page + 1) * PAGE);
  return Array.from({ length: count }, (_, page) => page).filter(
    (page) => !pageOf(before, page).equals(pageOf(after, page)),
  );
}

function withPages(before: Buffer, after: Buffer, pages: readonly number[]): Buffer {
  const file = Buffer.alloc(Math.max(before.length, after.length));
  before.copy(file);
  for (const page of pages) after.copy(file, page * PAGE, page * PAGE, (page + 1) * PAGE);
  return file;
}
