/**
 * Mechanisms that are written as modifiers: `include=` for `include:`.
 * Implements: RFC 7208 §6 (what has "=" is a modifier, and one that is not known is ignored).
 * Not here: terms that no receiver can read (parse.ts).
 */
import { type Place } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';

/** An error for each: what was meant does not happen. */
export function spfSigns(text: string, at: Place): Problem[] {
  return [...text.matchAll(/(?<= )[-+~?]?(?:include|exists|ip4|ip6|ptr|mx|a)=[^ ]*/gi)].map(([term]) =>
    problem('SPF_SIGN', at, `${JSON.stringify(term)} is read as a modifier that no receiver knows, and ignored`, {
      rfc: 'RFC 7208 §6',
      fix: `write ${term.replace('=', ':')}`,
    }),
  );
}
