/**
 * Look-ups as a recursive resolver would give them, with our own zones answered from the store: what is published here counts at once,
 * caches elsewhere do not come into it. Names outside, and aliases that lead there, go to the resolver behind.
 * Not here: asking the outside (outside-resolver.ts).
 */
import { ALIAS_STEPS_MAX } from '#base/limits/answer.ts';
import { type Name, equalNames } from '#dns/name.ts';
import { RCODE, TYPE, type RrType } from '#dns/types.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type Response } from '#zone/lookup.ts';

/** The oracle on the store, without signatures. */
export type StoreQuery = (name: Name, type: RrType) => Response;

/** A resolver that asks `query` first and `outside` for what is not ours. */
export function storeResolver(query: StoreQuery, outside: Resolver): Resolver {
  return {
    async lookup(name, type) {
      const response = query(name, type);
      if (response.rcode === RCODE.REFUSED) return outside.lookup(name, type);
      // RFC 1034 §4.3.2 step 3a: a question for the alias itself is not followed.
      const end = type === TYPE.CNAME ? name : endOfAliases(name, response);
      const found = response.answer.find((rrset) => rrset.type === type && equalNames(rrset.owner, end));
      if (found !== undefined)
        return { kind: 'answer', rdatas: found.rdatas, ttlSeconds: Math.min(...response.answer.map((rrset) => rrset.ttl)) };
      if (response.rcode === RCODE.NXDOMAIN) return { kind: 'nxdomain', ...negativeTtl(response) };
      if (response.rcode !== RCODE.NOERROR) return { kind: 'servfail', reason: `our own zone answers with rcode ${response.rcode}` };
      if (response.authority.some((rrset) => rrset.type === TYPE.SOA)) return { kind: 'nodata', ...negativeTtl(response) };
      // A referral, or an alias that leads out of what we serve.
      return isDelegated(response) || !equalNames(end, name) ? outside.lookup(end, type) : { kind: 'nodata' };
    },
  };
}

/** The name that the CNAMEs in the answer lead to. */
function endOfAliases(name: Name, { answer }: Response): Name {
  let end = name;
  for (let steps = 0; steps < ALIAS_STEPS_MAX; steps++) {
    const alias = answer.find((rrset) => rrset.type === TYPE.CNAME && equalNames(rrset.owner, end));
    if (alias === undefined) break;
    end = alias.rdatas[0]!;
  }
  return end;
}

function isDelegated({ authority }: Response): boolean {
  return authority.some((rrset) => rrset.type === TYPE.NS);
}

function negativeTtl({ authority }: Response): { readonly ttlSeconds?: number } {
  const soa = authority.find((rrset) => rrset.type === TYPE.SOA);
  return soa === undefined ? {} : { ttlSeconds: soa.ttl };
}
