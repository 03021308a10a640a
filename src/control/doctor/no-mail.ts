/**
 * Whether a domain takes mail, and what one without mail should say.
 * Implements: RFC 5321 §5.1 (MX, else the address), RFC 7505 §3 (null MX), §4.2 (and it sends none).
 * Not here: mail hosts (addresses.ts).
 */
import { formatName } from '#dns/name.ts';
import { isTransient } from '#dns/resolver.ts';
import { effectiveTerms } from '#mail/spf/spf.ts';
import { parseSpf } from '#mail/spf/parse.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type DoctorFacts, type MailFacts } from './facts.ts';
import { bare, failed, isFinding, passed, untested, warned, whyUnknown } from './results.ts';

/** Undefined: it is not known now. A domain without MX and with an address takes mail by accident. */
export function takesMail({ mx }: Pick<MailFacts, 'mx'>): boolean | undefined {
  if (isTransient(mx)) return undefined;
  return mx.kind === 'answer' && mx.rdatas.some((rdata) => rdata.length > 3);
}

export function judgeMail({
  meant,
  mail,
  spf,
  dmarc,
}: Pick<DoctorFacts, 'meant' | 'mail' | 'spf' | 'dmarc'>): CheckResult[] {
  const zone = formatName(meant.zone);
  const { mx, hasAddress } = mail;
  const takes = takesMail(mail);
  if (takes === undefined) return [untested('mx', zone, `MX: ${whyUnknown(mx)}`, 'ask again later')];
  const isNull = mx.kind === 'answer' && mx.rdatas.some((rdata) => rdata.length === 3);
  const set = `waxseal rrset set ${bare(zone)} @ MX 1h "0 ."`;
  if (takes) {
    if (isNull) return [failed('null-mx', zone, 'a null MX stands beside other MX records', 'remove one or the other')];
    const hosts = mx.kind === 'answer' ? mx.rdatas.map((rdata) => formatName(rdata.subarray(2))) : [];
    return [passed('mx', zone, `mail goes to ${hosts.join(', ')}`)];
  }
  const found: CheckResult[] = [];
  if (!isNull && hasAddress) {
    const text = 'it has no MX and an address, which mail is then delivered to';
    found.push(warned('null-mx-missing', zone, text, `if it takes no mail: ${set}`));
  }
  if (spf.state === 'record' && !sendsNothing(spf.text)) {
    const fix = `waxseal rrset set ${bare(zone)} @ TXT 1h "v=spf1 -all"`;
    found.push(warned('no-mail-spf', zone, `it takes no mail, and may send some: ${spf.text}`, fix));
  }
  if (dmarc.discovery.kind === 'policy' && dmarc.discovery.applied !== 'reject') {
    const text = `it has no mail, and its DMARC policy is ${dmarc.discovery.applied}`;
    const fix = `waxseal rrset set ${bare(zone)} _dmarc TXT 1h "v=DMARC1; p=reject"`;
    found.push(warned('no-mail-dmarc', zone, text, fix));
  }
  if (found.some(isFinding)) return found;
  return [passed('mx', zone, isNull ? 'a null MX says that it takes no mail' : 'it has no MX and no address')];
}

/** `v=spf1 -all`, however it is written. */
function sendsNothing(text: string): boolean {
  const record = parseSpf(text);
  if (!record.ok) return true;
  const terms = effectiveTerms(record.value);
  return terms.length === 1 && terms[0]!.kind === 'all' && terms[0]!.qualifier === '-';
}
