/**
 * What frameworks and communities ask of a mail domain: the values they fill in, and demands that are compared with any
 * policy. They contradict each other in places; that is shown, never hidden, and no domain is called "compliant".
 * Sources are named with each demand; the words are ours.
 * Not here: evidence that a demand is met in the world (a check does that).
 */
import { inBody } from '#base/place.ts';
import { type Problem, warning } from '#base/problem.ts';
import { DAY_MS } from '#base/units.ts';
import { type MailPolicy } from './mail-policy.ts';
import { type MailPolicyDocument, type ProfileName } from '#mail/policy/schema.ts';

export interface Demand {
  /** The field of the document that it is about, as a JSON pointer. */
  readonly at: string;
  /** What is wanted, as in "… wants SPF to end in -all". */
  readonly wish: string;
  /** Who says so: a control, a section. */
  readonly source: string;
  /** True for things that a policy decides either way; false for those that also need something else, like keys of hosts. */
  readonly isChoice: boolean;
  isMet(policy: MailPolicy): boolean;
}

export interface Profile {
  readonly title: string;
  /** Filled in where the document says nothing. */
  readonly settings: MailPolicyDocument;
  readonly demands: readonly Demand[];
}

const atReject = (source: string): Demand => ({
  at: '/dmarc/policy',
  wish: 'the DMARC policy to arrive at reject',
  source,
  isChoice: true,
  isMet: ({ dmarc }) => dmarc.isEnabled && dmarc.policy === 'reject',
});
const withSpf = (source: string): Demand => ({
  at: '/spf/enabled',
  wish: 'an SPF record',
  source,
  isChoice: true,
  isMet: ({ spf }) => spf.isEnabled,
});
const withDkim = (source: string): Demand => ({
  at: '/dkim/algorithms',
  wish: 'DKIM signatures',
  source,
  isChoice: true,
  isMet: ({ dkim, isLockdown }) => isLockdown || dkim.algorithms.length + dkim.external.length + dkim.delegations.length > 0,
});
const withReports = (source: string): Demand => ({
  at: '/dmarc/rua',
  wish: 'DMARC aggregate reports that an operator reads',
  source,
  isChoice: true,
  isMet: ({ dmarc, isLockdown }) => isLockdown || dmarc.aggregateUris.length > 0,
});
const withSts = (source: string): Demand => ({
  at: '/mtaSts/mode',
  wish: 'MTA-STS in mode enforce',
  source,
  isChoice: true,
  isMet: ({ mtaSts, isLockdown }) => isLockdown || mtaSts.mode === 'enforce' || mtaSts.mode === 'external',
});
const withDane = (source: string): Demand => ({
  at: '/dane/hosts',
  wish: 'TLSA records for the mail hosts',
  source,
  isChoice: false,
  isMet: ({ dane, isLockdown }) => isLockdown || dane.hosts.length > 0,
});

const LOCKDOWN: MailPolicyDocument = { lockdown: true };

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  default: { title: 'what waxseal does by itself', settings: {}, demands: [] },
  m3aawg: {
    title: 'M3AAWG best practices',
    settings: { spf: { all: '~all' } },
    demands: [
      {
        at: '/spf/all',
        wish: 'SPF of a sending domain with DMARC to end in ~all, so that DKIM decides about forwarded mail',
        source: 'M3AAWG Email Authentication Recommended Best Practices',
        isChoice: true,
        isMet: ({ spf, isLockdown }) => isLockdown || spf.redirect !== undefined || spf.all === '~all',
      },
      {
        at: '/dkim/rotationInterval',
        wish: 'DKIM keys to be rotated at least every six months',
        source: 'M3AAWG DKIM Key Rotation Best Common Practices',
        isChoice: true,
        isMet: ({ dkim }) => dkim.algorithms.length === 0 || dkim.rotationIntervalMs <= 184 * DAY_MS,
      },
    ],
  },
  bsi: {
    title: 'BSI IT-Grundschutz',
    settings: { spf: { all: '-all' }, dmarc: { policy: 'reject' }, mtaSts: { mode: 'enforce' } },
    demands: [
      {
        at: '/spf/all',
        wish: 'SPF to end in -all; ~all is for tests',
        source: 'APP.5.3.A9',
        isChoice: true,
        isMet: ({ spf, isLockdown }) => isLockdown || spf.redirect !== undefined || spf.all === '-all',
      },
      withDkim('APP.5.3.A9'),
      atReject('APP.5.3.A9'),
      withReports('APP.5.3.A9'),
      withSts('APP.5.3.A9'),
      withDane('APP.5.3.A9'),
    ],
  },
  cisa: {
    title: 'CISA BOD 18-01 and CPG 2.0',
    settings: { dmarc: { policy: 'reject' } },
    demands: [withSpf('BOD 18-01'), atReject('BOD 18-01'), withDkim('CPG 2.0 3.L')],
  },
  'internet.nl': {
    title: 'the mail test of Internet.nl',
    settings: { dmarc: { policy: 'reject' } },
    demands: [
      {
        at: '/spf/all',
        wish: 'SPF to end in ~all or -all',
        source: 'Internet.nl mail test, SPF policy',
        isChoice: true,
        isMet: ({ spf, isLockdown }) => isLockdown || spf.redirect !== undefined || spf.all === '~all' || spf.all === '-all',
      },
      {
        at: '/dmarc/policy',
        wish: 'a DMARC policy of quarantine or reject',
        source: 'Internet.nl mail test, DMARC policy',
        isChoice: true,
        isMet: ({ dmarc }) => dmarc.isEnabled && dmarc.policy !== 'none',
      },
      withDkim('Internet.nl mail test, DKIM existence'),
      withDane('Internet.nl mail test, DANE existence and rollover scheme'),
    ],
  },
  lockdown: { title: 'a domain that sends and takes no mail', settings: LOCKDOWN, demands: [] },
};

/** How the policy stands to one demand. */
export interface DemandVerdict extends Pick<Demand, 'at' | 'wish' | 'source'> {
  readonly profile: ProfileName;
  /** True when the policy names the profile. */
  readonly isNamed: boolean;
  readonly isMet: boolean;
}

/** Every demand of every profile, met or not: what `mail show` prints. */
export function profileReport(policy: MailPolicy): DemandVerdict[] {
  return Object.entries(PROFILES).flatMap(([name, { demands }]) =>
    demands.map((demand): DemandVerdict => {
      const profile = name as ProfileName;
      return {
        profile,
        isNamed: policy.profiles.includes(profile),
        at: demand.at,
        wish: demand.wish,
        source: demand.source,
        isMet: demand.isMet(policy),
      };
    }),
  );
}

/** Warnings where the policy decides against a profile that it names, with the profiles that want it so. */
export function profileConflicts(policy: MailPolicy): Problem[] {
  const problems: Problem[] = [];
  for (const profile of policy.profiles) {
    for (const demand of PROFILES[profile].demands) {
      if (!demand.isChoice || demand.isMet(policy)) continue;
      const others = policy.profiles.filter(
        (other) => other !== profile && PROFILES[other].demands.some((each) => each.at === demand.at && each.isMet(policy)),
      );
      const against =
        others.length === 0
          ? 'this policy says otherwise'
          : `${others.join(' and ')}, also named, want${others.length === 1 ? 's' : ''} what the policy says`;
      problems.push(
        warning('MAIL_PROFILE', inBody(demand.at), `${profile} wants ${demand.wish} (${demand.source}), but ${against}`, {
          fix:
            others.length === 0
              ? `change it, or leave the profile ${profile} out`
              : 'both cannot be had: the profile named first decides, unless the policy does',
        }),
      );
    }
  }
  return problems;
}
