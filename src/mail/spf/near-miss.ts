/**
 * Texts that are meant as an SPF record, and that no receiver takes for one: why, for their author.
 * Implements: RFC 7208 §4.5 (a record begins with `v=spf1` and a blank, or is that), §3.3 (strings are joined as they are).
 * Not here: records that receivers take and cannot read (parse.ts).
 */
import { isUtf8 } from 'node:buffer';
import { TEXT_SHOWN_CHARACTERS_MAX } from '#base/limits/mail.ts';
import { isSpfText } from './spf.ts';

const VERSION = /(?:^|[^a-z0-9_.-])v\s*=\s*spf1(?![a-z0-9])/i;
/** Terms right behind the version, as when strings are cut between the two. */
const JOINED = /^v=spf1(?=[+?~-]?(?:all|a|mx|ptr)(?:[\s:/-]|$)|[+?~-]?(?:include|exists|ip4|ip6):|redirect=)/i;
/** A version in other words, before something that only SPF has. */
const GARBLED = /^["'\s]*(?:v\s*=?\s*)?spf\s*v?\s*1\s*[\s;:,].*(?:[+?~-]all|include:|ip[46]:|\bmx\b)/i;

/** Why `text` is no SPF record though it is meant as one; undefined: it is one, or nothing of the kind. */
export function whyNoSpf(text: string): string | undefined {
  if (isSpfText(text)) return undefined;
  if (JOINED.test(text)) return 'no blank follows v=spf1; strings of one record are joined without any';
  if (VERSION.test(text)) {
    const bare = text.replace(/^[\s"'\\]+/, '');
    if (VERSION.exec(bare)?.index !== 0) return 'something stands before v=';
    return bare === text ? 'its beginning is not right' : 'blanks or quotes stand before v=';
  }
  return GARBLED.test(text) ? 'its version is not v=spf1' : undefined;
}

/** The text, whose characters are octets, as it is shown to people: quoted, and of a long one the beginning. */
export function shownText(octets: string): string {
  const read = Buffer.from(octets, 'latin1');
  const text = isUtf8(read) ? read.toString('utf8') : octets;
  return JSON.stringify(text.length > TEXT_SHOWN_CHARACTERS_MAX ? `${text.slice(0, TEXT_SHOWN_CHARACTERS_MAX)}…` : text);
}

/** `"v=spf1; mx" is meant as one, and is none: …` of the first such text. */
export function nearSpf(texts: readonly string[]): string | undefined {
  const text = texts.find((each) => whyNoSpf(each) !== undefined);
  return text === undefined ? undefined : `${shownText(text)} is meant as one, and is none: ${whyNoSpf(text)!}`;
}
