/** The supervisor's end of a channel: whatever a child writes, it is a value or nothing, and never an exception. */
import { type ChildProcess } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { MESSAGE_BYTES_MAX } from '#base/limits/process.ts';
import { ChildChannel } from '#process/children/child-channel.ts';
import { seededRandom, seedOfRun } from '../../support/random.ts';

function channel() {
  const stream = new PassThrough();
  const received: unknown[] = [];
  const child = { stdio: [null, null, null, stream] } as unknown as ChildProcess;
  return { stream, received, channel: new ChildChannel(child, (value) => received.push(value)) };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('lines come whole, however they are cut', async () => {
  const { stream, received } = channel();
  const values = [{ a: 1 }, { text: 'grüße\n' }, [], 'x'.repeat(70_000)];
  const octets = Buffer.from(values.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const random = seededRandom(seedOfRun('CHANNEL_SEED'));
  for (let at = 0; at < octets.length;) {
    const length = 1 + Math.floor(random() * 4000);
    stream.write(octets.subarray(at, at + length));
    at += length;
  }
  await settled();
  expect(received).toEqual(values);
});

test('a line that is no JSON, or not UTF-8, is nothing; the next one counts', async () => {
  const { stream, received } = channel();
  stream.write('{garbage}\n\n{"a":\n');
  stream.write(Buffer.from([0xff, 0xfe, 0x00, 0x0a]));
  stream.write('{"b":2}\n');
  await settled();
  expect(received).toEqual([undefined, undefined, undefined, undefined, { b: 2 }]);
});

test('a line of four times the longest message is nothing, and what follows it counts', async () => {
  const { stream, received } = channel();
  const piece = Buffer.alloc(1024 * 1024, 0x20);
  for (let sent = 0; sent < 4 * MESSAGE_BYTES_MAX; sent += piece.length) {
    stream.write(Buffer.from(piece));
    await settled();
  }
  expect(received).toEqual([]);
  stream.write('\n{"c":3}\n');
  await settled();
  expect(received).toEqual([undefined, { c: 3 }]);
});

test('what is sent is a line; a channel that is closed says so', async () => {
  const { stream, channel: own } = channel();
  const errors: unknown[] = [];
  own.send({ text: 'a\nb' }, (error) => errors.push(error ?? undefined));
  await settled();
  expect(String(stream.read() ?? '')).toBe('');
  expect(own.isOpen).toBe(true);
  stream.destroy();
  await settled();
  expect(own.isOpen).toBe(false);
  own.send({ a: 1 }, (error) => errors.push(error ?? undefined));
  await settled();
  expect(errors).toEqual([undefined, expect.any(Error)]);
});
