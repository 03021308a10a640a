/**
 * `$GENERATE START-STOP[/STEP] OWNER … TYPE DATA`: one line that stands for many records. No RFC has it; this is BIND's, which the
 * other servers copied: `$` is the number, `${offset,width,base}` the number shifted, padded and in base d o x X n N (n, N: nibbles from
 * the last, for ip6.arpa), `$$` and `\$` a dollar sign.
 */
import { GENERATE_RECORDS_MAX, GENERATE_WIDTH_MAX } from '#base/limits/dns.ts';
import { type Place, inFile } from '#base/place.ts';
import { type Result, fail, ok, placeAt, problem } from '#base/problem.ts';
import { type Token } from './lexer.ts';
import { type Name } from './name.ts';
import { type NameReader } from '#dns/rdata/field.ts';
import { parseRdataText } from './registry.ts';
import { type RrType } from './types.ts';

/** A template's literal text, or how the number is written in its place. */
type Part = string | { readonly offset: number; readonly width: number; readonly base: string };

const INT_MAX = 0x7fff_ffff;

export interface GenerateLine {
  readonly range: Token;
  readonly owner: Token;
  readonly data: Token;
  readonly type: RrType;
  readonly origin: Name;
  readonly file: string;
  readonly readName: NameReader;
}

/** The records in the order of the range; problems, and then nothing more, for the first that cannot be made. */
export function* expandGenerate(
  line: GenerateLine,
): Generator<Result<{ readonly owner: Name; readonly rdata: Uint8Array }>, void, undefined> {
  const place = (token: Token) => inFile(line.file, token.line, token.column);
  const range = readRange(line.range, place(line.range));
  const ownerParts = readTemplate(line.owner, place(line.owner));
  const dataParts = readTemplate(line.data, place(line.data));
  if (!range.ok || !ownerParts.ok || !dataParts.ok) {
    yield fail(...[range, ownerParts, dataParts].flatMap((each) => (each.ok ? [] : each.problems)));
    return;
  }
  const { start, stop, step } = range.value;
  for (let value = start; value <= stop; value += step) {
    const during = (token: Token, result: Result<unknown>) =>
      result.ok ? [] : result.problems.map((each) => ({ ...each, at: place(token), message: `with ${value} for $: ${each.message}` }));
    const owner = line.readName(fillTemplate(ownerParts.value, value), line.origin);
    const rdata = parseRdataText(line.type, fillTemplate(dataParts.value, value), line.origin, line.file, line.readName);
    if (!owner.ok || !rdata.ok) {
      yield fail(...during(line.owner, owner), ...during(line.data, rdata));
      return;
    }
    yield ok({ owner: owner.value, rdata: rdata.value }, [
      ...placeAt(owner.warnings, place(line.owner)),
      ...placeAt(rdata.warnings, place(line.data)),
    ]);
  }
}

function readRange(token: Token, at: Place): Result<{ start: number; stop: number; step: number }> {
  const match = /^([0-9]{1,10})-([0-9]{1,10})(?:\/([0-9]{1,10}))?$/.exec(token.text);
  const [start, stop, step] = match === null ? [1, 0, 0] : [Number(match[1]), Number(match[2]), Number(match[3] ?? 1)];
  const what = JSON.stringify(token.text);
  if (start > stop || step < 1 || stop > INT_MAX || step > INT_MAX)
    return fail(problem('GENERATE_RANGE', at, `${what} is no range`, { fix: 'write START-STOP or START-STOP/STEP, START not above STOP' }));
  const count = Math.floor((stop - start) / step) + 1;
  if (count > GENERATE_RECORDS_MAX)
    return fail(problem('GENERATE_RANGE', at, `${what} makes ${count} records, one $GENERATE may make ${GENERATE_RECORDS_MAX}`));
  return ok({ start, stop, step });
}

function readTemplate(token: Token, at: Place): Result<readonly Part[]> {
  const { text } = token;
  const parts: Part[] = [];
  let literal = '';
  for (let next = 0; next < text.length; next++) {
    const character = text[next]!;
    if (character === '\\') {
      // An escape, `\$` too, is left for the name or data that comes of it.
      literal += character + (text[++next] ?? '');
    } else if (character !== '$') literal += character;
    else if (text[next + 1] === '$') literal += text[++next]!;
    else {
      const braces =
        text[next + 1] === '{'
          ? /^\{(-?[0-9]{1,10})(?:,([0-9]{1,10})(?:,([doxXnN]))?)?\}/.exec(text.slice(next + 1, next + 32))
          : undefined;
      const [offset, width] = [Number(braces?.[1] ?? 0), Number(braces?.[2] ?? 0)];
      if (braces === null || width > GENERATE_WIDTH_MAX || Math.abs(offset) > INT_MAX)
        return fail(
          problem('GENERATE_TEMPLATE', at, `${JSON.stringify(text.slice(next))} does not begin with a number's place`, {
            fix: `write \${OFFSET,WIDTH,BASE}: width at most ${GENERATE_WIDTH_MAX}, base one of d o x X n N; a dollar sign itself is $$`,
          }),
        );
      parts.push(literal, { offset, width, base: braces?.[3] ?? 'd' });
      literal = '';
      next += braces?.[0].length ?? 0;
    }
  }
  parts.push(literal);
  return ok(parts);
}

function fillTemplate(parts: readonly Part[], value: number): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : showNumber(value + part.offset, part.width, part.base);
  return text;
}

/** As C's printf has it: padded with zeros, a sign counted in the width; octal and hexadecimal of a negative are 32-bit. */
function showNumber(value: number, width: number, base: string): string {
  switch (base) {
    case 'o':
      return (value >>> 0).toString(8).padStart(width, '0');
    case 'x':
      return (value >>> 0).toString(16).padStart(width, '0');
    case 'X':
      return (value >>> 0).toString(16).toUpperCase().padStart(width, '0');
    case 'n':
      return showNibbles(value >>> 0, width, '0123456789abcdef');
    case 'N':
      return showNibbles(value >>> 0, width, '0123456789ABCDEF');
    default:
      return value < 0 ? `-${String(-value).padStart(width - 1, '0')}` : String(value).padStart(width, '0');
  }
}

/** Hexadecimal digits from the last, a dot after each; `width` counts digits and dots, the last dot only when the width has a place for it. */
function showNibbles(value: number, width: number, digits: string): string {
  let text = '';
  let rest = value;
  let left = width;
  do {
    text += digits[rest & 0xf]!;
    rest >>>= 4;
    if (left > 0) left--;
    if (rest !== 0 || left > 0) {
      text += '.';
      if (left > 0) left--;
    }
  } while (rest !== 0 || left > 0);
  return text;
}
