/**
 * A zone that another signer has signed: its records with their RRSIGs as one zone, checked whole as a validator with
 * its DNSKEY RRset would, and when its first signature ends.
 * Implements: RFC 4035 §2 (what a signed zone has), §5.3 (what a signature must be), RFC 4034 §3 (RRSIG), RFC 5155 §7.1
 * (NSEC3, with opt-out too), §7.3 (one chain for each NSEC3PARAM), RFC 9276 §3.2 (a limit of iterations).
 * Not here: reading the file (control/zone/presigned.ts), what makes one RRset's signatures good (verify.ts).
 */
import { setImmediate as turn } from 'node:timers/promises';
import {
  NSEC3_ITERATIONS_MAX,
  PRESIGNED_PROBLEMS_MAX,
  PRESIGNED_SIGNATURES_MAX,
  PRESIGNED_VERIFY_NODES,
} from '#base/limits/dnssec.ts';
import { type Place, atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, type OwnerKey, formatName, ownerKey } from '#dns/name.ts';
import { nsec3Parameters } from '#dns/nsec3.ts';
import { placeOfRrset } from '#dns/place.ts';
import { typeName } from '#dns/registry.ts';
import { type Rrset } from '#dns/rrset.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type Manager, type ZoneView, rrsetOf } from '#zone/view.ts';
import { type MemoryZone, allNodes, memoryZone } from '#zone/zone.ts';
import { type SignatureCheck, checkByEngine, findAlgorithm } from './algorithm.ts';
import { keyTagOf } from './key.ts';
import { KEY_TYPES } from './plan-records.ts';
import { rrsigFields, secondsBetween } from './sign.ts';
import { type FlaggedNode, verifyHashed, verifyNodes } from './verify.ts';

/** One RRSIG record of a file. */
export interface PlacedSignature {
  readonly owner: Name;
  readonly rdata: Uint8Array;
  readonly at: Place;
}

/** The zone of these RRsets, each with the signatures over it; a signature over nothing is a problem. */
export function assemblePresigned(
  apex: Name,
  rrsets: readonly Rrset[],
  signatures: readonly PlacedSignature[],
): Result<MemoryZone> {
  const apexKey = ownerKey(apex);
  const bySigned = new Map<string, Uint8Array[]>();
  const signedId = (owner: Name, type: RrType) => `${type} ${ownerKey(owner)}`;
  for (const { owner, type } of rrsets) bySigned.set(signedId(owner, type), []);
  const problems: Problem[] = [];
  for (const { owner, rdata, at } of signatures) {
    const { typeCovered } = rrsigFields(rdata);
    const list = bySigned.get(signedId(owner, typeCovered));
    const what = `${formatName(owner)} ${typeName(typeCovered)}`;
    if (list === undefined)
      problems.push(problem('DNSSEC_SIGNATURE', at, `the RRSIG covers ${what}, which is not there`));
    else if (list.length >= PRESIGNED_SIGNATURES_MAX)
      problems.push(problem('DNSSEC_SIGNATURE', at, `${what} has more than ${PRESIGNED_SIGNATURES_MAX} signatures`));
    else if (!list.some((each) => Buffer.compare(each, rdata) === 0)) list.push(rdata);
    if (problems.length >= PRESIGNED_PROBLEMS_MAX) break;
  }
  if (problems.length > 0) return fail(...problems);
  const managerOf = (owner: Name, type: RrType): Manager =>
    CHAIN_TYPES.includes(type) || (KEY_TYPES.includes(type) && ownerKey(owner) === apexKey) ? 'dnssec' : 'manual';
  return ok(
    memoryZone(
      apex,
      rrsets.map((rrset) => {
        const { owner, type } = rrset;
        return { ...rrset, signatures: bySigned.get(signedId(owner, type))!, manager: managerOf(owner, type) };
      }),
    ),
  );
}

const CHAIN_TYPES: readonly RrType[] = [TYPE.NSEC, TYPE.NSEC3, TYPE.NSEC3PARAM];

/**
 * Everything wrong with the zone as a validator sees it, the first PRESIGNED_PROBLEMS_MAX. Gives other work its turn
 * between parts: a large zone takes seconds.
 */
export async function verifyPresigned(
  zone: ZoneView,
  nowSeconds: number,
  check: SignatureCheck = checkByEngine,
): Promise<readonly Problem[]> {
  const dnskeys = rrsetOf(zone.node(zone.apexKey), TYPE.DNSKEY)?.rdatas ?? [];
  const at = atZone(formatName(zone.apex));
  if (dnskeys.length === 0) return [problem('DNSSEC_KEY', at, 'no DNSKEY record at the apex: it is not a signed zone')];
  const unknown = dnskeys.filter((dnskey) => findAlgorithm(dnskey[3]!) === undefined);
  if (unknown.length > 0) {
    const tags = unknown.map((dnskey) => `${keyTagOf(dnskey)} (algorithm ${dnskey[3]})`).join(', ');
    return [problem('DNSSEC_KEY', at, `signatures by key ${tags} cannot be checked here`, { fix: 'sign it with 13' })];
  }
  const claims = nsec3Problems(zone);
  if (claims.length > 0) return claims;
  const owned = new Set<OwnerKey>();
  const onNsec3 = (key: OwnerKey): void => void owned.add(key);
  const options = { nowSeconds, check, view: zone, onNsec3 };
  const problems: Problem[] = [];
  const isEnough = (): boolean => problems.length >= PRESIGNED_PROBLEMS_MAX;
  for (const part of inParts(flaggedNodes(zone))) {
    problems.push(...verifyNodes(zone.apex, part, dnskeys, options));
    if (isEnough()) break;
    await turn();
  }
  for (const part of isEnough() ? [] : inParts(zone.hashed.ascend(zone.apexKey))) {
    problems.push(...verifyHashed(zone.apex, part, dnskeys, options));
    // RFC 5155 §7.1: an NSEC3 of no name would prove that there is one.
    problems.push(...part.filter(({ key }) => !owned.has(key)).map(({ owner }) => strayNsec3(owner)));
    if (isEnough()) break;
    await turn();
  }
  return problems.slice(0, PRESIGNED_PROBLEMS_MAX);
}

function* inParts<T>(all: Iterable<T>): Generator<readonly T[]> {
  let part: T[] = [];
  for (const each of all) {
    part.push(each);
    if (part.length < PRESIGNED_VERIFY_NODES) continue;
    yield part;
    part = [];
  }
  yield part;
}

/** What keeps a zone with these NSEC3PARAM records from being served. */
export function nsec3Problems(zone: ZoneView): readonly Problem[] {
  const parameters = rrsetOf(zone.node(zone.apexKey), TYPE.NSEC3PARAM);
  const at = placeOfRrset(zone.apex, TYPE.NSEC3PARAM);
  if (parameters === undefined) {
    for (const { owner } of zone.hashed.ascend(zone.apexKey)) return [strayNsec3(owner)];
    return [];
  }
  if (parameters.rdatas.length > 1) {
    const fix = 'wait until the signer has taken the old chain out';
    return [problem('PRESIGNED_NSEC3', at, 'the zone has more than one NSEC3 chain', { fix, rfc: 'RFC 5155 §7.3' })];
  }
  const { iterations } = nsec3Parameters(parameters.rdatas[0]!);
  if (iterations <= NSEC3_ITERATIONS_MAX) return [];
  const most = `${NSEC3_ITERATIONS_MAX} are the most, and validators take fewer`;
  const what = `${iterations} iterations of the NSEC3 hash; ${most}`;
  return [problem('PRESIGNED_NSEC3', at, what, { fix: 'sign it with 0 iterations', rfc: 'RFC 9276 §3.1' })];
}

function strayNsec3(owner: Name): Problem {
  return problem('DNSSEC_CHAIN', placeOfRrset(owner, TYPE.NSEC3), 'is the NSEC3 of no name of the zone', {
    rfc: 'RFC 5155 §7.1',
  });
}

/** Every node with its flags, in canonical order. */
export function* flaggedNodes(zone: ZoneView): Generator<FlaggedNode> {
  const isBelow = occlusion(zone);
  for (const node of zone.ascend(zone.apexKey)) yield { node, flags: nodeFlags(node, zone.apexKey, isBelow(node.key)) };
}

/** The signature that ends first. */
export interface FirstEnd {
  /** Seconds since 1970. */
  readonly seconds: number;
  readonly owner: string;
  readonly type: string;
}

/** Undefined for a zone without signatures. */
export function firstEnd(zone: ZoneView, nowSeconds: number): FirstEnd | undefined {
  let first: { readonly left: number; readonly key: OwnerKey; readonly owner: Name; readonly type: RrType } | undefined;
  for (const { key, owner, rrsets } of allNodes(zone))
    for (const { type, signatures } of rrsets)
      for (const rrsig of signatures) {
        const left = secondsBetween(nowSeconds, rrsigFields(rrsig).expiration);
        if (first === undefined || left < first.left) first = { left, key, owner, type };
      }
  if (first === undefined) return undefined;
  return { seconds: Math.floor(nowSeconds) + first.left, owner: formatName(first.owner), type: typeName(first.type) };
}
