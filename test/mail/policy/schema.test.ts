/** The form of a mail policy document: TOML and JSON, suggestions, limits, every problem at once. */
import { describe, expect, test } from 'vitest';
import { MAIL_POLICY_BYTES_MAX, MAIL_POLICY_ITEMS_MAX } from '#base/limits/mail.ts';
import { formatPlace, inBody, inFile } from '#base/place.ts';
import { checkPolicyDocument, MailPolicySchema, parsePolicyToml, TTL_KINDS } from '#mail/policy/schema.ts';

const problemsOf = (document: unknown) => {
  const checked = checkPolicyDocument(document);
  return checked.ok ? [] : checked.problems.map(({ code, at }) => `${code} ${formatPlace(at)}`);
};

describe('documents', () => {
  test('a slip gets a suggestion', () => {
    const read = checkPolicyDocument({ dmarc: { polcy: 'reject' } });
    expect(!read.ok && read.problems[0]).toMatchObject({
      code: 'FIELD_UNKNOWN',
      at: inBody('/dmarc/polcy'),
      fix: 'did you mean "policy"?',
    });
  });

  test('TOML is the same document, and its syntax has a line', () => {
    const toml = parsePolicyToml(
      'profile = "bsi"\n[dkim]\nrotationInterval = "30d"\n[dane.hosts."mx1.example.com"]\nkeys = ["3 1 1 00"]\n',
      'p.toml',
    );
    expect(toml.ok && toml.value).toEqual({
      profile: ['bsi'],
      dkim: { rotationInterval: '30d' },
      dane: { hosts: { 'mx1.example.com': { keys: ['3 1 1 00'] } } },
    });
    const bad = parsePolicyToml('[spf]\nall = \n', 'p.toml');
    expect(!bad.ok && bad.problems[0]).toMatchObject({ code: 'MAIL_POLICY_SYNTAX', at: inFile('p.toml', 2, 7) });
  });

  test('what is no object at all', () => {
    for (const each of [null, [], 'x', 7]) expect(problemsOf(each)).toEqual(['FIELD_VALUE ']);
  });

  test('an empty one is good, and is returned as it is', () => expect(checkPolicyDocument({})).toMatchObject({ ok: true, value: {} }));

  test('one profile alone may be a string; a wrong one is told at the string', () => {
    expect(checkPolicyDocument({ profile: 'bsi' })).toMatchObject({ ok: true, value: { profile: ['bsi'] } });
    expect(checkPolicyDocument({ profile: ['bsi', 'cisa'] })).toMatchObject({ ok: true, value: { profile: ['bsi', 'cisa'] } });
    expect(problemsOf({ profile: 'bsii' })).toEqual(['FIELD_VALUE /profile']);
    expect(problemsOf({ profile: ['bsi', 'bsii'] })).toEqual(['FIELD_VALUE /profile/1']);
    expect(problemsOf({ profile: [] })).toEqual(['FIELD_VALUE /profile']);
  });

  test('a choice is told with all that may be chosen', () => {
    const checked = checkPolicyDocument({ spf: { all: 'all' } });
    expect(!checked.ok && checked.problems.map(({ message }) => message)).toEqual([
      'spf/all must be one of "-all", "~all", "?all", "none"',
    ]);
  });

  test('a field that is like none is told with those that are known', () => {
    const checked = checkPolicyDocument({ tlsRpt: { somethingElse: 1 } });
    expect(!checked.ok && checked.problems).toMatchObject([
      { code: 'FIELD_UNKNOWN', at: inBody('/tlsRpt/somethingElse'), fix: 'known: rua, hosted' },
    ]);
  });

  test.each([
    ['an unknown section', { sfp: {} }, ['FIELD_UNKNOWN /sfp']],
    ['a section that is none', { spf: 'mx' }, ['FIELD_VALUE /spf']],
    ['a missing field', { dkim: { delegations: [{ selector: 's1' }] } }, ['FIELD_MISSING /dkim/delegations/0/target']],
    ['a flag that is a string', { spf: { enabled: 'yes' } }, ['FIELD_VALUE /spf/enabled']],
    ['an algorithm twice', { dkim: { algorithms: ['ed25519', 'ed25519'] } }, ['FIELD_VALUE /dkim/algorithms']],
    ['port 0', { dane: { hosts: { mx1: { keys: ['k'], port: 0 } } } }, ['FIELD_VALUE /dane/hosts/mx1/port']],
    ['no keys', { dane: { hosts: { mx1: { keys: [] } } } }, ['FIELD_VALUE /dane/hosts/mx1/keys']],
    ['an empty text', { spf: { redirect: '' } }, ['FIELD_VALUE /spf/redirect']],
  ])('%s', (_what, document, expected) => expect(problemsOf(document)).toEqual(expected));

  test('more problems than eight are all told', () => {
    const unknown = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`x${at}`, 1]));
    expect(problemsOf({ ...unknown, lockdown: 1, spf: { enabled: 1 }, bimi: { logo: 1 } })).toHaveLength(23);
  });
});

describe('limits', () => {
  test('items of a list', () => {
    const items = (count: number) => ({ spf: { mechanisms: Array.from({ length: count }, () => 'mx') } });
    expect(problemsOf(items(MAIL_POLICY_ITEMS_MAX))).toEqual([]);
    expect(problemsOf(items(MAIL_POLICY_ITEMS_MAX + 1))).toEqual(['FIELD_VALUE /spf/mechanisms']);
  });

  test('length of the TOML text', () => {
    const comment = (length: number) => `#${'x'.repeat(length - 1)}`;
    expect(parsePolicyToml(comment(MAIL_POLICY_BYTES_MAX), 'p.toml')).toMatchObject({ ok: true });
    const long = parsePolicyToml(comment(MAIL_POLICY_BYTES_MAX + 1), 'p.toml');
    expect(!long.ok && long.problems).toMatchObject([{ code: 'MAIL_POLICY_SYNTAX', at: inFile('p.toml') }]);
  });
});

test('each kind of record that may have a TTL has a field for it', () =>
  expect(Object.keys(MailPolicySchema.properties.ttl.properties).toSorted()).toEqual(['default', ...TTL_KINDS].toSorted()));
