/**
 * Every RR type in one table: from presentation to wire form and back, checks, names inside, canonical form.
 * Implements: RFC 3597 §4–5 (unknown types, `\#`), RFC 4034 §6.2 with RFC 6840 §5.1 (canonical form of RDATA), RFC 1035 §4.1.4 (reading
 * compressed names). What the data of a type is made of is in rdata/, one file per type or family.
 * Not here: owners, TTLs and classes (zone-file.ts), writing compressed names (compression.ts).
 */
import { NAME_BYTES_MAX, RDATA_BYTES_MAX } from '#base/limits/dns.ts';
import { WHOLE, inFile } from '#base/place.ts';
import { type Problem, type Result, fail, ok, placeAt, problem, warning } from '#base/problem.ts';
import { readCompressedName } from './compression.ts';
import { type Token, lexRdata } from './lexer.ts';
import { lowerOctet, type Name, parseName } from './name.ts';
import { A6 } from '#dns/rdata/a6.ts';
import { A, AAAA } from '#dns/rdata/address.ts';
import { APL } from '#dns/rdata/apl.ts';
import { CAA, URI } from '#dns/rdata/caa.ts';
import { CERT, DHCID, OPENPGPKEY, SINK } from '#dns/rdata/cert.ts';
import { DNSKEY, KEY, RKEY } from '#dns/rdata/dnskey.ts';
import { DOA, DSYNC } from '#dns/rdata/doa.ts';
import { DS, SSHFP, TLSA, ZONEMD } from '#dns/rdata/ds.ts';
import { EUI48, EUI64, L32, L64, NID } from '#dns/rdata/eui.ts';
import { type NameReader, type NameSpan, type Parse, type RdataForm, refuse } from '#dns/rdata/field.ts';
import { GPOS, HINFO, ISDN, X25 } from '#dns/rdata/hinfo.ts';
import { HIP } from '#dns/rdata/hip.ts';
import { AMTRELAY, IPSECKEY } from '#dns/rdata/ipseckey.ts';
import { LOC } from '#dns/rdata/loc.ts';
import { typeName } from '#dns/rdata/mnemonic.ts';
import { AFSDB, KX, LP, MX, RT } from '#dns/rdata/mx.ts';
import { ATMA, EID, NIMLOC, NSAP } from '#dns/rdata/nsap.ts';
import { CSYNC, NSEC, NSEC3, NSEC3PARAM, NXT } from '#dns/rdata/nsec.ts';
import { isWrittenByOctets, withTypeNumbers } from '#dns/rdata/portable.ts';
import { MINFO, RP, TALINK } from '#dns/rdata/rp.ts';
import { RRSIG, SIG } from '#dns/rdata/rrsig.ts';
import { ALIAS, DNAME, NSAP_PTR, SINGLE_NAME } from '#dns/rdata/single-name.ts';
import { SOA } from '#dns/rdata/soa.ts';
import { NAPTR, PX, SRV } from '#dns/rdata/srv.ts';
import { SVCB } from '#dns/rdata/svcb.ts';
import { STRINGS, TXT } from '#dns/rdata/txt.ts';
import { formatUnknown, NULL, parseUnknown } from '#dns/rdata/unknown.ts';
import { WKS } from '#dns/rdata/wks.ts';
import { TYPE, type RrType } from './types.ts';

export { typeCode, typeName } from '#dns/rdata/mnemonic.ts';

/** A type that is not here has any octets as its data and is written in RFC 3597 form. */
const FORMS: ReadonlyMap<RrType, RdataForm> = new Map<RrType, RdataForm>([
  [TYPE.A, A],
  [TYPE.NS, SINGLE_NAME],
  [TYPE.MD, SINGLE_NAME],
  [TYPE.MF, SINGLE_NAME],
  [TYPE.CNAME, SINGLE_NAME],
  [TYPE.SOA, SOA],
  [TYPE.MB, SINGLE_NAME],
  [TYPE.MG, SINGLE_NAME],
  [TYPE.MR, SINGLE_NAME],
  [TYPE.NULL, NULL],
  [TYPE.WKS, WKS],
  [TYPE.PTR, SINGLE_NAME],
  [TYPE.HINFO, HINFO],
  [TYPE.MINFO, MINFO],
  [TYPE.MX, MX],
  [TYPE.TXT, TXT],
  [TYPE.RP, RP],
  [TYPE.AFSDB, AFSDB],
  [TYPE.X25, X25],
  [TYPE.ISDN, ISDN],
  [TYPE.RT, RT],
  [TYPE.NSAP, NSAP],
  [TYPE.NSAP_PTR, NSAP_PTR],
  [TYPE.SIG, SIG],
  [TYPE.KEY, KEY],
  [TYPE.PX, PX],
  [TYPE.GPOS, GPOS],
  [TYPE.AAAA, AAAA],
  [TYPE.LOC, LOC],
  [TYPE.NXT, NXT],
  [TYPE.EID, EID],
  [TYPE.NIMLOC, NIMLOC],
  [TYPE.SRV, SRV],
  [TYPE.ATMA, ATMA],
  [TYPE.NAPTR, NAPTR],
  [TYPE.KX, KX],
  [TYPE.CERT, CERT],
  [TYPE.A6, A6],
  [TYPE.DNAME, DNAME],
  [TYPE.SINK, SINK],
  [TYPE.APL, APL],
  [TYPE.DS, DS],
  [TYPE.SSHFP, SSHFP],
  [TYPE.IPSECKEY, IPSECKEY],
  [TYPE.RRSIG, RRSIG],
  [TYPE.NSEC, NSEC],
  [TYPE.DNSKEY, DNSKEY],
  [TYPE.DHCID, DHCID],
  [TYPE.NSEC3, NSEC3],
  [TYPE.NSEC3PARAM, NSEC3PARAM],
  [TYPE.TLSA, TLSA],
  [TYPE.SMIMEA, TLSA],
  [TYPE.HIP, HIP],
  [TYPE.NINFO, TXT],
  [TYPE.RKEY, RKEY],
  [TYPE.TALINK, TALINK],
  [TYPE.CDS, DS],
  [TYPE.CDNSKEY, DNSKEY],
  [TYPE.OPENPGPKEY, OPENPGPKEY],
  [TYPE.CSYNC, CSYNC],
  [TYPE.ZONEMD, ZONEMD],
  [TYPE.SVCB, SVCB],
  [TYPE.HTTPS, SVCB],
  [TYPE.DSYNC, DSYNC],
  [TYPE.SPF, TXT],
  [TYPE.NID, NID],
  [TYPE.L32, L32],
  [TYPE.L64, L64],
  [TYPE.LP, LP],
  [TYPE.EUI48, EUI48],
  [TYPE.EUI64, EUI64],
  [TYPE.URI, URI],
  [TYPE.CAA, CAA],
  [TYPE.AVC, TXT],
  [TYPE.DOA, DOA],
  [TYPE.AMTRELAY, AMTRELAY],
  [TYPE.RESINFO, STRINGS],
  [TYPE.WALLET, STRINGS],
  [TYPE.TA, DS],
  [TYPE.DLV, DS],
  [TYPE.ALIAS, ALIAS],
]);

/** True for types that only questions and messages have, never a zone: 0, OPT, 128…255 (RFC 6895 §3.1). */
export function isMetaType(type: RrType): boolean {
  return type === 0 || type === TYPE.OPT || (type >= 128 && type <= 255);
}

/** True for types whose data is one text in character-strings that its readers join. */
export function isTextType(type: RrType): boolean {
  return FORMS.get(type) === TXT;
}

/** Where a parse puts its octets before they are copied out: parsing is synchronous, so one is enough. */
const scratch = new Uint8Array(RDATA_BYTES_MAX);

/**
 * Wire form, without compression, of the words of one record's data; `\# length hex` is taken for every type and checked as that type.
 * A problem's place is `file:line:column` of the word it is about. `readName` says what a word is as a name.
 */
export function parseRdata(
  type: RrType,
  tokens: readonly Token[],
  origin: Name,
  file = 'rdata',
  readName: NameReader = parseName,
): Result<Uint8Array> {
  if (isMetaType(type))
    return fail(problem('TYPE_META', inFile(file), `${typeName(type)} is never stored in a zone`, { rfc: 'RFC 6895 §3.1' }));
  const form = FORMS.get(type);
  const parse: Parse = {
    mnemonic: typeName(type),
    tokens,
    next: 0,
    origin,
    readName,
    file,
    problems: [],
    warnings: [],
    octets: scratch,
    length: 0,
    exhausted: false,
    overflown: false,
  };
  const first = tokens[0];
  const unknown = form === undefined || (first !== undefined && first.text === '\\#' && !first.quoted);
  if (unknown) parseUnknown(parse);
  else for (const field of form.fields) field.parse(parse);
  if (parse.next < tokens.length && parse.problems.length === 0)
    refuse(parse, tokens[parse.next], 'RDATA_TRAILING', `${JSON.stringify(tokens[parse.next]!.text)} is more than the type takes`);
  if (parse.problems.length > 0) return fail(...parse.problems);
  const rdata = scratch.slice(0, parse.length);
  const place = inFile(file, first?.line, first?.column);
  if (form === undefined) return ok(rdata);
  if (unknown) {
    const problems = checkRdata(type, rdata);
    if (problems.length > 0) return fail(...placeAt(problems, place));
  } else {
    const wrong = form.check?.(rdata);
    if (wrong !== undefined) return fail(problem('RDATA_VALUE', place, `${parse.mnemonic}: ${wrong}`));
  }
  const doubtful = form.warn?.(rdata);
  if (doubtful !== undefined) parse.warnings.push(warning('RDATA_DOUBTFUL', place, `${parse.mnemonic}: ${doubtful}`));
  return ok(rdata, parse.warnings);
}

/** `parseRdata` of text as a zone file has it. Data from requests is read by record-data.ts: there nothing is a comment. */
export function parseRdataText(type: RrType, text: string, origin: Name, file?: string, readName?: NameReader): Result<Uint8Array> {
  const tokens = lexRdata(text);
  return tokens.ok ? parseRdata(type, tokens.value, origin, file, readName) : tokens;
}

/** Canonical presentation on one line, names absolute. Data that is not well formed is shown in RFC 3597 form. */
export function formatRdata(type: RrType, rdata: Uint8Array): string {
  const form = FORMS.get(type);
  if (form === undefined || (form.check !== undefined && checkRdata(type, rdata).length > 0)) return formatUnknown(rdata);
  let text = '';
  let at = 0;
  for (const field of form.fields) {
    const end = field.end(rdata, at, rdata.length);
    const part = end < 0 ? undefined : field.format(rdata, at, end);
    if (part === undefined) return formatUnknown(rdata);
    if (part !== '') text = text === '' ? part : `${text} ${part}`;
    at = end;
  }
  return at === rdata.length ? text : formatUnknown(rdata);
}

/** Type and data of a record as a line of a zone file has them: `formatRdata`, or octets where a reader in wide use has no name for it. */
export function zoneFileForm(type: RrType, rdata: Uint8Array): { readonly type: string; readonly rdata: string } {
  if (isWrittenByOctets(type, rdata)) return { type: `TYPE${type}`, rdata: formatUnknown(rdata) };
  return { type: typeName(type), rdata: withTypeNumbers(type, formatRdata(type, rdata)) };
}

/** What is wrong with uncompressed wire form; empty when it is well formed. */
export function checkRdata(type: RrType, rdata: Uint8Array): Problem[] {
  const bad = (what: string) => [problem('RDATA_WIRE', WHOLE, `${typeName(type)}: ${what}`)];
  if (isMetaType(type)) return [problem('TYPE_META', WHOLE, `${typeName(type)} is never stored in a zone`, { rfc: 'RFC 6895 §3.1' })];
  if (rdata.length > RDATA_BYTES_MAX) return bad(`${rdata.length} octets are more than ${RDATA_BYTES_MAX}`);
  const form = FORMS.get(type);
  if (form === undefined) return [];
  let at = 0;
  for (const field of form.fields) {
    const end = field.end(rdata, at, rdata.length);
    if (end < 0) return bad(`${field.label} at octet ${at} is malformed or cut short`);
    at = end;
  }
  if (at < rdata.length) return bad(`${rdata.length - at} octets are left over after the last field`);
  const wrong = form.check?.(rdata);
  return wrong === undefined ? [] : bad(wrong);
}

/** What the data of a record is read from. */
export interface RdataSource {
  readonly message: Uint8Array;
  readonly offset: number;
  readonly length: number;
  /** Data that is not compressed shares the memory of the message, which must not change; a copy unless given. */
  readonly isShared?: boolean;
}

/** Uncompressed, checked data of a record in a message; undefined when it is malformed. Only old types may have compressed names (RFC 3597 §4). */
export function readRdata(type: RrType, source: RdataSource): Uint8Array | undefined {
  const { message, offset, length, isShared = false } = source;
  const limit = offset + length;
  if (limit > message.length) return undefined;
  const expanded = READ_COMPRESSED.has(type) ? expandRdata(type, source) : 'plain';
  if (expanded === undefined) return undefined;
  const plain = (): Uint8Array => (isShared ? message.subarray(offset, limit) : message.slice(offset, limit));
  const rdata = expanded === 'plain' ? plain() : expanded;
  return checkRdata(type, rdata).length === 0 ? rdata : undefined;
}

/** RDATA with its names whole; `plain` when no name in it is compressed, undefined when it is malformed. */
function expandRdata(type: RrType, { message, offset, length }: RdataSource): Uint8Array | 'plain' | undefined {
  const limit = offset + length;
  let [at, to, isPlain] = [offset, 0, true];
  for (const field of FORMS.get(type)!.fields) {
    const start = at;
    if (field.name?.readCompressed === true) {
      const read = readCompressedName(message, start, limit, NAME);
      if (read === undefined) return undefined;
      EXPANDED.set(NAME.subarray(0, read.length), to);
      isPlain &&= read.end - start === read.length;
      to += read.length;
      at = read.end;
    } else {
      at = field.end(message, start, limit);
      if (at < 0) return undefined;
      EXPANDED.set(message.subarray(start, at), to);
      to += at - start;
    }
  }
  if (at !== limit) return undefined;
  return isPlain ? 'plain' : EXPANDED.slice(0, to);
}

const NAME = new Uint8Array(NAME_BYTES_MAX);
/** Room for the longest data: no form has more than two names that may be compressed. */
const EXPANDED = new Uint8Array(RDATA_BYTES_MAX + 2 * NAME_BYTES_MAX);

const READ_COMPRESSED: ReadonlySet<RrType> = new Set(
  [...FORMS].flatMap(([type, { fields }]) => (fields.some(({ name }) => name?.readCompressed === true) ? [type] : [])),
);

/** Canonical form (RFC 4034 §6.2 as amended by RFC 6840 §5.1): the same octets, or a copy with the names in it lower-cased. */
export function canonicalRdata(type: RrType, rdata: Uint8Array): Uint8Array {
  const form = FORMS.get(type);
  if (form === undefined || !form.fields.some((field) => field.name?.lowered === true)) return rdata;
  const canonical = new Uint8Array(rdata);
  let at = 0;
  for (const field of form.fields) {
    const end = field.end(rdata, at, rdata.length);
    if (end < 0) return canonical;
    if (field.name?.lowered === true) for (let each = at; each < end; each++) canonical[each] = lowerOctet(rdata[each]!);
    at = end;
  }
  return canonical;
}

/** Names inside well-formed data, in order. */
export function rdataNames(type: RrType, rdata: Uint8Array): readonly NameSpan[] {
  const form = FORMS.get(type);
  if (form === undefined) return [];
  const spans: NameSpan[] = [];
  let at = 0;
  for (const field of form.fields) {
    const end = field.end(rdata, at, rdata.length);
    if (end < 0) return spans;
    if (field.name !== undefined && end > at) spans.push({ offset: at, length: end - at, compressible: field.name.compressible });
    else if (field.names !== undefined) spans.push(...field.names(rdata, at, end));
    at = end;
  }
  return spans;
}
