/** Zones as they are shown to people, and as they are answered from. */
import { expect, test } from 'vitest';
import { formatName, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { rrsetOf } from '#zone/view.ts';
import { ALIAS_ZONE, LB, alias, aliasLab } from '../support/alias-lab.ts';
import { MAIL_ZONE_TEXT, good, temporaryControl } from '../support/temporary-control.ts';

const ZONE = nameOf('example.com.');

test('an ALIAS is in the view that is shown, beside its addresses, and in no other', async () => {
  const { control, change } = await aliasLab({ 'lb.test.': LB });
  good(await change(alias('@', 'lb.test.')));
  const record = control.zones.find(ALIAS_ZONE)!;
  expect(control.zones.aliases(record)).toMatchObject([{ owner: 'example.', target: 'lb.test.', ttl: 300 }]);
  const key = ownerKey(ALIAS_ZONE);
  expect(rrsetOf(control.zones.shown(record).node(key), TYPE.ALIAS)).toMatchObject({ manager: 'manual', ttl: 300 });
  expect(rrsetOf(control.zones.shown(record).node(key), TYPE.A)).toMatchObject({ manager: 'alias' });
  expect(rrsetOf(control.zones.view(record).node(key), TYPE.ALIAS)).toBeUndefined();
});

test('a change has its audit entry, and only the records that are asked for', async () => {
  const room = temporaryControl();
  await room.load('example.com.', MAIL_ZONE_TEXT, { dnssec: false });
  const actor = { kind: 'token', id: 't1', from: '192.0.2.9', owner: 'mary', reason: 'moved' } as const;
  const operations = ['www', 'secret'].map((name) => ({ op: 'set', name, type: 'A', ttl: 60, records: ['192.0.2.7'] }) as const);
  good(await room.run({ kind: 'rrsets.change', zone: ZONE, operations }, { actor }));
  const record = room.control.zones.find(ZONE)!;
  const isShown = (owner: Parameters<typeof formatName>[0]) => formatName(owner).startsWith('www.');
  const [change] = await room.control.zones.changes(record, 1, undefined, { isShown });
  expect(change).toMatchObject({
    changeset: { deleted: [], added: ['www.example.com. 60 IN A 192.0.2.7'], omitted: 0 },
    audit: { actor: { id: 't1', owner: 'mary' }, action: 'rrsets.change', reason: 'moved' },
  });
  expect(change!.audit).not.toHaveProperty('hash');
  const difference = good(await room.control.zones.difference(record, { kind: 'serial', serial: 10 }, undefined, { isShown }));
  expect(difference.changeset.added).toEqual(['www.example.com. 60 IN A 192.0.2.7']);
  expect(difference.changes).toBe(1);
});
