/**
 * Signs the batches of a plan, large ones in worker threads: half a million signatures would hold the control process
 * for ten seconds.
 * Not here: what is signed (dnssec/plan.ts), keeping secrets (store/seal.ts).
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { assert } from '#base/assert.ts';
import {
  SIGNING_CHUNK_COUNT,
  SIGNING_INLINE_COUNT_MAX,
  SIGNING_REQUESTS_PER_THREAD,
  SIGNING_WORKERS_MAX,
} from '#base/limits/dnssec.ts';
import { type Soon } from './soon.ts';
import { siblingModule } from '#base/sibling.ts';
import { type SigningBatch, signBatches } from '#dnssec/plan.ts';
import { type SigningReply, type SigningRequest, type SigningSecret, packData } from './batch.ts';

/** The key of a batch together with its secret, for the workers. */
export interface PoolKey extends SigningSecret {
  readonly dnskey: Uint8Array;
}

export interface SigningPoolOptions {
  /** Up to this many signatures are made here, without a worker. */
  readonly inlineCountMax?: number;
  readonly workersMax?: number;
  /** How many are made so far, of how many; not for those that are made here. */
  readonly onSigned?: (done: number, total: number) => void;
}

/**
 * The signatures for `batches`, as `finishPlan` takes them; at once when they are few. `secrets` holds the secret of
 * every batch's key. Workers live only as long as the call: an import is rare, and a thread that is gone keeps no
 * key. Throws when a worker dies; nothing is half done then.
 */
export function signInPool(
  batches: readonly SigningBatch[],
  secrets: readonly PoolKey[],
  { inlineCountMax = SIGNING_INLINE_COUNT_MAX, workersMax = SIGNING_WORKERS_MAX, onSigned }: SigningPoolOptions = {},
): Soon<Uint8Array[][]> {
  const count = batches.reduce((sum, { data }) => sum + data.length, 0);
  if (count <= inlineCountMax) return signBatches(batches);
  let signed = 0;
  return signInWorkers(batches, new SigningPool(secrets, count, { workersMax }), (more) =>
    onSigned?.((signed += more), count),
  );
}

async function signInWorkers(
  batches: readonly SigningBatch[],
  pool: SigningPool,
  onSigned: (more: number) => void,
): Promise<Uint8Array[][]> {
  try {
    return await pool.sign(batches, onSigned);
  } finally {
    await pool.close();
  }
}

/** Signing threads for many batches, one after the other. `close` it after use. */
export class SigningPool {
  readonly #secrets: readonly PoolKey[];
  readonly #workers: SigningThread[];
  /** What no thread has yet. */
  readonly #waiting: ((thread: SigningThread) => void)[] = [];
  #nextId = 0;

  /** As many threads as `count` signatures have use for. */
  constructor(
    secrets: readonly PoolKey[],
    count: number,
    { workersMax = SIGNING_WORKERS_MAX }: Pick<SigningPoolOptions, 'workersMax'> = {},
  ) {
    this.#secrets = secrets;
    const threads = Math.min(workersMax, availableParallelism(), Math.ceil(count / SIGNING_CHUNK_COUNT));
    this.#workers = Array.from({ length: threads }, () => new SigningThread(secrets, (thread) => this.#give(thread)));
  }

  /** How many requests its threads have use for at the same time. */
  get requestsMax(): number {
    return SIGNING_REQUESTS_PER_THREAD * this.#workers.length;
  }

  /** The signatures for `batches`, as `finishPlan` takes them. `onSigned` is called when there are more of them. */
  async sign(batches: readonly SigningBatch[], onSigned: (more: number) => void = () => {}): Promise<Uint8Array[][]> {
    const results: Uint8Array[][] = batches.map(({ data }) => Array.from({ length: data.length }));
    await Promise.all(
      chunksOf(batches, this.#secrets).map(async ({ batch, start, data, keyIndex }) => {
        const { signatureBytes } = batches[batch]!.key;
        const signatures = await this.#ask(keyIndex, data);
        const isWhole = signatures.length === data.length * signatureBytes;
        assert(isWhole, 'a signing worker gave another number of signatures');
        for (let at = 0; at < data.length; at++)
          results[batch]![start + at] = signatures.subarray(at * signatureBytes, (at + 1) * signatureBytes);
        onSigned(data.length);
      }),
    );
    return results;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((thread) => thread.close()));
  }

  #ask(keyIndex: number, data: readonly Uint8Array[]): Promise<Uint8Array> {
    const request = { id: this.#nextId++, keyIndex, count: data.length, packed: packData(data) };
    return new Promise((resolve, reject) => {
      this.#waiting.push((thread) => void thread.sign(request).then(resolve, reject));
      for (const thread of this.#workers) this.#give(thread);
    });
  }

  #give(thread: SigningThread): void {
    while (thread.load < SIGNING_REQUESTS_PER_THREAD && this.#waiting.length > 0) this.#waiting.shift()!(thread);
  }
}

interface Chunk {
  readonly batch: number;
  readonly start: number;
  readonly keyIndex: number;
  readonly data: readonly Uint8Array[];
}

function chunksOf(batches: readonly SigningBatch[], secrets: readonly PoolKey[]): Chunk[] {
  return batches.flatMap(({ key, data }, batch) => {
    const keyIndex = secrets.findIndex(({ dnskey }) => Buffer.compare(dnskey, key.dnskey) === 0);
    assert(keyIndex >= 0, `no secret for key ${key.keyTag}`);
    const chunks: Chunk[] = [];
    for (let start = 0; start < data.length; start += SIGNING_CHUNK_COUNT) {
      chunks.push({ batch, start, keyIndex, data: data.slice(start, start + SIGNING_CHUNK_COUNT) });
    }
    return chunks;
  });
}

interface Answer {
  readonly resolve: (signatures: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** One worker, and what it has been asked for. */
class SigningThread {
  readonly #worker: Worker;
  readonly #asked = new Map<number, Answer>();
  #failure: Error | undefined;

  /** `onFree` is called when it has done something. */
  constructor(secrets: readonly PoolKey[], onFree: (thread: SigningThread) => void) {
    const workerData: SigningSecret[] = secrets.map(({ secret, flags, algorithm }) => ({ secret, flags, algorithm }));
    this.#worker = new Worker(siblingModule(import.meta.url, 'worker'), { workerData, name: 'waxseal-signing' });
    const fail = (cause: unknown): void => {
      this.#failure ??= new Error('a signing worker failed', { cause });
      for (const { reject } of this.#asked.values()) reject(this.#failure);
      this.#asked.clear();
      // What is left fails too.
      onFree(this);
    };
    this.#worker
      .on('message', ({ id, signatures }: SigningReply) => {
        const answer = this.#asked.get(id);
        assert(answer !== undefined, 'a reply to another signing request');
        this.#asked.delete(id);
        onFree(this);
        answer.resolve(signatures);
      })
      .on('error', fail)
      .on('exit', (code) => fail(new Error(`exit ${code}`)));
  }

  /** Requests that are under way. */
  get load(): number {
    return this.#asked.size;
  }

  sign(request: SigningRequest): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#asked.set(request.id, { resolve, reject });
      this.#worker.postMessage(request, [request.packed.buffer]);
    });
  }

  async close(): Promise<void> {
    this.#worker.removeAllListeners('exit');
    await this.#worker.terminate();
  }
}
