/**
 * DANE as senders of mail meet it, and TLSA records of web hosts: the records, and the certificates beside them.
 * Implements: RFC 7672 §2.2 (all addresses count), §2.1 (only in signed zones), RFC 7671 §8.1 (two records for a
 * rollover), RFC 6698 §2.1.1 (usages 0 and 1 on port 443 are PKIX too, and not judged), RFC 3207 §4 (STARTTLS).
 * Not here: one record and one handshake (mail/dane/match.ts), looking (control/outside/starttls-look.ts).
 */
import { formatName } from '#dns/name.ts';
import { isTransient } from '#dns/resolver.ts';
import { type HostSeen, judgeHost } from '#mail/dane/live.ts';
import { type TlsaRecord, checkTlsa, formatTlsa, readTlsa } from '#mail/dane/record.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type DoctorFacts, type MailHostFacts, type WebHostFacts } from './facts.ts';
import { bare, failed, informed, isFinding, ofProblem, passed, untested, whyUnknown } from './results.ts';

type Facts = Pick<DoctorFacts, 'meant' | 'mail' | 'web' | 'parentDs' | 'nowMs'>;

export function judgeTlsaRecords(facts: Facts): CheckResult[] {
  return [
    ...facts.mail.hosts.flatMap((host) => judgeMailHost(host, facts)),
    ...facts.web.flatMap((host) => judgeWebHost(host, facts)),
  ];
}

function judgeMailHost(host: MailHostFacts, facts: Facts): CheckResult[] {
  const { seen, tlsa } = host;
  const subject = `_25._tcp.${host.host}`;
  const zone = bare(formatName(facts.meant.zone));
  const list = `waxseal tlsa list ${zone}`;
  const found: CheckResult[] = [];
  // That it has no address, or one inside, is another finding (addresses.ts).
  if (host.addresses.length > 0 && host.inside.length === 0) found.push(...judgeStarttls(host));
  if (isTransient(tlsa)) return [...found, untested('tlsa-unknown', subject, whyUnknown(tlsa), 'ask again later')];
  if (tlsa.kind !== 'answer') {
    if (found.some(isFinding)) return found;
    const fix = host.isOwn ? `publish them: waxseal mail apply ${zone} FILE` : 'ask who runs the host';
    return [...found, informed('tlsa', subject, 'it has no TLSA records: senders do not go by DANE', fix)];
  }
  if (host.isOwn && !isSecure(facts)) {
    // That the zone is not secure is a finding of DNSSEC (dnssec.ts).
    const text = 'it has TLSA records in a zone that validators take for unsigned, so senders ignore them';
    return [...found, informed('tlsa-unsigned', subject, text, `waxseal dnssec ds ${zone}`)];
  }
  const records = tlsa.rdatas.map(readTlsa);
  found.push(...judgeForm(subject, records, list));
  const usable = records.filter((record) => checkTlsa(record).every(({ severity }) => severity !== 'error'));
  if (usable.length === 0) return found;
  found.push(...judgeMatch('tlsa-mismatch', subject, usable, { host: host.host, seen, facts, fix: list }));
  // Nothing was seen that a record could match: why is another finding.
  if (found.some(isFinding) || !isShown(seen)) return found;
  if (usable.length === 1) {
    const text = 'it has one TLSA record: the next key needs one before it is used';
    found.push(informed('tlsa-rollover', subject, text, `waxseal tlsa next ${zone} ${bare(host.host)} FILE`));
  }
  return [passed('tlsa', subject, `${usable.length} records; one matches at ${addressesOf(seen)}`), ...found];
}

function judgeWebHost({ host, seen, tlsa }: WebHostFacts, facts: Facts): CheckResult[] {
  const subject = `_443._tcp.${host}`;
  if (tlsa.kind !== 'answer') return [];
  const list = `waxseal rrset get ${bare(formatName(facts.meant.zone))} ${bare(subject)} TLSA`;
  const records = tlsa.rdatas.map(readTlsa).filter(({ usage }) => usage >= 2);
  // Usages 0 and 1 narrow down what the browser's own roots decide.
  if (records.length === 0)
    return [informed('tlsa-https', subject, 'its usages are 0 and 1, which are not judged here')];
  const found = judgeForm(subject, records, list);
  const usable = records.filter((record) => checkTlsa(record).every(({ severity }) => severity !== 'error'));
  if (usable.length === 0) return found;
  const silent = silence(seen);
  if (silent !== undefined)
    return [...found, untested('web-host-silent', host, silent, 'look at it yourself: openssl s_client')];
  found.push(...judgeMatch('tlsa-https-mismatch', subject, usable, { host, seen, facts, fix: list }));
  if (found.some(isFinding)) return found;
  return [passed('tlsa-https', subject, `${usable.length} records; one matches at ${addressesOf(seen)}`), ...found];
}

function judgeForm(subject: string, records: readonly TlsaRecord[], fix: string): CheckResult[] {
  return records.flatMap((record) => checkTlsa(record).map((each) => ofProblem('tlsa-record', subject, each, fix)));
}

function judgeStarttls({ host, seen }: MailHostFacts): CheckResult[] {
  if (seen === undefined) {
    const text = 'this server does not look at it';
    return [untested('mail-host-silent', host, text, 'switch it on: mail.starttls_probe')];
  }
  const failures =
    'failure' in seen
      ? [{ ip: '', failure: seen.failure }]
      : seen.addresses.flatMap((each) => ('failure' in each ? [each] : []));
  return failures.map(({ ip, failure }) => {
    const subject = ip === '' ? host : `${host} ${ip}`;
    const isSilent = failure.step === 'connect' || failure.step === 'DNS';
    const look = `look at it yourself: openssl s_client -starttls smtp -connect ${bare(host)}:25`;
    return isSilent
      ? untested('mail-host-silent', subject, failure.message, `${look}; networks often block port 25`)
      : failed('starttls', subject, failure.message, look);
  });
}

interface Match {
  readonly host: string;
  readonly seen: HostSeen | undefined;
  readonly facts: Facts;
  readonly fix: string;
}

type MismatchCheck = 'tlsa-mismatch' | 'tlsa-https-mismatch';

function judgeMatch(
  check: MismatchCheck,
  subject: string,
  records: readonly TlsaRecord[],
  match: Match,
): CheckResult[] {
  const { host, seen, facts, fix } = match;
  if (seen === undefined) return [];
  const published = records.map((record) => ({
    object: formatTlsa(record),
    stage: 'published',
    record: formatTlsa(record),
  }));
  // RFC 7672 §3.2.2: the host, and the domain that it takes mail for.
  const names = [bare(host), bare(formatName(facts.meant.zone))];
  const { verdict, text } = judgeHost(published, seen, { names, nowMs: facts.nowMs });
  return verdict === 'no-match' ? [failed(check, subject, text, fix)] : [];
}

function silence(seen: HostSeen | undefined): string | undefined {
  if (seen === undefined) return 'this server does not look at it (mail.starttls_probe)';
  if ('failure' in seen) return seen.failure.message;
  const failures = seen.addresses.flatMap((each) => ('failure' in each ? [`${each.ip} ${each.failure.message}`] : []));
  return failures.length === seen.addresses.length ? failures.join('; ') : undefined;
}

function isShown(seen: HostSeen | undefined): boolean {
  return seen !== undefined && !('failure' in seen) && seen.addresses.some((each) => 'chain' in each);
}

function addressesOf(seen: HostSeen | undefined): string {
  return seen === undefined || 'failure' in seen ? 'no address' : seen.addresses.map(({ ip }) => ip).join(', ');
}

function isSecure({ meant, parentDs }: Facts): boolean {
  // Where the parent cannot be asked, nothing is said against it.
  const isKnown = parentDs.some(({ ds }) => ds !== undefined);
  return meant.isSigned && (!isKnown || parentDs.some(({ ds }) => (ds?.length ?? 0) > 0));
}
