/**
 * A large new zone is signed and handed over a slice at a time: what is kept of it is what its commit says of it, and a
 * sample that is checked.
 * Not here: what is signed (dnssec/plan-new-zone.ts), where the names go (control/import/job.ts), the check
 * (prepare.ts).
 */
import { createHash } from 'node:crypto';
import { assert } from '#base/assert.ts';
import { CHANGESET_LINES_MAX, VERIFY_SAMPLE_NODES } from '#base/limits/changes.ts';
import { NEW_ZONE_RECORDS_BYTES_MAX, NEW_ZONE_SLICE_NODES, SIGNING_INLINE_COUNT_MAX } from '#base/limits/dnssec.ts';
import { JOURNAL_CHANGESET_BYTES_MAX } from '#base/limits/store.ts';
import { type Name, type OwnerKey } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { type PendingSlice, planNewZone } from '#dnssec/plan-new-zone.ts';
import { type PlannedNode, type SigningSettings, type ZonePlan, signBatches } from '#dnssec/plan.ts';
import { encodeAdditionsHead, encodeRrsets } from '#zone/changeset-codec.ts';
import { type ChangesetLines, changesetLines } from '#zone/changeset-text.ts';
import { type ChangedRrset, type Changeset, diffNodes, madeBySigner, orderChangeset } from '#zone/changeset.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { MemoryZone } from '#zone/zone.ts';
import { type WholeZone, type WrittenZone } from '#control/commands/decision.ts';
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

export interface SignedNewZone {
  /** Without nodes; its changeset has the records of a small zone, and none of a large one. */
  readonly plan: ZonePlan;
  readonly written: WrittenZone;
  readonly shown: ChangesetLines;
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

/** The changeset of a new zone while it is made. Of a large one its length and digest stay. */
class Additions {
  readonly #zone: Name;
  readonly #toSerial: Serial;
  readonly #expected: { readonly count: number; readonly isSigned: boolean };
  readonly #hash = createHash('sha256');
  /** Undefined when there is more than is kept. */
  #records: ChangedRrset[] | undefined = [];
  #octets: Uint8Array[] | undefined = [];
  #sizeBytes = 0;
  #rrsets = 0;
  #ownRecords = 0;
  /** Of all records; of `#first`. */
  #lines = 0;
  #firstLines = 0;
  readonly #first: ChangedRrset[] = [];

  constructor(zone: Name, toSerial: Serial, expected: { readonly count: number; readonly isSigned: boolean }) {
    this.#zone = zone;
    this.#toSerial = toSerial;
    this.#expected = expected;
    this.#put(encodeAdditionsHead({ zone, fromSerial: 0, toSerial }, expected.count));
  }

  /** The next nodes in canonical order. */
  add(nodes: readonly PlannedNode[]): void {
    const difference = { deleted: [], added: [] as ChangedRrset[] };
    for (const { node } of nodes) diffNodes(undefined, node, difference);
    // The SOA is in the first slice, with the apex.
    const { added } = orderChangeset(this.#zone, 0, this.#toSerial, difference);
    this.#put(encodeRrsets(added));
    this.#rrsets += added.length;
    if (this.#sizeBytes > NEW_ZONE_RECORDS_BYTES_MAX) this.#records = undefined;
    this.#records?.push(...added);
    const isMade = madeBySigner(this.#zone, this.#expected.isSigned);
    for (const rrset of added) {
      const { length } = rrset.rdatas;
      this.#lines += length;
      if (!isMade(rrset)) this.#ownRecords += length;
      if (this.#firstLines >= CHANGESET_LINES_MAX) continue;
      this.#first.push(rrset);
      this.#firstLines += length;
    }
  }

  end(nodeCount: number, signatureCount: number): Omit<SignedNewZone, 'sample'> {
    assert(this.#rrsets === this.#expected.count, 'a new zone has another number of RRsets than was planned');
    const serials = { zone: this.#zone, fromSerial: 0, toSerial: this.#toSerial, deleted: [] };
    const changeset: Changeset = { ...serials, added: this.#records ?? [] };
    const shown = changesetLines({ ...serials, added: this.#first }, CHANGESET_LINES_MAX);
    const digest = { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest('hex') };
    const octets = this.#octets === undefined ? {} : { octets: new Uint8Array(Buffer.concat(this.#octets)) };
    const large = this.#records === undefined ? { large: { ...digest, records: this.#ownRecords, ...octets } } : {};
    return {
      plan: { nodes: new Map(), hashed: new Map(), changeset, changed: true, signatureCount },
      written: { nodeCount, ...large },
      shown: { ...shown, omitted: this.#lines - shown.added.length },
    };
  }

  #put(octets: Uint8Array): void {
    this.#hash.update(octets);
    this.#sizeBytes += octets.length;
    if (this.#sizeBytes > JOURNAL_CHANGESET_BYTES_MAX) this.#octets = undefined;
    this.#octets?.push(octets);
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
