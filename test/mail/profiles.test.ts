/** Profiles: what they fill in, what they demand, where they contradict a policy or each other. */
import { describe, expect, test } from 'vitest';
import { formatPlace } from '#base/place.ts';
import { PROFILE_NAMES, type ProfileName, checkPolicyDocument } from '#mail/policy/schema.ts';
import { PROFILES, profileConflicts, profileReport } from '#mail/profiles.ts';
import { policyOf } from '../support/mail/mail-domain.ts';

const conflicts = (document: unknown) => profileConflicts(policyOf(document)).map(({ at }) => formatPlace(at));
const unmet = (document: unknown, profile: ProfileName) =>
  profileReport(policyOf(document))
    .filter((each) => each.profile === profile && !each.isMet)
    .map(({ at }) => at);

describe('what profiles fill in', () => {
  test.each(PROFILE_NAMES)('%s: its settings are a good document', (name) =>
    expect(checkPolicyDocument(PROFILES[name].settings)).toMatchObject({ ok: true }),
  );

  test.each(PROFILE_NAMES)('%s: its settings meet all of its own demands that are a choice', (name) =>
    expect(conflicts({ profile: name })).toEqual([]),
  );

  test('each demand has a wish, a source and a field of the document', () => {
    for (const { demands } of Object.values(PROFILES))
      for (const { at, wish, source } of demands) {
        expect(at).toMatch(/^\/[a-zA-Z]+\/[a-zA-Z]+$/);
        expect(wish).not.toBe('');
        expect(source).not.toBe('');
      }
  });
});

describe('demands', () => {
  test.each([
    ['m3aawg', { spf: { all: '-all' } }, ['/spf/all']],
    ['m3aawg', { spf: { all: '~all' } }, []],
    // RFC 7208 §6.1: with a redirect another record says what all is.
    ['m3aawg', { spf: { mechanisms: [], redirect: 'x.example' } }, []],
    ['m3aawg', { dkim: { rotationInterval: '184d' } }, []],
    ['m3aawg', { dkim: { rotationInterval: '185d' } }, ['/dkim/rotationInterval']],
    ['cisa', { dmarc: { policy: 'quarantine' } }, ['/dmarc/policy']],
    ['cisa', { dmarc: { enabled: false } }, ['/dmarc/policy']],
    ['internet.nl', { spf: { all: '?all' }, dane: { hosts: { mx1: { keys: [`3 1 1 ${'AB'.repeat(32)}`] } } } }, ['/spf/all']],
    ['internet.nl', { dmarc: { policy: 'none' }, dane: { hosts: { mx1: { keys: [`3 1 1 ${'AB'.repeat(32)}`] } } } }, ['/dmarc/policy']],
  ] as const)('%s of %j: not met %j', (profile, document, expected) => expect(unmet(document, profile)).toEqual(expected));

  test.each(PROFILE_NAMES)('a domain that sends nothing meets what %s asks of mail that it sends', (name) =>
    expect(unmet({ lockdown: true }, name)).toEqual([]),
  );

  test('the report has every demand, met or not, with its source', () => {
    const report = profileReport(policyOf({}));
    expect(report).toContainEqual(
      expect.objectContaining({ profile: 'bsi', source: 'APP.5.3.A9', at: '/spf/all', isNamed: false, isMet: false }),
    );
    expect(report).toContainEqual(expect.objectContaining({ profile: 'm3aawg', at: '/spf/all', isMet: true }));
    expect(report.filter(({ profile }) => profile === 'cisa').every(({ isMet }) => isMet)).toBe(true);
  });

  test('the report names the profiles that the policy names', () => {
    const named = profileReport(policyOf({ profile: ['cisa', 'bsi'] })).filter(({ isNamed }) => isNamed);
    expect(new Set(named.map(({ profile }) => profile))).toEqual(new Set(['cisa', 'bsi']));
  });
});

describe('conflicts', () => {
  test('only with profiles that the policy names', () => {
    expect(conflicts({ dmarc: { policy: 'none' } })).toEqual([]);
    expect(conflicts({ profile: 'cisa', dmarc: { policy: 'none' } })).toEqual(['/dmarc/policy']);
  });

  test('not about what needs more than a choice: keys of mail hosts', () => {
    expect(unmet({ profile: 'internet.nl' }, 'internet.nl')).toEqual(['/dane/hosts']);
    expect(conflicts({ profile: 'internet.nl' })).toEqual([]);
  });

  test('the other profile that wants what the policy says is named, else the policy', () => {
    const [both] = profileConflicts(policyOf({ profile: ['bsi', 'm3aawg'] }));
    expect(both).toMatchObject({ severity: 'warning', code: 'MAIL_PROFILE' });
    expect(both?.message).toMatch(/^m3aawg wants .* bsi, also named, wants what the policy says$/);
    const [own] = profileConflicts(policyOf({ profile: 'bsi', spf: { all: '?all' } }));
    expect(own?.message).toMatch(/^bsi wants .* but this policy says otherwise$/);
  });
});
