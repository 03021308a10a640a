/**
 * The key of every DKIM selector of the zone here, as verifiers find it.
 * Implements: RFC 6376 §3.6.1 (the record), §3.6.2.2 (one at a name), RFC 8020 §2 (nothing is below a name that is not
 * there), RFC 8301 §3.2 (size).
 * Not here: reading records (mail/dkim/record.ts), which selectors there are (meant.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { type Problem } from '#base/problem.ts';
import { formatName } from '#dns/name.ts';
import { parseDkim } from '#mail/dkim/record.ts';
import { reviewDkim } from '#mail/dkim/advice.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type CheckId } from './checks.ts';
import { type DkimFacts, type DoctorFacts } from './facts.ts';
import { takesMail } from './no-mail.ts';
import {
  bare,
  failed,
  informed,
  needless,
  ofProblem,
  orPassed,
  passed,
  textsOf,
  untested,
  whyUnknown,
} from './results.ts';

const CHECK_OF: Readonly<Partial<Record<Problem['code'], CheckId>>> = {
  DKIM_KEY_SHORT: 'dkim-weak',
  DKIM_KEY_WEAK: 'dkim-weak',
  DKIM_FLAG: 'dkim-testing',
};

export function judgeDkim({ meant, dkim, mail }: Pick<DoctorFacts, 'meant' | 'dkim' | 'mail'>): CheckResult[] {
  const zone = formatName(meant.zone);
  if (dkim.selectors.length === 0) {
    const none = 'the zone here has no DKIM selector';
    if (takesMail(mail) === false) return [needless('dkim', zone, `${none}, and the domain has no mail`)];
    const fix = `have keys made: waxseal mail apply ${bare(zone)} FILE`;
    return [informed('dkim', zone, `${none}: what others sign for it is not known here`, fix)];
  }
  if (dkim.tree.kind === 'nxdomain') {
    const text = '_domainkey does not exist (NXDOMAIN), so resolvers need not ask for what is below it';
    const fix = `ask each name server: dig @SERVER _domainkey.${bare(zone)} TXT`;
    return [failed('dkim-tree', `_domainkey.${zone}`, text, fix)];
  }
  const found = dkim.selectors.flatMap((each) => judgeSelector(each, zone));
  const names = dkim.selectors.map(({ meant: { selector } }) => selector).join(', ');
  return orPassed(found, () => passed('dkim', zone, `selectors ${names} have their keys`));
}

function judgeSelector({ meant, answer }: DkimFacts['selectors'][number], zone: string): CheckResult[] {
  const subject = `${meant.selector}._domainkey.${zone}`;
  const list = `waxseal dkim list ${bare(zone)}`;
  const texts = textsOf(answer);
  if (texts === undefined) return [untested('dkim', subject, whyUnknown(answer), 'ask again later')];
  const [text, ...others] = texts;
  if (text === undefined)
    return [failed('dkim-missing', subject, 'there is no record: mail that it signed does not verify', list)];
  if (others.length > 0)
    return [failed('dkim-multiple', subject, `there are ${texts.length} records, and verifiers take any`, list)];
  const seen = parseDkim(text);
  const wanted = meant.text === undefined ? undefined : parseDkim(meant.text);
  if (seen.ok && wanted?.ok === true && !equalBytes(seen.value.publicKey, wanted.value.publicKey)) {
    const what = seen.value.publicKey.length === 0 ? 'it is revoked there' : `its key there is ${text}`;
    return [failed('dkim-key-differs', subject, `${what}, and another one here`, list)];
  }
  const review = reviewDkim(text);
  const problems = review.ok ? review.warnings : review.problems;
  return problems.map((each) => ofProblem(CHECK_OF[each.code] ?? 'dkim-record', subject, each, list));
}
