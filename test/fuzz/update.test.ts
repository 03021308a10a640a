/** UPDATE messages that no honest client sends, up to what they would do to a zone; the same seed gives the same messages. */
import { describe, expect, test } from 'vitest';
import { newQueryHead, parseQuery, FAULT } from '#dns/message.ts';
import { nameOf } from '#dns/name.ts';
import { applyUpdates } from '#zone/update/apply.ts';
import { readUpdate } from '#zone/update/message.ts';
import { checkPrerequisites } from '#zone/update/prerequisites.ts';
import { checkUpdates } from '#zone/update/prescan.ts';
import { fuzzSeed } from '../support/fuzz/corpus.ts';
import { type Random, pick, seededRandom } from '../support/random.ts';
import { randomUpdate } from '../support/random-updates.ts';
import { rawRecord, updateMessage, updateParts } from '../support/update-client.ts';
import { UPDATE_ZONE, updateTestZone } from '../support/update-zone.ts';

const MESSAGES = 12_000;
const SEED = fuzzSeed();

/** A good message, some of whose records are random and some of whose octets are changed. */
function spoiledMessage(random: Random): Uint8Array {
  const octet = () => Math.floor(random() * 256);
  const parts = updateParts(UPDATE_ZONE, randomUpdate(random));
  const odd = () => {
    const rdata = Uint8Array.from({ length: Math.floor(random() * 24) }, octet);
    const type = pick(random, [1, 2, 5, 6, 11, 12, 15, 16, 28, 33, 35, 39, 41, 46, 47, 52, 64, 250, 252, 255, octet() * 256]);
    return rawRecord(nameOf(pick(random, ['www.a.test.', 'a.test.', '.', 'b.'])), type, pick(random, [1, 254, 255, 0, 3]), octet(), rdata);
  };
  const some = (records: readonly Uint8Array[]) => (random() < 0.5 ? [...records, odd()] : records);
  const message = updateMessage(UPDATE_ZONE, { prerequisites: some(parts.prerequisites), updates: some(parts.updates) }, { id: octet() });
  const changes = random() < 0.5 ? 0 : 1 + Math.floor(random() * 4);
  for (let each = 0; each < changes; each++) message[Math.floor(random() * message.length)] = octet();
  return random() < 0.1 ? message.subarray(0, Math.floor(random() * message.length)) : message;
}

/** Parts with a fault in them. */
interface Fault {
  readonly apply?: typeof applyUpdates;
  readonly read?: typeof readUpdate;
}

/** What became of it. Throws for a fault of ours. */
function carryOut(message: Uint8Array, { apply = applyUpdates, read = readUpdate }: Fault = {}): string {
  const head = newQueryHead();
  parseQuery(message, message.length, head);
  if (head.form !== FAULT.NONE) return 'malformed';
  const update = read(message, message.length, head);
  if (update === undefined) return 'rcode 1';
  const view = updateTestZone();
  const refusal = checkPrerequisites(view, update.prerequisites) ?? checkUpdates(view, update.updates);
  if (refusal !== undefined) return `rcode ${refusal.rcode}`;
  const applied = apply(view, update.updates, () => undefined);
  if ('rcode' in applied) return 'stopped';
  for (const { rrset } of applied)
    if (rrset !== null && (rrset.rdatas.length === 0 || rrset.ttl > 2 ** 31 - 1))
      throw new Error('an RRset without records, or a TTL too long');
  return applied.length === 0 ? 'nothing' : 'changed';
}

/** Outcomes and how often each came; throws at the first fault. */
function fuzz(fault?: Fault): ReadonlyMap<string, number> {
  const random = seededRandom(SEED);
  const seen = new Map<string, number>();
  for (let each = 0; each < MESSAGES; each++) {
    const message = spoiledMessage(random);
    try {
      const outcome = carryOut(message, fault);
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    } catch (error) {
      const what = `message ${each} of seed ${SEED}: ${String(error)}`;
      throw new Error(`${what}\n${Buffer.from(message).toString('hex')}`, { cause: error });
    }
  }
  return seen;
}

test(`${MESSAGES} messages, seed ${SEED}: never an exception, and all of RFC 2136 is reached`, () => {
  const seen = fuzz();
  // The rarest comes once in six hundred messages.
  const wanted = ['malformed', 'rcode 1', 'rcode 3', 'rcode 6', 'rcode 7', 'rcode 8', 'rcode 10', 'nothing', 'changed'];
  expect(wanted.filter((kind) => !seen.has(kind))).toEqual([]);
});

describe('a planted fault is found', () => {
  const planted: readonly (readonly [string, Fault, RegExp])[] = [
    [
      'the last record of an RRset is deleted, and the RRset stays without records',
      {
        apply: (...all) => {
          const applied = applyUpdates(...all);
          if ('rcode' in applied) return applied;
          return applied.map((each) => ({ ...each, rrset: each.rrset ?? { type: each.type, ttl: 0, rdatas: [] } })) as typeof applied;
        },
      },
      /an RRset without records/,
    ],
    [
      'a record that ends behind the message is read',
      {
        read: (message, length, head) => {
          const update = readUpdate(message, length, head);
          // What DataView does for a read that nothing has checked.
          if (update === undefined) throw new RangeError('Offset is outside the bounds of the DataView');
          return update;
        },
      },
      /RangeError/,
    ],
  ];
  test.each(planted)('%s', (_what, fault, found) => {
    expect(() => fuzz(fault)).toThrow(found);
  });
});
