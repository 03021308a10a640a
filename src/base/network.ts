/**
 * Networks as people write them (`192.0.2.0/24`, `2001:db8::/32`, or one address), and whether a client is in one of them.
 * Implements: RFC 4632 §3.1, RFC 4291 §2.3.
 */
import { isIP } from 'node:net';
import { type ClientAddress, IPV4_BYTES, IPV6_BYTES, newClientAddress, setClientAddress } from './client-address.ts';

export interface Network {
  /** 4 or 16, network order. */
  readonly octets: Uint8Array;
  /** Leading bits that count. */
  readonly bits: number;
}

/** Undefined: not a network. Bits behind the prefix may be set; they do not count. */
export function parseNetwork(text: string): Network | undefined {
  const match = /^(?<address>[^/%]+)(?:\/(?<bits>\d{1,3}))?$/.exec(text);
  const address = match?.groups?.['address'];
  if (address === undefined || isIP(address) === 0) return undefined;
  const client = newClientAddress();
  setClientAddress(client, address);
  const bits = match?.groups?.['bits'];
  // `::ffff:192.0.2.0/120` is read as IPv4 by then, and its length would mean something else.
  if (isIP(address) === 6 && client.length === IPV4_BYTES) return undefined;
  const length = bits === undefined ? 8 * client.length : Number(bits);
  return length > 8 * client.length ? undefined : { octets: client.octets.slice(0, client.length), bits: length };
}

/** Some networks, made for asking often. */
export class NetworkSet {
  readonly #networks: readonly Network[];

  constructor(networks: readonly Network[]) {
    this.#networks = networks;
  }

  has(client: ClientAddress): boolean {
    const networks = this.#networks;
    for (let each = 0; each < networks.length; each++) if (isIn(networks[each]!, client)) return true;
    return false;
  }
}

/** Whether the address `text` is in one of `networks`; false for what is no address. */
export function isAddressIn(text: string, networks: readonly string[]): boolean {
  if (isIP(text) === 0) return false;
  const client = newClientAddress();
  setClientAddress(client, text);
  return new NetworkSet(networks.flatMap((each) => parseNetwork(each) ?? [])).has(client);
}

function isIn({ octets, bits }: Network, client: ClientAddress): boolean {
  if (octets.length !== client.length) return false;
  const whole = bits >> 3;
  for (let each = 0; each < whole; each++) if (octets[each] !== client.octets[each]) return false;
  const rest = bits & 7;
  return rest === 0 || (octets[whole]! ^ client.octets[whole]!) >> (8 - rest) === 0;
}

/** The first `bits` of an address as text: `192.0.2.0/24`, `2001:db8:0:0:0:0:0:0/56`. For logs. */
export function formatNetwork(octets: Uint8Array, bits: number): string {
  const kept = octets.map((octet, at) => (at < bits >> 3 ? octet : at === bits >> 3 ? octet & ~(0xff >> (bits & 7)) : 0));
  if (kept.length !== IPV6_BYTES) return `${kept.join('.')}/${bits}`;
  const groups = Array.from({ length: 8 }, (_, each) => ((kept[2 * each]! << 8) | kept[2 * each + 1]!).toString(16));
  return `${groups.join(':')}/${bits}`;
}
