/**
 * Everything that was seen, judged: one list, worst first, in each as the areas come.
 * Not here: the areas (one file each), looking (look.ts).
 */
import { CHECK_RESULTS_MAX } from '#base/limits/outside.ts';
import { type CheckResult, VERDICTS, type Verdict, type ZoneCheckReport } from '#control/api/zone-check.ts';
import { judgeAddresses } from './addresses.ts';
import { judgeBimi } from './bimi.ts';
import { judgeCaa } from './caa.ts';
import { AREAS } from './checks.ts';
import { judgeServers } from './delegation.ts';
import { judgeDkim } from './dkim.ts';
import { judgeDmarc } from './dmarc.ts';
import { judgeDnssec } from './dnssec.ts';
import { judgeDrift } from './drift.ts';
import { type DoctorFacts } from './facts.ts';
import { judgeSts } from './mta-sts.ts';
import { judgeMail } from './no-mail.ts';
import { judgeSpf } from './spf.ts';
import { judgeTlsaRecords } from './tlsa.ts';
import { judgeTlsRpt } from './tls-rpt.ts';

type Judged = Pick<ZoneCheckReport, 'results' | 'verdict' | 'omitted'>;

const BY_THEMSELVES = [
  judgeDrift,
  judgeAddresses,
  judgeMail,
  judgeSpf,
  judgeDkim,
  judgeDmarc,
  judgeSts,
  judgeTlsRpt,
  judgeTlsaRecords,
  judgeBimi,
  judgeCaa,
] as const;

/** Worst first; `omitted` is how many of the last are left out. */
export function judgeZone(facts: DoctorFacts): Judged {
  const servers = judgeServers(facts);
  const found = [...servers, ...judgeDnssec(facts, servers), ...BY_THEMSELVES.flatMap((judge) => judge(facts))];
  const order: readonly string[] = AREAS;
  const rank = ({ verdict, area }: CheckResult): number =>
    VERDICTS.indexOf(verdict) * order.length + order.indexOf(area);
  const results = found.toSorted((a, b) => rank(a) - rank(b)).slice(0, CHECK_RESULTS_MAX);
  return { results, verdict: worstOf(results), omitted: found.length - results.length };
}

function worstOf(results: readonly CheckResult[]): Verdict {
  return VERDICTS.find((verdict) => results.some((each) => each.verdict === verdict)) ?? 'not_tested';
}
