/**
 * The oracle's proofs by NSEC3.
 * Implements: RFC 5155 §7.2 (what answers prove), §5 (the hash), §1.3 (closest encloser, next closer name, covering).
 * Not here: proofs by NSEC and the SOA (lookup-proof.ts), making the chain (dnssec/plan-nsec3.ts).
 */
import { type Name, formatName, labelCount, ownerKey, wildcardOf } from '#dns/name.ts';
import { type Nsec3Parameters, hashName, hashedOwner, nsec3Parameters } from '#dns/nsec3.ts';
import { TYPE } from '#dns/types.ts';
import { type Draft, note, signedFor } from './lookup-draft.ts';
import { type ServedZone } from './served.ts';
import { type ZoneNode, rrsetOf } from './view.ts';

/** How the zone hashes names for the proofs that this answer wants; undefined: it has no NSEC3, or none are wanted. */
export function nsec3For(draft: Draft, zone: ServedZone): Nsec3Parameters | undefined {
  if (!draft.dnssecOk || !zone.signed) return undefined;
  const nsec3param = rrsetOf(zone.view.node(zone.view.apexKey), TYPE.NSEC3PARAM);
  return nsec3param && nsec3Parameters(nsec3param.rdatas[0]!);
}

/**
 * RFC 5155 §7.2.1: `name` has `encloserLabels` labels that exist, perhaps all. The NSEC3 of the encloser matches; that of
 * the name one label longer covers it. Where an encloser has no NSEC3 (opt-out), one above it stands for it.
 * Returns the encloser that was proved.
 */
export function proveEncloser(
  draft: Draft,
  zone: ServedZone,
  nsec3: Nsec3Parameters,
  name: Name,
  encloserLabels: number,
): Name {
  const apexLabels = labelCount(zone.view.apex);
  let labels = encloserLabels;
  for (; labels >= apexLabels; labels--) {
    const match = findNsec3(zone, nsec3, lastLabels(name, labels));
    if (!match.isMatch) continue;
    putNsec3(draft, zone, match.node, `${formatName(lastLabels(name, labels))} exists`);
    break;
  }
  if (labels < apexLabels) return lastLabels(name, encloserLabels);
  if (labels < labelCount(name)) proveNextCloser(draft, zone, nsec3, name, labels);
  return lastLabels(name, labels);
}

/** RFC 5155 §7.2.6: no name one label longer than what of `name` exists. */
export function proveNextCloser(
  draft: Draft,
  zone: ServedZone,
  nsec3: Nsec3Parameters,
  name: Name,
  encloserLabels: number,
): void {
  const nextCloser = lastLabels(name, encloserLabels + 1);
  putNsec3(draft, zone, findNsec3(zone, nsec3, nextCloser).node, `no name ${formatName(nextCloser)}`);
}

/** RFC 5155 §7.2.2: no wildcard at the encloser; §7.2.5: which types it has. */
export function proveWildcard(draft: Draft, zone: ServedZone, nsec3: Nsec3Parameters, encloser: Name): void {
  const wildcard = wildcardOf(encloser)!;
  const { node, isMatch } = findNsec3(zone, nsec3, wildcard);
  putNsec3(draft, zone, node, `${isMatch ? 'the types of' : 'no wildcard'} ${formatName(wildcard)}`);
}

/** The NSEC3 with the hash of `name`, or the one before it in the circle (RFC 5155 §3.1.7). */
function findNsec3(
  zone: ServedZone,
  nsec3: Nsec3Parameters,
  name: Name,
): { readonly node: ZoneNode | undefined; readonly isMatch: boolean } {
  const { apex, apexKey, hashed } = zone.view;
  const key = ownerKey(hashedOwner(hashName(nsec3, name), apex));
  for (const node of hashed.descend(key)) return { node, isMatch: node.key === key };
  let last: ZoneNode | undefined;
  for (const node of hashed.ascend(apexKey)) last = node;
  return { node: last, isMatch: false };
}

function putNsec3(draft: Draft, zone: ServedZone, node: ZoneNode | undefined, claim: string): void {
  if (node === undefined) return;
  const id = `${zone.view.apexKey} ${node.key} hashed`;
  const isNew = !draft.proofs.has(id);
  draft.proofs.add(id);
  note(draft, 'RFC 5155 §7.2', `NSEC3 ${formatName(node.owner)} proves: ${claim}${isNew ? '' : ' (already in)'}`);
  if (isNew) draft.authority.push({ owner: node.owner, ...signedFor(draft, rrsetOf(node, TYPE.NSEC3)!) });
}

function lastLabels(name: Name, labels: number): Name {
  let suffix = name;
  for (let extra = labelCount(name) - labels; extra > 0; extra--) suffix = suffix.subarray(suffix[0]! + 1);
  return suffix;
}
