/**
 * The same zones in waxseal, NSD, Knot and BIND; the same questions to all; no difference that peculiarities.ts does not explain.
 * `WAXSEAL_SEED=n` repeats or varies the random part; a failure prints zones, questions and all replies.
 */
import { createSocket, type Socket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DifferentialQuery, formatDifferences, runDifferential } from '../support/differential.ts';
import { type Endpoint } from '../support/exchange.ts';
import { expandGenerate, fixtureZones, type TestZone } from '../support/fixture-zones.ts';
import { PEER_KINDS, type Peer, startPeer, startPeers } from '../support/peers.ts';
import { exhaustiveQueries, randomQueries, seededRandom } from '../support/query-set.ts';
import { randomZoneTexts } from '../support/random-zone-text.ts';

const SEED = Number(process.env['WAXSEAL_SEED'] ?? 20_261_121);
const RANDOM_ZONES = 300;
const QUERIES_PER_RANDOM_ZONE = 40;

/** 15 of 100 go over TCP. */
function over(random: () => number, zone: TestZone, shapes: readonly DifferentialQuery['shape'][]): DifferentialQuery[] {
  return shapes.map((shape) => ({ zone, shape, transport: random() < 0.15 ? 'tcp' : 'udp' }));
}

describe.each([
  {
    title: 'hand-written zones',
    zones: (_random: () => number): TestZone[] => fixtureZones(),
    queries: (zone: TestZone, random: () => number) => exhaustiveQueries(zone.name, zone.text, random),
  },
  {
    title: `${RANDOM_ZONES} random zones`,
    zones: (random: () => number): TestZone[] => randomZoneTexts(RANDOM_ZONES, random).map((zone) => ({ ...zone, peers: PEER_KINDS })),
    queries: (zone: TestZone, random: () => number) => randomQueries(zone.name, zone.text, QUERIES_PER_RANDOM_ZONE, random),
  },
])('RFC 1034 §4.3.2, RFC 4592, RFC 6672, RFC 9471: $title', ({ zones: makeZones, queries: makeQueries }) => {
  const random = seededRandom(SEED);
  const zones = makeZones(random);
  const queries = zones.flatMap((zone) => over(random, zone, makeQueries(zone, random)));
  const apexes = zones.map((zone) => zone.name);
  const peersOf = new Map(zones.map((zone) => [zone.name, zone.peers]));
  let peers: Peer[] = [];

  beforeAll(async () => {
    peers = await startPeers(PEER_KINDS, (kind) => zones.filter((zone) => zone.peers.includes(kind)));
  });
  afterAll(async () => {
    await Promise.all(peers.map((peer) => peer.stop()));
  });

  test('NSD against Knot and BIND: what they do differently is known', async () => {
    const [nsd, ...others] = peers;
    const result = await runDifferential(nsd!, others, queries, {
      apexes,
      keepsPromises: false,
      knows: (peer, query) => peersOf.get(query.zone.name)!.some((kind) => kind === peer.name),
    });
    expect(result.differences.length === 0 ? '' : formatDifferences(result)).toBe('');
    expect(result.compared).toBeGreaterThan(5000);
  });
});

describe('the harness itself can fail', () => {
  const zone: TestZone = {
    name: 'proof.test.',
    peers: PEER_KINDS,
    text: `$ORIGIN proof.test.
@ 300 IN SOA ns.example. host.example. 1 2 3 4 60
@ 300 IN NS ns.example.
a 300 IN A 192.0.2.1
*.w 300 IN TXT "wild"
c 300 IN CNAME a
d 300 IN NS ns.d
ns.d 300 IN A 192.0.2.2
m 300 IN MX 10 a
`,
  };
  const changes: [string, string, string][] = [
    ['an address', 'a 300 IN A 192.0.2.1', 'a 300 IN A 192.0.2.9'],
    ['a TTL', 'a 300 IN A', 'a 301 IN A'],
    ['a missing wildcard', '*.w 300 IN TXT "wild"\n', ''],
    ['an alias’s target', 'c 300 IN CNAME a', 'c 300 IN CNAME b'],
    ['glue', 'ns.d 300 IN A 192.0.2.2', 'ns.d 300 IN A 192.0.2.3'],
    ['the cut', 'd 300 IN NS ns.d', 'd 300 IN TXT "no cut"'],
    ['the negative TTL', '3 4 60', '3 4 61'],
    ['an empty non-terminal', '*.w 300 IN TXT "wild"', '*.w.x 300 IN TXT "wild"'],
  ];
  let reference: Peer;
  beforeAll(async () => {
    reference = await startPeer('knot', [zone]);
  });
  afterAll(async () => {
    await reference.stop();
  });
  const random = seededRandom(7);
  const queries = over(random, zone, exhaustiveQueries(zone.name, zone.text, random));

  test('no change, no difference', async () => {
    const result = await runDifferential(reference, [reference], queries, { apexes: [zone.name] });
    expect(result.differences).toEqual([]);
    expect(result.broken).toEqual([]);
  });

  test.each(changes)('%s that differs is found', async (_what, from, to) => {
    expect(zone.text).toContain(from);
    const changed = await startPeer('nsd', [{ ...zone, text: zone.text.replace(from, to) }]);
    try {
      const result = await runDifferential(changed, [reference], queries, { apexes: [zone.name] });
      expect(result.differences.length).toBeGreaterThan(0);
      expect(formatDifferences(result)).toContain('$ORIGIN proof.test.');
    } finally {
      await changed.stop();
    }
  });

  describe('promises of a single reply', () => {
    /** A server that spoils Knot's replies on their way. */
    async function spoiler(spoil: (reply: Buffer) => Buffer): Promise<{ endpoint: Endpoint; socket: Socket }> {
      const socket = createSocket('udp4');
      socket.on('message', (query, from) => {
        const relay = createSocket('udp4');
        relay.on('message', (reply) => {
          socket.send(spoil(Buffer.from(reply)), from.port, from.address);
          relay.close();
        });
        relay.send(query, reference.port, reference.address);
      });
      await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
      return { endpoint: { name: 'spoiled', address: '127.0.0.1', port: socket.address().port }, socket };
    }
    const query: DifferentialQuery = { zone, shape: { name: 'A.proof.test.', type: 'A' }, transport: 'udp' };
    const setFlag = (bit: number) => (reply: Buffer) => {
      reply.writeUInt16BE(reply.readUInt16BE(2) | bit, 2);
      return reply;
    };
    test.each<[string, (reply: Buffer) => Buffer]>([
      ['RA is set', setFlag(0x0080)],
      ['AD is set', setFlag(0x0020)],
      ['Z is set', setFlag(0x0040)],
      ['octets after the last record', (reply) => Buffer.concat([reply, Buffer.from([0])])],
      [
        'question is not echoed',
        (reply) => {
          reply[13] = 0x61;
          return reply;
        },
      ],
      [
        'a record stands twice in answer',
        (reply) => {
          reply.writeUInt16BE(2, 6);
          return Buffer.concat([reply, reply.subarray(-16)]);
        },
      ],
    ])('%s', async (what, spoil) => {
      const { endpoint, socket } = await spoiler(spoil);
      try {
        const result = await runDifferential(endpoint, [], [query], { apexes: [zone.name] });
        expect(result.broken.join('\n')).toContain(what);
      } finally {
        socket.close();
      }
    });

    test('silence is a difference', async () => {
      const socket = createSocket('udp4');
      await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
      const endpoint = { name: 'silent', address: '127.0.0.1', port: socket.address().port };
      const result = await runDifferential(endpoint, [reference], [query], { apexes: [zone.name] });
      socket.close();
      expect(result.differences.map((each) => each.fields)).toEqual([['reply']]);
    });
  });
});

test('$GENERATE in fixtures is written out as BIND does it', () => {
  expect(expandGenerate('$GENERATE 1-3 h$ CNAME t${1,0,d}')).toBe('h1 CNAME t2\nh2 CNAME t3\nh3 CNAME t4');
});
