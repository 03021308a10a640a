/**
 * The head of a record in a zone file: TTL, class and type, the first two in either order; and the TTL of a record that
 * has none.
 * Implements: RFC 1035 §5.1, RFC 2308 §4 ($TTL), RFC 2181 §8 (TTL range), RFC 3597 §5 (TYPE<n>, CLASS<n>), RFC 6895 §3.1
 * (meta types).
 * Not here: directives (zone-file.ts).
 */
import { TTL_SECONDS_MAX } from '#base/limits/dns.ts';
import { type Place, inFile } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Token } from './lexer.ts';
import { durationSeconds } from '#dns/rdata/field-number.ts';
import { isMetaType, typeCode, typeName } from './registry.ts';
import { foreignWordFix } from './zone-file-hints.ts';
import { TYPE, type RrType } from './types.ts';

/** What stands between the owner and the data. */
export interface RecordHead {
  readonly ttl: number | undefined;
  readonly ttlToken: Token | undefined;
  readonly type: RrType;
  readonly typeToken: Token;
  /** Index of the first word of the data. */
  readonly next: number;
}

/** Reads `tokens` from `start`: TTL and class in either order, each at most once, then the type. */
export function readRecordHead(tokens: readonly Token[], start: number, file: string): Result<RecordHead> {
  let next = start;
  let ttl: number | undefined;
  let ttlToken: Token | undefined;
  let classToken: Token | undefined;
  const refuse = (token: Token, code: ProblemCode, message: string, details: { readonly rfc?: string; readonly fix?: string } = {}) =>
    fail(problem(code, inFile(file, token.line, token.column), message, { rfc: 'RFC 1035 §5.1', ...details }));
  for (; next < tokens.length; next++) {
    const token = tokens[next]!;
    if (token.quoted) return refuse(token, 'TYPE_UNKNOWN', `"${token.text}" in quotes stands where a type must`);
    const initial = token.text.charCodeAt(0);
    const isNumber = initial >= 0x30 && initial <= 0x39;
    const seconds = isNumber && ttlToken === undefined ? durationSeconds(token.text) : undefined;
    const className = isNumber || classToken !== undefined ? undefined : readClass(token.text);
    if (seconds !== undefined) {
      ttl = seconds;
      ttlToken = token;
    } else if (className !== undefined) {
      classToken = token;
      if (className !== 'IN')
        return refuse(token, 'RECORD_CLASS', `class ${className}: only records of class IN are served`, { rfc: 'RFC 1035 §5.2' });
    } else break;
  }
  const typeToken = tokens[next];
  if (typeToken === undefined) return refuse(tokens.at(-1)!, 'RECORD_SHORT', 'the record ends before its type');
  const type = typeCode(typeToken.text);
  const what = JSON.stringify(typeToken.text);
  if (type === undefined && typeToken.text.startsWith('$'))
    return refuse(typeToken, 'ZONE_FILE_DIRECTIVE', `the directive ${what} does not begin in the first column`);
  if (type === undefined)
    return refuse(typeToken, 'TYPE_UNKNOWN', `${what} is neither a TTL, nor a class, nor a record type`, {
      fix: foreignWordFix(typeToken.text) ?? 'an unknown type is written TYPE<number>; a line without an owner begins with a blank',
    });
  if (isMetaType(type))
    return refuse(typeToken, 'TYPE_META', `${typeName(type)} only exists in messages and cannot be in a zone`, { rfc: 'RFC 6895 §3.1' });
  if (type === TYPE.MD || type === TYPE.MF)
    return refuse(typeToken, 'TYPE_OBSOLETE', `${typeName(type)} is obsolete`, { rfc: 'RFC 1035 §3.3.4', fix: 'use MX' });
  return ok({ ttl, ttlToken, type, typeToken, next: next + 1 });
}

const CLASS_NAMES: ReadonlyMap<string, string> = new Map([
  ['IN', 'IN'],
  ['CH', 'CH'],
  ['CHAOS', 'CH'],
  ['HS', 'HS'],
  ['HESIOD', 'HS'],
  ['CS', 'CS'],
  ['NONE', 'NONE'],
  ['ANY', 'ANY'],
]);

/** The class a word names, `IN` also as `CLASS1` (RFC 3597 §5); undefined when it names none. */
function readClass(text: string): string | undefined {
  if (text === 'IN') return text;
  if (text.length > 10) return undefined;
  const upper = text.toUpperCase();
  const known = CLASS_NAMES.get(upper);
  if (known !== undefined || !upper.startsWith('CLASS')) return known;
  const number = /^CLASS([0-9]{1,5})$/.exec(upper)?.[1];
  return number === undefined || Number(number) > 0xffff ? undefined : Number(number) === 1 ? 'IN' : upper;
}

/** The TTLs of a file that records without one may take. */
export interface TtlState {
  readonly problems: { push(each: Problem): unknown };
  /** `$TTL`, or the SOA minimum that stands in for it. */
  defaultTtl: number | undefined;
  lastTtl: number | undefined;
  /** The use of an earlier record's TTL was reported. */
  lastTtlTold: boolean;
}

function placeOf(file: string, token: Token): Place {
  return inFile(file, token.line, token.column);
}

/** RFC 2181 §8: a TTL with the top bit set counts as zero. */
export function boundTtl({ problems }: TtlState, file: string, ttl: number, token: Token): number {
  if (ttl <= TTL_SECONDS_MAX) return ttl;
  const why = `the TTL ${ttl} is above ${TTL_SECONDS_MAX} and counts as 0`;
  problems.push(warning('TTL_RANGE', placeOf(file, token), why, { rfc: 'RFC 2181 §8' }));
  return 0;
}

/**
 * RFC 2308 §4: a record without a TTL takes that of `$TTL`. Without one: RFC 1035 §5.1, the last stated; and for an SOA that is the
 * first record its own minimum, which from there on counts as `$TTL` (as in BIND). Undefined after a problem.
 */
export function decideTtl(state: TtlState, file: string, head: RecordHead, rdata: Uint8Array): number | undefined {
  if (head.ttlToken !== undefined) return (state.lastTtl = boundTtl(state, file, head.ttl!, head.ttlToken));
  if (state.defaultTtl !== undefined) return (state.lastTtl = state.defaultTtl);
  const at = placeOf(file, head.typeToken);
  if (state.lastTtl !== undefined) {
    if (!state.lastTtlTold)
      state.problems.push(
        warning('TTL_MISSING', at, `no TTL here and no $TTL before: the last stated one, ${state.lastTtl}, is taken, here and below`, {
          rfc: 'RFC 1035 §5.1',
          fix: 'begin the file with $TTL',
        }),
      );
    state.lastTtlTold = true;
    return state.lastTtl;
  }
  if (head.type === TYPE.SOA) {
    const minimum = new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength).getUint32(rdata.length - 4);
    state.problems.push(
      warning('TTL_MISSING', at, `no TTL here and no $TTL before: the SOA minimum, ${minimum}, is taken, here and below`, {
        rfc: 'RFC 2308 §4',
        fix: 'begin the file with $TTL',
      }),
    );
    return (state.lastTtl = state.defaultTtl = boundTtl(state, file, minimum, head.typeToken));
  }
  state.problems.push(
    problem('TTL_MISSING', at, 'this record has no TTL, and nothing before it gives one', {
      rfc: 'RFC 2308 §4',
      fix: 'begin the file with $TTL',
    }),
  );
  return undefined;
}
