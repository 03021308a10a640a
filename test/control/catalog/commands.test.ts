/** Commands about catalogs of other servers, and those that only the follower gives. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { readFollowed } from '#store/transfer/followed-catalogs.ts';
import { MAIL_ZONE_TEXT, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const CATALOG = nameOf('cat.test.');
const PRIMARIES = [{ ip: '192.0.2.1', port: 53 }];

test('settings replace those of before and stay within limits; a dry run changes nothing', async () => {
  const room = temporaryControl();
  const create = { kind: 'secondary.create', zone: CATALOG, primaries: PRIMARIES, isSigning: false } as const;
  good(await room.run({ ...create, catalog: { templates: [{ primaries: [], mode: 'sign' }] } }));
  const { id } = room.writer.zoneByName(CATALOG)!;
  const settings = { kind: 'catalog.settings', zone: CATALOG, templates: [] } as const;
  good(await room.run(settings, { dryRun: true }));
  expect(readFollowed(room.writer, id)?.templates).toHaveLength(1);
  good(await room.run({ ...settings, membersMax: 7 }));
  expect(readFollowed(room.writer, id)).toMatchObject({ templates: [], membersMax: 7 });
  for (const membersMax of [0, 1.5, 100_001])
    expect(bad(await room.run({ ...settings, membersMax }))).toMatchObject([{ code: 'FIELD_VALUE' }]);
  const many = Array.from({ length: 18 }, (_, at) => ({ group: `g${at}`, primaries: [], mode: 'copy' as const }));
  expect(bad(await room.run({ ...settings, templates: many }))).toMatchObject([{ code: 'FIELD_VALUE' }]);
});

test('what only the follower of a catalog does is rejected from others', async () => {
  const room = temporaryControl();
  await room.load('a.test.', MAIL_ZONE_TEXT);
  const membership = { catalog: 'cat.test.', catalogId: 1, label: 'x', groups: [] };
  const assign = {
    kind: 'catalog.assign',
    zone: nameOf('a.test.'),
    primaries: PRIMARIES,
    mode: 'copy',
    membership,
  } as const;
  expect(bad(await room.run(assign))).toMatchObject([{ code: 'ZONE_NOT_SECONDARY' }]);
  const system = { actor: { kind: 'system', id: 'catalog', from: '' } } as const;
  // Nor does the follower make a zone of ours one from primaries.
  expect(bad(await room.run(assign, system))).toMatchObject([{ code: 'ZONE_NOT_SECONDARY' }]);
  expect(bad(await room.run({ ...assign, zone: nameOf('none.test.') }, system))).toMatchObject([
    { code: 'ZONE_NOT_FOUND' },
  ]);
});

test('nothing is confirmed where nothing waits', async () => {
  const room = temporaryControl();
  const create = { kind: 'secondary.create', zone: CATALOG, primaries: PRIMARIES, isSigning: false } as const;
  good(await room.run({ ...create, catalog: { templates: [] } }));
  const confirm = { kind: 'catalog.confirm', zone: CATALOG, removals: 0 } as const;
  expect(bad(await room.run(confirm))).toMatchObject([{ code: 'PRECONDITION' }]);
  expect(bad(await room.run({ ...confirm, zone: nameOf('none.test.') }))).toMatchObject([
    { code: 'CATALOG_NOT_FOUND' },
  ]);
});
