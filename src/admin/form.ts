/** Pieces of answers that several resources share. */
import { formatRrset } from '#zone/changeset-text.ts';
import type { Rrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import type { Name } from '#dns/name.ts';
import type { NodeRrset, ZoneNode } from '#zone/view.ts';
import { nameText } from './names.ts';

/** ISO 8601, UTC. */
export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** An RRset as the API shows it: absolute lower-case names, RDATA in canonical presentation form. */
export function rrsetForm(owner: Name, rrset: NodeRrset, signed: boolean) {
  return {
    name: nameText(owner),
    type: typeName(rrset.type),
    ttl: rrset.ttl,
    records: rrset.rdatas.map((rdata) => formatRdata(rrset.type, rdata)),
    manager: rrset.manager,
    ...(signed ? { signatures: rrset.signatures.map((rdata) => formatRdata(TYPE.RRSIG, rdata)) } : {}),
  };
}

/** A node's records as zone-file lines, signatures after what they sign when asked for. `only` picks RRsets. */
export function nodeLines(node: ZoneNode, signed: boolean, only: (rrset: NodeRrset) => boolean): string[] {
  return node.rrsets.filter(only).flatMap((rrset) => {
    const records: Rrset = { owner: node.owner, type: rrset.type, ttl: rrset.ttl, rdatas: rrset.rdatas };
    // RFC 4034 §3: the TTL of an RRSIG is that of the RRset it covers.
    const signatures: Rrset = { owner: node.owner, type: TYPE.RRSIG, ttl: rrset.ttl, rdatas: rrset.signatures };
    return signed ? [...formatRrset(records), ...formatRrset(signatures)] : formatRrset(records);
  });
}

