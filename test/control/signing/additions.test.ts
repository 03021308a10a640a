/** What is kept of a new zone while its names are written. Whole zones: new-zone.test.ts, received-zone.test.ts. */
import { expect, test } from 'vitest';
import { Additions } from '#control/signing/additions.ts';
import { encodeChangeset } from '#zone/changeset-codec.ts';
import { diffZones } from '#zone/changeset.ts';
import { memoryZone } from '#zone/zone.ts';
import { nameOf } from '#dns/name.ts';
import { record, soa } from '../../support/transfer-messages.ts';

const APEX = nameOf('z.example.');
const LINES = [soa(3), '@ 60 NS ns', 'ns 60 A 192.0.2.1', 'b 60 TXT "1"', 'c 60 TXT "2"'];
const zone = memoryZone(
  APEX,
  LINES.map(record).map(({ rdata, ...rest }) => ({ ...rest, rdatas: [rdata] })),
);
const nodes = [...zone.ascend(zone.apexKey)].map((node) => ({ node, flags: 0 }));

test.each([1, 2, 100])('in slices of %d names the changeset is the same', (size) => {
  const kept = new Additions(APEX, 3, { count: LINES.length, isSigned: false });
  for (let at = 0; at < nodes.length; at += size) kept.add(nodes.slice(at, at + size));
  const { plan, written, shown } = kept.end(nodes.length, 0);
  expect(encodeChangeset(plan.changeset)).toEqual(encodeChangeset(diffZones(undefined, zone)));
  expect(written).toEqual({ nodeCount: 4 });
  expect(shown.added).toHaveLength(LINES.length);
});

test('another number of RRsets than was said is a fault of the program', () => {
  const kept = new Additions(APEX, 3, { count: LINES.length + 1, isSigned: false });
  kept.add(nodes);
  expect(() => kept.end(nodes.length, 0)).toThrow(/another number of RRsets/);
});
