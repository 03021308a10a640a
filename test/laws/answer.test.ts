/** The law of the house: answer(store, query) = write(lookup(zones, query)), octet for octet. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { type ResponderOptions } from '#answer/responder-options.ts';
import { type AnswerSource, type SourceChanges } from '#answer/names/source.ts';
import { AssertionFailure } from '#base/assert.ts';
import { type Name, formatName } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { openReader } from '#store/reader.ts';
import { type ServedZone, zoneSet } from '#zone/served.ts';
import { ChangingZones } from '../support/changing-zones.ts';
import { DENIALS, dummySigned } from '../support/dummy-signed.ts';
import { MemorySource } from '../support/memory-source.ts';
import { oracleAnswer } from '../support/oracle.ts';
import { pick, type Random, seededRandom } from '../support/random.ts';
import { nearbyName, randomZones } from '../support/random-zone.ts';
import { temporaryStore } from '../support/temporary-store.ts';

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

function hashedName(random: Random, served: readonly ServedZone[]): Name | undefined {
  const { view } = pick(random, served);
  const owners = [...view.hashed.ascend(view.apexKey)].map(({ owner }) => owner);
  return owners.length === 0 ? undefined : pick(random, owners);
}

test(`answers equal the oracle's: ${ZONE_SETS} random sets of zones, ${QUERIES_PER_SET} queries each`, () => {
  const out = Buffer.alloc(65_535);
  const rcodes = new Map<number, number>();
  let truncated = 0;
  for (let seed = 1; seed <= ZONE_SETS; seed++) {
    const random = seededRandom(seed);
    const plain = randomZones(random);
    const served = plain.map(({ zone }) => ({
      ...(random() < 0.6 ? { view: dummySigned(zone, pick(random, DENIALS)), signed: true } : { view: zone, signed: false }),
      // RFC 1034 §4.3.5
      isExpired: random() < 0.05,
    }));
    const zones = zoneSet(served);
    const responder = new Responder(new MemorySource(served));
    for (let each = 0; each < QUERIES_PER_SET; each++) {
      const nearby = nearbyName(random, plain);
      // RFC 5155 §7.2.8: also for the hashed owner names themselves.
      const name = random() < 0.05 ? (hashedName(random, served) ?? nearby) : nearby;
      const query = randomQuery(random, name);
      const transport = random() < 0.3 ? 'tcp' : 'udp';
      const expected = oracleAnswer(zones, query, transport);
      responder.beginBatch();
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

/** How a responder under test keeps what it knows; small enough for all of it to happen. */
const WAYS: readonly (readonly [string, ResponderOptions])[] = [
  ['cache and names in memory', {}],
  ['a cache that is always full', { cacheBytes: 64 * 1024 }],
  ['names read a few at a time', { negative: { slice: 3 } }],
  ['no names in memory', { negative: { nodes: 0 } }],
  ['names in memory, no cache', { cacheBytes: 0 }],
];
const STORES = 3;
const CHANGES = 16;
const QUESTIONS_KEPT = 40;

/** Answers that differ from the oracle's while zones change: `STORES` runs of `CHANGES` changes, the same questions again after each. */
async function differences(options: ResponderOptions, look: (source: AnswerSource) => AnswerSource, from: number): Promise<string[]> {
  const out = Buffer.alloc(65_535);
  const different: string[] = [];
  for (let seed = from; seed < from + STORES; seed++) {
    const random = seededRandom(seed);
    const { dir, writer } = temporaryStore();
    const changing = new ChangingZones(writer, random);
    await changing.begin();
    const reader = openReader(dir);
    onTestFinished(() => reader.close());
    const responder = new Responder(look(reader), options);
    // Names in memory that are not those of the store are an assertion: one more way not to answer rightly.
    const respond = (query: Buffer, transport: 'tcp' | 'udp'): number => {
      try {
        responder.beginBatch();
        return responder.respond(query, query.length, out, transport);
      } catch (error) {
        if (error instanceof AssertionFailure) return 0;
        throw error;
      }
    };
    const questions: { readonly query: Buffer; readonly transport: 'tcp' | 'udp' }[] = [];
    for (let change = 0; change <= CHANGES; change++) {
      if (change > 0) await changing.change();
      responder.refresh();
      const zones = changing.zones();
      for (let fresh = 0; fresh < 15 && changing.plain.length > 0; fresh++) {
        const hashed = random() < 0.08 ? changing.hashedName() : undefined;
        const asked = {
          query: randomQuery(random, hashed ?? nearbyName(random, changing.plain)),
          transport: random() < 0.2 ? 'tcp' : 'udp',
        } as const;
        if (questions.length < QUESTIONS_KEPT) questions.push(asked);
        else questions[Math.floor(random() * QUESTIONS_KEPT)] = asked;
      }
      const expected = questions.map(({ query, transport }) => Buffer.from(oracleAnswer(zones, query, transport)));
      // Twice: the second time what the first has left in the cache.
      for (let round = 0; round < 2; round++)
        for (const [at, { query, transport }] of questions.entries()) {
          const length = respond(query, transport);
          if (expected[at]!.equals(out.subarray(0, length))) continue;
          different.push(
            `seed ${seed}, change ${change}, round ${round}, ${transport}\nquery  ${query.toString('hex')}\n` +
              `oracle ${expected[at]!.toString('hex')}\nanswer ${out.toString('hex', 0, length)}`,
          );
        }
    }
  }
  return different;
}

describe('answers equal the oracle’s at every moment while zones change', () => {
  test.each(WAYS)('%s', async (_, options) => {
    expect(await differences(options, (source) => source, 1)).toEqual([]);
  });

  test('the test would notice: without word of what changed, answers go stale', async () => {
    const hearing = (source: AnswerSource, hears: (changes: SourceChanges) => SourceChanges): AnswerSource => ({
      storedZones: () => source.storedZones(),
      nodeBytes: (...rest) => source.nodeBytes(...rest),
      nsecAtOrBefore: (...rest) => source.nsecAtOrBefore(...rest),
      readNodes: (...rest) => source.readNodes(...rest),
      hashedBytes: (...rest) => source.hashedBytes(...rest),
      hashedAtOrBefore: (...rest) => source.hashedAtOrBefore(...rest),
      readHashed: (...rest) => source.readHashed(...rest),
      refresh: () => hears(source.refresh()),
    });
    const deaf = (source: AnswerSource) => hearing(source, () => ({ zones: [], changes: [] }));
    expect((await differences({}, deaf, 1)).length).toBeGreaterThan(10);
    // Without the first node of each change. Nothing that moves names is kept back, so it is the cache alone that goes wrong.
    const halfDeaf = (source: AnswerSource) =>
      hearing(source, ({ zones, changes }) => ({
        zones,
        changes: changes.map((change) => (change.keys === 'all' ? change : { ...change, keys: change.keys.slice(1) })),
      }));
    expect((await differences({ negative: { nodes: 0 } }, halfDeaf, 1)).length).toBeGreaterThan(0);
  });
});
