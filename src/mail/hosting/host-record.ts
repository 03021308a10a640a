/**
 * What stands at a host of a domain that this server is to serve by HTTPS (`mta-sts.<domain>`, `bimi.<domain>`), and
 * what it would put there: addresses of its own policy host, or an alias of a host that serves many domains. A record
 * put by hand that leads elsewhere is respected.
 * Implements: RFC 8461 §3.3 (the host of the body), §8.2 (delegation by CNAME), RFC 1034 §3.6.2 (a CNAME stands alone).
 * Not here: how long the record stays (host-life.ts), writing it (mail/compile.ts).
 */
import { STS_HOST_ALIASES_MAX } from '#base/limits/mail.ts';
import { equalNames, formatName, type Name, ownerKey, parseName, ROOT, wildcardOf } from '#dns/name.ts';
import { formatRdata, parseRdataText, typeCode, typeName } from '#dns/registry.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { authorityOf } from '#zone/cut.ts';
import { type NodeRrset, rrsetOf, type ZoneNode, type ZoneView } from '#zone/view.ts';

/** What the configuration says of this server's policy host: addresses, or the host that is their alias. */
export interface HostTarget {
  readonly addresses: readonly string[];
  readonly host?: Name;
}

/**
 * `ours`: the policy puts the record there. `here`: a record put by hand leads to this server too. `elsewhere`: another
 * server is the policy host. `blocked`: the record cannot be put there.
 */
export interface HostStanding {
  readonly kind: 'ours' | 'here' | 'elsewhere' | 'blocked';
  /** `A 192.0.2.1`: those that lead to this server. */
  readonly records: readonly string[];
  /** The evidence, one clause. */
  readonly text: string;
  /** What the operator can do; absent: nothing is wrong. */
  readonly fix?: string;
}

export interface HostSight {
  readonly view: ZoneView;
  /** The served zone that a name is in. */
  readonly zoneOf?: (name: Name) => ZoneView | undefined;
  /** Records put by hand give way. */
  readonly isTakeOver?: boolean;
}

const HOST_TYPES: readonly RrType[] = [TYPE.A, TYPE.AAAA, TYPE.CNAME];

/** How the record of the host `label` of `domain` stands, and what the policy would publish. */
export function judgeHostRecord(label: string, domain: Name, target: HostTarget, sight: HostSight): HostStanding {
  const owner = parseName(label, domain);
  if (!owner.ok) return blocked(`${label}.${formatName(domain)} is too long`, 'it needs a shorter domain');
  const host = textOf(owner.value);
  const away = leavesZone(sight.view, owner.value, host);
  if (away !== undefined) return away;
  const node = sight.view.node(ownerKey(owner.value));
  const put = byHand(node);
  const isItself = target.host !== undefined && equalNames(target.host, owner.value);
  if (isItself && put.length === 0) return withoutAddress(host);
  if (isItself) return { kind: 'here', records: put, text: `${host} is https.host itself` };
  if (put.length > 0 && !saysSame(put, wantedHostRecords(target)) && sight.isTakeOver !== true)
    return byHandStanding(host, put, target, sight);
  // NSEC stands beside an alias too (RFC 4034 §4).
  const isOther = ({ type, manager }: NodeRrset) => manager !== 'dnssec' && !HOST_TYPES.includes(type);
  const others = target.host === undefined ? [] : (node?.rrsets ?? []).filter(isOther);
  if (others.length > 0) return besideOthers(host, others.map(({ type }) => typeName(type)).join(' and '));
  const text = shadowText(sight.view, domain, node, host) ?? `${host} leads to this server`;
  return { kind: 'ours', records: wantedHostRecords(target), text };
}

/** Every record of the policy host, each `TYPE data`. */
function wantedHostRecords({ addresses, host }: HostTarget): string[] {
  if (host !== undefined) return [`CNAME ${formatName(host)}`];
  return addresses.map((ip) => `${ip.includes(':') ? 'AAAA' : 'A'} ${ip}`);
}

interface HostRrset {
  readonly type: RrType;
  readonly rdatas: readonly Uint8Array[];
}

/** RRsets of records as they stand in a standing, by type; what is no record is left out. */
export function hostRrsets(records: readonly string[]): HostRrset[] {
  const parsed = records.flatMap((text) => {
    const [mnemonic = '', ...rest] = text.split(' ');
    const type = typeCode(mnemonic);
    const rdata = type === undefined ? undefined : parseRdataText(type, rest.join(' '), ROOT);
    return type === undefined || rdata?.ok !== true ? [] : [{ type, rdata: rdata.value }];
  });
  const byType = Map.groupBy(parsed, ({ type }) => type);
  return [...byType].map(([type, all]) => ({ type, rdatas: all.map(({ rdata }) => rdata) }));
}

/** A delegation at the host, or a DNAME above: the zone does not say where it is. */
function leavesZone(view: ZoneView, owner: Name, host: string): HostStanding | undefined {
  const authority = authorityOf(view, ownerKey(owner));
  if (authority.kind === 'authoritative') return undefined;
  const fix = 'put its addresses there, or delete what leads away';
  if (authority.kind === 'belowDname')
    return { kind: 'elsewhere', records: [], text: `a DNAME above ${host} leads it to another zone`, fix };
  const servers = rrsetOf(view.node(authority.at), TYPE.NS)?.rdatas.map(textOf) ?? [];
  return { kind: 'elsewhere', records: [], text: `${host} is delegated to ${servers.join(', ')}`, fix };
}

function byHandStanding(host: string, put: readonly string[], target: HostTarget, sight: HostSight): HostStanding {
  const own = target.host === undefined ? target.addresses : (addressesOf(target.host, sight) ?? []);
  const [first = ''] = put;
  const alias = first.startsWith('CNAME ') ? hostRrsets([first])[0]?.rdatas[0] : undefined;
  const found = alias === undefined ? put.map(dataOf) : addressesOf(alias, sight);
  if (found !== undefined && found.length > 0 && found.every((ip) => own.includes(ip)))
    return { kind: 'here', records: put, text: `${host} ${put.join(', ')}, put by hand, leads to this server` };
  return {
    kind: 'elsewhere',
    records: [],
    text: `${host} ${put.join(', ')} was put by hand and leads elsewhere`,
    fix: 'it stays; to have it replaced, apply the policy with --take-over',
  };
}

/** Addresses of a name in our own zones; undefined when another zone has it. */
function addressesOf(name: Name, { zoneOf }: HostSight): string[] | undefined {
  let at = name;
  for (let step = 0; step < STS_HOST_ALIASES_MAX; step++) {
    const view = zoneOf?.(at);
    if (view === undefined || authorityOf(view, ownerKey(at)).kind !== 'authoritative') return undefined;
    const node = view.node(ownerKey(at));
    const alias = rrsetOf(node, TYPE.CNAME)?.rdatas[0];
    if (alias === undefined) return [TYPE.A, TYPE.AAAA].flatMap((type) => textsOf(rrsetOf(node, type)).map(dataOf));
    at = alias;
  }
  return undefined;
}

/** Records of the host that the mail policy did not put there. */
function byHand(node: ZoneNode | undefined): string[] {
  return HOST_TYPES.flatMap((type) => {
    const rrset = rrsetOf(node, type);
    return rrset === undefined || rrset.manager === 'mail' ? [] : textsOf(rrset);
  });
}

function textsOf(rrset: NodeRrset | undefined): string[] {
  const { type, rdatas } = rrset ?? { type: TYPE.A, rdatas: [] };
  return rdatas.map((rdata) => `${typeName(type)} ${formatRdata(type, rdata)}`);
}

/** The data of `TYPE data`. */
function dataOf(text: string): string {
  return text.replace(/^\S+ /, '');
}

/** True when each RRset put by hand is the one that is wanted: it is taken over, and the others join it. */
function saysSame(put: readonly string[], wanted: readonly string[]): boolean {
  const byType = (texts: readonly string[]) =>
    Map.groupBy(
      texts.map((text) => text.toLowerCase()),
      (text) => text.split(' ')[0]!,
    );
  const want = byType(wanted);
  return [...byType(put)].every(([type, texts]) => texts.toSorted().join('|') === want.get(type)?.toSorted().join('|'));
}

/** RFC 4592 §2.2.1: a name that is there stops the wildcard that answered for it. */
function shadowText(view: ZoneView, domain: Name, node: ZoneNode | undefined, host: string): string | undefined {
  const wildcard = node === undefined ? wildcardOf(domain) : undefined;
  const above = wildcard === undefined ? undefined : view.node(ownerKey(wildcard));
  if (above === undefined || !above.rrsets.some(({ type }) => HOST_TYPES.includes(type))) return undefined;
  return `the wildcard ${textOf(above.owner)} answered for ${host} until now`;
}

function withoutAddress(host: string): HostStanding {
  const fix = `give it its addresses: waxseal rrset set … ${host}. A …`;
  return blocked(`${host} is https.host itself and has no address`, fix);
}

/** RFC 1034 §3.6.2. */
function besideOthers(host: string, types: string): HostStanding {
  const fix = 'delete what stands there, or set https.addresses instead of https.host';
  return blocked(`${host} has ${types}, and an alias stands alone at its name`, fix);
}

function blocked(text: string, fix: string): HostStanding {
  return { kind: 'blocked', records: [], text, fix };
}

function textOf(name: Name): string {
  return formatName(name).replace(/(?<=.)\.$/, '');
}
