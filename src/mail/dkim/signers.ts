/**
 * The signers that a policy names against those that are registered: a rotation that waits for one that does not exist
 * waits for ever.
 * Not here: the register (control/signers/register.ts), the wait itself (machine.ts).
 */
import { atObject } from '#base/place.ts';
import { type Problem, warning } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';

/** What the register of signers says of one: it makes its own keys, is given keys, or does not sign for this domain. */
export type SignerFact = 'own-key' | 'given' | 'other-domains';
/** Registered signers by name; undefined where there is no register. */
export type SignerFacts = ReadonlyMap<string, SignerFact> | undefined;

/** Warnings about signers in the policy of `domain` that will never acknowledge anything. */
export function absentSigners(names: readonly string[], signers: SignerFacts, domain: Name): Problem[] {
  if (signers === undefined) return [];
  const zone = formatName(domain).replace(/(?<=.)\.$/, '');
  return names.flatMap((name) => {
    const fact = signers.get(name);
    if (fact !== undefined && fact !== 'other-domains') return [];
    const code = fact === undefined ? 'SIGNER_NOT_FOUND' : 'SIGNER_DOMAIN';
    const why = `the mail policy of ${zone} names ${name}, which is ${absence(fact)}: rotations wait for it for ever`;
    return warning(code, atObject(name), why, {
      fix: `register it (waxseal dkim signer add ${name} --domain ${zone}), or take it out of dkim.signers`,
    });
  });
}

/** Why nothing was heard of a signer that is waited for. */
export function silenceOf(name: string, signers: SignerFacts): string | undefined {
  if (signers === undefined) return undefined;
  const fact = signers.get(name);
  if (fact !== undefined && fact !== 'other-domains') return 'has not said yet that it signs with the new key';
  return `is ${absence(fact)}, so it never says that it has switched: register it, or take it out of dkim.signers`;
}

function absence(fact: 'other-domains' | undefined): string {
  return fact === undefined ? 'not registered' : 'registered for other domains only';
}
