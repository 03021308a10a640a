/** Many ALIAS records: shares of a turn, targets that hang, the limit of a zone. */
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { ALIAS_ZONE, ALIAS_ZONE_TEXT, LB, alias, aliasLab } from '../../support/alias-lab.ts';
import { bad, good } from '../../support/temporary-control.ts';

describe('many', () => {
  test('a zone takes no more than its share of a turn', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    for (let from = 0; from < 120; from += 40)
      good(await made.change(...Array.from({ length: 40 }, (_, at) => alias(`n${from + at}`, 'lb.test.'))));
    made.clock.pass(121_000);
    made.asked.length = 0;
    await made.look();
    expect(made.asked).toHaveLength(100);
    expect(made.soon.due(made.control.lifecycles.nowMs(), 10)).toHaveLength(1);
    await made.look();
    await made.look();
    expect(made.soon.due(made.control.lifecycles.nowMs(), 10)).toEqual([]);
  });

  test('targets that never answer end with their turn, wait apart from then on, and hold up no other zone', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    await made.load('other.', ALIAS_ZONE_TEXT);
    good(await made.change(...Array.from({ length: 20 }, (_, at) => alias(`n${at}`, 'lb.test.'))));
    const other = nameOf('other.');
    good(await made.run({ kind: 'rrsets.change', zone: other, operations: [alias('@', 'good.test.')] }));
    made.world['lb.test.'] = 'hangs';
    made.world['good.test.'] = { a: ['8.8.4.4'] };
    made.clock.pass(121_000);
    const began = performance.now();
    const [slow] = [made.soon.work(ALIAS_ZONE)];
    good(await made.late.work(other));
    expect(performance.now() - began).toBeLessThan(2500);
    good(await slow);
    expect(made.show('n0.example.')[0]).toBe('120 8.8.8.8 8.8.8.9 alias');
    expect(
      made.control.zones.aliases(made.control.zones.find(ALIAS_ZONE)!).filter(({ watch }) => watch.failures > 0),
    ).toHaveLength(8);
    expect(made.control.zones.aliases(made.control.zones.find(other)!)[0]!.watch).toMatchObject({ failures: 0 });
  }, 30_000);

  test('a zone has 1000 at most', async () => {
    const made = await aliasLab({ 'lb.test.': LB });
    good(await made.change(...Array.from({ length: 1000 }, (_, at) => alias(`n${at}`, 'lb.test.'))));
    expect(bad(await made.change(alias('more', 'lb.test.')))).toMatchObject([{ code: 'ALIAS_LIMIT' }]);
  });
});
