/** Keys of zones and DS records of their delegations: two subjects that hear of each other. */
import { type DelegationOptions, delegationParts } from '#control/delegation/delegation.ts';
import { type DnssecControlOptions, dnssecControl } from '#control/dnssec/dnssec.ts';

type KeyPartsOptions = Omit<DnssecControlOptions, 'onLooked'> & DelegationOptions;

export function keyParts(options: KeyPartsOptions) {
  const delegation = delegationParts(options);
  const dnssec = dnssecControl({ ...options, onLooked: delegation.noticeParent });
  return {
    dnssec,
    delegation,
    metrics: () => [...dnssec.metrics(), ...delegation.metrics()],
    sources: [dnssec.source, ...delegation.sources],
    handlers: { ...dnssec.handlers, ...delegation.handlers },
  };
}
