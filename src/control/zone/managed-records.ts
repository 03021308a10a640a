/**
 * Records of the mail policy beside those put by hand: what stays when the policy goes, and what gives way when both want one place.
 * Pure.
 */
import { equalBytes } from '#base/bytes.ts';
import { type Name, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { isSpfText } from '#mail/spf/spf.ts';
import { txtText } from '#mail/text/txt.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type NodeRrset, type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';

/**
 * The zone without a mail policy: its records become manual ones, or go; TXT beside SPF is not the policy's and stays, and so do consents
 * that `isClaimed` says others want. `nodes`: all of the zone that have records of the policy.
 */
export function releaseMail(
  nodes: Iterable<ZoneNode>,
  records: 'keep' | 'delete',
  // What others want stays.
  isClaimed: (owner: Name) => boolean,
): RrsetChange[] {
  const changes: RrsetChange[] = [];
  for (const { owner, rrsets } of nodes) {
    for (const rrset of rrsets) {
      if (rrset.manager !== 'mail' || (rrset.type === TYPE.TXT && isClaimed(owner))) continue;
      const rdatas = records === 'keep' ? rrset.rdatas : besideSpf(rrset);
      changes.push({ owner, type: rrset.type, rrset: rdatas.length === 0 ? null : { ttl: rrset.ttl, rdatas, manager: 'manual' } });
    }
  }
  return changes;
}

/** Records of an RRset that only stand beside an SPF record; none where there is no SPF. */
export function besideSpf({ type, rdatas }: Pick<NodeRrset, 'type' | 'rdatas'>): readonly Uint8Array[] {
  if (type !== TYPE.TXT || !rdatas.some(isSpf)) return [];
  return rdatas.filter((rdata) => !isSpf(rdata));
}

export function isSpf(rdata: Uint8Array): boolean {
  return isSpfText(txtText(rdata));
}

/**
 * `changes` without those that would overwrite what was put by hand since. The record is then not what the policy's
 * life cycles expect, they see that, and nothing that needs it continues.
 */
export function withoutConflicts(view: ZoneView, changes: readonly RrsetChange[]): RrsetChange[] {
  return changes.filter(({ owner, type, rrset }) => {
    const now = rrsetOf(view.node(ownerKey(owner)), type);
    if (now === undefined || now.manager === 'mail') return true;
    if (rrset === null) return false;
    const isSame = (other: Uint8Array) => rrset.rdatas.some((each) => equalBytes(each, other));
    // SPF is put beside what is there.
    return now.rdatas.every(isSame) && (rrset.rdatas.length === now.rdatas.length || besideSpf({ type, rdatas: rrset.rdatas }).length > 0);
  });
}
