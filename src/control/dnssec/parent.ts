/**
 * The parent's name servers: found through the resolvers, asked one by one for the zone's DS records, and what an
 * answer proves. A server that does not answer, or not with authority, proves nothing.
 * Implements: RFC 1034 §4.2.1 (the zone above is the nearest name with NS), RFC 4035 §3.1.4.1 (DS is the parent's),
 * RFC 7583 §3.3 (all of them).
 * Not here: one question (control/outside/direct-question.ts), when to ask (upkeep.ts).
 */
import { DNS_PORT, type IpPort, formatIpPort, ipPort, parseIpPort } from '#base/address.ts';
import { PARENT_DS_MAX, PARENT_LABELS_MAX, PARENT_PLACES_MAX, PARENT_ZONES_MAX } from '#base/limits/dnssec.ts';
import { equalBytes } from '#base/bytes.ts';
import { type Problem } from '#base/problem.ts';
import { type Name, ROOT, formatName, parentName } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { rcodeName } from '#dns/reply.ts';
import { type Resolver, isTransient } from '#dns/resolver.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { type ZoneKey } from '#dnssec/rollover/keys.ts';
import { type DirectReply, askDirectly } from '#control/outside/direct-question.ts';
import { hostAddresses } from '#control/outside/host-addresses.ts';

/** One address of one of the parent's servers. */
export interface ParentPlace {
  /** As evidence calls it: `a.nic.example 192.0.2.1`, or `192.0.2.1:53`. */
  readonly name: string;
  readonly server: IpPort;
}

export interface LocatedParent {
  readonly apex?: Name;
  readonly places: readonly ParentPlace[];
  /** Why they could not be found now; `places` are those of before. */
  readonly failure?: string;
}

interface Unfound {
  readonly failure: string;
}

/** What one of them says. */
export interface ParentLook {
  readonly place: string;
  /** Undefined: nothing that proves anything. */
  readonly ds?: readonly Uint8Array[];
  readonly ttlSeconds?: number;
  /** For people. */
  readonly text: string;
}

/** What a look showed. Counted time. */
export interface ParentFound {
  readonly atMs: number;
  readonly servers: readonly {
    readonly place: string;
    readonly text: string;
    /** What is wrong with it. */
    readonly problem: string | undefined;
  }[];
  /** Why no server was found to be asked. */
  readonly failure?: string;
}

export type AskServer = (server: IpPort, name: Name, type: number) => Promise<DirectReply>;

export class ParentServers {
  readonly #resolver: Resolver;
  readonly #ask: AskServer;
  /** By zone. */
  readonly #places = new Map<string, readonly ParentPlace[]>();
  readonly #found = new Map<string, ParentFound>();
  readonly #unfound = new Map<string, string>();

  constructor(resolver: Resolver, ask: AskServer = askDirectly) {
    this.#resolver = resolver;
    this.#ask = ask;
  }

  /** Those found last; none before the first look. */
  places(zone: Name): readonly ParentPlace[] {
    return this.#places.get(formatName(zone)) ?? [];
  }

  /** What the last look showed, and what is wrong with it, by place. */
  noteFound(zone: Name, looks: readonly ParentLook[], problems: ReadonlyMap<string, Problem>, atMs: number): void {
    if (this.#found.size >= PARENT_ZONES_MAX) this.#found.clear();
    const servers = looks.map(({ place, text }) => ({ place, text, problem: problems.get(place)?.message }));
    this.#found.set(formatName(zone), { atMs, servers });
  }

  /** They could not be found at the last look: what was seen before is not shown as if it were of now. */
  noteUnfound(zone: Name, atMs: number): void {
    const failure = this.#unfound.get(formatName(zone));
    if (failure === undefined || this.found(zone)?.failure === failure) return;
    this.#found.set(formatName(zone), { atMs, servers: [], failure });
  }

  /** Undefined before the first look since the start. */
  found(zone: Name): ParentFound | undefined {
    return this.#found.get(formatName(zone));
  }

  /** Finds the servers, or takes those of the policy, and asks each. */
  async look(zone: Name, fixed: readonly string[] = []): Promise<readonly ParentLook[]> {
    const { places, failure } = await this.locate(zone, fixed);
    if (failure === undefined) this.#unfound.delete(formatName(zone));
    else this.#unfound.set(formatName(zone), failure);
    return Promise.all(places.map(async ({ name, server }) => readLook(name, await this.#ask(server, zone, TYPE.DS))));
  }

  /** The servers, those of before when they cannot be found now, and the zone above where the search has told it. */
  async locate(zone: Name, fixed: readonly string[] = []): Promise<LocatedParent> {
    const found = fixed.length > 0 ? { places: fixed.flatMap(fixedPlace) } : await this.#find(zone);
    if (this.#places.size >= PARENT_ZONES_MAX) this.#places.clear();
    if (this.#unfound.size >= PARENT_ZONES_MAX) this.#unfound.clear();
    if ('failure' in found) return { places: this.places(zone), failure: found.failure };
    this.#places.set(formatName(zone), found.places);
    return found;
  }

  async #find(zone: Name): Promise<LocatedParent | Unfound> {
    let above = zone;
    for (let labels = 0; labels < PARENT_LABELS_MAX && above.length > ROOT.length; labels++) {
      above = parentName(above);
      const answer = await this.#resolver.lookup(above, TYPE.NS);
      const text = formatName(above);
      if (isTransient(answer)) return { failure: `${text} NS cannot be looked up: ${answer.reason ?? answer.kind}` };
      if (answer.kind !== 'answer') continue;
      const places = await this.#addresses(answer.rdatas);
      return 'failure' in places ? { failure: `${text}: ${places.failure}` } : { places, apex: above };
    }
    return { failure: 'no name above it has NS records' };
  }

  /** RFC 7583 §3.3: all of them. A server with an address that is not known, or not asked, could have other records. */
  async #addresses(hosts: readonly Name[]): Promise<readonly ParentPlace[] | Unfound> {
    if (hosts.length > PARENT_PLACES_MAX) return { failure: `it has ${hosts.length} servers, more than are asked` };
    const found = await Promise.all(
      hosts.map(async (host) => {
        const { addresses, failure } = await hostAddresses(host, this.#resolver);
        const name = formatName(host).toLowerCase().replace(/\.$/, '');
        const places = addresses.map((ip) => ({ name: `${name} ${ip}`, server: ipPort(ip, DNS_PORT) }));
        const none = places.length === 0 ? 'it has no address' : undefined;
        return { name, places, failure: failure ?? none };
      }),
    );
    const unknown = found.find(({ failure }) => failure !== undefined);
    if (unknown !== undefined) return { failure: `its server ${unknown.name}: ${unknown.failure}` };
    const places = found.flatMap((each) => each.places).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    if (places.length <= PARENT_PLACES_MAX) return places;
    return { failure: `its servers have ${places.length} addresses, more than are asked` };
  }
}

function fixedPlace(text: string): ParentPlace[] {
  const parsed = parseIpPort(text, undefined, DNS_PORT);
  return parsed.ok ? [{ name: formatIpPort(parsed.value), server: parsed.value }] : [];
}

function readLook(place: string, answer: DirectReply): ParentLook {
  if ('failure' in answer) return { place, text: answer.failure };
  const { rcode, isAuthoritative, records, count } = answer.reply;
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return { place, text: `answers ${rcodeName(rcode)}` };
  if (!isAuthoritative) return { place, text: 'answers without authority for the zone above' };
  if (count > PARENT_DS_MAX) return { place, text: `answers with ${count} DS records, more than are looked at` };
  if (count === 0) return { place, ds: [], ttlSeconds: 0, text: rcode === RCODE.NXDOMAIN ? 'NXDOMAIN' : 'no DS' };
  const ds = records.map(({ rdata }) => rdata);
  const ttlSeconds = Math.max(...records.map(({ ttl }) => ttl));
  return { place, ds, ttlSeconds, text: ds.map((rdata) => `DS ${formatRdata(TYPE.DS, rdata)}`).join(' | ') };
}

/** Whether a DS record is of this key. SHA-1 digests count by tag and algorithm. */
export function isDsOf(rdata: Uint8Array, zone: Name, { dnskey }: Pick<ZoneKey, 'dnskey'>): boolean {
  const octets = new Uint8Array(Buffer.from(dnskey, 'base64'));
  const digests = ([2, 4] as const).map((digest) => dsRdata(zone, octets, digest));
  const isSha1 = rdata[3] === 1 && equalBytes(digests[0]!.subarray(0, 3), rdata.subarray(0, 3));
  return isSha1 || digests.some((digest) => equalBytes(digest, rdata));
}

/** Whether exactly the DS records of `keys` are there. SHA-1 digests of them beside others do no harm. */
export function judgeDs(
  { ds, text }: ParentLook,
  zone: Name,
  keys: readonly Pick<ZoneKey, 'dnskey'>[],
): { readonly isGood: boolean; readonly text: string } {
  if (ds === undefined) return { isGood: false, text };
  if (keys.length === 0) return { isGood: ds.length === 0, text };
  const good = keys.map(({ dnskey }) => {
    const octets = new Uint8Array(Buffer.from(dnskey, 'base64'));
    return { digests: ([2, 4] as const).map((digest) => dsRdata(zone, octets, digest)) };
  });
  const isOfKey = (rdata: Uint8Array): boolean =>
    good.some(({ digests }) => digests.some((digest) => equalBytes(digest, rdata)));
  const isSha1 = (rdata: Uint8Array): boolean =>
    rdata[3] === 1 && good.some(({ digests }) => equalBytes(digests[0]!.subarray(0, 3), rdata.subarray(0, 3)));
  const others = ds.filter((rdata) => !isOfKey(rdata) && !isSha1(rdata));
  if (others.length > 0)
    return { isGood: false, text: `DS ${formatRdata(TYPE.DS, others[0]!)} is of no key that is to come` };
  const isWhole = good.every(({ digests }) => digests.some((digest) => ds.some((rdata) => equalBytes(rdata, digest))));
  return { isGood: isWhole, text: isWhole ? text : `${text}; a DS record is missing` };
}

/** The longest TTL that was given out; undefined when no server said anything. */
export function dsTtlOf(looks: readonly ParentLook[]): number | undefined {
  const ttls = looks.flatMap(({ ttlSeconds }) => ttlSeconds ?? []);
  return ttls.length === 0 ? undefined : Math.max(...ttls);
}
