/**
 * What others did to our SPF record: the tree as it was and as it is now. Third parties change what they include without telling.
 * Implements: watching the limits of RFC 7208 §4.6.4. Not here: when to look again (upkeep.ts), what to do about addresses (flatten.ts).
 */
import { atRrset } from '#base/place.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { SPF_LOOKUPS_MAX, SPF_LOOKUPS_WARN, SPF_VOIDS_MAX } from '#base/limits/spf.ts';
import { formatCost } from './draw.ts';
import { type SpfBranch, type SpfTree, addCosts, subtractCost } from './tree.ts';

export interface SpfDrift {
  /** What the operator should know; none when nothing of weight changed. Errors: receivers reject mail now. */
  readonly alerts: readonly Problem[];
  /** The current tree, with what cannot be looked up now as it was. Keep it as the next `previous`. */
  readonly tree: SpfTree;
  /** Records that are now included and were not, and the other way round, as `domain (by the domain that includes it)`. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** `isOurs`: names that we ourselves add and remove. */
export function assessDrift(previous: SpfTree, current: SpfTree, isOurs: (domain: string) => boolean = () => false): SpfDrift {
  const tree = settled(previous, current);
  const at = atRrset(tree.domain, 'TXT');
  const before = includesOf(previous);
  const now = includesOf(tree);
  // What is below a record that could not be looked up before was perhaps there all the time.
  const hidden = unresolvedIn(previous);
  const seen = includesOf(tree, (domain) => hidden.has(domain));
  const added = [...now].filter(([domain]) => !before.has(domain) && seen.has(domain) && !isOurs(domain)).map(describe);
  const removed = [...before].filter(([domain]) => !now.has(domain) && !isOurs(domain)).map(describe);
  const alerts: Problem[] = [];
  const change = `${previous.lookups} look-ups became ${tree.lookups}`;
  if (tree.lookups > SPF_LOOKUPS_MAX && previous.lookups <= SPF_LOOKUPS_MAX) {
    alerts.push(
      problem('SPF_DRIFT_LOOKUPS', at, `${change}: receivers now end with permerror`, {
        rfc: 'RFC 7208 §4.6.4',
        fix: 'flatten or drop an include',
      }),
    );
  } else if (tree.lookups > previous.lookups && tree.lookups >= SPF_LOOKUPS_WARN && tree.lookups <= SPF_LOOKUPS_MAX) {
    // Every step from 8 on is reported: 8, 9 and 10 are the last warnings there are.
    alerts.push(warning('SPF_DRIFT_LOOKUPS', at, `${change}, of ${SPF_LOOKUPS_MAX}`, { rfc: 'RFC 7208 §4.6.4' }));
  } else if (tree.lookups < SPF_LOOKUPS_WARN && previous.lookups >= SPF_LOOKUPS_WARN) {
    alerts.push(warning('SPF_DRIFT_LOOKUPS', at, `${change}: no longer near the limit`, { rfc: 'RFC 7208 §4.6.4' }));
  } else if (tree.lookups <= SPF_LOOKUPS_MAX && previous.lookups > SPF_LOOKUPS_MAX) {
    alerts.push(warning('SPF_DRIFT_LOOKUPS', at, `${change}: receivers can evaluate the record again`, { rfc: 'RFC 7208 §4.6.4' }));
  }
  if (tree.voids > previous.voids) {
    const make = tree.voids > SPF_VOIDS_MAX ? problem : warning;
    alerts.push(
      make('SPF_DRIFT_VOIDS', at, `${previous.voids} terms that find nothing became ${tree.voids}, of ${SPF_VOIDS_MAX}`, {
        rfc: 'RFC 7208 §4.6.4',
      }),
    );
  }
  if (added.length > 0) alerts.push(warning('SPF_DRIFT_INCLUDE', at, `now included: ${added.join(', ')}`, { rfc: 'RFC 7208 §5.2' }));
  if (removed.length > 0)
    alerts.push(warning('SPF_DRIFT_INCLUDE', at, `no longer included: ${removed.join(', ')}`, { rfc: 'RFC 7208 §5.2' }));
  alerts.push(...newFaults(previous, tree));
  return { alerts: alerts.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning')), tree, added, removed };
}

const describe = ([domain, by]: readonly [string, string]): string => `${domain} (by ${by})`;

function unresolvedIn(tree: SpfTree, found = new Set<string>()): Set<string> {
  if (tree.state === 'unresolved') found.add(tree.domain.toLowerCase());
  for (const { below } of tree.branches) if (below !== undefined) unresolvedIn(below, found);
  return found;
}

/**
 * `tree` as it can be kept: what drift is seen by, and no texts. Where that is longer than `bytesMax` as JSON, what is below the deepest
 * records is left out, with their cost.
 */
export function keptTree(tree: SpfTree, bytesMax: number): SpfTree {
  for (let depth = SPF_LOOKUPS_MAX + 2; depth > 0; depth--) {
    const kept = cutTree(tree, depth);
    if (JSON.stringify(kept).length <= bytesMax) return kept;
  }
  return { ...tree, text: '', branches: [], problems: [] };
}

function cutTree(tree: SpfTree, depth: number): SpfTree {
  const costly = depth === 0 ? [] : tree.branches.filter(({ lookups }) => lookups > 0);
  const branches = costly.map((branch) => (branch.below === undefined ? branch : { ...branch, below: cutTree(branch.below, depth - 1) }));
  return { ...tree, text: '', problems: [], branches };
}

/** Records below the root, with the first that includes each; without what is below those that `isEnd` names. */
function includesOf(
  tree: SpfTree,
  isEnd: (domain: string) => boolean = () => false,
  found = new Map<string, string>(),
): Map<string, string> {
  for (const { below } of tree.branches) {
    if (below === undefined || below.state === 'loop') continue;
    const domain = below.domain.toLowerCase();
    if (found.has(domain)) continue;
    found.set(domain, tree.domain);
    if (!isEnd(domain)) includesOf(below, isEnd, found);
  }
  return found;
}

/** A record that cannot be looked up now counts as unchanged: a failed look-up must not look like a removal. */
function settled(previous: SpfTree, current: SpfTree): SpfTree {
  const known = new Map<string, SpfTree>();
  const knownTerms = new Map<string, SpfBranch>();
  const keyOf = (tree: SpfTree, branch?: SpfBranch) => `${tree.domain.toLowerCase()} ${branch?.term ?? ''}`;
  const remember = (tree: SpfTree) => {
    if (tree.state !== 'loop' && tree.state !== 'unresolved') known.set(keyOf(tree), tree);
    for (const branch of tree.branches) {
      knownTerms.set(keyOf(tree, branch), branch);
      if (branch.below !== undefined) remember(branch.below);
    }
  };
  remember(previous);
  const settle = (tree: SpfTree): SpfTree => {
    if (tree.state === 'unresolved') return known.get(keyOf(tree)) ?? tree;
    if (tree.branches.length === 0) return tree;
    const branches = tree.branches.map((branch) => {
      if (branch.below === undefined) return (branch.isUnresolved ? knownTerms.get(keyOf(tree, branch)) : undefined) ?? branch;
      const below = settle(branch.below);
      return { ...branch, below, ...addCosts(subtractCost(branch, branch.below), below) };
    });
    return { ...tree, branches, ...addCosts(...branches) };
  };
  return settle(current);
}

/** Records that were good and are an error at every receiver now. */
function newFaults(previous: SpfTree, tree: SpfTree): Problem[] {
  const faulty = (each: SpfTree, found = new Map<string, string>()): Map<string, string> => {
    if (['none', 'multiple', 'malformed', 'loop'].includes(each.state)) found.set(each.domain.toLowerCase(), each.state);
    for (const { below } of each.branches) if (below !== undefined) faulty(below, found);
    return found;
  };
  const before = faulty(previous);
  return [...faulty(tree)]
    .filter(([domain]) => !before.has(domain))
    .map(([domain, state]) => {
      const message = `the SPF record of ${domain} is broken now (${state}): receivers end with permerror; in all ${formatCost(tree)}`;
      return problem('SPF_DRIFT_INCLUDE', atRrset(tree.domain, 'TXT'), message, { rfc: 'RFC 7208 §5.2' });
    });
}
