/** Drift: the tree of an SPF record as it was, and as third parties have made it. */
import { describe, expect, test } from 'vitest';
import { assessDrift, keptTree } from '#mail/spf/drift.ts';
import { type SpfTree, spfTree } from '#mail/spf/tree.ts';
import { treeWith } from '../../support/mail/spf-world.ts';
import { type Table, tableResolver } from '../../support/table-resolver.ts';

describe('drift: what others changed', () => {
  const drift = (before: SpfTree, now: SpfTree) => {
    const { alerts, added, removed, tree: kept } = assessDrift(before, now);
    return {
      alerts: alerts.map(({ severity, code, message }) => `${severity} ${code}: ${message}`),
      added,
      removed,
      lookups: kept.lookups,
    };
  };

  test('nothing changed: no alerts', async () =>
    expect(drift(await treeWith(), await treeWith())).toEqual({ alerts: [], added: [], removed: [], lookups: 10 }));

  test.each([
    [6, 7, []],
    [6, 8, ['warning SPF_DRIFT_LOOKUPS: 6 look-ups became 8, of 10']],
    [8, 9, ['warning SPF_DRIFT_LOOKUPS: 8 look-ups became 9, of 10']],
    [9, 10, ['warning SPF_DRIFT_LOOKUPS: 9 look-ups became 10, of 10']],
    [9, 11, ['error SPF_DRIFT_LOOKUPS: 9 look-ups became 11: receivers now end with permerror']],
    [11, 10, ['warning SPF_DRIFT_LOOKUPS: 11 look-ups became 10: receivers can evaluate the record again']],
    [9, 7, ['warning SPF_DRIFT_LOOKUPS: 9 look-ups became 7: no longer near the limit']],
    [9, 9, []],
  ])('%i → %i look-ups', async (before, now, expected) => {
    const of = (count: number) =>
      treeWith({
        'example.com': { txt: ['v=spf1 include:x.example -all'] },
        'x.example': { txt: [`v=spf1 ${Array.from({ length: count - 1 }, () => 'a:mx.example.com').join(' ')} -all`] },
      });
    expect(drift(await of(before), await of(now)).alerts).toEqual(expected);
  });

  test('new and removed includes, more voids', async () => {
    const now = await treeWith({
      '_spf.mailer.example': { txt: ['v=spf1 include:_c.mailer.example include:_b.mailer.example ~all'] },
      '_c.mailer.example': { txt: ['v=spf1 a:nowhere.example -all'] },
    });
    expect(drift(await treeWith(), now)).toEqual({
      alerts: [
        'error SPF_DRIFT_LOOKUPS: 10 look-ups became 11: receivers now end with permerror',
        'warning SPF_DRIFT_VOIDS: 1 terms that find nothing became 2, of 2',
        'warning SPF_DRIFT_INCLUDE: now included: _c.mailer.example (by _spf.mailer.example)',
        'warning SPF_DRIFT_INCLUDE: no longer included: _a.mailer.example (by _spf.mailer.example)',
      ],
      added: ['_c.mailer.example (by _spf.mailer.example)'],
      removed: ['_a.mailer.example (by _spf.mailer.example)'],
      lookups: 11,
    });
  });

  test('a failed look-up is not a change, and what was known stays known', async () => {
    const before = await treeWith();
    for (const domain of ['_spf.mailer.example', '_b.mailer.example', 'crm.example', 'example.com', 'gone.mailer.example']) {
      const now = await treeWith({ [domain]: { timeout: true } });
      expect(drift(before, now)).toEqual({ alerts: [], added: [], removed: [], lookups: 10 });
      expect(drift(assessDrift(before, now).tree, await treeWith())).toEqual({ alerts: [], added: [], removed: [], lookups: 10 });
    }
  });

  test('an include that broke is an error at once', async () => {
    const { alerts } = drift(await treeWith(), await treeWith({ '_a.mailer.example': { txt: ['hello'] } }));
    expect(alerts[0]).toMatch(/^error SPF_DRIFT_INCLUDE: the SPF record of _a\.mailer\.example is broken now \(none\)/);
  });
});

describe('the tree that is kept', () => {
  test('a tree that is kept shows the same drift as the whole one', async () => {
    const world: Table = {
      'esp.test': { txt: ['v=spf1 ip4:198.51.100.0/24 include:sub.test -all'] },
      'sub.test': { txt: ['v=spf1 ip4:203.0.113.1 -all'] },
    };
    const before = await spfTree(
      'example.com',
      tableResolver({ ...world, 'example.com': { txt: ['v=spf1 ip4:192.0.2.1 include:esp.test -all'] } }),
    );
    const now = await spfTree(
      'example.com',
      tableResolver({
        ...world,
        'example.com': { txt: ['v=spf1 include:esp.test -all'] },
        'sub.test': { txt: ['v=spf1 a:gone.test include:new.test -all'] },
      }),
    );
    const { alerts, added, removed } = assessDrift(keptTree(before, 10_000), now);
    expect({ alerts, added, removed }).toEqual({ ...assessDrift(before, now), tree: undefined });
    expect(added).toEqual(['new.test (by sub.test)']);
  });

  test('no texts, and no terms without a cost', async () => {
    const kept = keptTree(await treeWith(), 100_000);
    expect(kept.text).toBe('');
    expect(kept.branches.map(({ term }) => term)).toEqual([
      'mx',
      'a:www.example.com',
      'include:_spf.mailer.example',
      'include:crm.example',
    ]);
    expect(kept.lookups).toBe(10);
  });

  test.each([4000, 1000, 400])('at most %i octets as JSON: the deepest records go, the cost stays', async (bytesMax) => {
    const kept = keptTree(await treeWith(), bytesMax);
    expect(JSON.stringify(kept).length).toBeLessThanOrEqual(bytesMax);
    expect(kept).toMatchObject({ domain: 'example.com', lookups: 10, voids: 1 });
  });
});

describe('whose doing it is', () => {
  test('names that are ours come and go without an alert', async () => {
    const now = await treeWith({
      '_spf.mailer.example': { txt: ['v=spf1 include:_own.example include:_b.mailer.example ~all'] },
      '_own.example': { txt: ['v=spf1 -all'] },
    });
    const ours = new Set(['_own.example', '_a.mailer.example']);
    expect(assessDrift(await treeWith(), now, (domain) => ours.has(domain))).toMatchObject({ alerts: [], added: [], removed: [] });
  });

  test('a fault that was there before is not told again', async () => {
    const broken = await treeWith({ '_a.mailer.example': { txt: ['v=spf1 moo'] } });
    expect(assessDrift(broken, broken).alerts).toEqual([]);
  });
});
