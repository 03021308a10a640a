/** DKIM keys over time: rotation, retirement by evidence, emergencies, signers with keys of their own, names that never come back. */
import { describe, expect, test } from 'vitest';
import { advanceTimeline } from '#lifecycle/timeline.ts';
import { overrideWait } from '#lifecycle/engine.ts';
import { acknowledgeDkim, addDkimKey, newDkimState, revokeDkim, rotateDkim } from '#mail/dkim/lifecycle.ts';
import { DKIM_MACHINE } from '#mail/dkim/machine.ts';
import { explainMail, stepMail } from '#mail/step.ts';
import { mailFacts } from '#mail/facts.ts';
import { BASE, DAY_MS, HOUR_MS, lines, MailDomain, policyOf, PUBLIC_KEYS, START_MS } from '../../support/mail/mail-domain.ts';
import { good } from '../../support/temporary-control.ts';

const ONE = { dkim: { algorithms: ['ed25519'] }, mtaSts: { mode: 'off' }, dmarc: { ramp: { enabled: false } } };
const cause = (nowMs: number) => ({ reason: 'test', by: 'ann', nowMs });
const signing = ({ state }: MailDomain) => state.dkim.lifecycle.objects.filter(({ stage }) => stage === 'active').map(({ id }) => id);
const stages = (domain: MailDomain) => domain.state.dkim.lifecycle.objects.map(({ id, stage }) => `${id} ${stage}`);
const record = (domain: MailDomain, selector: string) =>
  lines(domain.last!.records).find((line) => line.startsWith(`${selector}._domainkey`));

/** A domain whose first key is active. */
function started(document: object = ONE): MailDomain {
  const domain = new MailDomain(document);
  domain.step();
  domain.look(1000);
  domain.step(15 * 60_000);
  return domain;
}

/** Until the first key is retiring and the second signs. */
function rotated(document: object = ONE): MailDomain {
  const domain = started(document);
  const ordered = rotateDkim(domain.state.dkim, [], cause(domain.nowMs));
  if (!ordered.ok) throw new Error('no rotation');
  domain.state = { ...domain.state, dkim: ordered.value };
  domain.step();
  domain.look(1000);
  domain.step(15 * 60_000);
  return domain;
}

describe('RFC 6376 §5.2, RFC 2308 §5: a key before it signs', () => {
  test('a key that is wanted and was not brought is asked for again soon', () => {
    const domain = new MailDomain(ONE);
    const step = stepMail({ ...domain.context(), state: domain.state, isSigned: true });
    expect([step.wantedKeys, step.nextDueMs]).toEqual([['ed25519'], domain.nowMs + 1000]);
  });

  test('is published, seen at every server, and waits for the negative TTL of the zone', () => {
    const domain = new MailDomain(ONE);
    domain.facts = { servers: ['ns1', 'ns2'] };
    const first = domain.step();
    expect(stages(domain)).toEqual(['e20261121a published']);
    expect(record(domain, 'e20261121a')).toContain('k=ed25519; p=igwN');
    expect(first.checks.map(({ place, expect: wanted }) => [place, wanted?.kind])).toEqual([
      ['ns1', 'record'],
      ['ns2', 'record'],
    ]);
    const seen = { object: 'e20261121a', what: 'record', isGood: true, text: '', atMs: START_MS };
    domain.step(0, { observations: [{ ...seen, place: 'ns1' }] });
    domain.step(DAY_MS);
    expect(stages(domain)).toEqual(['e20261121a published']);
    expect(domain.step(0, { observations: [{ ...seen, place: 'ns2', atMs: domain.nowMs }] }).nextDueMs).toBe(domain.nowMs + 900_000);
    domain.step(899_999);
    expect([stages(domain), signing(domain)]).toEqual([['e20261121a visible'], []]);
    domain.step(1);
    expect(stages(domain)).toEqual(['e20261121a active']);
  });

  test('a negative TTL that was lowered counts as long as caches hold the old one', () => {
    const base = BASE.map((line) => line.replace(/ 3600 SOA (.*) 900$/, ' 86400 SOA $1 86400'));
    const domain = new MailDomain(ONE, base);
    domain.step();
    domain.look(HOUR_MS);
    expect(domain.step(23 * HOUR_MS).nextDueMs).toBe(START_MS + 25 * HOUR_MS);
  });
});

describe('rotation', () => {
  test('the next key is ready when the first has served its time, and both stand side by side', () => {
    const domain = started();
    const activeMs = domain.nowMs;
    expect(domain.last!.nextDueMs).toBe(activeMs + 88 * DAY_MS);
    domain.step(88 * DAY_MS - 1);
    expect(stages(domain)).toHaveLength(1);
    domain.step(1);
    expect(stages(domain)).toEqual(['e20261121a active', 'e20270217a published']);
    domain.look(1000);
    domain.step(HOUR_MS);
    expect(stages(domain)).toEqual(['e20261121a active', 'e20270217a visible']);
    expect(domain.last!.nextDueMs).toBe(activeMs + 90 * DAY_MS);
    domain.step(2 * DAY_MS);
    expect(stages(domain)).toEqual(['e20261121a retiring', 'e20270217a active']);
    expect(record(domain, 'e20261121a')).toContain('p=igwN');
  });

  test('the old key stays for lag, queue life, TTL and slack, is revoked, and goes after a month', () => {
    const domain = rotated();
    const { nowMs } = domain;
    expect(stages(domain)).toEqual(['e20261121a retiring', 'e20261121b active']);
    const waitMs = HOUR_MS + 5 * DAY_MS + HOUR_MS + 2 * DAY_MS;
    domain.step(waitMs - 1);
    expect(record(domain, 'e20261121a')).toContain('p=igwN');
    const step = domain.step(1);
    expect(domain.nowMs - nowMs).toBe(waitMs);
    expect(record(domain, 'e20261121a')).toBe('e20261121a._domainkey 3600 TXT "v=DKIM1; k=ed25519; p="');
    expect(step.forgettableSecrets).toHaveLength(1);
    domain.step(30 * DAY_MS + HOUR_MS);
    expect([stages(domain), record(domain, 'e20261121a')]).toEqual([['e20261121b active'], undefined]);
  });

  test('rotation without a key that signs is refused', () => {
    const domain = new MailDomain(ONE);
    domain.step();
    expect(rotateDkim(domain.state.dkim, [], cause(0))).toMatchObject({ ok: false, problems: [{ code: 'LIFECYCLE_ORDER' }] });
  });

  test('spare keys are published ahead, and one order uses up one of them', () => {
    const domain = started({ ...ONE, dkim: { algorithms: ['ed25519'], spareKeys: 2 } });
    domain.look(1000);
    domain.step(HOUR_MS);
    expect(stages(domain)).toEqual(['e20261121a active', 'e20261121b visible', 'e20261121c visible']);
    const ordered = rotateDkim(domain.state.dkim, ['ed25519'], cause(domain.nowMs));
    if (!ordered.ok) return expect.fail('refused');
    domain.state = { ...domain.state, dkim: ordered.value };
    domain.step();
    expect(stages(domain)).toEqual(['e20261121a retiring', 'e20261121b active', 'e20261121c visible', 'e20261121d published']);
  });
});

describe('retirement waits for evidence', () => {
  const WITH_SIGNERS = { ...ONE, dkim: { algorithms: ['ed25519'], signers: ['mta1', 'mta2'] } };

  test('for every signer, and time counts from the last of them', () => {
    const domain = rotated(WITH_SIGNERS);
    domain.step(20 * DAY_MS);
    const acknowledge = (signer: string, selector: string) => {
      const word = { signer, selectors: [selector], isAll: false };
      domain.state = { ...domain.state, dkim: good(acknowledgeDkim(domain.state.dkim, word, domain.nowMs)) };
      domain.step();
    };
    acknowledge('mta1', 'e20261121b');
    domain.step(20 * DAY_MS);
    expect(stages(domain)[0]).toBe('e20261121a retiring');
    const [told] = explainMail(domain.state, domain.context());
    expect(told!.lines[1]).toMatch(/switched: waits for every signer .*mta2: not looked at yet; mta1: good, seen 2026-12-11/);
    expect(told!.lines[2]).toBe('    to continue without: waxseal mail override example.com e20261121a switched --reason "…"');
    acknowledge('mta2', 'e20261121b');
    domain.step(7 * DAY_MS);
    expect(stages(domain)[0]).toBe('e20261121a retiring');
    domain.step(2 * HOUR_MS);
    expect(stages(domain)[0]).toBe('e20261121a revoked');
  });

  test('for queries and reports, where they are known', () => {
    const domain = rotated();
    domain.facts = { queryCounters: ['ns1'], reportSources: ['reports'] };
    domain.step(60 * DAY_MS);
    const seen = { object: 'e20261121a', isGood: true, text: 'none', atMs: domain.nowMs };
    domain.step(0, { observations: [{ ...seen, what: 'queries', place: 'ns1' }] });
    expect(stages(domain)[0]).toBe('e20261121a retiring');
    domain.step(0, { observations: [{ ...seen, what: 'report-rows', place: 'reports' }] });
    expect(stages(domain)[0]).toBe('e20261121a revoked');
  });

  test('an override is written into the history', () => {
    const domain = rotated(WITH_SIGNERS);
    const done = overrideWait(DKIM_MACHINE, domain.state.dkim.lifecycle, 'e20261121a', 'switched', {
      reason: 'mta2 is gone',
      by: 'ann',
      nowMs: domain.nowMs,
    });
    if (!done.ok) return expect.fail('refused');
    domain.state = { ...domain.state, dkim: { ...domain.state.dkim, lifecycle: done.value } };
    domain.step(8 * DAY_MS);
    const [key] = domain.state.dkim.lifecycle.objects;
    expect(key!.stage).toBe('revoked');
    expect(key!.history.at(-1)!.evidence[0]).toMatchObject({ wait: 'switched', text: 'overridden by ann: mta2 is gone' });
  });

  test('keep: old keys stay for those who verify archives', () => {
    const domain = rotated({ ...ONE, dkim: { algorithms: ['ed25519'], afterRetirement: 'keep' } });
    domain.step(400 * DAY_MS);
    expect(stages(domain)[0]).toBe('e20261121a retiring');
  });
});

describe('emergencies', () => {
  test('at once: p= now, nothing signed until another key can be found', () => {
    const domain = started();
    const done = revokeDkim(domain.state.dkim, 'e20261121a', 'at-once', cause(domain.nowMs));
    if (!done.ok) return expect.fail('refused');
    domain.state = { ...domain.state, dkim: done.value.state };
    const step = domain.step();
    expect(record(domain, 'e20261121a')).toContain('p="');
    expect([stages(domain), signing(domain)]).toEqual([['e20261121a compromised', 'e20261121b published'], []]);
    expect(step.forgettableSecrets).toHaveLength(1);
    domain.look(1000);
    domain.step(HOUR_MS);
    expect(signing(domain)).toEqual(['e20261121b']);
  });

  test('after the switch: no gap, and no queue wait', () => {
    const domain = started();
    const done = revokeDkim(domain.state.dkim, 'e20261121a', 'after-switch', cause(domain.nowMs));
    if (!done.ok) return expect.fail('refused');
    domain.state = { ...domain.state, dkim: done.value.state };
    domain.step();
    expect(stages(domain)).toEqual(['e20261121a active', 'e20261121b published']);
    domain.look(1000);
    domain.step(HOUR_MS);
    expect(stages(domain)).toEqual(['e20261121a compromised', 'e20261121b active']);
  });

  test('needs a reason, and a key', () => {
    const { dkim } = started().state;
    expect(revokeDkim(dkim, 'e20261121a', 'at-once', { ...cause(0), reason: '' })).toMatchObject({
      problems: [{ code: 'LIFECYCLE_REASON' }],
    });
    expect(revokeDkim(dkim, 'nobody', 'at-once', cause(0))).toMatchObject({ problems: [{ code: 'LIFECYCLE_OBJECT' }] });
  });
});

describe('other keys', () => {
  test('a signer that makes its own has a rotation of its own', () => {
    const domain = started({ ...ONE, dkim: { algorithms: ['ed25519'], signers: ['hsm'] } });
    const own = { algorithm: 'ed25519' as const, publicKey: PUBLIC_KEYS.ed25519, signer: 'hsm' };
    const bring = () => {
      domain.step(0, { newKeys: [own] });
      domain.look(1000);
      domain.step(HOUR_MS);
    };
    bring();
    expect(stages(domain)).toEqual(['e20261121a active', 'e20261121b active']);
    bring();
    expect(stages(domain)).toEqual(['e20261121a active', 'e20261121b retiring', 'e20261121c active']);
  });

  test('an algorithm that the policy drops: its key retires, one that never signed goes at once', () => {
    const domain = started({ ...ONE, dkim: { algorithms: ['ed25519'], spareKeys: 1 } });
    domain.policy = policyOf({ ...ONE, dkim: { algorithms: [] } });
    domain.step();
    expect(stages(domain)).toEqual(['e20261121a retiring']);
  });

  test('keys that nobody wants are not taken', () => {
    const domain = started();
    const step = domain.step(0, { newKeys: [{ algorithm: 'rsa2048', publicKey: PUBLIC_KEYS.rsa2048, secretId: 'x' }] });
    expect(step.selectors).toEqual([]);
  });
});

describe('RFC 6376 §3.1: names', () => {
  const key = { algorithm: 'rsa2048' as const, publicKey: PUBLIC_KEYS.rsa2048, secretId: 'x' };

  test('never come back: not on one day, not when the clock is set back, not beside other records', () => {
    let state = newDkimState();
    const names: string[] = [];
    const add = (nowMs: number, isTaken: (selector: string) => boolean = () => false) => {
      const added = addDkimKey(state, key, mailFacts(nowMs), isTaken);
      // What came before is forgotten but for its name.
      state = { ...added.state, lifecycle: { version: 1, objects: [] } };
      names.push(added.selector);
    };
    add(START_MS);
    add(START_MS);
    add(START_MS - 400 * DAY_MS);
    add(START_MS + DAY_MS, (selector) => selector === 'r20261122a');
    for (let more = 0; more < 30; more++) add(START_MS + 2 * DAY_MS);
    expect(names.slice(0, 4)).toEqual(['r20261121a', 'r20261121b', 'r20261121c', 'r20261122b']);
    expect(names.slice(-3)).toEqual(['r20261123ab', 'r20261123ac', 'r20261123ad']);
    expect(new Set(names).size).toBe(names.length);
  });

  test('have the date of the wall clock', () => {
    const timeline = advanceTimeline(undefined, { wallMs: START_MS, uptimeMs: 0, bootId: 'a' });
    const later = advanceTimeline(timeline, { wallMs: START_MS + 3 * DAY_MS, uptimeMs: 5, bootId: 'b' });
    expect(addDkimKey(newDkimState(), key, later, () => false).selector).toBe('r20261124a');
  });
});
