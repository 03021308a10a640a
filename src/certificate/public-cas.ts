/**
 * Public CAs by the organization that their certificates name as issuer, and the domains by which CAA records call
 * each: as their certification practice statements list them (CA/Browser Forum, Baseline Requirements §2.2).
 * A CA that is not here is unknown, and nothing follows from its certificates.
 * Implements: RFC 5280 §4.1.2.4 (issuer), RFC 8659 §4.2 (issuer domain name).
 * Not here: what a CAA set allows (caa.ts), whether a chain is trusted (chain.ts).
 */
import { X509Certificate } from 'node:crypto';

/** Who issued a certificate. */
export interface PublicIssuer {
  readonly organization: string;
  /** Domains in CAA records that let it issue. */
  readonly identities: readonly string[];
  /** The host is covered by a wildcard name alone. */
  readonly isWildcard: boolean;
}

const SECTIGO = ['sectigo.com', 'usertrust.com', 'trust-provider.com', 'comodo.com', 'comodoca.com'] as const;
const ENTRUST = ['entrust.net', 'affirmtrust.com'] as const;
const AMAZON = ['amazon.com', 'amazontrust.com', 'awstrust.com', 'amazonaws.com', 'aws.amazon.com'] as const;
const DIGICERT = [
  ...['digicert.com', 'www.digicert.com', 'digicert.ne.jp', 'cybertrust.ne.jp', 'symantec.com', 'thawte.com'],
  ...['geotrust.com', 'rapidssl.com', 'quovadisglobal.com', 'digitalcertvalidation.com', 'pkioverheid.nl'],
  ...['volusion', 'stratossl', 'intermediatecertificate', '1and1'].map((label) => `${label}.digitalcertvalidation.com`),
  ...AMAZON,
] as const;

/** More domains than a CA has now do no harm: a record that allows one of them is not complained about. */
const IDENTITIES: Readonly<Record<string, readonly string[]>> = {
  "Let's Encrypt": ['letsencrypt.org'],
  'Google Trust Services': ['pki.goog'],
  'Google Trust Services LLC': ['pki.goog'],
  'DigiCert Inc': DIGICERT,
  'DigiCert, Inc.': DIGICERT,
  'Sectigo Limited': [...SECTIGO, ...ENTRUST],
  ZeroSSL: [...SECTIGO, 'zerossl.com'],
  'GlobalSign nv-sa': ['globalsign.com'],
  Amazon: AMAZON,
  'GoDaddy.com, Inc.': ['godaddy.com', 'starfieldtech.com'],
  'Starfield Technologies, Inc.': ['starfieldtech.com', 'godaddy.com', ...AMAZON],
  'Entrust, Inc.': ENTRUST,
  'Entrust Limited': ENTRUST,
  'SSL Corporation': ['ssl.com', ...ENTRUST],
  'SSL Corp': ['ssl.com', ...ENTRUST],
  'Buypass AS-983163327': ['buypass.com', 'buypass.no'],
  'Actalis S.p.A.': ['actalis.it'],
  'Hellenic Academic and Research Institutions CA': ['harica.gr'],
  'Asseco Data Systems S.A.': ['certum.pl', 'certum.eu'],
  'D-Trust GmbH': ['d-trust.net', 'dtrust.de', 'd-trust.de', 'dtrust.net'],
  'Deutsche Telekom Security GmbH': ['telesec.de', 'pki.dfn.de', 'dfn.de'],
  'SwissSign AG': ['swisssign.com', 'swisssign.net', 'swissign.com', 'swisssign.ch'],
  IdenTrust: ['identrust.com'],
  'Microsoft Corporation': ['microsoft.com', ...DIGICERT],
};

/** Undefined for a CA that is not known, a host that the certificate is not for, and what is no certificate. */
export function publicIssuerOf(der: Uint8Array, host: string): PublicIssuer | undefined {
  const certificate = readCertificate(der);
  if (certificate === undefined) return undefined;
  const organization = certificate.issuer
    ?.split('\n')
    .findLast((line) => line.startsWith('O='))
    ?.slice('O='.length);
  if (organization === undefined || !Object.hasOwn(IDENTITIES, organization)) return undefined;
  if (certificate.checkHost(host, { subject: 'never' }) === undefined) return undefined;
  const isWildcard = certificate.checkHost(host, { subject: 'never', wildcards: false }) === undefined;
  return { organization, identities: IDENTITIES[organization]!, isWildcard };
}

function readCertificate(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}
