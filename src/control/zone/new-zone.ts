/**
 * SOA and NS of a new zone: times after RFC 1912 §2.2, a negative TTL of 15 minutes so that a new DKIM selector is soon seen.
 * Not here: a zone that comes with its records (import.ts).
 */
import { inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, placeAt, problem } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { parseRequestName } from '#dns/request-name.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { type RrsetChange } from '#zone/changeset.ts';

export interface NewZoneNames {
  /** Name servers; `ns1` in the zone unless given. */
  readonly nameservers?: readonly string[];
  /** RNAME of the SOA; `hostmaster` in the zone unless given. */
  readonly contact?: string;
}

/** The changes that make the zone `apex` out of nothing. Names as requests give them. */
export function newZoneChanges(
  apex: Name,
  { nameservers: servers = ['ns1'], contact = 'hostmaster' }: NewZoneNames,
): Result<readonly RrsetChange[]> {
  const problems: Problem[] = [];
  const names = servers.flatMap((server, index) => {
    const name = parseRequestName(server, apex);
    if (!name.ok) problems.push(...placeAt(name.problems, inBody(`/nameservers/${index}`)));
    return name.ok ? [name.value] : [];
  });
  if (servers.length === 0)
    problems.push(problem('NS_MISSING', inBody('/nameservers'), 'a zone needs at least one name server', { rfc: 'RFC 1034 §4.2.1' }));
  const mailbox = parseRequestName(contact, apex);
  if (!mailbox.ok) problems.push(...placeAt(mailbox.problems, inBody('/contact')));
  if (problems.length > 0 || !mailbox.ok) return fail(...problems);
  const soa = parseRecordData(TYPE.SOA, `${formatName(names[0]!)} ${formatName(mailbox.value)} 1 7200 900 1209600 900`, apex);
  if (!soa.ok) return soa;
  return ok([
    { owner: apex, type: TYPE.SOA, rrset: { ttl: 3600, rdatas: [soa.value], manager: 'manual' } },
    { owner: apex, type: TYPE.NS, rrset: { ttl: 3600, rdatas: sortRdatas(TYPE.NS, names), manager: 'manual' } },
  ]);
}
