/**
 * BIMI as receivers meet it: the record, DMARC behind it, the logo and its evidence.
 * Implements: draft-brand-indicators-for-message-identification-12 §4.2 (record), §4.3 (files), §7.1 (DMARC).
 * Not here: reading (mail/bimi/record.ts), the logo's profile (mail/bimi/svg.ts), evidence (mail/bimi/evidence.ts).
 */
import { formatName } from '#dns/name.ts';
import { type BimiRecord, checkBimiDmarc, isDeclined, parseBimi } from '#mail/bimi/record.ts';
import { checkEvidence } from '#mail/bimi/evidence.ts';
import { checkBimiSvg } from '#mail/bimi/svg.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type DoctorFacts } from './facts.ts';
import { bare, failed, isFinding, ofProblem, orPassed, passed, textsOf, untested, whyUnknown } from './results.ts';
import { needless } from './results.ts';

type Facts = Pick<DoctorFacts, 'meant' | 'bimi' | 'dmarc' | 'nowMs'>;

export function judgeBimi(facts: Facts): CheckResult[] {
  const { meant, bimi, dmarc } = facts;
  const zone = formatName(meant.zone);
  const [at, show] = [`default._bimi.${zone}`, `waxseal bimi show ${bare(zone)}`];
  const texts = textsOf(bimi.record);
  if (texts === undefined) return [untested('bimi', at, whyUnknown(bimi.record), 'ask again later')];
  if (texts.length === 0) return [needless('bimi', at, 'there is no BIMI record, and none is needed')];
  if (texts.length > 1)
    return [failed('bimi-record', at, `there are ${texts.length} records, so receivers take none`, show)];
  const record = parseBimi(texts[0]!);
  if (!record.ok) return record.problems.map((each) => ofProblem('bimi-record', at, each, show));
  if (isDeclined(record.value)) return [passed('bimi', at, 'it says that the domain has no logo')];
  const found = record.warnings.map((each) => ofProblem('bimi-record', at, each, show));
  const { discovery } = dmarc;
  const policy = discovery.kind === 'policy' ? discovery.record : undefined;
  if (discovery.kind !== 'error')
    found.push(...checkBimiDmarc(record.value, policy).map((each) => ofProblem('bimi-dmarc', at, each, show)));
  found.push(...judgeLogo(record.value, facts, show), ...judgeEvidence(record.value, facts, show));
  return orPassed(found, () => passed('bimi', at, `logo ${record.value.logoUri}`));
}

function judgeLogo({ logoUri }: BimiRecord, { bimi }: Facts, show: string): CheckResult[] {
  if (logoUri === '') return [];
  if (bimi.logo === undefined) return [untested('bimi-logo', logoUri, 'this server does not fetch it', 'mail.probe')];
  if ('failure' in bimi.logo) return [failed('bimi-logo', logoUri, bimi.logo.failure, show)];
  const svg = checkBimiSvg(bimi.logo.octets);
  return svg.ok ? [] : svg.problems.map((each) => ofProblem('bimi-logo', logoUri, each, 'waxseal bimi check FILE'));
}

function judgeEvidence({ evidenceUri }: BimiRecord, { meant, bimi, nowMs }: Facts, show: string): CheckResult[] {
  if (evidenceUri === '') return [];
  const { logo, evidence } = bimi;
  if (evidence === undefined)
    return [untested('bimi-evidence', evidenceUri, 'this server does not fetch it', 'mail.probe')];
  if ('failure' in evidence) return [failed('bimi-evidence', evidenceUri, evidence.failure, show)];
  if (logo === undefined || 'failure' in logo) return [];
  const domain = bare(formatName(meant.zone));
  const expected = { logo: logo.octets, domain, selector: 'default', nowMs };
  const checked = checkEvidence(Buffer.from(evidence.octets).toString('utf8'), expected);
  const problems = checked.ok ? checked.warnings : checked.problems;
  return problems.map((each) => ofProblem('bimi-evidence', evidenceUri, each, show)).filter(isFinding);
}
