/**
 * Attacks on the running server, each for a few seconds, on loopback: whatever happens, a client elsewhere gets every answer, the server answers
 * all that it received, the one whose address is abused receives no more than was sent in its name, and memory comes back.
 * Bounds are what must hold on any machine, however busy; how long answers take meanwhile is measured by `npm run bench` (under-attack).
 * 127/8 gives as many client networks as one likes; the allow list, which has it by default, is empty here.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type IpPort, ipPort } from '#base/address.ts';
import { TcpClient, framed, udpQuery } from '../support/dns-client.ts';
import { type CanaryReport, type FloodReport, type FloodShape, STUB_TIMEOUT_MS, canary, flood, totals } from '../support/flood.ts';
import { descriptorCount, memoryBytes } from '../support/process-facts.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { putZones } from '../support/waxseal.ts';
import { type WireMessage, buildQuery, parseMessage } from '../support/wire.ts';

const ZONE = `$ORIGIN example.
@ 300 SOA ns host 1 3600 600 86400 300
@ 300 NS ns
ns 300 A 192.0.2.1
www 300 A 192.0.2.2
www 300 TXT ${'a'.repeat(250)} ${'b'.repeat(250)} ${'c'.repeat(250)}
canary 300 A 192.0.2.3
*.wild 300 TXT ${'w'.repeat(250)}
`;
const CANARY_FROM = '127.0.0.77';
/** What a stub resolver waits altogether before it gives up. */
const PATIENCE_MS = 2 * STUB_TIMEOUT_MS;
/** The answer process reports its counters every second. */
const COUNTED_MS = 10_000;
/** Time for which a calm client is watched where no flood says it. */
const WATCH_MS = 1200;
const MIB = 1024 * 1024;
/** What the collector lets lie while there is no need for room: where it settles depends on when it last ran. */
const GARBAGE_BYTES = 32 * MIB;

const canaryQuery = buildQuery({ name: 'canary.example.', type: 'A' });
const bigQuery = buildQuery({ name: 'www.example.', type: 'TXT', edns: { size: 1232 } });

/** A /24 each, and addresses in it. */
const network = (each: number, hosts = 4) => Array.from({ length: hosts }, (_, host) => `127.${1 + (each >> 8)}.${each & 255}.${host + 1}`);

/** A COOKIE option. */
const cookieOption = (hex: string) => {
  const data = Buffer.from(hex, 'hex');
  return Buffer.concat([Buffer.from([0, 10, 0, data.length]), data]);
};

describe.each(['mmsg', 'dgram'] as const)('under attack, UDP by %s', (udp) => {
  let server: RunningServer;
  let baselineBytes = 0;
  let baselineDescriptors = 0;
  const answerPid = () => server.pids().answer!;
  const at = () => ipPort(server.address, server.port);

  /** The flood and how the calm client fared in the meantime; all that reached the server was answered, but for `silentMax` at most. */
  async function attack(
    shape: Omit<FloodShape, 'address' | 'port'>,
    { silentMax = 0 } = {},
  ): Promise<{ report: FloodReport; canary: CanaryReport }> {
    const before = { received: await messages('received'), unanswered: await unanswered() };
    const running = flood(server, shape);
    const watched = canary(server, { from: CANARY_FROM, query: canaryQuery, perSecond: 45, until: running });
    const [report, seen] = await Promise.all([running, watched]);
    let counts = '';
    const isAllAnswered = async () => {
      const [received, sent, silent] = [await messages('received'), await messages('sent'), await unanswered()];
      counts = `${received} received, ${sent} answered, ${silent} not to be answered (${before.received} and ${before.unanswered} before)`;
      const isWhole = received >= before.received + totals(report).received;
      return isWhole && received === sent + silent && silent <= before.unanswered + silentMax;
    };
    if (!(await server.eventually(isAllAnswered, COUNTED_MS))) expect.fail(counts);
    return { report, canary: seen };
  }

  function expectServed({ asked, answered }: CanaryReport): void {
    expect(asked).toBeGreaterThan(10);
    expect(answered, 'questions of the calm client that were answered').toBe(asked);
  }

  /** One UDP query from an address, asked again as a stub resolver does. */
  const askFrom = async (from: string, query: Buffer): Promise<WireMessage | undefined> => {
    const reply = (await udpQuery(at(), query, STUB_TIMEOUT_MS, from)) ?? (await udpQuery(at(), query, STUB_TIMEOUT_MS, from));
    return reply === undefined ? undefined : parseMessage(reply);
  };

  /** Sum of a metric's values whose labels have `label` among them. */
  const counted = async (name: string, label = ''): Promise<number> => {
    const metrics = await (await server.api('GET', '/metrics')).text();
    const lines = [...metrics.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\d+)$`, 'gm'))];
    if (lines.length === 0) throw new Error(`there is no metric ${name}`);
    return lines.filter(([, labels = '']) => labels.includes(label)).reduce((sum, [, , value]) => sum + Number(value), 0);
  };

  const messages = (way: 'received' | 'sent') => counted(`waxseal_socket_messages_${way}_total`, 'transport="udp"');

  const unanswered = () => counted('waxseal_udp_dropped_total', 'reason="unanswered"');

  beforeAll(async () => {
    server = await startServer({ udp, config: '[rrl]\nallow = []\n' });
    await putZones(server, [{ name: 'example.', text: ZONE }], 'on');
    // What a server of some age holds: code compiled, buffers touched.
    const denied = buildQuery({ name: 'xxxxxxxxxx.example.', type: 'A', edns: { size: 1232, dnssecOk: true } });
    const sources = Array.from({ length: 100 }, (_, each) => network(1024 + each, 1)[0]!);
    await flood(server, { sources, queries: [bigQuery, denied], random: true, perSecond: 6000, seconds: 1.5 });
    await churn(at(), 100);
    baselineBytes = memoryBytes(answerPid());
    baselineDescriptors = descriptorCount(answerPid());
  });
  afterAll(() => server.stop());

  test('U1, U2: a forged flood for one big answer; whom it pretends to be is still served, by TCP and by cookie', async () => {
    const victims = network(1);
    // Who comes with a cookie that is not ours is told so every second time.
    const running = attack({ sources: victims, queries: [bigQuery], perSecond: 4000, seconds: 2.2 }, { silentMax: 1 });
    // By TC, then TCP.
    let limited: WireMessage | undefined;
    await server.eventually(async () => {
      limited = await askFrom(victims[0]!, bigQuery);
      return limited?.flags.has('TC') === true;
    }, PATIENCE_MS);
    expect(limited).toMatchObject({ rcode: 'NOERROR', answer: [], authority: [] });
    expect(limited!.flags.has('TC')).toBe(true);
    const tcp = await TcpClient.open(at(), { from: victims[0]! });
    tcp.send(framed(bigQuery));
    const [whole] = await tcp.receive(1, PATIENCE_MS);
    tcp.destroy();
    expect(parseMessage(whole!).answer).toHaveLength(1);
    // By cookie: who has none is told (BADCOOKIE) and comes back with it. Such answers are every second one at most.
    const withCookie = (cookie: string) =>
      buildQuery({ name: 'www.example.', type: 'TXT', edns: { size: 1232, options: cookieOption(cookie) } });
    const told =
      (await askFrom(victims[1]!, withCookie('0123456789abcdef'))) ?? (await askFrom(victims[1]!, withCookie('0123456789abcdef')));
    expect(told).toMatchObject({ rcode: 'RCODE23', answer: [] });
    const cookie = told!.edns!.options.get(10)!;
    for (let each = 0; each < 100; each++) expect((await askFrom(victims[1]!, withCookie(cookie)))?.answer).toHaveLength(1);
    const { report, canary: seen } = await running;
    expectServed(seen);
    const later = totals(report, 1);
    expect(later.sent).toBeGreaterThan(1000);
    expect(later.receivedBytes, 'octets out, octets in').toBeLessThanOrEqual(later.sentBytes);
    // Slip 1: all of it is answered, with TC.
    expect(later.truncated / later.received).toBeGreaterThan(0.95);
    const isCounted = async () => (await counted('waxseal_rrl_total', 'action="truncated"')) >= totals(report).truncated;
    expect(await server.eventually(isCounted, COUNTED_MS)).toBe(true);
    expect(server.log().match(/rate limit: answers to 127\.1\.1\.0\/24 are limited/g)?.length).toBe(1);
  });

  test('U2: soon after the flood the network is served as ever', async () => {
    const isServed = await server.eventually(async () => (await askFrom(network(1)[0]!, bigQuery))?.answer.length === 1, PATIENCE_MS);
    expect(isServed).toBe(true);
  });

  test('U1: an NXDOMAIN flood and a wildcard flood, each name asked once', async () => {
    const queries = [
      buildQuery({ name: 'xxxxxxxxxx.example.', type: 'A', edns: { size: 1232, dnssecOk: true } }),
      buildQuery({ name: 'xxxxxxxxxx.wild.example.', type: 'TXT', edns: { size: 1232, dnssecOk: true } }),
    ];
    const { report, canary: seen } = await attack({ sources: network(2), queries, random: true, perSecond: 4000, seconds: 1.8 });
    expectServed(seen);
    const later = totals(report, 1);
    expect(later.receivedBytes).toBeLessThanOrEqual(later.sentBytes);
    expect(later.truncated / later.received).toBeGreaterThan(0.95);
  });

  test('U1: many networks, each below its limit: nobody is limited, no table grows', async () => {
    const sources = Array.from({ length: 250 }, (_, each) => network(256 + each, 1)[0]!);
    const { report, canary: seen } = await attack({ sources, queries: [canaryQuery], perSecond: 4000, seconds: 1.2 });
    expectServed(seen);
    const all = totals(report);
    expect([all.truncated, all.received - all.answers]).toEqual([0, 0]);
    expect(all.received).toBeGreaterThan(1000);
  });

  test('U6: random subdomains with DO from many networks: signed NXDOMAIN for all', async () => {
    const sources = Array.from({ length: 250 }, (_, each) => network(512 + each, 1)[0]!);
    const queries = [buildQuery({ name: 'xxxxxxxxxx.example.', type: 'A', edns: { size: 1232, dnssecOk: true } })];
    const { report, canary: seen } = await attack({ sources, queries, random: true, perSecond: 6000, seconds: 1.2 });
    expectServed(seen);
    const all = totals(report);
    expect(all.received).toBeGreaterThan(1000);
    expect(Object.keys(all.rcodes)).toEqual(['3']);
    // SOA, NSEC and their signatures.
    expect(all.receivedBytes / all.received).toBeGreaterThan(300);
  });

  test('U8: malformed packets of every kind', async () => {
    const before = await udpQuery(at(), canaryQuery);
    const { report, canary: seen } = await attack(
      { sources: network(3), queries: malformed(), perSecond: 4000, seconds: 1.6 },
      { silentMax: Infinity },
    );
    expectServed(seen);
    const later = totals(report, 1);
    expect(later.receivedBytes).toBeLessThanOrEqual(later.sentBytes);
    expect(await udpQuery(at(), canaryQuery)).toEqual(before);
  });

  test('T1, T2: connections that never read, and connections that never finish a message', async () => {
    const asked = Buffer.concat(Array.from({ length: 2000 }, () => framed(bigQuery)));
    const clients: TcpClient[] = [];
    const accepted = () => counted('waxseal_tcp_connections_accepted_total');
    const before = await accepted();
    for (let each = 0; each < 60; each++) {
      const mute = await TcpClient.open(at(), { from: `127.200.${each}.1`, reading: false });
      mute.send(asked);
      const slow = await TcpClient.open(at(), { from: `127.201.${each}.1`, reading: false });
      slow.send(Buffer.from([0, 50, 1]));
      clients.push(mute, slow);
    }
    expect(await server.eventually(async () => (await accepted()) >= before + clients.length, COUNTED_MS)).toBe(true);
    const watched = canary(server, { from: CANARY_FROM, query: canaryQuery, perSecond: 45, until: delay(WATCH_MS) });
    const honest = await TcpClient.open(at(), { from: '127.0.0.78' });
    honest.send(framed(bigQuery));
    const [reply] = await honest.receive(1, PATIENCE_MS);
    expect(parseMessage(reply!).answer).toHaveLength(1);
    honest.destroy();
    expectServed(await watched);
    expect(memoryBytes(answerPid()) - baselineBytes).toBeLessThan(64 * MIB);
    for (const client of clients) client.reset();
  });

  test('T3, T4: connections that split, burst and send rubbish, and end by FIN, half close and reset, over and over', async () => {
    const churned = churn(at(), 500);
    const watched = canary(server, { from: CANARY_FROM, query: canaryQuery, perSecond: 45, until: churned });
    const { wanted, answered } = await churned;
    expectServed(await watched);
    // Nothing that was whole stayed without its answer.
    expect(answered).toBe(wanted);
  });

  test('afterwards: the same processes, memory and descriptors as before', async () => {
    const pid = answerPid();
    const limitBytes = Math.max(1.1 * baselineBytes, baselineBytes + GARBAGE_BYTES);
    await server.eventually(() => memoryBytes(pid) <= limitBytes && descriptorCount(pid) <= baselineDescriptors + 2, 10_000);
    expect(memoryBytes(pid) / MIB).toBeLessThanOrEqual(limitBytes / MIB);
    expect(descriptorCount(pid)).toBeLessThanOrEqual(baselineDescriptors + 2);
    expect((await server.api('GET', '/readyz')).status).toBe(200);
    expect(server.log()).not.toMatch(/worker \d+ (failed|ended)|process ended/);
  });
});

/** Cuts, counts that lie, pointers, answers, unknown opcodes, rubbish: made from a good query, the same ones each time. */
function malformed(): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let length = 0; length < bigQuery.length; length++) packets.push(bigQuery.subarray(0, length));
  const change = (at: number, ...octets: number[]) => {
    const packet = Buffer.from(bigQuery);
    packet.set(octets, at);
    packets.push(packet);
  };
  for (let opcode = 0; opcode < 16; opcode++) change(2, opcode << 3, 0);
  change(2, 0x80);
  for (const count of [0, 2, 0xff]) for (const at of [4, 6, 8, 10]) change(at, count, count);
  for (const pointer of [0, 12, 13, 63]) change(12, 0xc0, pointer);
  change(12, 0x40);
  change(12, 63);
  let state = 1;
  const random = () => (state = (Math.imul(state, 48_271) >>> 0) % 0x7fff_ffff);
  for (let each = 0; each < 200; each++) {
    const packet = Buffer.from(bigQuery);
    for (let flips = 1 + (random() % 8); flips > 0; flips--) packet[2 + (random() % (packet.length - 2))]! ^= 1 << (random() % 8);
    packets.push(packet);
  }
  for (let each = 0; each < 50; each++) packets.push(Uint8Array.from({ length: 12 + (random() % 500) }, () => random() & 255));
  return packets;
}

/** Eight clients that open so many connections each, one after the other, each in another way. */
async function churn(to: IpPort, connections: number): Promise<{ wanted: number; answered: number }> {
  const seen = { wanted: 0, answered: 0 };
  const take = async (client: TcpClient, count: number): Promise<void> => {
    seen.wanted += count;
    const messages = await client.receive(count, PATIENCE_MS);
    seen.answered += messages.length;
  };
  const message = framed(canaryQuery);
  const burst = Buffer.concat(Array.from({ length: 200 }, () => message));
  const answer = Buffer.from(canaryQuery).fill(0x80, 2, 3);
  const rubbish = [Buffer.alloc(2), framed(canaryQuery.subarray(0, 11)), framed(answer), Buffer.alloc(3000, 0xff)];
  const ways: readonly ((client: TcpClient, turn: number) => Promise<void> | void)[] = [
    async (client) => {
      // Within the length prefix, the header, the name.
      for (let from = 0; from < message.length; from += 7) await client.sendNow(message.subarray(from, from + 7));
      await take(client, 1);
      client.finish();
    },
    async (client) => {
      client.send(burst);
      client.finish();
      await take(client, 200);
    },
    async (client, turn) => {
      client.send(rubbish[turn % rubbish.length]!);
      client.finish();
      await client.closed;
    },
    (client) => {
      client.send(burst);
      client.reset();
    },
    (client) => client.destroy(),
  ];
  await Promise.all(
    Array.from({ length: 8 }, async (_, each) => {
      for (let turn = each; turn < each + connections; turn++) {
        const client = await TcpClient.open(to, { from: `127.210.${each}.1` });
        await ways[turn % ways.length]!(client, turn);
      }
    }),
  );
  return seen;
}
