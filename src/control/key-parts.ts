/** Keys of zones and DS records of their delegations: two subjects that hear of each other; and their clock. */
import { type Clock } from '#base/clock.ts';
import { type DelegationOptions, delegationParts } from '#control/delegation/delegation.ts';
import { type DnssecControlOptions, dnssecControl } from '#control/dnssec/dnssec.ts';
import { type Uptime } from '#control/lifecycle/counted-time.ts';
import { SigningClock } from '#control/signing/signing-clock.ts';
import { readAcceptedClock } from '#store/dnssec/policies.ts';
import { type StoreWriter } from '#store/writer.ts';

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

/** What time it may be, by this store. */
export function signingClockOf(writer: StoreWriter, clock: Clock, uptime: () => Uptime): SigningClock {
  const highWaterMs = () => writer.clockHighWaterMs();
  const signingClock = new SigningClock({ clock, uptime, highWaterMs, accepted: () => readAcceptedClock(writer) });
  // What the clock says before it jumps.
  signingClock.read();
  return signingClock;
}
