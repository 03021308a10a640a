/**
 * Packets that nobody honest sends: mutated queries and random octets. Whatever comes, there is an answer that two other parsers read,
 * or none; never an exception, a hang, or an octet beyond the limit.
 */
import { Packet } from 'dns2';
import { expect, test } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { formatName } from '#dns/name.ts';
import { zoneSet } from '#zone/served.ts';
import { dummySigned } from '../support/dummy-signed.ts';
import { MemorySource } from '../support/memory-source.ts';
import { fields } from '../support/octets.ts';
import { oracleAnswer } from '../support/oracle.ts';
import { pick, type Random, seededRandom } from '../support/random.ts';
import { type RandomZone, nearbyName, randomZones } from '../support/random-zone.ts';
import { buildQuery, parseMessage } from '../support/wire.ts';

const PACKETS = 6000;
/** Every so often the slow oracle is asked too. */
const ORACLE_EVERY = 4;

/** Found once, wrong never again. */
const CORPUS = [
  '', // nothing
  '000000000001000000000000', // a question that is not there
  '00000000ffffffffffffffff', // counts of everything at their most
  '000000000001000000000001c00c00010001000029ffff000080000000', // a question that points at itself
  '0000000000010000000000010000010001000029000000008000ffff', // OPT longer than the packet
  `00000000000100000000000000${'00'.repeat(4)}`, // root, type 0, class 0
  `000000000001000000000000${'0161'.repeat(127)}0000ff0001`, // the longest row of labels
  `000000000001000000000000${'0161'.repeat(128)}0000ff0001`, // one more
  fields('00000000000000000000ffff 00').repeat(40),
];

function mutate(random: Random, packet: Buffer): Buffer {
  let octets = Buffer.from(packet);
  for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
    const at = Math.floor(random() * octets.length);
    const draw = random();
    if (octets.length === 0) return octets;
    if (draw < 0.4) octets[at] = Math.floor(random() * 256);
    else if (draw < 0.55) octets[at]! ^= 1 << Math.floor(random() * 8);
    else if (draw < 0.7) octets = octets.subarray(0, at);
    else if (draw < 0.8) octets = Buffer.concat([octets.subarray(0, at), octets.subarray(at + 1)]);
    else if (draw < 0.9) octets = Buffer.concat([octets, Buffer.from(octets.subarray(at))]);
    else octets[pick(random, [2, 4, 5, 6, 7, 8, 9, 10, 11])] = pick(random, [0, 1, 2, 0x0c, 0xc0, 0xff]);
  }
  return octets;
}

/** What is wrong with an answer, in words; undefined when nothing is. */
function faultOf(packet: Buffer, answer: Buffer, transport: 'udp' | 'tcp'): string | undefined {
  if (answer.length === 0) return packet.length < 12 || (packet[2]! & 0x80) !== 0 ? undefined : 'only answers and stubs may be dropped';
  if (answer.length > (transport === 'udp' ? 1232 : 65_535)) return `${answer.length} octets`;
  if (answer.readUInt16BE(0) !== packet.readUInt16BE(0)) return 'another id';
  if ((answer[2]! & 0xf8) !== (0x80 | (packet[2]! & 0x78))) return 'no answer, or another opcode';
  try {
    if (parseMessage(answer).trailing > 0) return 'octets after the last record';
  } catch (error) {
    return `unreadable: ${String(error)}`;
  }
  const { errors } = Packet.parse(answer);
  return errors.length > 0 ? `dns2: ${String(errors[0])}` : undefined;
}

test(`${PACKETS} mutated and random packets`, () => {
  const random = seededRandom(20_261_121);
  const plain = [randomZones(random), randomZones(random)].flat();
  const apexes = new Set<string>();
  const served = plain
    .filter(({ zone }) => !apexes.has(zone.apexKey) && apexes.add(zone.apexKey))
    .map(({ zone }, at) => (at % 2 === 0 ? { view: dummySigned(zone), signed: true } : { view: zone, signed: false }));
  const zones = zoneSet(served);
  const responder = new Responder(new MemorySource(served));
  const out = Buffer.alloc(65_535);
  const seen = new Map<string, number>();
  for (const [number, packet] of packets(random, plain).entries()) {
    const transport = random() < 0.5 ? 'udp' : 'tcp';
    const kept = packet.toString('hex');
    out.fill(0xee, 0, 2048);
    const answer = Buffer.from(out.subarray(0, responder.respond(packet, packet.length, out, transport)));
    const kind = answer.length === 0 ? 'dropped' : `rcode ${answer[3]! & 15}`;
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    let fault = faultOf(packet, answer, transport);
    if (packet.toString('hex') !== kept) fault = 'the query was written to';
    if (transport === 'udp' && out.subarray(Math.max(answer.length, 1232), 2048).some((octet) => octet !== 0xee))
      fault = 'octets beyond the limit';
    if (number % ORACLE_EVERY === 0 && !answer.equals(oracleAnswer(zones, packet, transport))) fault = 'not what the oracle says';
    if (fault !== undefined) expect.fail(`packet ${kept} over ${transport}: ${fault}: ${answer.toString('hex')}`);
  }
  const usual = ['dropped', 'rcode 0', 'rcode 1', 'rcode 3', 'rcode 4', 'rcode 5'];
  expect(usual.filter((kind) => (seen.get(kind) ?? 0) < 20)).toEqual([]);
});

function packets(random: Random, zones: readonly RandomZone[]): Buffer[] {
  const options = Buffer.from('000a0008000102030405060700030000', 'hex');
  const draws = Array.from({ length: PACKETS - CORPUS.length }, () => {
    const draw = random();
    if (draw < 0.1) return Buffer.from(Array.from({ length: Math.floor(random() * 80) }, () => Math.floor(random() * 256)));
    const shape = { name: formatName(nearbyName(random, zones)), type: pick(random, ['A', 'MX', 'ANY', 'NS', 'DS', 'RRSIG', 'HTTPS']) };
    const edns = { size: pick(random, [0, 512, 4096]), dnssecOk: random() < 0.5, options };
    const query = buildQuery(random() < 0.6 ? { ...shape, edns } : shape);
    return draw < 0.3 ? query : mutate(random, query);
  });
  return [...CORPUS.map((packet) => Buffer.from(packet, 'hex')), ...draws];
}
