/**
 * Every check of a zone from outside, as data: what it belongs to, its source, and what it says in one line. The order
 * is that of reports. docs/check.md has the same list, and a test compares them.
 * Not here: how each is judged (one file for each area), those of the delegation (control/delegation-check/judge.ts).
 */

export const AREAS = [
  'delegation',
  'servers',
  'dnssec',
  'drift',
  'addresses',
  'mail',
  'spf',
  'dkim',
  'dmarc',
  'mta-sts',
  'tls-rpt',
  'tlsa',
  'bimi',
  'caa',
] as const;
export type Area = (typeof AREAS)[number];

interface Check {
  readonly area: Area;
  readonly rfc: string;
  /** What is looked at. */
  readonly says: string;
}

const BIMI_DRAFT = 'draft-brand-indicators-for-message-identification-12';

export const CHECKS = {
  delegated: { area: 'delegation', rfc: 'RFC 1034 §4.2.1', says: 'every server of the parent delegates the zone' },
  'ns-not-ours': {
    area: 'delegation',
    rfc: 'RFC 1034 §4.2.2',
    says: 'the parent names no name server that the zone here does not',
  },
  'parent-differs': {
    area: 'delegation',
    rfc: 'RFC 1034 §4.2.2',
    says: 'the parent names every name server of the zone',
  },
  'glue-differs': { area: 'delegation', rfc: 'RFC 1034 §4.2.1', says: 'the parent has the right addresses' },
  'parent-unknown': { area: 'delegation', rfc: 'RFC 1034 §4.2.1', says: 'the servers of the parent can be asked' },
  'too-few-servers': { area: 'delegation', rfc: 'RFC 2182 §5', says: 'there are two name servers or more' },
  'too-many-servers': { area: 'delegation', rfc: 'RFC 2182 §5', says: 'there are not more than are asked' },
  'one-network': { area: 'delegation', rfc: 'RFC 2182 §3.1', says: 'name servers are in different networks' },
  'no-address': {
    area: 'delegation',
    rfc: 'RFC 1034 §4.2.2',
    says: 'each name server has an address, and is no alias',
  },
  'address-unknown': { area: 'delegation', rfc: 'RFC 1034 §4.2.2', says: 'its addresses can be looked up' },
  'not-public': { area: 'delegation', rfc: 'RFC 6890 §2.2.2', says: 'resolvers outside can reach them' },
  'not-asked': { area: 'delegation', rfc: 'RFC 2182 §5', says: 'there are not more of them than are asked' },

  'servers-answer': { area: 'servers', rfc: 'RFC 1034 §4.2.2', says: 'each name server answers as it should' },
  'no-answer': { area: 'servers', rfc: 'RFC 1034 §4.2.2', says: 'it answers over UDP' },
  'no-tcp': { area: 'servers', rfc: 'RFC 7766 §5', says: 'it answers over TCP' },
  'no-edns': { area: 'servers', rfc: 'RFC 6891 §6.1.1', says: 'it answers with EDNS' },
  'not-authoritative': { area: 'servers', rfc: 'RFC 1034 §4.2.2', says: 'it has the zone' },
  recursive: { area: 'servers', rfc: 'RFC 5358 §3', says: 'it offers no recursion' },
  'serial-differs': { area: 'servers', rfc: 'RFC 1034 §4.3.5', says: 'it has the serial of the zone here' },
  'servers-differ': { area: 'servers', rfc: 'RFC 1034 §4.2.2', says: 'it has the NS records of the zone here' },
  'keys-differ': { area: 'servers', rfc: 'RFC 4035 §2.1', says: 'it has the DNSKEY records of the others' },
  unsigned: { area: 'servers', rfc: 'RFC 4035 §3.1', says: 'it gives signatures' },

  'chain-of-trust': { area: 'dnssec', rfc: 'RFC 4035 §5', says: 'a validator gets from the DS to the data' },
  resolves: { area: 'dnssec', rfc: 'RFC 4035 §5.5', says: 'the resolver gives the zone' },
  'ds-unknown': { area: 'dnssec', rfc: 'RFC 4035 §3.1.4.1', says: 'every server of the parent says what DS it has' },
  'ds-differs': { area: 'dnssec', rfc: 'RFC 4035 §2.4', says: 'all of them have the same' },
  'ds-no-key': { area: 'dnssec', rfc: 'RFC 4035 §5.2', says: 'a DS is of a key of the zone' },
  'ds-stray': { area: 'dnssec', rfc: 'RFC 4035 §2.4', says: 'no DS is of a key that the zone does not have' },
  'ds-digest': { area: 'dnssec', rfc: 'RFC 8624 §3.3', says: 'DS digests are not SHA-1 alone' },
  'ds-missing': { area: 'dnssec', rfc: 'RFC 4035 §2.4', says: 'a signed zone has a DS' },
  'not-signed': { area: 'dnssec', rfc: 'RFC 4035 §2', says: 'the zone is signed' },
  'signature-expired': { area: 'dnssec', rfc: 'RFC 4035 §5.3.1', says: 'no signature has ended' },
  'signature-ending': { area: 'dnssec', rfc: 'RFC 6781 §4.4.2', says: 'signatures are renewed in time' },
  denial: { area: 'dnssec', rfc: 'RFC 4035 §5.4', says: 'what is not there is proved' },

  'record-not-ours': {
    area: 'drift',
    rfc: 'RFC 1034 §4.3.5',
    says: 'name servers with the serial of the zone here have its records, and no others',
  },

  'mail-hosts': { area: 'addresses', rfc: 'RFC 5321 §5.1', says: 'mail hosts have addresses that senders reach' },
  'mail-host-alias': { area: 'addresses', rfc: 'RFC 2181 §10.3', says: 'a mail host is no alias' },
  'mail-host-no-address': { area: 'addresses', rfc: 'RFC 5321 §5.1', says: 'a mail host has an address' },
  'mail-host-not-public': { area: 'addresses', rfc: 'RFC 6890 §2.2.2', says: 'senders can reach it' },
  'mail-host-unknown': { area: 'addresses', rfc: 'RFC 5321 §5.1', says: 'mail hosts can be looked up' },
  'ptr-missing': { area: 'addresses', rfc: 'RFC 1912 §2.1', says: 'addresses of own mail hosts have names' },
  'ptr-differs': { area: 'addresses', rfc: 'RFC 1912 §2.1', says: 'the names have those addresses' },

  mx: { area: 'mail', rfc: 'RFC 5321 §5.1', says: 'the domain says where its mail goes' },
  'null-mx': { area: 'mail', rfc: 'RFC 7505 §3', says: 'a null MX stands alone' },
  'null-mx-missing': { area: 'mail', rfc: 'RFC 7505 §3', says: 'a domain without mail says so' },
  'no-mail-spf': { area: 'mail', rfc: 'RFC 7505 §4.2', says: 'a domain without mail sends none (SPF)' },
  'no-mail-dmarc': { area: 'mail', rfc: 'RFC 9989 §4.7', says: 'a domain without mail has its mail rejected (DMARC)' },

  spf: { area: 'spf', rfc: 'RFC 7208 §3', says: 'there is a sound SPF record' },
  'spf-missing': { area: 'spf', rfc: 'RFC 7208 §3', says: 'there is one' },
  'spf-multiple': { area: 'spf', rfc: 'RFC 7208 §3.2', says: 'there is only one' },
  'spf-lookups': { area: 'spf', rfc: 'RFC 7208 §4.6.4', says: 'it needs no more look-ups than receivers make' },
  'spf-record': { area: 'spf', rfc: 'RFC 7208 §4.6', says: 'receivers can read it' },
  'spf-open': { area: 'spf', rfc: 'RFC 7208 §5.1', says: 'it does not let every host send' },

  dkim: { area: 'dkim', rfc: 'RFC 6376 §3.6', says: 'each selector has its key' },
  'dkim-tree': { area: 'dkim', rfc: 'RFC 8020 §2', says: 'the name _domainkey exists' },
  'dkim-missing': { area: 'dkim', rfc: 'RFC 6376 §3.6.2', says: 'the selector has a record' },
  'dkim-multiple': { area: 'dkim', rfc: 'RFC 6376 §3.6.2.2', says: 'it has only one' },
  'dkim-record': { area: 'dkim', rfc: 'RFC 6376 §3.6.1', says: 'verifiers can use it' },
  'dkim-key-differs': { area: 'dkim', rfc: 'RFC 6376 §3.6.1', says: 'its key is the one here' },
  'dkim-weak': { area: 'dkim', rfc: 'RFC 8301 §3.2', says: 'its key is long enough' },
  'dkim-testing': { area: 'dkim', rfc: 'RFC 6376 §3.6.1', says: 'it is not marked as a test' },

  dmarc: { area: 'dmarc', rfc: 'RFC 9989 §4.10', says: 'receivers find a sound policy' },
  'dmarc-missing': { area: 'dmarc', rfc: 'RFC 9989 §4.10', says: 'there is one' },
  'dmarc-multiple': { area: 'dmarc', rfc: 'RFC 9989 §4.10', says: 'there is only one' },
  'dmarc-record': { area: 'dmarc', rfc: 'RFC 9989 §4.7', says: 'receivers can read it' },
  'dmarc-policy': { area: 'dmarc', rfc: 'RFC 9989 §4.7', says: 'it is quarantine or reject' },
  'dmarc-reports': { area: 'dmarc', rfc: 'RFC 9990 §2', says: 'reports go somewhere' },
  'dmarc-consent': { area: 'dmarc', rfc: 'RFC 9990 §4', says: 'where they go, they are taken' },

  'mta-sts': { area: 'mta-sts', rfc: 'RFC 8461 §3', says: 'senders find a policy in force' },
  'mta-sts-multiple': { area: 'mta-sts', rfc: 'RFC 8461 §3.1', says: 'there is one record' },
  'mta-sts-record': { area: 'mta-sts', rfc: 'RFC 8461 §3.1', says: 'senders can read it' },
  'mta-sts-fetch': { area: 'mta-sts', rfc: 'RFC 8461 §3.3', says: 'the policy can be fetched' },
  'mta-sts-certificate': { area: 'mta-sts', rfc: 'RFC 8461 §3.3', says: 'over a certificate that senders trust' },
  'mta-sts-policy': { area: 'mta-sts', rfc: 'RFC 8461 §3.2', says: 'senders can read it' },
  'mta-sts-mx': { area: 'mta-sts', rfc: 'RFC 8461 §4.1', says: 'it allows every mail host' },
  'mta-sts-mx-certificate': { area: 'mta-sts', rfc: 'RFC 8461 §4.2', says: 'and their certificates name them' },
  'mta-sts-mode': { area: 'mta-sts', rfc: 'RFC 8461 §5', says: 'its mode is enforce' },
  'mta-sts-max-age': { area: 'mta-sts', rfc: 'RFC 8461 §3.2', says: 'it is kept for a day or more' },
  'certificate-ending': { area: 'mta-sts', rfc: 'RFC 8461 §3.3', says: 'certificates are renewed in time' },

  'tls-rpt': { area: 'tls-rpt', rfc: 'RFC 8460 §3', says: 'failures of TLS are reported' },
  'tls-rpt-missing': { area: 'tls-rpt', rfc: 'RFC 8460 §3', says: 'there is a record where MTA-STS or DANE is used' },
  'tls-rpt-multiple': { area: 'tls-rpt', rfc: 'RFC 8460 §3', says: 'there is only one' },
  'tls-rpt-record': { area: 'tls-rpt', rfc: 'RFC 8460 §3', says: 'senders can read it' },

  tlsa: { area: 'tlsa', rfc: 'RFC 7672 §2.2', says: 'TLSA records match what mail hosts present on port 25' },
  'tlsa-mismatch': { area: 'tlsa', rfc: 'RFC 7672 §2.2', says: 'one of them matches at each address' },
  'tlsa-record': { area: 'tlsa', rfc: 'RFC 7672 §3.1', says: 'senders can use them' },
  'tlsa-unsigned': { area: 'tlsa', rfc: 'RFC 7672 §2.1', says: 'they are in a signed zone' },
  'tlsa-unknown': { area: 'tlsa', rfc: 'RFC 7672 §2.2', says: 'they can be looked up' },
  'tlsa-rollover': { area: 'tlsa', rfc: 'RFC 7671 §8.1', says: 'there are two, so that a key can be changed' },
  starttls: { area: 'tlsa', rfc: 'RFC 3207 §4', says: 'mail hosts offer STARTTLS' },
  'mail-host-silent': { area: 'tlsa', rfc: 'RFC 5321 §3.1', says: 'mail hosts answer on port 25' },
  'tlsa-https': { area: 'tlsa', rfc: 'RFC 6698 §2.1', says: 'TLSA records match what web hosts present on port 443' },
  'tlsa-https-mismatch': { area: 'tlsa', rfc: 'RFC 6698 §2.1', says: 'one of them matches at each address' },
  'web-host-silent': { area: 'tlsa', rfc: 'RFC 9110 §4.2.2', says: 'a host with TLSA for port 443 answers there' },

  bimi: { area: 'bimi', rfc: BIMI_DRAFT, says: 'receivers find a logo' },
  'bimi-record': { area: 'bimi', rfc: `${BIMI_DRAFT} §4.2`, says: 'they can read the record' },
  'bimi-dmarc': { area: 'bimi', rfc: `${BIMI_DRAFT} §7.1`, says: 'DMARC is strict enough for it' },
  'bimi-logo': { area: 'bimi', rfc: `${BIMI_DRAFT} §4.3.2`, says: 'the logo can be fetched and is shown' },
  'bimi-evidence': { area: 'bimi', rfc: `${BIMI_DRAFT} §4.3.3`, says: 'its evidence can be fetched and holds' },

  caa: { area: 'caa', rfc: 'RFC 8659 §3', says: 'the domain says which CAs may issue' },
  'caa-critical': { area: 'caa', rfc: 'RFC 8659 §4.1', says: 'no property stops every CA' },
  'caa-record': { area: 'caa', rfc: 'RFC 8659 §4.2', says: 'CAs can read them' },
  'caa-issuer': {
    area: 'caa',
    rfc: 'RFC 8659 §4.2',
    says: 'they allow the CAs that the certificates on ports 25 and 443 are from',
  },
} as const satisfies Readonly<Record<string, Check>>;

export type CheckId = keyof typeof CHECKS;
