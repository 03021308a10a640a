/** What is wrong when a command would change a zone that another signer keeps signed. */
import { atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';

/** Why a pre-signed zone takes no other change. */
export function presignedOnly(name: string): Problem {
  const why = `${name} is pre-signed: only the signer of its signatures can change it; nothing was changed`;
  const file = `waxseal zone import ${name} FILE --presigned`;
  return problem('ZONE_PRESIGNED', atZone(name), why, {
    fix: `change and sign it there, then: ${file}; or bring its keys: waxseal dnssec key import ${name} FILE…`,
  });
}
