/** The SPF section of a policy: terms as people write them, defaults, every problem at its place. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { type Problem } from '#base/problem.ts';
import { type SpfPolicy, settleSpf, spfRecordOf } from '#mail/spf/settle.ts';
import { formatSpf } from '#mail/spf/spf.ts';

type Settings = Parameters<typeof settleSpf>[0];

/** `stated` is the document without what profiles wish. */
function settle(settings: Settings, stated: Settings = settings) {
  const problems: Problem[] = [];
  const policy = settleSpf(settings, stated.all, problems);
  return { policy, problems: problems.map(({ code, at }) => `${code} ${formatPlace(at)}`), fixes: problems.map(({ fix }) => fix) };
}

describe('defaults', () => {
  test('~all, no mechanisms, a look every hour', () =>
    expect(settle({})).toMatchObject({
      policy: { isEnabled: true, mechanisms: [], all: '~all', flatten: [], refreshMs: 3_600_000 },
      problems: [],
    }));

  test('SPF can be left out', () => expect(settle({ enabled: false }).policy.isEnabled).toBe(false));
});

describe('mechanisms', () => {
  test('canonical, in the order given', () =>
    expect(settle({ mechanisms: ['+MX', 'ip4:192.0.2.1/32', 'IP6:2001:DB8::0/32', '?a/24'] })).toMatchObject({
      policy: { mechanisms: ['mx', 'ip4:192.0.2.1', 'ip6:2001:db8::/32', '?a/24'] },
      problems: [],
    }));

  test.each([
    ['-all', 'FIELD_VALUE', 'say it with spf.all'],
    ['redirect=x.example', 'FIELD_VALUE', 'say it with spf.redirect'],
    ['exp=x.example', 'FIELD_VALUE', 'leave it out'],
    ['mx a', 'FIELD_VALUE', undefined],
    ['ip4:192.0.2', 'SPF_IP', undefined],
    ['moo', 'SPF_TERM', undefined],
  ])('%s: %s at its place, and the others stay', (text, code, fix) => {
    const { policy, problems, fixes } = settle({ mechanisms: ['mx', text, 'a'] });
    expect(policy.mechanisms).toEqual(['mx', 'a']);
    expect(problems).toContain(`${code} /spf/mechanisms/1`);
    if (fix !== undefined) expect(fixes).toContain(fix);
  });

  test('one mechanism alone is not warned of having no "all"', () => expect(settle({ mechanisms: ['mx'] }).problems).toEqual([]));
});

describe('flatten', () => {
  test('lower case and without the last dot; the include may be written in any case', () =>
    expect(settle({ mechanisms: ['include:_SPF.example.net'], flatten: ['_spf.Example.NET.'] })).toMatchObject({
      policy: { flatten: ['_spf.example.net'] },
      problems: [],
    }));

  test('a domain that no include names', () =>
    expect(settle({ mechanisms: ['include:a.example', 'a:b.example'], flatten: ['a.example', 'b.example'] }).problems).toEqual([
      'FIELD_VALUE /spf/flatten/1',
    ]));
});

describe('RFC 7208 §6.1: redirect', () => {
  test('it stands in the place of "all", also of one that a profile wishes', () => {
    const { policy, problems } = settle({ all: '-all', redirect: '_spf.example.net' }, { redirect: '_spf.example.net' });
    expect(policy).toMatchObject({ all: 'none', redirect: '_spf.example.net' });
    expect(problems).toEqual([]);
  });

  test.each([
    ['-all', ['FIELD_VALUE /spf/redirect']],
    ['~all', ['FIELD_VALUE /spf/redirect']],
    ['none', []],
  ] as const)('beside a stated %s: %j', (all, expected) =>
    expect(settle({ all, redirect: '_spf.example.net' }).problems).toEqual(expected),
  );

  test('a target that is no domain', () => expect(settle({ redirect: '192.0.2.1' }).problems).toEqual(['SPF_DOMAIN /spf/redirect']));
});

test.each([
  ['5m', 300_000, []],
  ['24h', 86_400_000, []],
  ['1d', 86_400_000, []],
  ['299s', 3_600_000, ['FIELD_VALUE /spf/refreshInterval']],
  ['25h', 3_600_000, ['FIELD_VALUE /spf/refreshInterval']],
  ['often', 3_600_000, ['FIELD_VALUE /spf/refreshInterval']],
])('refreshInterval %s: 5m to 24h', (refreshInterval, refreshMs, problems) =>
  expect(settle({ refreshInterval })).toMatchObject({ policy: { refreshMs }, problems }),
);

describe('the record', () => {
  const NONE: SpfPolicy = { isEnabled: true, mechanisms: [], all: 'none', flatten: [], refreshMs: 3_600_000 };
  test.each([
    ['nothing', {}, 'v=spf1'],
    ['mechanisms, then all', { mechanisms: ['mx', 'ip4:192.0.2.1'], all: '-all' }, 'v=spf1 mx ip4:192.0.2.1 -all'],
    ['mechanisms, then redirect', { mechanisms: ['mx'], redirect: 'x.example' }, 'v=spf1 mx redirect=x.example'],
    ['a mechanism given twice stands once', { mechanisms: ['mx', 'a', 'mx'], all: '~all' }, 'v=spf1 mx a ~all'],
  ] as const)('%s', (_what, more, expected) => expect(formatSpf(spfRecordOf({ ...NONE, ...more }))).toBe(expected));
});
