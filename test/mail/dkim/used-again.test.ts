/** RFC 6376 §3.6.1: when the active key leaks, mail is signed with the one before it again; that one stays as long as this mail needs. */
import { expect, test } from 'vitest';
import { acknowledgeDkim, revokeDkim, rotateDkim } from '#mail/dkim/lifecycle.ts';
import { DAY_MS, MailDomain, policyOf } from '../../support/mail/mail-domain.ts';

const DOCUMENT = { dkim: { algorithms: ['ed25519'] }, mtaSts: { mode: 'off' }, dmarc: { ramp: { enabled: false } } };
const [FIRST, SECOND, THIRD] = ['e20261121a', 'e20261121b', 'e20261127a'];
const MINUTES_15 = 15 * 60_000;
const cause = (domain: MailDomain) => ({ reason: 'test', by: 'ann', nowMs: domain.nowMs });
const stageOf = (domain: MailDomain, id: string) => domain.state.dkim.lifecycle.objects.find((each) => each.id === id)?.stage;
const stages = (domain: MailDomain) => [FIRST, SECOND, THIRD].map((id) => stageOf(domain, id));

/** The first key is on its way out, and the second signs. */
function rotated(document: object = DOCUMENT): MailDomain {
  const domain = new MailDomain(document);
  domain.step();
  domain.look(1000);
  domain.step(MINUTES_15);
  const ordered = rotateDkim(domain.state.dkim, [], cause(domain));
  if (!ordered.ok) throw new Error('no rotation');
  domain.state = { ...domain.state, dkim: ordered.value };
  domain.step();
  domain.look(1000);
  domain.step(MINUTES_15);
  expect(stages(domain)).toEqual(['retiring', 'active', undefined]);
  return domain;
}

/** The second key leaks, and is revoked at once. */
function leak(domain: MailDomain): void {
  const revoked = revokeDkim(domain.state.dkim, SECOND, 'at-once', cause(domain));
  if (!revoked.ok) throw new Error('not revoked');
  domain.state = { ...domain.state, dkim: revoked.value.state };
  domain.step();
}

test('the queue life counts from when the next key signs', () => {
  const domain = rotated();
  domain.step(6 * DAY_MS);
  leak(domain);
  expect(stages(domain)).toEqual(['retiring', 'compromised', 'published']);
  domain.look(1000);
  domain.step(MINUTES_15);
  expect(stages(domain)).toEqual(['retiring', 'compromised', 'active']);
  // It would have been revoked after two more days.
  domain.step(7 * DAY_MS);
  expect(stageOf(domain, FIRST)).toBe('retiring');
  domain.step(2 * DAY_MS);
  expect(stageOf(domain, FIRST)).toBe('revoked');
});

test('signers are waited for again: their word about the key that leaked counts no more', () => {
  const domain = rotated({ ...DOCUMENT, dkim: { ...DOCUMENT.dkim, signers: ['mta'] } });
  const acknowledge = (selector: string) => {
    const done = acknowledgeDkim(domain.state.dkim, { signer: 'mta', selectors: [selector], isAll: true }, domain.nowMs);
    if (!done.ok) throw new Error(done.problems[0]!.message);
    domain.state = { ...domain.state, dkim: done.value };
    domain.step();
  };
  acknowledge(SECOND);
  leak(domain);
  domain.look(1000);
  domain.step(MINUTES_15);
  domain.step(30 * DAY_MS);
  expect(stageOf(domain, FIRST)).toBe('retiring');
  acknowledge(domain.state.dkim.lifecycle.objects.find(({ stage }) => stage === 'active')!.id);
  domain.step(9 * DAY_MS);
  expect(stageOf(domain, FIRST)).toBe('revoked');
});

test('a key that the policy does without is on its way out for good', () => {
  const domain = rotated();
  domain.policy = policyOf({ ...DOCUMENT, dkim: { algorithms: [] } });
  domain.step();
  expect(stages(domain)).toEqual(['retiring', 'retiring', undefined]);
  domain.step(9 * DAY_MS);
  expect(stages(domain)).toEqual(['revoked', 'revoked', undefined]);
});
