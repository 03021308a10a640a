/**
 * Checks exported audit entries without a server. In a file each line has the SHA-256 of the line before it, and after
 * the entries stands a signed head, which vouches for the first and the last of them. With the public key, entries that
 * no head vouches for are not taken for whole, so a changed, dropped, moved or added line is found wherever it is; with
 * a head that was given away earlier, a log that was cut off or rewritten is found too. Files may overlap; what two of
 * them have must be the same.
 * Not here: the chain in the store, whose ends have a MAC (store/audit/chain.ts), heads (store/audit/signed-head.ts).
 */
import { type KeyObject, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { type SignedAuditHead, auditKeyId, isGoodAuditHead, readAuditHead } from '#store/audit/signed-head.ts';
import { failure, reasonOf } from './failure.ts';

export interface ExportVerdict {
  readonly whole: boolean;
  readonly entries: number;
  /** Sequence of the first entry in the files. */
  readonly from: number;
  /** Whether a head of the key vouches for every entry; absent: no key was given. */
  readonly signed?: boolean;
  readonly brokenAt?: number;
  readonly why?: string;
}

/** What the entries are checked against, beside themselves. */
export interface Trusted {
  /** Ed25519; absent: signatures are not looked at. */
  readonly publicKey?: KeyObject;
  /** That were given away earlier. */
  readonly heads?: readonly SignedAuditHead[];
}

interface Entry {
  readonly sequence: number;
  readonly previous: string;
  readonly hash: string;
}

/** An entry or a head; undefined for a line that is neither. */
type Line = Entry | SignedAuditHead | undefined;

/** Why, and from which entry on. */
class Broken extends Error {
  readonly at: number;

  constructor(at: number, why: string) {
    super(why);
    this.at = at;
  }
}

/** Throws a CommandFailure when a file cannot be read. */
export async function verifyExports(files: readonly string[], trusted: Trusted = {}): Promise<ExportVerdict> {
  const log = new ExportedLog(trusted);
  const { publicKey, heads = [] } = trusted;
  const verdict = () => ({ entries: log.hashes.size, from: log.from });
  try {
    for (const file of await inOrder(files)) {
      try {
        for await (const line of readLines(file)) log.take(line);
        log.endFile();
      } catch (error) {
        if (error instanceof Broken) throw new Broken(error.at, `${error.message} (${basename(file)})`);
        throw error;
      }
    }
    if (log.hashes.size === 0) return { whole: false, ...verdict(), why: 'the files have no entries' };
    for (const head of heads) log.compare(head);
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return { whole: false, ...verdict(), brokenAt: error.at, why: error.message };
  }
  return { whole: true, ...verdict(), ...(publicKey === undefined ? {} : { signed: true }) };
}

/** The entries of all files together, and the run of lines of the file that is read now. */
class ExportedLog {
  readonly #key: KeyObject | undefined;
  readonly hashes = new Map<number, string>();
  /** First and last entry of all files. */
  from = 0;
  #last = 0;
  #installation: string | undefined;
  /** First and last entry since the file began, or since the last head in it. */
  #run: { readonly first: number; last: Entry } | undefined;

  constructor({ publicKey }: Trusted) {
    this.#key = publicKey;
  }

  take(line: Line): void {
    if (line === undefined) throw new Broken((this.#run?.last.sequence ?? this.#last) + 1, 'a line is no audit entry');
    if ('type' in line) this.#takeHead(line);
    else this.#takeEntry(line);
  }

  /** The end of a file: with a key, nothing may stand behind its last head. */
  endFile(): void {
    const run = this.#run;
    this.#run = undefined;
    if (this.#key !== undefined && run !== undefined)
      throw new Broken(
        run.first,
        'no signed head stands after its last entry: its end is missing, or it never had one',
      );
  }

  /** Checks a head that was given away against the entries. */
  compare(head: SignedAuditHead): void {
    const { sequence, hash, at } = head;
    this.#checkSignature(head, sequence);
    if (this.#installation !== undefined && this.#installation !== head.installation)
      throw new Broken(this.from, `the head of ${at} is of another store`);
    if (sequence > this.#last)
      throw new Broken(
        this.#last + 1,
        `at ${at} the log had ${sequence} entries: its end was cut off, or the export is older`,
      );
    if (sequence < this.from)
      throw new Broken(
        this.from,
        `the head of ${at} is of entry ${sequence}, which no file has: add the export that has it`,
      );
    if (this.hashes.get(sequence) !== hash)
      throw new Broken(sequence, `it is not the entry that the head of ${at} names`);
  }

  #takeEntry(entry: Entry): void {
    const { sequence, previous, hash } = entry;
    const before = this.#run?.last;
    if (before !== undefined) {
      if (sequence <= before.sequence) throw new Broken(before.sequence + 1, `entry ${sequence} comes again`);
      if (sequence !== before.sequence + 1) throw missing(before.sequence + 1, sequence);
      if (previous !== before.hash) throw new Broken(sequence, NOT_AFTER);
    }
    const known = this.hashes.get(sequence);
    if (known !== undefined && known !== hash) throw new Broken(sequence, 'two files have different entries');
    if (known === undefined) {
      if (this.hashes.size === 0) this.from = sequence;
      else if (sequence !== this.#last + 1) throw missing(this.#last + 1, sequence);
      else if (previous !== this.hashes.get(this.#last)) throw new Broken(sequence, NOT_AFTER);
      this.hashes.set(sequence, hash);
      this.#last = sequence;
    }
    if (this.#run === undefined) this.#run = { first: sequence, last: entry };
    else this.#run.last = entry;
  }

  #takeHead(head: SignedAuditHead): void {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) throw new Broken(head.from, 'a head stands where its entries are missing');
    this.#checkSignature(head, run.first);
    if (head.from !== run.first) throw missing(head.from, run.first);
    if (head.sequence !== run.last.sequence || head.hash !== run.last.hash)
      throw new Broken(run.last.sequence, `the head after it is of entry ${head.sequence}, and not of this one`);
    this.#installation ??= head.installation;
    if (this.#installation !== head.installation) throw new Broken(run.first, 'the files are of different stores');
  }

  #checkSignature(head: SignedAuditHead, at: number): void {
    if (this.#key === undefined) return;
    if (isGoodAuditHead(head, this.#key)) return;
    const other = auditKeyId(this.#key) === head.keyId ? '' : `, and names the key ${head.keyId}`;
    throw new Broken(at, `the head of ${head.at} was not signed by this key${other}`);
  }
}

const NOT_AFTER = 'it does not follow the entry before it';

function missing(first: number, next: number): Broken {
  return new Broken(Math.min(first, next), `entry ${first} is missing, ${next} comes next`);
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

async function* readLines(file: string): AsyncGenerator<Line, undefined> {
  try {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: 0 })) yield readLine(text);
  } catch (error) {
    if (error instanceof Broken) throw error;
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`);
  }
  return undefined;
}

function readLine(text: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const head = readAuditHead(value);
  if (head !== undefined) return head;
  if (typeof value !== 'object' || value === null || !('sequence' in value) || !('previous' in value)) return undefined;
  const { sequence, previous } = value;
  if (typeof sequence !== 'number' || typeof previous !== 'string' || 'type' in value) return undefined;
  return { sequence, previous, hash: createHash('sha256').update(text).digest('hex') };
}
