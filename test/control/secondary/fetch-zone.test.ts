/** Transfers from primaries that lie, stall and break off: nothing of them counts but a stream that is good to its end. */
import fs, { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { readKeys } from '#transfer/grants.ts';
import { type ReceivedRecord } from '#transfer/incoming-message.ts';
import { readStored } from '#transfer/stored-messages.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { FETCH_LIMITS, type FetchOrder, fetchZone } from '#control/secondary/fetch-zone.ts';
import { type FetchFailure, type Fetched } from '#control/secondary/fetch-zone.ts';
import { seededRandom } from '../../support/random.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';
import { type Asked, HandSigner, ZONE, fakePrimary, message, record, soa } from '../../support/transfer-messages.ts';
import { testKey } from '../../support/transfer-server.ts';

const NOW = 1_800_000_000;
const KEY_TEXT = testKey('k.example.');
const KEY = readKeys([KEY_TEXT]).find(nameOf('k.example.'))!;
const SECRET = Buffer.from(KEY_TEXT.secret, 'base64');
const BODY = ['@ 60 NS ns', 'ns 60 A 192.0.2.1'];
const WHOLE = [soa(2), ...BODY, soa(2)];

type Answer = Parameters<typeof fakePrimary>[0];

async function fetchFrom(answer: Answer, more: Partial<FetchOrder> = {}) {
  const server = await fakePrimary(answer);
  const limits = { ...FETCH_LIMITS, idleMs: 300, totalMs: 2000 };
  const order = { server, apex: ZONE, key: undefined, known: undefined, now: () => NOW, signal: new AbortController().signal, limits };
  const result = await fetchZone({ ...order, ...more });
  return 'failure' in result ? result.failure : result.received;
}

const inMessages = (...messages: readonly (readonly string[])[]): Answer => {
  return ({ id, type }, send) => {
    for (const [at, lines] of messages.entries()) send(message({ id, type, lines, question: at === 0 }));
  };
};
const known = { ttl: 60, rdata: record(soa(2)).rdata };

describe('RFC 5936 §2.2: a whole zone', () => {
  test('in one message, in many, and with its question in each', async () => {
    for (const answer of [inMessages(WHOLE), inMessages([soa(2)], BODY, [soa(2)])])
      expect(await fetchFrom(answer)).toMatchObject({ kind: 'whole', serial: 2, records: { length: 3 } });
  });

  test.each<readonly [string, readonly (readonly string[])[], RegExp]>([
    ['the last SOA is another', [[soa(2), ...BODY, soa(3)]], /ends with another SOA \(serial 3\) than it began with \(2\)/],
    ['it begins with another record', [BODY], /begins with another record than the SOA/],
    ['a record is out of the zone', [[soa(2), 'evil.example. 60 A 192.0.2.9', soa(2)]], /sends evil\.example\., which is not in the zone/],
    ['a SOA stands inside', [[soa(2), 'sub 60 SOA ns host 1 1 1 1 1', soa(2)]], /a SOA of sub\.z\.example\. inside/],
    ['something follows the end', [[...WHOLE, 'x 60 A 192.0.2.3']], /after the end/],
    ['it ends before its end', [[soa(2), ...BODY]], /stops sending before the end/],
  ])('%s', async (_name, messages, failure) => {
    expect(await fetchFrom(inMessages(...messages))).toMatch(failure);
  });

  test('a connection that ends in the middle of a message', async () => {
    const cut: Answer = ({ id, type }, send, socket) => {
      send(message({ id, type, lines: [soa(2), ...BODY] }));
      socket.end(Buffer.from([0, 200, 1, 2, 3]));
    };
    expect(await fetchFrom(cut)).toMatch(/closes the connection before the end/);
  });

  test('a stream without end stops at the limits of records, octets and time', async () => {
    const endless: Answer = ({ id, type }, send, socket) => {
      send(message({ id, type, lines: [soa(2)] }));
      const more = message({ id, type, lines: Array.from({ length: 50 }, (_, at) => `x${at} 60 A 192.0.2.1`) });
      const pump = (): void => {
        if (socket.destroyed) return;
        send(more);
        setImmediate(pump);
      };
      pump();
    };
    const limits = { ...FETCH_LIMITS, idleMs: 300, totalMs: 5000 };
    expect(await fetchFrom(endless, { limits: { ...limits, recordsMax: 500 } })).toMatch(/more than 500 records/);
    expect(await fetchFrom(endless, { limits: { ...limits, bytesMax: 20_000 } })).toMatch(/more than 20000 octets/);
    const drip: Answer = ({ id, type }, send) => {
      send(message({ id, type, lines: [soa(2)] }));
      const timer = setInterval(() => send(message({ id, type, lines: [] })), 20);
      setTimeout(() => clearInterval(timer), 1000);
    };
    expect(await fetchFrom(drip, { limits: { ...limits, totalMs: 200 } })).toMatch(/takes too long/);
  });

  test('codes, truncation, another question, and a server that stops', async () => {
    const refused: Answer = ({ id, type }, send) => send(message({ id, type, rcode: 5 }));
    expect(await fetchFrom(refused)).toBe('answers REFUSED');
    const truncated: Answer = ({ id, type }, send) => send(message({ id, type, lines: WHOLE, flags: 0x86 }));
    expect(await fetchFrom(truncated)).toMatch(/truncated/);
    const other: Answer = ({ id, type }, send) => send(message({ id: id ^ 1, type, lines: WHOLE }));
    expect(await fetchFrom(other)).toMatch(/no reply/);
    expect(await fetchFrom(() => undefined, { signal: AbortSignal.timeout(20) })).toMatch(/the server stops/);
  });
});

test('without memory for its records it is put off', async () => {
  let left = 2;
  const reserve = (records: number) => ((left -= records) >= 0 ? 'taken' : 'busy');
  expect(await fetchFrom(inMessages([soa(2)], BODY, [soa(2)]), { reserve })).toMatch(/has to wait for memory/);
  expect(await fetchFrom(inMessages([soa(2)], BODY, [soa(2)]), { reserve: () => 'too-many' })).toMatch(
    /more records than there is memory for all transfers/,
  );
});

describe('RFC 1995 §4: differences', () => {
  const steps = (...lines: readonly string[]): Answer => inMessages(lines);
  test('of two steps, in order', async () => {
    const answer = steps(soa(4), soa(2), 'ns 60 A 192.0.2.1', soa(3), 'ns 60 A 192.0.2.2', soa(3), soa(4), 'x 60 A 192.0.2.3', soa(4));
    const received = await fetchFrom(answer, { known });
    expect(received).toMatchObject({
      kind: 'differences',
      serial: 4,
      differences: [
        { fromSerial: 2, toSerial: 3, deleted: { length: 2 }, added: { length: 2 } },
        { fromSerial: 3, toSerial: 4, deleted: { length: 1 }, added: { length: 2 } },
      ],
    });
  });

  test('the SOA alone where nothing is newer; a whole zone where the primary has no differences', async () => {
    expect(await fetchFrom(steps(soa(2)), { known })).toEqual({ kind: 'current', serial: 2 });
    expect(await fetchFrom(steps(soa(3), ...BODY, soa(3)), { known })).toMatchObject({ kind: 'whole', serial: 3 });
  });

  test.each<readonly [string, readonly string[], RegExp]>([
    ['a step goes back', [soa(4), soa(2), soa(1), soa(1), soa(4)], /from serial 2 back to 1/],
    ['a step does not begin where the last ended', [soa(4), soa(2), soa(3), soa(5), soa(4)], /from serial 5, and 3 was reached/],
    ['it ends before the serial that it promises', [soa(4), soa(2), soa(3)], /stops sending/],
  ])('%s', async (_name, lines, failure) => {
    expect(await fetchFrom(steps(...lines), { known })).toMatch(failure);
  });
});

describe('RFC 8945 §5.3.1: a stream is signed', () => {
  const signed =
    (make: (signer: HandSigner, asked: Asked, send: (octets: Buffer) => void) => void): Answer =>
    (asked, send) =>
      make(new HandSigner('k.example.', SECRET, asked.mac), asked, send);
  const part = ({ id, type }: Asked, lines: readonly string[]) => message({ id, type, lines });

  test('in its first and last message, with messages between that are not', async () => {
    const answer = signed((signer, asked, send) => {
      send(signer.sign(part(asked, [soa(2)]), NOW));
      for (const line of BODY) send(signer.skip(part(asked, [line])));
      send(signer.sign(part(asked, [soa(2)]), NOW));
    });
    expect(await fetchFrom(answer, { key: KEY })).toMatchObject({ kind: 'whole', records: { length: 3 } });
  });

  test.each<readonly [string, Answer, RegExp]>([
    [
      'a wrong MAC in the middle',
      signed((signer, asked, send) => {
        send(signer.sign(part(asked, [soa(2)]), NOW));
        const bad = signer.sign(part(asked, BODY), NOW);
        bad[bad.length - 10]! ^= 1;
        send(bad);
        send(signer.sign(part(asked, [soa(2)]), NOW));
      }),
      /a signature that is wrong/,
    ],
    [
      'a record put between',
      signed((signer, asked, send) => {
        send(signer.sign(part(asked, [soa(2)]), NOW));
        send(part(asked, BODY));
        send(signer.sign(part(asked, [soa(2)]), NOW));
      }),
      /a signature that is wrong/,
    ],
    [
      'the last message has none',
      signed((signer, asked, send) => {
        send(signer.sign(part(asked, [soa(2)]), NOW));
        send(signer.skip(part(asked, [...BODY, soa(2)])));
      }),
      /does not sign the last message/,
    ],
    [
      '100 messages in a row have none',
      signed((signer, asked, send) => {
        send(signer.sign(part(asked, [soa(2)]), NOW));
        for (let each = 0; each < 100; each++) send(signer.skip(part(asked, [])));
      }),
      /too many messages without a signature/,
    ],
    ['no message has one', inMessages(WHOLE), /answers without a signature/],
    ['its clock is another', signed((signer, asked, send) => send(signer.sign(part(asked, WHOLE), NOW - 301))), /differs by 301 s/],
  ])('%s', async (_name, answer, failure) => {
    expect(await fetchFrom(answer, { key: KEY })).toMatch(failure);
  });
});

test('the question is AXFR, or IXFR with the SOA that is here', async () => {
  const asked: number[] = [];
  const answer: Answer = ({ id, type }, send) => {
    asked.push(type);
    send(message({ id, type, lines: [soa(2), ...BODY, soa(2)] }));
  };
  await fetchFrom(answer);
  await fetchFrom(answer, { known: { ttl: 60, rdata: record(soa(1)).rdata } });
  expect(asked).toEqual([TYPE.AXFR, TYPE.IXFR]);
});

describe('with a folder, a large transfer waits in a file', () => {
  const NAMES = 2400;
  const SOA_OF = ' 60 SOA ns host 1 1 1 1 1';
  const EVIL = 'evil.example. 60 A 192.0.2.9';
  const TEXT = 'x'.repeat(250);
  const lineAt = (at: number) => `n${at} 60 TXT "${TEXT}" "${at}${TEXT.slice(5)}"`;
  /** Messages of 100 names each, some 54 KB; under the id 0 and without the question. */
  const MANY = bodies(Array.from({ length: NAMES }, (_, at) => lineAt(at)));
  /** Octets of messages that stand before the first one that is stored unread. */
  const READ_BYTES = 1024 * 1024;

  function bodies(lines: readonly string[]): readonly Buffer[] {
    const count = Math.ceil(lines.length / 100);
    const parts = Array.from({ length: count }, (_, at) => lines.slice(at * 100, at * 100 + 100));
    return parts.map((each) => message({ id: 0, type: TYPE.AXFR, lines: each, question: false }));
  }

  const under = (id: number, octets: Buffer): Buffer => {
    const copy = Buffer.from(octets);
    copy.writeUInt16BE(id, 0);
    return copy;
  };
  type Change = (octets: Buffer, at: number) => readonly Buffer[];
  /** The messages of the zone; `change` may give others in place of the one at a number. */
  const same: Change = (octets) => [octets];
  const messagesOf = ({ id, type }: Asked, change: Change = same) =>
    [message({ id, type, lines: [soa(2), ...BODY] }), ...MANY, message({ id, type, lines: [soa(2)], question: false })]
      .map((each) => under(id, each))
      .flatMap(change);
  const LAST = MANY.length + 1;
  /** Of a message that is not read when it comes, in the middle of those. */
  const LATE = LAST - 2;

  /** The answer as a primary gives it, with what `change` makes of each message. */
  const answering =
    (change?: (octets: Buffer, at: number, asked: Asked) => readonly Buffer[]): Answer =>
    (asked, send) => {
      for (const each of messagesOf(asked, change && ((octets, at) => change(octets, at, asked)))) send(each);
    };

  /** What came, from a file that is closed when the test ends. */
  async function fetchStored(answer: Answer, more: Partial<FetchOrder> = {}) {
    const limits = { ...FETCH_LIMITS, idleMs: 5000, totalMs: 20_000 };
    const server = await fakePrimary(answer);
    const { signal } = new AbortController();
    const order = { server, apex: ZONE, key: undefined, known: undefined, now: () => NOW, signal };
    const result = await fetchZone({ ...order, limits, folder: temporaryFolder(), ...more });
    if ('received' in result && result.received.kind === 'stored') onTestFinished(result.received.close);
    return result;
  }

  const lineOf = ({ owner, ttl, type, rdata }: ReceivedRecord) =>
    `${formatName(owner)} ${ttl} ${type} ${Buffer.from(rdata).toString('hex')}`;

  /** What the file has. */
  function readBack({ received }: Fetched): ReturnType<typeof readStored> {
    if (received.kind !== 'stored') throw new Error(`not stored, but ${received.kind}`);
    const { file, bytes, asked, since } = received.messages;
    const octets = readFileSync(`/proc/self/fd/${file}`);
    expect(octets.length).toBeGreaterThanOrEqual(bytes);
    return readStored(octets.subarray(0, bytes), { asked, since, recordsMax: NAMES + 20 });
  }

  /** A line for each record of a zone, sorted. */
  function linesOf(read: ReturnType<typeof readStored> | Fetched['received']): readonly string[] {
    if ('failure' in read) throw new Error(read.failure);
    if (read.kind === 'whole') return read.records.map(lineOf).toSorted();
    if (read.kind !== 'read') throw new Error(read.kind);
    const nodes = [...read.zone.ascend(read.zone.apexKey)];
    const records = nodes.flatMap(({ owner, rrsets }) =>
      rrsets.flatMap(({ type, ttl, rdatas }) => rdatas.map((rdata) => ({ owner, type, ttl, rdata }))),
    );
    return records.map(lineOf).toSorted();
  }

  /** The apex, ns, and the others. */
  const WHOLE_READ = { kind: 'read', serial: 2, leftOut: { signatures: 0, nsec3: 0 } };

  const fetched = (result: Fetched | FetchFailure): Fetched => {
    if ('failure' in result) throw new Error(result.failure);
    return result;
  };

  /** Files of transfers that this process has open. */
  const openFiles = (): number =>
    readdirSync('/proc/self/fd').filter((each) => {
      try {
        return /\/transfer-[^/]* \(deleted\)$/.test(readlinkSync(`/proc/self/fd/${each}`));
      } catch {
        // That of the folder that was read.
        return false;
      }
    }).length;

  async function untilClosed(): Promise<void> {
    for (let turns = 0; turns < 10_000 && openFiles() > 0; turns++) await turn();
    expect(openFiles()).toBe(0);
  }

  test('a primary that closes the connection behind the last message has given the zone', async () => {
    const closing: Answer = (asked, send, socket) => {
      for (const each of messagesOf(asked)) send(each);
      socket.end();
    };
    expect(readBack(fetched(await fetchStored(closing)))).toMatchObject(WHOLE_READ);
  });

  test('with the octets that came: the same records as without one', async () => {
    await untilClosed();
    const inFile = fetched(await fetchStored(answering()));
    expect(inFile.received).toMatchObject({
      ...{ kind: 'stored', serial: 2, isDifferences: false },
      messages: { asked: { apex: ZONE, type: TYPE.AXFR }, since: undefined },
    });
    expect(inFile.messages).toBe(LAST + 1);
    expect(inFile.bytes).toBeGreaterThan(READ_BYTES);
    expect(openFiles()).toBe(1);
    const inMemory = fetched(await fetchStored(answering(), { folder: undefined }));
    expect(inMemory.received).toMatchObject({ kind: 'whole', serial: 2, records: { length: NAMES + 3 } });
    expect([inMemory.messages, inMemory.bytes]).toEqual([inFile.messages, inFile.bytes]);
    const lines = linesOf(readBack(inFile));
    expect(lines).toHaveLength(NAMES + 3);
    expect(lines).toContain('z.example. 60 2 026e73017a076578616d706c6500');
    expect(lines).toContain('ns.z.example. 60 1 c0000201');
    expect(lines.find((each) => each.startsWith('n2399.'))?.slice(0, 30)).toBe('n2399.z.example. 60 16 fa78787');
    expect(lines).toEqual(linesOf(inMemory.received));
    if (inFile.received.kind === 'stored') inFile.received.close();
    await untilClosed();
  });

  test('octet for octet, in whatever pieces they come; what follows the last message is no part of it', async () => {
    const sent: Buffer[] = [];
    const pieces: Answer = (asked, _send, socket) => {
      const framed = messagesOf(asked).flatMap((each) => [Buffer.of(each.length >> 8, each.length & 0xff), each]);
      const all = Buffer.concat(framed);
      sent.push(all);
      const random = seededRandom(3);
      const next = (from: number): void => {
        if (from >= all.length || socket.destroyed) return;
        const to = from + 1 + Math.floor(random() ** 3 * 150_000);
        socket.write(all.subarray(from, to), () => setImmediate(() => next(to)));
      };
      next(0);
    };
    const { received } = fetched(await fetchStored(pieces));
    if (received.kind !== 'stored') throw new Error(received.kind);
    expect(received.messages.bytes).toBe(sent[0]!.length);
    expect(readFileSync(`/proc/self/fd/${received.messages.file}`).equals(sent[0]!)).toBe(true);
    const more: Answer = (asked, send, socket) => {
      for (const each of messagesOf(asked)) send(each);
      socket.write(Buffer.alloc(3000, 1));
    };
    const result = fetched(await fetchStored(more));
    expect(result.received).toMatchObject({ kind: 'stored', messages: { bytes: sent[0]!.length } });
    expect(readBack(result)).toMatchObject(WHOLE_READ);
    expect(linesOf(readBack(result))).toHaveLength(NAMES + 3);
  });

  test('a small one stays in memory, up to 1 MiB', async () => {
    const small = fetched(await fetchStored(inMessages([soa(2)], BODY, [soa(2)])));
    expect(small.received).toMatchObject({ kind: 'whole', serial: 2, records: { length: 3 } });
    // Without as many messages as take it below 1 MiB.
    const left = Math.ceil((fetched(await fetchStored(answering())).bytes - READ_BYTES) / MANY[1]!.length);
    const fewer = fetched(await fetchStored(answering((octets, at) => (at > 1 && at < 2 + left ? [] : [octets]))));
    expect(fewer.bytes).toBeLessThan(READ_BYTES);
    expect(fewer.received).toMatchObject({ kind: 'whole', records: { length: NAMES + 3 - left * 100 } });
  });

  describe('RFC 1995 §4: as answer to IXFR', () => {
    const since = { ttl: 60, rdata: record(soa(1)).rdata };
    /** Differences of two steps, of which the last adds all of the names. */
    const twoSteps = (last: readonly string[] = [soa(3)]) =>
      answering((octets, at, { id, type }) => {
        if (at === 0) return [message({ id, type, lines: [soa(3), soa(1), 'gone 60 A 192.0.2.1', soa(2)] })];
        const between = [['came 60 A 192.0.2.2'], [soa(2), soa(3)]].map((lines) => message({ id, type, lines }));
        if (at === 1) return [...between, octets];
        return at === LAST ? [message({ id, type, lines: last })] : [octets];
      });

    test('the whole zone', async () => {
      const result = fetched(await fetchStored(answering(), { known: since }));
      expect(result.received).toMatchObject({
        ...{ kind: 'stored', serial: 2, isDifferences: false },
        messages: { asked: { type: TYPE.IXFR }, since: 1 },
      });
      expect(readBack(result)).toMatchObject(WHOLE_READ);
      expect(linesOf(readBack(result))).toHaveLength(NAMES + 3);
    });

    test('large differences: the same as without a folder', async () => {
      const result = fetched(await fetchStored(twoSteps(), { known: since }));
      expect(result.received).toMatchObject({ kind: 'stored', serial: 3, isDifferences: true, messages: { since: 1 } });
      const read = readBack(result);
      expect(read).toMatchObject({
        kind: 'differences',
        serial: 3,
        differences: [
          { fromSerial: 1, toSerial: 2, deleted: { length: 2 }, added: { length: 2 } },
          { fromSerial: 2, toSerial: 3, deleted: { length: 1 }, added: { length: NAMES + 1 } },
        ],
      });
      const { received } = fetched(await fetchStored(twoSteps(), { known: since, folder: undefined }));
      expect(read).toEqual(received);
    });

    test.each<readonly [string, readonly string[], RegExp]>([
      ['a step that begins at another serial', [soa(7)], /^sends a step from serial 7, and 3 was reached$/],
      ['a SOA below the apex', [`sub${SOA_OF}`, soa(3)], /^sends a SOA of sub\.z\.example\. inside the zone$/],
      ['a SOA of another zone', [`example.${SOA_OF}`, soa(3)], /^sends example\., which is not in the zone$/],
      ['a SOA after the end', [soa(3), soa(3)], /^sends records after the end of the zone$/],
    ])('differences with %s', async (_what, last, failure) => {
      const result = await fetchStored(twoSteps(last), { known: since });
      expect(result).toMatchObject({ failure: expect.stringMatching(failure), isAnswer: true });
      await untilClosed();
    });
  });

  test.each<readonly [string, readonly string[], RegExp]>([
    ['another last SOA', [soa(3)], /^ends with another SOA \(serial 3\) than it began with \(2\)$/],
    ['a third SOA', [soa(2), soa(2)], /^sends records after the end of the zone$/],
    ['a SOA below the apex', [`sub${SOA_OF}`, soa(2)], /^sends a SOA of sub\.z\.example\. inside the zone$/],
  ])('%s is found when it comes', async (_what, lines, failure) => {
    const change = answering((octets, at, { id, type }) => (at < LAST ? [octets] : [message({ id, type, lines })]));
    expect(await fetchStored(change)).toMatchObject({ failure: expect.stringMatching(failure), isAnswer: true });
    await untilClosed();
  });

  test.each<readonly [string, Parameters<typeof answering>[0], string]>([
    ['a malformed record', (octets, at) => [at === LATE ? longer(octets) : octets], 'sends a malformed TXT record'],
    [
      'a record out of the zone',
      (octets, at, { id, type }) => (at === LATE ? [octets, message({ id, type, lines: [EVIL] })] : [octets]),
      'sends evil.example., which is not in the zone',
    ],
    [
      'a record after the end, in the last message',
      (octets, at, { id, type }) => (at < LAST ? [octets] : [message({ id, type, lines: [soa(2), BODY[1]!] })]),
      'sends records after the end of the zone',
    ],
  ])('%s is found when it is read', async (_what, change, failure) => {
    const result = fetched(await fetchStored(answering(change)));
    expect(result.received).toMatchObject({ kind: 'stored', serial: 2 });
    expect(readBack(result)).toEqual({ failure });
  });

  /** With one octet more in the first string of the last record than that has. */
  function longer(octets: Buffer): Buffer {
    const at = octets.lastIndexOf(Buffer.from(`\xfa${TEXT.slice(0, 20)}`, 'latin1'));
    const copy = Buffer.from(octets);
    copy[at] = 0xff;
    return copy;
  }

  describe('whatever goes wrong after its beginning is said, and no file stays open', () => {
    const NO_REPLY = /^answers with octets that are no reply$/;
    test.each<readonly [string, Answer, RegExp]>([
      ['RFC 5936 §2.2.1: a code', lateBy(({ id, type }) => message({ id, type, rcode: 2 })), /^answers SERVFAIL$/],
      ['truncated', lateBy(({ id, type }) => message({ id, type, flags: 0x86 })), /^sends a truncated message$/],
      ['under another id', lateBy(({ id, type }) => message({ id: id ^ 1, type })), NO_REPLY],
      ['about another type', lateBy(({ id }) => message({ id, type: TYPE.SOA })), NO_REPLY],
      ['cut in a record', lateBy(({ id }) => under(id, MANY[0]!.subarray(0, 5000))), /^sends a malformed message$/],
      ['no message at all', lateBy(() => Buffer.alloc(0)), NO_REPLY],
      [
        'the connection ends between two messages',
        (asked, send, socket) => {
          for (const each of messagesOf(asked).slice(0, LATE)) send(each);
          socket.end();
        },
        /^closes the connection before the end$/,
      ],
      [
        'the connection ends in a message',
        (asked, send, socket) => {
          for (const each of messagesOf(asked).slice(0, LATE)) send(each);
          socket.end(Buffer.from([0, 200, 1, 2, 3]));
        },
        /^closes the connection before the end$/,
      ],
      [
        'the connection is reset',
        (asked, send, socket) => {
          for (const each of messagesOf(asked).slice(0, LATE)) send(each);
          socket.write(Buffer.of(0), () => setTimeout(() => socket.resetAndDestroy(), 20));
        },
        /^(closes the connection before the end|read ECONNRESET)$/,
      ],
    ])('%s', async (_what, answer, failure) => {
      const result = await fetchStored(answer);
      expect(result).toMatchObject({ failure: expect.stringMatching(failure) });
      await untilClosed();
    });

    test('it stops sending, or does not end in time, or the server stops', async () => {
      const stalls: Answer = (asked, send) => {
        for (const each of messagesOf(asked).slice(0, LATE)) send(each);
      };
      const limits = { ...FETCH_LIMITS, idleMs: 300, totalMs: 20_000 };
      expect(await fetchStored(stalls, { limits })).toMatchObject({ failure: 'stops sending before the end' });
      await untilClosed();
      const late = { limits: { ...limits, idleMs: 20_000, totalMs: 1000 } };
      expect(await fetchStored(stalls, late)).toMatchObject({ failure: 'takes too long for the transfer' });
      await untilClosed();
      const ends = new AbortController();
      const stopped = fetchStored(stalls, { signal: ends.signal });
      for (let looks = 0; looks < 500 && openFiles() === 0; looks++) await delay(10);
      expect(openFiles()).toBe(1);
      ends.abort();
      expect(await stopped).toMatchObject({ failure: 'was not waited for: the server stops' });
      await untilClosed();
    });

    test('more octets or records than there may be; no memory beside other transfers', async () => {
      const limits = { ...FETCH_LIMITS, bytesMax: READ_BYTES + 100_000 };
      const failure = 'sends more than 1148576 octets';
      expect(await fetchStored(answering(), { limits })).toEqual({ failure, isAnswer: false });
      await untilClosed();
      const reserved: number[] = [];
      const reserve = (verdict: 'busy' | 'too-many') => (records: number) => {
        reserved.push(records);
        return reserved.length > LATE ? verdict : 'taken';
      };
      expect(await fetchStored(answering(), { reserve: reserve('busy') })).toEqual({
        failure: 'has to wait for memory that other transfers have',
        isAnswer: false,
        isPostponed: true,
      });
      // Each record of each message is asked for, those that are stored unread too.
      expect(reserved).toEqual([3, ...Array.from({ length: LATE }, () => 100)]);
      await untilClosed();
      reserved.length = 0;
      expect(await fetchStored(answering(), { reserve: reserve('too-many') })).toEqual({
        failure: 'sends more records than there is memory for all transfers',
        isAnswer: true,
      });
      await untilClosed();
    });

    test('there is no such folder, or its disk is full', async () => {
      const folder = join(temporaryFolder(), 'none');
      expect(await fetchStored(answering(), { folder })).toEqual({
        failure: expect.stringMatching(/^sends a large zone that could not be stored: ENOENT/),
        isAnswer: false,
      });
      const look = vi.spyOn(fs, 'statfsSync').mockReturnValue({ bavail: 300, blocks: 1000, bsize: 4096 } as never);
      syncBuiltinESMExports();
      onTestFinished(() => {
        look.mockRestore();
        syncBuiltinESMExports();
      });
      expect(await fetchStored(answering())).toEqual({
        failure: 'sends a large zone that could not be stored: 1.2 MiB are free, and 0.2 are kept for upkeep',
        isAnswer: false,
      });
      await untilClosed();
    });

    /** The message in the middle of those that are stored unread is another. */
    function lateBy(make: (asked: Asked) => Buffer): Answer {
      return answering((octets, at, asked) => [at === LATE ? make(asked) : octets]);
    }
  });

  describe('RFC 8945 §5.3.1: signed to its end', () => {
    /** `how` signs each message, or does not. */
    const signed =
      (how: (signer: HandSigner, octets: Buffer, at: number) => Buffer): Answer =>
      (asked, send) => {
        const signer = new HandSigner('k.example.', SECRET, asked.mac);
        for (const [at, each] of messagesOf(asked).entries()) send(how(signer, each, at));
      };
    const all = (signer: HandSigner, octets: Buffer) => signer.sign(octets, NOW);

    test.each<readonly [string, Parameters<typeof signed>[0]]>([
      ['each message', all],
      [
        'the first, one in ten, and the last',
        (signer, octets, at) => (at % 10 === 0 || at === LAST ? all(signer, octets) : signer.skip(octets)),
      ],
    ])('%s', async (_what, how) => {
      const result = fetched(await fetchStored(signed(how), { key: KEY }));
      expect(result.received).toMatchObject({ kind: 'stored', serial: 2 });
      expect(readBack(result)).toMatchObject(WHOLE_READ);
      expect(linesOf(readBack(result))).toHaveLength(NAMES + 3);
    });

    const flipped = (octets: Buffer, at: number): Buffer => {
      octets[at]! ^= 1;
      return octets;
    };
    test.each<readonly [string, Parameters<typeof signed>[0], RegExp]>([
      [
        'the last message is not',
        (signer, octets, at) => (at === LAST ? signer.skip(octets) : all(signer, octets)),
        /^does not sign the last message$/,
      ],
      [
        'a record is another than was signed',
        (signer, octets, at) => {
          const right = all(signer, octets);
          return at === LATE ? flipped(right, 1000) : right;
        },
        /^sends a signature that is wrong$/,
      ],
      [
        'a MAC is wrong',
        (signer, octets, at) => {
          const right = all(signer, octets);
          return at === LATE ? flipped(right, right.length - 10) : right;
        },
        /^sends a signature that is wrong$/,
      ],
      [
        'a message between two signed ones is another than the next signature covers',
        (signer, octets, at) => {
          if (at !== LATE) return all(signer, octets);
          return flipped(Buffer.from(signer.skip(octets)), 1000);
        },
        /^sends a signature that is wrong$/,
      ],
      ['the clock is another', (signer, octets, at) => signer.sign(octets, NOW + (at === LATE ? 301 : 0)), /by 301 s/],
    ])('%s: nothing is taken', async (_what, how, failure) => {
      const result = await fetchStored(signed(how), { key: KEY });
      expect(result).toMatchObject({ failure: expect.stringMatching(failure), isAnswer: true });
      await untilClosed();
    });

    test('a message that was put between, and more than 99 in a row without a signature', async () => {
      const between: Answer = (asked, send) => {
        const signer = new HandSigner('k.example.', SECRET, asked.mac);
        for (const [at, each] of messagesOf(asked).entries()) {
          if (at === LATE) send(message({ ...asked, lines: ['evil 60 A 192.0.2.9'], question: false }));
          send(all(signer, each));
        }
      };
      expect(await fetchStored(between, { key: KEY })).toMatchObject({ failure: 'sends a signature that is wrong' });
      const bare: Answer = (asked, send) => {
        const signer = new HandSigner('k.example.', SECRET, asked.mac);
        for (const [at, each] of messagesOf(asked).entries()) {
          send(all(signer, each));
          if (at !== LATE) continue;
          for (let empty = 0; empty < 100; empty++) send(signer.skip(message({ ...asked, question: false })));
        }
      };
      const result = await fetchStored(bare, { key: KEY });
      expect(result).toMatchObject({ failure: expect.stringMatching(/too many messages without a signature/) });
      await untilClosed();
    });
  });
});
