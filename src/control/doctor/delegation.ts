/**
 * The delegation and the name servers, as strangers meet them: what control/delegation-check/judge.ts finds, in the
 * words of this report, and whether the zone is delegated at all.
 * Implements: RFC 1034 §4.2.1 (delegation), §4.3.5 (a server with a serial of the time of the look follows).
 * Not here: looking (control/delegation-check/look.ts).
 */
import { type HostFacts, isFailed } from '#control/delegation-check/facts.ts';
import { type FindingCode, judgeDelegation } from '#control/delegation-check/judge.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type DoctorFacts } from './facts.ts';
import { bare, failed, isFinding, passed, untested, warned } from './results.ts';

/** What could not be asked proves nothing, good or bad. */
const UNKNOWN: readonly FindingCode[] = ['parent-unknown', 'address-unknown', 'not-asked', 'too-many-servers'];

type Facts = Pick<DoctorFacts, 'delegation' | 'meant'>;

export function judgeServers({ delegation, meant }: Facts): CheckResult[] {
  const { zone, parent, servers } = delegation;
  const found: CheckResult[] = [];
  for (const { code, severity, subject, text, fix } of judgeDelegation(delegation)) {
    // It has the version from just before a change, or from after one that came during the look.
    if (code === 'serial-differs' && hasMeantSerial(subject, { delegation, meant })) continue;
    // No address was found, and it is not known whether there is one.
    const isUnknown = code === 'no-address' && delegation.hosts.some((each) => each.host === subject && isUnsure(each));
    if (isUnknown) {
      found.push(untested('address-unknown', subject, text, 'ask again later'));
      continue;
    }
    const tell = UNKNOWN.includes(code) ? untested : severity === 'error' ? failed : warned;
    if (code === 'parent-differs') found.push(...judgeParentNames(subject, text, fix, delegation));
    else found.push(tell(code, subject, text, fix));
  }
  const isUndelegated = parent.filter(({ said }) => !isFailed(said) && said.ns.length === 0);
  for (const { place } of isUndelegated) {
    const fix = `enter the name servers at the registrar: waxseal zone check-delegation ${bare(zone)}`;
    found.push(failed('delegated', place, `this server of the parent does not delegate ${zone}`, fix));
  }
  const of = (area: string) => found.filter((each) => each.area === area && isFinding(each));
  const names = delegation.ns.join(', ');
  if (of('delegation').length === 0)
    found.push(passed('delegated', zone, `${parent.length} servers of the parent delegate it to ${names}`));
  if (of('servers').length === 0 && servers.length > 0) {
    const serial = delegation.serial;
    const text = `${servers.length} addresses answer over UDP and TCP, with EDNS and serial ${serial}`;
    found.push(passed('servers-answer', zone, text));
  }
  return found;
}

/** Hosts that only the parent has are strangers; that it lacks some is another finding. */
function judgeParentNames(
  place: string,
  text: string,
  fix: string,
  { parent, ns }: Facts['delegation'],
): CheckResult[] {
  const said = parent.find((each) => each.place === place)?.said;
  const names = said === undefined || isFailed(said) ? [] : said.ns;
  const strangers = names.filter((name) => !ns.includes(name));
  if (strangers.length === 0) return [failed('parent-differs', place, text, fix)];
  const evidence = `the parent names ${strangers.join(', ')}, which is no name server of the zone here: ${text}`;
  return [failed('ns-not-ours', place, evidence, 'ask the registrar who entered it, and change it there')];
}

function isUnsure({ why, failure }: HostFacts): boolean {
  return why === undefined && failure !== undefined;
}

function hasMeantSerial(subject: string, { delegation, meant }: Facts): boolean {
  const server = delegation.servers.find(({ host, ip }) => `${host} ${ip}` === subject);
  if (server === undefined || isFailed(server.udp) || server.udp.serial === undefined) return false;
  return meant.otherSerials.includes(server.udp.serial);
}
