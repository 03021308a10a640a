/**
 * Does a client's address belong to the hosts that a mechanism names?
 * Implements: RFC 7208 §5.3 (a), §5.4 (mx), with §4.6.4 (at most ten mail hosts).
 * Not here: the other mechanisms, which need no hosts or all of the check (evaluate.ts).
 */
import { readU16 } from '#base/bytes.ts';
import { problem } from '#base/problem.ts';
import { SPF_MX_NAMES_MAX } from '#base/limits/spf.ts';
import { compareKeys, type Name, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { sharesPrefix } from './ip.ts';
import { type SpfStop, type TermScope, fetch, fetchAddresses, isStop, placeOfTerm } from './lookup.ts';

export async function matchesHost(scope: TermScope, name: Name, prefix: number): Promise<boolean | SpfStop> {
  const addresses = await fetchAddresses(scope, name);
  return isStop(addresses) ? addresses : addresses.some((address) => sharesPrefix(scope.check.ip, address, prefix));
}

/** RFC 7208 §5.4: the hosts in order of preference; no MX is no match, never the domain's own address. */
export async function matchesMx(scope: TermScope, domain: Name, prefix: number): Promise<boolean | SpfStop> {
  const rdatas = await fetch(scope, domain, TYPE.MX);
  if (isStop(rdatas)) return rdatas;
  for (const [index, host] of mxHosts(rdatas).entries()) {
    // RFC 7208 §4.6.4: looking up an eleventh host is an error; a match among the first ten comes before that.
    if (index === SPF_MX_NAMES_MAX) {
      const message = `more than ${SPF_MX_NAMES_MAX} mail hosts`;
      return { result: 'permerror', problem: problem('SPF_MX_NAMES', placeOfTerm(scope), message, { rfc: 'RFC 7208 §4.6.4' }) };
    }
    const match = await matchesHost(scope, host, prefix);
    if (match !== false) return match;
  }
  return false;
}

/** Host names of MX RDATA by preference, then by name, so that the order of an answer does not matter. A null MX (RFC 7505) has none. */
export function mxHosts(rdatas: readonly Uint8Array[]): Name[] {
  return rdatas
    .map((rdata) => ({ preference: readU16(rdata, 0), host: rdata.subarray(2) }))
    .filter(({ host }) => host.length > 1)
    .toSorted((a, b) => a.preference - b.preference || compareKeys(ownerKey(a.host), ownerKey(b.host)))
    .map(({ host }) => host);
}
