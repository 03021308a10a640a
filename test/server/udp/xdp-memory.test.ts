/** Rings over memory as the kernel shares it: indices that count on past 2³², flags, and where each part stands. */
import { XDP_CHUNK_BYTES, XDP_RECEIVE_FRAMES, XDP_SEND_FRAMES } from '#base/limits/server.ts';
import { describe, expect, test } from 'vitest';
import { nativeMemory } from '#server/udp/mmsg-syscalls.ts';
import { FRAMES_BYTES, NOTES, Ring, SOCKET_MEMORY_BYTES, type XskHandle, mapSocket } from '#server/udp/xdp-memory.ts';
import { loadXdpSyscalls, viewMemory } from '#server/udp/xdp-syscalls.ts';

const PLACES = { producer: 0, consumer: 64, flags: 128, entries: 192 };

function ringOf(name: 'rx' | 'cr'): { ring: Ring; words: Uint32Array } {
  const memory = nativeMemory(192 + XDP_RECEIVE_FRAMES * 16);
  const part = { memory: { address: memory.address, sizeBytes: memory.octets.length }, places: PLACES };
  const handle: XskHandle = { fd: -1, frames: part.memory, rings: { rx: part, tx: part, fr: part, cr: part } };
  return { ring: new Ring(handle, name), words: memory.words };
}

describe('a ring', () => {
  test('indices count on modulo 2³²', () => {
    const { ring, words } = ringOf('rx');
    ring.consumer = 0xffff_fff0;
    ring.producer = 5;
    expect([ring.used, words[0], words[16]]).toEqual([21, 5, 0xffff_fff0]);
    expect([ring.producer & ring.mask, ring.consumer & ring.mask]).toEqual([5, XDP_RECEIVE_FRAMES - 16]);
  });

  test('the kernel says whether it has to be called', () => {
    const { ring, words } = ringOf('cr');
    expect(ring.needsWakeup).toBe(false);
    words[32] = 1;
    expect(ring.needsWakeup).toBe(true);
    words[32] = 2;
    expect(ring.needsWakeup).toBe(false);
  });

  test('descriptors have four words, addresses two', () => {
    expect(ringOf('rx').ring.entries.length).toBe(4 * XDP_RECEIVE_FRAMES);
    expect(ringOf('cr').ring.entries.length).toBe(2 * XDP_SEND_FRAMES);
  });
});

test('frames, then a page of notes that has a word for each frame for sending', () => {
  expect(FRAMES_BYTES).toBe((XDP_RECEIVE_FRAMES + XDP_SEND_FRAMES) * XDP_CHUNK_BYTES);
  expect(4 * (NOTES.SENDING + XDP_SEND_FRAMES)).toBeLessThanOrEqual(SOCKET_MEMORY_BYTES - FRAMES_BYTES);
});

describe('a socket that is none', () => {
  const calls = loadXdpSyscalls();

  test('is the system’s error, and nothing stays mapped', () => {
    expect(() => mapSocket(calls, -1, -1)).toThrow('getsockopt EBADF for AF_XDP');
  });

  test('of a kernel without flags in its rings: said', () => {
    const getsockopt = (_fd: number, _level: number, _option: number, value: number) => {
      new Uint32Array(viewMemory({ address: value, sizeBytes: 136 }))[32] = 96;
      return 0;
    };
    expect(() => mapSocket({ ...calls, getsockopt }, -1, -1)).toThrow('before 5.4');
  });
});
