/**
 * Asks the name servers of a delegation, each by itself, for what the child wants of its parent: CDS, CDNSKEY and the
 * DNSKEY RRset that they are judged with.
 * Implements: RFC 9975 §3.1 (each server that the delegation names, directly), RFC 7344 §6.1 (polling).
 * Not here: what the answers prove (dnssec/delegation/judge-child.ts), when to ask (children.ts).
 */
import { DNS_PORT, type IpPort, formatIpPort, ipPort, parseIpPort } from '#base/address.ts';
import { CHILD_PLACES_MAX } from '#base/limits/dnssec.ts';
import { type Name, formatName, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { rcodeName } from '#dns/reply.ts';
import { type Resolver } from '#dns/resolver.ts';
import { RCODE, TYPE, type RrType } from '#dns/types.ts';
import { type ChildAnswer, type SignedRecords } from '#dnssec/delegation/judge-child.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type AskServer } from '#control/dnssec/parent.ts';
import { type HostAddresses, hostAddresses } from '#control/outside/host-addresses.ts';

export interface ChildLookOptions {
  readonly resolver: Resolver;
  readonly ask: AskServer;
  /** True for an address that may be asked though the child has named it. */
  readonly isAllowed: (ip: string) => boolean;
}

/** What every name server says; or why that is not known. */
export type ChildLook = { readonly answers: readonly ChildAnswer[] } | { readonly failure: string };

/** `servers`: asked in place of those that the delegation names. Never rejects. */
export async function lookAtChild(
  child: Name,
  view: ZoneView,
  servers: readonly string[],
  options: ChildLookOptions,
): Promise<ChildLook> {
  const places = servers.length > 0 ? fixedPlaces(servers) : await placesOf(child, view, options);
  if (typeof places === 'string') return { failure: places };
  if (places.length > CHILD_PLACES_MAX) return { failure: `it has ${places.length} addresses, more than are asked` };
  const looks = await Promise.all(places.map((place) => askPlace(child, place, options.ask)));
  const failed = looks.find((each) => typeof each === 'string');
  // RFC 9975 §3.1: what one server does not say could be something else.
  return failed === undefined ? { answers: looks.filter((each) => typeof each !== 'string') } : { failure: failed };
}

interface Place {
  readonly name: string;
  readonly server: IpPort;
}

function fixedPlaces(servers: readonly string[]): Place[] {
  return servers.flatMap((text) => {
    const parsed = parseIpPort(text, undefined, DNS_PORT);
    return parsed.ok ? [{ name: formatIpPort(parsed.value), server: parsed.value }] : [];
  });
}

/** Every address of every name server; or why one is not known. */
async function placesOf(child: Name, view: ZoneView, options: ChildLookOptions): Promise<readonly Place[] | string> {
  const hosts = rrsetOf(view.node(ownerKey(child)), TYPE.NS)?.rdatas ?? [];
  if (hosts.length === 0) return 'it is no delegation any more';
  const places: Place[] = [];
  for (const host of hosts) {
    const name = formatName(host).toLowerCase().replace(/\.$/, '');
    const { addresses, failure } = await addressesOf(child, host, view, options.resolver);
    // RFC 9975 §3.1: an address that is not known could be that of a server that says something else.
    if (failure !== undefined) return `its name server ${name}: ${failure}`;
    if (addresses.length === 0) return `its name server ${name} has no address that can be found`;
    const barred = addresses.find((ip) => !options.isAllowed(ip));
    if (barred !== undefined)
      return `its name server ${name} has the address ${barred}, which no host outside can reach (mail.probe_networks)`;
    places.push(...addresses.map((ip) => ({ name: `${name} ${ip}`, server: ipPort(ip, DNS_PORT) })));
  }
  return places;
}

/** Glue where the delegation has it, and a look-up elsewhere. */
async function addressesOf(child: Name, host: Name, view: ZoneView, resolver: Resolver): Promise<HostAddresses> {
  if (!isAtOrBelow(ownerKey(host), ownerKey(child))) return hostAddresses(host, resolver);
  const node = view.node(ownerKey(host));
  const glue = (type: RrType) => (rrsetOf(node, type)?.rdatas ?? []).map((rdata) => formatRdata(type, rdata));
  return { addresses: [...glue(TYPE.A), ...glue(TYPE.AAAA)] };
}

/** Three questions, one after the other; a text: what went wrong. */
async function askPlace(child: Name, { name, server }: Place, ask: AskServer): Promise<ChildAnswer | string> {
  const found: SignedRecords[] = [];
  for (const type of [TYPE.CDS, TYPE.CDNSKEY, TYPE.DNSKEY]) {
    const answer = await ask(server, child, type);
    if ('failure' in answer) return `${name} ${answer.failure}`;
    const { rcode, isAuthoritative, records, count, signatures = [] } = answer.reply;
    if (rcode !== RCODE.NOERROR) return `${name} answers ${rcodeName(rcode)}`;
    if (!isAuthoritative) return `${name} answers without authority`;
    if (count > records.length) return `${name} has ${count} records of one type, more than are looked at`;
    const ttl = Math.max(0, ...records.map((each) => each.ttl));
    // Copies: a datagram is not kept for one record of it.
    const rdatas = records.map(({ rdata }) => new Uint8Array(rdata));
    found.push({ ttl, rdatas, signatures });
  }
  const [cds, cdnskey, dnskey] = found;
  return { place: name, cds: cds!, cdnskey: cdnskey!, dnskey: dnskey! };
}
