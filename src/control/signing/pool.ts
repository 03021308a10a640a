/**
 * Signs the batches of a plan, large ones in worker threads: half a million signatures would hold the control process
 * for ten seconds.
 * Not here: what is signed (dnssec/plan.ts), keeping secrets (store/seal.ts).
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { assert } from '#base/assert.ts';
import { SIGNING_CHUNK_COUNT, SIGNING_INLINE_COUNT_MAX, SIGNING_WORKERS_MAX } from '#base/limits/dnssec.ts';
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
  return signInWorkers(batches, secrets, workersMax, (more) => onSigned?.((signed += more), count));
}

async function signInWorkers(
  batches: readonly SigningBatch[],
  secrets: readonly PoolKey[],
  workersMax: number,
  onSigned: (more: number) => void,
): Promise<Uint8Array[][]> {
  const chunks = chunksOf(batches, secrets);
  const workerCount = Math.min(workersMax, availableParallelism(), chunks.length);
  const workers = Array.from({ length: workerCount }, () => startWorker(secrets));
  const results: Uint8Array[][] = batches.map(({ data }) => Array.from({ length: data.length }));
  let next = 0;
  try {
    await Promise.all(
      workers.map(async (worker) => {
        while (next < chunks.length) {
          const id = next++;
          const { batch, start, data, keyIndex } = chunks[id]!;
          const { signatureBytes } = batches[batch]!.key;
          const packed = packData(data);
          const { signatures } = await ask(worker, { id, keyIndex, count: data.length, packed });
          const isWhole = signatures.length === data.length * signatureBytes;
          assert(isWhole, 'a signing worker gave another number of signatures');
          for (let at = 0; at < data.length; at++) {
            results[batch]![start + at] = signatures.subarray(at * signatureBytes, (at + 1) * signatureBytes);
          }
          onSigned(data.length);
        }
      }),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return results;
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

function startWorker(secrets: readonly PoolKey[]): Worker {
  const workerData: SigningSecret[] = secrets.map(({ secret, flags, algorithm }) => ({ secret, flags, algorithm }));
  return new Worker(siblingModule(import.meta.url, 'worker'), { workerData, name: 'waxseal-signing' });
}

/** One request and its reply; a worker has one at a time. */
function ask(worker: Worker, request: SigningRequest): Promise<SigningReply> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', done);
      worker.off('error', failed);
      worker.off('exit', gone);
    };
    const done = (reply: SigningReply): void => {
      settle();
      assert(reply.id === request.id, 'a reply to another signing request');
      resolve(reply);
    };
    const failed = (error: unknown): void => {
      settle();
      reject(new Error('a signing worker failed', { cause: error }));
    };
    const gone = (code: number): void => failed(new Error(`exit ${code}`));
    worker.on('message', done).on('error', failed).on('exit', gone);
    worker.postMessage(request, [request.packed.buffer]);
  });
}
