/** Hosts that take mail for a domain. Implements: RFC 5321 §5.1, RFC 7505 §3. */
import { type Name, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { rrsetOf, type ZoneView } from '#zone/view.ts';

/** Those of its MX, or itself where it has an address and no MX; none with a null MX. */
export function mailHosts(view: ZoneView, domain: Name): Name[] {
  const node = view.node(ownerKey(domain));
  const mx = rrsetOf(node, TYPE.MX);
  if (mx !== undefined) return mx.rdatas.map((rdata) => rdata.subarray(2)).filter((host) => host.length > 1);
  return rrsetOf(node, TYPE.A) === undefined && rrsetOf(node, TYPE.AAAA) === undefined ? [] : [domain];
}
