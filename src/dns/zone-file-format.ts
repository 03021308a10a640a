/**
 * A zone as zone-file text that every master-file reader takes: one record on each line, names absolute, no directives, so that lines can
 * be sorted, compared and cut out.
 * Implements: RFC 1035 §5.1; `formatZoneFile`, read by `parseZoneFile`, gives the same records.
 */
import { type Name, formatName } from './name.ts';
import { zoneFileForm } from './registry.ts';
import { TYPE, type RrType } from './types.ts';

/** What is written of an RRset; a zone's NodeRrset is one. */
export interface FormattedRrset {
  readonly type: RrType;
  readonly ttl: number;
  readonly rdatas: readonly Uint8Array[];
  readonly signatures: readonly Uint8Array[];
  /** RRsets of the signer (`dnssec`) are written only with `signed`. */
  readonly manager?: string;
}

export interface FormattedNode {
  readonly owner: Name;
  readonly rrsets: readonly FormattedRrset[];
}

/** Begins the comment that an ALIAS is in a zone file (zone/alias/comment.ts). */
export const ALIAS_COMMENT = ';@ALIAS';

export interface FormatOptions {
  readonly signed: boolean;
  /** RRsets of the type ALIAS are no records of the zone, and are written as comments. */
  readonly hasAliases?: boolean;
}

const SIGNER_TYPES: ReadonlySet<RrType> = new Set([TYPE.RRSIG, TYPE.NSEC, TYPE.NSEC3, TYPE.NSEC3PARAM]);

/**
 * Lines, each with its line end, of `nodes` in their order; the SOA of the apex, which must be the first node, before everything else.
 * `signed` writes the signer's records too: RRSIG, NSEC, DNSKEY, CDS, CDNSKEY.
 */
export function* formatZoneFile(nodes: Iterable<FormattedNode>, options: FormatOptions): Generator<string, void> {
  for (const { owner, rrsets } of nodes) {
    if (rrsets.length === 0) continue;
    const name = formatName(owner);
    const soaFirst = rrsets.some(({ type }) => type === TYPE.SOA)
      ? rrsets.toSorted((a, b) => Number(b.type === TYPE.SOA) - Number(a.type === TYPE.SOA))
      : rrsets;
    for (const rrset of soaFirst) {
      if (!options.signed && (rrset.manager === 'dnssec' || SIGNER_TYPES.has(rrset.type))) continue;
      if (options.hasAliases === true && rrset.type === TYPE.ALIAS) {
        for (const target of rrset.rdatas) yield `${ALIAS_COMMENT} ${name} ${rrset.ttl} ${formatName(target)}\n`;
        continue;
      }
      for (const rdata of rrset.rdatas) {
        const form = zoneFileForm(rrset.type, rdata);
        yield `${name}\t${rrset.ttl}\tIN\t${form.type}\t${form.rdata}\n`;
      }
      if (options.signed)
        for (const rdata of rrset.signatures) yield `${name}\t${rrset.ttl}\tIN\tRRSIG\t${zoneFileForm(TYPE.RRSIG, rdata).rdata}\n`;
    }
  }
}
