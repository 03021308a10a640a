import { describe, expect, test } from 'vitest';
import { type Name, formatName, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type ZoneNode } from '#zone/view.ts';
import { type ZoneRrset, memoryZone, zoneRrsets } from '#zone/zone.ts';

const APEX = nameOf('example.');

function txt(owner: string, type: number = TYPE.TXT): ZoneRrset {
  return { owner: nameOf(owner), type, ttl: 60, rdatas: [Uint8Array.of(1, 65)] };
}

function names(nodes: Iterable<ZoneNode>): string[] {
  return [...nodes].map(({ owner }) => formatName(owner));
}

function from(name: string): string {
  return ownerKey(nameOf(name) satisfies Name);
}

describe('RFC 4034 §6.1: canonical order', () => {
  const order = [
    'example.',
    'a.example.',
    'yljkjljk.a.example.',
    'Z.a.example.',
    'zABC.a.EXAMPLE.',
    'z.example.',
    '\\001.z.example.',
    '*.z.example.',
    '\\200.z.example.',
  ];
  const zone = memoryZone(
    APEX,
    order.toReversed().map((owner) => txt(owner)),
  );

  test('the example of the RFC, upwards and downwards', () => {
    expect(names(zone.ascend(''))).toEqual(order);
    expect(names(zone.descend('\u{ff}'))).toEqual(order.toReversed());
  });
  test('from a name that is there, and from one that is not', () => {
    expect(names(zone.ascend(from('zabc.a.example.')))[0]).toBe('zABC.a.EXAMPLE.');
    expect(names(zone.ascend(from('b.example.')))[0]).toBe('z.example.');
    expect(names(zone.descend(from('z.a.example.')))[0]).toBe('Z.a.example.');
    expect(names(zone.descend(from('b.example.')))[0]).toBe('zABC.a.EXAMPLE.');
    expect(names(zone.ascend(from('\\255.example.')))).toEqual([]);
  });
});

describe('RFC 4592 §2.2.2: empty non-terminals', () => {
  const zone = memoryZone(APEX, [txt('example.'), txt('X.b.c.example.'), txt('b.c.example.'), txt('d.e.example.')]);

  test('exist without records, in lower case', () => {
    expect(names(zone.ascend(''))).toEqual(['example.', 'c.example.', 'b.c.example.', 'X.b.c.example.', 'e.example.', 'd.e.example.']);
    expect(zone.node(from('c.example.'))?.rrsets).toEqual([]);
    expect(zone.node(from('f.example.'))).toBeUndefined();
    expect(zone.size).toBe(6);
  });
});

test('the types of a node ascend, whatever their case and order', () => {
  const zone = memoryZone(APEX, [txt('A.example.', TYPE.TXT), txt('a.EXAMPLE.', TYPE.A), txt('a.example.', TYPE.MX)]);
  const node = zone.node(from('a.example.'))!;
  expect(formatName(node.owner)).toBe('A.example.');
  expect(node.rrsets.map(({ type }) => type)).toEqual([TYPE.A, TYPE.MX, TYPE.TXT]);
  expect(node.rrsets[0]).toMatchObject({ signatures: [], manager: 'manual' });
});

test('memoryZone of zoneRrsets is the same zone', () => {
  const zone = memoryZone(APEX, [txt('example.'), { ...txt('b.c.example.'), manager: 'mail', signatures: [Uint8Array.of(1)] }]);
  expect([...memoryZone(APEX, zoneRrsets(zone)).ascend('')]).toEqual([...zone.ascend('')]);
});

test('records outside the zone and doubled RRsets are our own mistake', () => {
  expect(() => memoryZone(APEX, [txt('example.net.')])).toThrow('outside');
  expect(() => memoryZone(APEX, [txt('a.example.'), txt('A.example.')])).toThrow('two RRsets');
});

test('edited gives another zone and leaves the first alone', () => {
  const zone = memoryZone(APEX, [txt('example.'), txt('a.example.')]);
  const b = memoryZone(APEX, [txt('b.example.')]).node(from('b.example.'))!;
  const edited = zone.edited(
    new Map([
      [from('a.example.'), null],
      [b.key, b],
    ]),
  );
  expect(names(edited.ascend(''))).toEqual(['example.', 'b.example.']);
  expect(names(zone.ascend(''))).toEqual(['example.', 'a.example.']);
});
