/**
 * SPF trees as JSON: what the API shows, and what `waxseal spf drift` reads from a file. The places of problems are words there.
 * Not here: what the store keeps of a tree (drift.ts).
 */
import { formatPlace } from '#base/place.ts';
import { type Problem } from '#base/problem.ts';
import { type SpfBranch, type SpfTree } from './tree.ts';

export interface SpfTreeDocument extends Omit<SpfTree, 'branches' | 'problems'> {
  readonly branches: readonly SpfBranchDocument[];
  readonly problems: readonly (Omit<Problem, 'at'> & { readonly at: string })[];
}

interface SpfBranchDocument extends Omit<SpfBranch, 'below'> {
  readonly below?: SpfTreeDocument;
}

export function treeDocument({ branches, problems, ...tree }: SpfTree): SpfTreeDocument {
  return {
    ...tree,
    branches: branches.map(({ below, ...branch }) => (below === undefined ? branch : { ...branch, below: treeDocument(below) })),
    problems: problems.map((each) => ({ ...each, at: formatPlace(each.at) })),
  };
}

/** The tree without its problems, which were those of another time. */
export function readTreeDocument({ branches, ...tree }: SpfTreeDocument): SpfTree {
  return {
    ...tree,
    branches: branches.map(({ below, ...branch }) => (below === undefined ? branch : { ...branch, below: readTreeDocument(below) })),
    problems: [],
  };
}
