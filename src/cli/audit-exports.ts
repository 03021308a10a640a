/**
 * Checks exported audit entries without a server: that each line has the SHA-256 of the line before it, over all
 * files together. Files may overlap; what two of them have must be the same.
 * Not here: the chain in the store, whose ends have a MAC (store/audit/chain.ts).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { failure, reasonOf } from './failure.ts';

export interface ExportVerdict {
  readonly whole: boolean;
  readonly entries: number;
  /** Sequence of the first entry in the files. */
  readonly from: number;
  readonly brokenAt?: number;
  readonly why?: string;
}

interface Line {
  readonly sequence: number;
  readonly previous: string;
  readonly hash: string;
}

/** Throws a CommandFailure when a file cannot be read. */
export async function verifyExports(files: readonly string[]): Promise<ExportVerdict> {
  const sorted = await inOrder(files);
  const hashes = new Map<number, string>();
  let [from, last] = [0, 0];
  for (const file of sorted)
    for await (const line of readLines(file)) {
      const broken = (why: string, brokenAt = last + 1): ExportVerdict => ({
        whole: false,
        entries: hashes.size,
        from,
        brokenAt,
        why: `${why} (${basename(file)})`,
      });
      if (line === undefined) return broken('a line is no audit entry');
      const { sequence, previous, hash } = line;
      const known = hashes.get(sequence);
      if (known !== undefined && known !== hash) return broken('two files have different entries', sequence);
      if (known !== undefined) continue;
      if (hashes.size === 0) from = sequence;
      else if (sequence !== last + 1) return broken(`entry ${last + 1} is missing, ${sequence} comes next`);
      else if (previous !== hashes.get(last)) return broken('it does not follow the entry before it', sequence);
      hashes.set(sequence, hash);
      last = sequence;
    }
  if (hashes.size === 0) return { whole: false, entries: 0, from, why: 'the files have no entries' };
  return { whole: true, entries: hashes.size, from };
}

/** The files by their first entries. */
async function inOrder(files: readonly string[]): Promise<readonly string[]> {
  const begins: { readonly file: string; readonly first: number }[] = [];
  for (const file of files) {
    const { value: line } = await readLines(file).next();
    begins.push({ file, first: line === undefined ? 0 : line.sequence });
  }
  return begins.toSorted((a, b) => a.first - b.first).map(({ file }) => file);
}

/** Undefined for a line that is no entry. */
async function* readLines(file: string): AsyncGenerator<Line | undefined, undefined> {
  try {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: 0 })) yield readLine(text);
  } catch (error) {
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`);
  }
  return undefined;
}

function readLine(text: string): Line | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof entry !== 'object' || entry === null || !('sequence' in entry) || !('previous' in entry)) return undefined;
  const { sequence, previous } = entry;
  if (typeof sequence !== 'number' || typeof previous !== 'string') return undefined;
  return { sequence, previous, hash: createHash('sha256').update(text).digest('hex') };
}
