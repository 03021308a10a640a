/**
 * Macro strings of SPF: parsing, the canonical text, expansion.
 * Implements: RFC 7208 §7.1 (grammar), §7.2 (letters), §7.3 (transformers, escapes, URL escape), §7.4 (examples, in the tests).
 * Not here: what must be looked up for `%{p}` (lookup.ts), which names may be asked for (target.ts).
 */
import { type IpAddress, dottedIp, formatIp } from './ip.ts';

export type MacroLetter = 's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'h' | 'v' | 'c' | 'r' | 't';

export type MacroPart =
  /** As it stands; has no "%". */
  | { readonly kind: 'text'; readonly text: string }
  /** `%%`, `%_`, `%-`: a percent sign, a space, a URL-escaped space. */
  | { readonly kind: 'escape'; readonly character: '%' | '_' | '-' }
  | {
      readonly kind: 'macro';
      readonly letter: MacroLetter;
      /** Written in upper case: the expansion is URL-escaped. */
      readonly urlEscape: boolean;
      /** How many parts are kept from the right; 0 keeps all. */
      readonly keep: number;
      readonly reverse: boolean;
      /** Where the value is split; '' is the default, a dot. No character twice. */
      readonly delimiters: string;
    };

export type MacroString = readonly MacroPart[];

/** A mistake in a macro string, by its offset in the text. */
export interface MacroMistake {
  readonly offset: number;
  readonly message: string;
  readonly rfc: string;
}

/** What the letters stand for in one check. Text is one character per octet. */
export interface MacroContext {
  readonly ip: IpAddress;
  /** MAIL FROM, with "postmaster" where there is no local part. */
  readonly sender: string;
  readonly helo: string;
  /** The domain whose record is being evaluated. */
  readonly domain: string;
  /** The validated name of the client; look it up first when `usesLetter(…, 'p')`. */
  readonly validatedName: string;
  /** The receiving host. */
  readonly receiver: string;
  readonly nowSeconds: number;
}

const MACRO = /%(?:\{([a-z])(\d*)(r?)([.\-+,/_=]*)\}|([%_-]))/giy;
const TEXT = /[^%]+/y;

/** `inExplanation`: in the text that `exp` leads to; only there c, r and t stand for something (RFC 7208 §7.2). */
export function parseMacros(text: string, inExplanation: boolean): { macros: MacroString; mistakes: MacroMistake[] } {
  const macros: MacroPart[] = [];
  const mistakes: MacroMistake[] = [];
  for (let at = 0; at < text.length;) {
    TEXT.lastIndex = MACRO.lastIndex = at;
    const plain = TEXT.exec(text)?.[0];
    if (plain !== undefined) {
      macros.push({ kind: 'text', text: plain });
      at += plain.length;
      continue;
    }
    const match = MACRO.exec(text);
    if (match === null) {
      // RFC 7208 §7.1: a "%" that begins none of the four forms is a syntax error; continue after it to find others.
      const shown = /^%\{[^}]*\}?|^%.?/.exec(text.slice(at))![0];
      mistakes.push({ offset: at, message: `"${shown}" is no macro; a percent sign is written "%%"`, rfc: 'RFC 7208 §7.1' });
      at += shown.length;
      continue;
    }
    const part = macroPart(match, inExplanation);
    if (typeof part === 'string') mistakes.push({ offset: at, message: part, rfc: 'RFC 7208 §7.2' });
    else macros.push(part);
    at += match[0].length;
  }
  return { macros, mistakes };
}

function macroPart(match: RegExpExecArray, inExplanation: boolean): MacroPart | string {
  const [whole, letterAsGiven = '', digits = '', reverse = '', delimiters = '', character] = match;
  if (character !== undefined) return { kind: 'escape', character: character as '%' | '_' | '-' };
  const letter = letterAsGiven.toLowerCase();
  if (!'slodiphvcrt'.includes(letter)) return `"${whole}": there is no macro letter "${letterAsGiven}"`;
  if (!inExplanation && 'crt'.includes(letter)) return `"${whole}": the letter "${letterAsGiven}" is only for the text of an explanation`;
  // RFC 7208 §7.3: the number must not be zero; 127 is the most labels a name can have, so more is the same as all.
  if (digits !== '' && Number(digits) === 0) return `"${whole}" keeps zero parts`;
  const unique = [...new Set(delimiters)].join('');
  return {
    kind: 'macro',
    letter: letter as MacroLetter,
    urlEscape: letter !== letterAsGiven,
    keep: Math.min(Number(digits), 128),
    reverse: reverse !== '',
    delimiters: unique === '.' ? '' : unique,
  };
}

/** The canonical text. */
export function formatMacros(macros: MacroString): string {
  return macros
    .map((part) => {
      if (part.kind === 'text') return part.text;
      if (part.kind === 'escape') return `%${part.character}`;
      const letter = part.urlEscape ? part.letter.toUpperCase() : part.letter;
      return `%{${letter}${part.keep === 0 ? '' : part.keep}${part.reverse ? 'r' : ''}${part.delimiters}}`;
    })
    .join('');
}

/** The text when there is nothing to expand, else undefined. */
export function plainText(macros: MacroString): string | undefined {
  return macros.every((part) => part.kind === 'text') ? macros.map((part) => part.text).join('') : undefined;
}

export function usesLetter(macros: MacroString, ...letters: readonly MacroLetter[]): boolean {
  return macros.some((part) => part.kind === 'macro' && letters.includes(part.letter));
}

export function expandMacros(macros: MacroString, context: MacroContext): string {
  return macros.map((part) => expandPart(part, context)).join('');
}

function expandPart(part: MacroPart, context: MacroContext): string {
  if (part.kind === 'text') return part.text;
  if (part.kind === 'escape') return { '%': '%', _: ' ', '-': '%20' }[part.character];
  let value = macroValue(part.letter, context);
  if (part.keep > 0 || part.reverse || part.delimiters !== '') {
    // RFC 7208 §7.3: split, reverse, keep the right-hand parts, join with dots whatever the delimiters were.
    const delimiters = part.delimiters === '' ? '.' : part.delimiters;
    let pieces = value.split(new RegExp(`[${delimiters.replace('-', String.raw`\-`)}]`));
    if (part.reverse) pieces.reverse();
    if (part.keep > 0) pieces = pieces.slice(-part.keep);
    value = pieces.join('.');
  }
  return part.urlEscape ? escapeForUrl(value) : value;
}

function macroValue(letter: MacroLetter, context: MacroContext): string {
  const at = context.sender.lastIndexOf('@');
  switch (letter) {
    case 's':
      return context.sender;
    case 'l':
      return context.sender.slice(0, at);
    case 'o':
      return context.sender.slice(at + 1);
    case 'd':
      return context.domain;
    case 'i':
      return dottedIp(context.ip);
    case 'p':
      return context.validatedName;
    case 'h':
      return context.helo;
    case 'v':
      return context.ip.family === 4 ? 'in-addr' : 'ip6';
    case 'c':
      return formatIp(context.ip);
    case 'r':
      return context.receiver;
    case 't':
      return String(context.nowSeconds);
  }
}

/** RFC 7208 §7.3 with RFC 3986 §2.3: everything but the unreserved characters as %XX. */
function escapeForUrl(value: string): string {
  return value.replace(/[^\w.~-]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
