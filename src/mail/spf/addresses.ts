/**
 * The addresses that an SPF record passes, exactly: terms that exclude are taken off, and what depends on the message is said to.
 * Implements: RFC 7208 §4.6.2 (first match decides), §5.2 (an include matches what its record passes), §6.1.
 * Not here: putting the addresses into records (flatten.ts).
 */
import { SPF_FLATTEN_NETWORKS_MAX, SPF_FLATTEN_RECORDS_MAX, SPF_MX_NAMES_MAX } from '#base/limits/spf.ts';
import { formatName, type Name } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type Resolver, isTransient } from '#dns/resolver.ts';
import { type Directive, type TermOf, effectiveTerms, formatTerm, selectSpf } from './spf.ts';
import { EMPTY_SET, type IpSet, addressBits, ipOfOctets, ipSet, literalIp, networkOf, subtract, unionOf } from './ip.ts';
import { mxHosts } from './match.ts';
import { parseSpf } from './parse.ts';
import { isCheckable, targetName } from './target.ts';
import { staticTarget } from './tree.ts';

/** Addresses, and the term that passes them, as `domain term`. */
export interface PassedPart {
  readonly set: IpSet;
  readonly via: string;
}

export interface PassedAddresses {
  readonly kind: 'addresses';
  /** In the order of evaluation; they may overlap. */
  readonly parts: readonly PassedPart[];
  /** Of everything that was looked at: the addresses may change after that. */
  readonly ttlSeconds: number;
}

export interface NoAddresses {
  /** `unresolved`: ask again later. `broken`: receivers end with permerror. `dynamic`: depends on the message. */
  readonly kind: 'unresolved' | 'broken' | 'dynamic';
  readonly message: string;
}

const EVERYTHING: IpSet = ipSet([
  { family: 4, value: 0n, prefix: 0 },
  { family: 6, value: 0n, prefix: 0 },
]);

interface Walk {
  readonly resolver: Resolver;
  /** The domain of the sender, for %{o}. */
  readonly root: string;
  records: number;
  networks: number;
  ttlSeconds: number;
}

/** What the record of `domain` passes when `root`'s record includes it. */
export async function passedAddresses(domain: string, root: string, resolver: Resolver): Promise<PassedAddresses | NoAddresses> {
  const walk: Walk = { resolver, root, records: 0, networks: 0, ttlSeconds: Number.POSITIVE_INFINITY };
  const parts = await partsOf(walk, domain, []);
  return 'kind' in parts ? parts : { kind: 'addresses', parts, ttlSeconds: walk.ttlSeconds };
}

type Parts = readonly PassedPart[];

async function ask(walk: Walk, name: Name, type: RrType): Promise<readonly Uint8Array[] | NoAddresses> {
  const answer = await walk.resolver.lookup(name, type);
  if (isTransient(answer)) return { kind: 'unresolved', message: `${formatName(name)}: ${answer.reason ?? answer.kind}` };
  if ('ttlSeconds' in answer && answer.ttlSeconds !== undefined) walk.ttlSeconds = Math.min(walk.ttlSeconds, answer.ttlSeconds);
  return answer.kind === 'answer' ? answer.rdatas : [];
}

async function partsOf(walk: Walk, domain: string, above: readonly string[]): Promise<Parts | NoAddresses> {
  const broken = (message: string): NoAddresses => ({ kind: 'broken', message: `${domain}: ${message}` });
  const key = domain.toLowerCase();
  if (above.includes(key)) return broken('includes itself');
  if (++walk.records > SPF_FLATTEN_RECORDS_MAX) return broken(`more than ${SPF_FLATTEN_RECORDS_MAX} records`);
  const name = targetName(domain);
  if (name === undefined || !isCheckable(domain)) return broken('not a domain');
  const rdatas = await ask(walk, name, TYPE.TXT);
  if ('kind' in rdatas) return rdatas;
  const texts = selectSpf(rdatas);
  if (texts.length !== 1) return broken(texts.length === 0 ? 'no SPF record' : 'more than one SPF record');
  const parsed = parseSpf(texts[0]!);
  if (!parsed.ok) return broken(parsed.problems[0]!.message);
  const passed: PassedPart[] = [];
  let excluded = EMPTY_SET;
  for (const term of effectiveTerms(parsed.value)) {
    const matched = await matchedBy(walk, domain, term, [...above, key]);
    if ('kind' in matched) return matched;
    walk.networks += matched.length;
    if (walk.networks > SPF_FLATTEN_NETWORKS_MAX) return broken(`more than ${SPF_FLATTEN_NETWORKS_MAX} networks`);
    // RFC 7208 §4.6.2: what an earlier term matched is decided; a later one has no say in it.
    if (term.kind === 'redirect' || term.qualifier === '+') {
      passed.push(...matched.map(({ set, via }) => ({ set: subtract(set, excluded), via })).filter(({ set }) => set.length > 0));
    } else {
      const decided = unionOf(...passed.map(({ set }) => set));
      excluded = unionOf(excluded, subtract(unionOf(...matched.map(({ set }) => set)), decided));
    }
  }
  return passed;
}

async function matchedBy(
  walk: Walk,
  domain: string,
  term: Directive | TermOf<'redirect'>,
  above: readonly string[],
): Promise<Parts | NoAddresses> {
  const via = `${domain} ${formatTerm(term)}`;
  switch (term.kind) {
    case 'all':
      return [{ set: EVERYTHING, via }];
    case 'ip4':
    case 'ip6':
      return [{ set: ipSet([networkOf(literalIp(term.address), term.prefix)]), via }];
    case 'ptr':
    case 'exists':
      return { kind: 'dynamic', message: `${via} depends on the client` };
    default:
      break;
  }
  const target = staticTarget(term.domain, domain, walk.root);
  if (target === undefined) return { kind: 'dynamic', message: `${via} depends on the message` };
  if (term.kind === 'include' || term.kind === 'redirect') return partsOf(walk, target, above);
  const name = targetName(target);
  if (name === undefined) return [];
  const hosts = term.kind === 'a' ? [name] : await mailHosts(walk, name);
  if ('kind' in hosts) return hosts;
  if (hosts.length > SPF_MX_NAMES_MAX) return { kind: 'broken', message: `${via}: more than ${SPF_MX_NAMES_MAX} mail hosts` };
  const sets: IpSet[] = [];
  for (const host of hosts) {
    for (const [family, prefix] of [[4, term.prefix4] as const, [6, term.prefix6] as const]) {
      const addresses = await ask(walk, host, family === 4 ? TYPE.A : TYPE.AAAA);
      if ('kind' in addresses) return addresses;
      sets.push(ipSet(addresses.map((each) => networkOf(ipOfOctets(each), prefix))));
    }
  }
  return [{ set: unionOf(...sets), via }];
}

async function mailHosts(walk: Walk, name: Name): Promise<readonly Name[] | NoAddresses> {
  const rdatas = await ask(walk, name, TYPE.MX);
  return 'kind' in rdatas ? rdatas : mxHosts(rdatas);
}

/** True when `set` has all addresses of a family: no operator means that. */
export function coversFamily(set: IpSet): boolean {
  return set.some(({ family, first, last }) => first === 0n && last === (1n << BigInt(addressBits(family))) - 1n);
}
