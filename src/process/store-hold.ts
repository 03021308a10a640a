/**
 * The supervisor's share of LMDB's lock on the store, held from the first moment in which the answer process has it
 * open until the supervisor ends.
 *
 * LMDB makes its table of readers anew when the process that opens the store finds itself alone with it: then no reader
 * can be in the table. It asks by a POSIX lock on the first octet of `lock.mdb`, and such locks never stand against the
 * same process. Each thread of a confined answer process has an environment of its own (the binding shares one among
 * threads only where the data file may be written), so a second thread would find the process alone, and would wipe
 * the table that the first is in: two readers then have one slot, the writer reuses pages that are being read, and
 * the one that loses the slot fails with MDB_BAD_RSLOT. With this lock of another process no thread is ever alone.
 * Implements: fcntl(2) F_SETLK, the lock of mdb_env_excl_lock in LMDB.
 * Not here: who waits for it (server/worker-pool.ts).
 */
import { openSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { STORE_HOLD_RETRY_MS } from '#base/limits/process.ts';
import { syscallNumber } from '#process/confine/syscall-numbers.ts';
import { type Kernel, succeed } from '#process/confine/system-call.ts';

/** asm-generic/fcntl.h: struct flock of 64-bit Linux, an i16 type first; all else 0 but the length, an i64. */
const F_SETLK = 6;
const F_RDLCK = 0;
const FLOCK = { BYTES: 32, TYPE: 0, LENGTH: 16 };
const { EACCES, EAGAIN } = constants.errno;

export class StoreHold {
  readonly #storeDir: string;
  readonly #failed: (why: string) => void;
  #held: Promise<void> | undefined;

  /** `failed` is called at most once, with the reason why there can be no lock. */
  constructor(storeDir: string, failed: (why: string) => void) {
    this.#storeDir = storeDir;
    this.#failed = failed;
  }

  /** Resolves when the lock is held, or cannot be. The store must be there. Never rejects. */
  hold(): Promise<void> {
    this.#held ??= this.#take().catch((error: unknown) => {
      this.#failed(error instanceof Error ? error.message : String(error));
    });
    return this.#held;
  }

  async #take(): Promise<void> {
    const kernel = await findKernel();
    if (kernel === undefined) return;
    // Never closed: to close any descriptor of a file drops the locks that the process has on it.
    const fd = openSync(join(this.#storeDir, 'lock.mdb'), 'r');
    while (!tryShare(kernel, fd)) await sleep(STORE_HOLD_RETRY_MS);
  }
}

/** Undefined where the kernel cannot be asked: there the answer process is not confined, and its threads share. */
async function findKernel(): Promise<Kernel | undefined> {
  try {
    return (await import('#process/confine/kernel.ts')).loadKernel();
  } catch {
    return undefined;
  }
}

/** False while another process has the lock for itself: it makes the table. */
function tryShare(kernel: Kernel, fd: number): boolean {
  const flock = new Uint8Array(FLOCK.BYTES);
  const view = new DataView(flock.buffer);
  view.setInt16(FLOCK.TYPE, F_RDLCK, true);
  view.setBigInt64(FLOCK.LENGTH, 1n, true);
  const result = kernel.call(syscallNumber('fcntl', kernel.machine.column)!, fd, F_SETLK, kernel.address(flock));
  if (result === -EAGAIN || result === -EACCES) return false;
  succeed('fcntl', result);
  return true;
}
