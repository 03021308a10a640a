/**
 * DMARC as receivers discover and apply it, and whether those that it names take its reports.
 * Implements: RFC 9989 §4.10 (discovery), §4.7 (the record), RFC 9990 §4 (consent to reports).
 * Not here: discovery (mail/dmarc/discovery.ts), advice (mail/dmarc/advice.ts).
 */
import { formatName } from '#dns/name.ts';
import { adviseDmarc } from '#mail/dmarc/advice.ts';
import { isDmarcText, parseDmarc } from '#mail/dmarc/record.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type DmarcFacts, type DoctorFacts } from './facts.ts';
import { takesMail } from './no-mail.ts';
import { bare, failed, ofProblem, orPassed, passed, textsOf, untested, warned, whyUnknown } from './results.ts';

export function judgeDmarc({ meant, dmarc, mail }: Pick<DoctorFacts, 'meant' | 'dmarc' | 'mail'>): CheckResult[] {
  const zone = formatName(meant.zone);
  const at = `_dmarc.${zone}`;
  const show = `waxseal dmarc show ${bare(zone)}`;
  const texts = textsOf(dmarc.own);
  if (texts === undefined) return [untested('dmarc', at, whyUnknown(dmarc.own), 'ask again later')];
  const own = texts.filter(isDmarcText);
  if (own.length > 1) {
    const text = `there are ${own.length} DMARC records, so receivers discard all of them`;
    return [failed('dmarc-multiple', at, text, `keep one: waxseal rrset get ${bare(zone)} _dmarc TXT`)];
  }
  const record = own[0] === undefined ? undefined : parseDmarc(own[0]);
  if (record?.ok === false) return record.problems.map((each) => ofProblem('dmarc-record', at, each, show));
  const { discovery } = dmarc;
  if (discovery.kind === 'error')
    return [untested('dmarc', at, 'a name above it cannot be looked up now', 'ask again later')];
  if (discovery.kind === 'none') {
    const text = 'there is no DMARC policy: receivers decide for themselves what to do with forged mail';
    return [failed('dmarc-missing', at, text, `publish one: waxseal mail apply ${bare(zone)} FILE`)];
  }
  const found = [...judgePolicy(zone, discovery, takesMail(mail)), ...judgeConsents(at, dmarc.consents)];
  if (record !== undefined) {
    const told = ['DMARC_REPORTS_NONE'];
    const advice = [...record.warnings, ...adviseDmarc(record.value)].filter(({ code }) => !told.includes(code));
    found.push(...advice.map((each) => ofProblem('dmarc-record', at, each, show)));
  }
  const where = formatName(discovery.domain);
  return orPassed(found, () => passed('dmarc', at, `policy ${discovery.applied}, from ${where}`));
}

type Policy = Extract<DmarcFacts['discovery'], { kind: 'policy' }>;

function judgePolicy(zone: string, { applied, record }: Policy, takes: boolean | undefined): CheckResult[] {
  const at = `_dmarc.${zone}`;
  // A domain without mail: no-mail.ts says what its policy should be, and there is nothing to report.
  if (takes === false) return [];
  const found: CheckResult[] = [];
  if (applied === 'none') {
    const text = 'the policy in force is none: forged mail is delivered';
    found.push(warned('dmarc-policy', at, text, `see what it waits for: waxseal dmarc show ${bare(zone)}`));
  }
  if (record.aggregateUris.length === 0) {
    const text = 'no report address (rua): receivers report what they see of the domain to no one';
    found.push(warned('dmarc-reports', at, text, `set dmarc.rua in the mail policy: waxseal mail show ${bare(zone)}`));
  }
  return found;
}

function judgeConsents(at: string, consents: DmarcFacts['consents']): CheckResult[] {
  return consents.flatMap(({ host, kind }): CheckResult[] => {
    if (kind === 'authorized') return [];
    const fix = `have it publish a record below _report._dmarc.${host}, or send reports elsewhere`;
    const text = `${host} has not said that it takes DMARC reports of this domain`;
    return [
      kind === 'refused'
        ? failed('dmarc-consent', at, text, fix)
        : untested('dmarc-consent', at, `${host} cannot be asked now whether it takes reports`, 'ask again later'),
    ];
  });
}
