/**
 * The requests that mail servers send: one GET or HEAD of HTTP/1.1 without a body, whole in one read, of which nothing
 * can be read in two ways. Whatever is not of this form is not judged here but left to Node's parser, from its first
 * octet on (http1.ts): reading less is safe, reading otherwise is not.
 * Implements: the part of RFC 9112 §3 and §5 that is needed for that; RFC 9110 §5.6.2 (token).
 */
import { HTTPS_HEADER_BYTES_MAX, HTTPS_HEADER_LINES_MAX } from '#base/limits/https.ts';

export interface PlainRequest {
  readonly method: 'GET' | 'HEAD';
  readonly target: string;
  /** Of the one Host that there is. */
  readonly host: string;
  /** The client said `Connection: close`. */
  readonly closes: boolean;
}

/** What says that there is a body, another protocol, something to wait for, or a condition. */
const NOT_PLAIN: ReadonlySet<string> = new Set([
  ...['content-length', 'transfer-encoding', 'expect', 'upgrade', 'http2-settings', 'te', 'trailer'],
  ...['proxy-connection', 'keep-alive', 'if-none-match'],
]);
const VERSION = ' HTTP/1.1\r\n';
const GET = 'GET ';
const HEAD = 'HEAD ';

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const TILDE = 126;

/** RFC 9110 §5.6.2, by octet. */
const IS_TOKEN = new Uint8Array(256);
const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
for (const each of TOKEN) IS_TOKEN[each.charCodeAt(0)] = 1;

/** Undefined: it is no plain request, or not all of one, or more than one. */
export function readPlainRequest(octets: Buffer): PlainRequest | undefined {
  // The parser counts the octets too; where it would draw the line is left to it.
  if (octets.length > HTTPS_HEADER_BYTES_MAX / 2) return undefined;
  const method = startsWith(octets, 0, GET) ? 'GET' : startsWith(octets, 0, HEAD) ? 'HEAD' : undefined;
  if (method === undefined) return undefined;
  const from = method.length + 1;
  let at = from;
  while (at < octets.length && octets[at]! > SPACE && octets[at]! <= TILDE) at += 1;
  if (at === from || !startsWith(octets, at, VERSION)) return undefined;
  const target = octets.toString('latin1', from, at);
  at += VERSION.length;
  let host: string | undefined;
  let option: string | undefined;
  for (let lines = 0; ; lines++) {
    if (octets[at] === CR) {
      const isWhole = octets[at + 1] === LF && at + 2 === octets.length;
      return isWhole && host !== undefined ? { method, target, host, closes: option === 'close' } : undefined;
    }
    const colon = endOfToken(octets, at);
    const end = endOfValue(octets, colon + 1);
    if (lines === HTTPS_HEADER_LINES_MAX || colon === at || octets[colon] !== COLON) return undefined;
    if (octets[end] !== CR || octets[end + 1] !== LF) return undefined;
    const name = octets.toString('latin1', at, colon).toLowerCase();
    if (NOT_PLAIN.has(name)) return undefined;
    if (name === 'host') {
      if (host !== undefined) return undefined;
      host = valueIn(octets, colon + 1, end);
    } else if (name === 'connection') {
      if (option !== undefined) return undefined;
      option = valueIn(octets, colon + 1, end).toLowerCase();
      if (option !== 'close' && option !== 'keep-alive') return undefined;
    }
    at = end + 2;
  }
}

function startsWith(octets: Buffer, at: number, text: string): boolean {
  for (let each = 0; each < text.length; each++) if (octets[at + each] !== text.charCodeAt(each)) return false;
  return true;
}

function endOfToken(octets: Buffer, from: number): number {
  let at = from;
  while (IS_TOKEN[octets[at]!] === 1) at += 1;
  return at;
}

/** Visible characters of ASCII, blanks and tabs. */
function endOfValue(octets: Buffer, from: number): number {
  let at = from;
  while ((octets[at]! >= SPACE && octets[at]! <= TILDE) || octets[at] === TAB) at += 1;
  return at;
}

/** RFC 9112 §5.1: without the blanks around it. */
function valueIn(octets: Buffer, from: number, to: number): string {
  const isBlank = (at: number): boolean => octets[at] === SPACE || octets[at] === TAB;
  let [first, end] = [from, to];
  while (first < end && isBlank(first)) first += 1;
  while (end > first && isBlank(end - 1)) end -= 1;
  return octets.toString('latin1', first, end);
}
