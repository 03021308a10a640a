/**
 * RFC 5001 as a law: an answer with NSID is the oracle's answer for a client that offers as many octets less, and the option behind it; an
 * answer to who does not ask is the oracle's, whatever the cache has.
 */
import { expect, test } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { NSID_BYTES_MAX } from '#base/limits/dns.ts';
import { formatName } from '#dns/name.ts';
import { zoneSet } from '#zone/served.ts';
import { dummySigned } from '../support/dummy-signed.ts';
import { MemorySource } from '../support/memory-source.ts';
import { oracleAnswer } from '../support/oracle.ts';
import { pick, seededRandom } from '../support/random.ts';
import { nearbyName, randomZones } from '../support/random-zone.ts';

const ZONE_SETS = 120;
const QUERIES_PER_SET = 60;
const TYPES = [1, 1, 28, 2, 5, 6, 15, 16, 16, 33, 43, 48, 255, 257, 0, 252];

const u16 = (...values: readonly number[]) => Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));

interface Asked {
  readonly name: Uint8Array;
  readonly type: number;
  readonly size: number;
  readonly dnssecOk: boolean;
}

function query({ name, type, size, dnssecOk }: Asked, options: Uint8Array = Buffer.alloc(0)): Buffer {
  const opt = Buffer.concat([Buffer.from([0]), u16(41, size, 0, dnssecOk ? 0x8000 : 0, options.length), options]);
  return Buffer.concat([u16(4711, 0, 1, 0, 0, 1), name, u16(type, 1), opt]);
}

/** `answer`, whose OPT is last and has no option behind an EDE, with one more option. */
function withOption(answer: Buffer, option: Buffer): Buffer {
  // The OPT begins with the root and type 41; its options are 0 or 6 octets (RFC 8914 §2).
  const optAt = [11, 17].map((bytes) => answer.length - bytes).find((at) => answer.readUInt16BE(at + 1) === 41 && answer[at] === 0)!;
  const longer = Buffer.concat([answer, option]);
  longer.writeUInt16BE(longer.readUInt16BE(optAt + 9) + option.length, optAt + 9);
  return longer;
}

test(`${ZONE_SETS} random sets of zones, ${QUERIES_PER_SET} queries each, half of which ask for NSID`, () => {
  const out = Buffer.alloc(65_535);
  const seen = { asked: 0, truncated: 0, plain: 0 };
  for (let seed = 1; seed <= ZONE_SETS; seed++) {
    const random = seededRandom(seed);
    const plain = randomZones(random);
    const served = plain.map(({ zone }) => (random() < 0.6 ? { view: dummySigned(zone), signed: true } : { view: zone, signed: false }));
    const zones = zoneSet(served);
    const data = Buffer.alloc(1 + Math.floor(random() * NSID_BYTES_MAX), seed);
    const option = Buffer.concat([u16(3, data.length), data]);
    const responder = new Responder(new MemorySource(served), { nsid: data });
    for (let each = 0; each < QUERIES_PER_SET; each++) {
      const transport = random() < 0.3 ? 'tcp' : 'udp';
      const asked: Asked = {
        name: nearbyName(random, plain),
        type: pick(random, TYPES),
        size: pick(random, [0, 512, 600, 700, 1000, 1232]) + option.length,
        dnssecOk: random() < 0.6,
      };
      const isAsking = random() < 0.5;
      // RFC 5001 §2.1: data of the option in a query is ignored.
      const octets = query(asked, isAsking ? Buffer.concat([u16(3, 2), Buffer.from('hi')]) : undefined);
      const less = { ...asked, size: Math.min(1232, Math.max(512, asked.size)) - option.length };
      // Below 512 there is nothing less to offer.
      if (isAsking && transport === 'udp' && less.size < 512) continue;
      responder.beginBatch();
      const length = responder.respond(octets, octets.length, out, transport);
      const answer = Buffer.from(out.subarray(0, length)).toString('hex');
      const oracle = Buffer.from(oracleAnswer(zones, query(isAsking ? less : asked), transport));
      const expected = isAsking ? withOption(oracle, option) : oracle;
      expect([seed, each, formatName(asked.name), answer]).toEqual([seed, each, formatName(asked.name), expected.toString('hex')]);
      seen.asked += isAsking ? 1 : 0;
      seen.plain += isAsking ? 0 : 1;
      seen.truncated += isAsking && (out[2]! & 2) !== 0 ? 1 : 0;
    }
  }
  expect(Math.min(seen.asked, seen.plain)).toBeGreaterThan(1000);
  expect(seen.truncated).toBeGreaterThan(20);
});
