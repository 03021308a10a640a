/**
 * Everything that is remembered about the mail of one domain: JSON with a version, committed together with the records it led to.
 * Not here: how it changes (step.ts).
 */
import { type LivesState } from '#lifecycle/lives.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { type Name, ownerKey } from '#dns/name.ts';
import { rrsetOf, type ZoneView } from '#zone/view.ts';
import { type BimiState } from '#mail/bimi/files.ts';
import { type DkimState, newDkimState } from '#mail/dkim/lifecycle.ts';
import { dmarcInForce } from '#mail/dmarc/in-force.ts';
import { type DmarcPolicy, dmarcOwner, isDmarcText } from '#mail/dmarc/record.ts';
import { type DmarcLifecycle, newDmarcRamp } from '#mail/dmarc/ramp.ts';
import { newStsState, type StsState } from '#mail/mta-sts/lifecycle.ts';
import { type SpfState } from '#mail/spf/parts.ts';
import { newTlsaState, type TlsaState } from '#mail/dane/lifecycle.ts';
import { txtText } from '#mail/text/txt.ts';

export interface MailState extends LivesState {
  readonly version: 1;
  readonly dkim: DkimState;
  readonly dmarc: DmarcLifecycle;
  readonly mtaSts: StsState;
  readonly tlsa: TlsaState;
  /** Absent where no logo is, or was, hosted here. */
  readonly bimi?: BimiState;
  /** Absent while no include is, or was of late, replaced by its addresses. */
  readonly spf?: SpfState;
  readonly ttls: TtlMemory;
  /** RRsets that the policy has put into the zone: what it no longer wants of them is taken out. */
  readonly managed: readonly ManagedRrset[];
  /** Owners of consents to this domain's DMARC reports that stand in other zones of ours; absent in states from before this was kept. */
  readonly consents?: readonly string[];
}

export interface ManagedRrset {
  /** Absolute, lower case. */
  readonly owner: string;
  readonly type: RrType;
}

/** The beginning. The DMARC ramp begins at the policy in force: a domain must not fall back to none by accident. */
export function newMailState(view: ZoneView, domain: Name, nowMs: number): MailState {
  return {
    version: 1,
    dkim: newDkimState(),
    dmarc: newDmarcRamp(publishedDmarc(view, domain), nowMs),
    mtaSts: newStsState(nowMs),
    tlsa: newTlsaState(),
    ttls: {},
    serials: {},
    managed: [],
  };
}

function publishedDmarc(view: ZoneView, domain: Name): DmarcPolicy {
  const owner = dmarcOwner(domain);
  const rrset = owner.ok ? rrsetOf(view.node(ownerKey(owner.value)), TYPE.TXT) : undefined;
  const [text, ...others] = (rrset?.rdatas ?? []).map(txtText).filter(isDmarcText);
  return text === undefined || others.length > 0 ? 'none' : (dmarcInForce(text)?.policy ?? 'none');
}
