/** How long audit entries stay: by their age in counted time, whatever the wall clock says and however many there are. */
import { describe, expect, test } from 'vitest';
import { AUDIT_REMOVE_ENTRIES_MAX } from '#base/limits/store.ts';
import { createLog } from '#base/log.ts';
import { DAY_MS, HOUR_MS } from '#base/units.ts';
import { AuditUpkeep } from '#control/audit/upkeep.ts';
import { appendAudit } from '#store/audit/entries.ts';
import { readAuditMarks } from '#control/audit/marks.ts';
import { numberKey } from '#store/schema.ts';
import { auditEvent } from '../../support/temporary-store.ts';
import { type TestControl, type TestControlOptions, temporaryControl } from '../../support/temporary-control.ts';

const KEEP_MS = 400 * DAY_MS;

function kept(options: TestControlOptions = {}) {
  const room = temporaryControl({ auditKeepMs: KEEP_MS, ...options });
  const upkeep = new AuditUpkeep(room.control.auditParts.retention, createLog({ level: 'silent' }));
  return {
    room,
    look: () => upkeep.look(),
    from: () => room.writer.auditRange().from,
    last: () => room.writer.auditRange().last,
  };
}

/** In one transaction. */
function write({ writer, clock }: TestControl, count: number): void {
  const { root, db } = writer.inspect().environment;
  const event = { ...auditEvent(), atMs: clock.nowMs() };
  root.transactionSync(() => {
    for (let at = 0; at < count; at++) appendAudit(db.audit, db.meta, event, writer.generation(), writer.sealer);
  });
}

const alerts = (room: TestControl) => room.control.events.after(0, 100).filter(({ kind }) => kind === 'alert');

describe('by age', () => {
  test('entries go when they are 400 days old, not a day before, and the removal is told with count and range', async () => {
    const { room, look, from } = kept();
    write(room, 150);
    await look();
    for (const [days, first] of [
      [1, 1],
      [398, 1],
      [0.9, 1],
      [0.2, 151],
    ] as const) {
      room.clock.pass(days * DAY_MS);
      await look();
      expect([days, from()]).toEqual([days, first]);
    }
    expect(room.writer.audit(1)).toMatchObject([
      {
        action: 'audit.remove',
        actor: { kind: 'system', id: 'audit' },
        detail: '150 entries, 1 to 150: older than 400d (audit.keep)',
      },
    ]);
    expect(room.writer.verifyAudit()).toEqual({ entries: 1, from: 151 });
  });

  test('a tenant who writes much pushes nothing out', async () => {
    const { room, look, from } = kept();
    write(room, 5);
    await look();
    room.clock.pass(399 * DAY_MS);
    write(room, 3000);
    await look();
    expect(from()).toBe(1);
  });

  test('a few old entries stay: what tells of a removal is an entry itself', async () => {
    const { room, look, from, last } = kept();
    write(room, 99);
    await look();
    room.clock.pass(500 * DAY_MS);
    await look();
    expect([from(), last()]).toEqual([1, 99]);
    for (let day = 0; day < 1000; day += 10) {
      room.clock.pass(10 * DAY_MS);
      await look();
    }
    expect([from(), last()]).toEqual([1, 99]);
  });

  test('slice by slice, with other changes between', async () => {
    const { room, look, from } = kept();
    write(room, 2 * AUDIT_REMOVE_ENTRIES_MAX + 110);
    await look();
    room.clock.pass(401 * DAY_MS);
    const looking = look();
    while (from() === 1) await new Promise((resolve) => setImmediate(resolve));
    const change = room.run({ kind: 'zone.create', zone: new Uint8Array([1, 97, 0]), dnssec: false });
    await Promise.all([looking, change]);
    expect(from()).toBe(2 * AUDIT_REMOVE_ENTRIES_MAX + 111);
    const actions = room.writer.audit(10).map(({ action }) => action);
    expect(actions.filter((each) => each === 'audit.remove')).toHaveLength(3);
    expect(actions.lastIndexOf('audit.remove')).toBeGreaterThan(actions.indexOf('zone.create'));
    expect(room.writer.verifyAudit().brokenAt).toBeUndefined();
  });

  test('never: nothing goes and nothing is written', async () => {
    const room = temporaryControl();
    const upkeep = new AuditUpkeep(room.control.auditParts.retention, createLog({ level: 'silent' }));
    write(room, 200);
    const generation = room.writer.generation();
    await upkeep.look();
    room.clock.pass(10_000 * DAY_MS);
    await upkeep.look();
    expect([room.writer.auditRange().from, room.writer.generation()]).toEqual([1, generation]);
  });
});

describe('counted time', () => {
  test('a wall clock that is set twenty years ahead removes nothing', async () => {
    const { room, look, from } = kept();
    write(room, 200);
    await look();
    room.clock.set(room.clock.nowMs() + 20 * 365 * DAY_MS);
    await look();
    room.clock.pass(30 * DAY_MS);
    await look();
    expect(from()).toBe(1);
  });

  test('entries with a time of the future go when they are old, like the others', async () => {
    const { room, look, from } = kept();
    const now = room.clock.nowMs();
    room.clock.set(now + 20 * 365 * DAY_MS);
    write(room, 200);
    room.clock.set(now);
    await look();
    room.clock.pass(401 * DAY_MS);
    await look();
    expect(from()).toBe(201);
  });

  test('goes on over restarts, and an hour of it is lost at most', async () => {
    const first = kept();
    write(first.room, 200);
    await first.look();
    first.room.clock.pass(399 * DAY_MS);
    await first.look();
    const nowMs = first.room.clock.nowMs();
    await first.room.control.close();
    const second = kept({ in: first.room.dir, nowMs, bootId: 'another' });
    second.room.clock.pass(HOUR_MS);
    await second.look();
    expect(second.from()).toBe(1);
    second.room.clock.pass(DAY_MS);
    await second.look();
    expect(second.from()).toBe(201);
  });

  test('has few marks, however long the log is kept', async () => {
    const { room, look } = kept();
    for (let day = 0; day < 1200; day += 3) {
      write(room, 3);
      room.clock.pass(3 * DAY_MS);
      await look();
    }
    expect(readAuditMarks(room.writer)!.marks.length).toBeLessThan(420);
    // 800 days are gone but for what a mark and the least number of entries hold back.
    expect(room.writer.auditRange().from).toBeGreaterThan(600);
  });
});

describe('what needs a person', () => {
  test('a log that is not what was written stays, and is reported once', async () => {
    const { room, look, from } = kept();
    write(room, 200);
    await look();
    const { audit } = room.writer.inspect().environment.db;
    const changed = Uint8Array.from(audit.get(numberKey(7))!);
    changed[50]! ^= 1;
    audit.putSync(numberKey(7), changed);
    room.clock.pass(401 * DAY_MS);
    await look();
    await look();
    expect(from()).toBe(1);
    expect(alerts(room)).toMatchObject([
      { event: 'AUDIT_BROKEN', text: expect.stringContaining('entry 7 is not what was written') },
    ]);
  });

  test('a log that has become large is told with who writes most, again when it has doubled, and nothing goes', async () => {
    const room = temporaryControl({ auditLargeBytes: 64 * 1024 });
    const retention = room.control.auditParts.retention;
    write(room, 10);
    await retention.note();
    expect(alerts(room)).toEqual([]);
    write(room, 300);
    await retention.note();
    await retention.note();
    expect(alerts(room)).toMatchObject([
      { event: 'AUDIT_LARGE', text: expect.stringContaining('310 of its last 310 entries are of system:test') },
    ]);
    write(room, 600);
    await retention.note();
    await retention.note();
    expect([alerts(room).length, room.writer.auditRange().from]).toEqual([2, 1]);
  });
});
