/** What follows from a version of a catalog, for a store that the test has filled. */
import { expect, test } from 'vitest';
import { type OwnerKey, formatName, nameOf, ownerKey } from '#dns/name.ts';
import { membershipWrite } from '#store/transfer/followed-catalogs.ts';
import { type CatalogPlan, type PlanInput, planCatalog, templateOf } from '#control/catalog/plan.ts';
import { type ListedMember } from '#transfer/catalog-content.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../../support/temporary-control.ts';

const CATALOG = nameOf('cat.test.');
const PRIMARIES = [{ ip: '192.0.2.1', port: 53 }];
const listed = (...zones: readonly string[]): ReadonlyMap<OwnerKey, ListedMember> =>
  new Map(zones.map((zone) => [ownerKey(nameOf(zone)), { label: zone.slice(0, -1), zone: nameOf(zone), groups: [] }]));

/** A catalog, and members that it brought. */
async function bench(...members: readonly string[]) {
  const room = temporaryControl();
  const create = { kind: 'secondary.create', primaries: PRIMARIES, isSigning: false } as const;
  good(await room.run({ ...create, zone: CATALOG, catalog: { templates: [] } }));
  const catalog = room.writer.zoneByName(CATALOG)!;
  for (const zone of members) {
    const membership = { catalog: 'cat.test.', catalogId: catalog.id, label: zone.slice(0, -1), groups: [] };
    good(await room.run({ ...create, zone: nameOf(zone), membership }));
  }
  const own = members.map((zone) => room.writer.zoneByName(nameOf(zone))!.id);
  const followed = { templates: [], membersMax: 100 };
  const plan = (zones: readonly string[], more: Partial<PlanInput> = {}): CatalogPlan =>
    planCatalog({
      reader: room.writer,
      catalog,
      followed,
      listed: listed(...zones),
      own,
      newOwner: () => undefined,
      ...more,
    });
  return { ...room, catalog, own, plan };
}

const names = ({ add, assign, remove }: CatalogPlan) => ({
  add: add.map(({ zone }) => formatName(zone)),
  assign: assign.map(({ zone }) => formatName(zone)),
  remove: remove.map(({ name }) => name),
});

test('what is there stays, what is new comes, what is missing goes', async () => {
  const { plan } = await bench('a.test.', 'b.test.');
  expect(names(plan(['a.test.', 'c.test.']))).toEqual({ add: ['c.test.'], assign: [], remove: ['b.test.'] });
  expect(names(plan(['a.test.', 'b.test.']))).toEqual({ add: [], assign: [], remove: [] });
});

test('RFC 9432 §5.3: only zones that it brought are removed, also when it is given the ids of others', async () => {
  const room = await bench('a.test.');
  await room.load('mine.test.', MAIL_ZONE_TEXT);
  const { id } = room.writer.zoneByName(nameOf('mine.test.'))!;
  expect(names(room.plan([], { own: [id, ...room.own, 999] })).remove).toEqual(['a.test.']);
});

test('RFC 9432 §5.2: names of zones that are not its own, of catalogs and of other catalogs are clashes', async () => {
  const room = await bench('a.test.');
  await room.load('mine.test.', MAIL_ZONE_TEXT);
  const { clashes, ...rest } = room.plan(['a.test.', 'mine.test.', 'cat.test.', 'x.mine.test.', 'below.a.test.']);
  expect(clashes.map(({ zone, why }) => `${zone} ${why}`)).toEqual([
    'mine.test. is a zone here that no catalog brought',
    'cat.test. is a catalog itself',
    'x.mine.test. is below the zone mine.test. here, which does not delegate it',
  ]);
  expect(names({ clashes, ...rest })).toEqual({ add: ['below.a.test.'], assign: [], remove: [] });
});

test('RFC 9432 §4.4.1: a zone of another catalog comes over when that one says so, and is reset with another label', async () => {
  const room = await bench('a.test.');
  const { id } = room.writer.zoneByName(nameOf('a.test.'))!;
  const other = { id: room.catalog.id + 1000, name: 'new.test.' };
  const catalog = { ...room.catalog, ...other };
  const at = { catalog, own: [], newOwner: () => nameOf('new.test.') };
  expect(room.plan(['a.test.'], { ...at, newOwner: () => undefined }).clashes).toHaveLength(1);
  expect(room.plan(['a.test.'], { ...at, newOwner: () => nameOf('third.test.') }).clashes).toHaveLength(1);
  const [moved] = room.plan(['a.test.'], at).assign;
  expect(moved?.membership).toEqual({ catalog: 'new.test.', catalogId: other.id, label: 'a.test', groups: [] });
  const relabelled = new Map([[ownerKey(nameOf('a.test.')), { label: 'z', zone: nameOf('a.test.'), groups: [] }]]);
  expect(room.plan([], { ...at, listed: relabelled }).assign[0]?.membership).toMatchObject({
    label: 'z',
    isReset: true,
  });
  expect(id).toBeGreaterThan(0);
});

test.each([
  [10, 10, false],
  [11, 11, true],
  [12, 300, false],
  [31, 300, true],
])(
  '%i of %i members that go at once: held is %s, and not after the operator has said so',
  async (gone, count, isHeld) => {
    const room = temporaryControl();
    const create = { kind: 'secondary.create', primaries: PRIMARIES, isSigning: false } as const;
    good(await room.run({ ...create, zone: CATALOG, catalog: { templates: [] } }));
    const catalog = room.writer.zoneByName(CATALOG)!;
    const zones = Array.from({ length: count }, (_, at) => ({ ...catalog, id: 100 + at, name: `m${at}.test.` }));
    const membership = { catalog: 'cat.test.', catalogId: catalog.id, label: 'x', groups: [] };
    await room.writer.commit({
      audit: { atMs: 0 },
      zones: { put: zones },
      documents: zones.map(({ id }) => membershipWrite(id, membership)),
    });
    const followed = { templates: [], membersMax: 1000 };
    const input = {
      reader: room.writer,
      catalog,
      listed: listed(...zones.slice(gone).map(({ name }) => name)),
      own: zones.map(({ id }) => id),
      newOwner: () => undefined,
    };
    expect(planCatalog({ ...input, followed }).isHeld).toBe(isHeld);
    expect(planCatalog({ ...input, followed: { ...followed, confirmedSerial: catalog.serial } }).isHeld).toBe(false);
    expect(planCatalog({ ...input, followed: { ...followed, confirmedSerial: catalog.serial + 1 } }).isHeld).toBe(
      isHeld,
    );
  },
);

test('RFC 9432 §4.4.2: the first template with a group of the member, then that for all others, in the case as written', () => {
  const [one, two, rest] = ['one', 'two', undefined].map((group) => ({
    ...(group === undefined ? {} : { group }),
    primaries: [],
    mode: 'sign' as const,
  }));
  const followed = { templates: [rest!, one!, two!], membersMax: 1 };
  expect(templateOf(followed, ['two', 'one'])).toBe(one);
  expect(templateOf(followed, ['One'])).toBe(rest);
  expect(templateOf({ templates: [one!], membersMax: 1 }, [])).toEqual({ primaries: [], mode: 'copy' });
});
