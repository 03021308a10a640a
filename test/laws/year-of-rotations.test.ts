/**
 * A year of rotations in many domains, in simulated time: whatever mix of versions caches hold, whatever crashes, jumps or lags, mail
 * signed at any moment verifies for its queue life, certificates match, policies are consistent. A key that leaked is revoked everywhere,
 * signs nothing more and is replaced as soon as its successor can be found. And the judge can find fault: engines with one wait too short,
 * or too long, are caught.
 */
import { describe, expect, test } from 'vitest';
import { type Machine, type Wait } from '#lifecycle/machine.ts';
import { TLSA_MACHINE } from '#mail/dane/machine.ts';
import { DKIM_MACHINE } from '#mail/dkim/machine.ts';
import { DMARC_MACHINE } from '#mail/dmarc/ramp.ts';
import { MAIL_LIVES } from '#mail/lives.ts';
import { POLICY_HOST_MACHINE } from '#mail/mta-sts/policy-host-machine.ts';
import { STS_BODY_MACHINE, STS_MODE_MACHINE } from '#mail/mta-sts/machine.ts';
import { type Sabotage } from '../support/simulation/diary.ts';
import { judge } from '../support/simulation/judge.ts';
import { liveDomain } from '../support/simulation/simulated-domain.ts';
import { seededRandom } from '../support/random.ts';

const YEAR_DAYS = 365;
const DOMAINS = 8;
/** In which mail failed once: signers went back to a key on its way out when the active one had leaked (mail/dkim/used-again.ts). */
const FOUND = [1147, 1210];

test('nobody is hurt in a year of rotations', () => {
  const totals = { steps: 0, crashes: 0, jumps: 0, reboots: 0, rotations: 0, activations: 0, mxChanges: 0, revocations: 0, refusals: 0 };
  for (const seed of [...FOUND, ...Array.from({ length: DOMAINS }, (_, at) => at + 1)]) {
    const diary = liveDomain(`d${seed}.example`, seededRandom(seed), YEAR_DAYS);
    expect({ seed, harms: judge(diary) }).toEqual({ seed, harms: [] });
    expect({ seed, errors: [...diary.problems].filter((each) => each.startsWith('error')) }).toEqual({ seed, errors: [] });
    for (const [what, count] of Object.entries(diary.counts)) totals[what as keyof typeof totals] += count;
    // It is not safe because it stands still.
    expect(diary.stages.at(-1)!.stage).toBe('reject');
  }
  expect(totals.rotations).toBeGreaterThan(DOMAINS * 2 * 4);
  expect(totals.crashes).toBeGreaterThan(DOMAINS * 40);
  expect(Math.min(totals.jumps, totals.reboots, totals.activations, totals.mxChanges, totals.revocations, totals.refusals)).toBeGreaterThan(
    DOMAINS,
  );
}, 60_000);

describe('the judge finds', () => {
  const without = (machine: Machine, ...ids: string[]): Machine => ({
    ...machine,
    transitions: machine.transitions.map((each) => ({
      ...each,
      waits: each.waits.filter(({ id }) => !ids.includes(id)).map((wait) => detached(wait, ids)),
    })),
  });
  const detached = (wait: Wait, ids: readonly string[]): Wait => {
    if (wait.kind !== 'time' || wait.since === undefined || !ids.includes(wait.since)) return wait;
    const { since: _since, ...rest } = wait;
    return rest;
  };
  /** A successor waits as if there were no hurry. */
  const unhurried = (machine: Machine): Machine => {
    const wait: Wait = { kind: 'time', id: 'unhurried', who: 'nobody', why: 'nothing happens', terms: ['queueLife'] };
    const isLast = ({ from, to }: Machine['transitions'][number]) => from === 'visible' && to === 'active';
    return {
      ...machine,
      transitions: machine.transitions.map((each) => (isLast(each) ? { ...each, waits: [...each.waits, wait] } : each)),
    };
  };
  /** Places look at once, and not after the time that a gate waits at least. */
  const hasty = (machine: Machine): Machine => {
    const soon = (wait: Wait): Wait => {
      if (wait.kind !== 'gate') return wait;
      const { least: _least, ...rest } = wait;
      return rest;
    };
    return { ...machine, transitions: machine.transitions.map((each) => ({ ...each, waits: each.waits.map(soon) })) };
  };
  /** One life with another machine. */
  const broken = (machine: Machine): Sabotage => ({
    lives: MAIL_LIVES.map((life) => (life.machine.kind === machine.kind ? { ...life, machine } : life)),
  });

  test.each<[string, Sabotage, RegExp]>([
    ['keys used before caches forget that they were not there', broken(without(DKIM_MACHINE, 'negative-ttl')), /meets NXDOMAIN at first/],
    ['keys used before every server has them', broken(without(DKIM_MACHINE, 'visible', 'negative-ttl')), /meets NXDOMAIN/],
    ['keys revoked while mail is in queues', broken(without(DKIM_MACHINE, 'queue-life')), /meets .*p= later/],
    ['keys revoked though a signer still uses them', broken(without(DKIM_MACHINE, 'switched')), /meets .*p= later/],
    ['an acknowledgement of one algorithm taken for the other', { isWordForAll: true }, /meets .*p= later/],
    ['revoked keys forgotten instead of told', broken(without(DKIM_MACHINE, 'revoked-for')), /revoked, answers NXDOMAIN/],
    ['revoked keys followed by nothing for long', broken(unhurried(DKIM_MACHINE)), /no active key .* for \d+ hours/],
    ['signers given a revoked key', { isOfferBlind: true }, /signed with .* after it was revoked/],
    ['certificates used before their TLSA is known', broken(without(TLSA_MACHINE, 'two-ttls')), /is shown to senders/],
    ['TLSA withdrawn while a host shows its key', broken(without(TLSA_MACHINE, 'not-served')), /is shown to senders/],
    ['TLSA withdrawn after a look at one machine of two', broken(hasty(TLSA_MACHINE)), /is shown to senders/],
    ['ids announced before their body', broken(without(STS_BODY_MACHINE, 'seen-outside')), /under the id of/],
    [
      'an id announced before caches forget that the policy host did not exist',
      { ...broken(without(POLICY_HOST_MACHINE, 'negative-ttl')), days: 20 },
      /meets no policy host/,
    ],
    [
      'an id announced before there is a certificate, and before the body was seen',
      { isCertificateSupposed: true, lives: broken(without(STS_BODY_MACHINE, 'seen-outside')).lives! },
      /without certificate/,
    ],
    ['a policy host that goes before the id', { isPolicyHostHasty: true, rates: { mode: 0.01 } }, /meets no policy host/],
    ['MTA-STS removed while senders keep it', broken(without(STS_MODE_MACHINE, 'max-age')), /removed while/],
    ['DMARC steps without their month', broken(without(DMARC_MACHINE, 'dwell')), /DMARC .* after/],
    ['waits counted by the wall clock', { isWallClock: true, days: 100 }, /./],
    ['MX records changed without asking', { isMxUnguarded: true, rates: { mx: 0.1 } }, /forbids/],
    ['records committed without their state', { isCommitTorn: true }, /keys$|announced by nobody/],
  ])('%s', (_what, sabotage, harm) => {
    for (let seed = 1; seed <= 20; seed++) {
      const harms = judge(liveDomain(`d${seed}.example`, seededRandom(seed), sabotage.days ?? YEAR_DAYS, sabotage));
      if (harms.some((each) => harm.test(each))) return;
    }
    expect.fail('nothing in 20 years');
  });
});
