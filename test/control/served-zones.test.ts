/** Zones as they are shown to people, and as they are answered from. */
import { expect, test } from 'vitest';
import { ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { rrsetOf } from '#zone/view.ts';
import { ALIAS_ZONE, LB, alias, aliasLab } from '../support/alias-lab.ts';
import { good } from '../support/temporary-control.ts';

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
