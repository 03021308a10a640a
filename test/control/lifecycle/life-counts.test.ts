/** Objects of mail policies and certificates by machine, as numbers for Prometheus. */
import { expect, test } from 'vitest';
import { ZONES_KEPT_AT_ONCE } from '#base/limits/admin.ts';
import { LifeCounts } from '#control/lifecycle/life-counts.ts';
import { nameOf } from '#dns/name.ts';
import { MAIL_LIVES } from '#mail/lives.ts';
import { MAIL_KIND, readMailState, stateWrites } from '#store/mail/state.ts';
import { type DocumentWrite, type StoreWriter } from '#store/writer.ts';
import { MAIL_ZONE, temporaryMail } from '../../support/temporary-mail.ts';
import { good } from '../../support/temporary-control.ts';
import { TEST_NOW_MS, zoneRecord } from '../../support/temporary-store.ts';

const DAY_MS = 86_400_000;
const POLICY = { mtaSts: { mode: 'testing' }, dkim: { algorithms: ['ed25519', 'rsa2048'], signers: ['mx'] } };

const audit = { atMs: TEST_NOW_MS, actor: { kind: 'socket', id: 'test', from: '' }, action: 'test', detail: '' } as const;
const write = (writer: StoreWriter, documents: readonly DocumentWrite[]) => writer.commit({ audit, documents });

/** `waxseal_lifecycle_…` by the values of its labels; zeros left out. */
function numbers(counts: LifeCounts, what: string, overdueMs = 0): Record<string, number> {
  const { samples } = counts.families(overdueMs).find(({ name }) => name === `waxseal_lifecycle_${what}`)!;
  const shown = samples.filter(({ value }) => value !== 0);
  return Object.fromEntries(shown.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
}

/** What a count from nothing gives. */
const afresh = (writer: StoreWriter) => numbers(new LifeCounts(writer), 'objects');

test('each machine and stage', async () => {
  const { room } = await temporaryMail();
  const { counts } = room.control.lifecycles;
  expect(numbers(counts, 'objects')).toEqual({});
  expect(numbers(counts, 'waiting')).toEqual({});
  good(await room.run({ kind: 'mail.apply', zone: MAIL_ZONE, policy: POLICY }));
  const others = { 'mta-sts testing': 1, 'mta-sts-body served': 1, 'mta-sts-host present': 1 };
  expect(numbers(counts, 'objects')).toEqual({ 'dkim published': 2, 'dmarc none': 1, ...others });
});

test('each stage of a key as it goes through it, by what changed alone', async () => {
  const { room } = await temporaryMail({ mtaSts: { mode: 'off' }, dkim: { algorithms: ['ed25519'], signers: ['mx'] } });
  const { counts } = room.control.lifecycles;
  const seen = new Set<string>();
  let happened = 0;
  const look = (): void => {
    if (room.events.length === happened) return;
    happened = room.events.length;
    const now = numbers(counts, 'objects');
    expect(now).toEqual(afresh(room.writer));
    const state = readMailState(room.writer, 1)!;
    const all = MAIL_LIVES.flatMap((life) => life.get(state).objects);
    expect(Object.values(now).reduce((sum, each) => sum + each, 0)).toBe(all.length);
    for (const key of Object.keys(now)) seen.add(key);
  };
  await room.live(DAY_MS / 4, look);
  good(await room.run({ kind: 'dkim.rotate', zone: MAIL_ZONE, algorithms: ['ed25519'], reason: 'a test' }));
  await room.live(DAY_MS / 4, look);
  const stages = ['published', 'visible', 'active', 'retiring'].map((stage) => `dkim ${stage}`);
  expect([...seen]).toEqual(expect.arrayContaining(stages));
});

test('what rests does not wait, what is held does neither, and what is removed is gone', async () => {
  const { room, stored } = await temporaryMail(POLICY);
  const { counts } = room.control.lifecycles;
  await room.live(3 * DAY_MS);
  const keys = stored().state.dkim.lifecycle.objects;
  expect(keys.map(({ stage }) => stage)).toEqual(['active', 'active']);
  // An active key stays until another takes its place; the next stage of DMARC needs evidence.
  expect(numbers(counts, 'waiting')['dkim']).toBeUndefined();
  expect(numbers(counts, 'waiting')['dmarc']).toBe(1);
  good(await room.run({ kind: 'lifecycle.hold', zone: MAIL_ZONE, object: keys[0]!.id, reason: 'a look' }));
  expect(numbers(counts, 'held')).toEqual({ dkim: 1 });
  good(await room.run({ kind: 'lifecycle.hold', zone: MAIL_ZONE, reason: 'a move' }));
  expect(numbers(counts, 'held')).toMatchObject({ dkim: 2, dmarc: 1 });
  expect(numbers(counts, 'waiting')).toEqual({});
  good(await room.run({ kind: 'zone.remove', zone: MAIL_ZONE }));
  expect(numbers(counts, 'objects')).toEqual({});
  expect(numbers(counts, 'held')).toEqual({});
});

test('a dry run, and a change that the store rejects, count nothing', async () => {
  const { room } = await temporaryMail();
  const { counts } = room.control.lifecycles;
  good(await room.run({ kind: 'mail.apply', zone: MAIL_ZONE, policy: POLICY }, { dryRun: true }));
  const broken = { ...audit, detail: 'x' };
  const nodes = (function* () {
    yield* [];
    throw new Error('no');
  })();
  const documents = [{ zoneId: 1, kind: MAIL_KIND, id: 'state', value: {} }];
  await expect(room.writer.commit({ audit: broken, documents, nodes })).rejects.toThrow('no');
  expect(numbers(counts, 'objects')).toEqual({});
});

test('overdue are the objects that wait in zones whose time is over, of the machines that are late', async () => {
  const { room, stored } = await temporaryMail(POLICY);
  const { lifecycles } = room.control;
  const { counts } = lifecycles;
  const due = room.writer.due(Number.MAX_SAFE_INTEGER - 1, 10, MAIL_KIND)[0]!.dueAtMs;
  expect(numbers(counts, 'overdue', due - 1)).toEqual({});
  expect(numbers(counts, 'overdue', due)).toEqual(numbers(counts, 'waiting'));
  expect(numbers(counts, 'overdue', due)['dkim']).toBe(2);
  // Of the server itself: ten minutes after the time that is due.
  const late = () => room.control.metrics().find(({ name }) => name === 'waxseal_lifecycle_overdue')!.samples;
  expect(late().every(({ value }) => value === 0)).toBe(true);
  room.clock.pass(due - lifecycles.nowMs() + 601_000);
  expect(late().find(({ labels }) => labels['machine'] === 'dkim')?.value).toBe(2);
  expect(late().find(({ labels }) => labels['machine'] === 'certificate')?.value).toBe(0);
  expect(stored().state.dkim.lifecycle.objects).toHaveLength(2);
});

test('of many zones: counted in slices, shown when all are; damaged ones count nothing and stop nothing', async () => {
  const { room, stored } = await temporaryMail(POLICY);
  const { writer } = room;
  const { state } = stored();
  const count = 2 * ZONES_KEPT_AT_ONCE;
  const records = Array.from({ length: count }, (_, at) => ({ ...zoneRecord(10 + at, `z${at}.example.`, 1), dnssec: 'off' as const }));
  const documents = records.flatMap(({ id }) => stateWrites(id, state));
  await writer.commit({ audit, zones: { put: records }, documents });
  await write(writer, [{ zoneId: 10, kind: MAIL_KIND, id: 'state', value: { version: 9 } }]);
  const counts = new LifeCounts(writer);
  expect(counts.families(0).flatMap(({ samples }) => samples)).toEqual([]);
  await expect.poll(() => numbers(counts, 'waiting')['dkim'], { timeout: 5000 }).toBe(2 * count);
  // All change at once: the old numbers stand until the new ones are there.
  await write(
    writer,
    records.flatMap(({ id }) => stateWrites(id, null)),
  );
  expect(numbers(counts, 'waiting')['dkim']).toBeGreaterThan(2);
  await expect.poll(() => numbers(counts, 'waiting')['dkim'], { timeout: 5000 }).toBe(2);
  expect(writer.zoneByName(nameOf('z1.example.'))).toBeDefined();
});

test('each machine has a sample, and a scrape has as many with one zone as with many', async () => {
  const { room } = await temporaryMail(POLICY);
  const { counts } = room.control.lifecycles;
  const shown = counts.families(0).filter(({ name }) => name !== 'waxseal_lifecycle_objects');
  const machines = [...MAIL_LIVES.map(({ machine }) => machine.kind), 'certificate'];
  expect(shown.map(({ samples }) => samples.map(({ labels }) => labels['machine']))).toEqual([machines, machines, machines]);
});
