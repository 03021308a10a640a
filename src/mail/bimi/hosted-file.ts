/**
 * Files that this server hosts for BIMI: what they are called, where they are, what type they have. The name is a hash
 * of the octets, so another logo has another URL, and no cache can have a logo under the name of another.
 * Implements: draft-brand-indicators-for-message-identification-12 §4.3 ("l=", "a="), RFC 8555 §9.1 (media type of a
 * chain in PEM).
 * Not here: serving them (policy-host/bimi-files.ts), for how long (files.ts).
 */
import { createHash } from 'node:crypto';
import { formatName, type Name } from '#dns/name.ts';

/** Before the domain: logos have a host of their own (docs/adr/0017-bimi-host.md). */
export const BIMI_HOST_LABEL = 'bimi';

const MEDIA_TYPES = { svg: 'image/svg+xml', pem: 'application/pem-certificate-chain' } as const;

export type HostedFileKind = keyof typeof MEDIA_TYPES;

/** 128 bits: a second file with the name of a first cannot be made. */
const HASH_CHARACTERS = 32;
const FILE = /^[0-9a-f]{32}\.(?:svg|pem)$/;
const FOLDER = '/bimi/';

/** The name of a file with these octets: `<hash>.svg`, `<hash>.pem`. */
export function hostedFileName(octets: Uint8Array, kind: HostedFileKind): string {
  return `${createHash('sha256').update(octets).digest('hex').slice(0, HASH_CHARACTERS)}.${kind}`;
}

export function isHostedFileName(text: string): boolean {
  return FILE.test(text);
}

/** True when the file's name says that it has these octets. */
export function hasItsName(octets: Uint8Array, file: string): boolean {
  return hostedFileName(octets, kindOf(file)) === file;
}

export function mediaTypeOf(file: string): string {
  return MEDIA_TYPES[kindOf(file)];
}

function kindOf(file: string): HostedFileKind {
  return file.endsWith('.svg') ? 'svg' : 'pem';
}

/** The file that a path asks for, compared whole; undefined: none that could be ours. */
export function hostedFileOfPath(path: string): string | undefined {
  const file = path.startsWith(FOLDER) ? path.slice(FOLDER.length) : '';
  return isHostedFileName(file) ? file : undefined;
}

/** True for the URL of a file that a server of this kind hosts for the domain. */
export function isHostedFileUrl(domain: Name, url: string): boolean {
  const file = hostedFileOfPath(URL.parse(url)?.pathname ?? '');
  return file !== undefined && url === hostedFileUrl(domain, file);
}

/** `https://bimi.<domain>/bimi/<hash>.svg`. */
export function hostedFileUrl(domain: Name, file: string): string {
  return `https://${BIMI_HOST_LABEL}.${formatName(domain).replace(/\.$/, '').toLowerCase()}${FOLDER}${file}`;
}
