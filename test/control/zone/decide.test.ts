/** What each zone command decides: the records that change, signing, the zone as a whole; what stands against it; what is written with it. */
import { describe, expect, test } from 'vitest';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, problem } from '#base/problem.ts';
import { type ZoneCommand } from '#control/api/control.ts';
import { type Decision, type RecordWatcher } from '#control/commands/decision.ts';
import { type Handler, type ZoneContext } from '#control/commands/table.ts';
import { zoneHandlers } from '#control/zone/decide.ts';
import { nameOf } from '#dns/name.ts';
import { type StoreWriter } from '#store/writer.ts';
import { memoryZone } from '#zone/zone.ts';
import { lines } from '../../support/mail/mail-domain.ts';
import { TEST_ACTOR, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('example.com.');
const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\nwww 300 A 192.0.2.2\n';
/** What the watcher writes with a change. */
const WOKEN = { zoneId: 1, kind: 'test', id: 'x', wakeAtMs: 0 };
const CHANGE: ZoneCommand = {
  kind: 'rrsets.change',
  zone: ZONE,
  operations: [{ op: 'set', name: 'new', type: 'A', ttl: 60, records: ['192.0.2.9'] }],
};

/** The handlers on a store that has example.com when `isServed`, with a watcher that has `against` against every change. */
async function bench({ isServed = true, dnssec = true, against = [] as readonly Problem[] } = {}) {
  const room = temporaryControl();
  if (isServed) await room.load('example.com.', TEXT, { dnssec });
  const { writer, clock } = room;
  const calls: string[] = [];
  const watcher: RecordWatcher = {
    check: (_, changes) => {
      calls.push(`check ${lines(changes).join(', ')}`);
      return against;
    },
    wake: () => {
      calls.push('wake');
      return [WOKEN];
    },
    woken: () => void calls.push('woken'),
    leave: () => [],
  };
  const table = zoneHandlers({ writer, clock, watcher, recordsPerRrsetMax: 1000, aliases: noAliases(writer) });
  const record = writer.zoneByName(ZONE);
  const context: ZoneContext = {
    served: record === undefined ? undefined : { record, view: writer.view(record) },
    emptyView: memoryZone(ZONE, []),
    actor: TEST_ACTOR,
    mayChange: () => true,
  };
  // TypeScript does not follow the kind from the command into the table.
  const handlerOf = ({ kind }: ZoneCommand) => table[kind] as unknown as Handler<ZoneCommand>;
  const decide = async (command: ZoneCommand) => handlerOf(command).decide(command, context);
  return { room, calls, table, decide, generation: () => writer.generation() };
}

/** The changes of a decision's part, as lines. */
function changesOf(decided: Result<Decision>): string[] {
  const { changes = [], whole } = good(decided).parts?.[0] ?? {};
  return typeof changes === 'function' ? [] : lines([...changes, ...(whole?.changes ?? [])]);
}

const IMPORT: ZoneCommand = { kind: 'zone.import', zone: ZONE, text: TEXT, file: 'x.zone', dnssec: true };

test.each<[string, ZoneCommand]>([
  ['zone.remove', { kind: 'zone.remove', zone: ZONE }],
  ['rrsets.change', CHANGE],
  ['zone.revert', { kind: 'zone.revert', zone: ZONE, serial: 10 }],
  ['zone.dnssec', { kind: 'zone.dnssec', zone: ZONE, dnssec: true }],
])('a zone that is not served: %s is rejected', async (_, command) => {
  const { decide } = await bench({ isServed: false });
  expect(bad(await decide(command)).map(({ code }) => code)).toEqual(['ZONE_NOT_FOUND']);
});

test.each<[string, ZoneCommand]>([
  ['zone.create', { kind: 'zone.create', zone: ZONE, dnssec: true }],
  ['zone.restore', { kind: 'zone.restore', zone: ZONE }],
])('a zone that is served: %s is rejected', async (_, command) => {
  const { decide } = await bench();
  expect(bad(await decide(command))).toMatchObject([{ code: 'ZONE_EXISTS', at: atZone('example.com.') }]);
});

test('only commands that make zones are marked so, and only the removal is written into the last reserve of the disk', async () => {
  const { table } = await bench();
  const marked = (mark: 'isCreating' | 'isUpkeep') => Object.entries(table).flatMap(([kind, handler]) => (mark in handler ? [kind] : []));
  expect(marked('isCreating').toSorted()).toEqual(['zone.create', 'zone.import', 'zone.restore']);
  expect(marked('isUpkeep')).toEqual(['zone.remove']);
});

/** No target can be looked up. */
function noAliases(reader: StoreWriter) {
  return { reader, hasResolvers: false, nowMs: () => 0, look: async () => new Map<string, never>(), onDue: () => {} };
}

describe('a new zone', () => {
  test.each([true, false])('zone.create: SOA and NS, signed as the command says: %s', async (dnssec) => {
    const { decide } = await bench({ isServed: false });
    const decided = await decide({ kind: 'zone.create', zone: ZONE, dnssec, nameservers: ['ns1.example.net.'] });
    expect(changesOf(decided).map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual(['@ 3600 NS', '@ 3600 SOA']);
    expect(good(decided)).toMatchObject({
      zone: 'example.com.',
      isChanged: true,
      parts: [{ record: undefined, isSigned: dnssec, keys: [] }],
    });
  });

  test('zone.import: the records of the file; nothing asks the watcher, which knows only zones that are there', async () => {
    const { decide, calls } = await bench({ isServed: false });
    expect(changesOf(await decide(IMPORT))).toContain('www 300 A 192.0.2.2');
    expect(calls).toEqual([]);
  });

  test('zone.restore: rejected when nothing is kept, with the way that is left', async () => {
    const { decide } = await bench({ isServed: false });
    const problems = bad(await decide({ kind: 'zone.restore', zone: ZONE }));
    expect(problems).toMatchObject([{ code: 'ZONE_NOT_KEPT', fix: expect.stringContaining('waxseal zone import') }]);
  });
});

describe('a zone that is served', () => {
  test.each([true, false])('zone.import: stays signed as it is, whatever the command says (signed: %s)', async (dnssec) => {
    const { decide } = await bench({ dnssec });
    expect(good(await decide({ ...IMPORT, dnssec: !dnssec })).parts).toMatchObject([{ isSigned: dnssec }]);
  });

  test('rrsets.change: the changes and one line for the audit log', async () => {
    const { decide, generation } = await bench();
    const before = generation();
    const decided = await decide(CHANGE);
    expect(changesOf(decided)).toEqual(['new 60 A 192.0.2.9']);
    expect(good(decided).detail).toBe('set new A');
    expect(generation()).toBe(before);
  });

  test('zone.revert: undoes the changeset of that serial; a serial without one is told', async () => {
    const { room, decide } = await bench();
    const { serial } = good(await room.run(CHANGE));
    const record = room.writer.zoneByName(ZONE)!;
    const watcher: RecordWatcher = { check: () => [], wake: () => [], woken: () => {}, leave: () => [] };
    const revert = zoneHandlers({
      writer: room.writer,
      clock: room.clock,
      watcher,
      recordsPerRrsetMax: 1000,
      aliases: noAliases(room.writer),
    })['zone.revert'];
    const context: ZoneContext = {
      served: { record, view: room.writer.view(record) },
      emptyView: memoryZone(ZONE, []),
      actor: TEST_ACTOR,
      mayChange: () => true,
    };
    expect(changesOf(await revert.decide({ kind: 'zone.revert', zone: ZONE, serial }, context))).toContain('- new A');
    expect(bad(await decide({ kind: 'zone.revert', zone: ZONE, serial: 4711 })).map(({ code }) => code)).toEqual(['CHANGE_NOT_FOUND']);
  });

  test('zone.remove: the zone goes, and what is kept of it is written with that', async () => {
    const { decide } = await bench();
    const decision = good(await decide({ kind: 'zone.remove', zone: ZONE }));
    expect(decision.removed?.map(({ name }) => name)).toEqual(['example.com.']);
    expect(decision.documents?.length).toBeGreaterThan(0);
    expect(decision.isChanged).toBe(true);
  });
});

describe('zone.dnssec', () => {
  test('RFC 6781 §4.4.1: off is rejected without force, as the parent may have a DS', async () => {
    const { decide } = await bench();
    const off = { kind: 'zone.dnssec', zone: ZONE, dnssec: false } as const;
    expect(bad(await decide(off))).toMatchObject([{ code: 'DNSSEC_DS_PRESENT', fix: expect.stringContaining('--force') }]);
    expect(good(await decide({ ...off, force: true })).parts).toMatchObject([{ isSigned: false, changes: [] }]);
  });

  test('off of what is off, and on, need no force', async () => {
    const { decide } = await bench({ dnssec: false });
    expect((await decide({ kind: 'zone.dnssec', zone: ZONE, dnssec: false })).ok).toBe(true);
    expect(good(await decide({ kind: 'zone.dnssec', zone: ZONE, dnssec: true })).parts).toMatchObject([{ isSigned: true }]);
  });
});

describe('the watcher', () => {
  test('what it has against a change stops it, before it writes anything with it', async () => {
    const { decide, calls } = await bench({ against: [problem('RRSET_MANAGED', atZone('example.com.'), 'not now')] });
    expect(bad(await decide(CHANGE)).map(({ message }) => message)).toEqual(['not now']);
    expect(calls).toEqual(['check new 60 A 192.0.2.9']);
  });

  test('what it wakes is written with the change, and it hears of it after the commit', async () => {
    const { decide, calls } = await bench();
    const decision = good(await decide(CHANGE));
    expect(decision.documents).toEqual([WOKEN]);
    expect(calls).toEqual(['check new 60 A 192.0.2.9', 'wake']);
    decision.afterCommit?.();
    expect(calls.at(-1)).toBe('woken');
  });

  test('is not asked about what the rules of zones reject', async () => {
    const { decide, calls } = await bench();
    const cname = { op: 'set', name: 'www', type: 'CNAME', ttl: 60, records: ['ns1'] } as const;
    expect(bad(await decide({ kind: 'rrsets.change', zone: ZONE, operations: [cname] })).map(({ code }) => code)).toContain(
      'CNAME_OTHER_DATA',
    );
    expect(calls).toEqual([]);
  });
});
