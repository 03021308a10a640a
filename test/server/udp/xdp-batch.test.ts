/** One AF_XDP socket over a veth pair, in namespaces of the test's own: real packets, a responder that repeats them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ANSWER_IS_LATER, type SendAnswer } from '#answer/later-answer.ts';
import { UDP_EDNS_BYTES_MAX } from '#base/limits/dns.ts';
import { XDP_RECEIVE_FRAMES, XDP_SEND_FRAMES } from '#base/limits/server.ts';
import { type QueryResponder } from '#server/listener.ts';
import { XdpBatch } from '#server/udp/xdp-batch.ts';
import { ERRNO } from '#server/udp/mmsg-syscalls.ts';
import { loadXdpSyscalls } from '#server/udp/xdp-syscalls.ts';
import { eventually, simpleQuery } from '../../support/dns-client.ts';
import { NetworkLab } from '../../support/network-lab.ts';
import { packetOf } from '../../support/packets.ts';
import { serveXdp } from '../../support/xdp-lab.ts';
import { echoResponder } from '../fixtures/echo.ts';

let lab: NetworkLab;
beforeAll(async () => {
  lab = await NetworkLab.open();
});
afterAll(() => lab.close());

const queries = (count: number, from = 0) => Array.from({ length: count }, (_, each) => simpleQuery(from + each));

function answerTo(query: Buffer): Buffer {
  const answer = Buffer.from(query);
  answer[2] = query[2]! | 0x80;
  return answer;
}

describe.each([4, 6] as const)('IPv%i', (family) => {
  test('more queries than there are frames: each is answered, and the responder is told who asks', async () => {
    const clients = new Set<string>();
    const at = lab.at(family, 53);
    const { count, log } = await serveXdp(lab, [at], {
      respond: (...query) => {
        const [, , , transport, { octets, length }] = query;
        clients.add(`${transport} ${length} ${octets[length - 1]}`);
        return echoResponder().respond(...query);
      },
    });
    const asked = queries(2 * XDP_RECEIVE_FRAMES);
    expect(await lab.ask({ to: at, queries: asked })).toEqual(asked.map(answerTo));
    expect([...clients]).toEqual([`udp ${family === 4 ? 4 : 16} 2`]);
    expect([count('udpQueries'), count('xdpQueries'), count('xdpAnswers')]).toEqual(Array(3).fill(asked.length));
    expect(log.map(({ event }) => event)).toEqual(['udp.xdp']);
  });

  test.each([12, 13, 14, 15, 511, 512, 1231, UDP_EDNS_BYTES_MAX])(
    'a query of %i octets comes whole, and its answer goes whole',
    async (length) => {
      const at = lab.at(family, 53);
      const lengths: number[] = [];
      await serveXdp(lab, [at], {
        respond: (query, queryLength, out) => {
          lengths.push(queryLength);
          out.set(query.subarray(0, queryLength));
          return queryLength;
        },
      });
      const query = Buffer.alloc(length, 0x5a);
      expect(await lab.one(at, query)).toEqual(query);
      expect(lengths).toEqual([length]);
    },
  );

  test('an answer that comes later goes where its query came from', async () => {
    const at = lab.at(family, 53);
    const waiting: SendAnswer[] = [];
    const { count } = await serveXdp(lab, [at], {
      respond: () => ANSWER_IS_LATER,
      later: (send) => void waiting.push(send),
    });
    const asked = lab.ask({ to: at, queries: queries(3), timeoutMs: 700 });
    expect(await eventually(() => waiting.length === 3)).toBe(true);
    for (const id of [2, 0]) waiting[id]!(answerTo(simpleQuery(id)));
    waiting[1]!(new Uint8Array(0));
    expect(await asked).toEqual([answerTo(simpleQuery(0)), undefined, answerTo(simpleQuery(2))]);
    expect([count('xdpAnswers'), count('udpNoAnswer')]).toEqual([2, 1]);
  });
});

test('what the responder drops gets no answer and holds no frame', async () => {
  const at = lab.at(4, 53);
  const { count } = await serveXdp(lab, [at], echoResponder());
  const dropped = queries(XDP_SEND_FRAMES + 1).map((query) => Buffer.from(query).fill(0x78, 2, 3));
  await lab.ask({ to: at, queries: dropped, timeoutMs: 100, window: dropped.length });
  expect(count('udpNoAnswer')).toBe(dropped.length);
  expect(await lab.one(at, simpleQuery(1))).toEqual(answerTo(simpleQuery(1)));
});

test('a thread that dies with queries in its hands: the next one has all frames, and does not see those queries', async () => {
  const at = lab.at(4, 53);
  const failing: QueryResponder = {
    respond: () => {
      throw new Error('a bug');
    },
  };
  const { start, pause, service, row } = await serveXdp(lab, [at], echoResponder());
  pause();
  const [handle] = service.handlesOf(0);
  for (let life = 0; life < 40; life++) {
    // As a thread that began, and took what waited.
    const batch = new XdpBatch(loadXdpSyscalls(), handle!, failing, row);
    const asked = lab.ask({ to: at, queries: queries(64), timeoutMs: 30, window: 64 });
    expect(await eventually(() => throws(() => batch.turn()))).toBe(true);
    await asked;
  }
  const seen: number[] = [];
  start({
    respond: (...query) => {
      seen.push(query[0][0]! * 256 + query[0][1]!);
      return echoResponder().respond(...query);
    },
  });
  const asked = queries(XDP_RECEIVE_FRAMES, 1000);
  expect(await lab.ask({ to: at, queries: asked })).toEqual(asked.map(answerTo));
  expect(seen.length).toBeGreaterThanOrEqual(asked.length);
});

function throws(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}

describe('the kernel does not send', () => {
  test('for a while: nothing is lost; frames that are needed twice are not there, and that is counted', async () => {
    const at = lab.at(4, 53);
    const real = loadXdpSyscalls();
    let isStuck = false;
    let errno: number = ERRNO.ENOBUFS;
    const { count } = await serveXdp(lab, [at], echoResponder(), {
      calls: {
        ...real,
        sendto: (fd, ...rest) => (isStuck && rest[0] === 0 ? -1 : real.sendto(fd, ...rest)),
        errno: () => (isStuck ? errno : real.errno()),
      },
    });
    isStuck = true;
    const first = lab.ask({ to: at, queries: queries(XDP_SEND_FRAMES + 88), timeoutMs: 1500, window: 600 });
    expect(await eventually(() => count('xdpQueries') >= 600)).toBe(true);
    expect([count('xdpAnswers'), count('udpSendOverflow')]).toEqual([XDP_SEND_FRAMES, 88]);
    errno = ERRNO.ENETDOWN;
    expect(await eventually(() => count('udpSendErrors') > 0)).toBe(true);
    isStuck = false;
    const replies = await first;
    expect(replies.filter((each) => each !== undefined)).toHaveLength(XDP_SEND_FRAMES);
    expect(await lab.ask({ to: at, queries: queries(700) })).toEqual(queries(700).map(answerTo));
  });
});

test('packets that contradict themselves, or come from nowhere, are counted and not answered', async () => {
  const at = lab.at(4, 53);
  const { count } = await serveXdp(lab, [at], echoResponder());
  const message = simpleQuery(1);
  const options = { ...lab.hardwareAddresses(), source: [192, 0, 2, 2], destination: [192, 0, 2, 1] };
  const longer = packetOf(message, options);
  longer.writeUInt16BE(longer.readUInt16BE(38) + 1, 38);
  const badSum = packetOf(message, options);
  badSum[24]! ^= 1;
  const packets = [
    longer,
    badSum,
    packetOf(message, { ...options, source: [127, 0, 0, 1] }),
    packetOf(message, { ...options, sourcePort: 0 }),
    packetOf(message, options),
  ];
  await lab.ask({ to: at, queries: packets, transport: 'ethernet' });
  expect(await eventually(() => count('xdpQueries') === packets.length)).toBe(true);
  expect([count('xdpMalformed'), count('xdpMartian'), count('udpPortZero'), count('xdpAnswers')]).toEqual([2, 1, 1, 1]);
});
