/**
 * What is served is checked for as long as the server runs: a zone that stops to validate is an alert, once, and its
 * rollovers are held.
 */
import { describe, expect, test } from 'vitest';
import { type Problem } from '#base/problem.ts';
import { ServedSampler, type SamplerOptions } from '#control/dnssec/served-sampler.ts';
import { readReply } from '#dns/reply.ts';
import { type Bench, DAY_MS, ZONE, bench } from '../../support/dnssec-control.ts';
import { seededRandom } from '../../support/random.ts';
import { good } from '../../support/temporary-control.ts';

const next = seededRandom(7);
const random = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, () => Math.floor(next() * 256));

function sampler(room: Bench, more: Partial<SamplerOptions> = {}) {
  const alerts: Problem[] = [];
  const held: string[] = [];
  const made = new ServedSampler({
    writer: room.writer,
    publisher: { addresses: [], isServed: () => true },
    random,
    nowMs: () => room.clock.nowMs(),
    dsOf: () => [],
    alert: (_zone, problems) => Promise.resolve(void alerts.push(...problems)),
    hold: (_record, reason) => {
      held.push(reason);
      return Promise.resolve(true);
    },
    ...more,
  });
  return { made, alerts, held };
}

test('the alert comes once, and again after the zone was good; each time its rollovers are held', async () => {
  const room = await bench();
  let aheadMs = 0;
  const { made, alerts, held } = sampler(room, { nowMs: () => room.clock.nowMs() + aheadMs });
  for (const days of [0, 20, 20, 0, 20]) {
    aheadMs = days * DAY_MS;
    await made.sample();
  }
  // Nobody was asked: without a listener, a store that is good proves nothing.
  expect(made.counts).toEqual({ good: 0, bad: 3, silent: 2 });
  expect(alerts.map(({ code }) => code)).toEqual(['DNSSEC_SERVED']);
  expect(held).toEqual([expect.stringContaining('is served as it must not be')]);
});

const WWW = { op: 'set', name: 'www.keys.example.', type: 'A', ttl: 60, records: ['192.0.2.99'] } as const;

describe('over the network', () => {
  const malformed: SamplerOptions['ask'] = (_server, name, type) => {
    const octets = new Uint8Array(40);
    return Promise.resolve({
      reply: readReply(octets, 0, name, type) ?? {
        rcode: 0,
        isAuthoritative: true,
        isTruncated: false,
        records: [],
        count: 0,
      },
      octets,
    });
  };
  const listening = { addresses: ['127.0.0.1:53'], isServed: () => true };

  test('an answer that does not validate is alerted of, though the store is good', async () => {
    const room = await bench();
    const { made, alerts, held } = sampler(room, { ask: malformed, publisher: listening });
    await made.sample();
    expect(alerts.map(({ code, message }) => [code, message])).toEqual([
      [
        'DNSSEC_SERVED',
        'keys.example. DNSKEY is served as it must not be: the answer is malformed. Its rollovers are held',
      ],
    ]);
    expect(held).toEqual(['keys.example. DNSKEY is served as it must not be: the answer is malformed']);
  });

  test('while workers serve an older change, nothing is asked; a change in between counts for nothing', async () => {
    const room = await bench();
    const late = sampler(room, { ask: malformed, publisher: { ...listening, isServed: () => false } });
    await late.made.sample();
    expect([late.made.counts.silent, late.alerts]).toEqual([1, []]);
    const changing = sampler(room, {
      publisher: listening,
      ask: async (server, name, type) => {
        good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations: [WWW] }));
        return malformed(server, name, type);
      },
    });
    await changing.made.sample();
    expect([changing.made.counts.silent, changing.alerts]).toEqual([1, []]);
  });

  test('changes of other zones are nothing to it: on a busy server every zone is looked at', async () => {
    const room = await bench();
    const busy = sampler(room, {
      publisher: { ...listening, isServed: (generation) => generation <= room.record().revision },
      ask: async (server, name, type) => {
        await room.load('busy.test.', '@ 60 SOA ns host 1 1 1 1 1\n@ 60 NS ns.elsewhere.\n', { dnssec: false });
        return malformed(server, name, type);
      },
    });
    await busy.made.sample();
    expect([busy.made.counts.bad, busy.alerts.length]).toEqual([1, 1]);
  });

  test('the rollovers are held before the alert says so; where they cannot be, it says that, and tries again', async () => {
    const room = await bench();
    const order: string[] = [];
    const results = [false, true];
    const { made } = sampler(room, {
      ask: malformed,
      publisher: listening,
      hold: () => Promise.resolve(order.push('hold') > 0 && results.shift()!),
      alert: (_zone, [found]) => Promise.resolve(void order.push(/[^.]*$/.exec(found!.message)![0].trim())),
    });
    for (let at = 0; at < 3; at++) await made.sample();
    expect(order).toEqual(['hold', 'Its rollovers could not be held', 'hold']);
  });
});
