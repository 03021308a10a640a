/** One step: what is due is done, keys are asked for and taken in, TTLs are remembered, the same arguments give the same result. */
import { describe, expect, test } from 'vitest';
import { LIFECYCLE_SETTLE_MS, SECONDARY_LAG_MS_MAX } from '#base/limits/lifecycle.ts';
import { mailFacts } from '#mail/facts.ts';
import { newMailState } from '#mail/state.ts';
import { type MailStepInput, explainMail, stepMail } from '#mail/step.ts';
import { APEX, BASE, PUBLIC_KEYS, START_MS, policyOf, zoneOf } from '../support/mail/mail-domain.ts';

const OFF = { dkim: { algorithms: [] }, mtaSts: { mode: 'off' } };

function inputOf(document: object, more: Partial<MailStepInput> = {}): MailStepInput {
  const view = more.view ?? zoneOf(BASE);
  const state = newMailState(view, APEX, START_MS);
  return { domain: APEX, policy: policyOf(document), view, state, isSigned: true, facts: mailFacts(START_MS), ...more };
}
const newKey = (algorithm: 'rsa2048' | 'ed25519', secretId: string) => ({ algorithm, publicKey: PUBLIC_KEYS[algorithm], secretId });

describe('keys', () => {
  const dkim = { dkim: { algorithms: ['ed25519'] } };

  test('one that is missing is asked for, and again soon should its maker die', () => {
    const step = stepMail(inputOf(dkim));
    expect(step.wantedKeys).toEqual(['ed25519']);
    expect(step.nextDueMs).toBe(START_MS + LIFECYCLE_SETTLE_MS);
  });

  test('one that was made gets a selector, and none is wanted', () => {
    const step = stepMail(inputOf(dkim, { newKeys: [newKey('ed25519', 's1')] }));
    expect(step).toMatchObject({ selectors: ['e20261121a'], wantedKeys: [], forgettableSecrets: [] });
  });

  test('one that nobody wants is left over', () =>
    expect(stepMail(inputOf(OFF, { newKeys: [newKey('ed25519', 's1')] })).selectors).toEqual([]));
});

test('the same arguments give the same step; the state is JSON', () => {
  const input = inputOf({}, { newKeys: [newKey('ed25519', 's1'), newKey('rsa2048', 's2')] });
  const step = stepMail(input);
  expect(stepMail(input)).toEqual(step);
  expect(JSON.parse(JSON.stringify(step.state))).toEqual(step.state);
});

describe('TTLs that caches may hold', () => {
  const seconds = (step: ReturnType<typeof stepMail>, kind: string) => step.state.ttls[kind]?.map((each) => each.seconds);

  test.each([
    ['MINIMUM is smaller', '@ 3600 SOA ns hostmaster 1 7200 900 1209600 900', 900],
    ['the TTL of the SOA is smaller', '@ 300 SOA ns hostmaster 1 7200 900 1209600 900', 300],
  ])('RFC 2308 §5: a negative answer lasts the smaller of two: %s', (_what, soa, expected) =>
    expect(seconds(stepMail(inputOf(OFF, { view: zoneOf([soa, ...BASE.slice(1)]) })), 'negative')).toEqual([expected]),
  );

  test('those of the policy, and that of the MX in the zone', () => {
    const step = stepMail(
      inputOf(
        { ...OFF, ttl: { spf: '5m', tlsa: '30m' } },
        { view: zoneOf([...BASE.filter((line) => !line.includes(' MX ')), '@ 77 MX 10 mx1']) },
      ),
    );
    expect([seconds(step, 'spf'), seconds(step, 'tlsa'), seconds(step, 'mx')]).toEqual([[300], [1800], [77]]);
  });

  test('RFC 2181 §8: one that was larger counts on, with secondaries for their lag more', () => {
    const before = stepMail(inputOf({ ...OFF, ttl: { spf: '1d' } })).state;
    for (const [servers, lagMs] of [
      [['a'], 0],
      [['a', 'b'], SECONDARY_LAG_MS_MAX],
    ] as const) {
      const facts = mailFacts(START_MS + 1000, { servers });
      const { state } = stepMail(inputOf({ ...OFF, ttl: { spf: '1m' } }, { state: before, facts }));
      expect(state.ttls['spf']?.[1]).toEqual({ seconds: 86_400, lastServedMs: START_MS + 1000 + lagMs });
    }
  });
});

test('a signer of the policy that is not registered is warned of', () => {
  const input = inputOf({ dkim: { algorithms: [], signers: ['mx1'] }, mtaSts: { mode: 'off' } });
  const problems = stepMail({ ...input, facts: { ...input.facts, signers: new Map() } }).problems.map(({ code }) => code);
  expect(problems).toContain('SIGNER_NOT_FOUND');
});

test('the state knows what the policy has put into the zone', () =>
  expect(
    stepMail(inputOf(OFF))
      .state.managed.map(({ owner }) => owner)
      .toSorted(),
  ).toEqual(['_dmarc.example.com.', '_smtp._tls.example.com.', 'example.com.']));

test('everything that has a life is explained', () => {
  const input = inputOf(OFF);
  const { state } = stepMail(input);
  expect(explainMail(state, input).map(({ object }) => object)).toContain('dmarc');
});
