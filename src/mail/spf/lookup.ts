/**
 * One SPF check in progress: its counters, its time, and the look-ups that terms make.
 * Implements: RFC 7208 §4.6.4 (what is counted), §5.5 (validated names), §7.3 (which of them `%{p}` is).
 * Not here: what a match means (evaluate.ts).
 */
import { type Clock, toSeconds } from '#base/clock.ts';
import { type Place, atRrset } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { SPF_LOOKUPS_MAX, SPF_PTR_NAMES_MAX, SPF_VOIDS_MAX } from '#base/limits/spf.ts';
import { formatName, isAtOrBelow, type Name, nameLengthAt, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type Resolver, type ResolverAnswer, isTransient } from '#dns/resolver.ts';
import { type Term, formatTerm } from './spf.ts';
import { type IpAddress, dottedReverse, ipOfOctets } from './ip.ts';
import { type MacroString, expandMacros, usesLetter } from './macro.ts';
import { fitTarget, targetName } from './target.ts';

/** One line of the account of a check. */
export interface SpfStep {
  /** How many includes and redirects down; 0 is the domain itself. */
  readonly depth: number;
  readonly domain: string;
  /** Canonical text; '' for fetching the record itself. */
  readonly term: string;
  /** What was found, for people. */
  readonly note: string;
  /** Counters after it. */
  readonly lookups: number;
  readonly voids: number;
}

export interface SpfCheck {
  readonly ip: IpAddress;
  /** MAIL FROM with a local part, one character per octet. */
  readonly sender: string;
  readonly helo: string;
  readonly receiver: string;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly lookupsMax: number;
  readonly voidsMax: number;
  readonly trace: SpfStep[];
  lookups: number;
  voids: number;
  /** Names of the client that resolve back to it; looked up at most once. */
  validated: { readonly names: readonly Name[]; readonly isVoid: boolean } | undefined;
}

/** Why the whole check ends here. */
export interface SpfStop {
  readonly result: 'temperror' | 'permerror';
  readonly problem: Problem;
}

/** A term being evaluated in the record of `domain`; a term is void at most once, however many of its look-ups find nothing. */
export interface TermScope {
  readonly check: SpfCheck;
  readonly domain: string;
  readonly term: Term;
  readonly depth: number;
  isVoid: boolean;
}

export function isStop(value: unknown): value is SpfStop {
  return typeof value === 'object' && value !== null && 'problem' in value;
}

export function placeOfTerm(scope: TermScope): Place {
  return atRrset(scope.domain, 'TXT', { kind: 'term', term: formatTerm(scope.term) });
}

/** Asks, unless the time for the whole check is over: then every answer is a timeout. */
export async function ask(check: SpfCheck, name: Name, type: RrType): Promise<ResolverAnswer> {
  const late: ResolverAnswer = { kind: 'timeout', reason: 'the time for the whole check is over' };
  if (check.clock.nowMs() >= check.deadlineMs) return late;
  const answer = await check.resolver.lookup(name, type);
  return check.clock.nowMs() >= check.deadlineMs ? late : answer;
}

/** RFC 7208 §4.6.4: the term is one more that causes look-ups. The term that goes over the limit is counted, and not looked up. */
export function countLookup(scope: TermScope): SpfStop | undefined {
  const { check } = scope;
  if (++check.lookups <= check.lookupsMax) return undefined;
  const message = `more than ${check.lookupsMax} terms cause look-ups`;
  return { result: 'permerror', problem: problem('SPF_LOOKUPS', placeOfTerm(scope), message, { rfc: 'RFC 7208 §4.6.4' }) };
}

/** RFC 7208 §4.6.4: "the number of terms for which DNS queries return" nothing; a term that finds nothing twice is still one. */
export function countVoid(scope: TermScope): SpfStop | undefined {
  if (scope.isVoid) return undefined;
  scope.isVoid = true;
  const { check } = scope;
  if (++check.voids <= check.voidsMax) return undefined;
  const message = `look-ups of more than ${check.voidsMax} terms found nothing`;
  return { result: 'permerror', problem: problem('SPF_VOIDS', placeOfTerm(scope), message, { rfc: 'RFC 7208 §4.6.4' }) };
}

/** What a failed look-up of a mechanism means (RFC 7208 §5). */
export function temporary(at: Place, answer: ResolverAnswer, name: Name): SpfStop {
  const why = isTransient(answer) && answer.reason !== undefined ? answer.reason : answer.kind;
  return { result: 'temperror', problem: problem('SPF_UNRESOLVED', at, `${formatName(name)}: ${why}`, { rfc: 'RFC 7208 §2.6.6' }) };
}

/** The records of `name`; none when there are none, which is counted; a stop when they cannot be known now. */
export async function fetch(scope: TermScope, name: Name, type: RrType): Promise<readonly Uint8Array[] | SpfStop> {
  const answer = await ask(scope.check, name, type);
  if (answer.kind === 'answer') return answer.rdatas;
  if (isTransient(answer)) return temporary(placeOfTerm(scope), answer, name);
  return countVoid(scope) ?? [];
}

/** Addresses of `name` in the client's family (RFC 7208 §5). */
export async function fetchAddresses(scope: TermScope, name: Name): Promise<readonly IpAddress[] | SpfStop> {
  const rdatas = await fetch(scope, name, addressType(scope.check));
  return isStop(rdatas) ? rdatas : rdatas.map(ipOfOctets);
}

function addressType(check: SpfCheck): RrType {
  return check.ip.family === 4 ? TYPE.A : TYPE.AAAA;
}

/** The result of the domain-spec of the term: the text, cut to size, without a last dot. */
export async function expandTarget(scope: TermScope, macros: MacroString | undefined): Promise<string | SpfStop> {
  if (macros === undefined) return fitTarget(scope.domain);
  let validatedName = 'unknown';
  if (usesLetter(macros, 'p')) {
    // RFC 7208 §4.6.4: the PTR look-up of "%{p}" counts like that of "ptr"; it is made once in a check.
    const stop = scope.check.validated === undefined ? countLookup(scope) : undefined;
    if (stop !== undefined) return stop;
    const names = await validatedNames(scope);
    if (isStop(names)) return names;
    validatedName = nearestName(names, scope.domain);
  }
  return fitTarget(expandMacros(macros, macroContext(scope.check, scope.domain, validatedName)));
}

export function macroContext(check: SpfCheck, domain: string, validatedName: string) {
  const { ip, sender, helo, receiver, clock } = check;
  return { ip, sender, helo, domain, validatedName, receiver, nowSeconds: toSeconds(clock.nowMs()) };
}

/** RFC 7208 §5.5: names that PTR gives for the client and whose addresses include it. Names that cannot be looked up are left out. */
export async function validatedNames(scope: TermScope): Promise<readonly Name[] | SpfStop> {
  const known = (scope.check.validated ??= await findValidatedNames(scope.check));
  return (known.isVoid ? countVoid(scope) : undefined) ?? known.names;
}

/** For an explanation, where nothing is counted (RFC 7208 §4.6.4). */
export async function validatedNameForExplanation(check: SpfCheck, domain: string): Promise<string> {
  check.validated ??= await findValidatedNames(check);
  return nearestName(check.validated.names, domain);
}

async function findValidatedNames(check: SpfCheck): Promise<{ names: Name[]; isVoid: boolean }> {
  const answer = await ask(check, nameOf(dottedReverse(check.ip)), TYPE.PTR);
  if (answer.kind !== 'answer') return { names: [], isVoid: !isTransient(answer) };
  const names: Name[] = [];
  // RFC 7208 §4.6.4: those beyond the first ten are ignored. The client's side says how many there are, so this is no error.
  for (const name of answer.rdatas.slice(0, SPF_PTR_NAMES_MAX)) {
    if (nameLengthAt(name, 0) !== name.length || name.length === 1) continue;
    const addresses = await ask(check, name, addressType(check));
    if (addresses.kind === 'answer' && addresses.rdatas.some((each) => ipOfOctets(each).value === check.ip.value)) names.push(name);
  }
  return { names, isVoid: false };
}

/** RFC 7208 §7.3: the domain itself, else a name below it, else any; "unknown" when there is none. */
function nearestName(names: readonly Name[], domain: string): string {
  const wanted = targetName(domain);
  const key = wanted === undefined ? undefined : ownerKey(wanted);
  const nearest =
    names.find((name) => ownerKey(name) === key) ?? names.find((name) => key !== undefined && isAtOrBelow(ownerKey(name), key)) ?? names[0];
  return nearest === undefined ? 'unknown' : dotted(nearest);
}

/** The labels with dots between, nothing escaped: what macros are made of. */
function dotted(name: Name): string {
  const labels: string[] = [];
  for (let at = 0; name[at] !== 0; at += 1 + name[at]!)
    labels.push(Buffer.from(name.subarray(at + 1, at + 1 + name[at]!)).toString('latin1'));
  return labels.join('.');
}

/** Defaults of the counters for a new check. */
export const SPF_LIMITS = { lookupsMax: SPF_LOOKUPS_MAX, voidsMax: SPF_VOIDS_MAX } as const;
