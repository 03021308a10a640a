/**
 * What an SPF record means to receivers, equal for equal meanings: `+mx` and `MX`, `/32` and none, terms that are never reached.
 * Implements: RFC 7208 §4.6.1 (case), §4.6.2 ("+"), §4.7 (no match is neutral), §5.1 (what follows "all"), §5.6 (host bits), §6.
 * Not here: the canonical text, which keeps what its author wrote (spf.ts).
 */
import { literalIp, networkOf } from './ip.ts';
import { type MacroString } from './macro.ts';
import { parseSpf } from './parse.ts';
import { type Term, effectiveTerms, formatTerm, modifierOf } from './spf.ts';

/** Undefined when receivers cannot read the record. */
export function spfMeaning(text: string): string | undefined {
  const parsed = parseSpf(text);
  if (!parsed.ok) return undefined;
  const record = parsed.value;
  const explanation = modifierOf(record, 'exp');
  // The first term that matches decides: the same once more is never reached.
  const terms = [...new Set(effectiveTerms(record).map(termMeaning))].filter((each) => each !== '?all');
  return [...terms, ...(explanation === undefined ? [] : [termMeaning(explanation)])].join(' ');
}

function termMeaning(term: Term): string {
  if (term.kind === 'ip4' || term.kind === 'ip6') {
    const network = networkOf(literalIp(term.address), term.prefix);
    return `${term.qualifier}ip${network.family}:${network.value}/${term.prefix}`;
  }
  if ('domain' in term && term.domain !== undefined) return formatTerm({ ...term, domain: lowerTexts(term.domain) });
  return formatTerm(term);
}

/** Names have no case; macro letters do: in upper case they are URL-escaped. */
function lowerTexts(macros: MacroString): MacroString {
  return macros.map((part) => (part.kind === 'text' ? { ...part, text: part.text.toLowerCase() } : part));
}
