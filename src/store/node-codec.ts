/**
 * The stored form of a node: flags that answer "what is here" at one look, a directory of its RRsets, then their records.
 * Big-endian; RDATA uncompressed, so that an answer copies it or compresses the names in it, but never decodes it.
 * Not here: keys of nodes (dns/name.ts `ownerKey`), where nodes are kept (store.ts), what the flags mean (zone/node-flags.ts).
 *
 *   0  u8   flags (NODE.*)
 *   1  u8   number of RRsets; 0 = empty non-terminal
 *   2  u32  earliest RRSIG expiration in this node, seconds; 0 = no signatures
 *   6  u8   owner length, then the owner in wire form, case kept
 *   then one directory entry for each RRset, by ascending type (15 octets):
 *      u16 type · u32 TTL · u8 manager · u16 records · u16 signatures · u32 octets of its body
 *   then the bodies in directory order: records, then RRSIGs, each as u16 RDLENGTH + RDATA
 */
import { assert } from '#base/assert.ts';
import { readU16, readU32 } from '#base/bytes.ts';
import { NAME_BYTES_MAX, RDATA_BYTES_MAX } from '#base/limits/dns.ts';
import { type OwnerKey } from '#dns/name.ts';
import { type RrType } from '#dns/types.ts';
import { NODE_FLAG } from '#zone/node-flags.ts';
import { type Manager, type NodeRrset, type ZoneNode } from '#zone/view.ts';

/** The flags' numbers, with what they mean, are in zone/node-flags.ts; stored, so they never change. */
export { NODE_FLAG as NODE };

const OWNER_LENGTH_AT = 6;
const OWNER_AT = 7;
/** Octets of one directory entry. */
export const ENTRY_BYTES = 15;
/** Where an entry has its TTL, as in a message. */
export const ENTRY_TTL = 2;
const ENTRY_MANAGER = 6;
const ENTRY_RECORDS = 7;
const ENTRY_SIGNATURES = 9;
const ENTRY_BODY = 11;
/** Where an RRSIG's RDATA has its expiration (RFC 4034 §3.1.5). */
const RRSIG_EXPIRATION_AT = 8;

/** The number is stored: append only. */
export const MANAGERS: readonly Manager[] = ['manual', 'dnssec', 'mail', 'acme', 'delegation', 'catalog', 'alias'];

/** Stored form of `node`. Asserts what the format cannot hold: more than 255 RRsets, RDATA over 65535 octets. */
export function encodeNode(node: ZoneNode, flags: number): Uint8Array {
  assert(node.rrsets.length <= 0xff, `${node.rrsets.length} RRsets at one node`);
  assert(node.owner.length <= NAME_BYTES_MAX, 'owner longer than 255 octets');
  const bodies = node.rrsets.map(bodyBytes);
  const directoryAt = OWNER_AT + node.owner.length;
  const bodiesAt = directoryAt + ENTRY_BYTES * node.rrsets.length;
  const bytes = new Uint8Array(bodies.reduce((sum, each) => sum + each, bodiesAt));
  const view = new DataView(bytes.buffer);
  bytes[0] = flags;
  bytes[1] = node.rrsets.length;
  view.setUint32(2, earliestExpiration(node.rrsets));
  bytes[OWNER_LENGTH_AT] = node.owner.length;
  bytes.set(node.owner, OWNER_AT);
  let entry = directoryAt;
  let at = bodiesAt;
  let previousType = -1;
  for (const [index, rrset] of node.rrsets.entries()) {
    assert(rrset.type > previousType, 'RRsets of a node are in ascending type, each once');
    previousType = rrset.type;
    view.setUint16(entry, rrset.type);
    view.setUint32(entry + ENTRY_TTL, rrset.ttl);
    bytes[entry + ENTRY_MANAGER] = managerNumber(rrset.manager);
    view.setUint16(entry + ENTRY_RECORDS, rrset.rdatas.length);
    view.setUint16(entry + ENTRY_SIGNATURES, rrset.signatures.length);
    view.setUint32(entry + ENTRY_BODY, bodies[index]!);
    for (const list of [rrset.rdatas, rrset.signatures])
      for (const rdata of list) {
        assert(rdata.length <= RDATA_BYTES_MAX, 'RDATA longer than 65535 octets');
        view.setUint16(at, rdata.length);
        bytes.set(rdata, at + 2);
        at += rdata.length + 2;
      }
    entry += ENTRY_BYTES;
  }
  return bytes;
}

/** The node that `encodeNode` made `bytes` from, in memory of its own (a store's buffer may be reused). */
export function decodeNode(bytes: Uint8Array, key: OwnerKey): ZoneNode {
  // Not `slice`: on a Buffer that is a view, and a store's buffer may be longer than its `length` says.
  const own = new Uint8Array(bytes.length);
  own.set(bytes.subarray(0, bytes.length));
  const directoryAt = directoryOffset(own);
  const count = rrsetCount(own);
  const rrsets: NodeRrset[] = [];
  let at = directoryAt + ENTRY_BYTES * count;
  const take = (records: number): Uint8Array[] => {
    const list: Uint8Array[] = [];
    for (let each = 0; each < records; each++) {
      const length = readU16(own, at);
      list.push(own.subarray(at + 2, at + 2 + length));
      at += length + 2;
    }
    return list;
  };
  for (let each = 0; each < count; each++) {
    const entry = directoryAt + ENTRY_BYTES * each;
    const manager = MANAGERS[own[entry + ENTRY_MANAGER]!];
    assert(manager !== undefined, 'stored node names an unknown manager');
    const rdatas = take(entryRecords(own, entry));
    const signatures = take(entrySignatures(own, entry));
    rrsets.push({ type: entryType(own, entry), ttl: entryTtl(own, entry), rdatas, signatures, manager });
  }
  assert(at === own.length, 'stored node is longer or shorter than its directory says');
  return { key, owner: own.subarray(OWNER_AT, directoryAt), rrsets };
}

// --- offset readers: no objects, for the answer path ---

export function nodeFlags(node: Uint8Array): number {
  return node[0]!;
}

export function rrsetCount(node: Uint8Array): number {
  return node[1]!;
}

/** Earliest expiration of an RRSIG in this node, seconds since 1970; 0 when it has none. */
export function nodeExpiration(node: Uint8Array): number {
  return readU32(node, 2);
}

/** Longest TTL of its RRsets, seconds; 0 when it has none. */
export function nodeLongestTtl(node: Uint8Array): number {
  let longest = 0;
  let entry = directoryOffset(node);
  for (let left = node[1]!; left > 0; left--, entry += ENTRY_BYTES) longest = Math.max(longest, entryTtl(node, entry));
  return longest;
}

/** Whether one of its RRsets is kept by `manager`. */
export function nodeHasManager(node: Uint8Array, manager: Manager): boolean {
  const number = managerNumber(manager);
  let entry = directoryOffset(node);
  for (let left = node[1]!; left > 0; left--, entry += ENTRY_BYTES) {
    if (node[entry + ENTRY_MANAGER] === number) return true;
  }
  return false;
}

/** Where the owner starts; `ownerLength` octets. */
export const OWNER_OFFSET = OWNER_AT;

export function ownerLength(node: Uint8Array): number {
  return node[OWNER_LENGTH_AT]!;
}

/** Where the first directory entry starts. */
export function directoryOffset(node: Uint8Array): number {
  return OWNER_AT + node[OWNER_LENGTH_AT]!;
}

/** Directory entry of `type`, or -1. */
export function findEntry(node: Uint8Array, type: RrType): number {
  let entry = directoryOffset(node);
  for (let left = node[1]!; left > 0; left--, entry += ENTRY_BYTES) {
    const here = readU16(node, entry);
    if (here === type) return entry;
    if (here > type) return -1;
  }
  return -1;
}

/** Where the body of `entry` starts: records, then signatures. */
export function bodyOffset(node: Uint8Array, entry: number): number {
  let each = directoryOffset(node);
  let at = each + ENTRY_BYTES * node[1]!;
  for (; each < entry; each += ENTRY_BYTES) at += readU32(node, each + ENTRY_BODY);
  return at;
}

export function entryType(node: Uint8Array, entry: number): RrType {
  return readU16(node, entry);
}

export function entryTtl(node: Uint8Array, entry: number): number {
  return readU32(node, entry + ENTRY_TTL);
}

/** Octets of the body of `entry`. */
export function entryBodyBytes(node: Uint8Array, entry: number): number {
  return readU32(node, entry + ENTRY_BODY);
}

export function entryRecords(node: Uint8Array, entry: number): number {
  return readU16(node, entry + ENTRY_RECORDS);
}

export function entrySignatures(node: Uint8Array, entry: number): number {
  return readU16(node, entry + ENTRY_SIGNATURES);
}

function bodyBytes(rrset: NodeRrset): number {
  let sum = 0;
  for (const rdata of rrset.rdatas) sum += rdata.length + 2;
  for (const rdata of rrset.signatures) sum += rdata.length + 2;
  return sum;
}

function managerNumber(manager: Manager): number {
  const number = MANAGERS.indexOf(manager);
  assert(number >= 0, `manager ${manager} has no stored number`);
  return number;
}

function earliestExpiration(rrsets: readonly NodeRrset[]): number {
  let earliest = 0;
  for (const { signatures } of rrsets)
    for (const rrsig of signatures) {
      if (rrsig.length < RRSIG_EXPIRATION_AT + 4) continue;
      const expiration = readU32(rrsig, RRSIG_EXPIRATION_AT);
      if (earliest === 0 || expiration < earliest) earliest = expiration;
    }
  return earliest;
}
