/** The parts of keys and rollovers put together: what the sampler finds holds a zone, and an operator's hold stays. */
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { NO_ROLLOVERS } from '#dnssec/rollover/state.ts';
import { readRolloverState, rolloverWrite } from '#store/dnssec/rollovers.ts';
import { DAY_MS, HOUR_MS, ZONE, bench, follow, roll, states } from '../../support/dnssec-control.ts';
import { good } from '../../support/temporary-control.ts';
import { auditEvent } from '../../support/temporary-store.ts';

const LOG = createLog({ level: 'silent' });

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

test('a damaged rollover document of one zone stops neither the samples, nor messages to parents, nor the metrics', async () => {
  const room = await bench();
  const damaged = { ...rolloverWrite(room.record().id, NO_ROLLOVERS), value: { version: 1 } };
  await room.writer.commit({ audit: auditEvent(), documents: [damaged] });
  expect(() => readRolloverState(room.writer, room.record().id)).toThrow('does not have its form');
  await room.control.refreshable.sampleServed!();
  // Signatures that are over: the hold cannot be written.
  room.clock.pass(20 * DAY_MS);
  await room.control.refreshable.sampleServed!();
  room.control.cdsNotifier.start(LOG);
  onTestFinished(() => room.control.cdsNotifier.stop());
  expect(room.control.metrics().find(({ name }) => name === 'waxseal_dnssec_rollovers_held')!.samples[0]!.value).toBe(0);
});
