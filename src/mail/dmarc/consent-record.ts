/**
 * Consent of hosts outside the domain to take its DMARC reports: what to publish there, and whether it is published.
 * Implements: RFC 9990 §4 and RFC 9991 §5 (`<domain>._report._dmarc.<host>`).
 * Not here: sending or reading reports.
 */
import { equalNames, type Name, nameOf, parseName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { concatBytes } from '#base/bytes.ts';
import { NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { isAligned } from './discovery.ts';
import { isDmarcText, readDmarc, type DmarcRecord } from './record.ts';
import { readReportUri } from '#mail/text/report-uri.ts';
import { isTransient, type Resolver } from '#dns/resolver.ts';
import { txtText } from '#mail/text/txt.ts';

/** What `reportAuthorizationOwner` must say, and all that it must say. */
export const REPORT_AUTHORIZATION_TEXT = 'v=DMARC1';

const REPORT_LABELS = nameOf('_report._dmarc').subarray(0, -1);

/** `<domain>._report._dmarc.<host>`; undefined when that is no name, and then the host cannot authorize the domain. */
export function reportAuthorizationOwner(domain: Name, host: Name): Name | undefined {
  const owner = concatBytes(domain.subarray(0, -1), REPORT_LABELS, host);
  return owner.length > NAME_BYTES_MAX ? undefined : owner;
}

/** Hosts of the report addresses that can get reports at all, each once. */
export function reportHosts(record: DmarcRecord): Name[] {
  const hosts = new Set<string>();
  for (const each of [...record.aggregateUris, ...record.failureUris]) {
    const uri = readReportUri(each);
    if (!('wrong' in uri) && uri.host !== undefined) hosts.add(uri.host);
  }
  return [...hosts].map((host) => nameOf(host));
}

/**
 * Those of `reportHosts` that must consent: their organizational domain is not that of `domain` (RFC 9990 §4). Where a look-up fails, the
 * host counts as one of them.
 */
export async function externalReportHosts(resolver: Resolver, domain: Name, record: DmarcRecord): Promise<Name[]> {
  const external: Name[] = [];
  for (const host of reportHosts(record)) if ((await isAligned(resolver, domain, host, 'relaxed')) !== true) external.push(host);
  return external;
}

export type ReportAuthorization =
  /** `overrideUris`: addresses that the host wants the reports at instead; none when it has no wish. */
  | { readonly kind: 'authorized'; readonly owner: Name; readonly overrideUris: readonly string[] }
  | { readonly kind: 'refused'; readonly owner: Name | undefined }
  | { readonly kind: 'error'; readonly owner: Name };

/** Asks whether `host` takes reports about `domain` (RFC 9990 §4). */
export async function checkReportAuthorization(resolver: Resolver, domain: Name, host: Name): Promise<ReportAuthorization> {
  const owner = reportAuthorizationOwner(domain, host);
  // A combined name that is too long authorizes nothing.
  if (owner === undefined) return { kind: 'refused', owner };
  const answer = await resolver.lookup(owner, TYPE.TXT);
  if (isTransient(answer)) return { kind: 'error', owner };
  const readings = (answer.kind === 'answer' ? answer.rdatas : [])
    .map(txtText)
    .filter(isDmarcText)
    .map(readDmarc)
    .filter(({ problems }) => !problems.some((each) => each.code === 'DMARC_SYNTAX' || each.code === 'DMARC_TAG_TWICE'));
  if (readings.length === 0) return { kind: 'refused', owner };
  // An override may name another mailbox, but not another host.
  const overrideUris = readings.flatMap(({ record }) => record.aggregateUris).filter((uri) => isAtHost(uri, host));
  return { kind: 'authorized', owner, overrideUris };
}

function isAtHost(uri: string, host: Name): boolean {
  const read = readReportUri(uri);
  if ('wrong' in read || read.host === undefined) return false;
  const at = parseName(`${read.host}.`);
  return at.ok && equalNames(at.value, host);
}
