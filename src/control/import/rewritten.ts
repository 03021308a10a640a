/**
 * The names of a zone as a large change leaves them: those that it writes, and between them those that stay, in order.
 * Not here: writing them in slices (filling.ts), which changes are so large (imports.ts).
 */
import { type OwnerKey } from '#dns/name.ts';
import { type StoreReader } from '#store/reader.ts';
import { type StoredNode, readContent } from '#store/upkeep/nodes-under.ts';
import { type NodeWrite } from '#store/writer.ts';

/** A zone whose names are written anew under another id. */
export interface Rewriting {
  readonly zoneId: number;
  /** The id that its names stand under now. */
  readonly from: number;
  /** The id that they get. */
  readonly to: number;
}

/** What is known at the end of the names. */
export interface RewrittenFacts {
  /** No name came or went, and none changed its flags. */
  sameNames: boolean;
}

/**
 * `changes` are those of the zone and of others: of each tree in canonical order, names before hashed owner names.
 * Those of others are handed on as they are. A node is good until the next one is asked for.
 */
export function* rewritten(
  reader: StoreReader,
  { zoneId, from, to }: Rewriting,
  changes: Iterable<NodeWrite>,
  facts: RewrittenFacts,
): Generator<NodeWrite, void> {
  let kept = keptOf(reader, from, to, false);
  let last: OwnerKey | undefined;
  for (const change of changes) {
    if (change.zoneId !== zoneId) {
      yield change;
      continue;
    }
    const { key, value, isHashed = false } = change;
    if (isHashed && !kept.isHashed) {
      yield* kept.rest();
      kept = keptOf(reader, from, to, true);
      last = undefined;
    }
    const isInOrder = isHashed === kept.isHashed && (last === undefined || last < key);
    if (!isInOrder) throw new Error('the names of a large change are not in order');
    last = key;
    yield* kept.before(key);
    const was = kept.take(key);
    if (was?.node[0] !== value?.[0]) facts.sameNames = false;
    if (value !== null) yield { ...change, zoneId: to };
  }
  yield* kept.rest();
  if (!kept.isHashed) yield* keptOf(reader, from, to, true).rest();
}

/** The nodes of one tree that are left. */
function keptOf(reader: StoreReader, from: number, to: number, isHashed: boolean) {
  const nodes = readContent(reader, isHashed ? 'hashed' : 'nodes', from);
  let next = nodes.next();
  const write = ({ key, node }: StoredNode): NodeWrite => ({
    zoneId: to,
    key,
    value: node,
    ...(isHashed ? { isHashed } : {}),
  });
  return {
    isHashed,
    *before(key: OwnerKey): Generator<NodeWrite, void> {
      for (; next.done !== true && next.value.key < key; next = nodes.next()) yield write(next.value);
    },
    /** The one with this key, which does not stay. */
    take(key: OwnerKey): StoredNode | undefined {
      if (next.done === true || next.value.key !== key) return undefined;
      const { value } = next;
      next = nodes.next();
      return value;
    },
    *rest(): Generator<NodeWrite, void> {
      for (; next.done !== true; next = nodes.next()) yield write(next.value);
    },
  };
}
