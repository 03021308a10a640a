/**
 * The source of mail, as reports tell it: the domain of another that signed it, the domain of another in its envelope,
 * or its network. Addresses alone say little: one service sends from hundreds of them.
 * Not here: names of addresses (PTR): a report does not carry them, and reading one asks no name server.
 */
import { SOURCE_PREFIX_BITS } from '#base/limits/reports.ts';
import { formatIp, formatNetwork, networkOf, parseIp } from '#mail/spf/ip.ts';
import { type DmarcRow } from './dmarc-record.ts';
import { domainText } from './report-xml.ts';

export type SourceKind = 'domain' | 'network';

export interface Source {
  /** `esp.example`, `198.51.100.0/24`; for an address that SPF of the domain names, that address. */
  readonly name: string;
  readonly kind: SourceKind;
}

/** The source of a row in a report about `domain`. `isOurs`: SPF of the domain names the address. */
export function sourceOf(row: DmarcRow, domain: string, isOurs: (address: string) => boolean): Source {
  const isOther = (other: string) => !isRelated(other, domain);
  // In a fixed order: receivers list several signatures in any.
  const [signer] = row.signatures
    .map((each) => each.domain)
    .filter(isOther)
    .toSorted();
  if (signer !== undefined) return { name: signer, kind: 'domain' };
  if (isOurs(row.address)) return { name: row.address, kind: 'network' };
  if (row.envelope !== undefined && isOther(row.envelope)) return { name: organizationOf(row.envelope), kind: 'domain' };
  return { name: networkName(row.address), kind: 'network' };
}

/** One is the other, or lies below it. */
function isRelated(a: string, b: string): boolean {
  return a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`);
}

/**
 * The name under which many envelope domains of one sender are one source: `bounces.esp.example` and
 * `m7.eu.esp.example` are `esp.example`. By shape alone: three labels where the last two look like a registry
 * (`co.uk`), else two. Only for grouping; alignment is never judged by it.
 */
function organizationOf(domain: string): string {
  const labels = domain.split('.');
  const isRegistry = (labels.at(-1)?.length ?? 0) === 2 && (labels.at(-2)?.length ?? 0) <= 3;
  return labels.slice(isRegistry ? -3 : -2).join('.');
}

function networkName(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? address : formatNetwork(networkOf(ip, SOURCE_PREFIX_BITS[ip.family]));
}

/**
 * Names of sources that `text` may mean, the most exact first: a domain; an address, or its network. Empty for anything
 * else.
 */
export function sourceNames(text: string): string[] {
  const [address = '', prefix, ...rest] = text.trim().split('/');
  const ip = parseIp(address);
  if (ip !== undefined && rest.length === 0 && (prefix === undefined || prefix === String(SOURCE_PREFIX_BITS[ip.family])))
    return prefix === undefined ? [formatIp(ip), networkName(address)] : [networkName(address)];
  const domain = domainText(text);
  return ip === undefined && /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+$/.test(domain) ? [domain] : [];
}
