/** The DKIM section of a policy: defaults, selectors of others, every problem at its place. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { type Problem } from '#base/problem.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { settleDkim } from '#mail/dkim/settle.ts';
import { DurationReader } from '#mail/policy/duration.ts';
import { type MailPolicyDocument } from '#mail/policy/schema.ts';
import { DAY_MS, HOUR_MS } from '../../support/mail/mail-domain.ts';

function settle(dkim: MailPolicyDocument['dkim'], { domain = 'example.com', isLockdown = false } = {}) {
  const durations = new DurationReader();
  const problems: Problem[] = [];
  const policy = settleDkim(dkim === undefined ? {} : { dkim }, nameOf(domain), isLockdown, durations, problems);
  return { policy, problems: [...problems, ...durations.problems].map(({ code, at }) => `${code} ${formatPlace(at)}`) };
}

const external = (selector: string, record = 'v=DKIM1; p=') => ({ selector, record });
const delegation = (selector: string, target = 's.esp.example') => ({ selector, target });

test('defaults: both algorithms, a quarter of a year, RFC 5321 §4.5.4.1: five days under way', () =>
  expect(settle(undefined)).toEqual({
    policy: {
      algorithms: ['rsa2048', 'ed25519'],
      rotationIntervalMs: 90 * DAY_MS,
      queueLifeMs: 5 * DAY_MS,
      signerLagMs: HOUR_MS,
      revokedForMs: 30 * DAY_MS,
      afterRetirement: 'revoke',
      spareKeys: 0,
      signers: [],
      external: [],
      delegations: [],
    },
    problems: [],
  }));

test('what the document says', () =>
  expect(
    settle({ algorithms: [], rotationInterval: '30d', queueLife: '2d', afterRetirement: 'keep', spareKeys: 1, signers: ['a', 'b', 'a'] })
      .policy,
  ).toMatchObject({
    algorithms: [],
    rotationIntervalMs: 30 * DAY_MS,
    queueLifeMs: 2 * DAY_MS,
    afterRetirement: 'keep',
    spareKeys: 1,
    signers: ['a', 'b'],
  }));

test.each(['rotationInterval', 'queueLife', 'signerLag', 'revokedFor'])('%s that is no duration', (field) =>
  expect(settle({ [field]: 'soon' }).problems).toEqual([`FIELD_VALUE /dkim/${field}`]),
);

test.each([
  ['0s', ['FIELD_VALUE /dkim/rotationInterval']],
  ['1h', []],
])('a key signs for %s: %j', (rotationInterval, expected) => expect(settle({ rotationInterval }).problems).toEqual(expected));

describe('selectors of others', () => {
  test('records as given, targets as names, TTLs in seconds', () => {
    const { policy, problems } = settle({
      external: [{ ...external('esp', 'v=DKIM1;p='), ttl: '5m' }, external('a.b')],
      delegations: [{ ...delegation('s1', 'S1.esp.example.'), ttl: '1h' }],
    });
    expect(problems).toEqual([]);
    expect(policy.external).toEqual([
      { selector: 'esp', record: 'v=DKIM1;p=', ttlSeconds: 300 },
      { selector: 'a.b', record: 'v=DKIM1; p=' },
    ]);
    expect(policy.delegations.map(({ target, ttlSeconds }) => [formatName(target).toLowerCase(), ttlSeconds])).toEqual([
      ['s1.esp.example.', 3600],
    ]);
  });

  test.each([
    ['no selector', { external: [external('a b')] }, ['DKIM_SELECTOR /dkim/external/0/selector']],
    ['no DKIM record', { external: [external('a'), external('b', 'v=DKIM1; p=?')] }, ['DKIM_KEY_BASE64 /dkim/external/1/record']],
    ['a TTL that is none', { external: [{ ...external('a'), ttl: 'x' }] }, ['FIELD_VALUE /dkim/external/0/ttl']],
    ['twice, in any case', { external: [external('A'), external('a')] }, ['FIELD_VALUE /dkim/external/1/selector']],
    ['in both lists', { external: [external('a')], delegations: [delegation('a')] }, ['FIELD_VALUE /dkim/delegations/0/selector']],
  ])('%s', (_what, dkim, expected) => expect(settle(dkim).problems).toEqual(expected));

  test('a target that is no name is told at its place, and the others stay', () => {
    const { policy, problems } = settle({ delegations: [delegation('a', 'x..example'), delegation('b')] });
    expect(policy.delegations.map(({ selector }) => selector)).toEqual(['b']);
    expect(problems).toEqual([expect.stringMatching(/ \/dkim\/delegations\/0\/target$/)]);
  });
});

test('lockdown: no keys and no selectors, whatever the document says', () =>
  expect(
    settle({ algorithms: ['ed25519'], external: [external('a')], delegations: [delegation('b')] }, { isLockdown: true }).policy,
  ).toMatchObject({
    algorithms: [],
    external: [],
    delegations: [],
  }));
