/**
 * The same zones in waxseal, NSD, Knot and BIND; the same questions to all; no difference that test/support/peculiarities.ts does not explain.
 * `WAXSEAL_SEED=n` repeats or varies the random part; a failure prints zones, questions and all replies.
 */
import { createSocket, type Socket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DifferentialQuery, type DifferentialResult, formatDifferences, runDifferential } from '../support/differential.ts';
import { type Endpoint } from '../support/exchange.ts';
import { expandGenerate, fixtureZones, type TestZone } from '../support/fixture-zones.ts';
import { PEER_KINDS } from '../support/peer-kinds.ts';
import { type Peer, type PeerZone, startPeer, startPeers } from '../support/peers.ts';
import { exhaustiveQueries, randomQueries } from '../support/query-set.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { randomZoneTexts } from '../support/random-zone-text.ts';
import { exportSigned, putZones, startWaxseal, type Waxseal } from '../support/waxseal.ts';
import { type QueryShape } from '../support/wire.ts';

const SEED = Number(process.env['WAXSEAL_SEED'] ?? 20_261_121);

/** 15 of 100 go over TCP. */
function over(random: Random, zone: TestZone, shapes: readonly QueryShape[]): DifferentialQuery[] {
  return shapes.map((shape) => ({ zone, shape, transport: random() < 0.15 ? 'tcp' : 'udp' }));
}

interface Scope {
  readonly title: string;
  readonly zones: (random: Random) => TestZone[];
  readonly queries: (zone: TestZone, random: Random) => QueryShape[];
  /** Replies compared at least, so that an empty run cannot pass. */
  readonly atLeast: number;
}

const handWritten: Scope = {
  title: 'hand-written zones',
  // BIND refuses NS at a wildcard and so do we: RFC 4592 §4.2 leaves it undefined.
  zones: () => fixtureZones().filter((zone) => zone.peers.length === PEER_KINDS.length),
  queries: (zone, random) => exhaustiveQueries(zone.name, zone.text, random),
  atLeast: 20_000,
};

function randomScope(zones: number, queriesPerZone: number): Scope {
  return {
    title: `${zones} random zones`,
    zones: (random) => randomZoneTexts(zones, random).map((zone) => ({ ...zone, peers: PEER_KINDS })),
    queries: (zone, random) => randomQueries(zone.name, zone.text, queriesPerZone, random),
    atLeast: zones * queriesPerZone * PEER_KINDS.length,
  };
}

/** Empty when enough was compared, no promise broken and nothing unexplained; else all that is needed to repeat the first differences. */
function verdict(result: DifferentialResult, atLeast: number): string {
  if (result.compared < atLeast) return `only ${result.compared} replies compared, expected at least ${atLeast}`;
  return result.differences.length + result.broken.length === 0 ? '' : formatDifferences(result);
}

describe.each([handWritten, randomScope(300, 40)])('RFC 1034 §4.3.2, RFC 4592, RFC 6672, RFC 9471: $title, unsigned', (scope) => {
  const random = seededRandom(SEED);
  const zones = scope.zones(random);
  const queries = zones.flatMap((zone) => over(random, zone, scope.queries(zone, random)));
  const apexes = zones.map((zone) => zone.name);
  let peers: Peer[] = [];
  let waxseal: Waxseal;

  beforeAll(async () => {
    [peers, waxseal] = await Promise.all([startPeers(PEER_KINDS, () => zones), startWaxseal()]);
    await putZones(waxseal, zones, 'off');
  });
  afterAll(async () => {
    await Promise.all([...peers.map((peer) => peer.stop()), waxseal.stop()]);
  });

  test('waxseal against NSD, Knot and BIND', async () => {
    const result = await runDifferential(waxseal, peers, queries, { apexes });
    expect(verdict(result, scope.atLeast)).toBe('');
  });

  test('NSD against Knot and BIND: what they do differently is known', async () => {
    const [nsd, ...others] = peers;
    const some = queries.filter((_, at) => at % 3 === 0);
    const result = await runDifferential(nsd!, others, some, { apexes, keepsPromises: false });
    expect(verdict(result, (scope.atLeast * 2) / 9 - 10)).toBe('');
  });
});

describe.each([handWritten, randomScope(60, 60)])('RFC 4035 §3.1: $title, signed by waxseal, its export served by the peers', (scope) => {
  const random = seededRandom(SEED + 1);
  const zones = scope.zones(random);
  const queries = zones.flatMap((zone) =>
    over(
      random,
      zone,
      scope.queries(zone, random).map((shape) => ({ ...shape, edns: { size: shape.edns?.size ?? 1232, dnssecOk: random() < 0.9 } })),
    ),
  );
  let peers: Peer[] = [];
  let waxseal: Waxseal;

  beforeAll(async () => {
    waxseal = await startWaxseal();
    await putZones(waxseal, zones, 'on');
    const exported: PeerZone[] = [];
    for (const zone of zones) exported.push({ name: zone.name, text: await exportSigned(waxseal, zone.name) });
    peers = await startPeers(PEER_KINDS, () => exported);
  });
  afterAll(async () => {
    await Promise.all([...peers.map((peer) => peer.stop()), waxseal.stop()]);
  });

  test('waxseal against NSD, Knot and BIND', async () => {
    const result = await runDifferential(waxseal, peers, queries, { apexes: zones.map((zone) => zone.name) });
    expect(verdict(result, scope.atLeast)).toBe('');
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
