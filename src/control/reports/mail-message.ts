/**
 * The attachments of a mail message, as far as reports need them: a report is often handed over as the message that
 * brought it.
 * Implements: RFC 5322 §2.2 (headers), RFC 2045 §5–6 (content types, encodings), RFC 2046 §5.1 (multipart), RFC 2183
 * §2.3 (file names).
 * Not here: what an attachment is (report-file.ts).
 */
import { MESSAGE_DEPTH_MAX, MESSAGE_HEADER_BYTES_MAX, MESSAGE_PARTS_MAX } from '#base/limits/reports.ts';

export interface Attachment {
  /** Lower case, without parameters: `application/gzip`. */
  readonly type: string;
  /** As the sender calls it; empty when it does not. */
  readonly name: string;
  readonly octets: Buffer;
}

/** A header field, and one that no other text begins with. */
const FIELD = /^[!-9;-~]+:/;
const MAIL_FIELD = /^(?:from|subject|mime-version|content-type):/im;
/** As mbox files begin each message. */
const MBOX_LINE = /^From [^\n]*\n/;

export function isMessage(octets: Uint8Array): boolean {
  const text = Buffer.from(octets.subarray(0, MESSAGE_HEADER_BYTES_MAX)).toString('latin1').replace(MBOX_LINE, '');
  return FIELD.test(text) && MAIL_FIELD.test(text);
}

/** Every part of the message that holds no further parts; the first MESSAGE_PARTS_MAX of them. */
export function attachmentsOf(octets: Buffer): Attachment[] {
  const found: Attachment[] = [];
  collect(octets.toString('latin1').replace(MBOX_LINE, ''), 0, found);
  return found;
}

/** `source`: header and body, one character for each octet. */
function collect(source: string, depth: number, found: Attachment[]): void {
  if (depth > MESSAGE_DEPTH_MAX || found.length >= MESSAGE_PARTS_MAX) return;
  const end = /\r?\n\r?\n|^\r?\n/.exec(source);
  const fields = fieldsOf(end === null ? source : source.slice(0, end.index));
  const body = end === null ? '' : source.slice(end.index + end[0].length);
  const type = (fields.get('content-type') ?? 'text/plain').split(';')[0]!.trim().toLowerCase();
  const encoding = (fields.get('content-transfer-encoding') ?? '').trim().toLowerCase();
  const boundary = parameterOf(fields.get('content-type'), 'boundary');
  if (type.startsWith('multipart/') && boundary !== undefined)
    return partsOf(body, boundary).forEach((part) => collect(part, depth + 1, found));
  if (type === 'message/rfc822') return collect(decoded(body, encoding).toString('latin1'), depth + 1, found);
  const name = parameterOf(fields.get('content-disposition'), 'filename') ?? parameterOf(fields.get('content-type'), 'name') ?? '';
  found.push({ type, name, octets: decoded(body, encoding) });
}

/** By name in lower case; of several the first. Folded lines are one (RFC 5322 §2.2.3). */
function fieldsOf(header: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of header.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon > 0 && !fields.has(name)) fields.set(name, line.slice(colon + 1));
  }
  return fields;
}

/** `boundary="a b"` or `boundary=ab` (RFC 2045 §5.1). */
function parameterOf(field: string | undefined, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}\\*?\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;]+))`, 'i').exec(field ?? '');
  return match === null ? undefined : (match[1]?.replaceAll(/\\(.)/g, '$1') ?? match[2]);
}

/**
 * RFC 2046 §5.1.1: between lines that begin with the boundary; what stands before the first and behind the last is for
 * people.
 */
function partsOf(body: string, boundary: string): string[] {
  const parts: string[] = [];
  let start: number | undefined;
  const delimiter = `--${boundary}`;
  for (let at = body.indexOf(delimiter); at !== -1; at = body.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && body[at - 1] !== '\n') continue;
    const isLast = body.startsWith('--', at + delimiter.length);
    const lineEnd = body.indexOf('\n', at);
    const rest = body.slice(at + delimiter.length, lineEnd === -1 ? undefined : lineEnd);
    // A longer boundary begins with this one.
    if (!isLast && !/^[ \t\r]*$/.test(rest)) continue;
    if (start !== undefined) parts.push(body.slice(start, at).replace(/\r?\n$/, ''));
    start = lineEnd === -1 ? undefined : lineEnd + 1;
    if (isLast || parts.length >= MESSAGE_PARTS_MAX) return parts;
  }
  // A message that was cut off.
  if (start !== undefined) parts.push(body.slice(start));
  return parts;
}

function decoded(body: string, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(body, 'base64');
  if (encoding !== 'quoted-printable') return Buffer.from(body, 'latin1');
  const text = body
    // RFC 2045 §6.7: what stands before the soft line break is text, blanks too.
    .replaceAll(/=[ \t]*\r?\n/g, '')
    .replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(text, 'latin1');
}
