/**
 * Which data is written to zone files by octets, because some reader in wide use (ldns 1.8: ldns-read-zone, NSD's tools) does not take it by name.
 * Implements: RFC 3597 §5, which every reader does take, for types known to it too.
 */
import { numberAt } from './field.ts';
import { TYPE, type RrType } from '#dns/types.ts';

const always = () => true;

const BY_OCTETS: ReadonlyMap<RrType, (rdata: Uint8Array) => boolean> = new Map<RrType, (rdata: Uint8Array) => boolean>([
  [TYPE.WKS, always],
  // Taken for a character-string.
  [TYPE.NSAP_PTR, always],
  [TYPE.NXT, always],
  [TYPE.ATMA, always],
  [TYPE.A6, always],
  [TYPE.SINK, always],
  [TYPE.NINFO, always],
  [TYPE.RKEY, always],
  [TYPE.DSYNC, always],
  [TYPE.AVC, always],
  [TYPE.DOA, always],
  [TYPE.AMTRELAY, always],
  [TYPE.RESINFO, always],
  [TYPE.WALLET, always],
  [TYPE.TA, always],
  // No key, no types, no certificate type, another hash than SHA-1: lawful, and beyond that reader.
  [TYPE.KEY, (rdata) => rdata.length === 4],
  [TYPE.CSYNC, (rdata) => rdata.length === 6],
  [TYPE.CERT, (rdata) => numberAt(rdata, 0, 2) === 0],
  [TYPE.NSEC3, (rdata) => rdata[0] !== 1],
]);

/** True when `rdata` goes into a zone file as `TYPEn \# …`. */
export function isWrittenByOctets(type: RrType, rdata: Uint8Array): boolean {
  return BY_OCTETS.get(type)?.(rdata) === true;
}
