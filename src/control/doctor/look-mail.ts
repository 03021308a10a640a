/**
 * What strangers find of a domain's mail: hosts, records, and what is to be fetched over HTTPS.
 * Implements: RFC 5321 §5.1 (hosts), RFC 8461 §3.3 (policy), RFC 1912 §2.1 (names of addresses).
 * Not here: what it means (one file for each area).
 */
import {
  CHECK_HOST_ADDRESSES_MAX,
  CHECK_MAIL_HOSTS_MAX,
  CHECK_REPORT_HOSTS_MAX,
  CHECK_WEB_HOST_MS_MAX,
} from '#base/limits/outside.ts';
import { type Name, formatName, isAtOrBelow, lowerName, nameOf, ownerKey, parseName } from '#dns/name.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type HostSeen } from '#mail/dane/live.ts';
import { parseBimi } from '#mail/bimi/record.ts';
import { checkReportAuthorization, externalReportHosts } from '#mail/dmarc/consent-record.ts';
import { discoverDmarc } from '#mail/dmarc/discovery.ts';
import { dottedReverse, literalIp } from '#mail/spf/ip.ts';
import { txtText } from '#mail/text/txt.ts';
import { hostAddresses } from '#control/outside/host-addresses.ts';
import { type BimiProbe, type StsProbe } from '#control/outside/file-probes.ts';
import { ProbeFailure } from '#control/outside/probe-failure.ts';
import { type StarttlsLook } from '#control/outside/starttls-look.ts';
import { type CheckClient } from './client.ts';
import { type AddressNames, type BimiFacts, type DkimFacts, type DmarcFacts, type Fetched } from './facts.ts';
import { type MailFacts, type MailHostFacts, type MeantFacts, type StsFacts, type WebHostFacts } from './facts.ts';
import { lookAtCaa, lookAtIssuers } from './look-caa.ts';

/** Who looks further than DNS; absent: this server does not. */
export interface DoctorProbes {
  readonly sts?: StsProbe | undefined;
  readonly bimi?: BimiProbe | undefined;
  /** STARTTLS on port 25. */
  readonly mailHost?: StarttlsLook | undefined;
  /** TLS on port 443. */
  readonly webHost?: StarttlsLook | undefined;
  /** True for an address that hosts outside reach, or that the operator allows. */
  readonly mayAsk: (ip: string) => boolean;
}

export interface MailLook {
  readonly client: Pick<CheckClient, 'resolver' | 'within'>;
  readonly probes: DoctorProbes;
  readonly signal: AbortSignal;
}

const NEVER: ResolverAnswer = { kind: 'nodata' };
const LATE = 'the time for this check was over';

/** `text` below the zone, of a type; a name that would be too long has none. */
export function askBelow(text: string, zone: Name, type: RrType, resolver: Resolver): Promise<ResolverAnswer> {
  const name = parseName(text, zone);
  return name.ok ? resolver.lookup(name.value, type) : Promise.resolve(NEVER);
}

export async function lookAtMailHosts(zone: Name, look: MailLook): Promise<MailFacts> {
  const { resolver } = look.client;
  const [mx, own] = await Promise.all([resolver.lookup(zone, TYPE.MX), hostAddresses(zone, resolver)]);
  const names = mx.kind === 'answer' ? mx.rdatas.map((rdata) => lowerName(rdata.subarray(2))) : [];
  const hosts = [...new Map(names.filter((name) => name.length > 1).map((name) => [ownerKey(name), name])).values()];
  const asked = hosts.slice(0, CHECK_MAIL_HOSTS_MAX);
  return {
    mx,
    hasAddress: own.addresses.length > 0,
    hosts: await Promise.all(asked.map((host) => lookAtHost(host, zone, look))),
    unasked: hosts.slice(CHECK_MAIL_HOSTS_MAX).map((name) => formatName(name)),
  };
}

async function lookAtHost(name: Name, zone: Name, look: MailLook): Promise<MailHostFacts> {
  const { client, probes } = look;
  const { resolver } = client;
  const host = formatName(name);
  const isOwn = isAtOrBelow(ownerKey(name), ownerKey(zone));
  const [alias, found, tlsa] = await Promise.all([
    resolver.lookup(name, TYPE.CNAME),
    hostAddresses(name, resolver),
    askBelow('_25._tcp', name, TYPE.TLSA, resolver),
  ]);
  const { addresses, failure } = found;
  const inside = addresses.filter((ip) => !probes.mayAsk(ip));
  const isLooked = addresses.length > 0 && inside.length === 0;
  const [seen, names] = await Promise.all([
    isLooked && probes.mailHost !== undefined ? seenBy(probes.mailHost, host, look) : undefined,
    isOwn ? Promise.all(addresses.slice(0, CHECK_HOST_ADDRESSES_MAX).map((ip) => namesOf(ip, resolver))) : [],
  ]);
  const issuers = isOwn ? await lookAtIssuers(name, seen, resolver) : [];
  return { host, isOwn, isAlias: alias.kind === 'answer', addresses, inside, failure, names, seen, tlsa, issuers };
}

function seenBy(probe: StarttlsLook, host: string, { client, signal }: MailLook): Promise<HostSeen> {
  const late: HostSeen = { failure: new ProbeFailure('connect', LATE) };
  return client.within(() => probe(host.replace(/\.$/, ''), signal), late);
}

async function namesOf(ip: string, resolver: Resolver): Promise<AddressNames> {
  const reverse = nameOf(`${dottedReverse(literalIp(ip))}.`);
  const answer = await resolver.lookup(reverse, TYPE.PTR);
  const names = answer.kind === 'answer' ? answer.rdatas.slice(0, CHECK_HOST_ADDRESSES_MAX) : [];
  const confirmed = await Promise.all(
    names.map(async (name) => {
      const { addresses } = await hostAddresses(name, resolver);
      return addresses.includes(ip) ? [formatName(lowerName(name))] : [];
    }),
  );
  return { ip, answer, confirmed: confirmed.flat() };
}

export async function lookAtDkim(
  { zone, selectors }: MeantFacts,
  { resolver }: MailLook['client'],
): Promise<DkimFacts> {
  const [tree, ...answers] = await Promise.all([
    askBelow('_domainkey', zone, TYPE.TXT, resolver),
    ...selectors.map(({ selector }) => askBelow(`${selector}._domainkey`, zone, TYPE.TXT, resolver)),
  ]);
  return { tree, selectors: selectors.map((meant, at) => ({ meant, answer: answers[at]! })) };
}

export async function lookAtDmarc(zone: Name, { resolver }: MailLook['client']): Promise<DmarcFacts> {
  const [own, discovery] = await Promise.all([
    askBelow('_dmarc', zone, TYPE.TXT, resolver),
    discoverDmarc(resolver, zone),
  ]);
  const hosts = discovery.kind === 'policy' ? await externalReportHosts(resolver, zone, discovery.record) : [];
  const consents = await Promise.all(
    hosts.slice(0, CHECK_REPORT_HOSTS_MAX).map(async (host) => {
      const { kind } = await checkReportAuthorization(resolver, zone, host);
      return { host: formatName(host), kind };
    }),
  );
  return { own, discovery, consents };
}

export async function lookAtSts(zone: Name, { client, probes: { sts } }: MailLook): Promise<StsFacts> {
  const record = await askBelow('_mta-sts', zone, TYPE.TXT, client.resolver);
  if (record.kind !== 'answer' || sts === undefined) return { record };
  let certificateEndsMs: number | undefined;
  const url = `https://mta-sts.${formatName(zone).replace(/\.$/, '')}/.well-known/mta-sts.txt`;
  const noteEnd = (atMs: number): void => void (certificateEndsMs = Math.min(certificateEndsMs ?? atMs, atMs));
  const body = await client.within(() => fetched(() => sts(url, noteEnd)), { failure: LATE, step: 'connect' });
  return { record, body, certificateEndsMs };
}

export async function lookAtBimi(zone: Name, { client, probes: { bimi } }: MailLook): Promise<BimiFacts> {
  const record = await askBelow('default._bimi', zone, TYPE.TXT, client.resolver);
  if (record.kind !== 'answer' || bimi === undefined || record.rdatas.length !== 1) return { record };
  const read = parseBimi(txtText(record.rdatas[0]!));
  if (!read.ok) return { record };
  const { logoUri, evidenceUri } = read.value;
  const fetch = (url: string, name: string): Promise<Fetched<Uint8Array> | undefined> =>
    url === ''
      ? Promise.resolve(undefined)
      : client.within(() => fetched(() => bimi(url, name)), { failure: LATE, step: 'connect' });
  const [logo, evidence] = await Promise.all([fetch(logoUri, 'logo.svg'), fetch(evidenceUri, 'evidence.pem')]);
  return { record, logo, evidence };
}

/** The domain, `www` and the policy host: those that have TLSA for HTTPS, or that CAA records count for. */
export async function lookAtWebHosts(zone: Name, look: MailLook): Promise<readonly WebHostFacts[]> {
  const { client, probes } = look;
  const found = await Promise.all(
    ['@', 'www', 'mta-sts'].map(async (label): Promise<WebHostFacts[]> => {
      const name = parseName(label, zone);
      if (!name.ok) return [];
      const { resolver } = client;
      const tlsa = await askBelow('_443._tcp', name.value, TYPE.TLSA, resolver);
      const hasTlsa = tlsa.kind === 'answer';
      // Without records there is nothing to compare; that names cannot be looked up shows in other areas.
      if (!hasTlsa && (await lookAtCaa(name.value, resolver)).owner === undefined) return [];
      const host = formatName(name.value);
      // Who does not say by TLSA that it is there may well not be: then the whole check does not wait for it.
      const soon = AbortSignal.any([look.signal, AbortSignal.timeout(CHECK_WEB_HOST_MS_MAX)]);
      const within = hasTlsa ? look : { ...look, signal: soon };
      const seen = probes.webHost === undefined ? undefined : await seenBy(probes.webHost, host, within);
      return [{ host, tlsa, seen, issuers: await lookAtIssuers(name.value, seen, resolver) }];
    }),
  );
  return found.flat();
}

async function fetched<T>(fetch: () => Promise<T>): Promise<Fetched<T>> {
  try {
    return { octets: await fetch() };
  } catch (error) {
    if (error instanceof ProbeFailure) return { failure: error.message, step: error.step };
    return { failure: error instanceof Error ? error.message : String(error), step: 'HTTP' };
  }
}
