/**
 * CAA records of a domain and of its hosts, and beside them who issued the certificates that the hosts present.
 * Implements: RFC 8659 §3 (the nearest name at or above that has CAA records), §4.3 (wildcards).
 * Not here: what a set allows (certificate/caa.ts), names of CAs (certificate/public-cas.ts), judging (caa.ts).
 */
import { CHECK_CAA_LABELS_MAX } from '#base/limits/outside.ts';
import { type PublicIssuer, publicIssuerOf } from '#certificate/public-cas.ts';
import { type Name, ROOT, formatName, parentName } from '#dns/name.ts';
import { type Resolver, isTransient } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { type HostSeen } from '#mail/dane/live.ts';
import { type CaaFacts, type IssuerFacts } from './facts.ts';

export async function lookAtCaa(at: Name, resolver: Resolver): Promise<CaaFacts> {
  let name = at;
  for (let labels = 0; labels < CHECK_CAA_LABELS_MAX && name.length > ROOT.length; labels++) {
    const answer = await resolver.lookup(name, TYPE.CAA);
    const owner = formatName(name);
    if (answer.kind === 'answer') return { owner, rdatas: answer.rdatas };
    if (isTransient(answer))
      return { rdatas: [], failure: `${owner} CAA cannot be looked up: ${answer.reason ?? answer.kind}` };
    name = parentName(name);
  }
  return { rdatas: [] };
}

/** Each CA once that the host's certificates are from, at any address, with the CAA records that count for it. */
export async function lookAtIssuers(
  host: Name,
  seen: HostSeen | undefined,
  resolver: Resolver,
): Promise<readonly IssuerFacts[]> {
  const text = formatName(host).replace(/\.$/, '');
  const addresses = seen === undefined || 'failure' in seen ? [] : seen.addresses;
  const issuers = new Map<string, PublicIssuer>();
  for (const each of addresses) {
    const issuer = 'chain' in each && each.chain.length > 0 ? publicIssuerOf(each.chain[0]!, text) : undefined;
    if (issuer !== undefined) issuers.set(`${issuer.organization} ${issuer.isWildcard}`, issuer);
  }
  return Promise.all(
    [...issuers.values()].map(async (issuer) => {
      // RFC 8659 §3: of a wildcard name, the domain that the wildcard is in.
      return { ...issuer, caa: await lookAtCaa(issuer.isWildcard ? parentName(host) : host, resolver) };
    }),
  );
}
