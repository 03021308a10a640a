/** Differences of a primary as edits: after them the zone is what it would be if it had come whole. */
import { describe, expect, test } from 'vitest';
import { overlayZone } from '#zone/overlay.ts';
import { receivedEdits } from '#zone/received-changes.ts';
import { receivedZone } from '#zone/received-zone.ts';
import { allNodes } from '#zone/zone.ts';
import { planEdits, planWhole } from '#dnssec/plan-received.ts';
import { seededRandom } from '../support/random.ts';
import { ZONE, record, soa } from '../support/transfer-messages.ts';

const SIGNATURE = '13 3 60 20300101000000 20200101000000 1 z.example. AAAA';
const HASH = '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom';
const zoneOf = (lines: readonly string[]) => receivedZone(ZONE, lines.map(record)).zone;
const BASE = [soa(1), '@ 60 NS ns', 'ns 60 A 192.0.2.1', 'a.b.c 60 A 192.0.2.2', `ns 60 RRSIG A ${SIGNATURE}`];
const contentOf = (zone: Parameters<typeof allNodes>[0]) => [...allNodes(zone)];

/** The edits that lead from the first lines to the last by these steps. */
function editsOf(steps: readonly (readonly string[])[]) {
  const differences = steps.slice(1).map((after, at) => {
    const before = steps[at]!;
    return {
      deleted: before.filter((line) => !after.includes(line)).map(record),
      added: after.filter((line) => !before.includes(line)).map(record),
    };
  });
  return receivedEdits(zoneOf(steps[0]!), differences);
}

test.each<readonly [string, readonly (readonly string[])[]]>([
  ['a name comes and goes, with empty non-terminals', [BASE, [soa(2), ...BASE.slice(1, 3), 'x.y.z 60 TXT "x"']]],
  [
    'RRSIGs with what they cover',
    [BASE, [soa(2), '@ 60 NS ns', 'ns 60 A 192.0.2.9', `ns 60 RRSIG A ${SIGNATURE.replace('AAAA', 'BBBB')}`]],
  ],
  ['a TTL', [BASE, [soa(2), '@ 90 NS ns', ...BASE.slice(2)]]],
  ['there and back', [BASE, [soa(2), ...BASE.slice(1, 3)], [soa(3), ...BASE.slice(1)]]],
  ['a cut comes over names', [BASE, [soa(2), ...BASE.slice(1), 'c 60 NS ns.c', 'ns.c 60 A 192.0.2.3']]],
])('RFC 1995 §4: %s', (_name, steps) => {
  const edits = editsOf(steps);
  if (typeof edits === 'string') throw new Error(edits);
  const before = zoneOf(steps[0]!);
  expect(contentOf(overlayZone(before, edits.nodes, edits.hashed))).toEqual(contentOf(zoneOf(steps.at(-1)!)));
});

test('a step that does not fit: the record to delete is not there', () => {
  const bad = [{ deleted: [record('ns 60 A 192.0.2.99')], added: [] }];
  expect(receivedEdits(zoneOf(BASE), bad)).toBe('a record to delete is not there');
});

test('RFC 4034 §6.3: a record whose names differ in case is the one to delete', () => {
  const edits = receivedEdits(zoneOf(BASE), [{ deleted: [record('@ 60 NS NS.z.EXAMPLE.')], added: [record('@ 60 NS other')] }]);
  expect(typeof edits).toBe('object');
});

describe('RFC 5155 §7.3: NSEC3', () => {
  const chain = [...BASE, '@ 0 NSEC3PARAM 1 0 0 -', `${HASH} 60 NSEC3 1 0 0 - ${HASH} A`];
  test('records of the chain that is used are edited, those of another are not there', () => {
    const next = [soa(2), ...chain.slice(1, -1), `${HASH} 60 NSEC3 1 0 0 - ${HASH} A TXT`, `${HASH} 60 NSEC3 1 0 9 - ${HASH} A`];
    const edits = editsOf([chain, next]);
    expect(typeof edits === 'string' ? edits : edits.hashed.size).toBe(1);
    expect(editsOf([next, [soa(3), ...next.slice(1, -1)]])).toMatchObject({ hashed: { size: 0 } });
  });

  test('a move to another chain needs the whole zone', () => {
    expect(editsOf([chain, [soa(2), ...BASE.slice(1), '@ 0 NSEC3PARAM 1 0 9 -']])).toBe('it moves to another NSEC3 chain');
  });
});

test('a plan of edits is the plan of the whole zone, for random zones', async () => {
  const random = seededRandom(20_261_201);
  const names = ['a', 'b.a', 'c.b.a', 'd', 'e.d', 'x.y.z', '*.w', 'f.e.d'];
  const zoneLines = (serial: number): string[] => [
    soa(serial),
    '@ 60 NS ns',
    ...names.flatMap((name) => (random() < 0.4 ? [] : [`${name} 60 ${random() < 0.2 ? 'NS ns' : 'TXT "x"'}`])),
  ];
  for (let each = 1; each < 60; each++) {
    const [one, two] = [zoneLines(each), zoneLines(each + 1)];
    const edits = editsOf([one, two]);
    if (typeof edits === 'string') throw new Error(edits);
    const [before, after] = [zoneOf(one), zoneOf(two)];
    const whole = await planWhole(before, after);
    const plan = planEdits(before, edits.nodes, edits.hashed);
    expect(plan.nodes).toEqual(whole.nodes);
    expect(plan.changeset).toEqual(whole.changeset);
  }
});
