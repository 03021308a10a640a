/** Whatever servers, resolvers and hosts answer, a check ends with a report: they are strangers. */
import { describe, expect, test } from 'vitest';
import { type Ask } from '#control/doctor/client.ts';
import { Doctor } from '#control/doctor/doctor.ts';
import { type OutsideWitnesses } from '#control/outside/evidence.ts';
import { HTTPS_PROBE } from '#control/outside/https-probe.ts';
import { STARTTLS_LOOK } from '#control/outside/starttls-look.ts';
import { nameOf } from '#dns/name.ts';
import { readRdata } from '#dns/registry.ts';
import { readReply, writeQuestion } from '#dns/reply.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { type RrType } from '#dns/types.ts';
import { type World, certificateFor, doctorWorld, shows } from '../../support/doctor-world.ts';
import { type Random, pick, seedOfRun, seededRandom } from '../../support/random.ts';
import { temporaryControl } from '../../support/temporary-control.ts';
import { TEST_NOW_MS } from '../../support/temporary-store.ts';

const ROUNDS = 40;
const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const octetsOf = (random: Random, most: number): Uint8Array =>
  Uint8Array.from({ length: below(random, most) }, () => below(random, random() < 0.3 ? 256 : 6));

/** Servers whose messages have a few octets changed. */
function brokenAsk(world: World, random: Random, way: 'udp' | 'tcp'): Ask {
  return (server, name, type) => {
    const octets = Uint8Array.from(world.respond(server.ip, writeQuestion(77, name, type), way) ?? []);
    for (let count = below(random, 4); count > 0 && octets.length > 0; count--)
      octets[2 + below(random, octets.length - 2)] = below(random, 256);
    const reply = readReply(octets, 77, name, type);
    return Promise.resolve(reply === undefined ? { failure: 'no reply' } : { reply, octets });
  };
}

/** Well-formed data of the type, and nothing more. */
function randomAnswer(random: Random, type: RrType): ResolverAnswer {
  const rdatas: Uint8Array[] = [];
  for (let tries = 0; tries < 200 && rdatas.length < 3; tries++) {
    const octets = octetsOf(random, 60);
    const read = readRdata(type, { message: octets, offset: 0, length: octets.length });
    if (read !== undefined) rdatas.push(read);
  }
  return rdatas.length === 0 ? { kind: 'nodata' } : { kind: 'answer', rdatas, ttlSeconds: 5 };
}

function brokenResolver(world: World, random: Random): Resolver {
  return {
    lookup(name, type) {
      const what = pick(random, ['random', 'none', 'right', 'right', 'right']);
      if (what === 'right') return world.resolver.lookup(name, type);
      if (what === 'random') return Promise.resolve(randomAnswer(random, type));
      return Promise.resolve({ kind: pick(random, ['nxdomain', 'nodata', 'servfail', 'timeout'] as const) });
    },
  };
}

function brokenHosts(random: Random): OutsideWitnesses {
  const seen = shows('193.0.14.25', certificateFor('mx1.post.example', TEST_NOW_MS));
  const file = () => Promise.resolve(octetsOf(random, 80));
  const body = () => Promise.resolve(String.fromCharCode(...octetsOf(random, 80)));
  return {
    ...{ nameServers: new Map(), publicFiles: file, webHosts: seen },
    probes: new Map([[HTTPS_PROBE, body]]),
    bimiProbes: new Map([[HTTPS_PROBE, file]]),
    liveChecks: new Map([[STARTTLS_LOOK, seen]]),
  };
}

test(`${ROUNDS} rounds of damaged messages, random records and files`, async () => {
  const random = seededRandom(seedOfRun('WAXSEAL_CHECK_SEED'));
  const world = await doctorWorld();
  const verdicts = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const doctor = world.doctorOf({
      ask: { udp: brokenAsk(world, random, 'udp'), tcp: brokenAsk(world, random, 'tcp') },
      outside: brokenResolver(world, random),
      witnesses: brokenHosts(random),
    });
    const report = await doctor.check(world.record());
    expect(report.ok).toBe(true);
    if (report.ok) for (const { verdict } of report.value.results) verdicts.add(verdict);
  }
  expect([...verdicts]).toContain('failed');
});

describe('zones of odd names', () => {
  const LONG = `${`${'a'.repeat(62)}.`.repeat(3)}${'b'.repeat(60)}.`;
  test.each(['.', 'arpa.', LONG, 'a\\.b\\000c.example.', '_x.example.'])('%s', async (name) => {
    const made = temporaryControl();
    // At the root its name server is a name of the zone.
    const glue = name === '.' ? 'ns.other.test. 60 A 193.0.14.1\n@ 60 MX 5 ns.other.test.\n' : `@ 60 MX 5 ${name}\n`;
    await made.load(name, `@ 60 SOA ns.other.test. h.other.test. 1 2 3 4 5\n@ 60 NS ns.other.test.\n${glue}`);
    const { writer, clock } = made;
    const random = seededRandom(7);
    const doctor = new Doctor({
      ...{ writer, clock, witnesses: brokenHosts(random), random: (bytes: number) => new Uint8Array(bytes) },
      outside: { lookup: (_name, type) => Promise.resolve(randomAnswer(random, type)) },
      ask: { udp: () => Promise.resolve({ failure: 'silent' }), tcp: () => Promise.resolve({ failure: 'silent' }) },
    });
    const report = await doctor.check(writer.zoneByName(nameOf(name))!);
    expect(report).toMatchObject({ ok: true, value: { verdict: 'failed' } });
  });
});
