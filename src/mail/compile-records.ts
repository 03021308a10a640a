/**
 * The records that result from a mail policy and the state of its life cycles, kind by kind, whatever the zone has.
 * Not here: SPF, which shares its RRset with others (compile.ts).
 */
import { atObject } from '#base/place.ts';
import { type Problem, type Result, placeAt } from '#base/problem.ts';
import { type Name, nameOf, parseName } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { bimiOwner, formatBimi } from '#mail/bimi/record.ts';
import { confirmedFiles, hostedRecord, NO_BIMI } from '#mail/bimi/files.ts';
import { bimiHold } from '#mail/bimi/hold.ts';
import { bimiHostRecords } from '#mail/bimi/host.ts';
import { BIMI_HOST_LABEL } from '#mail/bimi/hosted-file.ts';
import { parseTlsa, tlsaOwner, tlsaRdata } from '#mail/dane/record.ts';
import { dkimText } from '#mail/dkim/lifecycle.ts';
import { dkimOwner, NO_DKIM_TEXT } from '#mail/dkim/record.ts';
import { dmarcOwner, formatDmarc } from '#mail/dmarc/record.ts';
import { dmarcStage } from '#mail/dmarc/ramp.ts';
import { REPORT_AUTHORIZATION_TEXT, reportAuthorizationOwner } from '#mail/dmarc/consent-record.ts';
import { type MailState } from './state.ts';
import { announcedBody } from '#mail/mta-sts/lifecycle.ts';
import { hostRrsets } from '#mail/hosting/host-record.ts';
import { policyHostRecords } from '#mail/mta-sts/policy-host.ts';
import { formatStsRecord, stsHost, stsRecordOwner } from '#mail/mta-sts/record.ts';
import { dmarcRecordOf } from '#mail/dmarc/settle.ts';
import { type MailPolicy } from './mail-policy.ts';
import { publishedReportUris } from './tls-rpt-hold.ts';
import { formatTlsRpt, tlsRptOwner } from '#mail/tls-rpt/record.ts';
import { publishedTlsa } from '#mail/dane/lifecycle.ts';
import { txtRdata } from '#mail/text/txt.ts';

/** An RRset that the policy wants. */
export interface WantedRrset {
  readonly owner: Name;
  readonly type: RrType;
  readonly ttl: number;
  readonly rdatas: readonly Uint8Array[];
  /** What it is for, as in messages: `DKIM selector r20261121a (active)`. */
  readonly purpose: string;
}

/** Purpose of the records at `mta-sts.<domain>`. */
const POLICY_HOST_PURPOSE = 'MTA-STS policy host';
/** Purpose of the records at `bimi.<domain>`. */
const BIMI_HOST_PURPOSE = 'host of the BIMI logo';
/** Purposes of records that may be an alias where addresses stood. */
export const HOST_PURPOSES: readonly string[] = [POLICY_HOST_PURPOSE, BIMI_HOST_PURPOSE];

class Wanted {
  readonly rrsets: WantedRrset[] = [];
  readonly problems: Problem[] = [];

  add(owner: Result<Name>, type: RrType, ttl: number, rdatas: readonly Uint8Array[], purpose: string): void {
    if (owner.ok) this.rrsets.push({ owner: owner.value, type, ttl, rdatas, purpose });
    else this.problems.push(...placeAt(owner.problems, atObject(purpose)));
  }

  text(owner: Result<Name>, ttl: number, text: string, purpose: string): void {
    this.add(owner, TYPE.TXT, ttl, [txtRdata(text)], purpose);
  }
}

/** Every RRset but SPF's. `canHaveTlsa` says at which hosts TLSA can work. */
export function wantedRecords(
  domain: Name,
  policy: MailPolicy,
  state: MailState,
  canHaveTlsa: (host: Name) => boolean,
) {
  const wanted = new Wanted();
  const { ttlSeconds } = policy;
  addDkim(wanted, domain, policy, state);
  if (policy.dmarc.isEnabled) {
    const stage = dmarcStage(state.dmarc);
    wanted.text(
      dmarcOwner(domain),
      ttlSeconds.dmarc,
      formatDmarc(dmarcRecordOf(policy.dmarc, stage)),
      `DMARC policy ${stage}`,
    );
  }
  for (const other of policy.dmarc.acceptReportsOf) addReportConsent(wanted, other, domain, ttlSeconds.dmarc);
  addSts(wanted, domain, policy, state);
  const reportUris = publishedReportUris(policy, state, domain);
  const tlsRpt = formatTlsRpt({ reportUris });
  if (reportUris.length > 0) wanted.text(tlsRptOwner(domain), ttlSeconds.tlsRpt, tlsRpt, 'TLS reporting');
  addTlsa(wanted, policy, state, canHaveTlsa);
  addBimi(wanted, domain, policy, state);
  if (policy.isLockdown) {
    wanted.text(parseName('*._domainkey', domain), ttlSeconds.dkim, NO_DKIM_TEXT, 'DKIM: no selector has a key');
    // RFC 7505 §3: preference 0 and the root.
    wanted.add(
      { ok: true, value: domain, warnings: [] },
      TYPE.MX,
      ttlSeconds.mx,
      [new Uint8Array([0, 0, 0])],
      'null MX',
    );
  }
  return wanted;
}

function addDkim(
  wanted: Wanted,
  domain: Name,
  { dkim, ttlSeconds }: MailPolicy,
  { dkim: { lifecycle } }: MailState,
): void {
  for (const key of lifecycle.objects) {
    const text = dkimText(key);
    if (text !== undefined)
      wanted.text(dkimOwner(key.id, domain), ttlSeconds.dkim, text, `DKIM selector ${key.id} (${key.stage})`);
  }
  for (const { selector, record, ttlSeconds: ttl = ttlSeconds.dkim } of dkim.external)
    wanted.text(dkimOwner(selector, domain), ttl, record, `DKIM selector ${selector} (of others)`);
  for (const { selector, target, ttlSeconds: ttl = ttlSeconds.dkim } of dkim.delegations)
    wanted.add(dkimOwner(selector, domain), TYPE.CNAME, ttl, [target], `DKIM selector ${selector} (kept by others)`);
}

function addSts(wanted: Wanted, domain: Name, { mtaSts, ttlSeconds }: MailPolicy, state: MailState): void {
  const owner = stsRecordOwner(domain);
  if (mtaSts.mode === 'external') {
    if (mtaSts.target !== undefined)
      wanted.add(owner, TYPE.CNAME, ttlSeconds.mtaSts, [mtaSts.target], 'MTA-STS (kept by others)');
    else wanted.text(owner, ttlSeconds.mtaSts, formatStsRecord({ id: mtaSts.id! }), 'MTA-STS (served by others)');
    return;
  }
  for (const { type, rdatas } of hostRrsets(policyHostRecords(state.mtaSts)))
    wanted.add(stsHost(domain), type, ttlSeconds.mtaSts, rdatas, POLICY_HOST_PURPOSE);
  const announced = announcedBody(state.mtaSts);
  if (announced !== undefined)
    wanted.text(
      owner,
      ttlSeconds.mtaSts,
      formatStsRecord({ id: announced.data.id }),
      `MTA-STS mode ${announced.data.policy.mode}`,
    );
}

function addBimi(wanted: Wanted, domain: Name, policy: MailPolicy, state: MailState): void {
  const { bimi, ttlSeconds } = policy;
  const hosted = state.bimi ?? NO_BIMI;
  const host = parseName(BIMI_HOST_LABEL, domain);
  for (const { type, rdatas } of hostRrsets(bimiHostRecords(hosted)))
    wanted.add(host, type, ttlSeconds.bimi, rdatas, BIMI_HOST_PURPOSE);
  if (bimi === undefined || bimiHold(policy, dmarcStage(state.dmarc)) !== undefined) return;
  const data = bimi.isHosted ? confirmedFiles(hosted)?.data : undefined;
  if (bimi.isHosted && data === undefined) return;
  const record = data === undefined ? bimi.record : hostedRecord(bimi.record, domain, data);
  wanted.text(bimiOwner(domain, data?.selector ?? bimi.selector), ttlSeconds.bimi, formatBimi(record), 'BIMI');
}

/** RFC 7671 §8: all keys of a host, those to come and those that go, in one RRset. */
function addTlsa(
  wanted: Wanted,
  { ttlSeconds }: MailPolicy,
  { tlsa }: MailState,
  canHaveTlsa: (host: Name) => boolean,
): void {
  const byHost = Map.groupBy(publishedTlsa(tlsa), ({ data }) => `${data.port} ${data.host}`);
  for (const objects of byHost.values()) {
    const { host, port } = objects[0]!.data;
    const name = nameOf(host);
    if (!canHaveTlsa(name)) continue;
    const records = [...new Set(objects.map(({ data }) => data.record))].flatMap((text) => {
      const record = parseTlsa(text);
      return record.ok ? [tlsaRdata(record.value)] : [];
    });
    wanted.add(
      tlsaOwner(name, port),
      TYPE.TLSA,
      ttlSeconds.tlsa,
      records,
      `TLSA of ${host} (${objects.map(({ stage }) => stage).join(', ')})`,
    );
  }
}

function addReportConsent(wanted: Wanted, other: Name, host: Name, ttl: number): void {
  const owner = reportAuthorizationOwner(other, host);
  if (owner !== undefined) wanted.rrsets.push(reportConsent(owner, ttl));
}

/** The record by which a host takes DMARC reports of another domain. */
export function reportConsent(owner: Name, ttl: number): WantedRrset {
  return {
    owner,
    type: TYPE.TXT,
    ttl,
    rdatas: [txtRdata(REPORT_AUTHORIZATION_TEXT)],
    purpose: 'consent to DMARC reports',
  };
}
