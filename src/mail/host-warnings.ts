/**
 * Hosts of the same zone that mail records name: report addresses at hosts that take no mail, mail hosts that are
 * aliases or have no address, TLSA records that no sender looks at.
 * Implements: RFC 5321 §5.1 and RFC 2181 §10.3 (no alias as mail host), RFC 7505 §3, RFC 7672 §2.2 (where TLSA works).
 * Not here: hosts of other zones (control/mail/check-hosts.ts), the records by themselves (hygiene.ts, mx.ts).
 */
import { atTag, within } from '#base/place.ts';
import { type Problem, formatProblem, problem, warning } from '#base/problem.ts';
import { type Name, formatName, isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { tlsaOwner } from '#mail/dane/record.ts';
import { dmarcOwner, parseDmarc } from '#mail/dmarc/record.ts';
import { readReportUri } from '#mail/text/report-uri.ts';
import { txtText } from '#mail/text/txt.ts';
import { parseTlsRpt, tlsRptOwner } from '#mail/tls-rpt/record.ts';
import { txtRole } from './hygiene.ts';
import { whyNoAddress, whyNoHost, whyNoMail } from './takes-mail.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { startNodeCheck } from '#zone/check-state.ts';
import { checkTargets, hasAddress, targetState } from '#zone/check-targets.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';

/** The zone that RRsets come into, as it will be. */
export interface WarnedZone {
  readonly view: ZoneView;
  readonly isSigned: boolean;
}

/** A report address of a record, with the tag that has it. */
export interface ReportAddress {
  readonly tag: 'rua' | 'ruf';
  readonly uri: string;
  readonly scheme: string;
  readonly host: Name;
}

/** The report addresses of the DMARC or TLS reporting record that `text` is; none of any other text. */
export function reportAddresses(owner: Name, text: string): ReportAddress[] {
  const role = txtRole(owner);
  const dmarc = role === 'dmarc' ? parseDmarc(text) : undefined;
  const tlsRpt = role === 'tls-rpt' ? parseTlsRpt(text) : undefined;
  const found: [ReportAddress['tag'], string][] = [
    ...(tlsRpt?.ok === true ? tlsRpt.value.reportUris : []).map((uri) => ['rua', uri] as ['rua', string]),
    ...(dmarc?.ok === true ? dmarc.value.aggregateUris : []).map((uri) => ['rua', uri] as ['rua', string]),
    ...(dmarc?.ok === true ? dmarc.value.failureUris : []).map((uri) => ['ruf', uri] as ['ruf', string]),
  ];
  return found.flatMap(([tag, uri]) => {
    const read = readReportUri(uri);
    if ('wrong' in read || read.host === undefined) return [];
    return [{ tag, uri, scheme: read.scheme, host: nameOf(read.host) }];
  });
}

/** A warning about a report address whose host gets none, because of `why`. */
export function reportHostWarning(owner: Name, { tag, uri, host }: ReportAddress, why: string): Problem {
  const at = within(placeOfRrset(owner, TYPE.TXT), atTag(tag));
  return warning('MAIL_REPORT_HOST', at, `no report can be delivered to ${uri}: ${formatName(host)} ${why}`, {
    rfc: why.includes('null MX') ? 'RFC 7505 §3' : 'RFC 5321 §5.1',
    fix: 'name a mailbox that is read',
  });
}

/** Warnings about report addresses of `text` at hosts of the zone that take no mail, or cannot be connected to. */
export function checkReportHosts(view: ZoneView, owner: Name, text: string): Problem[] {
  return reportAddresses(owner, text).flatMap((each) => {
    const why = each.scheme === 'mailto' ? whyNoMail(view, each.host) : whyNoAddress(view, each.host);
    return why === undefined ? [] : [reportHostWarning(owner, each, why)];
  });
}

/** An error when mail for `owner` cannot be delivered: no host that its MX names has an address in the zone. */
export function checkDelivery(view: ZoneView, owner: Name, mx: readonly Uint8Array[]): Problem[] {
  const hosts = mx.map((rdata) => rdata.subarray(2));
  const why = hosts.every((host) => host.length === 1) ? undefined : whyNoHost(view, hosts);
  if (why === undefined) return [];
  const message = `${formatName(owner)} ${why}: its mail cannot be delivered`;
  const details = { rfc: 'RFC 5321 §5.1', fix: 'give a mail host an A or AAAA record' };
  return [problem('MAIL_HOSTS_NONE', placeOfRrset(owner, TYPE.MX), message, details)];
}

/** Mail hosts that the MX of `node` names and that are aliases, addresses or missing, as far as the zone has them. */
export function checkMxTargets(view: ZoneView, node: ZoneNode): Problem[] {
  const mx = rrsetOf(node, TYPE.MX);
  return mx === undefined ? [] : checkTargets(startNodeCheck(view), { ...node, rrsets: [mx] });
}

/** Types of records that say whether a host takes mail. */
const HOST_TYPES: ReadonlySet<RrType> = new Set([TYPE.MX, TYPE.A, TYPE.AAAA, TYPE.CNAME]);

/**
 * New faults of mail records that stay, when hosts change: of the domain's report addresses, of its mail hosts, and of
 * TLSA at the changed hosts.
 */
export function mailHostWarnings(before: ZoneView, after: WarnedZone, changes: readonly RrsetChange[]): Problem[] {
  const hosts = changes.filter(({ type }) => HOST_TYPES.has(type)).map(({ owner }) => owner);
  if (hosts.length === 0) return [];
  const changed = new Set(changes.map(({ owner, type }) => `${ownerKey(owner)} ${type}`));
  const stays = (owner: Name, type: RrType) => !changed.has(`${ownerKey(owner)} ${type}`);
  const stood = new Set(faultsOfStaying(before, after.isSigned, hosts, stays).map(formatProblem));
  const now = faultsOfStaying(after.view, after.isSigned, hosts, stays).filter((each) => !stood.has(formatProblem(each)));
  return now.map((each) => ({ ...each, severity: 'warning' }));
}

/** What is wrong in `view` with mail records that `stays` says are not changed. */
function faultsOfStaying(
  view: ZoneView,
  isSigned: boolean,
  hosts: readonly Name[],
  stays: (owner: Name, type: RrType) => boolean,
): Problem[] {
  const problems: Problem[] = [];
  for (const owner of [dmarcOwner(view.apex), tlsRptOwner(view.apex)])
    if (owner.ok && stays(owner.value, TYPE.TXT))
      for (const text of textsAt(view, owner.value)) problems.push(...checkReportHosts(view, owner.value, text));
  const mx = rrsetOf(view.node(view.apexKey), TYPE.MX);
  if (mx !== undefined && stays(view.apex, TYPE.MX)) problems.push(...checkDelivery(view, view.apex, mx.rdatas));
  for (const host of new Map(hosts.map((each) => [ownerKey(each), each])).values()) {
    const tlsa = tlsaOwner(host);
    if (!tlsa.ok || rrsetOf(view.node(ownerKey(tlsa.value)), TYPE.TLSA) === undefined) continue;
    if (stays(tlsa.value, TYPE.TLSA)) problems.push(...checkTlsaHost(view, tlsa.value, isSigned));
  }
  return problems;
}

function textsAt(view: ZoneView, owner: Name): string[] {
  return (rrsetOf(view.node(ownerKey(owner)), TYPE.TXT)?.rdatas ?? []).map(txtText);
}

/** TLSA records at `owner`, `_25._tcp.<host>`, that no sender looks at. */
export function checkTlsaHost(view: ZoneView, owner: Name, isSigned: boolean): Problem[] {
  const host = hostOf(owner);
  const at = placeOfRrset(owner, TYPE.TLSA);
  const rfc = 'RFC 7672 §2.2';
  if (!isSigned)
    return [
      warning('MAIL_DANE_HOST', at, 'the zone is not signed, and senders only trust signed TLSA', {
        rfc,
        fix: 'turn signing on: waxseal dnssec enable',
      }),
    ];
  const key = ownerKey(host);
  if (!isAtOrBelow(key, view.apexKey)) return [];
  const state = targetState(view, key);
  if (state === 'alias')
    return [
      warning('MAIL_DANE_HOST', at, `${formatName(host)} is an alias, and senders look at the TLSA of its target`, {
        rfc: 'RFC 7672 §2.2.2',
        fix: 'put the TLSA there, or give the host addresses of its own',
      }),
    ];
  if (state !== 'missing' || hasAddress(view.node(key))) return [];
  const message = `${formatName(host)} has no address in the zone, so no sender connects to it`;
  return [warning('MAIL_DANE_HOST', at, message, { rfc })];
}

/** The name below the port and the protocol. */
function hostOf(owner: Name): Name {
  const afterPort = owner.subarray(owner[0]! + 1);
  return afterPort.subarray(afterPort[0]! + 1);
}
