/**
 * Checks signatures and the NSEC or NSEC3 chain as a validator does, apart from the code that made them: with the
 * platform's SHA-1 where ours made the chain.
 * Implements: RFC 4035 §5.3 (authenticating an RRset), RFC 4034 §3.1.5 (times on a circle), §4 (NSEC), RFC 5155 §7.1
 * (one NSEC3 for each name, what it lists), §3.1.7 (the circle), §5 (the hash).
 * Not here: the chain of trust above the zone.
 */
import { createHash } from 'node:crypto';
import { equalBytes } from '#base/bytes.ts';
import { type Place, atRrset } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { placeOfRrset } from '#dns/place.ts';
import {
  type Name,
  type OwnerKey,
  equalNames,
  formatName,
  isAtOrBelow,
  isWildcard,
  labelCount,
  lowerName,
  nameOf,
  ownerKey,
} from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { type Rrset } from '#dns/rrset.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { NODE_FLAG, isInChain, isSignedType } from '#zone/node-flags.ts';
import { type NodeRrset, type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { type SignatureCheck, checkByEngine, checkByReference } from './algorithm.ts';
import { decodeTypeBitmap, nsecFields, nsecRdata } from './denial.ts';
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
  if (!isAtOrBelow(ownerKey(rrset.owner), ownerKey(fields.signer)))
    return bogus('the signer is not a zone above the owner');
  if (fields.labels > labelCount(rrset.owner) - (isWildcard(rrset.owner) ? 1 : 0))
    return bogus('the RRSIG has more labels than the owner');
  if (rrset.ttl > fields.originalTtl) return bogus('the TTL is longer than the one that was signed');
  if (secondsBetween(fields.inception, nowSeconds) < 0 || secondsBetween(nowSeconds, fields.expiration) < 0) {
    const times = `${fields.inception}…${fields.expiration}`;
    return problem('DNSSEC_TIME', at, `valid ${times}, now is ${nowSeconds}`, { rfc: 'RFC 4035 §5.3.1' });
  }
  // RFC 4034 §2.1.1: a key without the zone key bit signs nothing. App. B: a key tag may stand for several keys.
  const keys = dnskeys.filter(
    (dnskey) => (dnskey[0]! & 1) === 1 && dnskey[3] === fields.algorithm && keyTagOf(dnskey) === fields.keyTag,
  );
  if (keys.length === 0)
    return problem('DNSSEC_KEY', at, `no DNSKEY has key tag ${fields.keyTag}`, { rfc: 'RFC 4035 §5.3.1' });
  const data = signedData(rrset, rrsig);
  if (keys.some((dnskey) => check(dnskey, data, fields.signature))) return undefined;
  return problem('DNSSEC_SIGNATURE', at, `the signature by key ${fields.keyTag} does not match`, {
    rfc: 'RFC 4035 §5.3.3',
  });
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
  /** Called with the key of each NSEC3 that a name has. */
  readonly onNsec3?: (hashedKey: OwnerKey) => void;
}

/**
 * Everything wrong with these nodes of a signed zone: RRsets that must be signed and are not, or must not be and are;
 * signatures that are not good; NSEC records that lie about types or (with `view`) about the next name.
 */
export function verifyNodes(
  apex: Name,
  nodes: Iterable<FlaggedNode>,
  dnskeys: readonly Uint8Array[],
  options: VerifyOptions,
): Problem[] {
  const problems: Problem[] = [];
  const parameters = options.view && parametersOf(options.view);
  for (const flagged of nodes) {
    for (const rrset of flagged.node.rrsets) problems.push(...verifyNodeRrset(apex, flagged, rrset, dnskeys, options));
    const denial =
      options.view === undefined || parameters === undefined
        ? verifyNsec(flagged, options.view)
        : verifyNsec3Of(flagged, options.view, parameters, options.onNsec3);
    if (denial !== undefined) problems.push(denial);
  }
  return problems;
}

/**
 * Everything wrong with these NSEC3 nodes: signatures that are not good, and (with `view`) what is not the chain of
 * RFC 5155 §7.1. What they list is checked from the side of the names, by `verifyNodes`.
 */
export function verifyHashed(
  apex: Name,
  nodes: Iterable<ZoneNode>,
  dnskeys: readonly Uint8Array[],
  options: VerifyOptions,
): Problem[] {
  return [...nodes].flatMap((node) => {
    const signatures = node.rrsets.flatMap((rrset) =>
      verifyNodeRrset(apex, { node, flags: 0 }, rrset, dnskeys, options),
    );
    const link = options.view && verifyNsec3Link(node, options.view);
    return link === undefined ? signatures : [...signatures, link];
  });
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
  if (rrset.signatures.length === 0)
    return [problem('DNSSEC_UNSIGNED', at, 'has no signature', { rfc: 'RFC 4035 §2.2' })];
  const known = [...dnskeys, ...unpublished];
  const bad = rrset.signatures.flatMap((rrsig) => {
    if (!equalNames(rrsigFields(rrsig).signer, apex))
      return [problem('DNSSEC_SIGNATURE', at, 'is signed by another zone')];
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
    return problem('DNSSEC_BITMAP', at, 'the NSEC record does not list the types that are there', {
      rfc: 'RFC 4035 §2.3',
    });
  }
  if (view !== undefined && !equalNames(next, nextInChain(view, node.key))) {
    return problem('DNSSEC_CHAIN', at, `the NSEC record points to ${formatName(next)}`, { rfc: 'RFC 4034 §4.1.1' });
  }
  return undefined;
}

function nextInChain(view: ZoneView, key: OwnerKey): Name {
  for (const node of view.ascend(key))
    if (node.key > key && rrsetOf(node, TYPE.NSEC) !== undefined) return lowerName(node.owner);
  return lowerName(view.apex);
}

/** The fields of an NSEC3 before its next hashed owner name, or of NSEC3PARAM, in presentation form. */
interface Parameters {
  readonly iterations: number;
  readonly salt: Buffer;
}

/** How the zone hashes names; undefined: it has no NSEC3PARAM, and NSEC. */
function parametersOf(view: ZoneView): Parameters | undefined {
  const nsec3param = rrsetOf(view.node(view.apexKey), TYPE.NSEC3PARAM);
  if (nsec3param === undefined) return undefined;
  const [, , iterations, salt] = formatRdata(TYPE.NSEC3PARAM, nsec3param.rdatas[0]!).split(' ');
  return { iterations: Number(iterations), salt: Buffer.from(salt === '-' ? '' : salt!, 'hex') };
}

/** The NSEC3 of a name: that it is there, or left out by opt-out, and lists what is there. */
function verifyNsec3Of(
  { node, flags }: FlaggedNode,
  view: ZoneView,
  parameters: Parameters,
  onNsec3: VerifyOptions['onNsec3'],
): Problem | undefined {
  const at = atRrset(formatName(node.owner));
  const bad = (why: string): Problem => problem('DNSSEC_CHAIN', at, why, { rfc: 'RFC 5155 §7.1' });
  if (rrsetOf(node, TYPE.NSEC) !== undefined) return bad('has an NSEC in a zone with NSEC3');
  const isMember = (flags & NODE_FLAG.BELOW) === 0;
  const label = hashLabel(node, parameters);
  const key = ownerKey(nameOf(`${label}.${rest(view)}`));
  const nsec3 = rrsetOf(view.hashed.node(key), TYPE.NSEC3);
  if (nsec3 === undefined && isMember && isOptedOut({ node, flags }, view, key)) return undefined;
  if ((nsec3 !== undefined) !== isMember)
    return bad(isMember ? 'has no NSEC3' : 'has an NSEC3 and is not authoritative');
  if (nsec3 === undefined) return undefined;
  const [algorithm, flagText, iterations, salt] = formatRdata(TYPE.NSEC3, nsec3.rdatas[0]!).split(' ');
  const saltText = parameters.salt.length === 0 ? '-' : parameters.salt.toString('hex').toUpperCase();
  const isSame = Number(iterations) === parameters.iterations && salt?.toUpperCase() === saltText;
  onNsec3?.(key);
  if (algorithm !== '1' || !(flagText === '0' || flagText === '1') || !isSame)
    return bad('has an NSEC3 with other parameters than NSEC3PARAM');
  const listed = decodeTypeBitmap(bitmapOf(nsec3.rdatas[0]!));
  if (nsec3.rdatas.length === 1 && listed?.join() === typesOf(node, flags).join()) return undefined;
  return problem('DNSSEC_BITMAP', at, 'the NSEC3 record does not list the types that are there', {
    rfc: 'RFC 5155 §7.1',
  });
}

/**
 * RFC 5155 §7.1: a delegation without DS, and an empty non-terminal with nothing else below it, may have no NSEC3 where
 * the one that covers it has the opt-out flag (§3.1.2.1).
 */
function isOptedOut(flagged: FlaggedNode, view: ZoneView, hashedKey: OwnerKey): boolean {
  const covering = rrsetOf(predecessor(view, hashedKey), TYPE.NSEC3)?.rdatas[0];
  if (covering === undefined || (covering[1]! & 1) === 0) return false;
  const { node, flags } = flagged;
  if (node.rrsets.length > 0) return isInsecureCut(node, flags);
  let cut: OwnerKey | undefined;
  for (const below of view.ascend(node.key)) {
    if (!isAtOrBelow(below.key, node.key)) break;
    // What is below a cut, and other empty non-terminals, are judged by themselves.
    if (below.rrsets.length === 0 || (cut !== undefined && isAtOrBelow(below.key, cut))) continue;
    if (!isInsecureCut(below, rrsetOf(below, TYPE.NS) === undefined ? 0 : NODE_FLAG.CUT)) return false;
    cut = below.key;
  }
  return cut !== undefined;
}

function isInsecureCut(node: ZoneNode, flags: number): boolean {
  return (flags & NODE_FLAG.CUT) !== 0 && rrsetOf(node, TYPE.DS) === undefined;
}

/** The last before `key` in the circle of hashes. */
function predecessor(view: ZoneView, key: OwnerKey): ZoneNode | undefined {
  for (const node of view.hashed.descend(key)) return node;
  // Behind every digit.
  for (const node of view.hashed.descend(`${view.apexKey}~`)) return node;
  return undefined;
}

/** Where one NSEC3 points: to the next in the order of hashes, the last to the first. */
function verifyNsec3Link(node: ZoneNode, view: ZoneView): Problem | undefined {
  const nsec3 = rrsetOf(node, TYPE.NSEC3);
  const points = nsec3 === undefined ? '' : formatRdata(TYPE.NSEC3, nsec3.rdatas[0]!).split(' ')[4]!;
  const next = successor(view, node.key);
  const label = Buffer.from(next.owner.subarray(1, 33)).toString('latin1');
  if (points.toUpperCase() === label.toUpperCase()) return undefined;
  const why = `the NSEC3 record points to ${points}, and the next is ${label}`;
  return problem('DNSSEC_CHAIN', atRrset(formatName(node.owner)), why, { rfc: 'RFC 5155 §3.1.7' });
}

function successor(view: ZoneView, key: OwnerKey): ZoneNode {
  for (const node of view.hashed.ascend(key)) if (node.key > key) return node;
  for (const node of view.hashed.ascend(view.apexKey)) return node;
  return view.hashed.node(key)!;
}

/** RFC 5155 §5: IH(salt, x, 0) = H(x ‖ salt), IH(salt, x, k) = H(IH(salt, x, k-1) ‖ salt). */
function hashLabel({ owner }: ZoneNode, { iterations, salt }: Parameters): string {
  let hash: Uint8Array = lowerName(owner);
  for (let each = 0; each <= iterations; each++) hash = createHash('sha1').update(hash).update(salt).digest();
  let bits = '';
  for (const octet of hash) bits += octet.toString(2).padStart(8, '0');
  return bits.replace(/.{5}/g, (group) => '0123456789ABCDEFGHIJKLMNOPQRSTUV'[Number.parseInt(group, 2)]!);
}

function rest(view: ZoneView): string {
  const apex = formatName(view.apex);
  return apex === '.' ? '' : apex;
}

function bitmapOf(rdata: Uint8Array): Uint8Array {
  const nextAt = 5 + rdata[4]!;
  return rdata.subarray(nextAt + 1 + rdata[nextAt]!);
}

function typesOf({ rrsets }: ZoneNode, flags: number): readonly RrType[] {
  const own = rrsets.map(({ type }) => type);
  const isCut = (flags & NODE_FLAG.CUT) !== 0;
  const types = isCut ? own.filter((type) => type === TYPE.NS || type === TYPE.DS) : own;
  const isSigned = types.some((type) => isSignedType(flags, type));
  return (isSigned ? [...types, TYPE.RRSIG] : types).toSorted((a, b) => a - b);
}

/**
 * The nodes worth checking when checking all would take too long: the apex, and `count` others chosen by `random` (0 ≤
 * x < 1). Deletions (null) are left out.
 */
export function sampleNodes(
  nodes: ReadonlyMap<OwnerKey, FlaggedNode | null>,
  count: number,
  random: () => number,
): FlaggedNode[] {
  const apex: FlaggedNode[] = [];
  const others: FlaggedNode[] = [];
  for (const each of nodes.values()) {
    if (each === null) continue;
    ((each.flags & NODE_FLAG.APEX) !== 0 ? apex : others).push(each);
  }
  return [...apex, ...sampleOf(others, count, random)];
}

/** `count` of these, chosen by `random`, or all; without those that are null. */
export function sampleOf<T>(all: Iterable<T | null>, count: number, random: () => number): T[] {
  const chosen: T[] = [];
  const others = [...all].filter((each) => each !== null);
  for (let left = Math.min(count, others.length), end = others.length; left > 0; left--, end--) {
    const at = Math.floor(random() * end);
    chosen.push(others[at]!);
    others[at] = others[end - 1]!;
  }
  return chosen;
}
