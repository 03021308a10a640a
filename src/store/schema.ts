/**
 * What the store holds and how it is laid out: databases, keys, values, the format's version.
 *
 *   database   key                                        value
 *   meta       name                                       JSON, see META
 *   zones      zone id                                    ZoneRecord, JSON
 *   nodes      content id ‖ owner key (latin1)            node (node-codec.ts) ‖ u32 CRC-32 of key and node
 *   journal    zone id ‖ generation; zone id ‖ 0          changeset (journal.ts); its totals, JSON
 *   audit      sequence                                   SHA-256 ‖ JSON (audit/entries.ts)
 *   secrets    zone id ‖ id                               sealed octets (seal.ts); zone id 0 belongs to no zone
 *   tokens     id                                         TokenRecord, JSON
 *   recent     generation                                 zones changed in it, and which nodes if they are few, JSON (recent.ts)
 *   documents  zone id ‖ kind ‖ 0 ‖ id                    what is kept beside the records, with when it is due, JSON (due/)
 *   due        time in ms (u64) ‖ key in documents        one octet 0: the documents that are due, soonest first
 *   events     id                                         what happened, JSON (events.ts); made when it is missing
 *   hashed     zone id ‖ key of the hashed owner name     the node of an NSEC3 RRset, as in nodes; made when it is missing
 *
 * Zone ids are u32, generations and sequences u64, all big-endian, so that memcmp order is numeric order. An owner key ends each label
 * in 0x00, so a name and all below it are one range of keys, and the key before is the NSEC predecessor (docs/adr/0001-node-per-owner.md).
 * Not here: opening the databases (store.ts).
 */
import { crc32 } from 'node:zlib';

import { assert } from '#base/assert.ts';
import { KEY_TEXT_CHARACTERS_MAX } from '#base/limits/store.ts';
import { type OwnerKey } from '#dns/name.ts';
import { type AlgorithmNumber, isAlgorithmNumber } from '#dnssec/algorithm-form.ts';
import type { KeyFlags } from '#dnssec/key.ts';
import { type KeyPolicy, isKeyPolicy } from '#dnssec/key-policy.ts';
import { type KeyRole, type KeyStage, isKeyRole, isKeyStage } from '#dnssec/key-stage.ts';

import { ZONEMD_HASHES, type ZonemdHash } from '#zone/zonemd.ts';

import { hasFields, isArrayOf, isString } from './json.ts';

/** Newest version of everything above that is read. A store has 2 once names stand under a `contentId`, which 1 lacks. */
export const STORE_FORMAT = 2;

/** Names of the databases; all exist from the store's first transaction on, but LATER_DATABASES in a store that is older. */
export type DatabaseName =
  | 'meta'
  | 'zones'
  | 'nodes'
  | 'journal'
  | 'audit'
  | 'secrets'
  | 'tokens'
  | 'recent'
  | 'documents'
  | 'due'
  | 'events'
  | 'hashed';

/** Those that a store lacks that is older than they: it lacks nothing that it had. */
export const LATER_DATABASES: readonly DatabaseName[] = ['events', 'hashed'];

/** Keys in `meta`. */
export const META = {
  /** FormatMark. Written last when a store is made: a store without it does not exist yet. */
  FORMAT: 'format',
  /** Number of commits since the store was made; what readers compare to see that something changed. */
  GENERATION: 'generation',
  /** UUID of this installation, made with the store. */
  INSTALLATION: 'installation',
  /** The id that the next new zone gets; ids are never used twice. */
  NEXT_ZONE: 'next-zone',
  /** Absolute path of the key-encryption key's file when the store was last opened with another than before. */
  KEK_FILE: 'kek-file',
  /** Highest wall time seen by a commit, milliseconds: a clock that went back shows against it. */
  CLOCK: 'clock',
  /** AuditHead. */
  AUDIT_HEAD: 'audit-head',
  /** AuditAnchor; absent while no old entries were removed. */
  AUDIT_ANCHOR: 'audit-anchor',
  /** A sealed known text, base64: tells a wrong key-encryption key at start. */
  KEK_CHECK: 'kek-check',
  /** KekChange; absent while the key-encryption key stays the same. */
  KEK_NEXT: 'kek-next',
} as const;

export interface FormatMark {
  readonly product: 'waxseal';
  readonly version: number;
  readonly createdAtMs: number;
}

/** The key-encryption key is becoming another: secrets are sealed under either, and both are needed. */
export interface KekChange {
  /** Absolute paths of the files of the next key and of the one before. */
  readonly file: string;
  readonly fileBefore: string;
  /** As KEK_CHECK, under the next key. */
  readonly check: string;
  readonly startedAtMs: number;
}

export function isKekChange(value: unknown): value is KekChange {
  return hasFields(value, { file: 'string', fileBefore: 'string', check: 'string', startedAtMs: 'number' });
}

export interface ZoneRecord {
  readonly id: number;
  /** `formatName`: absolute, lower-case. */
  readonly name: string;
  readonly dnssec: 'on' | 'off';
  readonly serial: number;
  /** Store generation of the zone's last change. Set by the commit, whatever was given. */
  readonly revision: number;
  /** Nodes, empty non-terminals included. Counted by the commit, whatever was given. */
  readonly nodeCount: number;
  /** The id that its nodes stand under, after a change that wrote all anew; absent: its own. Set by the commit too. */
  readonly contentId?: number;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  /** It has NSEC3 when it is signed; absent: NSEC. */
  readonly denial?: 'nsec3';
  /** It has a digest of itself (RFC 8976) when it is signed; absent: none. */
  readonly zonemd?: ZonemdHash;
  readonly keys: readonly ZoneKeyRef[];
  /** CDS and CDNSKEY ask the parent to remove the DS (RFC 8078 §4); absent: they ask for the keys. */
  readonly isDeletingDs?: true;
  /** What keys it shall have; absent: KEY_POLICY. */
  readonly keyPolicy?: KeyPolicy;
  /** The named policy that `keyPolicy` is a copy of. Both absent: that of the name `default`. */
  readonly keyPolicyName?: string;
  /** DNSKEY records of others who sign the zone too: published and signed with our own, and nothing more. */
  readonly foreignKeys?: readonly ForeignKeyRef[];
  /** It is signed elsewhere and served as it came: it has no keys here. */
  readonly presigned?: Presigned;
  /** It is taken from primaries (transfer/primaries.ts); absent: it is kept here. */
  readonly secondary?: SecondaryRole;
  /** It is a catalog (RFC 9432): its members follow from its records, and no ordinary query gets it. */
  readonly isCatalog?: true;
  /** Of RRsets that are not there any more (dnssec/rollover/gone.ts); absent: none of note. */
  readonly cachedUntilMs?: number;
  readonly cachedTtlMs?: number;
}

/** How a zone that comes from primaries is served. */
export interface SecondaryRole {
  /** `copy`: as it comes. `sign`: its records are signed here, with our own keys and our own serial. */
  readonly mode: 'copy' | 'sign';
  /** No primary was reached for as long as its SOA allows: it is not answered for. */
  readonly isExpired?: true;
}

export function isSecondaryRole(value: unknown): value is SecondaryRole {
  return hasFields(value, {
    mode: (mode) => mode === 'copy' || mode === 'sign',
    isExpired: (isExpired) => isExpired === undefined || isExpired === true,
  });
}

/** True for a zone whose signatures are made here, with keys that are here. */
export function isSignedHere({
  dnssec,
  presigned,
  secondary,
}: Pick<ZoneRecord, 'dnssec'> & { readonly presigned?: unknown; readonly secondary?: SecondaryRole }): boolean {
  return dnssec === 'on' && presigned === undefined && secondary?.mode !== 'copy';
}

/** What is known of the signatures of a zone that another signer has signed. */
export interface Presigned {
  /** When the first of them ends, and which it is. */
  readonly endsAtSeconds: number;
  readonly firstOwner: string;
  readonly firstType: string;
  readonly importedAtMs: number;
}

export function isPresigned(value: unknown): value is Presigned {
  return hasFields(value, {
    endsAtSeconds: 'number',
    firstOwner: 'string',
    firstType: 'string',
    importedAtMs: 'number',
  });
}

/** A signing key's public side; its secret is in `secrets` under the same id. */
export interface ZoneKeyRef {
  readonly id: string;
  readonly keyTag: number;
  readonly algorithm: AlgorithmNumber;
  readonly role: KeyRole;
  readonly flags: KeyFlags;
  /** What the key does now. A store from before rollovers has `active` only. */
  readonly state: KeyStage;
  readonly createdAtMs: number;
  /** DNSKEY RDATA, base64. */
  readonly dnskey: string;
}

/** A key of which only the public side is here (RFC 8901 §2.1.2). */
export interface ForeignKeyRef {
  readonly keyTag: number;
  /** DNSKEY RDATA, base64. */
  readonly dnskey: string;
  /** CDS and CDNSKEY ask the parent for it too. */
  readonly isAnnounced: boolean;
  readonly addedAtMs: number;
}

export interface TokenRecord {
  readonly id: string;
  /** SHA-256 of the token's secret, hexadecimal. */
  readonly hash: string;
  readonly name: string;
  /** Empty when there is a policy: a version that knows no policies lets the token do nothing. */
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  /** What narrows it; absent: `scopes` alone say what it may do. */
  readonly policy?: TokenPolicy;
  /** Whose it is, for people; absent: not said. */
  readonly owner?: string;
  /** When it was last used, to the hour; absent: no use is known. */
  readonly lastUsedAtMs?: number;
}

export interface TokenPolicy {
  readonly scopes: readonly string[];
  readonly grants: readonly TokenGrant[];
  /** Addresses and networks that it may come from; absent: any. */
  readonly networks?: readonly string[];
  /** It ends when it was not used for so long; absent: it does not. */
  readonly unusedMs?: number;
  /** Absent: API_REQUESTS_PER_MINUTE_MAX. */
  readonly requestsPerMinute?: number;
}

export const GRANT_VERBS = ['read', 'change', 'manage'] as const;

/** What a token may do to zones or to some RRsets of them. */
export interface TokenGrant {
  /** `formatName`: absolute, lower-case; absent: every zone. */
  readonly zone?: string;
  /** `read` looks, `change` changes too, `manage` also creates and removes the zone. */
  readonly may: (typeof GRANT_VERBS)[number];
  /** Patterns of owners (dns/name-pattern.ts); absent: every owner. */
  readonly names?: readonly string[];
  /** Mnemonics of types; absent: every type. */
  readonly types?: readonly string[];
}

export function isFormatMark(value: unknown): value is FormatMark {
  return hasFields(value, { product: (product) => product === 'waxseal', version: 'number', createdAtMs: 'number' });
}

export function isZoneRecord(value: unknown): value is ZoneRecord {
  return hasFields(value, {
    id: 'number',
    name: 'string',
    dnssec: (dnssec) => dnssec === 'on' || dnssec === 'off',
    serial: 'number',
    revision: 'number',
    nodeCount: 'number',
    contentId: 'number?',
    createdAtMs: 'number',
    changedAtMs: 'number',
    denial: (denial) => denial === undefined || denial === 'nsec3',
    zonemd: (zonemd) => zonemd === undefined || ZONEMD_HASHES.some((hash) => hash === zonemd),
    keys: isArrayOf(isZoneKeyRef),
    isDeletingDs: (isDeletingDs) => isDeletingDs === undefined || isDeletingDs === true,
    isCatalog: (isCatalog) => isCatalog === undefined || isCatalog === true,
    keyPolicy: (policy) => policy === undefined || isKeyPolicy(policy),
    keyPolicyName: 'string?',
    foreignKeys: (keys) => keys === undefined || isArrayOf(isForeignKeyRef)(keys),
    presigned: (presigned) => presigned === undefined || isPresigned(presigned),
    secondary: (secondary) => secondary === undefined || isSecondaryRole(secondary),
    cachedUntilMs: 'number?',
    cachedTtlMs: 'number?',
  });
}

export function isForeignKeyRef(value: unknown): value is ForeignKeyRef {
  return hasFields(value, {
    keyTag: 'number',
    dnskey: 'string',
    isAnnounced: (isAnnounced) => typeof isAnnounced === 'boolean',
    addedAtMs: 'number',
  });
}

export function isZoneKeyRef(value: unknown): value is ZoneKeyRef {
  return hasFields(value, {
    id: 'string',
    keyTag: 'number',
    algorithm: isAlgorithmNumber,
    role: isKeyRole,
    flags: (flags) => flags === 256 || flags === 257,
    state: isKeyStage,
    createdAtMs: 'number',
    dnskey: 'string',
  });
}

export function isTokenRecord(value: unknown): value is TokenRecord {
  return hasFields(value, {
    id: 'string',
    hash: 'string',
    name: 'string',
    scopes: isArrayOf(isString),
    createdAtMs: 'number',
    expiresAtMs: 'number?',
    policy: (policy) => policy === undefined || isTokenPolicy(policy),
    owner: 'string?',
    lastUsedAtMs: 'number?',
  });
}

function isTokenPolicy(value: unknown): value is TokenPolicy {
  return hasFields(value, {
    scopes: isArrayOf(isString),
    grants: isArrayOf(isTokenGrant),
    networks: isOptionalTexts,
    unusedMs: 'number?',
    requestsPerMinute: 'number?',
  });
}

function isTokenGrant(value: unknown): value is TokenGrant {
  const isVerb = (may: unknown) => GRANT_VERBS.some((verb) => verb === may);
  return hasFields(value, { zone: 'string?', may: isVerb, names: isOptionalTexts, types: isOptionalTexts });
}

function isOptionalTexts(value: unknown): boolean {
  return value === undefined || isArrayOf(isString)(value);
}

const U32 = 2 ** 32;

/** Key of a zone: its id. */
export function zoneKey(zoneId: number): Buffer {
  assert(Number.isInteger(zoneId) && zoneId >= 0 && zoneId < U32, `zone id ${zoneId}`);
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(zoneId);
  return key;
}

/** The id at the start of a key. */
export function zoneIdOfKey(key: Uint8Array): number {
  return ((key[0]! << 24) | (key[1]! << 16) | (key[2]! << 8) | key[3]!) >>> 0;
}

/** Key of a node. */
export function nodeKey(zoneId: number, owner: OwnerKey): Buffer {
  const key = Buffer.allocUnsafe(4 + owner.length);
  key.writeUInt32BE(zoneId);
  key.write(owner, 4, 'latin1');
  return key;
}

/** The owner key in a node's key. */
export function ownerOfKey(key: Uint8Array): OwnerKey {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1', 4);
}

/** Generation or sequence as a key. */
export function numberKey(value: number): Buffer {
  assert(Number.isSafeInteger(value) && value >= 0, `number key ${value}`);
  const key = Buffer.allocUnsafe(8);
  key.writeUInt32BE(Math.floor(value / U32));
  key.writeUInt32BE(value % U32, 4);
  return key;
}

/** The number at `offset` of a key. */
export function numberOfKey(key: Uint8Array, offset = 0): number {
  return zoneIdOfKey(key.subarray(offset)) * U32 + zoneIdOfKey(key.subarray(offset + 4));
}

/** Key of a zone's journal entry; generation 0 is where its totals are. */
export function journalKey(zoneId: number, generation: number): Buffer {
  return Buffer.concat([zoneKey(zoneId), numberKey(generation)]);
}

export function secretKey(zoneId: number, id: string): Buffer {
  return Buffer.concat([zoneKey(zoneId), textKey(id)]);
}

/** A name or id as key. Asserts printable ASCII of 1…KEY_TEXT_CHARACTERS_MAX characters. */
export function textKey(text: string): Buffer {
  const isGood = text.length <= KEY_TEXT_CHARACTERS_MAX && /^[\x21-\x7e]+$/.test(text);
  assert(isGood, `a key text is 1 to ${KEY_TEXT_CHARACTERS_MAX} printable characters`);
  return Buffer.from(text, 'latin1');
}

// --- values ---

/** Octets that follow each node. */
export const NODE_CHECK_BYTES = 4;

/** The check after a node: over its key too, so that a node under another's key shows. LMDB itself has no page checksums. */
export function nodeCheck(key: Uint8Array, node: Uint8Array): number {
  return crc32(node, crc32(key));
}
