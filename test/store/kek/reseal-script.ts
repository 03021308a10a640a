/**
 * Changes the key-encryption key of a store from octets 7 to octets 9, or continues with it: what a test kills at every
 * flush. Argument: the store's folder. Prints `ended`.
 */
import { writeSync } from 'node:fs';
import { openWriter } from '#store/writer.ts';

const [dir = ''] = process.argv.slice(2);
const [before, after] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(9)];
let call = 0;
const random = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(++call);
const audit = { atMs: Date.now(), actor: { kind: 'system', id: 'script', from: '' }, action: 'script', detail: '' } as const;

const otherKek = (file: string): Uint8Array => (file === '/next' ? after : before);
const writer = openWriter(dir, { kek: before, otherKek, random, nowMs: Date.now() });
if (writer.kekChange() === undefined)
  await writer.commit({ audit, kek: { kind: 'begin', next: writer.sealerOf(after), file: '/next', fileBefore: '/before' } });
for (let from: Uint8Array | undefined, isLast = false; !isLast;) {
  const slice = writer.resealSlice(from, 20);
  if (!slice.ok) throw new Error(slice.problems[0]!.message);
  await writer.commit({ audit, secrets: slice.value.writes });
  ({ from } = slice.value);
  isLast = from === undefined;
}
await writer.commit({ audit, kek: { kind: 'end' } });
writeSync(1, 'ended\n');
await writer.close();
