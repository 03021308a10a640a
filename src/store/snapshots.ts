/**
 * Who holds which snapshot of the store, from LMDB's table of readers. Pages that were freed after the oldest snapshot cannot be used
 * again, so a snapshot that is held for long makes the file grow.
 */

/** One reader that holds a snapshot now. */
export interface Snapshot {
  readonly pid: number;
  /** LMDB's name of the thread, only to tell readers of one process from each other. */
  readonly thread: string;
  /** LMDB's number of the transaction that it shows. */
  readonly transaction: number;
}

/** Reads LMDB's text: a heading, then `pid thread transaction` for each slot, `-` in one that holds nothing. */
export function parseSnapshots(text: string): readonly Snapshot[] {
  return [...text.matchAll(/^\s*(\d+) (\S+) (\d+)$/gm)].map(([, pid, thread, transaction]) => ({
    pid: Number(pid),
    thread: thread!,
    transaction: Number(transaction),
  }));
}
