/** The responder under packets that nobody honest sends, and faults that the fuzzer must find. */
import { describe, expect, test } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { fuzzSeed, keepLine } from '../support/fuzz/corpus.ts';
import { type MakeResponder, type PacketFault, formatFuzzPacket, fuzzPackets, replayPackets } from '../support/fuzz/packets.ts';

const PACKETS = 6000;
const SEED = fuzzSeed();

const ours: MakeResponder = (source) => {
  const responder = new Responder(source);
  return (query, length, out, transport) => responder.respond(query, length, out, transport);
};

const shown = (fault: PacketFault) => `${formatFuzzPacket(fault)}: ${fault.fault}`;

test('packets of the corpus', () => {
  const fault = replayPackets(ours);
  expect(fault === undefined ? '' : shown(fault)).toBe('');
});

test(`${PACKETS} mutated and random packets`, () => {
  const { fault, seen } = fuzzPackets(ours, SEED, PACKETS);
  if (fault !== undefined) expect.fail(`${shown(fault)}\nkept in ${keepLine('packets.txt', formatFuzzPacket(fault))}`);
  const usual = ['dropped', 'rcode 0', 'rcode 1', 'rcode 3', 'rcode 4', 'rcode 5'];
  expect(usual.filter((kind) => (seen.get(kind) ?? 0) < 20)).toEqual([]);
});

/** Our responder with a fault that shows now and then: `spoil` changes the answer in `out` and gives its new length. */
function spoiled(spoil: (query: Buffer, out: Buffer, length: number, transport: 'udp' | 'tcp') => number): MakeResponder {
  return (source) => {
    const respond = ours(source);
    return (query, length, out, transport) =>
      spoil(
        Buffer.from(query.buffer, query.byteOffset, length),
        Buffer.from(out.buffer),
        respond(query, length, out, transport),
        transport,
      );
  };
}

/** QTYPE of a query whose name is read without a thought; 0 where that leads nowhere. */
function type(query: Buffer): number {
  const at = query.indexOf(0, 12) + 1;
  return at > 12 && at + 2 <= query.length ? query.readUInt16BE(at) : 0;
}
const HTTPS = 65;

describe('the fuzzer finds a responder that', () => {
  test.each<[string, RegExp, MakeResponder]>([
    [
      'throws when counts lie',
      /an exception: RangeError/,
      (source) => {
        const respond = ours(source);
        return (query, length, out, transport) => {
          if (length >= 12 && Buffer.from(query).readUInt16BE(10) > 0x0c00) Buffer.alloc(0).readUInt8(9);
          return respond(query, length, out, transport);
        };
      },
    ],
    [
      'answers what is an answer',
      /no answer, or another opcode|octets after|unreadable|another id|not what the oracle says/,
      spoiled((query, out, length) => (length === 0 && query.length >= 12 ? query.copy(out) : length)),
    ],
    [
      'answers stubs',
      /a stub was answered/,
      spoiled((query, out, length) => (length === 0 && query.length > 8 && query.length < 12 ? (out.fill(0, 0, 12), 12) : length)),
    ],
    [
      'drops a query of an opcode it does not know',
      /only answers and stubs may be dropped/,
      spoiled((_, out, length) => ((out[3]! & 15) === 4 ? 0 : length)),
    ],
    [
      'swaps the id when the name is long',
      /another id/,
      spoiled((query, out, length) => (query.length > 100 && length > 0 ? (out.subarray(0, 2).swap16(), length) : length)),
    ],
    [
      'leaves an octet behind',
      /octets after the last record/,
      spoiled((query, out, length) => (type(query) === HTTPS && length > 0 ? (out.fill(0, length, length + 1), length + 1) : length)),
    ],
    [
      'writes beyond the limit',
      /octets beyond the limit/,
      spoiled((query, out, length, transport) =>
        transport === 'udp' && type(query) === HTTPS ? (out.fill(0, 1232, 1233), length) : length,
      ),
    ],
    [
      'answers more than the limit',
      /octets/,
      spoiled((query, out, length, transport) =>
        transport === 'udp' && type(query) === HTTPS && length > 0 ? (out.fill(0, length, 1300), 1300) : length,
      ),
    ],
    ['cuts its answer', /unreadable|dns2/, spoiled((query, _out, length) => (type(query) === HTTPS && length > 40 ? length - 1 : length))],
    [
      'writes into the query',
      /the query was written to/,
      spoiled((query, _out, length) => (type(query) === HTTPS ? (query.fill(0x7a, 12, 14), length) : length)),
    ],
    [
      'denies that names exist which it has',
      /not what the oracle says/,
      spoiled((query, out, length) =>
        type(query) === HTTPS && length > 0 && (out[3]! & 15) === 0 ? (out.fill(out[3]! | 3, 3, 4), length) : length,
      ),
    ],
  ])('%s', (_, told, make) => {
    expect(fuzzPackets(make, SEED, PACKETS).fault?.fault).toMatch(told);
  });
});
