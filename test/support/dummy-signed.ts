/**
 * A zone as if it were signed: a true NSEC chain, but RRSIGs of made-up octets. For tests of answers, which do not look into signatures.
 * Not here: signing (dnssec/).
 */
import { concatBytes } from '#base/bytes.ts';
import { labelCount } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { isInChain, isSignedType, nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type NodeRrset, type ZoneNode } from '#zone/view.ts';
import { MemoryZone } from '#zone/zone.ts';

/** `zone` with NSEC and RRSIG records where a signer puts them (RFC 4035 §2.2–2.3). */
export function dummySigned(zone: MemoryZone): MemoryZone {
  const isBelow = occlusion(zone);
  const nodes = [...zone.ascend(zone.apexKey)].map((node) => ({ node, flags: nodeFlags(node, zone.apexKey, isBelow(node.key)) }));
  const chain = nodes.filter(({ node, flags }) => isInChain(flags, node.rrsets.length));
  const signed = new Map<string, ZoneNode>();
  for (const { node, flags } of nodes) {
    const rrsets: NodeRrset[] = [...node.rrsets];
    const at = chain.findIndex((each) => each.node === node);
    if (at >= 0) {
      const next = chain[(at + 1) % chain.length]!.node.owner;
      rrsets.push({
        type: TYPE.NSEC,
        ttl: 60,
        rdatas: [concatBytes(next, Uint8Array.of(0, 6, 0, 0, 0, 0, 0, 3))],
        signatures: [],
        manager: 'dnssec',
      });
      rrsets.sort((a, b) => a.type - b.type);
    }
    const withSignatures = rrsets.map((rrset) =>
      isSignedType(flags, rrset.type) ? { ...rrset, signatures: [dummyRrsig(node, rrset, zone)] } : rrset,
    );
    signed.set(node.key, { ...node, rrsets: withSignatures });
  }
  return new MemoryZone(zone.apex, signed);
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
