/**
 * The life of a domain's policy host, as data.
 * Implements: RFC 8461 §3.3, §8.1 to §8.3 (the order).
 * Not here: the stages (mail/hosting/host-machine.ts), what the conditions say (policy-host.ts), the policy's own lives
 * (machine.ts).
 */
import { type Machine } from '#lifecycle/machine.ts';
import { hostMachine } from '#mail/hosting/host-machine.ts';

export const POLICY_HOST_MACHINE: Machine = hostMachine({
  kind: 'mta-sts-policy-host',
  label: 'mta-sts',
  whyLeadsHere: 'senders ask a server that has no policy',
  whyElsewhere: 'two servers are taken for the policy host',
  whoUnneeded: 'the policy and its id to be gone from every cache',
  whyUnneeded: 'senders look for a policy that is gone',
  whoLeaving: 'the policy to be withdrawn',
  whoBack: 'the policy to be wanted again',
  whyCertificate: 'no sender takes the policy from a host without one',
  whyVisible: 'senders learn of a policy whose host does not exist',
  whyNegative: 'senders learn of a policy whose host does not exist for them',
  rfc: { host: 'RFC 8461 §3.3', removal: 'RFC 8461 §8.3' },
});
