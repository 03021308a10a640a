/** Pieces of answers that several resources share. */
import { TYPE } from '#dns/types.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import type { Name } from '#dns/name.ts';
import type { NodeRrset } from '#zone/view.ts';
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
