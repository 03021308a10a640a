/**
 * Whether a registry will take a delegation: what is wrong with it, each with what was seen, the rule, and the way out.
 * Implements: RFC 1034 §4.1, §4.2.1 (two servers or more, glue), RFC 2182 §3.1, §5 (in different places), RFC 2181
 * §10.3 (no alias), RFC 7766 §5 (TCP), RFC 6891 §6 (EDNS), RFC 4035 §3.1 (signatures), RFC 5358 §3 (no recursion).
 * Not here: looking (look.ts).
 */
import { clientNetwork } from '#base/address.ts';
import { RCODE } from '#dns/types.ts';
import { rcodeName } from '#dns/reply.ts';
import { type DelegationFinding } from '#control/api/delegation-check.ts';
import { type DelegationFacts, type HostFacts, type ParentFacts, type ServerFacts, isFailed } from './facts.ts';

interface Finding extends DelegationFinding {
  readonly code: FindingCode;
}

/** Each rule, with its source. */
export const FINDINGS = {
  'too-few-servers': 'RFC 2182 §5',
  'too-many-servers': 'RFC 2182 §5',
  'no-address': 'RFC 1034 §4.2.2',
  'address-unknown': 'RFC 1034 §4.2.2',
  'not-public': 'RFC 6890 §2.2.2',
  'not-asked': 'RFC 2182 §5',
  'no-answer': 'RFC 1034 §4.2.2',
  'no-tcp': 'RFC 7766 §5',
  'not-authoritative': 'RFC 1034 §4.2.2',
  recursive: 'RFC 5358 §3',
  'no-edns': 'RFC 6891 §6.1.1',
  'serial-differs': 'RFC 1034 §4.3.5',
  'servers-differ': 'RFC 1034 §4.2.2',
  'keys-differ': 'RFC 4035 §2.1',
  unsigned: 'RFC 4035 §3.1',
  'one-network': 'RFC 2182 §3.1',
  'parent-differs': 'RFC 1034 §4.2.2',
  'glue-differs': 'RFC 1034 §4.2.1',
  'parent-unknown': 'RFC 1034 §4.2.1',
} as const;

export type FindingCode = keyof typeof FINDINGS;

type Report = (severity: Finding['severity'], code: FindingCode, subject: string, text: string, fix: string) => void;

/** Worst first. None: a registry that checks takes it. */
export function judgeDelegation(facts: DelegationFacts): readonly Finding[] {
  const findings: Finding[] = [];
  const report: Report = (severity, code, subject, text, fix) =>
    void findings.push({ severity, code, subject, text, rfc: FINDINGS[code], fix });
  judgeSet(facts, report);
  for (const host of facts.hosts) judgeHost(host, report);
  for (const server of facts.servers) judgeServer(server, facts, report);
  for (const each of facts.parent) judgeParent(each, facts, report);
  return findings.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
}

function judgeSet({ zone, ns, nsUnasked = [], servers, parent }: DelegationFacts, report: Report): void {
  if (ns.length < 2) {
    const fix = 'add a second name server that has the zone: waxseal secondary add, docs/transfer.md';
    const text = `the zone has ${ns.length} name server, and registries want two or more`;
    report('error', 'too-few-servers', zone, text, fix);
  }
  if (nsUnasked.length > 0) {
    const text = `the zone has ${ns.length} name servers; these were not asked: ${listed(nsUnasked)}`;
    report('warning', 'too-many-servers', zone, text, 'have fewer: more than seven make nothing safer');
  }
  if (parent.length === 0 && zone !== '.') {
    const text = 'no server of the parent was found, so what it has was not compared';
    report('warning', 'parent-unknown', zone, text, 'ask again later, and see that mail.resolvers answers');
  }
  const networks = new Set(servers.map(({ ip }) => networkOf(ip)));
  if (servers.length > 1 && networks.size === 1) {
    const text = `all name servers are in ${[...networks][0]}: one broken router takes the zone away`;
    report('warning', 'one-network', zone, text, 'put one of them somewhere else');
  }
}

function judgeHost({ host, addresses, inside = [], unasked = [], why, failure }: HostFacts, report: Report): void {
  if (inside.length > 0) {
    const text = `no resolver outside reaches ${listed(inside)}, so it was not asked`;
    const allow = 'give it a public address, or allow its network here: mail.probe_networks';
    report('error', 'not-public', host, text, allow);
  }
  if (unasked.length > 0) {
    const text = `it has ${addresses.length + unasked.length} addresses; these were not asked: ${listed(unasked)}`;
    report('warning', 'not-asked', host, text, 'ask them yourself: dig @ADDRESS ZONE SOA');
  }
  if (addresses.length + inside.length > 0) {
    if (failure !== undefined) report('warning', 'address-unknown', host, failure, 'ask again later');
    return;
  }
  const fix = `give ${host} an A or AAAA record where its zone is kept, and no CNAME`;
  report('error', 'no-address', host, why ?? failure ?? 'it has no address', fix);
}

function judgeServer(server: ServerFacts, facts: DelegationFacts, report: Report): void {
  const { host, ip, udp, tcp, ns, keys } = server;
  const subject = `${host} ${ip}`;
  const start = `see that a name server with ${facts.zone} listens at ${ip}, port 53`;
  if (isFailed(udp)) {
    report('error', 'no-answer', subject, `over UDP: ${udp.failure}`, start);
    return;
  }
  if (isFailed(tcp)) report('error', 'no-tcp', subject, `over TCP: ${tcp.failure}`, 'open port 53 for TCP as for UDP');
  if (udp.rcode !== RCODE.NOERROR || !udp.isAuthoritative || udp.serial === undefined) {
    const said = udp.rcode === RCODE.NOERROR ? 'an answer without authority' : rcodeName(udp.rcode);
    const fix = `load the zone there, or take ${host} out of the NS records`;
    report('error', 'not-authoritative', subject, `asked for the SOA, it gives ${said}`, fix);
    return;
  }
  if (udp.isRecursive) {
    const text = 'it offers recursion to strangers (RA is set)';
    report('error', 'recursive', subject, text, 'switch recursion off for all but your own networks');
  }
  const update = 'update the server, or the firewall in front';
  if (!udp.hasEdns) report('error', 'no-edns', subject, 'it answers without EDNS', update);
  const follow = 'see why it does not follow: waxseal secondary list';
  if (udp.serial !== facts.serial) {
    const text = `it has serial ${udp.serial}, and this server ${facts.serial}`;
    report('error', 'serial-differs', subject, text, follow);
  }
  if (!isFailed(ns) && ns.join() !== facts.ns.join())
    report('error', 'servers-differ', subject, `its NS records are ${listed(ns)}, here ${listed(facts.ns)}`, follow);
  if (!facts.isSigned) return;
  const fix = 'transfer the zone with its signatures; a secondary must not strip or make them';
  if (!udp.isSigned) report('error', 'unsigned', subject, 'asked with DO, it gives no signatures', fix);
  const own = facts.servers.find((each) => typeof each.keys === 'string' && each.keys !== '')?.keys;
  if (typeof keys === 'string' && own !== undefined && keys !== own)
    report('error', 'keys-differ', subject, 'its DNSKEY records are others than those of the other servers', fix);
}

function judgeParent({ place, said }: ParentFacts, facts: DelegationFacts, report: Report): void {
  if (isFailed(said)) {
    const text = `the parent's server cannot be asked: ${said.failure}`;
    report('warning', 'parent-unknown', place, text, 'ask again later; resolvers gave its address');
    return;
  }
  // Not delegated yet: that is what is being prepared.
  if (said.ns.length === 0) return;
  const atRegistry = 'change it at the registrar';
  if (said.ns.join() !== facts.ns.join()) {
    const text = `the parent has ${listed(said.ns)}, and the zone ${listed(facts.ns)}`;
    report('error', 'parent-differs', place, text, `${atRegistry}, or change the zone's NS records`);
  }
  for (const { host, needsGlue, addresses, inside = [], unasked = [], failure } of facts.hosts) {
    // Addresses that are not all known cannot be compared.
    if (!needsGlue || failure !== undefined || !said.ns.includes(host)) continue;
    const all = [...addresses, ...inside, ...unasked].toSorted();
    const glue = said.glue[host] ?? [];
    if (glue.join() === all.join()) continue;
    const text = `the parent gives ${host} the address ${listed(glue)}, and the zone ${listed(all)}`;
    report('error', 'glue-differs', place, text, atRegistry);
  }
}

/** /24 and /48: what one route leads to (RFC 2182 §3.1 names no length; Zonemaster and DENIC look at routes). */
function networkOf(ip: string): string {
  return ip.includes(':') ? clientNetwork(ip) : `${ip.split('.').slice(0, 3).join('.')}.0/24`;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}
