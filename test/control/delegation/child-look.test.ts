/** Children that lie, over real sockets: the DS stays as it is, soon, and with few signatures checked. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, onTestFinished, test } from 'vitest';
import { formatIpPort } from '#base/address.ts';
import { CHILD_VERIFICATIONS_MAX } from '#base/limits/dnssec.ts';
import { lookAtChild } from '#control/delegation/child-look.ts';
import { askDirectly } from '#control/outside/direct-question.ts';
import { checkByEngine } from '#dnssec/algorithm.ts';
import { judgeChild } from '#dnssec/delegation/judge-child.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { engineKey } from '#dnssec/key.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { RCODE, TYPE, type RrType } from '#dns/types.ts';
import { MemoryZone } from '#zone/zone.ts';
import { type FakeRecord, type FakeReply, fakeNameServer } from '../../support/fake-name-server.ts';
import { zoneOf } from '../../support/random-zone.ts';
import { signedBy } from '../../support/signed-records.ts';

const CHILD = nameOf('kid.test.');
const NOW = 1_800_000_000;
const [A, B] = [engineKey(new Uint8Array(32).fill(1)), engineKey(new Uint8Array(32).fill(2))] as const;
const DS = [dsRdata(CHILD, A.dnskey, 2)];
const RDATAS: Readonly<Record<number, readonly Uint8Array[]>> = {
  [TYPE.CDS]: [dsRdata(CHILD, B.dnskey, 2)],
  [TYPE.CDNSKEY]: [B.dnskey],
  [TYPE.DNSKEY]: [A.dnskey, B.dnskey],
};

/** Records with `signatures` over them, as a server gives them out. */
function records(type: RrType, rdatas: readonly Uint8Array[], signatures: readonly Uint8Array[]): FakeReply {
  const of = (each: RrType, rdata: Uint8Array): FakeRecord => ({ owner: CHILD, type: each, ttl: 60, rdata });
  return { answer: [...rdatas.map((each) => of(type, each)), ...signatures.map((each) => of(TYPE.RRSIG, each))] };
}

function honest(type: RrType): FakeReply {
  const rdatas = RDATAS[type] ?? [];
  return records(type, rdatas, signedBy({ owner: CHILD, type, ttl: 60, rdatas }, [A, B], NOW).signatures);
}

/** The judgement over what two servers say, how long it takes, and how many signatures it checks. */
async function look(first: (type: RrType) => FakeReply | undefined, second = honest as typeof first) {
  const servers = await Promise.all([first, second].map((reply) => fakeNameServer((_name, type) => reply(type))));
  onTestFinished(async () => void (await Promise.all(servers.map((each) => each.close()))));
  const view = new MemoryZone(nameOf('test.'), new Map());
  const lookup = () => Promise.resolve({ kind: 'nodata' } as const);
  const options = { resolver: { lookup }, isAllowed: () => true };
  const startedMs = performance.now();
  const places = servers.map(({ at }) => formatIpPort(at));
  const seen = await lookAtChild(CHILD, view, places, { ...options, ask: askDirectly });
  let checks = 0;
  const check: typeof checkByEngine = (...one) => {
    checks += 1;
    return checkByEngine(...one);
  };
  const verdict =
    'failure' in seen
      ? { kind: 'held', text: seen.failure }
      : judgeChild({ child: CHILD, ds: DS, answers: seen.answers, nowSeconds: NOW, check });
  return { verdict, checks, tookMs: performance.now() - startedMs, places };
}

test('two honest servers: the new DS, with four signatures of each checked', async () => {
  const { verdict, checks } = await look(honest);
  expect(verdict).toMatchObject({ kind: 'change', ds: RDATAS[TYPE.CDS] });
  expect(checks).toBeLessThanOrEqual(8);
});

const wrong = Uint8Array.from(RDATAS[TYPE.CDS]![0]!);
wrong[10]! ^= 1;
const many = Array.from({ length: 500 }, (_, at) => Uint8Array.of(at >> 8, at, 13, 2, ...new Uint8Array(32)));

test.for<[string, (type: RrType) => FakeReply | undefined, RegExp]>([
  [
    'a wrong digest',
    (type) =>
      type === TYPE.CDS
        ? records(
            type,
            [wrong],
            honest(type)
              .answer!.slice(1)
              .map(({ rdata }) => rdata),
          )
        : honest(type),
    /other CDS records/,
  ],
  ['a stale server', (type) => (type === TYPE.DNSKEY ? honest(type) : {}), /other CDS records/],
  ['SERVFAIL', () => ({ rcode: RCODE.SERVFAIL }), /answers SERVFAIL/],
  ['NXDOMAIN', () => ({ rcode: RCODE.NXDOMAIN }), /answers NXDOMAIN/],
  ['no authority', (type) => ({ ...honest(type), isAuthoritative: false }), /without authority/],
  [
    '500 CDS records',
    (type) => (type === TYPE.CDS ? records(type, many, []) : honest(type)),
    /500 records of one type/,
  ],
  ['no signatures', (type) => records(type, RDATAS[type] ?? [], []), /DNSKEY is not signed by a key/],
])('RFC 9975 §3.1: %s at one server of two holds, and names it', async ([, lie, why]) => {
  const { verdict, tookMs } = await look(lie);
  expect(verdict).toMatchObject({ kind: 'held', text: expect.stringMatching(why) as string });
  expect(verdict).toMatchObject({ text: expect.stringContaining('127.0.0.1') as string });
  expect(tookMs).toBeLessThan(1000);
});

test('KeyTrap (CVE-2023-50387): under a second, sixteen checks at most, and the event loop is not held up', async () => {
  const delays = monitorEventLoopDelay({ resolution: 5 });
  const trap = (type: RrType): FakeReply => {
    const { rdatas, signatures } = signedBy({ owner: CHILD, type, ttl: 60, rdatas: RDATAS[type] ?? [] }, [A, B], NOW);
    const forged = Array.from({ length: 500 }, (_, at) => {
      const octets = Uint8Array.from(signatures[at % 2]!);
      octets[octets.length - 1 - (at % 40)]! ^= 1 + (at % 255);
      return octets;
    });
    return records(type, rdatas, forged);
  };
  delays.enable();
  const { verdict, checks, tookMs } = await look(trap, trap);
  delays.disable();
  expect(verdict).toMatchObject({ kind: 'held' });
  expect(checks).toBeLessThanOrEqual(CHILD_VERIFICATIONS_MAX);
  expect(tookMs).toBeLessThan(1000);
  expect(delays.max / 1e6).toBeLessThan(500);
});

test('RFC 9975 §3.1: a family that cannot be looked up holds, whatever the addresses of the other say', async () => {
  const view = zoneOf(
    'test.',
    '@ 60 SOA ns host 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.1\nkid 60 NS out.example.\n',
  );
  const asked: string[] = [];
  const ask = (server: { readonly ip: string }) => {
    asked.push(server.ip);
    return Promise.resolve({ failure: 'does not answer' } as const);
  };
  const rdatas = [Uint8Array.of(192, 0, 2, 9)];
  const resolver = {
    lookup: (_name: Uint8Array, type: RrType) =>
      Promise.resolve(
        type === TYPE.A ? ({ kind: 'answer', rdatas, ttlSeconds: 60 } as const) : ({ kind: 'timeout' } as const),
      ),
  };
  const seen = await lookAtChild(CHILD, view, [], { resolver, ask, isAllowed: () => true });
  expect(seen).toMatchObject({ failure: expect.stringMatching(/out\.example.*IPv6.*timeout/) as string });
  expect(asked).toEqual([]);
});

test('glue of the delegation, and look-ups for the others; an address inside is not asked', async () => {
  const view = zoneOf(
    'test.',
    '@ 60 SOA ns host 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.1\nkid 60 NS ns.kid\nkid 60 NS out.example.\nns.kid 60 A 192.0.2.2\n',
  );
  const asked: string[] = [];
  const resolver = {
    lookup: (name: Uint8Array, type: RrType) => {
      const isOut = type === TYPE.A && ownerKey(name) === ownerKey(nameOf('out.example.'));
      const rdatas = [Uint8Array.of(10, 0, 0, 1)];
      return Promise.resolve(
        isOut ? ({ kind: 'answer', rdatas, ttlSeconds: 60 } as const) : ({ kind: 'nodata' } as const),
      );
    },
  };
  const ask = (server: { readonly ip: string }) => {
    asked.push(server.ip);
    return Promise.resolve({ failure: 'does not answer' } as const);
  };
  const open = await lookAtChild(CHILD, view, [], { resolver, ask, isAllowed: () => true });
  expect(asked.toSorted()).toEqual(['10.0.0.1', '192.0.2.2']);
  expect(open).toMatchObject({ failure: expect.stringContaining('does not answer') as string });
  asked.length = 0;
  const guarded = await lookAtChild(CHILD, view, [], { resolver, ask, isAllowed: (ip) => !ip.startsWith('10.') });
  expect(guarded).toMatchObject({
    failure: expect.stringContaining('10.0.0.1, which no host outside can reach') as string,
  });
  expect(asked).toEqual([]);
});
