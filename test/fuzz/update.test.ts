/** UPDATE messages that no honest client sends, up to what they would do to a zone; the same seed gives the same messages. */
import { expect, test } from 'vitest';
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

const MESSAGES = 6000;
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

/** What became of it. Throws for a fault of ours. */
function carryOut(message: Uint8Array): string {
  const head = newQueryHead();
  parseQuery(message, message.length, head);
  if (head.form !== FAULT.NONE) return 'malformed';
  const update = readUpdate(message, message.length, head);
  if (update === undefined) return 'rcode 1';
  const view = updateTestZone();
  const refusal = checkPrerequisites(view, update.prerequisites) ?? checkUpdates(view, update.updates);
  if (refusal !== undefined) return `rcode ${refusal.rcode}`;
  const applied = applyUpdates(view, update.updates, () => undefined);
  if ('rcode' in applied) return 'stopped';
  for (const { rrset } of applied)
    if (rrset !== null && (rrset.rdatas.length === 0 || rrset.ttl > 2 ** 31 - 1))
      throw new Error('an RRset without records, or a TTL too long');
  return applied.length === 0 ? 'nothing' : 'changed';
}

test(`${MESSAGES} messages, seed ${SEED}: never an exception, and all of RFC 2136 is reached`, () => {
  const random = seededRandom(SEED);
  const seen = new Map<string, number>();
  for (let each = 0; each < MESSAGES; each++) {
    const message = spoiledMessage(random);
    try {
      const outcome = carryOut(message);
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    } catch (error) {
      expect.fail(`message ${each} of seed ${SEED}: ${String(error)}\n${Buffer.from(message).toString('hex')}`);
    }
  }
  const wanted = ['malformed', 'rcode 1', 'rcode 3', 'rcode 6', 'rcode 7', 'rcode 8', 'rcode 10', 'nothing', 'changed'];
  expect(wanted.filter((kind) => (seen.get(kind) ?? 0) < 10)).toEqual([]);
});
