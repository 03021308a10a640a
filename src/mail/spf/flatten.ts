/**
 * Flattening: chosen includes become the addresses they stand for, so that they cost no look-ups. Looked up again and
 * again, because third parties change theirs; what cannot be looked up now stays as it was last known, so that a
 * failing name server removes nothing.
 * Implements: RFC 7208 §4.6.4 (fewer look-ups for the same result), §3.4 (records under 450 octets).
 * Not here: which addresses (addresses.ts), when to look again (upkeep.ts), names that stay with their records (parts.ts).
 */
import { type Place, atRrset } from '#base/place.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { SPF_OWNER_TXT_BYTES_MAX, SPF_PARTS_MAX } from '#base/limits/spf.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type Qualifier, type SpfRecord, type Term, type TermOf, formatSpf, isDirective } from './spf.ts';
import { coversFamily, passedAddresses } from './addresses.ts';
import { type IpSet, formatIp, formatNetwork, ipSet, networksOf, overlap, parseNetwork, subtract, unionOf } from './ip.ts';
import { plainText } from './macro.ts';

export interface FlattenRequest {
  /** The owner of the record, without its last dot. */
  readonly domain: string;
  /** As the operator wrote it, with its includes. */
  readonly record: SpfRecord;
  /** Domains of the includes to flatten. */
  readonly chosen: readonly string[];
  /** Octets of other TXT at the owner, which share its answer. */
  readonly otherTxtBytes?: number;
  readonly nowMs: number;
}

/** What one include stood for when it was last looked up with success. Plain data: kept between runs. */
export interface FlattenedSource {
  /** The included domain, lower-case. */
  readonly include: string;
  readonly networks: readonly FlattenedNetwork[];
  readonly seenAtMs: number;
}

export interface FlattenedNetwork {
  /** `192.0.2.0/24`. */
  readonly network: string;
  /** The terms it comes from, as `domain term`. */
  readonly via: readonly string[];
}

export interface FlattenResult {
  /** What to publish at the owner. */
  readonly record: SpfRecord;
  /**
   * What to publish beside it: `_spf1`, `_spf2`, … below the owner. None when everything fits into the record. Publish them with or before
   * the record; one that is no longer listed must stay until caches have dropped the record that included it, else it is a permerror (§5.2).
   */
  readonly parts: readonly { readonly owner: string; readonly record: SpfRecord }[];
  /** Where each network in the records comes from. */
  readonly networks: readonly FlattenedNetwork[];
  /** Keep it as the next `previous`. */
  readonly sources: readonly FlattenedSource[];
  readonly drift: FlattenDrift;
  /** Includes that could not be turned into addresses now. */
  readonly failures: readonly FlattenFailure[];
  readonly problems: readonly Problem[];
  /** How long the shortest-lived answer holds; undefined when nothing could be looked up. */
  readonly ttlSeconds?: number;
}

export interface FlattenDrift {
  readonly added: readonly FlattenedChange[];
  readonly removed: readonly FlattenedChange[];
}

export interface FlattenFailure {
  readonly include: string;
  /** Cannot be read now, which may pass by itself; else it can be read and has no such addresses. */
  readonly isTransient: boolean;
  /** The addresses last known are there in its place; else it stays an include. */
  readonly isKept: boolean;
  readonly problem: Problem;
}

export interface FlattenedChange {
  readonly include: string;
  readonly network: string;
}

/** Never drops an address because of a failed look-up, and never puts in a record something that was not checked. */
export async function flatten(request: FlattenRequest, resolver: Resolver, previous: readonly FlattenedSource[]): Promise<FlattenResult> {
  const chosen = new Set(request.chosen.map((each) => each.toLowerCase().replace(/\.$/, '')));
  const includes = request.record.terms.filter((term): term is TermOf<'include'> => isChosen(term, chosen));
  const problems: Problem[] = [];
  const failures: FlattenFailure[] = [];
  const sources = new Map<string, FlattenedSource>();
  let ttlSeconds = Number.POSITIVE_INFINITY;
  const at = atRrset(request.domain, 'TXT');
  for (const include of new Set(includes.map(includeName))) {
    const before = previous.find((each) => each.include === include);
    const found = await passedAddresses(include, request.domain, resolver);
    if (found.kind === 'addresses' && !coversFamily(unionOf(...found.parts.map(({ set }) => set)))) {
      ttlSeconds = Math.min(ttlSeconds, found.ttlSeconds);
      const networks = found.parts.flatMap(({ set, via }) =>
        networksOf(set).map((network) => ({ network: formatNetwork(network), via: [via] })),
      );
      sources.set(include, { include, networks, seenAtMs: request.nowMs });
      continue;
    }
    if (before !== undefined) sources.set(include, before);
    const why = failure(at, include, found, before);
    problems.push(why);
    failures.push({ include, isTransient: found.kind === 'unresolved', isKept: before !== undefined, problem: why });
  }
  for (const missing of chosen) {
    if (!includes.some((term) => includeName(term) === missing)) {
      problems.push(warning('SPF_FLATTEN_MISSING', at, `include:${missing} is to be flattened and is not in the record`));
    }
  }
  const kept = [...sources.values()];
  return {
    ...composeFlattened(request, kept),
    networks: provenance(kept),
    sources: kept,
    drift: { added: changes(kept, previous), removed: changes(previous, kept) },
    failures,
    problems,
    ...(Number.isFinite(ttlSeconds) ? { ttlSeconds } : {}),
  };
}

function isChosen(term: Term, chosen: ReadonlySet<string>): boolean {
  return term.kind === 'include' && chosen.has(includeName(term));
}

function includeName(term: TermOf<'include'>): string {
  return (plainText(term.domain) ?? '').toLowerCase();
}

function failure(
  at: Place,
  include: string,
  found: Awaited<ReturnType<typeof passedAddresses>>,
  before: FlattenedSource | undefined,
): Problem {
  const why = found.kind === 'addresses' ? 'it lets every address of a family send' : found.message;
  const then = before === undefined ? 'it stays an include' : `the addresses of ${new Date(before.seenAtMs).toISOString()} are kept`;
  if (found.kind === 'unresolved') return warning('SPF_FLATTEN_KEPT', at, `include:${include} cannot be read now (${why}); ${then}`);
  // The change seems to be permanent: the operator must decide. Mail continues as before until then.
  const code = found.kind === 'broken' ? 'SPF_INCLUDE' : found.kind === 'dynamic' ? 'SPF_FLATTEN_DYNAMIC' : 'SPF_EVERYBODY';
  return problem(code, at, `include:${include} cannot be flattened (${why}); ${then}`, {
    fix: 'take it off the list of includes to flatten, or ask its owner',
  });
}

function setOf(source: FlattenedSource): IpSet {
  return ipSet(source.networks.map(({ network }) => parseNetwork(network)));
}

/** Addresses of `sources` that the same include did not have in `others`. */
function changes(sources: readonly FlattenedSource[], others: readonly FlattenedSource[]): FlattenedChange[] {
  return sources.flatMap((source) => {
    const other = others.find((each) => each.include === source.include);
    const gone = subtract(setOf(source), other === undefined ? [] : setOf(other));
    return networksOf(gone).map((network) => ({ include: source.include, network: formatNetwork(network) }));
  });
}

/** The networks as published, each with every term that it, or a part of it, comes from. */
function provenance(sources: readonly FlattenedSource[]): FlattenedNetwork[] {
  const origins = sources.flatMap(({ networks }) => networks.map(({ network, via }) => ({ set: ipSet([parseNetwork(network)]), via })));
  return networksOf(unionOf(...sources.map(setOf))).map((network) => {
    const set = ipSet([network]);
    return {
      network: formatNetwork(network),
      via: [...new Set(origins.filter((each) => overlap(each.set, set)).flatMap(({ via }) => via))],
    };
  });
}

/** A run of the record: a term that stays, or what a group of includes became. */
type Piece = { readonly term: Term } | { readonly qualifier: Qualifier; set: IpSet };

/**
 * The records with the addresses of `sources` in place of their includes; without look-ups. `ownerOf` names the record beside the domain's
 * that has a given text; its names must be no longer than `_spf99` below the domain.
 */
export function composeFlattened(
  request: Omit<FlattenRequest, 'nowMs'>,
  sources: readonly FlattenedSource[],
  ownerOf: (text: string, index: number) => string = (_text, index) => `_spf${index + 1}.${request.domain}`,
): Pick<FlattenResult, 'record' | 'parts'> {
  const chosen = new Set(request.chosen.map((each) => each.toLowerCase().replace(/\.$/, '')));
  const pieces = piecesOf(request.record, chosen, new Map(sources.map((each) => [each.include, each])));
  const limitBytes = SPF_OWNER_TXT_BYTES_MAX - request.domain.length - (request.otherTxtBytes ?? 0);
  const inline: SpfRecord = {
    terms: pieces.flatMap((piece) => ('term' in piece ? [piece.term] : networkTerms(piece.set, piece.qualifier))),
  };
  if (formatSpf(inline).length <= limitBytes) return { record: inline, parts: [] };
  const parts: { owner: string; record: SpfRecord }[] = [];
  const terms = pieces.flatMap((piece) => {
    if ('term' in piece) return [piece.term];
    return split(request.domain, networkTerms(piece.set, '+')).map((record): Term => {
      const owner = ownerOf(formatSpf(record), parts.length);
      parts.push({ owner, record });
      return { kind: 'include', qualifier: piece.qualifier, domain: [{ kind: 'text', text: owner }] };
    });
  });
  return { record: { terms }, parts };
}

/**
 * Includes with one qualifier go together, at the place of the first: terms that give the same result may change places, so only a
 * term with another qualifier between them keeps them apart (RFC 7208 §4.6.2).
 */
function piecesOf(record: SpfRecord, chosen: ReadonlySet<string>, sources: ReadonlyMap<string, FlattenedSource>): Piece[] {
  const pieces: Piece[] = [];
  let open: Exclude<Piece, { readonly term: Term }> | undefined;
  for (const term of record.terms) {
    const source = term.kind === 'include' && isChosen(term, chosen) ? sources.get(includeName(term)) : undefined;
    if (source === undefined || term.kind !== 'include') {
      if (isDirective(term) && term.qualifier !== open?.qualifier) open = undefined;
      pieces.push({ term });
    } else {
      if (open?.qualifier !== term.qualifier) {
        open = { qualifier: term.qualifier, set: [] };
        pieces.push(open);
      }
      open.set = unionOf(open.set, setOf(source));
    }
  }
  return pieces;
}

function networkTerms(set: IpSet, qualifier: Qualifier): Term[] {
  return networksOf(set).map((network) => ({
    kind: network.family === 4 ? 'ip4' : 'ip6',
    qualifier,
    address: formatIp(network),
    prefix: network.prefix,
  }));
}

/** `terms` over as many records as it takes, each with its name under 450 octets. They end in -all: as includes that is "no match". */
function split(domain: string, terms: readonly Term[]): SpfRecord[] {
  const records: SpfRecord[] = [];
  const all: Term = { kind: 'all', qualifier: '-' };
  const ownerLength = `_spf${SPF_PARTS_MAX}.${domain}`.length;
  const fits = (some: readonly Term[]) => ownerLength + formatSpf({ terms: [...some, all] }).length <= SPF_OWNER_TXT_BYTES_MAX;
  let kept: Term[] = [];
  for (const term of terms) {
    if (kept.length > 0 && !fits([...kept, term])) {
      records.push({ terms: [...kept, all] });
      kept = [];
    }
    kept.push(term);
  }
  if (kept.length > 0) records.push({ terms: [...kept, all] });
  return records;
}
