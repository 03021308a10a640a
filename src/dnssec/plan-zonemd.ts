/**
 * ZONEMD of a zone as it will be: made when all else of a plan is, signatures too, because it is their digest.
 * Implements: RFC 8976 §3 (the digest), §3.5 (it is signed last), §2 (its TTL is the SOA's here).
 * Not here: the digest itself (zone/zonemd.ts).
 */
import { ZONEMD_NODES_MAX } from '#base/limits/dnssec.ts';
import { atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type Name, type OwnerKey } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { overlayZone } from '#zone/overlay.ts';
import { type NodeRrset, type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { type ZonemdHash, zoneDigest, zonemdFields, zonemdRdata } from '#zone/zonemd.ts';
import { dnssecRrset } from './plan-records.ts';
import { type SigningSettings } from './plan-signer.ts';
import { dataToSign, rrsigHeadBytes, rrsigRdata, signatureTimes } from './sign.ts';

/**
 * What stands for ZONEMD until the digest is known: the one that was there, which holds when nothing changes, or none
 * that any zone has.
 */
export function zonemdPlace(before: ZoneNode | undefined, apex: ZoneNode, hash: ZonemdHash): NodeRrset {
  const { ttl } = rrsetOf(apex, TYPE.SOA)!;
  const known = rrsetOf(before, TYPE.ZONEMD);
  const isSame = known?.manager === 'dnssec' && known.ttl === ttl && zonemdFields(known.rdatas[0]!).hash === hash;
  return isSame ? known : dnssecRrset(TYPE.ZONEMD, ttl, [new Uint8Array(0)]);
}

/** What a plan (plan.ts) has beside its changeset. */
interface Planned {
  readonly nodes: ReadonlyMap<OwnerKey, { readonly node: ZoneNode; readonly flags: number } | null>;
  readonly hashed: ReadonlyMap<OwnerKey, ZoneNode | null>;
  readonly changed: boolean;
}

/** The nodes of a plan that is signed, with the digest in their apex where the zone has one and something changes. */
export function withZonemd(
  base: ZoneView,
  { nodes, hashed, changed }: Planned,
  signing: SigningSettings,
  serial: Serial,
): Planned['nodes'] {
  const { zonemd: hash } = signing;
  const planned = nodes.get(base.apexKey);
  if (hash === undefined || !changed || planned === undefined || planned === null) return nodes;
  const edits = new Map([...nodes].map(([key, each]) => [key, each?.node ?? null]));
  const rdata = zonemdRdata(serial, hash, zoneDigest(overlayZone(base, edits, hashed), hash));
  const rrsets = planned.node.rrsets.map((rrset) => {
    if (rrset.type !== TYPE.ZONEMD) return rrset;
    const made = { ...rrset, rdatas: [rdata] };
    return { ...made, signatures: signaturesOf(base.apex, planned.node, made, signing) };
  });
  return new Map([...nodes, [base.apexKey, { ...planned, node: { ...planned.node, rrsets } }]]);
}

function signaturesOf(apex: Name, node: ZoneNode, rrset: NodeRrset, signing: SigningSettings): Uint8Array[] {
  const times = signatureTimes(node.key, signing.nowSeconds, signing.policy);
  return signing.keys.map((key) => {
    const data = dataToSign({ owner: node.owner, ...rrset }, apex, key, times);
    return rrsigRdata(data, rrsigHeadBytes(apex), key.sign(data));
  });
}

/** What is said of a zone that is too large for a digest of itself. */
export function zonemdTooLarge(zone: string, names: number): Problem {
  const why =
    `${zone} would have ${names} names, and each change of a zone with ZONEMD digests all of it: ` +
    `${ZONEMD_NODES_MAX} names are the most; nothing was changed`;
  return problem('ZONEMD_SIZE', atZone(zone), why, { fix: `without ZONEMD: waxseal dnssec set ${zone} --zonemd off` });
}
