/**
 * A validator's way down to a zone's data, for every version of each step that a cache may hold: from a DS through the
 * DNSKEY RRset to each RRset. A code path of its own: it shares nothing with what decides which key signs what.
 * Implements: RFC 4035 §5.2 (DS to DNSKEY), §5.3 (DNSKEY to RRset).
 * Not here: what a signed zone must have beside that (verify.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { type NodeRrset } from '#zone/view.ts';
import { type SignatureCheck, checkByEngine } from './algorithm.ts';
import { dsRdata } from './ds.ts';
import { verifyRrset } from './verify.ts';

/** Records and their signatures, of any manager. */
export type SignedRecords = Omit<NodeRrset, 'manager'>;

/** An RRset with its owner and its signatures. */
export interface OwnedRrset {
  readonly owner: Name;
  readonly rrset: SignedRecords;
}

export interface ChainVersions {
  readonly apex: Name;
  /** DS RDATA at the parent; empty: it has none, and the way begins at the DNSKEY RRset. */
  readonly ds: readonly Uint8Array[];
  /** DNSKEY RRsets that a cache may hold. */
  readonly keySets: readonly SignedRecords[];
  /** Versions of other RRsets that one may hold. */
  readonly rrsets: readonly OwnedRrset[];
  readonly nowSeconds: number;
  /** `checkByEngine` unless given. */
  readonly check?: SignatureCheck;
}

/** The first combination that a validator cannot follow; undefined: it can follow every one. */
export function walkChains({ apex, ds, keySets, rrsets, nowSeconds, check = checkByEngine }: ChainVersions): Problem | undefined {
  const zone = formatName(apex);
  const isSigned = ({ owner, rrset }: OwnedRrset, by: readonly Uint8Array[]): boolean =>
    rrset.signatures.some((rrsig) => verifyRrset({ owner, ...rrset }, rrsig, by, nowSeconds, check) === undefined);
  for (const keySet of keySets) {
    const anchored = keySet.rdatas.filter((dnskey) => ds.some((each) => isDigestOf(apex, dnskey, each)));
    const isTrusted = ds.length === 0 || isSigned({ owner: apex, rrset: keySet }, anchored);
    if (!isTrusted)
      return problem('DNSSEC_CHAIN', atZone(zone), 'no DS at the parent leads to a DNSKEY RRset that caches may hold', {
        rfc: 'RFC 4035 §5.2',
      });
    const broken = rrsets.find((each) => !isSigned(each, keySet.rdatas));
    if (broken === undefined) continue;
    const what = `${formatName(broken.owner)} ${typeName(broken.rrset.type)}`;
    return problem('DNSSEC_CHAIN', atZone(zone), `a DNSKEY RRset that caches may hold does not validate ${what}`, {
      rfc: 'RFC 4035 §5.3',
    });
  }
  return undefined;
}

function isDigestOf(apex: Name, dnskey: Uint8Array, ds: Uint8Array): boolean {
  const digestType = ds[3];
  return (digestType === 2 || digestType === 4) && equalBytes(dsRdata(apex, dnskey, digestType), ds);
}
