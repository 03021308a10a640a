/**
 * Differences that a primary sends, as edits of the zone that is here: only names that they touch are read.
 * Implements: RFC 1995 §4 (what is deleted must be there; what is added comes after), RFC 4592 §2.2.2.
 * Not here: reading the stream (transfer/incoming-transfer.ts), flags of what is below (dnssec/plan-received.ts).
 */
import { type Name, type OwnerKey, ownerKey } from '#dns/name.ts';
import { type Nsec3Parameters } from '#dns/nsec3.ts';
import { RdataIndex, sortRdatas } from '#dns/rrset.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { withEmptyNonTerminals } from './empty-non-terminals.ts';
import { type NodeEdits } from './overlay.ts';
import {
  type PlainRecord,
  chosenChain,
  coveredType,
  isHashedOwner,
  isOfChain,
  receivedManager,
} from './received-zone.ts';
import { type NodeTree, type ZoneNode, type ZoneView, rrsetOf } from './view.ts';

/** One step, from one serial to the next. */
export interface PlainDifference {
  readonly deleted: readonly PlainRecord[];
  readonly added: readonly PlainRecord[];
}

export interface ReceivedEdits {
  readonly nodes: NodeEdits;
  readonly hashed: NodeEdits;
}

interface DraftSet {
  ttl: number;
  readonly rdatas: RdataIndex;
  readonly signatures: RdataIndex;
}

interface Draft {
  owner: Name;
  readonly sets: Map<RrType, DraftSet>;
}

/**
 * The edits that all steps make together. A text when they are of another version of the zone than `view`, or move to
 * another NSEC3 chain: then the whole zone is needed.
 */
export function receivedEdits(view: ZoneView, differences: readonly PlainDifference[]): ReceivedEdits | string {
  const { apexKey } = view;
  const chain = chosenChain(rrsetOf(view.node(apexKey), TYPE.NSEC3PARAM)?.rdatas ?? []);
  const nodes = new Drafts(view, apexKey, chain);
  for (const { deleted, added } of differences) {
    for (const record of deleted) if (!nodes.remove(record)) return 'a record to delete is not there';
    for (const record of added) nodes.add(record);
  }
  const edits = nodes.edits();
  const apex = edits.nodes.get(apexKey);
  const after = apex === undefined || apex === null ? view.node(apexKey) : apex;
  // RFC 5155 §7.3: records of the chain that is used from now on may have come earlier, and were left out then.
  const next = chosenChain(rrsetOf(after, TYPE.NSEC3PARAM)?.rdatas ?? []);
  const isSame = next?.iterations === chain?.iterations && next?.salt.join() === chain?.salt.join();
  return isSame ? edits : 'it moves to another NSEC3 chain';
}

class Drafts {
  readonly #view: ZoneView;
  readonly #apexKey: OwnerKey;
  readonly #chain: Nsec3Parameters | undefined;
  readonly #nodes = new Map<OwnerKey, Draft>();
  readonly #hashed = new Map<OwnerKey, Draft>();

  constructor(view: ZoneView, apexKey: OwnerKey, chain: Nsec3Parameters | undefined) {
    this.#view = view;
    this.#apexKey = apexKey;
    this.#chain = chain;
  }

  /** False when it is not there. */
  remove({ owner, type, rdata }: PlainRecord): boolean {
    if (this.#isOther(owner, type, rdata)) return true;
    const set = this.#draft(owner, type, rdata).sets.get(type === TYPE.RRSIG ? coveredType(rdata) : type);
    // RRSIGs over nothing were left out when they came.
    if (set === undefined) return type === TYPE.RRSIG;
    const list = type === TYPE.RRSIG ? set.signatures : set.rdatas;
    return list.remove(rdata) || (type === TYPE.RRSIG && set.rdatas.size === 0);
  }

  add({ owner, type, ttl, rdata }: PlainRecord): void {
    if (this.#isOther(owner, type, rdata)) return;
    const draft = this.#draft(owner, type, rdata);
    const covered = type === TYPE.RRSIG ? coveredType(rdata) : type;
    let set = draft.sets.get(covered);
    if (set === undefined) draft.sets.set(covered, (set = draftSet(covered, ttl)));
    (type === TYPE.RRSIG ? set.signatures : set.rdatas).add(rdata);
    if (type !== TYPE.RRSIG) set.ttl = ttl;
  }

  edits(): ReceivedEdits {
    const nodes = new Map<OwnerKey, ZoneNode>();
    for (const [key, draft] of this.#nodes) nodes.set(key, nodeOf(key, draft, key === this.#apexKey));
    const hashed = new Map<OwnerKey, ZoneNode | null>();
    for (const [key, draft] of this.#hashed) {
      const node = nodeOf(key, draft, false);
      if (node.rrsets.length > 0) hashed.set(key, node);
      else if (this.#view.hashed.node(key) !== undefined) hashed.set(key, null);
    }
    return { nodes: withEmptyNonTerminals(this.#view, nodes, ({ rrsets }) => rrsets.length > 0), hashed };
  }

  /** True for an NSEC3 that no answer has. */
  #isOther(owner: Name, type: RrType, rdata: Uint8Array): boolean {
    return type === TYPE.NSEC3 && (!isOfChain(rdata, this.#chain) || !isHashedOwner(owner, this.#apexKey));
  }

  #draft(owner: Name, type: RrType, rdata: Uint8Array): Draft {
    const isHashed = type === TYPE.NSEC3 || (type === TYPE.RRSIG && coveredType(rdata) === TYPE.NSEC3);
    const drafts = isHashed ? this.#hashed : this.#nodes;
    const key = ownerKey(owner);
    let draft = drafts.get(key);
    if (draft === undefined) drafts.set(key, (draft = draftOf(isHashed ? this.#view.hashed : this.#view, key, owner)));
    return draft;
  }
}

function draftOf(tree: NodeTree, key: OwnerKey, owner: Name): Draft {
  const node = tree.node(key);
  const sets = new Map<RrType, DraftSet>();
  for (const { type, ttl, rdatas, signatures } of node?.rrsets ?? [])
    sets.set(type, draftSet(type, ttl, rdatas, signatures));
  return { owner: node === undefined || node.rrsets.length === 0 ? owner : node.owner, sets };
}

function draftSet(
  type: RrType,
  ttl: number,
  rdatas: readonly Uint8Array[] = [],
  signatures: readonly Uint8Array[] = [],
): DraftSet {
  return { ttl, rdatas: new RdataIndex(type, rdatas), signatures: new RdataIndex(TYPE.RRSIG, signatures) };
}

function nodeOf(key: OwnerKey, { owner, sets }: Draft, isApex: boolean): ZoneNode {
  const rrsets = [...sets]
    .filter(([, { rdatas }]) => rdatas.size > 0)
    .toSorted(([a], [b]) => a - b)
    .map(([type, { ttl, rdatas, signatures }]) => ({
      type,
      ttl,
      rdatas: sortRdatas(type, rdatas.rdatas()),
      signatures: sortRdatas(TYPE.RRSIG, signatures.rdatas()),
      manager: receivedManager(type, isApex),
    }));
  return { key, owner, rrsets };
}
