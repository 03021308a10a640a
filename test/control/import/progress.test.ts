/** How far an import is, as events: few, and none of what is over soon. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type RunImport } from '#control/import/import-process.ts';
import { type ImportStep, Progress } from '#control/import/progress.ts';
import { nameOf } from '#dns/name.ts';
import { type EventWrite } from '#store/writer.ts';
import { importsHere } from '../../support/import-here.ts';
import { bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ACTOR = { kind: 'token', id: 'wax_1', from: '192.0.2.9', owner: 'Ada' } as const;

function told(everyMs: number) {
  const events: EventWrite[] = [];
  const note = async (event: EventWrite) => {
    events.push(event);
    await delay(0);
  };
  return { events, progress: new Progress({ zone: 'example.com.', actor: ACTOR, note, everyMs }) };
}

test('the last of several steps is told, once; then how it ended', async () => {
  const { events, progress } = told(20);
  for (let done = 1000; done <= 5000; done += 1000) progress.at({ stage: 'signing', done, total: 9000 });
  await expect.poll(() => events.length).toBe(1);
  await delay(70);
  progress.at({ stage: 'writing' });
  await expect.poll(() => events.length).toBe(2);
  progress.at({ stage: 'writing', done: 1, total: 2 });
  await progress.end('it is durable');
  await delay(50);
  // Where the client came from is for the audit log only.
  const always = { kind: 'import', zone: 'example.com.', actor: { kind: 'token', id: 'wax_1' }, action: 'zone.import' };
  expect(events).toEqual([
    { ...always, event: 'progress', text: 'signing, 5000 of 9000 signatures', stage: 'signing', done: 5000, total: 9000 },
    { ...always, event: 'progress', text: 'writing', stage: 'writing' },
    { ...always, event: 'ended', text: 'it is durable' },
  ]);
});

test('an import that is over before the first is due has none, not of its end either', async () => {
  const { events, progress } = told(10_000);
  progress.at({ stage: 'signing', done: 1, total: 2 });
  await progress.end('it is durable');
  expect(events).toEqual([]);
});

test('the longer it lasts the fewer they are', async () => {
  const { events, progress } = told(1);
  const step = (done: number): ImportStep => ({ stage: 'signing', done, total: 1_000_000 });
  const untilMs = performance.now() + 300;
  for (let done = 0; performance.now() < untilMs; done++) {
    progress.at(step(done));
    await delay(0);
  }
  await progress.end('it is durable');
  // One a millisecond for the first 50, and 50 for each time that the time is e times as long.
  expect(events.length).toBeGreaterThan(3);
  expect(events.length).toBeLessThan(160);
});

const ZONE = nameOf('example.com.');
/** How many records there are is not seen at a glance, so it is read apart. */
const TEXT = '@ 60 SOA ns1 host 1 7200 900 1209600 900\n@ 60 NS ns1\nns1 60 A 192.0.2.1\n$GENERATE (1-9) h$ 60 A 192.0.2.7\n';
const ORDER = { kind: 'zone.import', zone: ZONE, text: TEXT, file: 'a.zone', dnssec: true } as const;

/** Each import is half through its signatures for a while. */
function slowImports() {
  const { runImport } = importsHere();
  const slowly: RunImport = async (request, text, way) => {
    way.tell({ stage: 'signing', done: 12, total: 24 });
    await delay(50);
    return await runImport(request, text, way);
  };
  const room = temporaryControl({ runImport: slowly, importProgressMs: 10 });
  return { room, told: () => room.control.events.after(0, 100).filter(({ kind }) => kind === 'import') };
}

test('an import tells where it is and how it ended; a dry run writes no events', async () => {
  const { room, told: seen } = slowImports();
  good(await room.run(ORDER, { dryRun: true }));
  await delay(30);
  expect(room.control.events.range().newest).toBe(0);
  good(await room.run(ORDER));
  await expect.poll(() => seen().at(-1)).toMatchObject({ event: 'ended', text: 'it is durable', zone: 'example.com.' });
  expect(seen()).toContainEqual(expect.objectContaining({ event: 'progress', stage: 'signing', done: 12, total: 24 }));
  // The same again.
  good(await room.run(ORDER));
  await expect.poll(() => seen().at(-1)).toMatchObject({ event: 'ended', text: 'the zone is that way already' });
});

test('one that is rejected says so at its end, by codes, and leaves nothing', async () => {
  const { room, told: seen } = slowImports();
  expect(bad(await room.run({ ...ORDER, text: `${TEXT}h1 60 CNAME @\n` }))).not.toEqual([]);
  await expect
    .poll(() => seen().at(-1))
    .toMatchObject({ event: 'ended', text: expect.stringMatching(/^nothing was changed: [A-Z_, ]*CNAME_OTHER_DATA/) });
  expect(room.writer.zoneByName(ZONE)).toBeUndefined();
});
