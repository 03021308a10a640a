/**
 * The signatures of a plan: kept where they still stand, listed as data to sign where not, put in when they are made.
 * Implements: RFC 4035 §2.2 (one RRSIG by each key that signs).
 * Not here: which RRsets there are (plan.ts), what an RRSIG looks like (sign.ts).
 */
import { assert } from '#base/assert.ts';
import { SIGNATURE_SLAB_BYTES } from '#base/limits/dnssec.ts';
import { type Name, type OwnerKey } from '#dns/name.ts';
import { type ZoneNode, type NodeRrset } from '#zone/view.ts';
import { SIGNATURE_BYTES } from './algorithm.ts';
import { type SigningKey } from './key.ts';
import { equalRdatas } from './plan-records.ts';
import {
  type Allocate,
  type SignaturePolicy,
  dataToSign,
  needsRefresh,
  rrsigFields,
  rrsigHeadBytes,
  rrsigRdata,
  signatureTimes,
} from './sign.ts';

export interface SigningSettings {
  /** Sign every authoritative RRset. */
  readonly keys: readonly SigningKey[];
  /** Stand in the DNSKEY RRset; those with the secure entry point bit also in CDS and CDNSKEY. */
  readonly published: readonly Pick<SigningKey, 'dnskey'>[];
  readonly nowSeconds: number;
  readonly policy?: SignaturePolicy;
  /** TTL of DNSKEY, CDS and CDNSKEY. */
  readonly keyTtlSeconds?: number;
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

export function planSigner(apex: Name, signing: SigningSettings, signAll: boolean): PlanSigner {
  const headBytes = rrsigHeadBytes(apex);
  const allocate = slabs();
  const queues = signing.keys.map((key) => ({ key, data: [] as Uint8Array[], into: [] as Uint8Array[][] }));
  const waiting = (): typeof queues => queues.filter(({ data }) => data.length > 0);
  return {
    kept(rrset, before) {
      if (signAll || before === undefined || before.ttl !== rrset.ttl || !equalRdatas(before.rdatas, rrset.rdatas)) return undefined;
      if (!signaturesStand(before.signatures, signing)) return undefined;
      return before.manager === rrset.manager ? before : { ...rrset, signatures: before.signatures };
    },
    pending(owner, key, rrset) {
      const times = signatureTimes(key, signing.nowSeconds, signing.policy);
      const signatures = queues.map(() => PLACE);
      for (const queue of queues) {
        queue.data.push(dataToSign({ owner, type: rrset.type, ttl: rrset.ttl, rdatas: rrset.rdatas }, apex, queue.key, times, allocate));
        queue.into.push(signatures);
      }
      return { ...rrset, signatures };
    },
    batches: () => waiting().map(({ key, data }) => ({ key, data })),
    fill(made) {
      const batches = waiting();
      assert(made.length === batches.length, 'signatures of other batches');
      let count = 0;
      batches.forEach(({ key, data, into }, batch) => {
        const place = signing.keys.indexOf(key);
        const signatures = made[batch]!;
        assert(signatures.length === data.length, `${signatures.length} signatures for ${data.length} RRsets`);
        signatures.forEach((signature, at) => {
          assert(signature.length === SIGNATURE_BYTES, 'a signature of another length');
          into[at]![place] = rrsigRdata(data[at]!, headBytes, signature, allocate);
        });
        count += data.length;
      });
      return count;
    },
  };
}

/** Cuts small pieces from slabs: an array of its own for each of half a million signatures is what would take the time. */
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

/** True when `signatures` are by exactly the keys that sign now, and none of them needs renewing. */
export function signaturesStand(signatures: readonly Uint8Array[], { keys, nowSeconds, policy }: SigningSettings): boolean {
  return (
    signatures.length === keys.length &&
    signatures.every((rrsig, at) => rrsigFields(rrsig).keyTag === keys[at]!.keyTag && !needsRefresh(rrsig, nowSeconds, policy))
  );
}

/** Keys of the nodes that have a signature which no longer stands. */
export function dueNodes(nodes: Iterable<ZoneNode>, signing: SigningSettings): OwnerKey[] {
  const due: OwnerKey[] = [];
  for (const node of nodes) {
    if (node.rrsets.some(({ signatures }) => signatures.length > 0 && !signaturesStand(signatures, signing))) due.push(node.key);
  }
  return due;
}
