/**
 * The signatures of a plan: kept where they still stand, listed as data to sign where not, put in when they are made.
 * Implements: RFC 4035 §2.2 (one RRSIG by each key that signs), RFC 7344 §4.1 (which keys sign CDS and CDNSKEY).
 * Not here: which RRsets there are (plan.ts), what an RRSIG looks like (sign.ts).
 */
import { assert } from '#base/assert.ts';
import { SIGNATURE_SLAB_BYTES } from '#base/limits/dnssec.ts';
import { type Name, type OwnerKey } from '#dns/name.ts';
import { type Nsec3Parameters } from '#dns/nsec3.ts';
import { type ZoneNode, type NodeRrset } from '#zone/view.ts';
import { type ZonemdHash } from '#zone/zonemd.ts';
import { type SigningKey } from './key.ts';
import { KEY_TYPES, equalRdatas } from './plan-records.ts';
import {
  type Allocate,
  type SignaturePolicy,
  dataToSign,
  needsRefresh,
  rrsigFields,
  rrsigHeadBytes,
  rrsigRdata,
  expirationOf,
  secondsBetween,
  signatureTimes,
} from './sign.ts';

export interface SigningSettings {
  /** Sign every authoritative RRset but DNSKEY, CDS and CDNSKEY. */
  readonly keys: readonly SigningKey[];
  /** Sign DNSKEY, CDS and CDNSKEY; absent: `keys`. */
  readonly keySigners?: readonly SigningKey[];
  /** Stand in the DNSKEY RRset. */
  readonly published: readonly Pick<SigningKey, 'dnskey'>[];
  /**
   * What CDS and CDNSKEY ask the parent for; absent: the published keys with the secure entry point bit. `delete`: for
   * no DS.
   */
  readonly announced?: readonly Pick<SigningKey, 'dnskey'>[] | 'delete';
  readonly nowSeconds: number;
  /** It may be as late as this, where the clock is in doubt; `nowSeconds` unless given. */
  readonly latestSeconds?: number;
  readonly policy?: SignaturePolicy;
  /** TTL of DNSKEY, CDS and CDNSKEY. */
  readonly keyTtlSeconds?: number;
  /** How owner names are hashed for NSEC3; absent: NSEC says what there is not. */
  readonly nsec3?: Nsec3Parameters;
  /** The zone has a digest of itself, made with this; absent: none. */
  readonly zonemd?: ZonemdHash;
}

/** What one key has to sign, in order. */
export interface SigningBatch {
  readonly key: SigningKey;
  readonly data: readonly Uint8Array[];
}

export interface PlanSigner {
  /** `rrset` with the signatures of `before` when they still stand. */
  kept(rrset: NodeRrset, before: NodeRrset | undefined): NodeRrset | undefined;
  /** `rrset` with places for its signatures, which `fill` puts in. */
  pending(owner: Name, key: OwnerKey, rrset: NodeRrset): NodeRrset;
  batches(): SigningBatch[];
  /** Puts the signatures in, one list for each batch; gives their number. */
  fill(signatures: readonly (readonly Uint8Array[])[]): number;
}

/** Octets of no signature, where one will be. */
const PLACE = new Uint8Array(0);

interface Place {
  readonly signatures: Uint8Array[];
  readonly at: number;
}

export function planSigner(apex: Name, signing: SigningSettings, signAll: boolean): PlanSigner {
  const headBytes = rrsigHeadBytes(apex);
  const allocate = slabs();
  const all = new Set([...signing.keys, ...(signing.keySigners ?? [])]);
  const queues = new Map([...all].map((key) => [key, { key, data: [] as Uint8Array[], into: [] as Place[] }]));
  const waiting = () => [...queues.values()].filter(({ data }) => data.length > 0);
  return {
    kept(rrset, before) {
      if (signAll || before === undefined || before.ttl !== rrset.ttl || !equalRdatas(before.rdatas, rrset.rdatas))
        return undefined;
      if (!signaturesStand(before, signing)) return undefined;
      return before.manager === rrset.manager ? before : { ...rrset, signatures: before.signatures };
    },
    pending(owner, ownerKey, rrset) {
      const times = signatureTimes(ownerKey, signing.nowSeconds, signing.policy, signing.latestSeconds);
      const { type, ttl, rdatas } = rrset;
      const records = { owner, type, ttl, rdatas };
      const keys = signersOf(rrset, signing);
      const signatures = keys.map(() => PLACE);
      keys.forEach((key, at) => {
        const queue = queues.get(key)!;
        queue.data.push(dataToSign(records, apex, key, times, allocate));
        queue.into.push({ signatures, at });
      });
      return { ...rrset, signatures };
    },
    batches: () => waiting().map(({ key, data }) => ({ key, data })),
    fill(made) {
      const batches = waiting();
      assert(made.length === batches.length, 'signatures of other batches');
      let count = 0;
      batches.forEach(({ key, data, into }, batch) => {
        const signatures = made[batch]!;
        assert(signatures.length === data.length, `${signatures.length} signatures for ${data.length} RRsets`);
        signatures.forEach((signature, index) => {
          assert(signature.length === key.signatureBytes, 'a signature of another length');
          const place = into[index]!;
          place.signatures[place.at] = rrsigRdata(data[index]!, headBytes, signature, allocate);
        });
        count += data.length;
      });
      return count;
    },
  };
}

/** The keys that sign an RRset, in the order of its signatures. */
function signersOf(
  { type, manager }: Pick<NodeRrset, 'type' | 'manager'>,
  { keys, keySigners = keys }: SigningSettings,
): readonly SigningKey[] {
  // RFC 9615 §4.1: CDS and CDNSKEY below a name server's name are records as any.
  return KEY_TYPES.includes(type) && manager === 'dnssec' ? keySigners : keys;
}

/**
 * Cuts small pieces from slabs: an array of its own for each of half a million signatures is what would take the time.
 */
function slabs(): Allocate {
  let slab = new Uint8Array(0);
  let used = 0;
  return (length) => {
    if (length > SIGNATURE_SLAB_BYTES / 8) return new Uint8Array(length);
    if (used + length > slab.length) {
      slab = new Uint8Array(SIGNATURE_SLAB_BYTES);
      used = 0;
    }
    used += length;
    return slab.subarray(used - length, used);
  };
}

/** True when the signatures of `rrset` are by exactly the keys that sign it now, and none of them needs renewing. */
export function signaturesStand(
  rrset: Pick<NodeRrset, 'type' | 'manager' | 'signatures'>,
  signing: SigningSettings,
): boolean {
  const { signatures } = rrset;
  const { nowSeconds, latestSeconds, policy } = signing;
  const keys = signersOf(rrset, signing);
  return (
    signatures.length === keys.length &&
    signatures.every((rrsig, at) => {
      const { keyTag, algorithm } = rrsigFields(rrsig);
      const key = keys[at]!;
      return (
        keyTag === key.keyTag && algorithm === key.algorithm && !needsRefresh(rrsig, nowSeconds, policy, latestSeconds)
      );
    })
  );
}

/** Keys of the nodes that have a signature which no longer stands. */
export function dueNodes(nodes: Iterable<ZoneNode>, signing: SigningSettings): OwnerKey[] {
  const due: OwnerKey[] = [];
  for (const node of nodes) {
    const isDue = node.rrsets.some((rrset) => rrset.signatures.length > 0 && !signaturesStand(rrset, signing));
    if (isDue) due.push(node.key);
  }
  return due;
}

/** When the first signature of these nodes ends, without those of `due`, in seconds since 1970; undefined: no one. */
export function firstEnd(
  nodes: readonly ZoneNode[],
  due: ReadonlySet<OwnerKey>,
  nowSeconds: number,
): number | undefined {
  let least: number | undefined;
  for (const { key, rrsets } of nodes) {
    if (due.has(key)) continue;
    for (const { signatures } of rrsets)
      for (const signature of signatures) {
        const endsAt = nowSeconds + secondsBetween(nowSeconds, expirationOf(signature));
        if (least === undefined || endsAt < least) least = endsAt;
      }
  }
  return least;
}
