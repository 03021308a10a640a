/** What an import is made of: it is another as soon as something of it changes, and the same while only others change. */
import { expect, test } from 'vitest';
import { zoneBase } from '#control/import/request.ts';
import { nameOf } from '#dns/name.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';

const HEAD = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';

test('the zone, zones above and below, and not others', async () => {
  const room = temporaryControl();
  const zone = nameOf('a.example.');
  const set = (apex: string, address: string) =>
    room.run({
      kind: 'rrsets.change',
      zone: nameOf(apex),
      operations: [{ op: 'set', name: 'www', type: 'A', ttl: 60, records: [address] }],
    });
  await room.load('example.', HEAD);
  await room.load('a.example.', HEAD, { parent: 'ignore' });
  await room.load('b.test.', HEAD);
  const [facts, seen] = [{ writer: room.writer, clock: room.clock }, new Set<string>()];
  const base = (care?: 'delegate') => zoneBase(facts, zone, care);
  const isOther = () => seen.size < seen.add(base()).size;
  expect(isOther()).toBe(true);
  good(await set('b.test.', '192.0.2.7'));
  // Records of the zone above count only for who changes them with the zone.
  const ofParent = base('delegate');
  good(await set('example.', '192.0.2.7'));
  expect([isOther(), base('delegate') === ofParent]).toEqual([false, false]);
  good(await set('a.example.', '192.0.2.7'));
  expect(isOther()).toBe(true);
  await room.load('c.a.example.', HEAD, { parent: 'ignore' });
  expect(isOther()).toBe(true);
  good(await room.run({ kind: 'zone.remove', zone }));
  expect(isOther()).toBe(true);
});
