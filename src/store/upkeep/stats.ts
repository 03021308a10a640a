/** What the store's file has in it: pages in use and free, and how many of them each database has. Read-only. */
import { dataFileUse } from '#store/data-file.ts';
import { type StoreReader } from '#store/reader.ts';
import { type DatabaseName } from '#store/schema.ts';
import { type Octets } from '#store/store.ts';

export interface DatabaseStats {
  readonly name: DatabaseName;
  readonly entries: number;
  /** Levels of its tree. */
  readonly depth: number;
  readonly pages: number;
  readonly bytes: number;
}

export interface StoreStats {
  /** On disk, with what is kept ready for the next commits. */
  readonly fileBytes: number;
  /** Up to the last page. */
  readonly usedBytes: number;
  readonly pageBytes: number;
  readonly pages: number;
  /** Pages with content. */
  readonly livePages: number;
  /** Pages that the next commits use first; `store compact` gives them back to the disk. */
  readonly freePages: number;
  readonly generation: number;
  readonly zones: number;
  /** Largest first. */
  readonly databases: readonly DatabaseStats[];
}

/** As the binding has it; its types say only that it is an object. */
interface TreeStats {
  readonly treeDepth?: number;
  readonly treeBranchPageCount?: number;
  readonly treeLeafPageCount?: number;
  readonly overflowPages?: number;
  readonly entryCount?: number;
}

const META_PAGES = 2;

/** Of one snapshot. Free pages are what no database has: of a file that is being written, a commit more or less. */
export function storeStats(reader: StoreReader): StoreStats {
  const { environment } = reader.inspect();
  const { usedBytes, sizeBytes, pageBytes } = dataFileUse(reader.dir);
  const databases = Object.entries(environment.db).map(([name, database]) =>
    databaseStats(name as DatabaseName, database, pageBytes),
  );
  const { root = {}, free = {} }: { root?: TreeStats; free?: TreeStats } = environment.root.getStats();
  const livePages =
    META_PAGES + pagesOf(root) + pagesOf(free) + databases.reduce((sum, { pages: count }) => sum + count, 0);
  const pages = usedBytes / pageBytes;
  return {
    fileBytes: sizeBytes,
    usedBytes,
    pageBytes,
    pages,
    livePages,
    freePages: Math.max(0, pages - livePages),
    generation: reader.generation(),
    zones: reader.zones().length,
    databases: databases.toSorted((a, b) => b.bytes - a.bytes),
  };
}

function databaseStats(name: DatabaseName, database: Octets, pageBytes: number): DatabaseStats {
  const stats: TreeStats = database.getStats();
  const pages = pagesOf(stats);
  return { name, entries: stats.entryCount ?? 0, depth: stats.treeDepth ?? 0, pages, bytes: pages * pageBytes };
}

function pagesOf({ treeBranchPageCount = 0, treeLeafPageCount = 0, overflowPages = 0 }: TreeStats): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages;
}
