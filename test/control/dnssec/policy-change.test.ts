/** RFC 6781 §4.4.2: what a key policy may say, field by field, and what is warned of. */
import { describe, expect, test } from 'vitest';
import { KEY_POLICY } from '#dnssec/key-policy.ts';
import { changedPolicy, noPolicy } from '#control/dnssec/policy-change.ts';
import { type KeyPolicyChange } from '#control/api/dnssec.ts';

const DAY = 86_400;
const change = (policy: KeyPolicyChange, mayName = true) => changedPolicy(KEY_POLICY, policy, mayName);
const told = (policy: KeyPolicyChange, mayName = true) => {
  const changed = change(policy, mayName);
  return changed.ok ? [] : changed.problems.map(({ message, fix }) => `${message} | ${fix ?? ''}`);
};

describe('good', () => {
  test.each<[string, KeyPolicyChange]>([
    ['nothing', {}],
    ['two keys', { keys: 'ksk+zsk' }],
    ['long signatures', { signatureValiditySeconds: 60 * DAY, signatureRefreshSeconds: 30 * DAY }],
    ['no jitter', { signatureJitterSeconds: 0 }],
    ['a parent', { parentServers: ['192.0.2.53', '[2001:db8::53]:5300'] }],
  ])('%s', (_name, policy) => {
    expect(told(policy)).toEqual([]);
    expect(change(policy)).toMatchObject({ ok: true, warnings: [] });
  });

  test('null takes a field away, what is not given stays', () => {
    const changed = change({ zskLifetimeSeconds: null, keyTtlSeconds: 60 });
    expect(changed.ok && changed.value).toEqual(
      Object.fromEntries(Object.entries({ ...KEY_POLICY, keyTtlSeconds: 60 }).filter(([name]) => name !== 'zskLifetimeSeconds')),
    );
  });
});

describe('bad', () => {
  test.each<[KeyPolicyChange, RegExp]>([
    [{ algorithm: 8 }, /algorithm 8 are not made.*use 13, 14, 15 or 16/], // for import only
    [{ parentServers: ['parent.example'] }, /parent\.example/], // a name is looked up, not asked
    [{ parentServers: Array.from({ length: 17 }, () => '192.0.2.1') }, /17 addresses; 16 are asked at most/],
    [{ signatureJitterSeconds: 8 * DAY }, /leave no time before the refresh/], // 14 − 8 ≤ 7
    [{ signatureValiditySeconds: 3 * DAY, signatureRefreshSeconds: 3600 }, /too late: zones are swept every hour.*at least 10800/],
    [{ propagationSeconds: 7 * DAY }, /too late.*604800 s to every name server/], // 7 days left, and 7 days on the way
  ])('%o', (policy, text) => expect(told(policy).join('\n')).toMatch(text));

  test('addresses of a parent, by a client of one zone', () => {
    expect(told({ parentServers: ['192.0.2.1'] }, false).join()).toContain('only an administrator of all zones');
  });

  test('all problems at once', () => expect(told({ algorithm: 8, signatureJitterSeconds: 8 * DAY })).toHaveLength(2));
});

test('less than a week left at the renewal is warned of', () => {
  const changed = change({ signatureRefreshSeconds: 7 * DAY - 1 });
  expect(changed.ok && changed.warnings.map(({ severity, message }) => [severity, message])).toEqual([
    ['warning', expect.stringContaining('167 hours left')],
  ]);
});

test('a policy that is not there', () => expect(noPolicy('x').message).toContain('"x"'));
