/** Transfers from a primary that was taken over: each has a verdict, and what is taken can be stored and served. */
import { expect, test } from 'vitest';
import { type ZoneRecord } from '#store/schema.ts';
import { encodeNode } from '#store/node-codec.ts';
import { isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';
import { readTransferMessage } from '#transfer/incoming-message.ts';
import { IncomingTransfer } from '#transfer/incoming-transfer.ts';
import { takeIn } from '#control/secondary/take-in.ts';
import { receivedZone } from '#zone/received-zone.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { fuzzSeed } from '../support/fuzz/corpus.ts';
import { ASKED, type FuzzStream, HELD, formatStream, randomStream } from '../support/fuzz/transfers.ts';
import { ZONE } from '../support/transfer-messages.ts';

const STREAMS = 3000;
const SEED = fuzzSeed();
const times = { createdAtMs: 0, changedAtMs: 0, revision: 1, nodeCount: 2 };
const zone = (mode: 'copy' | 'sign'): ZoneRecord => {
  return { id: 1, name: 'z.example.', dnssec: 'off', serial: 1, keys: [], secondary: { mode }, ...times };
};
const view = receivedZone(ZONE, HELD).zone;

/** `taken`, `open`, or the first words of what is wrong. */
async function verdict({ since, messages }: FuzzStream, random: Random, take = takeIn): Promise<string> {
  const incoming = new IncomingTransfer({ apex: ZONE, since, recordsMax: 60 });
  for (const [at, octets] of messages.entries()) {
    const read = readTransferMessage(new Uint8Array(octets), ASKED, at === 0);
    if ('failure' in read) return 'failure';
    const failure = incoming.take(read.message.records);
    if (failure !== undefined) return failure.split(' ').slice(0, 2).join(' ');
    if (incoming.result !== undefined) break;
  }
  const received = incoming.result;
  if (received === undefined) return 'open';
  if (received.kind === 'current') return 'current';
  const mode = received.kind === 'whole' && random() < 0.3 ? 'sign' : 'copy';
  const taken = await take({ record: zone(mode), view, received, recordsPerRrsetMax: 100 });
  if ('failure' in taken) return taken.needsWhole === true ? 'needs whole' : 'not taken';
  const { plan } = taken.part.received ?? {};
  for (const [key, planned] of plan?.nodes ?? []) {
    expect(isAtOrBelow(key, ownerKey(ZONE))).toBe(true);
    if (planned !== null) encodeNode(planned.node, planned.flags);
  }
  for (const node of plan?.hashed.values() ?? []) if (node !== null) encodeNode(node, 0);
  return `taken ${received.kind} ${mode}`;
}

/** Verdicts and how often each came; throws at the first fault. */
async function fuzz(take?: typeof takeIn): Promise<ReadonlyMap<string, number>> {
  const random = seededRandom(SEED);
  const seen = new Map<string, number>();
  for (let each = 0; each < STREAMS; each++) {
    const stream = randomStream(random);
    try {
      const found = await verdict(stream, random, take);
      seen.set(found, (seen.get(found) ?? 0) + 1);
    } catch (error) {
      throw new Error(`seed ${SEED}, stream ${each}: ${String(error)}\n${formatStream(stream)}`, { cause: error });
    }
  }
  return seen;
}

test(`${STREAMS} random transfers`, async () => {
  const seen = await fuzz();
  // Else the fuzzer no longer comes to what it is for.
  const usual = ['taken whole copy', 'taken differences copy', 'needs whole', 'not taken', 'open', 'failure'];
  expect(usual.filter((kind) => (seen.get(kind) ?? 0) < 5)).toEqual([]);
});

test('a planted fault is found: a name that is not in the zone gets into the plan', async () => {
  const stray: typeof takeIn = async (options) => {
    const taken = await takeIn(options);
    // Only in whole zones that are taken: one stream in thirty.
    const received = 'failure' in taken || options.received.kind !== 'whole' ? undefined : taken.part.received;
    if (received?.plan === undefined) return taken;
    if ('failure' in taken || received === undefined) return taken;
    const nodes = new Map([...received.plan.nodes, [ownerKey(nameOf('evil.test.')), null] as const]);
    return { ...taken, part: { ...taken.part, received: { ...received, plan: { ...received.plan, nodes } } } };
  };
  await expect(fuzz(stray)).rejects.toThrow(/seed \d+, stream \d+/);
});
