/** Trees, the budget check before publishing, and drift of what others publish. */
import { describe, expect, test } from 'vitest';
import { checkSpfBudget } from '#mail/spf/budget.ts';
import { drawSpfTree } from '#mail/spf/draw.ts';
import { assessDrift } from '#mail/spf/drift.ts';
import { type SpfTree, spfTree } from '#mail/spf/tree.ts';
import { type Table, type TableEntry, tableResolver } from '../../support/table-resolver.ts';

const WORLD: Table = {
  'example.com': {
    txt: [
      'v=spf1 mx a:www.example.com include:_spf.mailer.example include:crm.example ip4:192.0.2.1 ip4:192.0.2.2 ip6:2001:db8::1 -all',
      'token=1',
    ],
    mx: ['10 mx.example.com'],
  },
  'mx.example.com': { a: ['192.0.2.9'], aaaa: ['2001:db8::9'] },
  'www.example.com': { a: ['192.0.2.10'] },
  '_spf.mailer.example': { txt: ['v=spf1 include:_a.mailer.example include:_b.mailer.example ~all'] },
  '_a.mailer.example': { txt: ['v=spf1 ip4:198.51.100.0/24 ~all'] },
  '_b.mailer.example': { txt: ['v=spf1 ip4:203.0.113.0/24 a:gone.mailer.example ~all'] },
  'crm.example': { txt: ['v=spf1 exists:%{i}.spf.crm.example redirect=_spf.%{d}'] },
  '_spf.crm.example': { txt: ['v=spf1 ptr -all'] },
};

const tree = (changes: Record<string, TableEntry> = {}, domain = 'example.com') => spfTree(domain, tableResolver({ ...WORLD, ...changes }));
const check = (text: string, changes: Record<string, TableEntry> = {}, otherTexts: readonly string[] = []) =>
  checkSpfBudget({ domain: 'example.com', text, otherTexts }, tableResolver({ ...WORLD, ...changes }));
const codes = async (...args: Parameters<typeof check>) =>
  (await check(...args)).problems.map(({ severity, code }) => `${severity} ${code}`);

describe('RFC 7208 §4.6.4: the tree', () => {
  test('costs with all that is below, drawn', async () => {
    expect(drawSpfTree(await tree())).toBe(
      [
        'example.com: 10 look-ups, 1 void, 142 octets of TXT with the name',
        '├─ mx                                            1',
        '├─ a:www.example.com                             1  finds nothing for IPv6 clients',
        '├─ include:_spf.mailer.example                   4',
        '│  ├─ include:_a.mailer.example                  1',
        '│  │  ├─ ip4:198.51.100.0/24',
        '│  │  └─ ~all',
        '│  ├─ include:_b.mailer.example                  2',
        '│  │  ├─ ip4:203.0.113.0/24',
        '│  │  ├─ a:gone.mailer.example                   1  finds nothing',
        '│  │  └─ ~all',
        '│  └─ ~all',
        '├─ include:crm.example                           4',
        '│  ├─ exists:%{i}.spf.crm.example                1  may find nothing',
        '│  └─ redirect=_spf.%{d}                         2',
        '│     ├─ ptr                                     1  may find nothing',
        '│     └─ -all',
        '├─ ip4:192.0.2.1 … ip6:2001:db8::1 (3 networks)',
        '└─ -all',
      ].join('\n'),
    );
  });

  test('as plain data', async () => {
    const found = await tree();
    expect(found).toMatchObject({ state: 'record', lookups: 10, voids: 1, voidsIpv4: 3, voidsIpv6: 4 });
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  test('what stands behind all is not counted, nor a redirect beside it (§5.1, §6.1)', async () => {
    expect(await tree({ 'example.com': { txt: ['v=spf1 a redirect=crm.example -all mx mx'] } })).toMatchObject({ lookups: 1 });
  });

  test('circles, records that are none, names that depend on the message', async () => {
    const found = await tree({
      'example.com': {
        txt: [
          'v=spf1 include:b.example include:none.example include:two.example include:bad.example include:%{l}.example include:slow.example -all',
        ],
      },
      'b.example': { txt: ['v=spf1 include:EXAMPLE.com -all'] },
      'two.example': { txt: ['v=spf1 -all', 'v=spf1 +all'] },
      'bad.example': { txt: ['v=spf1 moo -all'] },
      'slow.example': { timeout: true },
    });
    expect(found.branches.map(({ below }) => below?.state)).toEqual([
      'record',
      'none',
      'multiple',
      'malformed',
      'dynamic',
      'unresolved',
      undefined,
    ]);
    expect(found.branches[0]?.below?.branches[0]?.below?.state).toBe('loop');
    expect(found.lookups).toBeGreaterThan(10);
    expect(drawSpfTree(found)).toContain('a circle: costs more than 10 look-ups');
  });

  test('includes that fan out without end are cut off', async () => {
    const fan = Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => [
        `f${at}.example`,
        { txt: [`v=spf1 include:f${at + 1}.example include:f${at + 1}.example -all`] },
      ]),
    );
    const started = performance.now();
    const { tree: found, problems } = await check('v=spf1 include:f0.example -all', fan);
    expect(found.lookups).toBeGreaterThan(90);
    expect(problems.map(({ code }) => code)).toContain('SPF_TREE');
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('RFC 7208 §3.4, §4.6.4: may it be published?', () => {
  const host = { 'h.example': { a: ['192.0.2.1'], aaaa: ['2001:db8::1'] } };
  const terms = (count: number) => Array.from({ length: count }, () => 'a:h.example').join(' ');
  test.each([
    [7, []],
    [8, ['warning SPF_LOOKUPS']],
    [9, ['warning SPF_LOOKUPS']],
    [10, ['warning SPF_LOOKUPS']],
    [11, ['error SPF_LOOKUPS']],
  ])('%i look-ups: %j', async (count, expected) => expect(await codes(`v=spf1 ${terms(count)} -all`, host)).toEqual(expected));

  test('the evidence is in the message', async () => {
    const { problems } = await check('v=spf1 include:_spf.mailer.example include:crm.example a:h.example mx a:h.example -all', {
      ...host,
      'crm.example': { txt: ['v=spf1 include:_spf.mailer.example -all'] },
    });
    expect(problems[0]?.message).toBe(
      '12 look-ups, at most 10 are made: include:_spf.mailer.example 4 (include:_a.mailer.example 1, include:_b.mailer.example 2 (a:gone.mailer.example 1)), ' +
        'include:crm.example 5 (include:_spf.mailer.example 4 (include:_a.mailer.example 1, include:_b.mailer.example 2 (a:gone.mailer.example 1))), ' +
        'a:h.example 1, mx 1, a:h.example 1',
    );
    expect(problems[0]?.rfc).toBe('RFC 7208 §4.6.4');
  });

  test.each([
    ['two voids', 'v=spf1 a:n1.example a:n2.example -all', []],
    ['three voids', 'v=spf1 a:n1.example mx:n2.example exists:n3.example -all', ['error SPF_VOIDS']],
    ['three hosts without IPv6', 'v=spf1 a:v4.example a:v4.example a:v4.example -all', ['warning SPF_VOIDS']],
    ['an include that does not exist', 'v=spf1 include:none.example -all', ['error SPF_INCLUDE']],
    ['an include with a bad record', 'v=spf1 include:bad.example -all', ['error SPF_INCLUDE']],
    ['an include that cannot be looked up', 'v=spf1 include:slow.example -all', ['warning SPF_UNRESOLVED']],
    ['an include of itself', 'v=spf1 include:example.com. -all', ['error SPF_LOOKUPS', 'error SPF_LOOP']],
    ['eleven mail hosts', 'v=spf1 mx:many.example -all', ['error SPF_MX_NAMES']],
    ['a mistake of form', 'v=spf1 moo -all', ['error SPF_TERM']],
    ['no default', 'v=spf1 ip4:192.0.2.1', ['warning SPF_NO_ALL']],
    ['a domain that sends nothing', 'v=spf1 -all', []],
  ])('%s', async (_what, text, expected) => {
    const changes = {
      'v4.example': { a: ['192.0.2.1'] },
      'bad.example': { txt: ['v=spf1 moo'] },
      'slow.example': { servfail: true as const },
      'many.example': { mx: Array.from({ length: 11 }, (_, at) => `${at} mx.example.com`) },
    };
    expect(await codes(text, changes)).toEqual(expected);
  });

  test('the record in DNS does not count, the candidate does', async () =>
    expect((await check('v=spf1 -all')).tree).toMatchObject({ text: 'v=spf1 -all', lookups: 0 }));

  test('450 octets with the name and all other TXT', async () => {
    const text = 'v=spf1 -all';
    const fitting = 450 - 'example.com'.length - text.length;
    expect(await codes(text, {}, ['x'.repeat(fitting - 10), 'y'.repeat(10)])).toEqual([]);
    expect(await codes(text, {}, ['x'.repeat(fitting - 10), 'y'.repeat(11)])).toEqual(['error SPF_SIZE']);
  });

  test('another SPF record at the name', async () =>
    expect(await codes('v=spf1 -all', {}, ['v=spf1 ~all', 'token'])).toEqual(['error SPF_MULTIPLE']));
});

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
    expect(drift(await tree(), await tree())).toEqual({ alerts: [], added: [], removed: [], lookups: 10 }));

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
      tree({
        'example.com': { txt: ['v=spf1 include:x.example -all'] },
        'x.example': { txt: [`v=spf1 ${Array.from({ length: count - 1 }, () => 'a:mx.example.com').join(' ')} -all`] },
      });
    expect(drift(await of(before), await of(now)).alerts).toEqual(expected);
  });

  test('new and removed includes, more voids', async () => {
    const now = await tree({
      '_spf.mailer.example': { txt: ['v=spf1 include:_c.mailer.example include:_b.mailer.example ~all'] },
      '_c.mailer.example': { txt: ['v=spf1 a:nowhere.example -all'] },
    });
    expect(drift(await tree(), now)).toEqual({
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
    const before = await tree();
    for (const domain of ['_spf.mailer.example', '_b.mailer.example', 'crm.example', 'example.com', 'gone.mailer.example']) {
      const now = await tree({ [domain]: { timeout: true } });
      expect(drift(before, now)).toEqual({ alerts: [], added: [], removed: [], lookups: 10 });
      expect(drift(assessDrift(before, now).tree, await tree())).toEqual({ alerts: [], added: [], removed: [], lookups: 10 });
    }
  });

  test('an include that broke is an error at once', async () => {
    const { alerts } = drift(await tree(), await tree({ '_a.mailer.example': { txt: ['hello'] } }));
    expect(alerts[0]).toMatch(/^error SPF_DRIFT_INCLUDE: the SPF record of _a\.mailer\.example is broken now \(none\)/);
  });
});
