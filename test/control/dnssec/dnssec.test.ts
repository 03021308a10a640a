/** The parts of keys and rollovers put together: what the sampler finds holds a zone, and an operator's hold stays. */
import { expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, ZONE, bench, follow, roll, states } from '../../support/dnssec-control.ts';
import { good } from '../../support/temporary-control.ts';

test('the hold stops a rollover under way until an operator resumes it', async () => {
  const room = await bench();
  follow(room);
  good(await roll(room, 'csk'));
  room.clock.pass(20 * DAY_MS);
  // Nothing was renewed for twenty days: the signatures are over.
  await room.control.refreshable.sampleServed!();
  const [rollover] = room.control.dnssec.view(room.record()).rollovers;
  expect(rollover!.explanation.lines.join(' ')).toContain('is served as it must not be');
  expect(
    room.control.events
      .after(0, 100)
      .filter(({ kind }) => kind === 'alert')
      .map(({ text }) => text),
  ).toEqual([expect.stringContaining('Its rollovers are held')]);
  const before = states(room);
  await room.live(6 * HOUR_MS);
  expect(states(room)).toEqual(before);
  good(await room.run({ kind: 'dnssec.resume', zone: ZONE }));
  good(await room.run({ kind: 'dnssec.hold', zone: ZONE, reason: 'by hand' }));
  await room.control.refreshable.sampleServed!();
  expect(room.control.dnssec.view(room.record()).rollovers[0]!.explanation.lines.join(' ')).toContain('by hand');
});
