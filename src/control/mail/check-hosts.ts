/**
 * Hosts that a zone's mail records name, as `mail check` finds them: those of the zone in its view, all others through
 * the resolver. What cannot be looked up now is not spoken of.
 * Implements: RFC 5321 §5.1 (MX, else the address), RFC 2181 §10.3 (no alias as mail host), RFC 7505 §3.
 * Not here: what the zone says alone (mail/host-warnings.ts), SPF (mail/spf/), consents to DMARC reports (check.ts).
 */
import { MAIL_CHECK_HOSTS_MAX } from '#base/limits/mail.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { type Name, formatName, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { type Resolver, isTransient } from '#dns/resolver.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type ReportAddress, checkMxTargets, checkReportHosts, checkTlsaHost } from '#mail/host-warnings.ts';
import { reportAddresses, reportHostWarning } from '#mail/host-warnings.ts';
import { ipOfOctets, networkOf } from '#mail/spf/ip.ts';
import { oddNetwork } from '#mail/spf/odd-networks.ts';
import { txtText } from '#mail/text/txt.ts';
import { targetState } from '#zone/check-targets.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';

/** Everything wrong with the hosts that the records of `nodes` name. */
export async function checkHosts(
  { view, isSigned }: { readonly view: ZoneView; readonly isSigned: boolean },
  resolver: Resolver,
  nodes: readonly ZoneNode[],
): Promise<Problem[]> {
  const looks = new Looks(view, resolver);
  const found = await Promise.all(
    nodes.flatMap((node) => [
      checkMx(view, looks, node),
      checkReports(view, looks, node),
      Promise.resolve(rrsetOf(node, TYPE.TLSA) === undefined ? [] : checkTlsaHost(view, node.owner, isSigned)),
    ]),
  );
  return found.flat();
}

/** What is known of a host: its addresses, and whether it is an alias; undefined: it cannot be looked up now. */
interface Host {
  readonly addresses: readonly Uint8Array[];
  readonly isAlias: boolean;
}

/** Look-ups of one check: each name once, and not more names than a check may ask for. */
class Looks {
  readonly #view: ZoneView;
  readonly #resolver: Resolver;
  readonly #hosts = new Map<string, Promise<Host | undefined>>();

  constructor(view: ZoneView, resolver: Resolver) {
    this.#view = view;
    this.#resolver = resolver;
  }

  /** True for names that the zone itself answers for. */
  isOwn(name: Name): boolean {
    const key = ownerKey(name);
    return isAtOrBelow(key, this.#view.apexKey) && !targetState(this.#view, key).startsWith('delegated');
  }

  host(name: Name): Promise<Host | undefined> {
    const key = ownerKey(name);
    const known = this.#hosts.get(key);
    if (known !== undefined) return known;
    const look = this.#hosts.size < MAIL_CHECK_HOSTS_MAX ? this.#look(name) : Promise.resolve(undefined);
    this.#hosts.set(key, look);
    return look;
  }

  async #look(name: Name): Promise<Host | undefined> {
    const ask = (type: RrType) => this.#resolver.lookup(name, type);
    const [a, aaaa, alias] = await Promise.all([ask(TYPE.A), ask(TYPE.AAAA), ask(TYPE.CNAME)]);
    const addresses = [a, aaaa].flatMap((each) => (each.kind === 'answer' ? each.rdatas : []));
    if (addresses.length === 0 && (isTransient(a) || isTransient(aaaa))) return undefined;
    return { addresses, isAlias: alias.kind === 'answer' };
  }

  /** The hosts of the MX of `name`; none: there is no MX; undefined: it cannot be looked up now. */
  async mxOf(name: Name): Promise<readonly Name[] | undefined> {
    const answer = await this.#resolver.lookup(name, TYPE.MX);
    if (isTransient(answer)) return undefined;
    return answer.kind === 'answer' ? answer.rdatas.map((rdata) => rdata.subarray(2)) : [];
  }
}

async function checkMx(view: ZoneView, looks: Looks, node: ZoneNode): Promise<Problem[]> {
  const mx = rrsetOf(node, TYPE.MX)?.rdatas ?? [];
  const names = mx.map((rdata) => rdata.subarray(2)).filter((host) => host.length > 1);
  if (names.length === 0) return [];
  const at = placeOfRrset(node.owner, TYPE.MX);
  const problems = checkMxTargets(view, node);
  const owner = formatName(node.owner);
  const hosts = await Promise.all(names.map(async (name) => ({ name, found: await hostOf(view, looks, name) })));
  for (const { name, found } of hosts) {
    if (found === undefined) continue;
    const what = `${owner} MX names ${formatName(name)}`;
    const tell = (code: 'TARGET_ALIAS' | 'TARGET_NO_ADDRESS' | 'MAIL_HOSTS_NONE', why: string, rfc: string) =>
      problems.push(warning(code, at, `${what}, ${why}`, { rfc }));
    if (!looks.isOwn(name)) {
      if (found.isAlias) tell('TARGET_ALIAS', 'which is a CNAME: name the host itself', 'RFC 2181 §10.3');
      if (found.addresses.length === 0) tell('TARGET_NO_ADDRESS', 'which has no address (A or AAAA)', 'RFC 5321 §5.1');
    }
    const unseen = found.addresses.map(unseenAddress);
    const isUnseen = unseen.length > 0 && !unseen.includes(undefined);
    if (isUnseen) tell('MAIL_HOSTS_NONE', `where ${unseen[0]!}`, 'RFC 6890 §2.2');
  }
  if (hosts.every(({ found }) => found?.addresses.length === 0))
    problems.unshift(
      problem('MAIL_HOSTS_NONE', at, `no host that ${owner} MX names has an address: its mail cannot be delivered`, {
        rfc: 'RFC 5321 §5.1',
        fix: 'give a mail host an A or AAAA record',
      }),
    );
  return problems;
}

/** A host of the zone in its view; where an alias leads out of it, the resolver knows more. */
async function hostOf(view: ZoneView, looks: Looks, name: Name): Promise<Host | undefined> {
  const key = ownerKey(name);
  if (!looks.isOwn(name)) return looks.host(name);
  const state = targetState(view, key);
  if (state === 'alias' || state === 'belowDname') return looks.host(name);
  const node = view.node(key);
  const of = (type: RrType) => rrsetOf(node, type)?.rdatas ?? [];
  // What a wildcard gives has addresses too.
  if (node === undefined && state === 'address') return undefined;
  return { addresses: [...of(TYPE.A), ...of(TYPE.AAAA)], isAlias: false };
}

/** Why clients on the internet cannot reach the address; undefined: they can. */
function unseenAddress(octets: Uint8Array): string | undefined {
  const ip = ipOfOctets(octets);
  return oddNetwork(networkOf(ip, octets.length * 8));
}

async function checkReports(view: ZoneView, looks: Looks, node: ZoneNode): Promise<Problem[]> {
  const texts = (rrsetOf(node, TYPE.TXT)?.rdatas ?? []).map(txtText);
  const problems = texts.flatMap((text) => checkReportHosts(view, node.owner, text));
  for (const each of texts.flatMap((text) => reportAddresses(node.owner, text))) {
    if (looks.isOwn(each.host)) continue;
    const why = await whyNoReports(looks, each);
    if (why !== undefined) problems.push(reportHostWarning(node.owner, each, why));
  }
  return problems;
}

function whyNoReports(looks: Looks, { scheme, host }: ReportAddress): Promise<string | undefined> {
  return scheme === 'mailto' ? whyNoMailOutside(looks, host) : whyNoAddressOutside(looks, host);
}

async function whyNoMailOutside(looks: Looks, host: Name): Promise<string | undefined> {
  const mx = await looks.mxOf(host);
  if (mx === undefined) return undefined;
  if (mx.length === 0 && (await whyNoAddressOutside(looks, host)) === undefined) return undefined;
  if (mx.length === 0) return 'has neither MX nor address';
  if (mx.every((name) => name.length === 1)) return 'has a null MX, which says that it takes no mail';
  const names = mx.filter((name) => name.length > 1);
  const hosts = await Promise.all(names.map((name) => looks.host(name)));
  if (!hosts.every((each) => each?.addresses.length === 0)) return undefined;
  return `has the MX ${names.map(formatName).join(', ')}, without any address`;
}

async function whyNoAddressOutside(looks: Looks, host: Name): Promise<string | undefined> {
  return (await looks.host(host))?.addresses.length === 0 ? 'has no address' : undefined;
}
