/** Mark certificates (VMC) of a mark CA that no receiver knows, for tests: every part can be made wrong. */
import { type KeyObject, createHash, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  type Der,
  bitString,
  explicit,
  implicit,
  integer,
  isTrue,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from '#certificate/der.ts';

const DAY_MS = 86_400_000;

export const LOGO = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 96 96">\n' +
    '<title>Example</title><rect width="96" height="96" fill="#036"/></svg>\n',
);

export interface MarkOptions {
  readonly names?: readonly string[];
  /** In the certificate; as a "data:" URL of gzip unless `uri` says otherwise. */
  readonly logo?: Uint8Array;
  readonly uri?: string;
  /** Of the logo; its SHA-256 unless given. */
  readonly hash?: { readonly oid: string; readonly value: Uint8Array };
  readonly usage?: string;
  readonly isWithoutLogo?: boolean;
  readonly isCa?: boolean;
  readonly fromMs?: number;
  readonly toMs?: number;
}

export interface MarkCa {
  readonly pem: string;
  /** A mark certificate; `chain` has that of the CA behind it. */
  issue(options?: MarkOptions): { readonly pem: string; readonly chain: string; readonly key: string };
}

export function toCertificatePem(der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** `nowMs`: certificates are valid from a day before it for a year unless they say otherwise. */
export function markCa(nowMs: number): MarkCa {
  const ca = newKey();
  const root = certificate('Throwaway Mark CA', 'Throwaway Mark CA', ca, ca, [], {
    isCa: true,
    fromMs: nowMs - DAY_MS,
    toMs: nowMs + 900 * DAY_MS,
  });
  const pem = toCertificatePem(root);
  return {
    pem,
    issue(options = {}) {
      const key = newKey();
      const dates = { fromMs: nowMs - DAY_MS, toMs: nowMs + 365 * DAY_MS };
      const { usage = '1.3.6.1.5.5.7.3.31', names = ['example.com'], isWithoutLogo = false } = options;
      const extensions = [
        extension('2.5.29.37', sequence(objectIdentifier(usage))),
        extension('2.5.29.17', sequence(...names.map((name) => implicit(2, Buffer.from(name))))),
        ...(isWithoutLogo ? [] : [extension('1.3.6.1.5.5.7.1.12', logotype(options))]),
      ];
      const own = toCertificatePem(certificate('Example Brand', 'Throwaway Mark CA', key, ca, extensions, { ...dates, ...options }));
      return { pem: own, chain: `${own}${pem}`, key: key.export({ type: 'pkcs8', format: 'pem' }) };
    },
  };
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function ia5String(text: string): Der {
  const { length } = text;
  const octets = length < 0x80 ? [length] : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from([0x16, ...octets]), Buffer.from(text, 'latin1')]);
}

/** RFC 3709 §4.1: the logo of the subject, directly addressed; RFC 6170 §4: in a "data:" URL. */
function logotype({ logo = LOGO, uri, hash }: MarkOptions): Der {
  const { oid, value } = hash ?? { oid: '2.16.840.1.101.3.4.2.1', value: createHash('sha256').update(logo).digest() };
  const hashes = sequence(sequence(sequence(objectIdentifier(oid)), octetString(value)));
  const at = uri ?? `data:image/svg+xml;base64,${gzipSync(logo).toString('base64')}`;
  const details = sequence(ia5String('image/svg+xml'), hashes, sequence(ia5String(at)));
  const data = Buffer.concat([sequence(sequence(details))]);
  // subjectLogo [2] EXPLICIT, direct [0] IMPLICIT LogotypeData.
  return sequence(explicit(2, explicit(0, data)));
}

function extension(oid: string, value: Der, isCritical = false): Der {
  return sequence(objectIdentifier(oid), ...(isCritical ? [isTrue()] : []), octetString(value));
}

function certificate(
  subject: string,
  issuer: string,
  key: KeyObject,
  signer: KeyObject,
  extensions: readonly Der[],
  { isCa = false, fromMs = 0, toMs = 0 }: MarkOptions,
): Der {
  const name = (text: string) => sequence(setOf(sequence(objectIdentifier('2.5.4.3'), utf8String(text))));
  const algorithm = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const constraints = extension('2.5.29.19', isCa ? sequence(isTrue()) : sequence(), true);
  const toBeSigned = sequence(
    explicit(0, integer(new Uint8Array([2]))),
    integer(serial),
    algorithm,
    name(issuer),
    sequence(time(fromMs), time(toMs)),
    name(subject),
    new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' })),
    explicit(3, sequence(constraints, ...extensions)),
  );
  return sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, signer)));
}
