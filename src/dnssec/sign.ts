/**
 * RRSIG: what is signed, for how long, and the record that comes out.
 * Implements: RFC 4034 §3.1 (RDATA), §3.1.3 (labels), §3.1.8.1 (signed data), §6.2–6.3 (canonical form).
 * Not here: which RRsets are signed (plan.ts), checking signatures (verify.ts).
 */
import { assert } from '#base/assert.ts';
import { DAY_SECONDS } from '#base/units.ts';
import { type Name, type OwnerKey, isWildcard, labelCount, lowerOctet, nameLengthAt } from '#dns/name.ts';
import { canonicalRdata } from '#dns/registry.ts';
import { type Rrset } from '#dns/rrset.ts';
import { CLASS, type RrType } from '#dns/types.ts';
import { type SigningKey } from './key.ts';

/** How long signatures live. */
export interface SignaturePolicy {
  /** From signing to the latest expiration. */
  readonly validitySeconds: number;
  /** Inception lies this long before signing: validators' clocks may be slow. */
  readonly backdateSeconds: number;
  /** Expirations are pulled earlier by 0…this, by a hash of the owner, so that refreshing a zone does not come all at once. */
  readonly spreadSeconds: number;
  /** A signature with less than this left is made anew. */
  readonly refreshSeconds: number;
}

/** 12–14 days of life, renewed with 7 days left: a control process may be dead for a week before anything goes bogus. */
export const SIGNATURE_POLICY: SignaturePolicy = {
  validitySeconds: 14 * DAY_SECONDS,
  backdateSeconds: 3600,
  spreadSeconds: 2 * DAY_SECONDS,
  refreshSeconds: 7 * DAY_SECONDS,
};

/** The times of a key policy that are about signatures; absent: those of SIGNATURE_POLICY. */
export interface SignatureTimesOfPolicy {
  readonly signatureValiditySeconds?: number;
  readonly signatureRefreshSeconds?: number;
  readonly signatureJitterSeconds?: number;
  readonly inceptionOffsetSeconds?: number;
}

/** How long signatures of a zone with this policy live. */
export function signaturePolicyOf(policy: SignatureTimesOfPolicy): SignaturePolicy {
  const { signatureValiditySeconds, signatureRefreshSeconds, signatureJitterSeconds, inceptionOffsetSeconds } = policy;
  return {
    validitySeconds: signatureValiditySeconds ?? SIGNATURE_POLICY.validitySeconds,
    refreshSeconds: signatureRefreshSeconds ?? SIGNATURE_POLICY.refreshSeconds,
    spreadSeconds: signatureJitterSeconds ?? SIGNATURE_POLICY.spreadSeconds,
    backdateSeconds: inceptionOffsetSeconds ?? SIGNATURE_POLICY.backdateSeconds,
  };
}

/** Seconds since 1970 modulo 2³² (RFC 4034 §3.1.5). */
export interface SignatureTimes {
  readonly inception: number;
  readonly expiration: number;
}

/**
 * When signatures at one owner, made now, begin and end. Depends on nothing else, so that signing again now gives the
 * same. `latestSeconds`: it may be as late as this.
 */
export function signatureTimes(
  ownerKey: OwnerKey,
  nowSeconds: number,
  policy: SignaturePolicy = SIGNATURE_POLICY,
  latestSeconds = nowSeconds,
): SignatureTimes {
  const early = hashOf(ownerKey) % (policy.spreadSeconds + 1);
  const inception = (nowSeconds - policy.backdateSeconds) >>> 0;
  return { inception, expiration: (latestSeconds + policy.validitySeconds - early) >>> 0 };
}

/** 32-bit FNV-1a: cheap, and even enough to spread work. */
function hashOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  return hash >>> 0;
}

/** True when the signature has to be made anew: little time is left, or it is not valid yet as the clock was set back. */
export function needsRefresh(
  rrsig: Uint8Array,
  nowSeconds: number,
  policy: SignaturePolicy = SIGNATURE_POLICY,
  latestSeconds = nowSeconds,
): boolean {
  const { expiration, inception } = rrsigFields(rrsig);
  const isEnding = secondsBetween(latestSeconds, expiration) < policy.refreshSeconds;
  return isEnding || secondsBetween(inception, nowSeconds) < 0;
}

/** `later - earlier` on the circle of RRSIG times: negative when `later` is in truth the earlier (RFC 4034 §3.1.5, RFC 1982). */
export function secondsBetween(earlier: number, later: number): number {
  return (later - earlier) | 0;
}

/** RFC 4034 §3.1: the one field, of many signatures. */
export function expirationOf(rrsig: Uint8Array): number {
  return new DataView(rrsig.buffer, rrsig.byteOffset).getUint32(8);
}

export interface RrsigFields {
  readonly typeCovered: RrType;
  readonly algorithm: number;
  /** Labels of the signed owner, root and a leading `*` not counted (RFC 4034 §3.1.3). */
  readonly labels: number;
  readonly originalTtl: number;
  readonly expiration: number;
  readonly inception: number;
  readonly keyTag: number;
  readonly signer: Name;
  readonly signature: Uint8Array;
}

/** Octets of RRSIG RDATA before the signer's name. */
const FIXED_BYTES = 18;

/** The parts of RRSIG RDATA. Asserts that it is well formed: malformed RDATA never reaches the store. */
export function rrsigFields(rdata: Uint8Array): RrsigFields {
  const length = rdata.length > FIXED_BYTES ? nameLengthAt(rdata, FIXED_BYTES) : 0;
  assert(length > 0, 'malformed RRSIG RDATA');
  const view = new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength);
  return {
    typeCovered: view.getUint16(0),
    algorithm: rdata[2]!,
    labels: rdata[3]!,
    originalTtl: view.getUint32(4),
    expiration: view.getUint32(8),
    inception: view.getUint32(12),
    keyTag: view.getUint16(16),
    signer: rdata.subarray(FIXED_BYTES, FIXED_BYTES + length),
    signature: rdata.subarray(FIXED_BYTES + length),
  };
}

/** Octets of RRSIG RDATA before the signature, for a zone with this apex. The data to sign begins with them. */
export function rrsigHeadBytes(apex: Name): number {
  return FIXED_BYTES + apex.length;
}

/** Gives fresh octets, all zero; for many small pieces it may cut them from larger ones. */
export type Allocate = (length: number) => Uint8Array;

const allocateOne: Allocate = (length) => new Uint8Array(length);

/** The octets a key signs for an RRset: RRSIG RDATA without the signature, then the records in canonical form (RFC 4034 §3.1.8.1). */
export function dataToSign(
  rrset: Rrset,
  apex: Name,
  key: Pick<SigningKey, 'algorithm' | 'keyTag'>,
  times: SignatureTimes,
  allocate: Allocate = allocateOne,
): Uint8Array {
  const head = rrsigHeadBytes(apex);
  const rdatas = rrset.rdatas.map((rdata) => canonicalRdata(rrset.type, rdata));
  const data = allocate(recordsBytes(rrset.owner, rdatas) + head);
  writeU16(data, 0, rrset.type);
  data[2] = key.algorithm;
  data[3] = labelCount(rrset.owner) - (isWildcard(rrset.owner) ? 1 : 0);
  writeU32(data, 4, rrset.ttl);
  writeU32(data, 8, times.expiration);
  writeU32(data, 12, times.inception);
  writeU16(data, 16, key.keyTag);
  // RFC 6840 §5.1 keeps the signer's name in the list of names that are lower-cased, whatever was sent.
  writeLowerName(data, FIXED_BYTES, apex);
  writeRecords(data, head, rrset.type, rrset.ttl, rrset.owner, rdatas);
  return data;
}

/** The octets that an RRSIG over `rrset` signed, as a validator rebuilds them (RFC 4035 §5.3.2, wildcard expansion included). */
export function signedData(rrset: Rrset, rrsig: Uint8Array): Uint8Array {
  const { labels, originalTtl, signer } = rrsigFields(rrsig);
  const head = rrsigHeadBytes(signer);
  const owner = signedOwner(rrset.owner, labels);
  const rdatas = rrset.rdatas.map((rdata) => canonicalRdata(rrset.type, rdata));
  const data = new Uint8Array(recordsBytes(owner, rdatas) + head);
  data.set(rrsig.subarray(0, head));
  writeLowerName(data, FIXED_BYTES, signer);
  writeRecords(data, head, rrset.type, originalTtl, owner, rdatas);
  return data;
}

/** The name that was signed: `*.` and the last `labels` labels when the owner has more (it came out of a wildcard). */
function signedOwner(owner: Name, labels: number): Name {
  const surplus = labelCount(owner) - (isWildcard(owner) ? 1 : 0) - labels;
  if (surplus <= 0) return owner;
  let at = 0;
  for (let left = labelCount(owner) - labels; left > 0; left--) at += owner[at]! + 1;
  return Uint8Array.of(1, 0x2a, ...owner.subarray(at));
}

/** Octets of type, class, TTL and RDLENGTH between a record's owner and its RDATA. */
const RECORD_BYTES = 10;

function recordsBytes(owner: Name, rdatas: readonly Uint8Array[]): number {
  let sum = 0;
  for (const rdata of rdatas) sum += owner.length + RECORD_BYTES + rdata.length;
  return sum;
}

function writeRecords(data: Uint8Array, start: number, type: RrType, ttl: number, owner: Name, rdatas: readonly Uint8Array[]): void {
  let at = start;
  for (const rdata of rdatas) {
    writeLowerName(data, at, owner);
    at += owner.length;
    writeU16(data, at, type);
    writeU16(data, at + 2, CLASS.IN);
    writeU32(data, at + 4, ttl);
    writeU16(data, at + 8, rdata.length);
    data.set(rdata, at + RECORD_BYTES);
    at += RECORD_BYTES + rdata.length;
  }
}

// A DataView for each piece would cost more than the pieces: an import signs hundreds of thousands.
function writeU16(data: Uint8Array, at: number, value: number): void {
  data[at] = value >>> 8;
  data[at + 1] = value;
}

function writeU32(data: Uint8Array, at: number, value: number): void {
  writeU16(data, at, value >>> 16);
  writeU16(data, at + 2, value);
}

function writeLowerName(data: Uint8Array, at: number, name: Name): void {
  for (let octet = 0; octet < name.length; octet++) data[at + octet] = lowerOctet(name[octet]!);
}

/** RRSIG RDATA from the data that was signed and its signature. */
export function rrsigRdata(data: Uint8Array, headBytes: number, signature: Uint8Array, allocate: Allocate = allocateOne): Uint8Array {
  const rdata = allocate(headBytes + signature.length);
  rdata.set(data.subarray(0, headBytes));
  rdata.set(signature, headBytes);
  return rdata;
}

/** RRSIG RDATA over `rrset` by `key`. */
export function signRrset(rrset: Rrset, apex: Name, key: SigningKey, times: SignatureTimes): Uint8Array {
  const data = dataToSign(rrset, apex, key, times);
  return rrsigRdata(data, rrsigHeadBytes(apex), key.sign(data));
}
