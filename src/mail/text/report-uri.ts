/**
 * URIs to which reports are sent: `mailto:` and `https:` as they stand in DMARC and TLS-RPT records.
 * Implements: RFC 9989 §4.6 and §4.8, RFC 8460 §3 (`,` `;` `!` are percent-encoded), RFC 6068 §2 (mailto), RFC 3986 §2.
 * Not here: whether a host agreed to take the reports (mail/dmarc/consent-record.ts).
 */

/** A report URI taken apart. */
export interface ReportUri {
  /** As it stands in the record. */
  readonly uri: string;
  /** Lower case, without colon. */
  readonly scheme: string;
  /** The host that gets the reports, lower case; undefined for schemes that we do not know. */
  readonly host?: string;
  /** The mailbox of a `mailto:` URI, decoded. */
  readonly mailbox?: string;
}

const URI = /^([A-Za-z][A-Za-z0-9+.-]*):(?:[A-Za-z0-9._~:/?#[\]@$&'()*+=-]|%[0-9A-Fa-f]{2})+$/;
// The last label begins with a letter: otherwise it is read as an address in URLs (0x7f, 127.1), and no such domain is there (RFC 3696 §2).
const HOST = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** True for a host name of two labels or more, letters, digits and hyphens, lower case, no final dot. */
export function isHostName(text: string): boolean {
  return HOST.test(text);
}

/** The URI taken apart, or what is wrong with it. */
export function readReportUri(uri: string): ReportUri | { readonly wrong: string } {
  const scheme = URI.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (/^[^:@\s]+@[^:@\s]+$/.test(uri)) return { wrong: `is a mailbox, not a URI: write mailto:${uri}` };
    return { wrong: `${JSON.stringify(uri)} is not a URI (commas, semicolons and exclamation marks in it are percent-encoded)` };
  }
  if (scheme === 'mailto') return readMailto(uri);
  if (scheme !== 'https') return { uri, scheme };
  const url = URL.parse(uri);
  if (url === null || url.username !== '' || url.password !== '' || !isHostName(url.hostname))
    return { wrong: `${JSON.stringify(uri)} is not an https: URL of a host by name` };
  return { uri, scheme, host: url.hostname };
}

function readMailto(uri: string): ReportUri | { readonly wrong: string } {
  const mailbox = decode(uri.slice('mailto:'.length).replace(/\?.*$/, ''));
  const at = mailbox?.lastIndexOf('@') ?? -1;
  const host = mailbox?.slice(at + 1).toLowerCase();
  // RFC 5321 §4.5.3.1.1: 64 octets of local part.
  if (mailbox === undefined || at < 1 || at > 64 || /[\0-\x20\x7f]/.test(mailbox) || !isHostName(host!))
    return { wrong: `${JSON.stringify(uri)} does not name a mailbox at a host` };
  return { uri, scheme: 'mailto', host: host!, mailbox };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The `mailto:` URI of a mailbox, everything encoded that a record or a URI gives a meaning. */
export function mailtoUri(mailbox: string): string {
  return `mailto:${encodeURIComponent(mailbox)
    .replaceAll('%40', '@')
    .replaceAll('%2B', '+')
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)}`;
}
