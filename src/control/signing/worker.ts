/**
 * A worker thread that signs: gets its keys once, then batches of data, and gives signatures back.
 * Not here: what is signed (dnssec/plan.ts), who asks (pool.ts).
 */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '#base/assert.ts';
import { SIGNATURE_BYTES } from '#dnssec/algorithm.ts';
import { type SigningKey, engineKey } from '#dnssec/key.ts';
import { type SigningReply, type SigningRequest, type SigningSecret, unpackData } from './batch.ts';

assert(parentPort !== null, 'the signing worker runs in a worker thread only');
const port = parentPort;
const secrets: readonly SigningSecret[] = workerData;
const keys: readonly SigningKey[] = secrets.map(({ secret, flags }) => engineKey(secret, flags));

port.on('message', ({ id, keyIndex, count, packed }: SigningRequest) => {
  const key = keys[keyIndex];
  assert(key !== undefined, 'a batch for a key that this worker was not given');
  const signatures = new Uint8Array(count * SIGNATURE_BYTES);
  let at = 0;
  for (const data of unpackData(packed, count)) {
    signatures.set(key.sign(data), at);
    at += SIGNATURE_BYTES;
  }
  const reply: SigningReply = { id, signatures };
  port.postMessage(reply, [signatures.buffer]);
});
