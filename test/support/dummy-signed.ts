/**
 * A zone as if it were signed: a true NSEC chain, but RRSIGs of made-up octets. For tests of answers, which do not look into signatures.
 * Not here: signing (dnssec/).
 */
import { concatBytes } from '#base/bytes.ts';
import { labelCount, ownerKey } from '#dns/name.ts';
import { type Nsec3Parameters, hashName, hashOfOwner, hashedOwner, nsec3Rdata, nsec3paramRdata } from '#dns/nsec3.ts';
import { TYPE } from '#dns/types.ts';
import { NODE_FLAG, isInChain, isSignedType, nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type NodeRrset, type ZoneNode } from '#zone/view.ts';
import { MemoryZone } from '#zone/zone.ts';

/** `zone` with NSEC and RRSIG records where a signer puts them (RFC 4035 §2.2–2.3), or with NSEC3 (RFC 5155 §7.1). */
export function dummySigned(zone: MemoryZone, nsec3?: DummyNsec3): MemoryZone {
  const isBelow = occlusion(zone);
  const nodes = [...zone.ascend(zone.apexKey)].map((node) => ({ node, flags: nodeFlags(node, zone.apexKey, isBelow(node.key)) }));
  const chain = nodes.filter(({ node, flags }) => isInChain(flags, node.rrsets.length));
  const signed = new Map<string, ZoneNode>();
  for (const { node, flags } of nodes) {
    const rrsets: NodeRrset[] = [...node.rrsets];
    const at = nsec3 === undefined ? chain.findIndex((each) => each.node === node) : -1;
    if (nsec3 !== undefined && node.key === zone.apexKey) rrsets.push(dnssecRrset(TYPE.NSEC3PARAM, nsec3paramRdata(nsec3)));
    if (at >= 0) {
      const next = chain[(at + 1) % chain.length]!.node.owner;
      rrsets.push(dnssecRrset(TYPE.NSEC, concatBytes(next, Uint8Array.of(0, 6, 0, 0, 0, 0, 0, 3))));
    }
    rrsets.sort((a, b) => a.type - b.type);
    const withSignatures = rrsets.map((rrset) =>
      isSignedType(flags, rrset.type) ? { ...rrset, signatures: [dummyRrsig(node, rrset, zone)] } : rrset,
    );
    signed.set(node.key, { ...node, rrsets: withSignatures });
  }
  const hashed = nsec3 === undefined ? [] : hashedNodes(zone, nodes, nsec3);
  return new MemoryZone(zone.apex, signed, new Map(hashed.map((node) => [node.key, node])));
}

/** How zones of tests deny: NSEC, NSEC3 as RFC 9276 has it, and as other signers may. */
export const DENIALS: readonly (DummyNsec3 | undefined)[] = [
  undefined,
  { iterations: 0, salt: new Uint8Array(0) },
  { iterations: 3, salt: Uint8Array.of(0xaa, 0xbb) },
  { iterations: 0, salt: new Uint8Array(0), isOptOut: true },
];

export interface DummyNsec3 extends Nsec3Parameters {
  /** RFC 5155 §6: no NSEC3 for delegations without DS and for empty non-terminals that only lead to them. */
  readonly isOptOut?: boolean;
}

function dnssecRrset(type: number, rdata: Uint8Array): NodeRrset {
  return { type, ttl: 60, rdatas: [rdata], signatures: [], manager: 'dnssec' };
}

function hashedNodes(
  zone: MemoryZone,
  nodes: readonly { readonly node: ZoneNode; readonly flags: number }[],
  nsec3: DummyNsec3,
): ZoneNode[] {
  const { isOptOut = false } = nsec3;
  const isInsecure = ({ node, flags }: (typeof nodes)[number]) =>
    (flags & NODE_FLAG.CUT) !== 0 && !node.rrsets.some(({ type }) => type === TYPE.DS);
  const wanted = nodes.filter(({ flags }) => (flags & NODE_FLAG.BELOW) === 0);
  const secure = wanted.filter((each) => !isInsecure(each) && each.node.rrsets.length > 0);
  const members = isOptOut ? wanted.filter(({ node }) => secure.some((each) => each.node.key.startsWith(node.key))) : wanted;
  const owners = members.map(({ node }) => hashedOwner(hashName(nsec3, node.owner), zone.apex));
  const sorted = owners.toSorted((a, b) => Buffer.compare(a, b));
  return sorted.map((owner, at) => {
    const next = hashOfOwner(sorted[(at + 1) % sorted.length]!)!;
    const rrset = dnssecRrset(TYPE.NSEC3, nsec3Rdata(nsec3, isOptOut ? 1 : 0, next, Uint8Array.of(0, 1, 0x40)));
    const node = { key: ownerKey(owner), owner, rrsets: [rrset] };
    return { ...node, rrsets: [{ ...rrset, signatures: [dummyRrsig(node, rrset, zone)] }] };
  });
}

function dummyRrsig(node: ZoneNode, rrset: NodeRrset, zone: MemoryZone): Uint8Array {
  const fields = new Uint8Array(18);
  const view = new DataView(fields.buffer);
  view.setUint16(0, rrset.type);
  fields[2] = 13;
  fields[3] = labelCount(node.owner);
  view.setUint32(4, rrset.ttl);
  view.setUint32(8, 2_000_000_000 + rrset.type);
  return concatBytes(fields, zone.apex, new Uint8Array(64).fill(rrset.type & 0xff));
}
