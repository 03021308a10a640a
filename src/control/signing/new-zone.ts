/**
 * A large new zone is signed and handed over a slice at a time: what is kept of it is what its commit says of it, and a
 * sample that is checked.
 * Not here: what is signed (dnssec/plan-new-zone.ts), where the names go (control/import/job.ts), the check
 * (prepare.ts).
 */
import { VERIFY_SAMPLE_NODES } from '#base/limits/changes.ts';
import { NEW_ZONE_SLICE_NODES, SIGNING_INLINE_COUNT_MAX } from '#base/limits/dnssec.ts';
import { type Name, type OwnerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type PendingSlice, planNewZone } from '#dnssec/plan-new-zone.ts';
import { type PlannedNode, type SigningSettings, signBatches } from '#dnssec/plan.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { MemoryZone } from '#zone/zone.ts';
import { type WholeZone } from '#control/commands/decision.ts';
import { Additions, type NewZoneRecord } from './additions.ts';
import { type PoolKey, SigningPool } from './pool.ts';

export interface NewZoneSigning {
  /** Undefined: the zone is not signed. */
  readonly signing: SigningSettings | undefined;
  readonly secrets: readonly PoolKey[];
  /** Receives each node, in canonical order. */
  readonly write: (node: PlannedNode) => void;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly onSigned?: ((done: number, total: number) => void) | undefined;
}

export interface SignedNewZone extends NewZoneRecord {
  /** Names to be checked, and the zone as far as the check looks at it. */
  readonly sample: { readonly nodes: readonly PlannedNode[]; readonly view: ZoneView };
}

/** Plans, signs and writes all names. Rejects when a signing thread dies; what was written is of no use then. */
export async function signNewZone(
  { view, serial }: Pick<WholeZone, 'view' | 'serial'>,
  { signing, secrets, write, random, onSigned }: NewZoneSigning,
): Promise<SignedNewZone> {
  const plan = planNewZone(view, signing, { serial, sliceNodes: NEW_ZONE_SLICE_NODES });
  const { counts, toSerial } = plan;
  const record = new Additions(view.apex, toSerial, { count: counts.changedRrsets, isSigned: signing !== undefined });
  const sample = new Sample(view.apex, counts.nodes, random);
  let signatureCount = 0;
  const take = (nodes: readonly PlannedNode[]): void => {
    record.add(nodes);
    for (const each of nodes) {
      sample.see(each);
      write(each);
    }
  };
  const count = ({ batches }: PendingSlice): void => {
    signatureCount += batches.reduce((sum, { data }) => sum + data.length, 0);
  };
  const signed = (slice: PendingSlice): void => {
    count(slice);
    onSigned?.(signatureCount, Math.max(signatureCount, counts.signatures));
  };
  if (counts.signatures <= SIGNING_INLINE_COUNT_MAX)
    for (const slice of plan.slices) {
      take(slice.finish(signBatches(slice.batches)));
      count(slice);
    }
  else await inThreads(plan.slices, new SigningPool(secrets, counts.signatures), { take, signed });
  return { ...record.end(counts.nodes, signatureCount), sample: sample.end() };
}

interface Steps {
  readonly take: (nodes: readonly PlannedNode[]) => void;
  readonly signed: (slice: PendingSlice) => void;
}

/** The next slices are planned while threads sign. */
async function inThreads(slices: Iterable<PendingSlice>, pool: SigningPool, { take, signed }: Steps): Promise<void> {
  const underWay: { readonly slice: PendingSlice; readonly signatures: Promise<Uint8Array[][]> }[] = [];
  const finishFirst = async (): Promise<void> => {
    const { slice, signatures } = underWay.shift()!;
    take(slice.finish(await signatures));
    signed(slice);
  };
  try {
    for (const slice of slices) {
      const signatures = pool.sign(slice.batches);
      // What fails is met when its turn comes.
      signatures.catch(() => {});
      underWay.push({ slice, signatures });
      while (underWay.length > pool.requestsMax) await finishFirst();
    }
    while (underWay.length > 0) await finishFirst();
  } finally {
    await pool.close();
  }
}

/** Names chosen by chance, and the next ones in the chain after each. */
class Sample {
  readonly #apex: Name;
  readonly #chosen = new Set<number>([0]);
  readonly #nodes: PlannedNode[] = [];
  readonly #seen = new Map<OwnerKey, ZoneNode>();
  #index = 0;
  /** The next name in the chain has not come yet. */
  #isOpen = false;

  /** Of `count` names, the first of which is the apex. */
  constructor(apex: Name, count: number, random: () => number) {
    this.#apex = apex;
    // A shuffle of all numbers but the first, as far as it is needed: of those that are moved, where they are.
    const moved = new Map<number, number>();
    for (let at = 1; at < count && at <= VERIFY_SAMPLE_NODES; at++) {
      const other = at + Math.floor(random() * (count - at));
      this.#chosen.add(moved.get(other) ?? other);
      moved.set(other, moved.get(at) ?? at);
    }
  }

  see(planned: PlannedNode): void {
    const { node } = planned;
    const isInChain = rrsetOf(node, TYPE.NSEC) !== undefined;
    const isChosen = this.#chosen.has(this.#index++);
    if (isChosen || this.#isOpen) this.#seen.set(node.key, node);
    if (isInChain) this.#isOpen = isChosen;
    if (isChosen) this.#nodes.push(planned);
  }

  end(): SignedNewZone['sample'] {
    return { nodes: this.#nodes, view: new MemoryZone(this.#apex, this.#seen) };
  }
}
