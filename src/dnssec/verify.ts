/**
 * Checks signatures and the NSEC chain as a validator does, apart from the code that made them.
 * Implements: RFC 4035 §5.3 (authenticating an RRset), RFC 4034 §3.1.5 (times on a circle), §4 (NSEC).
 * Not here: the chain of trust above the zone.
 */
import { equalBytes } from '#base/bytes.ts';
import { type Place, atRrset } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { placeOfRrset } from '#dns/place.ts';
import { type Name, type OwnerKey, equalNames, formatName, isAtOrBelow, isWildcard, labelCount, lowerName, ownerKey } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { type Rrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { NODE_FLAG, isInChain, isSignedType } from '#zone/node-flags.ts';
import { type NodeRrset, type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { type SignatureCheck, checkByEngine, checkByReference } from './algorithm.ts';
import { nsecFields, nsecRdata } from './denial.ts';
import { isEntryPoint } from './ds.ts';
import { keyTagOf } from './key.ts';
import { rrsigFields, secondsBetween, signedData } from './sign.ts';

/**
 * What is wrong with one RRSIG over `rrset`, or undefined when it is good (RFC 4035 §5.3.1, §5.3.3). `dnskeys` is the
 * RDATA of the zone's DNSKEY RRset. `rrset` may come out of a wildcard.
 */
export function verifyRrset(
  rrset: Rrset,
  rrsig: Uint8Array,
  dnskeys: readonly Uint8Array[],
  nowSeconds: number,
  check: SignatureCheck = checkByReference,
): Problem | undefined {
  const at = placeOfRrset(rrset.owner, rrset.type);
  const fields = rrsigFields(rrsig);
  const bogus = (why: string): Problem => problem('DNSSEC_SIGNATURE', at, why, { rfc: 'RFC 4035 §5.3.1' });
  if (fields.typeCovered !== rrset.type) return bogus(`the RRSIG covers ${typeName(fields.typeCovered)}`);
  if (!isAtOrBelow(ownerKey(rrset.owner), ownerKey(fields.signer))) return bogus('the signer is not a zone above the owner');
  if (fields.labels > labelCount(rrset.owner) - (isWildcard(rrset.owner) ? 1 : 0)) return bogus('the RRSIG has more labels than the owner');
  if (rrset.ttl > fields.originalTtl) return bogus('the TTL is longer than the one that was signed');
  if (secondsBetween(fields.inception, nowSeconds) < 0 || secondsBetween(nowSeconds, fields.expiration) < 0) {
    const times = `${fields.inception}…${fields.expiration}`;
    return problem('DNSSEC_TIME', at, `valid ${times}, now is ${nowSeconds}`, { rfc: 'RFC 4035 §5.3.1' });
  }
  // RFC 4034 §2.1.1: a key without the zone key bit signs nothing. App. B: a key tag may stand for several keys.
  const keys = dnskeys.filter((dnskey) => (dnskey[0]! & 1) === 1 && dnskey[3] === fields.algorithm && keyTagOf(dnskey) === fields.keyTag);
  if (keys.length === 0) return problem('DNSSEC_KEY', at, `no DNSKEY has key tag ${fields.keyTag}`, { rfc: 'RFC 4035 §5.3.1' });
  const data = signedData(rrset, rrsig);
  if (keys.some((dnskey) => check(dnskey, data, fields.signature))) return undefined;
  return problem('DNSSEC_SIGNATURE', at, `the signature by key ${fields.keyTag} does not match`, { rfc: 'RFC 4035 §5.3.3' });
}

/** A node and its flags, as a plan gives it. */
export interface FlaggedNode {
  readonly node: ZoneNode;
  readonly flags: number;
}

export interface VerifyOptions {
  readonly nowSeconds: number;
  /** `checkByEngine` unless given. */
  readonly check?: SignatureCheck;
  /** The zone as it will be: then every NSEC must point to its true successor. */
  readonly view?: ZoneView;
  /** DNSKEY RDATA of keys that sign and do not stand in the DNSKEY RRset: those of an algorithm that comes or goes. */
  readonly unpublished?: readonly Uint8Array[];
}

/**
 * Everything wrong with these nodes of a signed zone: RRsets that must be signed and are not, or must not be and are;
 * signatures that are not good; NSEC records that lie about types or (with `view`) about the next name.
 */
export function verifyNodes(apex: Name, nodes: Iterable<FlaggedNode>, dnskeys: readonly Uint8Array[], options: VerifyOptions): Problem[] {
  const problems: Problem[] = [];
  for (const flagged of nodes) {
    for (const rrset of flagged.node.rrsets) problems.push(...verifyNodeRrset(apex, flagged, rrset, dnskeys, options));
    const denial = verifyNsec(flagged, options.view);
    if (denial !== undefined) problems.push(denial);
  }
  return problems;
}

function verifyNodeRrset(
  apex: Name,
  { node, flags }: FlaggedNode,
  rrset: NodeRrset,
  dnskeys: readonly Uint8Array[],
  { nowSeconds, check = checkByEngine, unpublished = [] }: VerifyOptions,
): Problem[] {
  const at = placeOfRrset(node.owner, rrset.type);
  if (!isSignedType(flags, rrset.type)) {
    if (rrset.signatures.length === 0) return [];
    return [problem('DNSSEC_SIGNATURE', at, 'is not authoritative and yet signed', { rfc: 'RFC 4035 §2.2' })];
  }
  if (rrset.signatures.length === 0) return [problem('DNSSEC_UNSIGNED', at, 'has no signature', { rfc: 'RFC 4035 §2.2' })];
  const known = [...dnskeys, ...unpublished];
  const bad = rrset.signatures.flatMap((rrsig) => {
    if (!equalNames(rrsigFields(rrsig).signer, apex)) return [problem('DNSSEC_SIGNATURE', at, 'is signed by another zone')];
    return verifyRrset({ owner: node.owner, ...rrset }, rrsig, known, nowSeconds, check) ?? [];
  });
  return [...bad, ...missingSignatures(rrset, dnskeys, at)];
}

/**
 * RFC 4035 §2.2: every RRset is signed with each algorithm in the DNSKEY RRset, which is itself signed by an entry
 * point of each algorithm that has one.
 */
function missingSignatures(rrset: NodeRrset, dnskeys: readonly Uint8Array[], at: Place): Problem[] {
  const made = rrset.signatures.map((rrsig) => rrsigFields(rrsig));
  const isMadeBy = (dnskey: Uint8Array): boolean =>
    made.some(({ keyTag, algorithm }) => algorithm === dnskey[3] && keyTag === keyTagOf(dnskey));
  const algorithms = new Set(dnskeys.map((dnskey) => dnskey[3]!));
  return [...algorithms].flatMap((algorithm) => {
    const keys = dnskeys.filter((dnskey) => dnskey[3] === algorithm);
    const entryPoints = rrset.type === TYPE.DNSKEY ? keys.filter(isEntryPoint) : [];
    if ((entryPoints.length > 0 ? entryPoints : keys).some(isMadeBy)) return [];
    const who = entryPoints.length > 0 ? 'secure entry point' : 'published key';
    const why = `has no signature by a ${who} of algorithm ${algorithm}`;
    return [problem('DNSSEC_UNSIGNED', at, why, { rfc: 'RFC 4035 §2.2' })];
  });
}

/** RFC 4035 §2.3: which nodes have an NSEC, which types it lists, and where it points. */
function verifyNsec({ node, flags }: FlaggedNode, view: ZoneView | undefined): Problem | undefined {
  const at = atRrset(formatName(node.owner));
  const nsec = rrsetOf(node, TYPE.NSEC);
  if ((nsec !== undefined) !== isInChain(flags, node.rrsets.length)) {
    return problem('DNSSEC_CHAIN', at, nsec === undefined ? 'has no NSEC' : 'has an NSEC and is not authoritative', {
      rfc: 'RFC 4035 §2.3',
    });
  }
  if (nsec === undefined) return undefined;
  const { next } = nsecFields(nsec.rdatas[0]!);
  const cut = (flags & NODE_FLAG.CUT) !== 0;
  const own = node.rrsets.map(({ type }) => type);
  const types = cut ? own.filter((type) => type === TYPE.NS || type === TYPE.DS || type === TYPE.NSEC) : own;
  if (nsec.rdatas.length !== 1 || !equalBytes(nsec.rdatas[0]!, nsecRdata(next, [...types, TYPE.RRSIG]))) {
    return problem('DNSSEC_BITMAP', at, 'the NSEC record does not list the types that are there', { rfc: 'RFC 4035 §2.3' });
  }
  if (view !== undefined && !equalNames(next, nextInChain(view, node.key))) {
    return problem('DNSSEC_CHAIN', at, `the NSEC record points to ${formatName(next)}`, { rfc: 'RFC 4034 §4.1.1' });
  }
  return undefined;
}

function nextInChain(view: ZoneView, key: OwnerKey): Name {
  for (const node of view.ascend(key)) if (node.key > key && rrsetOf(node, TYPE.NSEC) !== undefined) return lowerName(node.owner);
  return lowerName(view.apex);
}

/**
 * The nodes worth checking when checking all would take too long: the apex, and `count` others chosen by `random` (0 ≤
 * x < 1). Deletions (null) are left out.
 */
export function sampleNodes(nodes: ReadonlyMap<OwnerKey, FlaggedNode | null>, count: number, random: () => number): FlaggedNode[] {
  const chosen: FlaggedNode[] = [];
  const others: FlaggedNode[] = [];
  for (const each of nodes.values()) {
    if (each === null) continue;
    ((each.flags & NODE_FLAG.APEX) !== 0 ? chosen : others).push(each);
  }
  for (let left = Math.min(count, others.length), end = others.length; left > 0; left--, end--) {
    const at = Math.floor(random() * end);
    chosen.push(others[at]!);
    others[at] = others[end - 1]!;
  }
  return chosen;
}
