/**
 * The DANE section of a mail policy: mail hosts and the keys they use now.
 * Not here: keys to come and their times (lifecycle.ts).
 */
import { below, inBody } from '#base/place.ts';
import { type Problem, placeAt, problem } from '#base/problem.ts';
import { equalNames, formatName, isAtOrBelow, type Name, ownerKey, parseName } from '#dns/name.ts';
import { parseTlsa, tlsaFor, type TlsaRecord } from './record.ts';
import { type MailPolicyDocument } from '#mail/policy/schema.ts';

type Hosts = NonNullable<NonNullable<MailPolicyDocument['dane']>['hosts']>;

export interface DaneHost {
  readonly host: Name;
  readonly port: number;
  /** Records of the keys in use, each once. */
  readonly records: readonly TlsaRecord[];
}

export function settleDane(hosts: Hosts, domain: Name, problems: Problem[]): DaneHost[] {
  const settled: DaneHost[] = [];
  for (const [text, { keys, port = 25 }] of Object.entries(hosts)) {
    const at = below(inBody('/dane/hosts'), text);
    const host = parseName(text.endsWith('.') || text.includes('.') ? `${text.replace(/\.$/, '')}.` : text, domain);
    if (!host.ok) {
      problems.push(...placeAt(host.problems, at));
      continue;
    }
    if (!isAtOrBelow(ownerKey(host.value), ownerKey(domain)))
      problems.push(
        problem('MAIL_DANE_HOST', at, `${formatName(host.value)} is not in ${formatName(domain)}: its TLSA records stand in its own zone`, {
          rfc: 'RFC 7672 §2.2.3',
        }),
      );
    if (settled.some((other) => equalNames(other.host, host.value) && other.port === port))
      problems.push(problem('FIELD_VALUE', at, 'the host is listed twice'));
    const records = keys.flatMap((key, index) => {
      const record = readTlsaKey(key);
      problems.push(...placeAt(record.ok ? record.warnings : record.problems, below(at, 'keys', index)));
      return record.ok ? [record.value] : [];
    });
    settled.push({ host: host.value, port, records });
  }
  return settled;
}

/** A key as it stands in policies and commands: PEM of a certificate or public key (3 1 1), or the record itself. */
export function readTlsaKey(text: string) {
  return text.includes('-----BEGIN') ? tlsaFor({ pem: text }) : parseTlsa(text.trim());
}
