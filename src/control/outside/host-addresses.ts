/**
 * Every address of a host, of both families, and whether a family is not known: who must ask all of a name server's
 * addresses must not take half of them for the whole.
 * Implements: RFC 1035 §3.4.1 (A), RFC 3596 §2.1 (AAAA).
 * Not here: which of them may be asked (probe-addresses.ts).
 */
import { type Name } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { type Resolver, isTransient } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';

const FAMILIES = [
  { type: TYPE.A, word: 'IPv4' },
  { type: TYPE.AAAA, word: 'IPv6' },
] as const;

export interface HostAddresses {
  /** Sorted as texts. */
  readonly addresses: readonly string[];
  /** Why there may be others too, for people: `its IPv6 addresses cannot be looked up: timeout`. */
  readonly failure?: string;
}

/** Never rejects. No address and no failure: the host has none. */
export async function hostAddresses(host: Name, resolver: Resolver): Promise<HostAddresses> {
  const answers = await Promise.all(FAMILIES.map(({ type }) => resolver.lookup(host, type)));
  const addresses = answers.flatMap((answer, at) =>
    answer.kind === 'answer' ? answer.rdatas.map((rdata) => formatRdata(FAMILIES[at]!.type, rdata)) : [],
  );
  const failures = answers.flatMap((answer, at) =>
    isTransient(answer) ? [{ word: FAMILIES[at]!.word, why: answer.reason ?? answer.kind }] : [],
  );
  const sorted = addresses.toSorted();
  if (failures.length === 0) return { addresses: sorted };
  const which = failures.length === FAMILIES.length ? '' : `${failures[0]!.word} `;
  return { addresses: sorted, failure: `its ${which}addresses cannot be looked up: ${failures[0]!.why}` };
}
