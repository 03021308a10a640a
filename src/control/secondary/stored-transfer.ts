/**
 * The messages of a large transfer from a primary wait in a file without a name until another process reads
 * them (ADR 0050): as they came over TCP, each with its length before it, from the first to the last.
 * Implements: RFC 1035 §4.2.2 (two octets of length).
 * Not here: the connection (fetch-zone.ts), the limit of all transfers (places.ts).
 */
import { closeSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { unnamedFile } from '#base/folder.ts';
import { IMPORT_FILE_CHUNK_BYTES } from '#base/limits/changes.ts';
import { type Serial } from '#dns/serial.ts';
import { freeSpace, mebibytes } from '#store/free-space.ts';
import { type TransferQuestion } from '#transfer/incoming-message.ts';

/** Messages of a transfer, the last one too. */
export interface StoredMessages {
  /** Open for reading. */
  readonly file: number;
  /** From its beginning on. */
  readonly bytes: number;
  /** What they answer. */
  readonly asked: TransferQuestion;
  /** The serial that was said in IXFR. */
  readonly since: Serial | undefined;
}

const writeTo = promisify(write);

/** Filled while the zone comes. The caller closes it. */
export class StoredTransfer {
  readonly file: number;
  readonly #folder: string;
  /** Octets that were given; of those, the ones that are in the file or on their way. */
  #bytes = 0;
  #written = 0;
  #waiting: Buffer[] = [];
  #isClosed = false;
  #writing: Promise<void> = Promise.resolve();

  /** In `folder`, on a file system that is not memory. Throws the system's error. */
  constructor(folder: string) {
    this.#folder = folder;
    this.file = unnamedFile(folder, 'transfer');
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The next octets; true: so many wait that no more should come before `flush` resolves. */
  add(octets: Buffer): boolean {
    this.#waiting.push(octets);
    this.#bytes += octets.length;
    return this.#bytes - this.#written >= IMPORT_FILE_CHUNK_BYTES;
  }

  /** Writes what waits. Rejects with what the system says, and when it would take the reserve of the disk. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#flush());
    return this.#writing;
  }

  /** What is being written is written first: the number of the file may be another's afterwards. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const end = (): void => closeSync(this.file);
    this.#writing.then(end, end);
  }

  async #flush(): Promise<void> {
    const octets = Buffer.concat(this.#waiting.splice(0));
    const { freeBytes, reserveBytes } = freeSpace(this.#folder);
    if (freeBytes < reserveBytes + octets.length)
      throw new Error(`${mebibytes(freeBytes)} MiB are free, and ${mebibytes(reserveBytes)} are kept for upkeep`);
    const position = this.#written;
    this.#written += octets.length;
    for (let at = 0; at < octets.length;)
      at += (await writeTo(this.file, octets, at, octets.length - at, position + at)).bytesWritten;
  }
}
