/**
 * CAA as CAs read it before they issue, and beside it the certificates that hosts of the domain present: what a CA may
 * not issue it does not renew.
 * Implements: RFC 8659 §3 (the relevant set is found on the way up), §4.1 (critical), §4.2, §4.3 and §4.4 (values).
 * Not here: whether our own CA may issue (control/certificate/permissions.ts).
 */
import { formatName } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { caaObjection } from '#certificate/caa.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type DoctorFacts } from './facts.ts';
import { bare, failed, informed, orPassed, passed, untested, warned } from './results.ts';

export function judgeCaa(facts: Pick<DoctorFacts, 'meant' | 'caa' | 'mail' | 'web'>): CheckResult[] {
  const issued = judgeIssuers(facts);
  const records = judgeRecords(facts);
  // What the records say themselves passes where they are sound; not beside a certificate that they forbid.
  return issued.length === 0 ? records : [...records.filter(({ verdict }) => verdict !== 'passed'), ...issued];
}

function judgeRecords({ meant, caa }: Pick<DoctorFacts, 'meant' | 'caa'>): CheckResult[] {
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

/** A warning: a certificate may be from before the records, and CAs look when they issue, not while it is used. */
function judgeIssuers({ meant, mail, web }: Pick<DoctorFacts, 'meant' | 'mail' | 'web'>): CheckResult[] {
  const zone = bare(formatName(meant.zone));
  const hosts = [...mail.hosts.map((each) => ({ ...each, port: 25 })), ...web.map((each) => ({ ...each, port: 443 }))];
  return hosts.flatMap(({ host, port, issuers }) =>
    issuers.flatMap(({ organization, identities, isWildcard, caa: { owner, rdatas } }) => {
      const objection = caaObjection(rdatas, { identities, isWildcard, isOfOthers: true });
      if (owner === undefined || objection === undefined) return [];
      const by = `the certificate on port ${port} is from ${organization}, which may not renew it`;
      const tag = isWildcard ? 'issuewild' : 'issue';
      const allow = `allow it with one more record, 0 ${tag} "${identities[0]}", at ${owner}`;
      const shown = `waxseal rrset get ${zone} ${bare(owner)} CAA shows the others`;
      const fix = `${allow} (${shown}); or get one from a CA that may`;
      return [warned('caa-issuer', `${bare(host)}:${port}`, `${by}: at ${owner} ${objection}`, fix)];
    }),
  );
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
