/** A change of a zone above another one that is served here: what would be bogus or hidden at once is rejected, and can be done all the same. */
import { describe, expect, test } from 'vitest';
import { type BelowCare, type RrsetOperation } from '#control/api/control.ts';
import { nameOf } from '#dns/name.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const HEAD = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';
const PARENT = nameOf('b.test.');

/** b.test. with x.b.test. below it, as `parent=delegate` makes it. */
async function family({ above = true, below = true }: { above?: boolean; below?: boolean } = {}): Promise<TestControl> {
  const room = temporaryControl();
  await room.load('b.test.', HEAD, { dnssec: above });
  good(await room.run({ kind: 'zone.import', zone: nameOf('x.b.test.'), text: HEAD, file: 'x', dnssec: below, parent: 'delegate' }));
  return room;
}
const change = (room: TestControl, operations: readonly RrsetOperation[], care?: BelowCare) =>
  room.run({ kind: 'rrsets.change', zone: PARENT, operations, ...(care === undefined ? {} : { below: care }) });
const remove = (...types: string[]) => types.map((type) => ({ op: 'delete', name: 'x', type }) as const);
const ds = (text: string) => [{ op: 'set', name: 'x', type: 'DS', ttl: 60, records: [text] }] as const;

describe('of a signed zone, RFC 4035 §5.2', () => {
  test.each<[string, readonly RrsetOperation[], string]>([
    ['NS and DS go', remove('NS', 'DS'), 'bogus at once'],
    ['NS goes, the DS stays', remove('NS'), 'bogus at once'],
    ['a DS of another key', ds(`4711 13 2 ${'ab'.repeat(32)}`), 'none of its keys'],
  ])('%s: rejected with the zone named; ignored, it is a warning', async (_what, operations, text) => {
    const room = await family();
    const generation = room.writer.generation();
    const [problem] = bad(await change(room, operations)).filter(({ code }) => code === 'ZONE_CHILD');
    expect(problem).toMatchObject({
      severity: 'error',
      message: expect.stringContaining('x.b.test.'),
      fix: expect.stringContaining('below'),
    });
    expect(problem!.message).toContain(text);
    expect(room.writer.generation()).toBe(generation);
    const { warnings } = good(await change(room, operations, 'ignore'));
    expect(warnings).toContainEqual(expect.objectContaining({ code: 'ZONE_CHILD', severity: 'warning' }));
    // What stands so already is not repeated, and keeps nothing else from being changed.
    const other = [{ op: 'set', name: 'y', type: 'NS', ttl: 60, records: ['ns.other.example.'] }] as const;
    expect(good(await change(room, other)).warnings.map(({ code }) => code)).not.toContain('ZONE_CHILD');
  });

  test('a DNAME above it', async () => {
    const room = await family();
    good(await room.run({ kind: 'zone.import', zone: nameOf('y.z.b.test.'), text: HEAD, file: 'y', dnssec: true, parent: 'delegate' }));
    const gone = ['y.z NS', 'y.z DS', 'ns1.y.z A'].map((each) => {
      const [name = '', type = ''] = each.split(' ');
      return { op: 'delete', name: `${name}.b.test.`, type } as const;
    });
    const dname = { op: 'set', name: 'z', type: 'DNAME', ttl: 60, records: ['c.test.'] } as const;
    expect(bad(await change(room, [...gone, dname]))[0]).toMatchObject({ code: 'ZONE_CHILD', message: expect.stringContaining('hides') });
  });

  test('its DS may go, and come back by either digest', async () => {
    const room = await family();
    good(await change(room, remove('DS')));
    for (const { keyTag, algorithm, digestType, digest } of room.control.zones.ds(room.control.zones.find(nameOf('x.b.test.'))!))
      expect(good(await change(room, ds(`${keyTag} ${algorithm} ${digestType} ${digest}`))).changed).toBe(true);
  });

  test('a DS for an unsigned zone', async () => {
    const room = await family({ below: false });
    expect(bad(await change(room, ds(`4711 13 2 ${'ab'.repeat(32)}`)))[0]!.message).toContain('it is not signed');
  });

  test('a zone file without the delegation, and a revert of the change that made it', async () => {
    const room = await family();
    const file = { kind: 'zone.import', zone: PARENT, text: HEAD, file: 'b', dnssec: true } as const;
    expect(bad(await room.run(file)).map(({ code }) => code)).toContain('ZONE_CHILD');
    const { serial } = room.control.zones.find(PARENT)!;
    expect(bad(await room.run({ kind: 'zone.revert', zone: PARENT, serial })).map(({ code }) => code)).toContain('ZONE_CHILD');
    good(await room.run({ ...file, below: 'ignore' }));
  });

  test('zones further below have their own parent', async () => {
    const room = await family();
    const deep = { kind: 'zone.import', zone: nameOf('y.x.b.test.'), text: HEAD, file: 'y', dnssec: true, parent: 'delegate' } as const;
    good(await room.run(deep));
    expect(bad(await change(room, remove('NS', 'DS'))).filter(({ code }) => code === 'ZONE_CHILD')).toHaveLength(1);
  });
});

describe('of an unsigned zone', () => {
  test('NS goes: a warning, as resolvers only cannot find it', async () => {
    const room = await family({ above: false });
    expect(good(await change(room, remove('NS'))).warnings).toContainEqual(expect.objectContaining({ code: 'ZONE_CHILD' }));
  });

  test('it is signed, and has no NS for the zone below: bogus at once', async () => {
    const room = await family({ above: false });
    good(await change(room, remove('NS')));
    const sign = { kind: 'zone.dnssec', zone: PARENT, dnssec: true } as const;
    expect(bad(await room.run(sign))[0]).toMatchObject({ code: 'ZONE_CHILD', severity: 'error' });
    good(await room.run({ ...sign, below: 'ignore' }));
  });
});
