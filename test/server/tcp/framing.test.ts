import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TcpFraming } from '#server/tcp/framing.ts';
import { framed } from '../../support/dns-client.ts';

/** All messages that come out when `pieces` go in one after the other. */
function feed(framing: TcpFraming, pieces: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (const piece of pieces) {
    framing.push(piece);
    for (let message = framing.next(); message !== undefined; message = framing.next()) messages.push(message);
    if (framing.unread) throw new Error('octets left over');
  }
  return messages;
}

const plain = (messages: readonly Uint8Array[]) => messages.map((each) => Buffer.from(each).toString('hex'));

describe('RFC 7766 §8: framing', () => {
  test('three messages split at every octet, and at every two octets', () => {
    const wanted = [Buffer.from('first'), Buffer.from('x'), Buffer.from('the third message')];
    const stream = Buffer.concat(wanted.map(framed));
    for (let one = 0; one <= stream.length; one++) {
      for (let two = one; two <= stream.length; two++) {
        const framing = new TcpFraming();
        const pieces = [stream.subarray(0, one), stream.subarray(one, two), stream.subarray(two)];
        expect(plain(feed(framing, pieces))).toEqual(plain(wanted));
        expect(framing.partial).toBe(false);
      }
    }
  });

  test('any messages in any pieces come out as they went in', () => {
    const messages = fc.array(fc.uint8Array({ minLength: 0, maxLength: 600 }), { maxLength: 20 });
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (wanted, sizes) => {
        const stream = Buffer.concat(wanted.map(framed));
        const pieces: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          pieces.push(stream.subarray(at, at + size));
          at += size;
        }
        expect(plain(feed(new TcpFraming(), pieces))).toEqual(plain(wanted));
      }),
      { numRuns: 300 },
    );
  });

  test('the longest message, 65,535 octets, whole and octet by octet', () => {
    const longest = Buffer.alloc(65_535, 0x5a);
    const stream = framed(longest);
    expect(feed(new TcpFraming(), [stream])).toHaveLength(1);
    const framing = new TcpFraming();
    const [message] = feed(
      framing,
      Array.from(stream, (_, at) => stream.subarray(at, at + 1)),
    );
    expect(message?.length).toBe(65_535);
    expect(Buffer.compare(message!, longest)).toBe(0);
  });

  test('a message is still the same after more has come', () => {
    const framing = new TcpFraming();
    const [first] = feed(framing, [Buffer.from([0]), Buffer.from([3, 1]), Buffer.from([2, 3])]);
    feed(framing, [Buffer.from([0]), Buffer.from([3, 7]), Buffer.from([8, 9, 0])]);
    expect([...first!]).toEqual([1, 2, 3]);
    expect(framing.partial).toBe(true);
  });

  test('an empty message is given, so that the connection can be closed for it', () => {
    expect(plain(feed(new TcpFraming(), [Buffer.from([0, 0])]))).toEqual(['']);
    expect(plain(feed(new TcpFraming(), [Buffer.from([0]), Buffer.from([0])]))).toEqual(['']);
  });

  test('what is kept stays as it was when the chunk is used for other octets', () => {
    const framing = new TcpFraming();
    const chunk = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.from('two')), Buffer.from([0])]);
    framing.push(chunk);
    expect(plain([framing.next()!])).toEqual(plain([Buffer.from('one')]));
    framing.keepUnread();
    chunk.fill(0xff);
    expect(framing.unread).toBe(true);
    expect(plain([framing.next()!])).toEqual(plain([Buffer.from('two')]));
    expect([framing.next(), framing.partial, framing.unread]).toEqual([undefined, true, false]);
    framing.keepUnread();
    expect(plain(feed(framing, [Buffer.from([1, 0x61])]))).toEqual(['61']);
  });

  test('a length prefix alone is a message begun, and takes no room for what it promises', () => {
    const framing = new TcpFraming();
    expect(feed(framing, [Buffer.from([0xff, 0xff])])).toEqual([]);
    expect(framing.partial).toBe(true);
  });
});
