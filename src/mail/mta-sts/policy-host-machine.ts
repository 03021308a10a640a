/**
 * The life of a domain's policy host, as data: record, caches, certificate, use, and the way back.
 * Implements: RFC 8461 §3.3, §8.1 to §8.3 (the order).
 * Not here: what the conditions say (policy-host.ts), the policy's own lives (machine.ts).
 */
import { LIFECYCLE_FIRST_CHECKS_MS } from '#base/limits/lifecycle.ts';
import { checkedMachine, condition, type Machine, type Transition } from '#lifecycle/machine.ts';

const LEADS_HERE = condition(
  'leads-here',
  'the host mta-sts of the domain to lead to this server',
  'senders ask a server that has no policy',
  'RFC 8461 §3.3',
);
const ELSEWHERE = condition('elsewhere', 'the host to lead elsewhere', 'two servers are taken for the policy host');
const UNNEEDED = condition(
  'unneeded',
  'the policy and its id to be gone from every cache',
  'senders look for a policy that is gone',
  'RFC 8461 §8.3',
);
const LEAVING = condition('leaving', 'the policy to be withdrawn', 'senders look for a policy that is gone');
const BACK = condition('back', 'the policy to be wanted again', 'the host goes though it is needed');
const CERTIFICATE = condition(
  'certificate',
  'a certificate of the host',
  'no sender takes the policy from a host without one',
  'RFC 8461 §3.3',
);

/** Ways out of `from` that are normally not taken. */
const asides = (from: string): readonly Transition[] => [
  { from, to: 'elsewhere', waits: [ELSEWHERE], isQuiet: true },
  { from, to: 'gone', waits: [UNNEEDED], isQuiet: true },
];

export const POLICY_HOST_MACHINE: Machine = checkedMachine({
  kind: 'mta-sts-policy-host',
  first: 'wanted',
  last: ['gone'],
  checkEveryMs: 5 * 60_000,
  transitions: [
    { from: 'wanted', to: 'published', waits: [LEADS_HERE] },
    ...asides('wanted'),
    {
      from: 'published',
      to: 'visible',
      waits: [
        {
          kind: 'gate',
          id: 'visible',
          who: 'every name server to show the host',
          why: 'senders learn of a policy whose host does not exist',
          rfc: 'RFC 8461 §3.3',
          observation: 'host',
          places: 'servers',
          firstChecksMs: LIFECYCLE_FIRST_CHECKS_MS,
        },
        {
          kind: 'time',
          id: 'negative-ttl',
          who: 'caches that know that the host does not exist',
          why: 'senders learn of a policy whose host does not exist for them',
          rfc: 'RFC 2308 §5',
          since: 'visible',
          terms: ['negativeTtl'],
        },
      ],
    },
    ...asides('published'),
    { from: 'visible', to: 'ready', waits: [CERTIFICATE] },
    ...asides('visible'),
    { from: 'ready', to: 'withdrawing', waits: [LEAVING], isQuiet: true },
    { from: 'ready', to: 'elsewhere', waits: [ELSEWHERE], isQuiet: true },
    { from: 'withdrawing', to: 'ready', waits: [BACK], isQuiet: true },
    { from: 'withdrawing', to: 'gone', waits: [UNNEEDED] },
    { from: 'elsewhere', to: 'published', waits: [LEADS_HERE] },
    { from: 'elsewhere', to: 'gone', waits: [UNNEEDED], isQuiet: true },
  ],
});
