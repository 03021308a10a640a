/**
 * Hosts that the MX records name: whether senders reach them, and what their addresses are called.
 * Implements: RFC 5321 §5.1 (a mail host has an address), RFC 2181 §10.3 (and is no alias), RFC 1912 §2.1 (addresses
 * have names, and the names those addresses).
 * Not here: what they present (tlsa.ts), whether there are any (no-mail.ts).
 */
import { isTransient } from '#dns/resolver.ts';
import { type CheckResult } from '#control/api/zone-check.ts';
import { type AddressNames, type DoctorFacts, type MailHostFacts } from './facts.ts';
import { bare, failed, orPassed, passed, untested, warned, whyUnknown } from './results.ts';

export function judgeAddresses({ mail }: Pick<DoctorFacts, 'mail'>): CheckResult[] {
  const { hosts, unasked } = mail;
  const found = hosts.flatMap((host) => [...judgeHost(host), ...host.names.flatMap((each) => judgeNames(host, each))]);
  if (unasked.length > 0) {
    const text = `the domain has ${hosts.length + unasked.length} mail hosts; not looked at: ${unasked.join(', ')}`;
    found.push(untested('mail-host-unknown', unasked[0]!, text, 'look at them yourself: dig HOST A'));
  }
  if (hosts.length === 0) return found;
  const text = hosts.map(({ host, addresses }) => `${host} ${addresses.join(' ')}`).join(', ');
  return orPassed(found, () => passed('mail-hosts', hosts[0]!.host, text));
}

function judgeHost({ host, isAlias, addresses, inside, failure }: MailHostFacts): CheckResult[] {
  if (isAlias) {
    const fix = 'name the host that it leads to in the MX record';
    return [failed('mail-host-alias', host, 'it is an alias (CNAME), which no mail host may be', fix)];
  }
  if (addresses.length === 0) {
    if (failure !== undefined) return [untested('mail-host-unknown', host, failure, 'ask again later')];
    const fix = `give ${host} an A or AAAA record where its zone is kept, or take it out of the MX records`;
    return [failed('mail-host-no-address', host, 'it has no address: no mail is delivered there', fix)];
  }
  const found: CheckResult[] = [];
  if (failure !== undefined) found.push(untested('mail-host-unknown', host, failure, 'ask again later'));
  if (inside.length > 0) {
    const text = `senders outside cannot reach ${inside.join(', ')}`;
    found.push(failed('mail-host-not-public', host, text, `give ${host} public addresses only`));
  }
  return found;
}

function judgeNames({ host }: MailHostFacts, { ip, answer, confirmed }: AddressNames): CheckResult[] {
  const fix = `ask who gave you the address for a PTR record of ${ip} with ${bare(host)}`;
  const subject = `${host} ${ip}`;
  if (isTransient(answer)) return [untested('ptr-missing', subject, whyUnknown(answer), 'ask again later')];
  if (answer.kind !== 'answer') {
    return [warned('ptr-missing', subject, 'its address has no name: many receivers take no mail from it', fix)];
  }
  if (confirmed.length > 0) return [];
  return [warned('ptr-differs', subject, 'no name that its PTR records give has this address', fix)];
}
