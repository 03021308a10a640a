/** Names of a zone chosen by chance, as they are in the store: what does not validate is found. */
import { expect, test } from 'vitest';
import { TYPE } from '#dns/types.ts';
import { sampleZone } from '#control/signing/sampler.ts';
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
  expect(sampleZone(room.record(), view, nowSeconds + 20 * 86_400, random)).toMatchObject({ kind: 'bad' });
  expect(sampleZone({ ...room.record(), keys: [] }, view, nowSeconds, random)?.why).toContain('no DNSKEY');
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
