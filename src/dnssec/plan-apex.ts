/**
 * What a plan does at the apex alone: the serial, the RRsets that are made from keys, and how the zone denies.
 * Implements: RFC 1982 (serial), RFC 7344 §4.1 and RFC 8078 §4 (CDS, CDNSKEY), RFC 5155 §4 (NSEC3PARAM).
 */
import { equalBytes } from '#base/bytes.ts';
import { KEY_TTL_SECONDS } from '#base/limits/dnssec.ts';
import { type Name, type OwnerKey, ownerKey } from '#dns/name.ts';
import { type Nsec3Parameters, nsec3Parameters, nsec3paramRdata } from '#dns/nsec3.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { type Serial, isNewer } from '#dns/serial.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { type RrsetChange, soaSerial, withSoaSerial } from '#zone/changeset.ts';
import { type NodeRrset, type ZoneNode, rrsetOf } from '#zone/view.ts';
import { CDNSKEY_DELETE, CDS_DELETE, cdnskeyRdata, cdsRdata, isEntryPoint } from './ds.ts';
import { keyTagOf } from './key.ts';
import { dnssecRrset } from './plan-records.ts';
import { type PlanSigner, type SigningSettings } from './plan-signer.ts';

/**
 * The changes with the present serial in a given SOA, and the given one if it is newer: a serial alone is no
 * difference, unless it goes forward (a zone file read again has the serial it had).
 */
export function withoutSerial(
  changes: readonly RrsetChange[],
  apexKey: OwnerKey,
  oldSoa: NodeRrset | undefined,
): { changes: readonly RrsetChange[]; serial: Serial | undefined } {
  if (oldSoa === undefined) return { changes, serial: undefined };
  const current = soaSerial(oldSoa.rdatas[0]!);
  let serial: Serial | undefined;
  const same = changes.map((change) => {
    const { owner, type, rrset } = change;
    if (type !== TYPE.SOA || rrset === null || ownerKey(owner) !== apexKey) return change;
    const given = soaSerial(rrset.rdatas[0]!);
    serial = isNewer(given, current) ? given : undefined;
    return { ...change, rrset: { ...rrset, rdatas: rrset.rdatas.map((rdata) => withSoaSerial(rdata, current)) } };
  });
  return { changes: same, serial };
}

/** RFC 4034 App. B: tags are no names. They distinguish signatures, so no key with the tag of another is used. */
export function hasTagCollision(signing: SigningSettings | undefined, dnskeys: NodeRrset | undefined): boolean {
  if (signing === undefined) return false;
  const own = [...signing.published, ...signing.keys, ...(signing.keySigners ?? [])].map(({ dnskey }) => dnskey);
  const others = [...own, ...(dnskeys?.manager === 'dnssec' ? dnskeys.rdatas : [])];
  return own.some((dnskey) => {
    const keyTag = keyTagOf(dnskey);
    return others.some((other) => keyTagOf(other) === keyTag && !equalBytes(other, dnskey));
  });
}

/**
 * DNSKEY of the published keys, CDS and CDNSKEY of what the parent is asked for (RFC 7344 §4.1, RFC 8078 §4), and
 * NSEC3PARAM.
 */
export function signingRrsets(apex: Name, signing: SigningSettings, negativeTtl: number): NodeRrset[] {
  const { published, announced, keyTtlSeconds = KEY_TTL_SECONDS, nsec3 } = signing;
  const dnskeys = published.map(({ dnskey }) => dnskey);
  const isDeleting = announced === 'delete';
  const asked = isDeleting ? [] : announced?.map(({ dnskey }) => dnskey);
  const entryPoints = asked ?? dnskeys.filter(isEntryPoint);
  const cds = isDeleting ? [CDS_DELETE] : entryPoints.map((dnskey) => cdsRdata(apex, dnskey));
  const cdnskeys = isDeleting ? [CDNSKEY_DELETE] : entryPoints.map(cdnskeyRdata);
  const rrset = (type: RrType, rdatas: Uint8Array[]): NodeRrset[] =>
    rdatas.length === 0 ? [] : [dnssecRrset(type, keyTtlSeconds, sortRdatas(type, rdatas))];
  const nsec3param = nsec3 === undefined ? [] : [dnssecRrset(TYPE.NSEC3PARAM, negativeTtl, [nsec3paramRdata(nsec3)])];
  return [...rrset(TYPE.DNSKEY, dnskeys), ...rrset(TYPE.CDS, cds), ...rrset(TYPE.CDNSKEY, cdnskeys), ...nsec3param];
}

/** The apex node with the new serial, its SOA to be signed. */
export function withSerial(apex: ZoneNode, serial: Serial, signer: PlanSigner | undefined): ZoneNode {
  const rrsets = apex.rrsets.map((rrset) => {
    if (rrset.type !== TYPE.SOA) return rrset;
    const soa = { ...rrset, rdatas: [withSoaSerial(rrset.rdatas[0]!, serial)], signatures: [] };
    return signer === undefined ? soa : signer.pending(apex.owner, apex.key, soa);
  });
  return { ...apex, rrsets };
}

/** How a zone says what there is not, as its apex tells. */
export function denialOf(
  apex: ZoneNode | undefined,
): { readonly ttl: number; readonly nsec3?: Nsec3Parameters } | undefined {
  const nsec3param = rrsetOf(apex, TYPE.NSEC3PARAM);
  if (nsec3param?.manager === 'dnssec') return { ttl: nsec3param.ttl, nsec3: nsec3Parameters(nsec3param.rdatas[0]!) };
  const nsec = rrsetOf(apex, TYPE.NSEC);
  return nsec?.manager === 'dnssec' ? { ttl: nsec.ttl } : undefined;
}
