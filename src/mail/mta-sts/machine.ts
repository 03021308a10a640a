/**
 * The lives of an MTA-STS mode and of a policy body, as data. The mode decides what the next body says; each body is served first, seen
 * from outside, and only then announced by its id.
 * Implements: RFC 8461 §3.1, §8.1 (body before id), §8.3 (removal).
 * Not here: the host that serves the body (policy-host-machine.ts).
 */
import { LIFECYCLE_FIRST_CHECKS_MS } from '#base/limits/lifecycle.ts';
import { checkedMachine, condition, type Machine, type Wait } from '#lifecycle/machine.ts';

const WANTED = condition('wanted', 'the policy to want MTA-STS, and a mail host to name', 'senders find a policy that is not wanted');
const UNWANTED = condition('unwanted', 'the policy to do without MTA-STS', 'mail may be read on its way');
const ANNOUNCED = condition(
  'announced',
  'the id of the body in this mode to be announced',
  'the time counts though no sender could know the mode',
);
const ENFORCE_WANTED = condition('enforce-wanted', 'the policy to want enforce', 'mail bounces that its owner wants delivered');
const TESTING_WANTED = condition('testing-wanted', 'the policy to want testing', 'mail may be read on its way');
const TLS_REPORTS: Wait = {
  kind: 'gate',
  id: 'tls-reports',
  who: 'TLS reports without failures',
  why: 'senders that fail now will not deliver any more',
  rfc: 'RFC 8460 §4.3',
  observation: 'tls-clean',
  places: 'tlsReports',
};
/** Strangers can post what they like: it holds a step up for once more its time at the most. */
const postedReports = (term: string): Wait => ({
  kind: 'gate',
  id: 'posted-reports',
  who: 'TLS reports by HTTPS without failures',
  why: 'senders that fail now will not deliver any more',
  rfc: 'RFC 8460 §4.3',
  observation: 'posted-clean',
  places: 'postedReports',
  after: 'dwell',
  patience: [term],
});
const dwell = (term: string, who: string): Wait => ({
  kind: 'time',
  id: 'dwell',
  who,
  why: 'senders that deliver rarely are not seen',
  rfc: 'RFC 8461 §4',
  since: 'announced',
  terms: [term],
});

/** Time for reports, and none of failures. */
const evidence = (term: string, mode: string): Wait[] => {
  const time = dwell(term, `reports about ${mode}`);
  return [time, TLS_REPORTS, postedReports(term)];
};

/** Neither name servers nor caches have something any more. */
const gone = (id: string, what: string, why: string, ttl: string): Wait[] => [
  {
    kind: 'gate',
    id,
    who: `every name server to answer without ${what}`,
    why,
    rfc: 'RFC 8461 §8.1',
    observation: id,
    places: 'servers',
    firstChecksMs: LIFECYCLE_FIRST_CHECKS_MS,
  },
  { kind: 'time', id: 'ttl', who: `caches that hold ${what}`, why, rfc: 'RFC 8461 §8.1', since: id, terms: [ttl] },
];

export const STS_MODE_MACHINE: Machine = checkedMachine({
  kind: 'mta-sts',
  first: 'off',
  last: [],
  checkEveryMs: 86_400_000,
  transitions: [
    { from: 'off', to: 'testing', waits: [WANTED] },
    { from: 'removed', to: 'testing', waits: [WANTED] },
    // No sender ever knew of it: there is nothing to take back.
    {
      from: 'testing',
      to: 'off',
      waits: [UNWANTED, condition('unknown', 'no body to have been announced', 'senders keep a policy that is gone')],
      isQuiet: true,
    },
    { from: 'testing', to: 'none', waits: [UNWANTED], isQuiet: true },
    { from: 'testing', to: 'enforceShort', waits: [ENFORCE_WANTED, ANNOUNCED, ...evidence('testingFor', 'testing')] },
    { from: 'enforceShort', to: 'none', waits: [UNWANTED], isQuiet: true },
    { from: 'enforceShort', to: 'testing', waits: [TESTING_WANTED], isQuiet: true },
    { from: 'enforceShort', to: 'enforceLong', waits: [ANNOUNCED, ...evidence('shortFor', 'enforce')] },
    { from: 'enforceLong', to: 'none', waits: [UNWANTED], isQuiet: true },
    { from: 'enforceLong', to: 'testing', waits: [TESTING_WANTED], isQuiet: true },
    { from: 'none', to: 'testing', waits: [WANTED], isQuiet: true },
    {
      from: 'none',
      to: 'removed',
      waits: [
        ANNOUNCED,
        {
          kind: 'time',
          id: 'max-age',
          who: 'senders that keep a policy of before, for the longest max_age ever served',
          why: 'they continue to enforce a policy that they cannot fetch any more',
          rfc: 'RFC 8461 §8.3',
          since: 'announced',
          terms: ['stsTtl', 'longestMaxAge'],
        },
      ],
    },
  ],
});

export const STS_BODY_MACHINE: Machine = checkedMachine({
  kind: 'mta-sts-body',
  first: 'served',
  last: ['forgotten'],
  checkEveryMs: 5 * 60_000,
  singular: { stage: 'announced', displaced: 'superseded' },
  transitions: [
    {
      from: 'served',
      to: 'announced',
      waits: [
        condition('probed', 'a probe outside that fetches the body', 'senders are sent to a body that they cannot fetch'),
        condition(
          'policy-host',
          'the policy host to be known everywhere, with a certificate',
          'senders are sent to a host that they cannot fetch from',
          'RFC 8461 §3.3',
        ),
        {
          kind: 'gate',
          id: 'seen-outside',
          who: 'the new body to be seen from outside',
          why: 'senders fetch the old body under the new id and keep it',
          rfc: 'RFC 8461 §8.1',
          observation: 'body',
          places: 'probes',
          after: 'policy-host',
          firstChecksMs: LIFECYCLE_FIRST_CHECKS_MS,
        },
      ],
    },
    // A newer body took its place before it was announced; senders may have fetched it under the id before.
    { from: 'served', to: 'skipped', waits: [], by: 'order' },
    {
      from: 'skipped',
      to: 'superseded',
      waits: [condition('newer-announced', 'a newer body to be announced', 'it is still held under the old id')],
    },
    { from: 'announced', to: 'superseded', waits: [], by: 'order' },
    {
      from: 'superseded',
      to: 'outdated',
      waits: gone('id-gone', 'the old id', 'senders that see the old id take the old body for good', 'stsTtl'),
    },
    {
      from: 'outdated',
      to: 'forgotten',
      waits: [
        {
          kind: 'time',
          id: 'max-age',
          who: 'senders that keep this body',
          why: 'its id could be given out again and mean another body to them',
          rfc: 'RFC 8461 §3.2',
          terms: ['ownMaxAge'],
        },
      ],
    },
  ],
});

/** A mail host of the zone: it stays in the policy until no cache can hold an MX record that names it. */
export const STS_HOST_MACHINE: Machine = checkedMachine({
  kind: 'mta-sts-host',
  first: 'present',
  last: ['gone'],
  checkEveryMs: 5 * 60_000,
  transitions: [
    { from: 'present', to: 'leaving', waits: [condition('missed', 'the zone to name other mail hosts', 'mail to a host in use bounces')] },
    {
      from: 'leaving',
      to: 'present',
      waits: [condition('back', 'the zone to name the host again', 'mail to a host in use bounces')],
      isQuiet: true,
    },
    {
      from: 'leaving',
      to: 'gone',
      waits: gone('mx-gone', 'this MX', 'mail still goes to the host and bounces', 'mxTtl'),
    },
  ],
});
