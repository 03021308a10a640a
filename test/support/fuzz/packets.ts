/**
 * Packets that nobody honest sends, for a responder over random zones: mutated queries and random octets. Whatever comes, there is an answer
 * that two other parsers read and the oracle gives too, or none; never an exception, or an octet beyond the limit.
 */
import { Packet } from 'dns2';
import { formatName } from '#dns/name.ts';
import { type ServedZone, zoneSet } from '#zone/served.ts';
import { dummySigned } from '../dummy-signed.ts';
import { MemorySource } from '../memory-source.ts';
import { ASKED } from '#dns/edns.ts';
import { newQueryHead, parseQuery } from '#dns/message.ts';
import { oracleAnswer } from '../oracle.ts';
import { type Random, pick, seededRandom } from '../random.ts';
import { type RandomZone, nearbyName, randomZones } from '../random-zone.ts';
import { buildQuery, parseMessage } from '../wire.ts';
import { corpusLines } from './corpus.ts';

type Transport = 'udp' | 'tcp';
type Respond = (query: Uint8Array, length: number, out: Uint8Array, transport: Transport) => number;
/** Makes what is tried, in front of zones. */
export type MakeResponder = (source: MemorySource) => Respond;

/** One packet; the seed gives the zones it is asked of. */
export interface FuzzPacket {
  readonly seed: number;
  readonly transport: Transport;
  readonly octets: Buffer;
}

export interface PacketFault extends FuzzPacket {
  readonly fault: string;
}

export interface PacketRun {
  /** The first; the run ends with it. */
  readonly fault: PacketFault | undefined;
  /** Answers of each kind. */
  readonly seen: ReadonlyMap<string, number>;
}

/** Every so often the slow oracle is asked too. */
const ORACLE_EVERY = 4;
const PACKETS_OF_ZONES = 1000;
const UDP_BYTES_MAX = 1232;
const FILL = 0xee;

/** As the corpus has it: seed, transport, octets (`-`: none). */
export function formatFuzzPacket({ seed, transport, octets }: FuzzPacket): string {
  return `${seed} ${transport} ${octets.length === 0 ? '-' : octets.toString('hex')}`;
}

/** The packets that found a fault once. */
export function corpusPackets(): FuzzPacket[] {
  return corpusLines('packets.txt').map((line) => {
    const [, seed, transport, hex] = /^(\d+) (udp|tcp) (-|(?:[0-9a-f]{2})+)$/.exec(line) ?? [];
    if (hex === undefined) throw new Error(`packets.txt: ${line}`);
    return { seed: Number(seed), transport: transport === 'udp' ? 'udp' : 'tcp', octets: Buffer.from(hex === '-' ? '' : hex, 'hex') };
  });
}

/** Tries each packet of the corpus, the oracle beside it. */
export function replayPackets(make: MakeResponder): PacketFault | undefined {
  for (const packet of corpusPackets()) {
    const { fault } = trial(make, zonesOf(seededRandom(packet.seed)).served)(packet, true);
    if (fault !== undefined) return { ...packet, fault };
  }
  return undefined;
}

/** Tries `count` packets that follow from the seed, at new zones after so many: in front of some zones hardly any name is missing. */
export function fuzzPackets(make: MakeResponder, seed: number, count: number): PacketRun {
  const seen = new Map<string, number>();
  for (let round = 0; round * PACKETS_OF_ZONES < count; round++) {
    const fault = fuzzRound(make, (seed + round) >>> 0, seen);
    if (fault !== undefined) return { fault, seen };
  }
  return { fault: undefined, seen };
}

function fuzzRound(make: MakeResponder, seed: number, seen: Map<string, number>): PacketFault | undefined {
  const random = seededRandom(seed);
  const { plain, served } = zonesOf(random);
  const attempt = trial(make, served);
  for (let number = 0; number < PACKETS_OF_ZONES; number++) {
    const packet: FuzzPacket = { seed, octets: drawPacket(random, plain), transport: pick(random, ['udp', 'tcp']) };
    const { kind, fault } = attempt(packet, number % ORACLE_EVERY === 0);
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    if (fault !== undefined) return { ...packet, fault };
  }
  return undefined;
}

/** Zones for a seed's first draws: half of them signed. */
function zonesOf(random: Random): { readonly plain: readonly RandomZone[]; readonly served: readonly ServedZone[] } {
  const plain = [randomZones(random), randomZones(random)].flat();
  const apexes = new Set<string>();
  const served = plain
    .filter(({ zone }) => !apexes.has(zone.apexKey) && apexes.add(zone.apexKey))
    .map(({ zone }, at) => (at % 2 === 0 ? { view: dummySigned(zone), signed: true } : { view: zone, signed: false }));
  return { plain, served };
}

function trial(make: MakeResponder, served: readonly ServedZone[]) {
  const zones = zoneSet(served);
  const respond = make(new MemorySource(served));
  const out = Buffer.alloc(65_535);
  return ({ octets, transport }: FuzzPacket, withOracle: boolean): { readonly kind: string; readonly fault: string | undefined } => {
    const query = Buffer.from(octets);
    out.fill(FILL, 0, 2 * UDP_BYTES_MAX);
    let answer: Buffer;
    try {
      answer = Buffer.from(out.subarray(0, respond(query, query.length, out, transport)));
    } catch (error) {
      return { kind: 'exception', fault: `an exception: ${String(error)}` };
    }
    const kind = answer.length === 0 ? 'dropped' : `rcode ${answer[3]! & 15}`;
    const isBeyond =
      transport === 'udp' && out.subarray(Math.max(answer.length, UDP_BYTES_MAX), 2 * UDP_BYTES_MAX).some((octet) => octet !== FILL);
    if (!query.equals(octets)) return { kind, fault: 'the query was written to' };
    if (isBeyond) return { kind, fault: 'octets beyond the limit' };
    const fault = faultOf(octets, answer, transport);
    if (fault !== undefined) return { kind, fault: `${fault}: ${answer.toString('hex')}` };
    const isOther = withOracle && !asksForOptions(octets) && !answer.equals(oracleAnswer(zones, octets, transport));
    return { kind, fault: isOther ? `not what the oracle says: ${answer.toString('hex')}` : undefined };
  };
}

/** The oracle knows no option that a client may ask for; a responder of these tests has no name for NSID. */
function asksForOptions(octets: Uint8Array): boolean {
  const head = newQueryHead();
  parseQuery(octets, octets.length, head);
  return (head.asked & ~ASKED.NSID) !== 0;
}

/** What is wrong with an answer, in words; undefined when nothing is. */
function faultOf(packet: Buffer, answer: Buffer, transport: Transport): string | undefined {
  if (answer.length === 0) return packet.length < 12 || (packet[2]! & 0x80) !== 0 ? undefined : 'only answers and stubs may be dropped';
  if (packet.length < 12) return 'a stub was answered';
  if (answer.length > (transport === 'udp' ? UDP_BYTES_MAX : 65_535)) return `${answer.length} octets`;
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

const OPTIONS = Buffer.from('000a0008000102030405060700030000', 'hex');

function drawPacket(random: Random, zones: readonly RandomZone[]): Buffer {
  const draw = random();
  if (draw < 0.1) return Buffer.from(Array.from({ length: Math.floor(random() * 80) }, () => Math.floor(random() * 256)));
  const shape = { name: formatName(nearbyName(random, zones)), type: pick(random, ['A', 'MX', 'ANY', 'NS', 'DS', 'RRSIG', 'HTTPS']) };
  const edns = { size: pick(random, [0, 512, 4096]), dnssecOk: random() < 0.5, options: OPTIONS };
  const query = buildQuery(random() < 0.6 ? { ...shape, edns } : shape);
  return draw < 0.3 ? query : mutate(random, query);
}

function mutate(random: Random, packet: Buffer): Buffer {
  let octets = Buffer.from(packet);
  for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
    if (octets.length === 0) return octets;
    const at = Math.floor(random() * octets.length);
    const draw = random();
    if (draw < 0.4) octets[at] = Math.floor(random() * 256);
    else if (draw < 0.55) octets[at]! ^= 1 << Math.floor(random() * 8);
    else if (draw < 0.7) octets = octets.subarray(0, at);
    else if (draw < 0.8) octets = Buffer.concat([octets.subarray(0, at), octets.subarray(at + 1)]);
    else if (draw < 0.9) octets = Buffer.concat([octets, Buffer.from(octets.subarray(at))]);
    else octets[pick(random, [2, 4, 5, 6, 7, 8, 9, 10, 11])] = pick(random, [0, 1, 2, 0x0c, 0xc0, 0xff]);
  }
  return octets;
}
