/** Pieces of requests and answers that several resources share. */
import { TYPE } from '#dns/types.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import type { Name } from '#dns/name.ts';
import type { NodeRrset } from '#zone/view.ts';
import { nameText } from './names.ts';

/** ISO 8601, UTC. Undefined for a time that is not known: such a field is not in the answer. */
export function isoTime(atMs: number): string;
export function isoTime(atMs: number | undefined): string | undefined;
export function isoTime(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}

/** `fields` without those that are undefined. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
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
