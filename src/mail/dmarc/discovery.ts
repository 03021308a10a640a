/**
 * Which DMARC record applies to a domain, and what its organizational domain is: the walk up the tree, as receivers do it.
 * Implements: RFC 9989 §4.10, §4.10.1, §4.10.2.
 * Not here: what is in a record (record.ts).
 */
import { DMARC_WALK_LABELS_MAX } from '#base/limits/mail.ts';
import { equalNames, labelCount, type Name, parentName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { appliedPolicy, type DmarcRelation, statedPolicy } from './advice.ts';
import { type DmarcAlignment, dmarcOwner, type DmarcPolicy, type DmarcRecord, isDmarcText, readDmarc } from './record.ts';
import { isTransient, type Resolver } from '#dns/resolver.ts';
import { txtText } from '#mail/text/txt.ts';

/** One query of a walk: for the record at `_dmarc.<domain>`. */
export interface DmarcStep {
  readonly domain: Name;
  /** `several`: more than one DMARC record, so all are discarded. */
  readonly outcome: 'record' | 'none' | 'several' | 'error';
  /** What the only record says to receivers. */
  readonly record?: DmarcRecord;
}

/** The steps in the order asked, at most 8. An `error` ends a walk: what lies above is not known. */
export type DmarcWalk = readonly DmarcStep[];

/** Walks from `start` upwards (RFC 9989 §4.10). Names of the walk: `start`, then from at most 7 labels down to one. */
export async function walkDmarcTree(resolver: Resolver, start: Name): Promise<DmarcWalk> {
  const steps: DmarcStep[] = [];
  for (const domain of walkDomains(start)) {
    const step = await askRecord(resolver, domain);
    steps.push(step);
    if (step.outcome === 'error' || step.record?.isPublicSuffix !== undefined) break;
  }
  return steps;
}

/** Domains a walk from `start` asks about when nothing stops it. */
export function walkDomains(start: Name): Name[] {
  const domains: Name[] = [start];
  let domain = start;
  while (labelCount(domain) > 1) {
    domain = parentName(domain);
    // Step 4: from 8 labels or more down to 7 at once, so that a long name cannot cost more than 8 queries.
    if (labelCount(domain) <= DMARC_WALK_LABELS_MAX) domains.push(domain);
  }
  return domains;
}

async function askRecord(resolver: Resolver, domain: Name): Promise<DmarcStep> {
  const owner = dmarcOwner(domain);
  if (!owner.ok) return { domain, outcome: 'none' };
  const answer = await resolver.lookup(owner.value, TYPE.TXT);
  if (isTransient(answer)) return { domain, outcome: 'error' };
  const texts = answer.kind === 'answer' ? answer.rdatas.map(txtText).filter(isDmarcText) : [];
  // Steps 2 and 6: of several records none counts.
  if (texts.length !== 1) return { domain, outcome: texts.length === 0 ? 'none' : 'several' };
  return { domain, outcome: 'record', record: receivedRecord(texts[0]!) };
}

/** RFC 9989 §4.10.1: without a valid p, or with a wrong sp or np, a record that asks for reports is p=none. */
function receivedRecord(text: string): DmarcRecord {
  const { record, problems } = readDmarc(text);
  if (record.policy !== undefined && !problems.some((each) => each.code === 'DMARC_POLICY')) return record;
  const { policy: _policy, subdomainPolicy: _sp, nonexistentPolicy: _np, ...rest } = record;
  return record.aggregateUris.length > 0 ? { ...rest, policy: 'none' } : rest;
}

/** The organizational domain of the domain that `walk` started at (RFC 9989 §4.10.2). */
export function organizationalDomain(walk: DmarcWalk): Name {
  const start = walk[0]!.domain;
  const found = walk.filter((step) => step.outcome === 'record');
  for (const { domain, record } of found) {
    if (record!.isPublicSuffix === false) return domain;
    if (record!.isPublicSuffix === true && !equalNames(domain, start)) return childTowards(domain, start);
  }
  return found.at(-1)?.domain ?? start;
}

/** The name one label below `ancestor` on the way to `descendant`. */
function childTowards(ancestor: Name, descendant: Name): Name {
  let name = descendant;
  while (labelCount(name) > labelCount(ancestor) + 1) name = parentName(name);
  return name;
}

export type DmarcDiscovery =
  | {
      readonly kind: 'policy';
      readonly record: DmarcRecord;
      /** Where the record was found. */
      readonly domain: Name;
      /** Undefined when a look-up above the author domain's own record failed. */
      readonly organizationalDomain: Name | undefined;
      readonly relation: DmarcRelation;
      /** As the record says, which is what receivers of RFC 7489 apply. */
      readonly stated: DmarcPolicy;
      /** With test mode taken into account. */
      readonly applied: DmarcPolicy;
      readonly walk: DmarcWalk;
    }
  /** Receivers do not apply DMARC: no record, or one without usable policy and reports. */
  | { readonly kind: 'none'; readonly organizationalDomain: Name | undefined; readonly walk: DmarcWalk }
  /** A look-up failed; `domain` is where, or the author domain itself when its existence could not be found out. */
  | { readonly kind: 'error'; readonly domain: Name; readonly walk: DmarcWalk };

/** The policy for mail with author domain `author` (RFC 9989 §4.10.1). */
export async function discoverDmarc(resolver: Resolver, author: Name): Promise<DmarcDiscovery> {
  const walk = await walkDmarcTree(resolver, author);
  const failed = walk.find((step) => step.outcome === 'error');
  const own = walk[0]!;
  // A record at the author domain applies, whatever could not be found out above it.
  if (failed !== undefined && own.record === undefined) return { kind: 'error', domain: failed.domain, walk };
  const organizational = failed === undefined ? organizationalDomain(walk) : undefined;
  const step = own.record === undefined ? inheritedRecord(walk, organizational!) : own;
  if (step?.record?.policy === undefined) return { kind: 'none', organizationalDomain: organizational, walk };
  const relation = step === own ? 'self' : await relationOf(resolver, author);
  if (relation === undefined) return { kind: 'error', domain: author, walk };
  return {
    kind: 'policy',
    record: step.record,
    domain: step.domain,
    organizationalDomain: organizational,
    relation,
    stated: statedPolicy(step.record, relation),
    applied: appliedPolicy(step.record, relation),
    walk,
  };
}

/** The record of the organizational domain, else that of the public suffix above it. */
function inheritedRecord(walk: DmarcWalk, organizational: Name): DmarcStep | undefined {
  return (
    walk.find((step) => step.record !== undefined && equalNames(step.domain, organizational)) ??
    walk.find((step) => step.record?.isPublicSuffix === true)
  );
}

/** RFC 9989 §3.2.13: a domain does not exist when the answer is NXDOMAIN (RFC 8020), whatever type was asked for. */
async function relationOf(resolver: Resolver, author: Name): Promise<DmarcRelation | undefined> {
  const answer = await resolver.lookup(author, TYPE.A);
  if (isTransient(answer)) return undefined;
  return answer.kind === 'nxdomain' ? 'nonexistent-subdomain' : 'existing-subdomain';
}

/** True when an authenticated identifier aligns with the author domain; undefined when a look-up failed (RFC 9989 §4.4, §4.10.2). */
export async function isAligned(
  resolver: Resolver,
  author: Name,
  identifier: Name,
  alignment: DmarcAlignment,
): Promise<boolean | undefined> {
  if (equalNames(author, identifier)) return true;
  if (alignment === 'strict') return false;
  const walks = [await walkDmarcTree(resolver, author), await walkDmarcTree(resolver, identifier)];
  if (walks.flat().some((step) => step.outcome === 'error')) return undefined;
  return equalNames(organizationalDomain(walks[0]!), organizationalDomain(walks[1]!));
}
