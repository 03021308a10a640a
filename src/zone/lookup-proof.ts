/**
 * The oracle's negative parts: the SOA that says how long "no" holds, and the NSEC or NSEC3 records that prove it.
 * Implements: RFC 2308 §3 and §5 (SOA and its TTL), RFC 4035 §3.1.3 (which NSEC), RFC 7129 §5 (the same, explained).
 * Not here: making the chain (dnssec/denial.ts).
 */
import { readU32 } from '#base/bytes.ts';
import { type Name, formatName, labelCount, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type Draft, note, signedFor } from './lookup-draft.ts';
import { nsec3For, proveEncloser, proveNextCloser, proveWildcard } from './lookup-nsec3.ts';
import { type ServedZone } from './served.ts';
import { type ZoneNode, rrsetOf } from './view.ts';

/** The zone's SOA for the authority section, its TTL, and so its RRSIG's, lowered to MINIMUM (RFC 2308 §3). */
export function putNegativeSoa(draft: Draft, zone: ServedZone): void {
  const apex = zone.view.node(zone.view.apexKey)!;
  const soa = rrsetOf(apex, TYPE.SOA)!;
  const rdata = soa.rdatas[0]!;
  const ttl = Math.min(soa.ttl, readU32(rdata, rdata.length - 4));
  note(draft, 'RFC 2308 §3', `SOA of ${formatName(zone.view.apex)} with TTL ${ttl}: how long this "no" may be kept`);
  draft.authority.push({ owner: apex.owner, ...signedFor(draft, soa), ttl });
}

/** RFC 4035 §3.1.3.2, RFC 5155 §7.2.2: neither the name exists nor the wildcard that could have made it. */
export function proveNoName(draft: Draft, zone: ServedZone, name: Name, wildcard: Name): void {
  const nsec3 = nsec3For(draft, zone);
  if (nsec3 !== undefined) {
    proveWildcard(draft, zone, nsec3, proveEncloser(draft, zone, nsec3, name, labelCount(wildcard) - 1));
    return;
  }
  putNsec(draft, zone, name, `no name ${formatName(name)}`);
  putNsec(draft, zone, wildcard, `no wildcard ${formatName(wildcard)}`);
}

/**
 * RFC 4035 §3.1.3.1: the NSEC of the name, which lacks the type. An empty non-terminal has none: the one before it shows by its
 * next name that something is below (RFC 4035 §5.4). RFC 5155 §7.2.3: every name has an NSEC3, but for opt-out (§7.2.4).
 */
export function proveNoData(draft: Draft, zone: ServedZone, name: Name): void {
  const nsec3 = nsec3For(draft, zone);
  if (nsec3 !== undefined) {
    proveEncloser(draft, zone, nsec3, name, labelCount(name));
    return;
  }
  putNsec(draft, zone, name, `${formatName(name)} exists without this type`);
}

/** RFC 4035 §3.1.3.4, RFC 5155 §7.2.5: `name` does not exist, and the wildcard that stands for it has not the type. */
export function proveWildcardNoData(draft: Draft, zone: ServedZone, name: Name, wildcard: Name): void {
  const nsec3 = nsec3For(draft, zone);
  if (nsec3 !== undefined) {
    proveWildcard(draft, zone, nsec3, proveEncloser(draft, zone, nsec3, name, labelCount(wildcard) - 1));
    return;
  }
  proveCovered(draft, zone, name, wildcard);
  putNsec(draft, zone, wildcard, `${formatName(wildcard)} exists without this type`);
}

/** RFC 4035 §3.1.3.3, RFC 5155 §7.2.6: a wildcard was used because the name itself does not exist. */
export function proveCovered(draft: Draft, zone: ServedZone, name: Name, wildcard: Name): void {
  const nsec3 = nsec3For(draft, zone);
  if (nsec3 !== undefined) {
    proveNextCloser(draft, zone, nsec3, name, labelCount(wildcard) - 1);
    return;
  }
  putNsec(draft, zone, name, `no name ${formatName(name)}, so the wildcard applies`);
}

/** The NSEC at `name` or the last before it, once per answer. */
function putNsec(draft: Draft, zone: ServedZone, name: Name, claim: string): void {
  if (!draft.dnssecOk || !zone.signed) return;
  for (const node of zone.view.descend(ownerKey(name))) {
    const nsec = rrsetOf(node, TYPE.NSEC);
    if (nsec === undefined) continue;
    const isNew = isNewProof(draft, zone, node);
    note(draft, 'RFC 4035 §3.1.3', `NSEC of ${formatName(node.owner)} proves: ${claim}${isNew ? '' : ' (already in)'}`);
    if (isNew) draft.authority.push({ owner: node.owner, ...signedFor(draft, nsec) });
    return;
  }
}

/** True the first time that the NSEC of `node` is asked about: it is in the answer from then on. */
export function isNewProof(draft: Draft, zone: ServedZone, node: ZoneNode): boolean {
  const id = `${zone.view.apexKey} ${node.key}`;
  if (draft.proofs.has(id)) return false;
  draft.proofs.add(id);
  return true;
}
