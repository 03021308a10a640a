/** Transfers from primaries that lie, stall and break off: nothing of them counts but a stream that is good to its end. */
import { describe, expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { readKeys } from '#transfer/grants.ts';
import { nameOf } from '#dns/name.ts';
import { FETCH_LIMITS, type FetchOrder, fetchZone } from '#control/secondary/fetch-zone.ts';
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
