/**
 * SPF records: what they consist of, their canonical text, and which TXT records are SPF at all.
 * Implements: RFC 7208 §4.5 (selection), §4.6.1 (terms), §5 (mechanisms), §6 (modifiers), §12 (grammar).
 * Not here: reading (parse.ts), macros (macro.ts), evaluation (evaluate.ts).
 */
import { txtText } from '#mail/text/txt.ts';
import { type MacroString, formatMacros } from './macro.ts';

/** What a match means: pass, fail, softfail, neutral. */
export type Qualifier = '+' | '-' | '~' | '?';

/** One member for each kind, so that the compiler can tell them apart. */
type Kinds<Kind extends string, Rest> = Kind extends Kind ? { readonly kind: Kind } & Readonly<Rest> : never;

export type Directive =
  | Kinds<'all', { qualifier: Qualifier }>
  | Kinds<'include' | 'exists', { qualifier: Qualifier; domain: MacroString }>
  /** Without `domain` it is the record's own. The prefix lengths are for A and for AAAA. */
  | Kinds<'a' | 'mx', { qualifier: Qualifier; domain: MacroString | undefined; prefix4: number; prefix6: number }>
  | Kinds<'ptr', { qualifier: Qualifier; domain: MacroString | undefined }>
  /** `address` is canonical text (RFC 5952 for IPv6), host bits as given. */
  | Kinds<'ip4' | 'ip6', { qualifier: Qualifier; address: string; prefix: number }>;

export type Modifier =
  | Kinds<'redirect' | 'exp', { domain: MacroString }>
  /** One that this version of SPF does not know and ignores (RFC 7208 §6). `name` is lower-case. */
  | Kinds<'unknown', { name: string; value: MacroString }>;

export type Term = Directive | Modifier;

/** A well-formed record; terms in the order given. `redirect` and `exp` at most once. */
export interface SpfRecord {
  readonly terms: readonly Term[];
}

/** The kind of term named. */
export type TermOf<Kind extends Term['kind']> = Extract<Term, { kind: Kind }>;

/** True for terms that can match a client. */
export function isDirective(term: Term): term is Directive {
  return term.kind !== 'redirect' && term.kind !== 'exp' && term.kind !== 'unknown';
}

/** The record's `redirect` or `exp`, wherever it stands. */
export function modifierOf<Kind extends 'redirect' | 'exp'>(record: SpfRecord, kind: Kind): TermOf<Kind> | undefined {
  return record.terms.find((term): term is TermOf<Kind> => term.kind === kind);
}

/** RFC 7208 §6.1: with an `all` anywhere, `redirect` is ignored. */
export function redirectOf(record: SpfRecord): TermOf<'redirect'> | undefined {
  return record.terms.some((term) => term.kind === 'all') ? undefined : modifierOf(record, 'redirect');
}

/** RFC 7208 §4.6.4: terms that cause look-ups and are counted. */
export function costsLookup(term: Term): boolean {
  return ['include', 'a', 'mx', 'ptr', 'exists', 'redirect'].includes(term.kind);
}

/** The terms that can have a say: directives up to the first `all` with it, then an effective `redirect`. */
export function effectiveTerms(record: SpfRecord): (Directive | TermOf<'redirect'>)[] {
  const directives = record.terms.filter(isDirective);
  const all = directives.findIndex((term) => term.kind === 'all');
  const redirect = redirectOf(record);
  return [...(all < 0 ? directives : directives.slice(0, all + 1)), ...(redirect === undefined ? [] : [redirect])];
}

/** One term in canonical text: lower-case mechanism, no "+", no prefix length that is the default. */
export function formatTerm(term: Term): string {
  switch (term.kind) {
    case 'redirect':
    case 'exp':
      return `${term.kind}=${formatMacros(term.domain)}`;
    case 'unknown':
      return `${term.name}=${formatMacros(term.value)}`;
    default: {
      const qualifier = term.qualifier === '+' ? '' : term.qualifier;
      return `${qualifier}${term.kind}${directiveArgument(term)}`;
    }
  }
}

function directiveArgument(term: Directive): string {
  if (term.kind === 'all') return '';
  if (term.kind === 'ip4' || term.kind === 'ip6') {
    return `:${term.address}${term.prefix === (term.kind === 'ip4' ? 32 : 128) ? '' : `/${term.prefix}`}`;
  }
  const domain = term.domain === undefined ? '' : `:${formatMacros(term.domain)}`;
  if (term.kind !== 'a' && term.kind !== 'mx') return domain;
  return `${domain}${term.prefix4 === 32 ? '' : `/${term.prefix4}`}${term.prefix6 === 128 ? '' : `//${term.prefix6}`}`;
}

/** The canonical text; `parseSpf(formatSpf(r))` gives `r` back. */
export function formatSpf(record: SpfRecord): string {
  return ['v=spf1', ...record.terms.map(formatTerm)].join(' ');
}

/** RFC 7208 §4.5: the version must be followed by a space or the end, in any case: `v=spf10` is something else. */
export function isSpfText(text: string): boolean {
  return /^v=spf1(?: |$)/i.test(text);
}

/** Texts of those TXT records that are SPF records; other TXT at the name is none of SPF's business. */
export function selectSpf(rdatas: readonly Uint8Array[]): string[] {
  return rdatas.map(txtText).filter(isSpfText);
}
