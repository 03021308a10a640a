/**
 * The digest of a whole zone.
 * Implements: RFC 8976 §3 (the digest: scheme SIMPLE, SHA-384 and SHA-512), §2.2 (RDATA), RFC 4034 §6 (canonical form and
 * order).
 * Not here: when a zone gets one (dnssec/plan-zonemd.ts), reading ZONEMD from text (dns/rdata/ds.ts).
 */
import { type Hash, createHash } from 'node:crypto';
import { assert } from '#base/assert.ts';
import { compareBytes, concatBytes, equalBytes, readU16 } from '#base/bytes.ts';
import { type Name, type OwnerKey, compareKeys, lowerName } from '#dns/name.ts';
import { canonicalRdata } from '#dns/registry.ts';
import { type Serial } from '#dns/serial.ts';
import { CLASS, TYPE, type RrType } from '#dns/types.ts';
import { type NodeRrset, type ZoneNode, type ZoneView } from './view.ts';

/** RFC 8976 §2.2.2: the one scheme there is. */
export const SCHEME_SIMPLE = 1;
/** RFC 8976 §2.2.3 */
const HASHES = { sha384: { number: 1, bytes: 48 }, sha512: { number: 2, bytes: 64 } } as const;
export const ZONEMD_HASHES = ['sha384', 'sha512'] as const;
export type ZonemdHash = (typeof ZONEMD_HASHES)[number];

/** Octets of a record's head between its owner and RDATA. */
const HEAD_BYTES = 10;

/** ZONEMD RDATA (RFC 8976 §2.2). */
export function zonemdRdata(serial: Serial, hash: ZonemdHash, digest: Uint8Array): Uint8Array {
  const { number, bytes } = HASHES[hash];
  assert(digest.length === bytes, 'a digest of another length');
  const head = new Uint8Array(6);
  new DataView(head.buffer).setUint32(0, serial);
  head[4] = SCHEME_SIMPLE;
  head[5] = number;
  return concatBytes(head, digest);
}

/** The parts of well-formed ZONEMD RDATA; `hash` is undefined where scheme or algorithm are none that we know. */
export function zonemdFields(rdata: Uint8Array): {
  readonly serial: Serial;
  readonly hash: ZonemdHash | undefined;
  readonly digest: Uint8Array;
} {
  const [scheme, algorithm] = [rdata[4], rdata[5]];
  const hash = ZONEMD_HASHES.find((name) => scheme === SCHEME_SIMPLE && HASHES[name].number === algorithm);
  const serial = new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength).getUint32(0);
  return { serial, hash, digest: rdata.subarray(6) };
}

/** The records of one owner, as they are digested. */
export interface DigestedNode {
  readonly key: OwnerKey;
  readonly owner: Name;
  readonly rrsets: readonly Pick<NodeRrset, 'type' | 'ttl' | 'rdatas' | 'signatures'>[];
}

/** RFC 8976 §3.4: the digest of a zone, ZONEMD at its apex and the signatures over that left out. */
export function zoneDigest(view: ZoneView, hash: ZonemdHash): Uint8Array {
  return digestOf(nodesInOrder(view), view.apexKey, hash);
}

/** The same of nodes in canonical order, each owner once. */
export function digestOf(nodes: Iterable<DigestedNode>, apexKey: OwnerKey, hash: ZonemdHash): Uint8Array {
  const digest = createHash(hash);
  for (const node of nodes) addNode(digest, node, node.key === apexKey);
  return digest.digest();
}

/** One record with its owner's key. */
export interface DigestedRecord {
  readonly key: OwnerKey;
  readonly owner: Name;
  readonly type: RrType;
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

/** The digest of records in any order, RRSIG among them, as a zone file has them. */
export function recordsDigest(records: readonly DigestedRecord[], apexKey: OwnerKey, hash: ZonemdHash): Uint8Array {
  const isDigest = ({ key, type, rdata }: DigestedRecord): boolean => {
    // RFC 4034 §3.1: what an RRSIG covers stands first in it.
    const covered = type === TYPE.RRSIG ? readU16(rdata, 0) : type;
    return key === apexKey && covered === TYPE.ZONEMD;
  };
  const digested = records.filter((each) => !isDigest(each));
  const inOrder = digested.toSorted((a, b) => compareKeys(a.key, b.key) || a.type - b.type);
  const digest = createHash(hash);
  for (let from = 0; from < inOrder.length;) {
    const { key, owner, type } = inOrder[from]!;
    let to = from;
    while (to < inOrder.length && inOrder[to]!.key === key && inOrder[to]!.type === type) to++;
    addRecords(digest, lowerName(owner), type, inOrder.slice(from, to));
    from = to;
  }
  return digest.digest();
}

/** Nodes and NSEC3 nodes in one order. A name of the zone that is spelled like a hash stands with the NSEC3 of that hash. */
function* nodesInOrder(view: ZoneView): Generator<DigestedNode> {
  const hashed = view.hashed.ascend(view.apexKey)[Symbol.iterator]();
  let next = hashed.next();
  const take = (): ZoneNode => {
    const node: ZoneNode = next.value;
    next = hashed.next();
    return node;
  };
  for (const node of view.ascend(view.apexKey)) {
    while (next.done !== true && compareKeys(next.value.key, node.key) < 0) yield take();
    if (next.done !== true && next.value.key === node.key)
      yield { ...node, rrsets: [...node.rrsets, ...take().rrsets] };
    else yield node;
  }
  while (next.done !== true) yield take();
}

/** RFC 8976 §3.3.1: records in canonical form, RRsets by type, RRSIGs among them as one. */
function addNode(digest: Hash, { owner, rrsets }: DigestedNode, isApex: boolean): void {
  const lower = lowerName(owner);
  const digested = rrsets.filter(({ type }) => !isApex || type !== TYPE.ZONEMD);
  const signatures = digested.flatMap(({ ttl, signatures: made }) => made.map((rdata) => ({ ttl, rdata })));
  const sets = digested.map(({ type, ttl, rdatas }) => ({ type, records: rdatas.map((rdata) => ({ ttl, rdata })) }));
  if (signatures.length > 0) sets.push({ type: TYPE.RRSIG, records: signatures });
  sets.sort((a, b) => a.type - b.type);
  for (const { type, records } of sets) addRecords(digest, lower, type, records);
}

function addRecords(
  digest: Hash,
  owner: Name,
  type: RrType,
  records: readonly { readonly ttl: number; readonly rdata: Uint8Array }[],
): void {
  const canonical = records.map(({ ttl, rdata }) => ({ ttl, rdata: canonicalRdata(type, rdata) }));
  canonical.sort((a, b) => compareBytes(a.rdata, b.rdata));
  for (const [at, { ttl, rdata }] of canonical.entries()) {
    // RFC 8976 §3.3.1: what is there twice counts once.
    if (at > 0 && equalBytes(rdata, canonical[at - 1]!.rdata)) continue;
    const head = new Uint8Array(HEAD_BYTES);
    const view = new DataView(head.buffer);
    view.setUint16(0, type);
    view.setUint16(2, CLASS.IN);
    view.setUint32(4, ttl);
    view.setUint16(8, rdata.length);
    digest.update(owner).update(head).update(rdata);
  }
}
