/**
 * check_host(): may this client send mail as this domain? A full evaluation, with an account of its steps.
 * Implements: RFC 7208 §2.6 (results), §4.1–4.8 (evaluation, limits), §5.1–5.7 (mechanisms), §6.1 (redirect), RFC 8616 §4.
 * Not here: counters and look-ups (lookup.ts), the explanation (explain.ts), what a record costs at most (tree.ts).
 */
import { domainToASCII } from 'node:url';
import { assert } from '#base/assert.ts';
import { type Clock } from '#base/clock.ts';
import { atRrset } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { SPF_EVALUATION_MS_MAX } from '#base/limits/spf.ts';
import { isAtOrBelow, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type Resolver, isTransient } from '#dns/resolver.ts';
import {
  type Directive,
  type SpfRecord,
  type TermOf,
  costsLookup,
  effectiveTerms,
  formatTerm,
  isDirective,
  modifierOf,
  selectSpf,
} from './spf.ts';
import { explain } from './explain.ts';
import { literalIp, parseIp, sharesPrefix } from './ip.ts';
import {
  SPF_LIMITS,
  type SpfCheck,
  type SpfStep,
  type SpfStop,
  type TermScope,
  ask,
  countLookup,
  countVoid,
  expandTarget,
  fetch,
  isStop,
  temporary,
  validatedNames,
  placeOfTerm,
} from './lookup.ts';
import { type MacroString } from './macro.ts';
import { matchesHost, matchesMx } from './match.ts';
import { parseSpf } from './parse.ts';
import { fitTarget, isCheckable, targetName } from './target.ts';

/** RFC 7208 §2.6. */
export type SpfResult = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror';

export interface SpfQuestion {
  /** The client's address, either family. */
  readonly ip: string;
  /** MAIL FROM without angle brackets; '' for the null reverse path. */
  readonly sender: string;
  readonly helo: string;
  /** Whose record; the domain of the sender, or HELO for a null sender, when left out. */
  readonly domain?: string;
}

export interface SpfOptions {
  readonly clock: Clock;
  /** For the whole check; §4.6.4: at least 20 seconds. */
  readonly timeLimitMs?: number;
  readonly lookupsMax?: number;
  readonly voidsMax?: number;
  /** What `%{r}` is in an explanation: the receiving host. */
  readonly receiver?: string;
}

export interface SpfEvaluation {
  readonly result: SpfResult;
  /** Terms that caused look-ups, with the one that went over the limit. */
  readonly lookups: number;
  /** Terms whose look-ups found nothing. */
  readonly voids: number;
  /** The directive that decided, and in whose record it stands; undefined for errors, `none` and the default. */
  readonly matched: { readonly domain: string; readonly term: string } | undefined;
  /** What the domain has to say about a fail. */
  readonly explanation?: string;
  readonly problems: readonly Problem[];
  readonly trace: readonly SpfStep[];
}

/** What one record says; `exp` is its own explanation, for a fail that its own directive decided. */
interface Verdict {
  readonly result: SpfResult;
  readonly matched?: { readonly domain: string; readonly term: string };
  readonly exp?: { readonly domain: string; readonly macros: MacroString };
  readonly problems: readonly Problem[];
}

const RESULTS = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' } as const;

/** Asserts that `question.ip` is an address. Never rejects for what DNS says; the resolver answers everything. */
export async function evaluateSpf(question: SpfQuestion, resolver: Resolver, options: SpfOptions): Promise<SpfEvaluation> {
  const ip = parseIp(question.ip);
  assert(ip !== undefined, `${JSON.stringify(question.ip)} is not an IP address`);
  const { clock } = options;
  const helo = octetText(question.helo);
  const sender = senderOf(question.sender, helo);
  const check: SpfCheck = {
    ip,
    sender,
    helo,
    receiver: options.receiver ?? 'unknown',
    resolver,
    clock,
    deadlineMs: clock.nowMs() + (options.timeLimitMs ?? SPF_EVALUATION_MS_MAX),
    lookupsMax: options.lookupsMax ?? SPF_LIMITS.lookupsMax,
    voidsMax: options.voidsMax ?? SPF_LIMITS.voidsMax,
    trace: [],
    lookups: 0,
    voids: 0,
    validated: undefined,
  };
  const domain = question.domain === undefined ? sender.slice(sender.lastIndexOf('@') + 1) : asciiDomain(question.domain);
  const verdict = await checkHost(check, fitTarget(domain), 0);
  const explanation = verdict.result === 'fail' && verdict.exp !== undefined ? await explain(check, verdict.exp) : undefined;
  return {
    result: verdict.result,
    lookups: check.lookups,
    voids: check.voids,
    matched: verdict.matched,
    ...(explanation === undefined ? {} : { explanation }),
    problems: verdict.problems,
    trace: check.trace,
  };
}

/** RFC 7208 §2.4: postmaster@HELO stands for the null sender; §4.3: "postmaster" for a missing local part. */
function senderOf(mailFrom: string, helo: string): string {
  if (mailFrom === '') return `postmaster@${asciiDomain(helo)}`;
  const at = mailFrom.lastIndexOf('@');
  const local = at <= 0 ? 'postmaster' : octetText(mailFrom.slice(0, at));
  return `${local}@${asciiDomain(mailFrom.slice(at + 1))}`;
}

/** UTF-8 as one character per octet. */
function octetText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** RFC 8616 §4: U-labels become A-labels before anything else. What cannot be converted is left, and is then no domain. */
function asciiDomain(text: string): string {
  return /[^\0-\x7f]/.test(text) ? domainToASCII(text) || octetText(text) : text;
}

function note(check: SpfCheck, depth: number, domain: string, term: string, text: string): void {
  check.trace.push({ depth, domain, term, note: text, lookups: check.lookups, voids: check.voids });
}

/** `caller`: the include or redirect that asks for this record; absent for the first record, which is not counted. */
async function checkHost(check: SpfCheck, domain: string, depth: number, caller?: TermScope): Promise<Verdict> {
  const end = (result: SpfResult, text: string, problems: readonly Problem[] = []): Verdict => {
    note(check, depth, domain, '', text);
    return { result, problems };
  };
  const name = targetName(domain);
  // RFC 7208 §4.3
  if (name === undefined || !isCheckable(domain)) {
    return end('none', 'not a domain', [
      problem('SPF_SENDER', atRrset(domain), `"${domain}" is not a domain of two labels or more`, { rfc: 'RFC 7208 §4.3' }),
    ]);
  }
  const answer = await ask(check, name, TYPE.TXT);
  if (isTransient(answer)) {
    // RFC 7208 §4.4
    const stop = temporary(atRrset(domain, 'TXT'), answer, name);
    return end('temperror', stop.problem.message, [stop.problem]);
  }
  if (answer.kind !== 'answer') {
    const stop = caller === undefined ? undefined : countVoid(caller);
    return stop === undefined ? end('none', 'no TXT records') : end(stop.result, stop.problem.message, [stop.problem]);
  }
  const texts = selectSpf(answer.rdatas);
  // RFC 7208 §4.5
  if (texts.length === 0) return end('none', 'no SPF record');
  if (texts.length > 1) {
    const message = `${texts.length} SPF records, where one at most may be`;
    return end('permerror', message, [problem('SPF_MULTIPLE', atRrset(domain, 'TXT'), message, { rfc: 'RFC 7208 §4.5' })]);
  }
  const parsed = parseSpf(texts[0]!, atRrset(domain, 'TXT'));
  // RFC 7208 §4.6: a syntax error anywhere in the record ends the check before any of it is evaluated.
  if (!parsed.ok) return end('permerror', `bad record: ${parsed.problems[0]!.message}`, parsed.problems);
  note(check, depth, domain, '', texts[0]!);
  return evaluateRecord(check, domain, parsed.value, depth);
}

async function evaluateRecord(check: SpfCheck, domain: string, record: SpfRecord, depth: number): Promise<Verdict> {
  for (const term of effectiveTerms(record)) {
    const scope: TermScope = { check, domain, term, depth, isVoid: false };
    const text = formatTerm(term);
    const overdue = check.clock.nowMs() >= check.deadlineMs;
    const stop = overdue ? overTime(domain) : costsLookup(term) ? countLookup(scope) : undefined;
    if (stop !== undefined) return stopped(scope, stop);
    if (!isDirective(term)) return followRedirect(scope, term);
    const match = await matches(scope, term);
    if (isStop(match)) return stopped(scope, match);
    note(check, depth, domain, text, match ? `matches: ${RESULTS[term.qualifier]}` : 'no match');
    if (!match) continue;
    const exp = modifierOf(record, 'exp');
    const result = RESULTS[term.qualifier];
    return { result, matched: { domain, term: text }, problems: [], ...(exp === undefined ? {} : { exp: { domain, macros: exp.domain } }) };
  }
  // RFC 7208 §4.7
  note(check, depth, domain, '', 'nothing matches: neutral');
  return { result: 'neutral', problems: [] };
}

function stopped(scope: TermScope, stop: SpfStop): Verdict {
  note(scope.check, scope.depth, scope.domain, formatTerm(scope.term), `${stop.result}: ${stop.problem.message}`);
  return { result: stop.result, problems: [stop.problem] };
}

function overTime(domain: string): SpfStop {
  const message = 'the check took longer than it may';
  return { result: 'temperror', problem: problem('SPF_UNRESOLVED', atRrset(domain, 'TXT'), message, { rfc: 'RFC 7208 §4.6.4' }) };
}

/** RFC 7208 §6.1: the target's result is the result, explanation included; only "none" becomes an error. */
async function followRedirect(scope: TermScope, term: TermOf<'redirect'>): Promise<Verdict> {
  const target = await expandTarget(scope, term.domain);
  if (isStop(target)) return stopped(scope, target);
  note(scope.check, scope.depth, scope.domain, formatTerm(term), `on to ${target}`);
  const verdict = await checkHost(scope.check, target, scope.depth + 1, scope);
  return verdict.result === 'none' ? { result: 'permerror', problems: [...verdict.problems, noRecord(scope, target)] } : verdict;
}

function noRecord(scope: TermScope, target: string): Problem {
  return problem('SPF_INCLUDE', placeOfTerm(scope), `${target} has no SPF record`, {
    rfc: scope.term.kind === 'redirect' ? 'RFC 7208 §6.1' : 'RFC 7208 §5.2',
  });
}

async function matches(scope: TermScope, term: Directive): Promise<boolean | SpfStop> {
  const { ip } = scope.check;
  switch (term.kind) {
    case 'all':
      return true;
    case 'ip4':
    case 'ip6':
      // Never across families: an ip6 term with an IPv4-mapped address is for no client (RFC 7208 §5).
      return sharesPrefix(ip, literalIp(term.address), term.prefix);
    case 'include':
      return include(scope, term);
    default:
      break;
  }
  const target = await expandTarget(scope, term.domain);
  if (isStop(target)) return target;
  const name = targetName(target);
  // RFC 7208 §4.8 leaves open what a name is that DNS cannot have; here, as for many, it is one that does not exist.
  if (name === undefined) return false;
  if (term.kind === 'ptr') {
    // RFC 7208 §5.5
    const names = await validatedNames(scope);
    return isStop(names) ? names : names.some((each) => isAtOrBelow(ownerKey(each), ownerKey(name)));
  }
  if (term.kind === 'exists') {
    // RFC 7208 §5.7: always type A, whatever the client's family.
    const rdatas = await fetch(scope, name, TYPE.A);
    return isStop(rdatas) ? rdatas : rdatas.length > 0;
  }
  const prefix = ip.family === 4 ? term.prefix4 : term.prefix6;
  return term.kind === 'mx' ? matchesMx(scope, name, prefix) : matchesHost(scope, name, prefix);
}

/** RFC 7208 §5.2, the table: only pass matches, errors end the check, and no record is an error. */
async function include(scope: TermScope, term: TermOf<'include'>): Promise<boolean | SpfStop> {
  const target = await expandTarget(scope, term.domain);
  if (isStop(target)) return target;
  note(scope.check, scope.depth, scope.domain, formatTerm(term), `look into ${target}`);
  const verdict = await checkHost(scope.check, target, scope.depth + 1, scope);
  if (verdict.result === 'temperror' || verdict.result === 'permerror') return { result: verdict.result, problem: verdict.problems[0]! };
  if (verdict.result === 'none') return { result: 'permerror', problem: noRecord(scope, target) };
  return verdict.result === 'pass';
}
