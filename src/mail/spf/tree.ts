/**
 * What an SPF record costs at most: the tree of its includes and redirects, with look-ups and voids of each branch.
 * Implements: RFC 7208 §4.6.4 for a client that nothing matches, §3.4 (sizes), §5.2 and §6.1 (what stands below).
 * Not here: what is too much (budget.ts), what changed (drift.ts), one client's result (evaluate.ts).
 */
import { assert } from '#base/assert.ts';
import { atRrset } from '#base/place.ts';
import { type Problem } from '#base/problem.ts';
import { SPF_LOOKUPS_MAX, SPF_TREE_RECORDS_MAX } from '#base/limits/spf.ts';
import { type Name } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type Resolver, type ResolverAnswer, isTransient } from '#dns/resolver.ts';
import { type Directive, type SpfRecord, type TermOf, costsLookup, effectiveTerms, formatTerm, selectSpf } from './spf.ts';
import { type MacroString, expandMacros, usesLetter } from './macro.ts';
import { mxHosts } from './match.ts';
import { nearSpf } from './near-miss.ts';
import { parseSpf } from './parse.ts';
import { fitTarget, isCheckable, targetName } from './target.ts';
import { txtText } from '#mail/text/txt.ts';

/** Look-ups and voids of something with all that is below it. */
export interface SpfCost {
  /** Terms that cause look-ups. */
  readonly lookups: number;
  /** Terms that find nothing, whichever client asks. */
  readonly voids: number;
  /** At worst, for IPv4 and for IPv6 clients: with hosts that lack that family, and what depends on the client finding nothing. */
  readonly voidsIpv4: number;
  readonly voidsIpv6: number;
}

export type SpfTreeState =
  | 'record'
  | 'none' /** no SPF record, or no such domain */
  | 'multiple'
  | 'malformed'
  | 'unresolved' /** cannot be looked up now */
  | 'loop' /** stands above itself */
  | 'dynamic' /** the name depends on the message */
  | 'unvisited'; /** too many records */

export interface SpfTree extends SpfCost {
  readonly domain: string;
  readonly state: SpfTreeState;
  /** The record's text; '' when there is none. */
  readonly text: string;
  /** Octets of the name and of all TXT at it (RFC 7208 §3.4). */
  readonly ownerBytes: number;
  /** Of a domain without a record: a text there that is meant as one, and why it is none. */
  readonly near?: string;
  /** Terms that can have a say, in the order of evaluation. */
  readonly branches: readonly SpfBranch[];
  /** Of reading this record only. */
  readonly problems: readonly Problem[];
}

export interface SpfBranch extends SpfCost {
  readonly term: string;
  /** The name it leads to, where that does not depend on the message. */
  readonly target?: string;
  /** Of include and redirect. */
  readonly below?: SpfTree;
  /** Mail hosts of an `mx`. */
  readonly hostCount?: number;
  /** A name of it cannot be looked up now. */
  readonly isUnresolved?: true;
}

const NOTHING: SpfCost = { lookups: 0, voids: 0, voidsIpv4: 0, voidsIpv6: 0 };

export function addCosts(...costs: readonly SpfCost[]): SpfCost {
  return costs.reduce<SpfCost>(
    (sum, each) => ({
      lookups: sum.lookups + each.lookups,
      voids: sum.voids + each.voids,
      voidsIpv4: sum.voidsIpv4 + each.voidsIpv4,
      voidsIpv6: sum.voidsIpv6 + each.voidsIpv6,
    }),
    NOTHING,
  );
}

/** What `whole` costs without `part`. */
export function subtractCost(whole: SpfCost, part: SpfCost): SpfCost {
  return {
    lookups: whole.lookups - part.lookups,
    voids: whole.voids - part.voids,
    voidsIpv4: whole.voidsIpv4 - part.voidsIpv4,
    voidsIpv6: whole.voidsIpv6 - part.voidsIpv6,
  };
}

/** A walk in progress; answers are kept, because the same names come again and again. */
interface Walk {
  readonly root: string;
  readonly ask: (name: Name, type: RrType) => Promise<ResolverAnswer>;
  records: number;
}

/** The whole tree of `domain`: unlike an evaluation, beyond ten look-ups too, to show by how much they are too many. */
export async function spfTree(domain: string, resolver: Resolver): Promise<SpfTree> {
  const answers = new Map<string, Promise<ResolverAnswer>>();
  const root = fitTarget(domain);
  const ask = (name: Name, type: RrType) => {
    const key = `${Buffer.from(name).toString('latin1').toLowerCase()} ${type}`;
    const answer = answers.get(key) ?? resolver.lookup(name, type);
    answers.set(key, answer);
    return answer;
  };
  return treeOf({ root, ask, records: 0 }, root, []);
}

function bare(domain: string, state: SpfTreeState, more: Partial<SpfTree> = {}): SpfTree {
  return { domain, state, text: '', ownerBytes: 0, branches: [], problems: [], ...NOTHING, ...more };
}

/** `above`: domains whose records led here, lower-case. */
async function treeOf(walk: Walk, domain: string, above: readonly string[]): Promise<SpfTree> {
  const key = domain.toLowerCase();
  // A circle costs without end: after one round a receiver has no look-ups left.
  if (above.includes(key)) return bare(domain, 'loop', { lookups: SPF_LOOKUPS_MAX });
  if (++walk.records > SPF_TREE_RECORDS_MAX) return bare(domain, 'unvisited');
  const name = targetName(domain);
  if (name === undefined || !isCheckable(domain)) return bare(domain, 'none');
  const answer = await walk.ask(name, TYPE.TXT);
  if (isTransient(answer)) return bare(domain, 'unresolved');
  const rdatas = answer.kind === 'answer' ? answer.rdatas : [];
  const ownerBytes = rdatas.reduce((sum, rdata) => sum + txtText(rdata).length, domain.length);
  const texts = selectSpf(rdatas);
  const text = texts[0];
  const near = text === undefined ? nearSpf(rdatas.map(txtText)) : undefined;
  if (text === undefined) return bare(domain, 'none', { ownerBytes, ...(near === undefined ? {} : { near }) });
  if (texts.length > 1) return bare(domain, 'multiple', { ownerBytes, text });
  const parsed = parseSpf(text, atRrset(domain, 'TXT'));
  if (!parsed.ok) return bare(domain, 'malformed', { ownerBytes, text, problems: parsed.problems });
  const branches = await branchesOf(walk, domain, parsed.value, [...above, key]);
  return { domain, state: 'record', text, ownerBytes, branches, problems: parsed.warnings, ...addCosts(...branches) };
}

async function branchesOf(walk: Walk, domain: string, record: SpfRecord, above: readonly string[]): Promise<SpfBranch[]> {
  const branches: SpfBranch[] = [];
  for (const term of effectiveTerms(record)) {
    if (!costsLookup(term)) branches.push({ term: formatTerm(term), ...NOTHING });
    else if (term.kind === 'include' || term.kind === 'redirect') branches.push(await recordBranch(walk, domain, term, above));
    else branches.push(await hostBranch(walk, domain, term));
  }
  return branches;
}

/** The name a term leads to when only %{d} and %{o} are in it, with the tree's root as the sender's domain. */
export function staticTarget(macros: MacroString | undefined, domain: string, root: string): string | undefined {
  if (macros === undefined) return fitTarget(domain);
  if (usesLetter(macros, 's', 'l', 'i', 'p', 'h', 'v', 'c', 'r', 't')) return undefined;
  const context = {
    ip: { family: 4, value: 0n },
    sender: `@${root}`,
    helo: '',
    domain,
    validatedName: '',
    receiver: '',
    nowSeconds: 0,
  } as const;
  return fitTarget(expandMacros(macros, context));
}

const cost = (isVoid: boolean, isVoidIpv4 = isVoid, isVoidIpv6 = isVoid): SpfCost => ({
  lookups: 1,
  voids: Number(isVoid),
  voidsIpv4: Number(isVoidIpv4),
  voidsIpv6: Number(isVoidIpv6),
});

async function recordBranch(
  walk: Walk,
  domain: string,
  term: TermOf<'include' | 'redirect'>,
  above: readonly string[],
): Promise<SpfBranch> {
  const target = staticTarget(term.domain, domain, walk.root);
  const text = formatTerm(term);
  if (target === undefined) return { term: text, below: bare(text.slice(text.search(/[:=]/) + 1), 'dynamic'), ...cost(false, true, true) };
  const below = await treeOf(walk, target, above);
  const name = targetName(target);
  const answer = name === undefined || below.state === 'loop' || below.state === 'unvisited' ? undefined : await walk.ask(name, TYPE.TXT);
  return { term: text, target, below, ...addCosts(cost(answer?.kind === 'nodata' || answer?.kind === 'nxdomain'), below) };
}

async function hostBranch(walk: Walk, domain: string, term: Directive): Promise<SpfBranch> {
  assert(term.kind === 'a' || term.kind === 'mx' || term.kind === 'ptr' || term.kind === 'exists', `${term.kind} names no hosts`);
  const text = formatTerm(term);
  const target = staticTarget(term.domain, domain, walk.root);
  const name = target === undefined ? undefined : targetName(target);
  // At worst: the client has no PTR, or is none of those that `exists` knows.
  if (target === undefined || term.kind === 'ptr') return { term: text, ...cost(false, true, true) };
  if (name === undefined) return { term: text, target, ...cost(false) };
  const found = async (host: Name, type: RrType) => (await walk.ask(host, type)).kind;
  const isVoid = (kind: ResolverAnswer['kind']) => kind === 'nodata' || kind === 'nxdomain';
  const isFailure = (kind: ResolverAnswer['kind']) => kind === 'servfail' || kind === 'timeout';
  const unresolved = (...kinds: readonly ResolverAnswer['kind'][]) => (kinds.some(isFailure) ? { isUnresolved: true as const } : {});
  if (term.kind === 'exists') {
    const kind = await found(name, TYPE.A);
    return { term: text, target, ...unresolved(kind), ...cost(isVoid(kind)) };
  }
  let hosts: readonly Name[] = [name];
  let hostCount = {};
  if (term.kind === 'mx') {
    const answer = await walk.ask(name, TYPE.MX);
    if (answer.kind !== 'answer') return { term: text, target, hostCount: 0, ...unresolved(answer.kind), ...cost(isVoid(answer.kind)) };
    hosts = mxHosts(answer.rdatas);
    hostCount = { hostCount: hosts.length };
  }
  const kinds = await Promise.all(hosts.map(async (host) => [await found(host, TYPE.A), await found(host, TYPE.AAAA)] as const));
  const isVoidIpv4 = kinds.some(([a]) => isVoid(a));
  const isVoidIpv6 = kinds.some(([, aaaa]) => isVoid(aaaa));
  const isVoidForAll = kinds.some(([a, aaaa]) => isVoid(a) && isVoid(aaaa));
  return { term: text, target, ...hostCount, ...unresolved(...kinds.flat()), ...cost(isVoidForAll, isVoidIpv4, isVoidIpv6) };
}
