/**
 * Consent of report hosts in other zones that we serve: put there while the domain's DMARC record names the host, taken out when it no
 * longer does. Pure.
 * Implements: RFC 9990 §4 (`<domain>._report._dmarc.<host>`).
 * Not here: consent that a host's own policy gives (compile-records.ts), asking hosts of others (mail/dmarc/consent-record.ts).
 */
import { atRrset } from '#base/place.ts';
import { type Problem, warning } from '#base/problem.ts';
import { type Name, type OwnerKey, formatName, isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { authorityOf } from '#zone/cut.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { rrsetOf, type ZoneView } from '#zone/view.ts';
import { reportConsent } from './compile-records.ts';
import { type DmarcRecord } from '#mail/dmarc/record.ts';
import { reportAuthorizationOwner, reportHosts } from '#mail/dmarc/consent-record.ts';

export interface ConsentInput {
  readonly domain: Name;
  /** What the domain publishes; undefined: nothing. */
  readonly dmarc: DmarcRecord | undefined;
  readonly ttlSeconds: number;
  /** `given` of the step before. */
  readonly before: readonly string[];
  readonly zoneOf: (name: Name) => ZoneView | undefined;
  /** True for a record that another policy wants too. */
  readonly isClaimed: (owner: Name) => boolean;
  /** Whether the step may put a new record into the zone with this apex: its actor has a right to that zone. */
  readonly mayChange: (apex: Name) => boolean;
}

export interface ReportConsents {
  /** What changes in other zones. */
  readonly elsewhere: readonly { readonly apex: Name; readonly changes: readonly RrsetChange[] }[];
  /** Hosts that are not ours and have to consent: a check should find out whether they do. */
  readonly reportHosts: readonly Name[];
  /** Consents that wait for an actor with a right to their zone. */
  readonly waiting: readonly Problem[];
  /** For the state: owners of the consents that stand in other zones for this domain. */
  readonly given: readonly string[];
}

export function reportConsents(input: ConsentInput): ReportConsents {
  const { domain, dmarc, ttlSeconds, before, zoneOf, isClaimed, mayChange } = input;
  const outside = (dmarc === undefined ? [] : reportHosts(dmarc)).filter((host) => !isRelated(host, domain));
  const elsewhere = new Map<OwnerKey, { apex: Name; changes: RrsetChange[] }>();
  const change = (zone: ZoneView, each: RrsetChange) => {
    const there = elsewhere.get(zone.apexKey) ?? { apex: zone.apex, changes: [] };
    elsewhere.set(zone.apexKey, there);
    there.changes.push(each);
  };
  const strangers: Name[] = [];
  const waiting: Problem[] = [];
  const given: string[] = [];
  const wanted = new Set<string>();
  for (const host of outside) {
    const owner = reportAuthorizationOwner(domain, host);
    const zone = owner === undefined ? undefined : zoneOf(owner);
    // What the zone has given away, by NS or by CNAME, is for others to answer.
    if (owner === undefined || zone === undefined || isGivenAway(zone, owner)) {
      strangers.push(host);
      continue;
    }
    wanted.add(ownerText(owner));
    const now = rrsetOf(zone.node(ownerKey(owner)), TYPE.TXT);
    const { rdatas, ttl, type } = reportConsent(owner, ttlSeconds);
    if (now === undefined && !mayChange(zone.apex)) {
      waiting.push(waitsFor(zone, owner, host, ttlSeconds));
      continue;
    }
    if (now === undefined) change(zone, { owner, type, rrset: { ttl, rdatas, manager: 'mail' } });
    // One put by hand does as well, and is not ours to take out.
    if (now === undefined || now.manager === 'mail') given.push(ownerText(owner));
  }
  for (const text of before.filter((each) => !wanted.has(each))) {
    const owner = nameOf(text);
    const zone = zoneOf(owner);
    if (zone === undefined || isClaimed(owner) || rrsetOf(zone.node(ownerKey(owner)), TYPE.TXT)?.manager !== 'mail') continue;
    change(zone, { owner, type: TYPE.TXT, rrset: null });
  }
  return { elsewhere: [...elsewhere.values()], reportHosts: strangers, waiting, given: given.toSorted() };
}

/** A change of one zone does not reach into another without a right to it: the record is shown instead. */
function waitsFor({ apex }: ZoneView, owner: Name, host: Name, ttlSeconds: number): Problem {
  const [zone, name, to] = [apex, owner, host].map(formatName) as [string, string, string];
  return warning(
    'MAIL_CONSENT_WAITS',
    atRrset(name, 'TXT'),
    `DMARC reports to ${to} wait for the zone ${zone}: this change has no right to it, so its consent is not published`,
    {
      rfc: 'RFC 9990 §4',
      fix: `who may change ${zone} publishes it: waxseal rrset set ${zone} ${name} TXT ${ttlSeconds} "v=DMARC1"`,
    },
  );
}

/** A consent's owner as it stands in states. */
export function ownerText(owner: Name): string {
  return formatName(owner).toLowerCase();
}

/** The domain whose reports a consent is for, as text; undefined where the owner is none of a consent. */
export function consentingFor(owner: Name): string | undefined {
  const text = ownerText(owner);
  const at = text.indexOf('._report._dmarc.');
  return at < 0 ? undefined : text.slice(0, at + 1);
}

function isGivenAway(zone: ZoneView, owner: Name): boolean {
  return authorityOf(zone, ownerKey(owner)).kind !== 'authoritative' || rrsetOf(zone.node(ownerKey(owner)), TYPE.CNAME) !== undefined;
}

/** One above the other: the same organization, as far as a zone can know. */
function isRelated(a: Name, b: Name): boolean {
  return isAtOrBelow(ownerKey(a), ownerKey(b)) || isAtOrBelow(ownerKey(b), ownerKey(a));
}
