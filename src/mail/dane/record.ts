/**
 * TLSA records for mail hosts: made from certificates and keys, checked.
 * Implements: RFC 6698 §2.1, §3; RFC 7671 §5; RFC 7672 §3.1 (which usages senders of mail take).
 * Not here: DER and PEM (certificate.ts), which certificate of a handshake a record matches (match.ts), the order of a
 * roll-over.
 */
import { createHash } from 'node:crypto';
import { concatBytes, equalBytes, toHex } from '#base/bytes.ts';
import { WHOLE, atField } from '#base/place.ts';
import { type Problem, type Result, fail, problem, warning } from '#base/problem.ts';
import { type Name, parseName, ROOT } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { TYPE } from '#dns/types.ts';
import { type KeyMaterial, readKeyMaterial, spkiOf, type TlsaInput } from './certificate.ts';
import { resultOf } from '#mail/text/tag-list.ts';

export interface TlsaRecord {
  /** 3 DANE-EE: this very certificate or key. 2 DANE-TA: one that signs. 0 and 1 are of no use for mail. */
  readonly usage: number;
  /** 0 the whole certificate, 1 its public key (SubjectPublicKeyInfo). */
  readonly selector: number;
  /** 0 the octets themselves, 1 SHA-256, 2 SHA-512. */
  readonly matching: number;
  /** The octets or their digest. */
  readonly data: Uint8Array;
}

const DIGESTS: Readonly<Record<number, { readonly name: string; readonly bytes: number }>> = {
  1: { name: 'sha256', bytes: 32 },
  2: { name: 'sha512', bytes: 64 },
};

/** Parameters of a record to be made; 3 1 1 when not given (RFC 7672 §3.1.1). */
export interface TlsaParameters {
  readonly usage?: number;
  readonly selector?: number;
  readonly matching?: number;
}

/** The record for a certificate or key. With usage 2 and a chain of certificates, it is for the last one: the issuer nearest to the root. */
export function tlsaFor(input: TlsaInput, { usage = 3, selector = 1, matching = 1 }: TlsaParameters = {}): Result<TlsaRecord> {
  const read = readKeyMaterial(input, usage === 2 ? 'last' : 'first');
  if (!read.ok) return read;
  const octets = selectOctets(read.value, selector);
  if (octets === undefined)
    return fail(
      problem('DANE_SELECTOR', WHOLE, 'selector 0 wants a certificate, and only a public key is given', {
        rfc: 'RFC 6698 §2.1.2',
        fix: 'use selector 1',
      }),
    );
  const record = { usage, selector, matching, data: matchOctets(octets, matching) ?? octets };
  return resultOf(checkTlsa(record), () => record);
}

function selectOctets(material: KeyMaterial, selector: number): Uint8Array | undefined {
  return selector === 0 ? material.certificate : material.spki;
}

function matchOctets(octets: Uint8Array, matching: number): Uint8Array | undefined {
  if (matching === 0) return octets;
  const digest = DIGESTS[matching];
  return digest === undefined ? undefined : new Uint8Array(createHash(digest.name).update(octets).digest());
}

/** What is wrong with the record at a mail host; errors where no sender can use it. */
export function checkTlsa({ usage, selector, matching, data }: TlsaRecord): Problem[] {
  const problems: Problem[] = [];
  if (usage !== 3 && usage !== 2)
    problems.push(
      problem('DANE_USAGE', atField('usage'), `${usage} cannot be used for mail; it still makes senders require TLS`, {
        rfc: 'RFC 7672 §3.1.3',
        fix: 'use 3 1 1',
      }),
    );
  if (selector > 1) problems.push(problem('DANE_SELECTOR', atField('selector'), `${selector} is unknown`, { rfc: 'RFC 6698 §2.1.2' }));
  const digest = DIGESTS[matching];
  if (digest !== undefined && equalBytes(data, createHash(digest.name).digest()))
    problems.push(
      problem('DANE_DIGEST', atField('data'), 'is the digest of nothing: the certificate or key was empty when it was made', {
        rfc: 'RFC 6698 §2.1.4',
        fix: 'make it from the certificate: waxseal tlsa next',
      }),
    );
  if (matching > 2) problems.push(problem('DANE_MATCHING', atField('matching type'), `${matching} is unknown`, { rfc: 'RFC 6698 §2.1.3' }));
  if (matching === 2)
    problems.push(
      warning('DANE_MATCHING', atField('matching type'), 'SHA-512 is not supported by every sender', {
        rfc: 'RFC 6698 §6',
        fix: 'use SHA-256',
      }),
    );
  if (digest !== undefined && data.length !== digest.bytes)
    problems.push(
      problem('DANE_DIGEST', atField('data'), `has ${data.length} octets; a ${digest.name} digest has ${digest.bytes}`, {
        rfc: 'RFC 6698 §2.1.3',
      }),
    );
  if (data.length === 0) problems.push(problem('DANE_DIGEST', atField('data'), 'is empty', { rfc: 'RFC 6698 §2.1.4' }));
  // RFC 7671 §10.1: whole certificates make large answers.
  if (matching === 0)
    problems.push(
      warning('DANE_MATCHING', atField('matching type'), 'whole certificates and keys make large answers', {
        rfc: 'RFC 7671 §10.1',
        fix: 'use SHA-256',
      }),
    );
  if (usage === 3 && selector === 0)
    problems.push(
      warning(
        'DANE_WHOLE_CERTIFICATE',
        atField('selector'),
        'pins the whole certificate: it must change with each renewal, even when the key stays',
        { rfc: 'RFC 7671 §5.1', fix: 'use 3 1 1' },
      ),
    );
  return problems;
}

/** Reads `3 1 1 <hex>` (presentation form, RFC 6698 §2.2) and checks it. */
export function parseTlsa(text: string): Result<TlsaRecord> {
  const rdata = parseRecordData(TYPE.TLSA, text, ROOT);
  if (!rdata.ok) return rdata;
  const record = readTlsa(rdata.value);
  return resultOf(checkTlsa(record), () => record);
}

/** The canonical presentation form. */
export function formatTlsa({ usage, selector, matching, data }: TlsaRecord): string {
  return `${usage} ${selector} ${matching} ${toHex(data)}`;
}

/** RDATA in wire form (RFC 6698 §2.1). */
export function tlsaRdata({ usage, selector, matching, data }: TlsaRecord): Uint8Array {
  return concatBytes(new Uint8Array([usage, selector, matching]), data);
}

/** The record in well-formed RDATA; `checkTlsa` judges it. */
export function readTlsa(rdata: Uint8Array): TlsaRecord {
  return { usage: rdata[0]!, selector: rdata[1]!, matching: rdata[2]!, data: rdata.slice(3) };
}

/** True when the record's data is of this DER certificate or its key; the usage says which ones count (match.ts). */
export function isDataOf({ selector, matching, data }: TlsaRecord, certificate: Uint8Array): boolean {
  const spki = spkiOf(certificate);
  if (spki === undefined || selector > 1) return false;
  const octets = matchOctets(selector === 0 ? certificate : spki, matching);
  return octets !== undefined && equalBytes(octets, data);
}

/** The port that senders of mail know (RFC 7672 §2.2.3). */
export const SMTP_PORT = 25;

/** `_25._tcp.<host>` (RFC 7672 §2.2.3). */
export function tlsaOwner(host: Name, port = SMTP_PORT): Result<Name> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return fail(problem('DANE_OWNER', WHOLE, `${port} is not a port`, { rfc: 'RFC 6698 §3' }));
  return parseName(`_${port}._tcp`, host);
}
