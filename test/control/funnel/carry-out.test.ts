/** A decision is carried out as a whole: all its zones in one transaction, or nothing. */
import { describe, expect, test } from 'vitest';
import { atZone } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type Decision, type Turn, type ZonePart } from '#control/commands/decision.ts';
import { type Done, carryOutAlone, makeReady } from '#control/funnel/carry-out.ts';
import { ZonePreparer } from '#control/signing/prepare.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { bad, good, temporaryControl } from '../../support/temporary-control.ts';
import { countedRandom } from '../../support/temporary-store.ts';

const TURN: Turn = { actor: { kind: 'token', id: 't1', from: '192.0.2.9' }, action: 'test' };
const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';

async function bench() {
  const room = temporaryControl();
  await room.load('a.example.', TEXT);
  await room.load('b.example.', TEXT);
  const { writer, publisher, clock } = room;
  const preparer = new ZonePreparer({ writer, clock, random: countedRandom() });
  const record = (zone: string) => writer.zoneByName(nameOf(zone))!;
  /** A new TXT record at `x` of the zone. */
  const part = (zone: string): ZonePart => {
    const rrset = { ttl: 60, rdatas: [Uint8Array.of(1, 0x61)], manager: 'manual' as const };
    const owner = nameOf(`x.${zone}`);
    return { record: record(zone), view: writer.view(record(zone)), changes: [{ owner, type: TYPE.TXT, rrset }] };
  };
  return {
    ...room,
    preparer,
    record,
    part,
    carry: async (decision: Decision, turn = TURN): Promise<Result<Done>> => {
      const options = { writer, publisher, clock, preparer };
      const ready = await makeReady(decision, turn, options);
      return ready.ok ? ok(await carryOutAlone(ready.value, options), ready.warnings) : ready;
    },
  };
}

describe('several zones', () => {
  test('change in one generation, with one audit entry that has both serials and an event for each', async () => {
    const { carry, part, record, writer, control } = await bench();
    const before = writer.generation();
    const decision = { zone: 'a.example.', parts: [part('a.example.'), part('b.example.')], detail: 'both', isChanged: false };
    const done = good(await carry(decision));
    expect(done.generation).toBe(before + 1);
    expect([record('a.example.').revision, record('b.example.').revision]).toEqual([before + 1, before + 1]);
    expect(writer.audit(1)[0]).toMatchObject({
      action: 'test',
      zone: 'a.example.',
      detail: 'both (serial 10 → 11, b.example. serial 10 → 11)',
    });
    expect(control.events.after(before, 10).map(({ event, zone }) => `${zone} ${event}`)).toEqual([
      'a.example. changed',
      'b.example. changed',
    ]);
  });

  test('one that cannot be prepared stops all: nothing is written', async () => {
    const { carry, part, preparer, writer } = await bench();
    const before = writer.generation();
    const prepare = preparer.prepare.bind(preparer);
    preparer.prepare = (each) =>
      each.record?.name === 'b.example.' ? fail(problem('SIGNING_SELF_CHECK', atZone('b.example.'), 'bad')) : prepare(each);
    const parts = [part('a.example.'), part('b.example.')];
    expect(bad(await carry({ parts, detail: 'both', isChanged: false }))[0]?.code).toBe('SIGNING_SELF_CHECK');
    expect(writer.generation()).toBe(before);

    const optional = [part('a.example.'), { ...part('b.example.'), isOptional: true }];
    const result = await carry({ parts: optional, detail: 'what can be done', isChanged: false });
    expect(good(result).parts.map(({ record }) => record.name)).toEqual(['a.example.']);
    expect(result.ok ? result.warnings : []).toMatchObject([{ code: 'SIGNING_SELF_CHECK', severity: 'warning' }]);
  });

  test('a zone is removed in the transaction that changes another', async () => {
    const { carry, part, record, writer } = await bench();
    const before = writer.generation();
    good(
      await carry({ zone: 'a.example.', parts: [part('b.example.')], removed: [record('a.example.')], detail: 'gone', isChanged: true }),
    );
    expect(writer.zones().map(({ name }) => name)).toEqual(['b.example.']);
    expect(writer.generation()).toBe(before + 1);
  });
});

describe('what is written', () => {
  test('a quiet decision has an audit entry only when records change', async () => {
    const { carry, part, writer } = await bench();
    const entries = () => writer.audit(100).length;
    const before = entries();
    good(await carry({ detail: 'quiet', isQuiet: true, isChanged: true }));
    expect(entries()).toBe(before);
    good(await carry({ detail: 'quiet', isQuiet: true, isChanged: false, parts: [part('a.example.')] }));
    expect(entries()).toBe(before + 1);
  });

  test('a part that changes nothing is not counted as a change, and its zone keeps its revision', async () => {
    const { carry, record, writer } = await bench();
    const zone = record('a.example.');
    const done = good(await carry({ parts: [{ record: zone, view: writer.view(zone), changes: [] }], isChanged: false }));
    expect(done).toMatchObject({ changed: false });
    expect(done.generation).toBeUndefined();
    expect(record('a.example.')).toEqual(zone);
  });

  test('workers learn of the generation after the commit', async () => {
    const { carry, sent } = await bench();
    const generation = good(await carry({ detail: 'x', isChanged: true })).generation!;
    await expect.poll(() => sent.some((each) => each.kind === 'generation' && each.generation === generation)).toBe(true);
  });

  test('the detail may count the signatures that were made', async () => {
    const { carry, part, writer } = await bench();
    good(await carry({ parts: [part('a.example.')], detail: (count) => `${count} signatures`, isChanged: false }));
    const [, count] = /^(\d+) signatures/.exec(writer.audit(1)[0]!.detail)!;
    // The new TXT, its NSEC and the one before it, the SOA.
    expect(Number(count)).toBe(4);
  });
});
