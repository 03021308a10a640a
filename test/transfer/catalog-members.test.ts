/** The members of a catalog as its records say them. */
import { expect, test } from 'vitest';
import { nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { catalogMembers, findMember, groupRdata, memberKey, memberLabel, nodeName } from '#transfer/catalog-members.ts';
import { type ZoneRrset, memoryZone } from '#zone/zone.ts';

const APEX = nameOf('catalog.test.');

/** Members by label; a label may begin like another. */
function catalogOf(members: Readonly<Record<string, string>>, more: readonly ZoneRrset[] = []) {
  const rrsets = Object.entries(members).map(([label, zone]): ZoneRrset => {
    return { owner: nameOf(`${label}.zones.catalog.test.`), type: TYPE.PTR, ttl: 0, rdatas: [nameOf(zone)] };
  });
  return memoryZone(APEX, [...rrsets, ...more]);
}

test('RFC 9432 §4.2: a member is found by its zone, and not taken for one whose id begins alike', () => {
  const view = catalogOf({ '1-7': 'one.test.', '12-3': 'twelve.test.', '3-1': 'three.test.' });
  expect(findMember(view, 1)).toMatchObject({ label: '1-7', zone: nameOf('one.test.') });
  expect(findMember(view, 12)).toMatchObject({ label: '12-3' });
  expect(findMember(view, 2)).toBeUndefined();
  expect(findMember(view, 4)).toBeUndefined();
});

test('RFC 9432 §4.4.2: groups are the TXT records below the member; what else is there belongs to no other member', () => {
  const of = (name: string, type: ZoneRrset['type'], ...rdatas: Uint8Array[]): ZoneRrset => ({ owner: nameOf(name), type, ttl: 0, rdatas });
  const view = catalogOf({ '1-7': 'one.test.', '2-7': 'two.test.' }, [
    of('group.1-7.zones.catalog.test.', TYPE.TXT, groupRdata('b'), groupRdata('aa')),
    of('coo.1-7.zones.catalog.test.', TYPE.PTR, nameOf('other.test.')),
    of('after.catalog.test.', TYPE.PTR, nameOf('x.test.')),
  ]);
  expect([...catalogMembers(view)].map(({ label, groups }) => [label, groups])).toEqual([
    ['1-7', ['aa', 'b']],
    ['2-7', []],
  ]);
  expect([...catalogMembers(view, '1-7')].map(({ label }) => label)).toEqual(['2-7']);
  expect([...catalogMembers(view, '2-7')]).toEqual([]);
});

test('a label is of the zone and of the serial; keys are those of the names', () => {
  expect(memberLabel(17, 42)).toBe('17-42');
  const view = { apexKey: ownerKey(APEX) };
  expect(memberKey(view, '17-42', 'group')).toBe(ownerKey(nameOf('group.17-42.zones.catalog.test.')));
  expect(nodeName(memberKey(view, '17-42'))).toEqual(nameOf('17-42.zones.catalog.test.'));
});
