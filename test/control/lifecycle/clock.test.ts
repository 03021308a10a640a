/** The counted time is written down now and then, so that a reboot loses little of it; not where nothing counts. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { readTimeline } from '#store/timeline.ts';
import { MAIL_ZONE_TEXT, type TestControl, good, temporaryControl } from '../../support/temporary-control.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const ZONE = nameOf('post.example.');

/** A zone whose keys are active: the next thing that is due is days away. */
async function waiting(): Promise<TestControl> {
  const room = temporaryControl({ sources: ['mail'], wakeEveryMs: MINUTE_MS });
  await room.load('post.example.', MAIL_ZONE_TEXT);
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const policy = { mtaSts: { mode: 'off' }, spf: { enabled: false } };
  good(await room.run({ kind: 'mail.apply', zone: ZONE, policy }));
  await room.live(3 * HOUR_MS);
  return room;
}

test('every hour while something waits, and nothing is said of it in the audit log', async () => {
  const room = await waiting();
  const before = room.writer.audit(100).length;
  const first = readTimeline(room.writer)!.nowMs;
  await room.live(2 * HOUR_MS);
  const noted = readTimeline(room.writer)!.nowMs;
  expect(noted - first).toBeGreaterThanOrEqual(HOUR_MS);
  expect(room.control.lifecycles.nowMs() - noted).toBeLessThanOrEqual(HOUR_MS + MINUTE_MS);
  expect(room.writer.audit(100)).toHaveLength(before);
});

test('a reboot loses no more than that', async () => {
  const room = await waiting();
  await room.live(90 * MINUTE_MS);
  const counted = room.control.lifecycles.nowMs();
  await room.writer.close();
  const again = temporaryControl({ in: room.dir, nowMs: room.clock.nowMs() + 10 * HOUR_MS, bootId: 'another' });
  expect(counted - again.control.lifecycles.nowMs()).toBeLessThanOrEqual(HOUR_MS + MINUTE_MS);
  expect(counted - again.control.lifecycles.nowMs()).toBeGreaterThan(0);
});

test('where nothing waits it is not written', async () => {
  const room = temporaryControl({ wakeEveryMs: MINUTE_MS });
  // Of a signed zone the parent is looked at, for ever.
  await room.load('post.example.', MAIL_ZONE_TEXT, { dnssec: false });
  const generation = room.writer.generation();
  await room.live(5 * HOUR_MS);
  expect([room.writer.generation(), readTimeline(room.writer)]).toEqual([generation, undefined]);
});
