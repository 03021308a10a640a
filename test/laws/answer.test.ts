/** The law of the house: answer(store, query) = write(lookup(zones, query)), octet for octet. */
import { expect, test } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { formatName } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { zoneSet } from '#zone/served.ts';
import { dummySigned } from '../support/dummy-signed.ts';
import { MemorySource } from '../support/memory-source.ts';
import { oracleAnswer } from '../support/oracle.ts';
import { type Random, pick, seededRandom } from '../support/query-set.ts';
import { nearbyName, randomZones } from '../support/random-zone.ts';

const ZONE_SETS = 250;
const QUERIES_PER_SET = 50;
const TYPES = [1, 1, 1, 28, 2, 2, 5, 6, 15, 16, 33, 39, 43, 43, 46, 47, 48, 64, 65, 255, 255, 12, 14, 65_280, 257];
const ODD_TYPES = [0, 41, 128, 249, 250, 251, 252, 253, 254];

/** A query with random case, flags, EDNS and size. */
export function randomQuery(random: Random, name: Uint8Array): Buffer {
  const type = random() < 0.04 ? pick(random, ODD_TYPES) : pick(random, TYPES);
  const cased = name.map((octet) => (octet >= 0x61 && octet <= 0x7a && random() < 0.3 ? octet - 0x20 : octet));
  const hasOpt = random() < 0.75;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(Math.floor(random() * 65_536), 0);
  header.writeUInt16BE(pick(random, [0, 0x0100, 0x0110, 0x0020, 0x0140]), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(hasOpt ? 1 : 0, 10);
  const question = Buffer.alloc(4);
  question.writeUInt16BE(type, 0);
  question.writeUInt16BE(random() < 0.02 ? pick(random, [3, 4, 254, 255]) : 1, 2);
  const opt = Buffer.from('0000290000000000000000', 'hex');
  opt.writeUInt16BE(pick(random, [0, 512, 600, 800, 1232, 1232, 4096, 65_535]), 3);
  if (random() < 0.6) opt[7] = 0x80;
  return Buffer.concat([header, cased, question, hasOpt ? opt : Buffer.alloc(0)]);
}

test(`answers equal the oracle's: ${ZONE_SETS} random sets of zones, ${QUERIES_PER_SET} queries each`, () => {
  const out = Buffer.alloc(65_535);
  const rcodes = new Map<number, number>();
  let truncated = 0;
  for (let seed = 1; seed <= ZONE_SETS; seed++) {
    const random = seededRandom(seed);
    const plain = randomZones(random);
    const served = plain.map(({ zone }) => (random() < 0.6 ? { view: dummySigned(zone), signed: true } : { view: zone, signed: false }));
    const zones = zoneSet(served);
    const responder = new Responder(new MemorySource(served));
    for (let each = 0; each < QUERIES_PER_SET; each++) {
      const name = nearbyName(random, plain);
      const query = randomQuery(random, name);
      const transport = random() < 0.3 ? 'tcp' : 'udp';
      const expected = oracleAnswer(zones, query, transport);
      const length = responder.respond(query, query.length, out, transport);
      if (!Buffer.from(expected).equals(out.subarray(0, length)))
        expect.fail(
          [
            `seed ${seed}, query ${each} over ${transport}: ${formatName(name)} ${typeName(query.readUInt16BE(12 + name.length))}`,
            `query    ${query.toString('hex')}`,
            `oracle   ${Buffer.from(expected).toString('hex')}`,
            `answer   ${out.toString('hex', 0, length)}`,
            ...plain.map(({ text }) => text),
          ].join('\n'),
        );
      const rcode = out[3]! & 15;
      rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1);
      if ((out[2]! & 2) !== 0) truncated++;
    }
  }
  // A law over nothing is no law: every kind of outcome was among them.
  for (const rcode of [0, 1, 3, 4, 5, 6]) expect(rcodes.get(rcode) ?? 0, `answers with rcode ${rcode}`).toBeGreaterThan(3);
  expect(truncated).toBeGreaterThan(50);
});
