/** Vectors: SipHash-2-4 of the paper's appendix A and of the reference implementation; HalfSipHash-1-3 as the Linux kernel's self-test has them. */
import { describe, expect, test } from 'vitest';
import { halfSipHash13, sipHash24, sipKey } from '#answer/defence/siphash.ts';

const key = sipKey(Uint8Array.from({ length: 16 }, (_, each) => each));
/** The octets 0, 1, 2 … in a buffer with other octets behind them, which must not count. */
const counting = (length: number) => Uint8Array.from({ length: length + 9 }, (_, each) => (each < length ? each : 0xee));

describe('SipHash-2-4 of the octets 0, 1, 2 …', () => {
  test.for([
    [0, '310e0edd47db6f72'],
    [1, 'fd67dc93c539f874'],
    [7, '37d1018bf50002ab'],
    [8, '6224939a79f5f593'],
    [15, 'e545be4961ca29a1'],
    [63, '724506eb4c328a95'],
  ] as const)('%i octets', ([length, expected]) => {
    const hash = new Int32Array(2);
    sipHash24(key, counting(length), length, hash);
    const octets = Buffer.alloc(8);
    octets.writeInt32LE(hash[0]!, 0);
    octets.writeInt32LE(hash[1]!, 4);
    expect(octets.toString('hex')).toBe(expected);
  });
});

describe('HalfSipHash-1-3 of the octets 0, 1, 2 …, the first four given as a word', () => {
  test.for([
    [4, 0x7e059ea6],
    [5, 0x88e3d89b],
    [6, 0xa0080b65],
    [7, 0x9d38d9d6],
    [8, 0x577999b1],
    [9, 0xc839caed],
    [15, 0xd0257b04],
    [16, 0x8b31d501],
    [31, 0x08d8791a],
    [33, 0xe0f6c934],
  ] as const)('%i octets', ([length, expected]) => {
    expect(halfSipHash13(key, 0x03020100, counting(length).subarray(4), length - 4) >>> 0).toBe(expected);
  });
});

test('a key has 16 octets', () => {
  expect(() => sipKey(new Uint8Array(15))).toThrow('16 octets');
});
