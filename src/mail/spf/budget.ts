/**
 * May this SPF record be published? Checked before it is, against what it will find in DNS.
 * Implements: RFC 7208 §4.6.4 (10 look-ups, 2 voids, 10 mail hosts), §3.4 (450 octets with the other TXT), §5.2 and §6.1 (targets).
 * Not here: the tree itself (tree.ts).
 */
import { atRrset } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import {
  SPF_LOOKUPS_MAX,
  SPF_LOOKUPS_WARN,
  SPF_MX_NAMES_MAX,
  SPF_OWNER_TXT_BYTES_MAX,
  SPF_TREE_RECORDS_MAX,
  SPF_VOIDS_MAX,
} from '#base/limits/spf.ts';
import { equalNames } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type Resolver } from '#dns/resolver.ts';
import { spfSigns } from './signs.ts';
import { type SpfBranch, type SpfTree, spfTree } from './tree.ts';
import { fitTarget, targetName } from './target.ts';
import { txtRdata } from '#mail/text/txt.ts';

export interface SpfCandidate {
  /** The owner, with or without its last dot. */
  readonly domain: string;
  /** The record's text. */
  readonly text: string;
  /** Texts of all other TXT records that will stand at the owner. */
  readonly otherTexts: readonly string[];
}

export interface SpfBudget {
  readonly tree: SpfTree;
  /** Errors first. */
  readonly problems: readonly Problem[];
}

/** What the record would cost once published; the rest of the world, and of our own zones, is as `resolver` says. */
export async function checkSpfBudget(candidate: SpfCandidate, resolver: Resolver): Promise<SpfBudget> {
  const tree = await spfTree(candidate.domain, withTxt(resolver, candidate.domain, [candidate.text, ...candidate.otherTexts]));
  const problems = treeProblems(tree);
  return { tree, problems: problems.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning')) };
}

/** `resolver`, but with these TXT records at `domain`. */
export function withTxt(resolver: Resolver, domain: string, texts: readonly string[]): Resolver {
  const owner = targetName(fitTarget(domain));
  return {
    lookup(name, type) {
      if (type !== TYPE.TXT || owner === undefined || !equalNames(name, owner)) return resolver.lookup(name, type);
      return Promise.resolve({ kind: 'answer', rdatas: texts.map(txtRdata), ttlSeconds: 0 });
    },
  };
}

/** Everything wrong with a tree, its root's record first. */
export function treeProblems(tree: SpfTree): Problem[] {
  const at = atRrset(tree.domain, 'TXT');
  const found: Problem[] = [...tree.problems, ...rootProblems(tree)];
  const say = (make: typeof problem, code: ProblemCode, message: string, rfc: string, fix?: string) =>
    found.push(make(code, at, message, { rfc, ...(fix === undefined ? {} : { fix }) }));
  const evidence = `: ${evidenceOf(tree.branches)}`;
  if (tree.lookups > SPF_LOOKUPS_MAX) {
    const message = `${tree.lookups} look-ups, at most ${SPF_LOOKUPS_MAX} are made${evidence}`;
    say(problem, 'SPF_LOOKUPS', message, 'RFC 7208 §4.6.4', 'drop includes that are not needed, use ip4: and ip6:, or flatten an include');
  } else if (tree.lookups >= SPF_LOOKUPS_WARN) {
    say(warning, 'SPF_LOOKUPS', `${tree.lookups} of ${SPF_LOOKUPS_MAX} look-ups are used${evidence}`, 'RFC 7208 §4.6.4');
  }
  const atWorst = Math.max(tree.voidsIpv4, tree.voidsIpv6);
  if (tree.voids > SPF_VOIDS_MAX) {
    const message = `${tree.voids} terms find nothing, at most ${SPF_VOIDS_MAX} may: ${voidsOf(tree, (each) => each.voids)}`;
    say(problem, 'SPF_VOIDS', message, 'RFC 7208 §4.6.4', 'remove terms whose names do not exist any more');
  } else if (atWorst > SPF_VOIDS_MAX) {
    const family = tree.voidsIpv6 >= tree.voidsIpv4 ? 'IPv6' : 'IPv4';
    const terms = voidsOf(tree, (each) => (family === 'IPv6' ? each.voidsIpv6 : each.voidsIpv4));
    say(
      warning,
      'SPF_VOIDS',
      `for some ${family} clients ${atWorst} terms find nothing, strict receivers accept ${SPF_VOIDS_MAX}: ${terms}`,
      'RFC 7208 §4.6.4',
    );
  }
  if (tree.ownerBytes > SPF_OWNER_TXT_BYTES_MAX) {
    const message = `the name and its TXT are ${tree.ownerBytes} octets, ${SPF_OWNER_TXT_BYTES_MAX} fit a plain answer; the SPF record is ${tree.text.length} of them`;
    say(
      problem,
      'SPF_SIZE',
      message,
      'RFC 7208 §3.4',
      'move part of it to _spf1 and include that, or move other TXT to names of their own',
    );
  }
  found.push(...branchProblems(tree));
  return found;
}

/** What is wrong with the record of the tree's root as such. */
function rootProblems({ state, domain, text, near }: SpfTree): Problem[] {
  const at = atRrset(domain, 'TXT');
  if (state === 'multiple') {
    const why = 'there is more than one SPF record, which is an error at every receiver';
    return [problem('SPF_MULTIPLE', at, why, { rfc: 'RFC 7208 §3.2', fix: 'keep one' })];
  }
  if (state === 'unresolved') return [warning('SPF_UNRESOLVED', at, `${domain} cannot be looked up now`)];
  if (state === 'none' && near !== undefined) {
    const fix = 'the text has to begin with v=spf1 and a blank, without quotes of its own';
    return [problem('TXT_NEAR_MISS', at, `there is no SPF record: ${near}`, { rfc: 'RFC 7208 §4.5', fix })];
  }
  return state === 'record' ? spfSigns(text, at) : [];
}

/** `mx 1, include:a.example 3 (include:b.example 1, a 1)`: the tree in one line. */
function evidenceOf(branches: readonly SpfBranch[]): string {
  return branches
    .filter((each) => each.lookups > 0)
    .map((each) => {
      const inner = evidenceOf(each.below?.branches ?? []);
      return `${each.term} ${each.lookups}${inner === '' ? '' : ` (${inner})`}`;
    })
    .join(', ');
}

/** The terms with voids of their own, `count` telling which. */
function voidsOf(tree: SpfTree, count: (cost: SpfTree | SpfBranch) => number): string {
  const own = tree.branches.filter((each) => count(each) - (each.below === undefined ? 0 : count(each.below)) > 0);
  const below = tree.branches.flatMap((each) => (each.below === undefined ? [] : [voidsOf(each.below, count)]));
  return [...own.map((each) => (each.target === undefined ? each.term : `${each.term} (${each.target})`)), ...below]
    .filter((each) => each !== '')
    .join(', ');
}

function branchProblems(tree: SpfTree): Problem[] {
  return tree.branches.flatMap((branch) => {
    const at = atRrset(tree.domain, 'TXT', { kind: 'term', term: branch.term });
    const own: Problem[] = [];
    const state = branch.below?.state;
    const rfc = branch.term.startsWith('redirect') ? 'RFC 7208 §6.1' : 'RFC 7208 §5.2';
    if (state === 'none') {
      const near = branch.below?.near === undefined ? '' : `; ${branch.below.near}`;
      own.push(problem('SPF_INCLUDE', at, `${branch.target} has no SPF record: a permerror${near}`, { rfc }));
    }
    if (state === 'multiple') own.push(problem('SPF_INCLUDE', at, `${branch.target} has more than one SPF record: a permerror`, { rfc }));
    if (state === 'malformed') {
      own.push(
        problem('SPF_INCLUDE', at, `the record of ${branch.target} is not well formed: ${branch.below!.problems[0]!.message}`, { rfc }),
      );
    }
    if (state === 'loop') own.push(problem('SPF_LOOP', at, `${branch.target} stands above itself`, { rfc: 'RFC 7208 §4.6.4' }));
    if (state === 'unvisited')
      own.push(problem('SPF_TREE', at, `there are more than ${SPF_TREE_RECORDS_MAX} records below the root`, { rfc: 'RFC 7208 §4.6.4' }));
    if (state === 'unresolved' || branch.isUnresolved)
      own.push(warning('SPF_UNRESOLVED', at, `${branch.target} cannot be looked up now, so what it costs is not known`));
    if ((branch.hostCount ?? 0) > SPF_MX_NAMES_MAX) {
      own.push(
        problem('SPF_MX_NAMES', at, `${branch.hostCount} mail hosts, at most ${SPF_MX_NAMES_MAX} are looked up`, {
          rfc: 'RFC 7208 §4.6.4',
        }),
      );
    }
    return branch.below === undefined ? own : [...own, ...branchProblems(branch.below)];
  });
}
