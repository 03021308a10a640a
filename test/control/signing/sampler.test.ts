/** What is served is checked for as long as the server runs: a zone that stops to validate is an alert, once. */
import { expect, test } from 'vitest';
import { type Problem } from '#base/problem.ts';
import { TYPE } from '#dns/types.ts';
import { servedSampler, sampleZone } from '#control/signing/sampler.ts';
import { memoryZone } from '#zone/zone.ts';
import { bench } from '../../support/dnssec-control.ts';
import { seededRandom } from '../../support/random.ts';

const next = seededRandom(7);
const random = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, () => Math.floor(next() * 256));

test('a good zone is good; signatures that are over, and keys that are not there, are found', async () => {
  const room = await bench();
  const view = room.writer.view(room.record());
  const nowSeconds = room.clock.nowMs() / 1000;
  expect(sampleZone(room.record(), view, nowSeconds, random)).toBeUndefined();
  expect(sampleZone(room.record(), view, nowSeconds + 20 * 86_400, random)).toMatchObject({ code: 'DNSSEC_SERVED' });
  expect(sampleZone({ ...room.record(), keys: [] }, view, nowSeconds, random)?.message).toContain('served as it must not be');
});

test('a name without its signature is found in time', async () => {
  const room = await bench();
  const view = room.writer.view(room.record());
  const rrsets = [...view.ascend(view.apexKey)].flatMap(({ owner, rrsets: all }) =>
    all.map((each) => ({ owner, ...each, signatures: each.type === TYPE.A ? [] : each.signatures })),
  );
  const broken = memoryZone(view.apex, rrsets);
  let rounds = 0;
  while (rounds < 500 && sampleZone(room.record(), broken, room.clock.nowMs() / 1000, random) === undefined) rounds++;
  expect(rounds).toBeLessThan(500);
});

test('the alert comes once, and again after the zone was good', async () => {
  const room = await bench();
  const alerts: Problem[] = [];
  let aheadMs = 0;
  const sample = servedSampler({
    writer: room.writer,
    random,
    nowMs: () => room.clock.nowMs() + aheadMs,
    alert: (_zone, problems) => Promise.resolve(void alerts.push(...problems)),
  });
  await sample();
  expect(alerts).toEqual([]);
  for (const days of [20, 20, 0, 20]) {
    aheadMs = days * 86_400_000;
    await sample();
  }
  expect(alerts.map(({ code }) => code)).toEqual(['DNSSEC_SERVED', 'DNSSEC_SERVED']);
});
