/** This server asked over UDP as a client does: what it serves is good, and what is served otherwise is found. */
import { expect, onTestFinished, test } from 'vitest';
import { Responder } from '#answer/respond.ts';
import { formatIpPort, ipPort } from '#base/address.ts';
import { type RrsetOperation } from '#control/api/control.ts';
import { type ServedVerdict, lookAtServed } from '#control/dnssec/served-look.ts';
import { askDirectly } from '#control/outside/direct-question.ts';
import { formatName } from '#dns/name.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { SERVER_SLOT_COUNT } from '#server/counters.ts';
import { settleAddresses, startWorkerListeners } from '#server/listen.ts';
import { openUdp } from '#server/udp/dgram.ts';
import { openReader } from '#store/reader.ts';
import { type Bench, ZONE, bench } from '../../support/dnssec-control.ts';
import { seededRandom } from '../../support/random.ts';
import { good } from '../../support/temporary-control.ts';

const next = seededRandom(7);
const random = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, () => Math.floor(next() * 256));

/** Serves the store of a control on a real socket; `spoil` may change each answer. */
async function served(room: Bench, spoil: (octets: Uint8Array) => void = () => {}): Promise<string> {
  const reader = openReader(room.writer.dir);
  const responder = new Responder(reader);
  const respond = responder.respond.bind(responder);
  responder.respond = (query, length, out, ...rest) => {
    const bytes = respond(query, length, out, ...rest);
    spoil(out.subarray(0, bytes));
    return bytes;
  };
  const addresses = good(await settleAddresses([ipPort('127.0.0.1', 0)]));
  const listeners = await startWorkerListeners({
    responder,
    addresses,
    openUdp,
    counters: new Float64Array(SERVER_SLOT_COUNT),
  });
  onTestFinished(async () => {
    await listeners.close(0);
    await reader.close();
  });
  return formatIpPort(listeners.addresses[0]!);
}

async function looks(room: Bench, address: string, ds: readonly Uint8Array[] = []): Promise<readonly ServedVerdict[]> {
  const found: ServedVerdict[] = [];
  for (let round = 0; round < 12; round++) {
    const options = { addresses: [address], ds, nowSeconds: room.clock.nowMs() / 1000, random };
    found.push(await lookAtServed(room.writer.view(room.record()), options));
  }
  return found;
}

test.each(['nsec', 'nsec3'] as const)('a zone with %s is good, from its DS down', async (denial) => {
  const room = await bench();
  good(await room.run({ kind: 'zone.denial', zone: ZONE, denial }));
  const dnskey = new Uint8Array(Buffer.from(room.record().keys[0]!.dnskey, 'base64'));
  const verdicts = await looks(room, await served(room), [dsRdata(ZONE, dnskey, 2)]);
  expect(verdicts).toEqual(verdicts.map(() => ({ kind: 'good' })));
});

test.each(['nsec', 'nsec3'] as const)(
  'RFC 4035 §3.1.4: delegations with and without DS are no fault, with %s',
  async (denial) => {
    const room = await bench();
    good(await room.run({ kind: 'zone.denial', zone: ZONE, denial }));
    const cut = (at: number): RrsetOperation[] => [
      { op: 'set', name: `c${at}`, type: 'NS', ttl: 60, records: ['ns.elsewhere.test.'] },
      ...(at % 3 === 0
        ? [{ op: 'set', name: `c${at}`, type: 'DS', ttl: 60, records: [`${at} 13 2 ${'ab'.repeat(32)}`] } as const]
        : []),
    ];
    const operations = Array.from({ length: 60 }, (_, at) => cut(at)).flat();
    good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations }));
    const verdicts = await looks(room, await served(room));
    expect(verdicts).toEqual(verdicts.map(() => ({ kind: 'good' })));
  },
);

test('a DS of another key is found', async () => {
  const room = await bench();
  const [verdict] = await looks(room, await served(room), [
    dsRdata(ZONE, Uint8Array.of(1, 1, 3, 13, ...random(64)), 2),
  ]);
  expect(verdict).toEqual({
    kind: 'bad',
    question: 'keys.example. DNSKEY',
    why: expect.stringContaining('no DS at the parent leads to'),
  });
});

test('answers that are spoiled on the way out are found, though the store is good', async () => {
  const room = await bench();
  // The last octet before OPT is one of a signature, or of a record.
  const address = await served(room, (octets) => (octets[octets.length - 12]! ^= 1));
  const kinds = (await looks(room, address)).map(({ kind }) => kind);
  expect(kinds).toContain('bad');
  expect(kinds).not.toContain('good');
});

test('without an answer nothing is learnt, and without a listener nothing is asked', async () => {
  const room = await bench();
  const view = room.writer.view(room.record());
  const options = { ds: [], nowSeconds: 0, random };
  expect(await lookAtServed(view, { ...options, addresses: [] })).toEqual({ kind: 'silent' });
  const ask = () => Promise.resolve({ failure: 'does not answer' });
  expect(await lookAtServed(view, { ...options, addresses: ['127.0.0.1:1'], ask })).toEqual({ kind: 'silent' });
});

test('DKIM selectors are not asked for: such questions count as use of a key', async () => {
  const room = await bench();
  const operations = ['s1', 's2', 's3'].map(
    (each) =>
      ({
        op: 'set',
        name: `${each}._domainkey.keys.example.`,
        type: 'TXT',
        ttl: 60,
        records: ['"v=DKIM1; p="'],
      }) as const,
  );
  good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations }));
  const address = await served(room);
  const asked: string[] = [];
  const options = { addresses: [address], ds: [], nowSeconds: room.clock.nowMs() / 1000, random };
  const ask: typeof askDirectly = (server, name, type) => {
    asked.push(formatName(name));
    return askDirectly(server, name, type);
  };
  for (let round = 0; round < 40; round++)
    expect(await lookAtServed(room.writer.view(room.record()), { ...options, ask })).toEqual({ kind: 'good' });
  expect(asked.some((each) => each === 'ns1.keys.example.')).toBe(true);
  expect(asked.filter((each) => each.includes('_domainkey'))).toEqual([]);
});
