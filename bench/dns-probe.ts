/** A UDP client for measuring: asks one question again and again until the answer is what is waited for. Loopback only. */
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';

/** A query with EDNS 1232 and DO; recursion not wanted. */
export function signedQuery(name: string, type: number): Buffer {
  const labels = name.replace(/\.$/, '').split('.');
  const question = Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0, type >> 8, type & 255, 0, 1]),
  ]);
  const header = Buffer.from([0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
  return Buffer.concat([header, question, Buffer.from([0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0])]);
}

/** One answer, or undefined after `timeoutMs`. */
export function ask(port: number, query: Buffer, timeoutMs: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const finish = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(undefined), timeoutMs);
    socket.once('message', finish);
    socket.once('error', () => finish(undefined));
    socket.connect(port, '127.0.0.1', () => socket.send(query));
  });
}

/** True for NOERROR with something in the answer section. */
export function hasAnswer(message: Buffer | undefined): boolean {
  return message !== undefined && (message[3]! & 15) === 0 && message.readUInt16BE(6) > 0;
}

/** True for `hasAnswer` with an RRSIG (type 46) somewhere: the answer has at least two records. */
export function isSignedAnswer(message: Buffer | undefined): boolean {
  return hasAnswer(message) && message!.readUInt16BE(6) > 1;
}

/** Asks every few milliseconds until `good`; milliseconds since `startedMs`. Throws after `limitMs`. */
export async function until(
  port: number,
  query: Buffer,
  good: (answer: Buffer | undefined) => boolean,
  startedMs: number,
  limitMs: number,
): Promise<number> {
  for (;;) {
    const answer = await ask(port, query, 200);
    const tookMs = performance.now() - startedMs;
    if (good(answer)) return tookMs;
    if (tookMs > limitMs) throw new Error(`no good answer within ${limitMs} ms`);
    await delay(2);
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
