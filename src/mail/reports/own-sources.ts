/**
 * Addresses that SPF of a domain names, as far as they are known without a query to another server: `ip4`, `ip6`, `a`
 * and `mx` of the domain itself where the zone has their addresses, and includes that are published as addresses.
 * Implements: RFC 7208 §5.3, §5.4, §5.6, for terms that pass.
 * Not here: SPF for a message (mail/spf/evaluate.ts).
 */
import { type Name, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { mailHosts } from '#mail/mail-hosts.ts';
import { type SpfPolicy } from '#mail/spf/settle.ts';
import { type SpfState } from '#mail/spf/parts.ts';
import { type Network, addressBits, ipOfOctets, networkOf, parseIp, parseNetwork, sharesPrefix } from '#mail/spf/ip.ts';

/** A check for addresses in text. */
export function ownSources(view: ZoneView, { mechanisms }: SpfPolicy, spf: SpfState | undefined): (address: string) => boolean {
  const networks: Network[] = [];
  for (const term of mechanisms) {
    const text = term.replace(/^\+/, '').toLowerCase();
    const literal = /^ip[46]:(.+)$/.exec(text)?.[1];
    if (literal !== undefined && /^[0-9a-f.:]+(?:\/\d{1,3})?$/.test(literal)) networks.push(parseNetwork(literal));
    if (text === 'mx') networks.push(...mailHosts(view, view.apex).flatMap((host) => addressesOf(view, host)));
    if (text === 'a') networks.push(...addressesOf(view, view.apex));
  }
  for (const source of spf?.sources ?? []) networks.push(...source.networks.map(parseNetwork));
  return (address) => {
    const ip = parseIp(address);
    return ip !== undefined && networks.some((network) => sharesPrefix(ip, network, network.prefix));
  };
}

function addressesOf(view: ZoneView, host: Name): Network[] {
  const node = view.node(ownerKey(host));
  const rdatas = [TYPE.A, TYPE.AAAA].flatMap((type) => rrsetOf(node, type)?.rdatas ?? []);
  return rdatas.map((rdata) => {
    const ip = ipOfOctets(rdata);
    return networkOf(ip, addressBits(ip.family));
  });
}
