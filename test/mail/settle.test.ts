/** Mail policy documents: every problem at once, defaults, profiles and where they contradict each other. */
import { formatPlace } from '#base/place.ts';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { PROFILE_NAMES } from '#mail/policy/schema.ts';
import { readPolicy } from '#mail/settle.ts';
import { DAY_MS, policyOf } from '../support/mail/mail-domain.ts';

const APEX = nameOf('example.com');
const problemsOf = (document: unknown) => {
  const read = readPolicy(document, APEX);
  return (read.ok ? read.warnings : read.problems).map(({ code, at }) => `${code} ${formatPlace(at)}`);
};

describe('documents', () => {
  test('an empty one is a whole policy, and has no problem', () => {
    expect(problemsOf({})).toEqual([]);
    const policy = policyOf({});
    expect(policy).toMatchObject({
      spf: { mechanisms: ['mx'], all: '~all' },
      dkim: { algorithms: ['rsa2048', 'ed25519'], rotationIntervalMs: 90 * DAY_MS, queueLifeMs: 5 * DAY_MS },
      dmarc: { policy: 'reject', ramp: { isOn: true, noneForMs: 30 * DAY_MS, quarantineForMs: 30 * DAY_MS }, failureUris: [] },
      mtaSts: { mode: 'enforce' },
      tlsRptUris: ['mailto:postmaster@example.com'],
    });
  });

  test('all problems at once, of form and of meaning, each at its place', () => {
    expect(
      problemsOf({
        profile: 'bsii',
        spf: { mechansims: ['mx'], mechanisms: ['ip4:192.0.2', 'all', 'mx a', 'include:x.example'], flatten: ['y.example'] },
        dkim: { rotationInterval: 'soon', external: [{ selector: 'a b', record: 'v=DKIM1; p=?' }, { selector: 'c' }] },
        dmarc: { policy: 'rejct', rua: ['dmarc@example.com'], sp: 'none' },
        mtaSts: { mode: 'external', mx: ['*.*.example'] },
        tlsRpt: { rua: ['ftp://x.example/'] },
        dane: { hosts: { 'mx.example.net': { keys: ['3 1 1 00'] } } },
        bimi: { logo: 'http://example.com/logo.svg' },
        ttl: { dkim: '1 hour', spf: '99999999999s' },
      }).toSorted(),
    ).toEqual([
      'BIMI_LOCATION /bimi (l=)',
      'DANE_DIGEST /dane/hosts/mx.example.net/keys/0',
      'DKIM_KEY_BASE64 /dkim/external/0/record',
      'DKIM_SELECTOR /dkim/external/0/selector',
      'DMARC_URI /dmarc/rua',
      'FIELD_MISSING /dkim/external/1/record',
      'FIELD_MISSING /mtaSts/id',
      'FIELD_UNKNOWN /spf/mechansims',
      'FIELD_VALUE /dkim/rotationInterval',
      'FIELD_VALUE /dmarc/policy',
      'FIELD_VALUE /profile',
      'FIELD_VALUE /spf/flatten/0',
      'FIELD_VALUE /spf/mechanisms/1',
      'FIELD_VALUE /spf/mechanisms/2',
      'FIELD_VALUE /ttl/dkim',
      'FIELD_VALUE /ttl/spf',
      'MAIL_DANE_HOST /dane/hosts/mx.example.net',
      'SPF_IP /spf/mechanisms/0',
      'STS_MX /mtaSts/mx/0',
      'TLSRPT_SCHEME /tlsRpt/rua',
    ]);
  });

  test('RFC 7208 §6.1: redirect stands in the place of all', () => {
    expect(policyOf({ spf: { mechanisms: [], redirect: '_spf.example.net' } }).spf).toMatchObject({
      all: 'none',
      redirect: '_spf.example.net',
    });
    expect(problemsOf({ spf: { redirect: '_spf.example.net', all: '-all' } })).toEqual(['FIELD_VALUE /spf/redirect']);
    // A profile's wish for "all" is none of the author's doing.
    expect(problemsOf({ profile: 'bsi', spf: { redirect: '_spf.example.net' } })).toEqual([]);
  });

  test('RFC 9989 §7.4: reject without DKIM is warned of', () => {
    expect(problemsOf({ dkim: { algorithms: [] } })).toEqual(['MAIL_DKIM_NONE /dkim/algorithms']);
  });
});

describe('profiles', () => {
  test.each(PROFILE_NAMES)('%s by itself has no problem', (profile) => expect(problemsOf({ profile })).toEqual([]));

  test('-all or ~all: who names two that contradict each other sees it, and the first decides', () => {
    expect(problemsOf({ profile: ['bsi', 'm3aawg'] })).toEqual(['MAIL_PROFILE /spf/all']);
    expect(policyOf({ profile: ['bsi', 'm3aawg'] }).spf.all).toBe('-all');
    expect(policyOf({ profile: ['m3aawg', 'bsi'] }).spf.all).toBe('~all');
    const read = readPolicy({ profile: ['bsi', 'm3aawg'] }, APEX);
    expect(read.ok && read.warnings[0]?.message).toContain('bsi, also named, wants what the policy says');
  });

  test('a policy that decides against its profile is warned', () => {
    expect(problemsOf({ profile: 'cisa', dmarc: { policy: 'quarantine' }, dkim: { algorithms: [] } })).toEqual([
      'MAIL_PROFILE /dmarc/policy',
      'MAIL_PROFILE /dkim/algorithms',
      'MAIL_DKIM_NONE /dkim/algorithms',
    ]);
  });

  test('lockdown leaves nothing open', () => {
    expect(policyOf({ profile: 'lockdown' })).toMatchObject({
      isLockdown: true,
      spf: { mechanisms: [], all: '-all' },
      dkim: { algorithms: [] },
      dmarc: { policy: 'reject', ramp: { isOn: false }, aggregateUris: [] },
      mtaSts: { mode: 'off' },
      tlsRptUris: [],
    });
    expect(problemsOf({ lockdown: true, spf: { all: '~all' } })).toEqual(['MAIL_PROFILE /spf']);
  });
});
