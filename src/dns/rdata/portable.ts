/**
 * What of a zone file some reader in wide use (ldns 1.8, Knot 3.2, NSD 4.6) does not take by name: data that is written by octets, and types
 * that are written by number, in RRSIG and NSEC too.
 * Implements: RFC 3597 §5, which every reader does take, for types known to it too.
 */
import { latin1 } from '#base/bytes.ts';
import { numberAt } from './field.ts';
import { typeCode } from './mnemonic.ts';
import { TYPE, type RrType } from '#dns/types.ts';

/** Types that one of them has no name for, or has another form for (NSAP-PTR as a character-string). */
const BY_NUMBER: ReadonlySet<RrType> = new Set<RrType>([
  TYPE.MD,
  TYPE.MF,
  TYPE.MB,
  TYPE.MG,
  TYPE.MR,
  TYPE.NULL,
  TYPE.WKS,
  TYPE.X25,
  TYPE.ISDN,
  TYPE.NSAP,
  TYPE.NSAP_PTR,
  TYPE.SIG,
  TYPE.PX,
  TYPE.GPOS,
  TYPE.NXT,
  TYPE.EID,
  TYPE.NIMLOC,
  TYPE.ATMA,
  TYPE.A6,
  TYPE.SINK,
  TYPE.HIP,
  TYPE.NINFO,
  TYPE.RKEY,
  TYPE.TALINK,
  TYPE.DSYNC,
  TYPE.UINFO,
  TYPE.UID,
  TYPE.GID,
  TYPE.UNSPEC,
  TYPE.AVC,
  TYPE.DOA,
  TYPE.AMTRELAY,
  TYPE.RESINFO,
  TYPE.WALLET,
  TYPE.TA,
  TYPE.DLV,
  TYPE.ALIAS,
]);

/** Lawful data, and beyond one of them: no key, no types, no certificate type, another hash than SHA-1, a tag that no CA has. */
const BY_OCTETS: ReadonlyMap<RrType, (rdata: Uint8Array) => boolean> = new Map<RrType, (rdata: Uint8Array) => boolean>([
  [TYPE.KEY, (rdata) => rdata.length === 4],
  [TYPE.CSYNC, (rdata) => rdata.length === 6],
  [TYPE.CERT, (rdata) => numberAt(rdata, 0, 2) === 0],
  [TYPE.NSEC3, (rdata) => rdata[0] !== 1],
  [TYPE.CAA, (rdata) => !/^[a-z0-9]{1,15}$/.test(latin1(rdata.subarray(2, 2 + rdata[1]!)))],
]);

/** True when `rdata` goes into a zone file as `TYPEn \# …`. */
export function isWrittenByOctets(type: RrType, rdata: Uint8Array): boolean {
  return BY_NUMBER.has(type) || BY_OCTETS.get(type)?.(rdata) === true;
}

/** Where types stand among the words of data: the first such word, and the one after the last. */
const TYPE_WORDS: ReadonlyMap<RrType, readonly [number, number]> = new Map([
  [TYPE.RRSIG, [0, 1]],
  [TYPE.NSEC, [1, Infinity]],
  [TYPE.NSEC3, [5, Infinity]],
  [TYPE.CSYNC, [2, Infinity]],
]);

/** The canonical text of data with the types in it by number, where one of the readers does not know their names. */
export function withTypeNumbers(type: RrType, text: string): string {
  const words = TYPE_WORDS.get(type);
  if (words === undefined || text.startsWith('\\#')) return text;
  return text
    .split(' ')
    .map((word, at) => {
      const named = at >= words[0] && at < words[1] ? typeCode(word) : undefined;
      return named !== undefined && BY_NUMBER.has(named) ? `TYPE${named}` : word;
    })
    .join(' ');
}
