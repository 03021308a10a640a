/** Changes that wait are committed together, and each is still decided, checked, written down and answered by itself. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '#base/clock.ts';
import { GROUP_CHANGES_MAX, GROUP_NODES_MAX } from '#base/limits/changes.ts';
import { WHOLE } from '#base/place.ts';
import { type RrsetOperation } from '#control/api/control.ts';
import { type Result } from '#base/problem.ts';
import { type Done } from '#control/funnel/carry-out.ts';
import { runGroup } from '#control/funnel/group.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { StoreFailure } from '#store/failure.ts';
import { type StoreWriter } from '#store/writer.ts';
import { bad, good, temporaryControl } from '../../support/temporary-control.ts';

const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';
const A = nameOf('a.example.');
const B = nameOf('b.example.');

async function bench() {
  const room = temporaryControl();
  const run: typeof room.run = (...about) => room.run(...about);
  const load: typeof room.load = (...about) => room.load(...about);
  await room.load('a.example.', TEXT);
  await room.load('b.example.', TEXT);
  const { writer } = room;
  const transactions = { count: 0 };
  const commit = writer.commit.bind(writer);
  const commitTogether = writer.commitTogether.bind(writer);
  writer.commit = (write) => (transactions.count++, commit(write));
  writer.commitTogether = (collect) => (transactions.count++, commitTogether(collect));
  const set = (zone: typeof A, name: string, ...records: string[]) =>
    run({ kind: 'rrsets.change', zone, operations: [{ op: 'set', name, type: 'TXT', ttl: 60, records } satisfies RrsetOperation] });
  return {
    ...room,
    transactions,
    set,
    load,
    run,
  };
}

/** Serials of the journal, oldest first. */
const serials = (writer: StoreWriter, zone: typeof A) =>
  writer
    .journal(writer.zoneByName(zone)!.id, 100)
    .map(({ fromSerial, toSerial }) => `${fromSerial}–${toSerial}`)
    .toReversed();

describe('one transaction', () => {
  test('of changes of different zones, and of successive changes of one: each has its generation, serial, audit entry and event', async () => {
    const { set, writer, control, transactions } = await bench();
    const before = writer.generation();
    const done = await Promise.all([set(A, 'one', '"1"'), set(B, 'one', '"1"'), set(A, 'two', '"2"'), set(A, 'one', '"3"')]);
    expect(transactions.count).toBe(1);
    expect(done.map((each) => good(each).revision)).toEqual([1, 2, 3, 4].map((each) => before + each));
    expect(done.map((each) => good(each).serial)).toEqual([11, 11, 12, 13]);
    expect(serials(writer, A)).toEqual(['0–10', '10–11', '11–12', '12–13']);
    expect(
      writer
        .audit(4)
        .map(({ zone }) => zone)
        .toReversed(),
    ).toEqual(['a.example.', 'b.example.', 'a.example.', 'a.example.']);
    expect(
      control.events
        .after(0, 100)
        .slice(-4)
        .map(({ zone, serial }) => `${zone} ${serial}`),
    ).toEqual(['a.example. 11', 'b.example. 11', 'a.example. 12', 'a.example. 13']);
    expect(writer.verifyAudit().brokenAt).toBeUndefined();
  });

  test('new zones get ids of their own', async () => {
    const { load, writer, transactions } = await bench();
    const names = ['c', 'd', 'e'].map((label) => `${label}.example.`);
    await Promise.all(names.map((name) => load(name, TEXT)));
    expect(transactions.count).toBe(1);
    expect(new Set(writer.zones().map(({ id }) => id)).size).toBe(5);
    expect(names.map((name) => writer.zoneByName(nameOf(name))?.dnssec)).toEqual(['on', 'on', 'on']);
  });

  test('a change sees what the one before it in the group did', async () => {
    const { set, run } = await bench();
    const [, second] = await Promise.all([
      set(A, 'alias', '"1"'),
      run({ kind: 'rrsets.change', zone: A, operations: [{ op: 'set', name: 'alias', type: 'CNAME', ttl: 60, records: ['b.example.'] }] }),
    ]);
    expect(bad(second)[0]?.message).toMatch(/CNAME/);
  });

  test('has a limit', async () => {
    const { set, transactions } = await bench();
    const done = await Promise.all(Array.from({ length: GROUP_CHANGES_MAX + 1 }, (_, at) => set(A, `n${at}`, '"x"')));
    expect(done.every((each) => each.ok)).toBe(true);
    expect(transactions.count).toBeGreaterThan(1);
  });
});

describe('a change that fails takes no other with it', () => {
  test('by its decision, or by a bug', async () => {
    const { control, set, writer, run, transactions } = await bench();
    const before = writer.generation();
    const [one, refused, bug, two] = await Promise.all([
      set(A, 'one', '"1"'),
      run({ kind: 'rrsets.change', zone: A, operations: [{ op: 'set', name: 'one', type: 'CNAME', ttl: 60, records: ['b.example.'] }] }),
      control
        .run(
          { kind: 'rrsets.change', zone: A, operations: undefined as never },
          {
            actor: { kind: 'socket', id: 'test', from: '' },
            dryRun: false,
          },
        )
        .then(
          () => 'ran',
          () => 'threw',
        ),
      set(B, 'two', '"2"'),
    ]);
    expect([good(one).serial, good(two).serial]).toEqual([11, 11]);
    expect(bad(refused)).toHaveLength(1);
    expect(bug).toBe('threw');
    expect(transactions.count).toBe(1);
    expect(writer.generation()).toBe(before + 2);
  });

  test('STORE_LIMIT: what the store does not take is undone alone', async () => {
    const { set, writer } = await bench();
    const apply = writer.commitTogether.bind(writer);
    writer.commitTogether = (collect) =>
      apply((each) =>
        collect((write) => {
          const isBad = [...(write.journal ?? [])].some(({ toSerial }) => toSerial === 12);
          if (!isBad) return each(write);
          const { nodes = [] } = write;
          const failing = function* () {
            yield* nodes;
            throw new StoreFailure('STORE_LIMIT', WHOLE, 'too large');
          };
          return each({ ...write, nodes: failing() });
        }),
      );
    const [one, two, three] = await Promise.all([set(A, 'one', '"1"'), set(A, 'two', '"2"'), set(B, 'three', '"3"')]);
    expect([good(one).serial, good(three).serial]).toEqual([11, 11]);
    expect(bad(two)[0]?.code).toBe('STORE_LIMIT');
    expect(serials(writer, A)).toEqual(['0–10', '10–11']);
    expect(writer.view(writer.zoneByName(A)!).node(ownerKey(nameOf('two.a.example.')))).toBeUndefined();
    writer.commitTogether = apply;
    expect(good(await set(A, 'two', '"2"')).serial).toBe(12);
    expect(writer.verifyAudit().brokenAt).toBeUndefined();
  });

  test('a full disk answers each of them, and the next change is as before', async () => {
    const { set, writer } = await bench();
    const space = writer.space.bind(writer);
    writer.space = () => ({ ...space(), freeBytes: 0 });
    const done = await Promise.all([set(A, 'one', '"1"'), set(B, 'two', '"2"')]);
    expect(done.map((each) => bad(each)[0]?.code)).toEqual(['STORE_FULL', 'STORE_FULL']);
    writer.space = space;
    expect(good(await set(A, 'one', '"1"')).serial).toBe(11);
  });

  test('a transaction that is lost as a whole answers each of them with it, and what was decided on it is decided anew', async () => {
    const { set, writer } = await bench();
    const apply = writer.commitTogether.bind(writer);
    writer.commitTogether = (collect) =>
      apply((each) => {
        collect(each);
        throw new StoreFailure('STORE_FULL', WHOLE, 'no space at the end');
      });
    const before = writer.generation();
    const done = await Promise.all([set(A, 'one', '"1"'), set(A, 'two', '"2"')]);
    expect(done.map((each) => bad(each)[0]?.code)).toEqual(['STORE_FULL', 'STORE_FULL']);
    expect(writer.generation()).toBe(before);
    expect(writer.zoneByName(A)?.serial).toBe(10);
    writer.commitTogether = apply;
    expect(good(await set(A, 'one', '"1"')).serial).toBe(11);
  });
});

describe('what ends a group', () => {
  test('a change with many names is committed by itself', async () => {
    const { load, set, transactions } = await bench();
    const many = Array.from({ length: GROUP_NODES_MAX + 1 }, (_, at) => `n${at} 60 A 192.0.2.1`).join('\n');
    const done = await Promise.all([
      set(A, 'one', '"1"'),
      load('many.example.', `${TEXT}${many}\n`, { dnssec: false }),
      set(B, 'two', '"2"'),
    ]);
    expect(done).toHaveLength(3);
    // The first group, the large one, the rest.
    expect(transactions.count).toBe(3);
  });

  test('a broken store answers all that wait', async () => {
    const { set, writer, fatal } = await bench();
    writer.commitTogether = () => Promise.reject(new StoreFailure('STORE_BROKEN', WHOLE, 'a flush failed'));
    const done = await Promise.all([set(A, 'one', '"1"'), set(B, 'two', '"2"')]);
    expect(done.map((each) => bad(each)[0]?.code)).toEqual(['STORE_BROKEN', 'STORE_BROKEN']);
    expect(fatal.length).toBeGreaterThan(0);
  });

  test('dry runs are decided in a group too, and write nothing', async () => {
    const { run, set, writer } = await bench();
    const operations = [{ op: 'set', name: 'dry', type: 'A', ttl: 60, records: ['192.0.2.7'] } as const];
    const [dry, real] = await Promise.all([run({ kind: 'rrsets.change', zone: A, operations }, { dryRun: true }), set(A, 'wet', '"1"')]);
    expect([good(dry).serial, good(real).serial]).toEqual([11, 11]);
    expect(serials(writer, A)).toEqual(['0–10', '10–11']);
  });
});

test('a change that ended a lost group and fails later ends no process: its job has heard of the group already', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  const lost = new StoreFailure('STORE_FULL', WHOLE, 'no space at the end');
  const { promise, resolve, reject } = Promise.withResolvers<Result<Done>>();
  const decided = Promise.withResolvers<never>();
  const jobs = [{ turn: {} as never, decide: () => decided.promise, answer: { resolve, reject } }];
  const writer = {
    broken: undefined,
    commitTogether: (collect: (apply: never) => void) => {
      collect(undefined as never);
      return Promise.reject(lost);
    },
  };
  const heard = promise.catch((error: unknown) => error);
  await runGroup(() => jobs.pop(), { writer, clock: systemClock } as never);
  expect(await heard).toBe(lost);
  decided.reject(new Error('fails after all'));
  // Node tells of what is unhandled after the microtasks of a turn.
  await new Promise((later) => setImmediate(later));
  await new Promise((later) => setImmediate(later));
  expect(unhandled).toEqual([]);
});
