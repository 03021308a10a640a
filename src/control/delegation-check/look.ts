/**
 * Looks at a zone's delegation from outside: each address of its name servers by itself, and each server of the parent.
 * A stranger's NS records lead it only to addresses that resolvers outside could reach, or that the operator allows.
 * Not here: what the facts mean (judge.ts), one question (control/outside/direct-question.ts).
 */
import { DNS_PORT, type IpPort, ipPort } from '#base/address.ts';
import { DELEGATION_ADDRESSES_MAX, DELEGATION_HOSTS_MAX } from '#base/limits/outside.ts';
import { type Name, equalNames, formatName, lowerName, ownerKey, isAtOrBelow } from '#dns/name.ts';
import { readSections } from '#dns/reply-sections.ts';
import { formatRdata } from '#dns/registry.ts';
import { type Resolver } from '#dns/resolver.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { soaSerial } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type DirectReply } from '#control/outside/direct-question.ts';
import { hostAddresses } from '#control/outside/host-addresses.ts';
import { type DelegationFacts, type Failed, type HostFacts, type ParentFacts } from './facts.ts';
import { type ReferralFacts, type ServerFacts, type SoaFacts } from './facts.ts';

const INSIDE: Failed = { failure: 'no host outside can reach it, so it was not asked (mail.probe_networks)' };

type Place = Pick<ServerFacts, 'host' | 'ip'>;

export interface DelegationLook {
  /** Our own names from the store, others outside. */
  readonly resolver: Resolver;
  readonly askUdp: (server: IpPort, name: Name, type: RrType) => Promise<DirectReply>;
  readonly askTcp: (server: IpPort, name: Name, type: RrType) => Promise<DirectReply>;
  /** The parent's servers, as they are found. */
  readonly parents: (zone: Name) => Promise<readonly { readonly name: string; readonly server: IpPort }[]>;
  /** True for an address that may be asked. */
  readonly mayAsk: (ip: string) => boolean;
}

export interface DelegatedZone {
  readonly zone: Name;
  readonly view: ZoneView;
  readonly isSigned: boolean;
}

/** Never rejects; takes ten seconds at most, when no server answers. */
export async function lookAtDelegation(asked: DelegatedZone, look: DelegationLook): Promise<DelegationFacts> {
  const { zone, view, isSigned } = asked;
  const apex = view.node(ownerKey(zone));
  const targets = (rrsetOf(apex, TYPE.NS)?.rdatas ?? []).map(lowerName);
  const [soa] = rrsetOf(apex, TYPE.SOA)?.rdatas ?? [];
  const hosts = await Promise.all(targets.slice(0, DELEGATION_HOSTS_MAX).map((host) => findHost(host, zone, look)));
  const nsUnasked = targets.slice(DELEGATION_HOSTS_MAX).map(textOf);
  const places = hosts.flatMap(({ host, addresses }) => addresses.map((ip) => ({ host, ip })));
  const [servers, parent] = await Promise.all([
    Promise.all(places.map((place) => lookAtServer(place, zone, look))),
    lookAtParent(zone, look),
  ]);
  return {
    zone: textOf(zone),
    isSigned,
    ns: targets.map(textOf).toSorted(),
    ...(nsUnasked.length === 0 ? {} : { nsUnasked }),
    serial: soa === undefined ? 0 : soaSerial(soa),
    hosts,
    servers,
    parent,
  };
}

async function findHost(name: Name, zone: Name, { resolver, mayAsk }: DelegationLook): Promise<HostFacts> {
  const host = textOf(name);
  const needsGlue = isAtOrBelow(ownerKey(name), ownerKey(zone));
  // RFC 2181 §10.3: the name of a name server is no alias.
  const alias = await resolver.lookup(name, TYPE.CNAME);
  const isAlias = 'it is an alias (CNAME), which no name server may be';
  if (alias.kind === 'answer') return { host, needsGlue, addresses: [], why: isAlias };
  const { addresses: all, failure } = await hostAddresses(name, resolver);
  const open = all.filter(mayAsk);
  const inside = all.filter((ip) => !mayAsk(ip));
  const unasked = open.slice(DELEGATION_ADDRESSES_MAX);
  return {
    host,
    needsGlue,
    addresses: open.slice(0, DELEGATION_ADDRESSES_MAX),
    ...(inside.length === 0 ? {} : { inside }),
    ...(unasked.length === 0 ? {} : { unasked }),
    ...(failure === undefined ? {} : { failure }),
  };
}

async function lookAtServer({ host, ip }: Place, zone: Name, look: DelegationLook): Promise<ServerFacts> {
  const { askUdp, askTcp } = look;
  const server = ipPort(ip, DNS_PORT);
  const [udp, tcp, ns, keys] = await Promise.all([
    askUdp(server, zone, TYPE.SOA).then((reply) => soaFacts(reply, zone)),
    askTcp(server, zone, TYPE.SOA).then((reply) => soaFacts(reply, zone)),
    askUdp(server, zone, TYPE.NS).then(nsFacts),
    askUdp(server, zone, TYPE.DNSKEY).then(keyFacts),
  ]);
  return { host, ip, udp, tcp, ns, keys };
}

function soaFacts(answer: DirectReply, zone: Name): SoaFacts | Failed {
  if ('failure' in answer) return answer;
  const { rcode, isAuthoritative, isRecursive = false, hasEdns = false, records } = answer.reply;
  const sections = answer.octets === undefined ? [] : (readSections(answer.octets) ?? []);
  const isSigned = sections.some(({ type, owner }) => type === TYPE.RRSIG && equalNames(owner, zone));
  const [soa] = records;
  const serial = soa === undefined ? undefined : soaSerial(soa.rdata);
  return { rcode, isAuthoritative, isRecursive, hasEdns, isSigned, serial };
}

function nsFacts(answer: DirectReply): readonly string[] | Failed {
  if ('failure' in answer) return answer;
  return answer.reply.records.map(({ rdata }) => textOf(lowerName(rdata))).toSorted();
}

function keyFacts(answer: DirectReply): string | Failed {
  if ('failure' in answer) return answer;
  const keys = answer.reply.records.map(({ rdata }) => Buffer.from(rdata).toString('hex'));
  return keys.toSorted().join(' ');
}

async function lookAtParent(zone: Name, { parents, askUdp, mayAsk }: DelegationLook): Promise<readonly ParentFacts[]> {
  const places = await parents(zone);
  return Promise.all(
    places.map(async ({ name, server }): Promise<ParentFacts> => {
      if (!mayAsk(server.ip)) return { place: name, said: INSIDE };
      return { place: name, said: referralOf(await askUdp(server, zone, TYPE.NS), zone) };
    }),
  );
}

/** NS records of the zone in a referral, or in an answer of a server that has both zones. */
function referralOf(answer: DirectReply, zone: Name): ReferralFacts | Failed {
  if ('failure' in answer) return answer;
  const sections = answer.octets === undefined ? undefined : readSections(answer.octets, true);
  if (sections === undefined) return { failure: 'answers with octets that are no reply' };
  const ns = sections.filter(({ type, owner }) => type === TYPE.NS && equalNames(lowerName(owner), zone));
  const glue: Record<string, string[]> = {};
  for (const { section, type, owner, rdata } of sections) {
    if (section !== 'additional' || (type !== TYPE.A && type !== TYPE.AAAA)) continue;
    (glue[textOf(lowerName(owner))] ??= []).push(formatRdata(type, rdata));
  }
  for (const addresses of Object.values(glue)) addresses.sort();
  return { ns: ns.map(({ rdata }) => textOf(lowerName(rdata))).toSorted(), glue };
}

function textOf(name: Name): string {
  return formatName(name);
}
