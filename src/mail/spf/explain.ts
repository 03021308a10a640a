/**
 * What a domain has to say about a fail.
 * Implements: RFC 7208 §6.2: one TXT record, US-ASCII only, macros with c, r and t; anything wrong is as if there were no `exp`.
 */
import { TYPE } from '#dns/types.ts';
import { type SpfCheck, ask, macroContext, validatedNameForExplanation } from './lookup.ts';
import { type MacroString, expandMacros, parseMacros, usesLetter } from './macro.ts';
import { fitTarget, targetName } from './target.ts';
import { txtText } from '#mail/text/txt.ts';

/** The text, or undefined. Its look-ups are not counted (RFC 7208 §4.6.4). */
export async function explain(check: SpfCheck, exp: { domain: string; macros: MacroString }): Promise<string | undefined> {
  const name = targetName(fitTarget(await expand(check, exp.domain, exp.macros)));
  if (name === undefined) return undefined;
  const answer = await ask(check, name, TYPE.TXT);
  if (answer.kind !== 'answer' || answer.rdatas.length !== 1) return undefined;
  const text = txtText(answer.rdatas[0]!);
  const { macros, mistakes } = parseMacros(text, true);
  if (mistakes.length > 0 || /[^\x20-\x7e]/.test(text)) return undefined;
  const explanation = await expand(check, exp.domain, macros);
  // An explanation goes into an SMTP reply: what a hostile HELO or sender put into it must not break the line.
  return /[^\x20-\x7e]/.test(explanation) ? undefined : explanation;
}

async function expand(check: SpfCheck, domain: string, macros: MacroString): Promise<string> {
  const validatedName = usesLetter(macros, 'p') ? await validatedNameForExplanation(check, domain) : 'unknown';
  return expandMacros(macros, macroContext(check, domain, validatedName));
}
