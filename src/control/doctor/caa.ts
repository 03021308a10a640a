/**
 * CAA as CAs read it before they issue.
 * Implements: RFC 8659 §3 (the relevant set is found on the way up), §4.1 (critical), §4.2 and §4.4 (values).
 * Not here: whether our own CA may issue (control/certificate/permissions.ts).
 */
import { formatName } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { caaObjection } from '#certificate/caa.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type DoctorFacts } from './facts.ts';
import { bare, failed, informed, orPassed, passed, untested, warned } from './results.ts';

export function judgeCaa({ meant, caa }: Pick<DoctorFacts, 'meant' | 'caa'>): CheckResult[] {
  const zone = formatName(meant.zone);
  const { owner, rdatas, failure } = caa;
  if (failure !== undefined) return [untested('caa', zone, failure, 'ask again later')];
  if (owner === undefined) {
    const fix = `say which may: waxseal rrset set ${bare(zone)} @ CAA 1h '0 issue "ca.example"'`;
    return [informed('caa', zone, 'there are no CAA records: every CA may issue', fix)];
  }
  const texts = rdatas.map((rdata) => formatRdata(TYPE.CAA, rdata));
  const objection = caaObjection(rdatas, { identities: [] });
  const change = `change it: waxseal rrset get ${bare(zone)} ${bare(owner)} CAA`;
  const found: CheckResult[] = [];
  if (objection !== undefined) found.push(failed('caa-critical', owner, objection, change));
  for (const text of texts) {
    const why = wrongValue(text);
    if (why !== undefined) found.push(warned('caa-record', owner, `${text}: ${why}`, change));
  }
  return orPassed(found, () => passed('caa', owner, texts.join(' | ')));
}

const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?$/i;

/** RFC 8659 §4.2: a domain or nothing before the first semicolon; §4.4: a URL of a scheme that CAs use. */
function wrongValue(text: string): string | undefined {
  const [, tag = '', value = ''] = /^\d+ (\S+) "(.*)"$/s.exec(text) ?? [];
  if (tag === 'issue' || tag === 'issuewild') {
    const domain = value.split(';')[0]!.trim();
    return domain === '' || DOMAIN.test(domain)
      ? undefined
      : `${JSON.stringify(domain)} is no domain, so no CA may issue`;
  }
  if (tag !== 'iodef') return undefined;
  return /^(?:mailto|https?):/i.test(value) ? undefined : 'reports go to mailto:, http: or https: only';
}
