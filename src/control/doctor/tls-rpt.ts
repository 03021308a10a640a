/**
 * TLS-RPT: whether senders know where failures of TLS are reported.
 * Implements: RFC 8460 §3.
 * Not here: reading records (mail/tls-rpt/record.ts).
 */
import { formatName } from '#dns/name.ts';
import { parseTlsRpt, selectTlsRpt } from '#mail/tls-rpt/record.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type DoctorFacts } from './facts.ts';
import { takesMail } from './no-mail.ts';
import { bare, failed, informed, needless, ofProblem, orPassed, passed, textsOf } from './results.ts';
import { untested, warned, whyUnknown } from './results.ts';

export function judgeTlsRpt(facts: Pick<DoctorFacts, 'meant' | 'tlsRpt' | 'mail' | 'sts'>): CheckResult[] {
  const { meant, tlsRpt, mail, sts } = facts;
  const zone = formatName(meant.zone);
  const [at, show] = [`_smtp._tls.${zone}`, `waxseal mail show ${bare(zone)}`];
  const texts = textsOf(tlsRpt);
  if (texts === undefined) return [untested('tls-rpt', at, whyUnknown(tlsRpt), 'ask again later')];
  const records = selectTlsRpt(texts);
  if (texts.length === 0) {
    if (takesMail(mail) === false) return [needless('tls-rpt', at, 'the domain has no mail')];
    const isUsed = sts.record.kind === 'answer' || mail.hosts.some(({ tlsa }) => tlsa.kind === 'answer');
    const text = 'there is no TLS-RPT record';
    const fix = `set tlsRpt.rua in the mail policy: ${show}`;
    if (!isUsed) return [informed('tls-rpt', at, text, fix)];
    return [warned('tls-rpt-missing', at, `${text}: no sender can tell when MTA-STS or DANE stops mail`, fix)];
  }
  if (records.length > 1)
    return [failed('tls-rpt-multiple', at, `there are ${records.length} records, so senders take none`, show)];
  const record = parseTlsRpt(records[0] ?? texts[0]!);
  if (!record.ok) return record.problems.map((each) => ofProblem('tls-rpt-record', at, each, show));
  if (records.length === 0)
    return [failed('tls-rpt-record', at, 'the text does not begin with "v=TLSRPTv1;", so senders take none', show)];
  const found = record.warnings.map((each) => ofProblem('tls-rpt-record', at, each, show));
  return orPassed(found, () => passed('tls-rpt', at, `reports go to ${record.value.reportUris.join(', ')}`));
}
