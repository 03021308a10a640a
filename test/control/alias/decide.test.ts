/** ALIAS after it is set: addresses follow the target, are kept for a time, and go. */
import { describe, expect, test } from 'vitest';
import { ALIAS_ZONE, LB, alias, aliasLab } from '../../support/alias-lab.ts';
import { bad, good } from '../../support/temporary-control.ts';

describe('followed', () => {
  test('on the TTL of the target; nothing new writes no change; one family gone is taken away', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    good(await made.change(alias('@', 'lb.test.')));
    expect(await made.look()).toBe(0);
    made.clock.pass(121_000);
    const { serial } = made.control.zones.find(ALIAS_ZONE)!;
    expect(await made.look()).toBe(1);
    expect(made.control.zones.find(ALIAS_ZONE)!.serial).toBe(serial);
    made.world['lb.test.'] = { a: ['8.8.4.4'], ttl: 120 };
    made.clock.pass(121_000);
    await made.look();
    expect(made.show('example.')).toEqual(['120 8.8.4.4 alias', '300 lb.test. manual']);
  });

  test('TTL 0 is looked at every minute', async () => {
    const made = await aliasLab({ 'lb.test.': { ...LB, ttl: 0 } });
    good(await made.change(alias('@', 'lb.test.')));
    expect(made.show('example.')[0]).toBe('60 8.8.8.8 8.8.8.9 alias');
    made.clock.pass(59_000);
    expect(await made.look()).toBe(0);
    made.clock.pass(2000);
    expect(await made.look()).toBe(1);
  });

  test('a name that is gone keeps its addresses for an hour, one that is not answered for a week; both alert once', async () => {
    const made = await aliasLab({ 'gone.test.': LB, 'dead.test.': LB });
    good(await made.change(alias('gone', 'gone.test.'), alias('dead', 'dead.test.')));
    Object.assign(made.world, { 'gone.test.': 'nxdomain', 'dead.test.': 'servfail' });
    made.clock.pass(121_000);
    await made.look();
    expect(made.alerts()).toEqual(['ALIAS_UNRESOLVED']);
    for (let minutes = 0; minutes < 55; minutes++) {
      made.clock.pass(60_000);
      await made.look(made.late);
    }
    expect(made.show('gone.example.')[0]).toBe('120 8.8.8.8 8.8.8.9 alias');
    expect(made.alerts()).toEqual(['ALIAS_UNRESOLVED', 'ALIAS_UNRESOLVED']);
    made.clock.pass(16 * 60_000);
    await made.look(made.late);
    expect(made.show('gone.example.')).toEqual(['300 gone.test. manual']);
    expect(made.show('dead.example.')[0]).toBe('120 8.8.8.8 8.8.8.9 alias');
    made.clock.pass(7 * 86_400_000);
    await made.look(made.late);
    expect(made.show('dead.example.')).toEqual(['300 dead.test. manual']);
    expect(made.alerts()).toEqual(['ALIAS_UNRESOLVED', 'ALIAS_UNRESOLVED', 'ALIAS_WITHDRAWN', 'ALIAS_WITHDRAWN']);
    made.world['dead.test.'] = LB;
    made.clock.pass(16 * 60_000);
    await made.look(made.late);
    expect(made.show('dead.example.')[0]).toBe('120 8.8.8.8 8.8.8.9 alias');
  });

  test('addresses that become private are published and alerted; 101 addresses are not taken, and none of them', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    good(await made.change(alias('@', 'lb.test.')));
    made.world['lb.test.'] = { a: ['127.0.0.1'], ttl: 60 };
    made.clock.pass(121_000);
    await made.look();
    expect(made.alerts()).toEqual(['ALIAS_PRIVATE']);
    made.world['lb.test.'] = { a: Array.from({ length: 101 }, (_, at) => `8.8.8.${at}`), ttl: 60 };
    made.clock.pass(61_000);
    await made.look();
    expect(made.show('example.')[0]).toBe('120 127.0.0.1 alias');
    const [stored] = made.control.zones.aliases(made.control.zones.find(ALIAS_ZONE)!);
    expect(stored!.watch.why).toContain('101 addresses');
  });

  test('a target in our own zone follows its change; a CNAME there is followed to its end', async () => {
    const made = await aliasLab({});
    good(await made.change(alias('@', 'old')));
    expect(made.show('example.')[0]).toBe('300 8.8.8.1 alias');
    good(await made.change({ op: 'set', name: 'www', type: 'A', ttl: 300, records: ['8.8.4.4'] }));
    made.clock.pass(301_000);
    await made.look();
    expect(made.show('example.')[0]).toBe('300 8.8.4.4 alias');
    expect(made.asked).toEqual([]);
  });

  test('an UPDATE or undo cannot put addresses beside it', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    const { serial } = good(await made.change(alias('@', 'lb.test.')));
    expect(bad(await made.run({ kind: 'zone.revert', zone: ALIAS_ZONE, serial }))).toMatchObject([
      { code: 'RRSET_MANAGED' },
      { code: 'RRSET_MANAGED' },
    ]);
  });
});
