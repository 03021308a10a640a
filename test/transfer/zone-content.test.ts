/**
 * RFC 5936 §2.2: a whole zone as messages. What comes is compared with the nodes as the store's other reader decodes them; and what
 * clients share, with what each of them gets alone.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import { readU16 } from '#base/bytes.ts';
import { Responder } from '#answer/respond.ts';
import { type Name, formatName, nameOf } from '#dns/name.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { decodeNode } from '#store/node-codec.ts';
import { type StoreReader, openReader } from '#store/reader.ts';
import { TransferAnswers } from '#transfer/answers.ts';
import { readTransferMessage, writeTransferRequest } from '#transfer/incoming-message.ts';
import { randomZoneText } from '../support/random-zone-text.ts';
import { seededRandom } from '../support/random.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../support/temporary-control.ts';

const APEX = nameOf('a.test.');
const CLIENT = { octets: new Uint8Array(16), length: 4 };
const BUFFER_BYTES = 65_535;

async function room(text: string) {
  const made = temporaryControl();
  await made.load('a.test.', text);
  const reader = openReader(made.dir);
  onTestFinished(() => reader.close());
  return { ...made, reader };
}

/** A thread that gives the zone to everybody. */
function thread(reader: StoreReader) {
  const signed = new TransferAnswers({
    reader,
    respond: () => 0,
    secondaries: { isGrantedWithoutKey: () => true, mayUseKey: () => true },
    nowMs: Date.now,
    count: () => undefined,
    log: () => undefined,
  });
  const responder = new Responder(reader, { signed });
  return {
    responder,
    /** Messages of one AXFR, one with each call; undefined when there are no more. */
    begin(id: number, apex: Name = APEX): () => Uint8Array | undefined {
      const query = writeTransferRequest({ id, apex, type: TYPE.AXFR });
      responder.respond(query, query.length, new Uint8Array(BUFFER_BYTES), 'tcp', CLIENT);
      const stream = responder.stream();
      const out = new Uint8Array(BUFFER_BYTES);
      return () => {
        const length = stream.next(out);
        if (length === 0) stream.close();
        return length === 0 ? undefined : out.slice(0, length);
      };
    },
  };
}

function all(next: () => Uint8Array | undefined): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let message = next(); message !== undefined; message = next()) messages.push(message);
  return messages;
}

const line = (owner: Name, type: number, ttl: number, rdata: Uint8Array) =>
  `${formatName(owner)} ${ttl} ${type} ${Buffer.from(rdata).toString('hex')}`;

function received(messages: readonly Uint8Array[], id: number): string[] {
  return messages.flatMap((octets, at) => {
    const read = readTransferMessage(octets, { id, apex: APEX, type: TYPE.AXFR }, at === 0);
    if (!('message' in read)) throw new Error(read.failure);
    return read.message.records.map(({ owner, type, ttl, rdata }) => line(owner, type, ttl, rdata));
  });
}

function stored(reader: StoreReader): string[] {
  const { id } = reader.zoneByName(APEX)!;
  const lines: string[] = [];
  const show = (_: Uint8Array, octets: Uint8Array) => {
    const { owner, rrsets } = decodeNode(octets, '');
    for (const { type, ttl, rdatas, signatures } of rrsets) {
      lines.push(...rdatas.map((rdata) => line(owner, type, ttl, rdata)));
      lines.push(...signatures.map((rdata) => line(owner, TYPE.RRSIG, ttl, rdata)));
    }
  };
  reader.readNodes(id, undefined, 1_000_000, show);
  reader.readHashed(id, undefined, 1_000_000, show);
  return lines;
}

/** The SOA is first and last; the rest is each record once. */
function expectWhole(lines: readonly string[], reader: StoreReader): void {
  const [first, ...rest] = lines;
  expect(first).toMatch(/^a\.test\. \d+ 6 /);
  expect(rest.at(-1)).toBe(first);
  expect(rest.toSorted()).toEqual(stored(reader).toSorted());
}

/** Many names, and RRsets of each size: short, longer than what a loop copies, and longer than a message. */
function manyNames(count: number): string {
  const hosts = Array.from(
    { length: count },
    (_, at) => `h${at} 300 A 192.0.2.${at % 250}\nh${at} 300 TXT "${'x'.repeat((at * 7) % 250)}"`,
  );
  const long = Array.from({ length: 80 }, (_, at) => `long 300 TXT "${at} ${'y'.repeat(240)}"`);
  return [MAIL_ZONE_TEXT, ...hosts, ...long, '*.w 60 CNAME h1', 'd 60 NS ns.d', 'ns.d 60 A 192.0.2.9'].join('\n');
}

describe('RFC 5936 §2.2: the SOA first and last, all else once', () => {
  test.each([
    ['many names, and an RRset longer than messages are', manyNames(150)],
    ...Array.from({ length: 3 }, (_, seed): [string, string] => [
      `random zone ${seed}`,
      randomZoneText('a.test.', seededRandom(seed + 1), ['b.test.']),
    ]),
  ])('%s, with NSEC and with NSEC3', async (_, text) => {
    const { reader, ...made } = await room(text);
    expectWhole(received(all(thread(reader).begin(1)), 1), reader);
    good(await made.run({ kind: 'zone.denial', zone: APEX, denial: 'nsec3' }));
    reader.refresh();
    const lines = received(all(thread(reader).begin(2)), 2);
    expectWhole(lines, reader);
    expect(lines.some((each) => each.includes(` ${TYPE.NSEC3} `))).toBe(true);
  });
});

describe('messages that clients share', () => {
  test('are those that each gets alone, wherever another client is', async () => {
    const { reader } = await room(manyNames(260));
    const alone = all(thread(reader).begin(7));
    expect(alone.length).toBeGreaterThan(8);
    const shared = thread(reader);
    const [one, two] = [shared.begin(7), shared.begin(7)];
    // Two is ahead first, and then behind.
    const [ofOne, ofTwo]: [Uint8Array[], Uint8Array[]] = [[], []];
    for (let turn = 0; turn < 4; turn++) ofTwo.push(two()!);
    ofOne.push(...all(one));
    ofTwo.push(...all(two));
    expect(ofOne).toEqual(alone);
    expect(ofTwo).toEqual(alone);
    expect(all(shared.begin(7))).toEqual(alone);
  });

  test('are not those of the version before', async () => {
    const { reader, ...made } = await room(manyNames(50));
    const shared = thread(reader);
    for (let times = 0; times < 3; times++) all(shared.begin(1));
    const late = shared.begin(2);
    const before = stored(reader);
    const operations = [{ op: 'set', name: 'new.a.test.', type: 'A', ttl: 60, records: ['192.0.2.77'] }] as const;
    good(await made.run({ kind: 'rrsets.change', zone: APEX, operations }));
    reader.refresh();
    shared.responder.refresh();
    expectWhole(received(all(shared.begin(3)), 3), reader);
    // The one that had begun gets what was there then (RFC 5936 §2.2: one version of the zone).
    expect(received(all(late), 2).slice(1).toSorted()).toEqual(before.toSorted());
  });

  test('have the header of each client', async () => {
    const { reader } = await room(manyNames(100));
    const shared = thread(reader);
    for (const id of [1, 2, 4711]) {
      const messages = all(shared.begin(id));
      expect(messages.every((each) => readU16(each, 0) === id && (each[3]! & 15) === RCODE.NOERROR)).toBe(true);
      expectWhole(received(messages, id), reader);
    }
  });
});
