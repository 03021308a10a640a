/** The journal of events: written with what it tells of, in order, kept over a restart, and no more of it than there is room for. */
import { describe, expect, test } from 'vitest';
import { EVENT_TEXT_CHARACTERS_MAX } from '#base/limits/events.ts';
import { createLog } from '#base/log.ts';
import { WHOLE } from '#base/place.ts';
import { fail, ok, problem } from '#base/problem.ts';
import { judgeSpace } from '#store/free-space.ts';
import { type DueSource } from '#control/lifecycle/due-source.ts';
import { Scheduler } from '#control/lifecycle/scheduler.ts';
import { nameOf } from '#dns/name.ts';
import { type TestControl, bad, good, temporaryControl, MAIL_ZONE_TEXT } from '../support/temporary-control.ts';
import { TEST_NOW_MS, temporaryStore } from '../support/temporary-store.ts';
import { TestTimers } from '../support/test-timers.ts';

const ZONE = nameOf('post.example.');
const set = (address: string) =>
  ({
    kind: 'rrsets.change',
    zone: ZONE,
    operations: [{ op: 'set', name: 'www', type: 'A', ttl: 60, records: [address] }],
  }) as const;
const apply = { kind: 'mail.apply', zone: ZONE, policy: { mtaSts: { mode: 'off' } } } as const;

const all = ({ control }: TestControl) => control.events.after(0, 1000);

describe('events', () => {
  test('of a zone tell serial, revision and who; a dry run and a refusal tell nothing', async () => {
    const room = temporaryControl();
    await room.load('post.example.', MAIL_ZONE_TEXT);
    const changed = good(await room.run(set('192.0.2.2'), { actor: { kind: 'token', id: 't1', from: '192.0.2.9' } }));
    good(await room.run(set('192.0.2.3'), { dryRun: true }));
    good(await room.run(set('192.0.2.2')));
    bad(await room.run(set('not an address')));
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    expect(all(room)).toEqual([
      expect.objectContaining({ id: 1, kind: 'zone', event: 'changed', zone: 'post.example.', action: 'zone.import', generation: 1 }),
      {
        id: 2,
        kind: 'zone',
        event: 'changed',
        zone: 'post.example.',
        text: `serial ${changed.serial}, signed`,
        // Where from is for the audit log.
        actor: { kind: 'token', id: 't1' },
        action: 'rrsets.change',
        serial: changed.serial,
        generation: changed.revision,
        atMs: TEST_NOW_MS,
        previous: 1,
        lost: 0,
      },
      expect.objectContaining({ id: 3, event: 'removed', zone: 'post.example.', action: 'zone.remove' }),
    ]);
  });

  test('of mail come with the step that made them: a crash before the commit leaves neither, after it both', async () => {
    const room = temporaryControl();
    await room.load('post.example.', MAIL_ZONE_TEXT);
    good(await room.run(apply));
    const events = all(room);
    expect(events.map(({ kind, event, machine }) => `${kind} ${event} ${machine ?? ''}`)).toEqual(
      expect.arrayContaining(['zone changed ', 'mail started dkim', 'mail step dkim', 'mail waiting dkim']),
    );
    // One commit, one generation.
    expect(new Set(events.slice(1).map(({ generation }) => generation)).size).toBe(1);
    expect(events.slice(1).map(({ text, event, object }) => `post.example. ${event} ${object} ${text}`)).toEqual(
      expect.arrayContaining(room.events),
    );
    await room.control.close();
    const again = temporaryControl({ in: room.dir });
    expect(all(again)).toEqual(events);
    good(await again.run(set('192.0.2.7')));
    expect(again.control.events.after(events.at(-1)!.id, 10)).toMatchObject([{ id: events.at(-1)!.id + 1, action: 'rrsets.change' }]);
  });

  test('are kept up to a number; ids are never used again, also when zones go', async () => {
    const room = temporaryControl({ eventsKept: 3 });
    await room.load('post.example.', MAIL_ZONE_TEXT);
    for (let each = 1; each <= 5; each++) good(await room.run(set(`192.0.2.${each}`)));
    expect(all(room).map(({ id }) => id)).toEqual([4, 5, 6]);
    expect(room.control.events.range()).toEqual({ oldest: 4, newest: 6, lost: 0 });
    good(await room.run({ kind: 'zone.remove', zone: ZONE }));
    await room.control.close();
    const again = temporaryControl({ in: room.dir, eventsKept: 2 });
    await again.load('post.example.', MAIL_ZONE_TEXT);
    expect(all(again).map(({ id }) => id)).toEqual([7, 8]);
  });

  test('of a busy zone push out its own past, not that of another zone, over restarts too', async () => {
    const room = temporaryControl({ eventsKept: 6 });
    await room.load('quiet.example.', MAIL_ZONE_TEXT);
    await room.load('post.example.', MAIL_ZONE_TEXT);
    for (let each = 1; each <= 20; each++) good(await room.run(set(`192.0.2.${each}`)));
    const zones = (of: typeof room) => all(of).map(({ zone }) => zone!.split('.')[0]);
    expect(zones(room)).toEqual(['quiet', 'post', 'post', 'post', 'post', 'post']);
    await room.control.close();
    const again = temporaryControl({ in: room.dir, eventsKept: 6 });
    good(await again.run(set('192.0.2.30')));
    expect(zones(again)).toEqual(['quiet', 'post', 'post', 'post', 'post', 'post']);
    // The next one of a zone says which one was before it, also when that is gone.
    expect(all(again).map(({ id, previous }) => [id, previous])).toEqual([
      [1, undefined],
      ...[19, 20, 21, 22, 23].map((id) => [id, id - 1]),
    ]);
    expect(again.control.events.range()).toEqual({ oldest: 1, newest: 23, lost: 0 });
  });

  test('of a commit that failed do not count', async () => {
    let looks = 0;
    let isFull = false;
    // Free when the commit begins, and full when the events have been written.
    const space = () => judgeSpace(isFull && looks++ % 2 === 1 ? 0 : 2 ** 40, 2 ** 41);
    const room = temporaryControl({ eventsKept: 3, space });
    await room.load('post.example.', MAIL_ZONE_TEXT);
    isFull = true;
    for (let each = 0; each < 5; each++) {
      const commit = room.writer.commit({ audit: { atMs: TEST_NOW_MS }, events: [{ kind: 'alert', event: 'X', text: '' }] });
      await expect(commit).rejects.toMatchObject({ code: 'STORE_FULL' });
    }
    isFull = false;
    for (let each = 1; each <= 2; each++) good(await room.run(set(`192.0.2.${each}`)));
    expect(all(room).map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  test('wake who follows, once they are durable, and at the end', async () => {
    const room = temporaryControl();
    const { events } = room.control;
    const never = new AbortController();
    const woken = events.next(0, 60_000, never.signal);
    await room.load('post.example.', MAIL_ZONE_TEXT);
    await woken;
    expect(events.range().newest).toBe(1);
    await events.next(0, 60_000, never.signal);
    const gone = new AbortController();
    const waiting = [events.next(1, 60_000, gone.signal), events.next(1, 5, never.signal), events.next(1, 60_000, never.signal)];
    gone.abort();
    await waiting[0];
    await waiting[1];
    events.close();
    await waiting[2];
    expect(events.isClosed).toBe(true);
  });

  test('of a step that is refused are alerts, once until it is possible again', async () => {
    const room = temporaryControl();
    await room.load('post.example.', MAIL_ZONE_TEXT);
    let isPossible = false;
    const source: DueSource = {
      name: 'test',
      zonesAtOnce: 1,
      refused: { event: 'mail.refused', text: 'a step is not possible' },
      due: () => [ZONE],
      nextDueMs: () => 0,
      alert: (zone, problems) => room.control.events.alert(zone, problems),
      async work() {
        if (!isPossible) return fail(problem('SIGNING_SELF_CHECK', WHOLE, 'x'.repeat(5000)));
        good(await room.run(set('192.0.2.9')));
        return ok([]);
      },
    };
    const timers = new TestTimers(() => room.clock.nowMs());
    const clock = { ...room.control.lifecycles, sources: [source] };
    const scheduler = new Scheduler(clock, createLog({ level: 'silent' }), { timers });
    scheduler.start();
    const minute = async () => {
      await timers.waiting(1);
      room.clock.pass(61_000);
      timers.fire();
      await timers.waiting(1);
    };
    const alerts = () => all(room).filter(({ kind }) => kind === 'alert');
    for (let round = 0; round < 3; round++) await minute();
    expect(alerts()).toMatchObject([{ event: 'SIGNING_SELF_CHECK', zone: 'post.example.' }]);
    expect(alerts()[0]!.text).toHaveLength(EVENT_TEXT_CHARACTERS_MAX + 1);
    isPossible = true;
    await minute();
    isPossible = false;
    await minute();
    expect(alerts()).toHaveLength(2);
    await scheduler.stop();
    // Nobody did anything: the audit log has nothing of it.
    expect(room.writer.audit(100).filter(({ action }) => action !== 'zone.import' && action !== 'rrsets.change')).toEqual([]);
  });
});

test('a commit that fails tells nothing', async () => {
  const { writer } = temporaryStore();
  let told = 0;
  writer.onEvents(() => told++);
  const write = { audit: { atMs: 1 }, events: [{ kind: 'alert', event: 'X', text: '' } as const] };
  await expect(writer.commit({ ...write, documents: [{ zoneId: 9, kind: 'k', id: 'i', value: 1 }] })).rejects.toThrow('does not exist');
  expect([told, writer.eventRange().newest]).toEqual([0, 0]);
  await writer.commit(write);
  expect([told, writer.eventRange().newest]).toEqual([1, 1]);
});
