/**
 * Networks that an SPF record names by mistake: those that no receiver meets as a client on the internet, and very
 * large ones.
 * Implements: RFC 6890 §2.2.2–2.2.3 (special-purpose addresses).
 * Not here: addresses for documentation, which examples use; `/0`, which is a warning of its own (parse.ts).
 */
import { SPF_NETWORK_PREFIX_MIN } from '#base/limits/spf.ts';
import { type Network, networkOf, parseNetwork } from './ip.ts';

const UNSEEN: readonly (readonly [Network, string])[] = [
  ['0.0.0.0/8', 'of "this network"'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'shared behind the NAT of a provider'],
  ['127.0.0.0/8', 'of the host itself'],
  ['169.254.0.0/16', 'of one link'],
  ['172.16.0.0/12', 'private'],
  ['192.168.0.0/16', 'private'],
  ['224.0.0.0/3', 'of multicast, or reserved'],
  ['::/127', 'of the host itself'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'of one link'],
  ['ff00::/8', 'of multicast'],
].map(([text, why]) => [parseNetwork(text!), why!] as const);

/** Why `network` is a mistake in a public record, to follow the term and a colon; undefined: it is none. */
export function oddNetwork(network: Network): string | undefined {
  const { family, prefix } = network;
  if (prefix === 0) return undefined;
  const unseen = UNSEEN.find(([each]) => {
    return each.family === family && prefix >= each.prefix && networkOf(network, each.prefix).value === each.value;
  });
  if (unseen !== undefined) return `the address is ${unseen[1]}, and receivers on the internet see no such client`;
  if (prefix >= SPF_NETWORK_PREFIX_MIN[family]) return undefined;
  return `the network is as large as 1 in ${2 ** prefix} of all IPv${family} addresses`;
}
