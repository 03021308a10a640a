/**
 * MTA-STS as senders meet it: the record, the policy over HTTPS, and whether mail hosts keep to it.
 * Implements: RFC 8461 §3.1 (record), §3.2 (policy), §3.3 (fetching), §4.1 (hosts), §4.2 (their certificates: names and
 * dates; who issued them is seen by senders only).
 * Not here: fetching (control/outside/file-probes.ts), reading (mail/mta-sts/record.ts).
 */
import { X509Certificate } from 'node:crypto';
import { CHECK_CERTIFICATE_MS, CHECK_STS_MAX_AGE_SECONDS_MIN } from '#base/limits/outside.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type StsPolicy, isMxCovered, parseStsPolicy, parseStsRecord, selectSts } from '#mail/mta-sts/record.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type DoctorFacts, type MailHostFacts } from './facts.ts';
import { takesMail } from './no-mail.ts';
import { bare, failed, informed, needless, ofProblem, orPassed, passed, textsOf } from './results.ts';
import { untested, warned, whyUnknown } from './results.ts';

type Facts = Pick<DoctorFacts, 'meant' | 'sts' | 'mail' | 'nowMs'>;

export function judgeSts(facts: Facts): CheckResult[] {
  const { meant, sts, mail } = facts;
  const zone = formatName(meant.zone);
  const [at, show] = [`_mta-sts.${zone}`, `waxseal mta-sts show ${bare(zone)}`];
  const texts = textsOf(sts.record);
  if (texts === undefined) return [untested('mta-sts', at, whyUnknown(sts.record), 'ask again later')];
  const records = selectSts(texts);
  if (records.length === 0 && takesMail(mail) === false) return [needless('mta-sts', at, 'the domain has no mail')];
  if (texts.length === 0)
    return [informed('mta-sts', at, 'there is no MTA-STS record', `waxseal mta-sts mode ${bare(zone)} testing`)];
  if (records.length > 1)
    return [failed('mta-sts-multiple', at, `there are ${records.length} records, so senders take none`, show)];
  const record = parseStsRecord(records[0] ?? texts[0]!);
  if (!record.ok) return record.problems.map((each) => ofProblem('mta-sts-record', at, each, show));
  if (records.length === 0)
    return [failed('mta-sts-record', at, 'the text does not begin with "v=STSv1;", so senders take none', show)];
  const found = judgeBody(facts, zone);
  return orPassed(found, () => passed('mta-sts', at, `id ${record.value.id}; the policy is in force`));
}

function judgeBody({ sts, mail, nowMs }: Facts, zone: string): CheckResult[] {
  const subject = `mta-sts.${zone}`;
  const { body, certificateEndsMs } = sts;
  const list = `waxseal cert list ${bare(zone)}`;
  if (body === undefined) {
    const fix = 'switch it on: mail.probe';
    return [untested('mta-sts-fetch', subject, 'this server does not fetch policies', fix)];
  }
  if ('failure' in body) {
    const isCertificate = body.step === 'certificate' || body.step === 'TLS';
    return [failed(isCertificate ? 'mta-sts-certificate' : 'mta-sts-fetch', subject, body.failure, list)];
  }
  const found: CheckResult[] = [];
  if (certificateEndsMs !== undefined && certificateEndsMs - nowMs < CHECK_CERTIFICATE_MS) {
    const text = `the certificate of the policy host ends at ${formatTime(certificateEndsMs)}`;
    found.push(warned('certificate-ending', subject, text, list));
  }
  const policy = parseStsPolicy(body.octets);
  const show = `waxseal mta-sts show ${bare(zone)}`;
  if (!policy.ok) return [...found, ...policy.problems.map((each) => ofProblem('mta-sts-policy', subject, each, show))];
  found.push(...judgeHosts(policy.value, mail.hosts, nowMs, show));
  if (policy.value.mode !== 'enforce') {
    const text = `the policy's mode is ${policy.value.mode}: senders deliver without TLS too`;
    found.push(informed('mta-sts-mode', subject, text, `waxseal mta-sts mode ${bare(zone)} enforce`));
  }
  if (policy.value.mode !== 'none' && policy.value.maxAgeSeconds < CHECK_STS_MAX_AGE_SECONDS_MIN) {
    const text = `senders keep the policy for ${policy.value.maxAgeSeconds} s, and meet none when they come again`;
    found.push(warned('mta-sts-max-age', subject, text, 'make max_age a week or more'));
  }
  return found;
}

function judgeHosts(policy: StsPolicy, hosts: readonly MailHostFacts[], nowMs: number, show: string): CheckResult[] {
  if (policy.mode === 'none') return [];
  const allowed = policy.mxPatterns.join(', ');
  return hosts.flatMap((each): CheckResult[] => {
    if (!isMxCovered(policy, nameOf(each.host)))
      return [failed('mta-sts-mx', each.host, `the policy allows ${allowed}, and not this mail host`, show)];
    const wrong = wrongCertificate(each, nowMs);
    const fix = `have a certificate for ${bare(each.host)} put on the mail host`;
    if (wrong !== undefined) return [failed('mta-sts-mx-certificate', each.host, wrong, fix)];
    const endsMs = Math.min(...certificatesOf(each).map(({ certificate }) => certificate.validToDate.getTime()));
    if (endsMs - nowMs >= CHECK_CERTIFICATE_MS) return [];
    const text = `the certificate of the mail host ends at ${formatTime(endsMs)}`;
    return [warned('certificate-ending', each.host, text, fix)];
  });
}

/** Names and dates of the first certificate at each address; nothing that could not be seen. */
function wrongCertificate(host: MailHostFacts, nowMs: number): string | undefined {
  for (const { ip, certificate } of certificatesOf(host)) {
    if (certificate.checkHost(bare(host.host), { subject: 'never' }) === undefined)
      return `at ${ip} it presents a certificate for ${certificate.subjectAltName ?? 'no name'}`;
    const endsMs = certificate.validToDate.getTime();
    if (endsMs < nowMs) return `at ${ip} its certificate ended at ${formatTime(endsMs)}`;
  }
  return undefined;
}

function certificatesOf({ seen }: MailHostFacts): { readonly ip: string; readonly certificate: X509Certificate }[] {
  if (seen === undefined || 'failure' in seen) return [];
  return seen.addresses.flatMap((each) => {
    const own = 'chain' in each ? each.chain[0] : undefined;
    return own === undefined ? [] : [{ ip: each.ip, certificate: new X509Certificate(own) }];
  });
}
