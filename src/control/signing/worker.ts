/**
 * A worker thread that signs: gets its keys once, then batches of data, and gives signatures back.
 * Not here: what is signed (dnssec/plan.ts), who asks (pool.ts).
 */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '#base/assert.ts';
import { type SigningKey, engineKey } from '#dnssec/key.ts';
import { type SigningReply, type SigningRequest, type SigningSecret, unpackData } from './batch.ts';

assert(parentPort !== null, 'the signing worker runs in a worker thread only');
const port = parentPort;
const secrets: readonly SigningSecret[] = workerData;
const keys: readonly SigningKey[] = secrets.map(({ secret, flags, algorithm }) => engineKey(secret, flags, algorithm));

port.on('message', ({ id, keyIndex, count, packed }: SigningRequest) => {
  const key = keys[keyIndex];
  assert(key !== undefined, 'a batch for a key that this worker was not given');
  const signatures = new Uint8Array(count * key.signatureBytes);
  let at = 0;
  for (const data of unpackData(packed, count)) {
    signatures.set(key.sign(data), at);
    at += key.signatureBytes;
  }
  const reply: SigningReply = { id, signatures };
  port.postMessage(reply, [signatures.buffer]);
});
