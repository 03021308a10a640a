/**
 * A domain's mail as receivers meet it: the records that are published, read as they read them, with what the zone's own view adds.
 * Works with and without a mail policy. Look-ups go through the resolver: our own zones from the store, the rest from the world.
 * Not here: the readers (mail/), how the life cycles stand (MailView).
 */
import { atRrset, atTag, formatPlace, within } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Problem, placeAt, placeWithin, problem, warning } from '#base/problem.ts';
import { placeOfRrset } from '#dns/place.ts';
import { type Name, formatName, isAtOrBelow, ownerKey, parseName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { checkTlsa, readTlsa } from '#mail/dane/record.ts';
import { adviseDmarc } from '#mail/dmarc/advice.ts';
import { discoverDmarc } from '#mail/dmarc/discovery.ts';
import { checkReportAuthorization, externalReportHosts } from '#mail/dmarc/consent-record.ts';
import { dmarcOwner, isDmarcText, parseDmarc } from '#mail/dmarc/record.ts';
import { checkTextNode } from '#mail/hygiene.ts';
import { checkMx } from '#mail/mx.ts';
import { type Resolver } from '#dns/resolver.ts';
import { treeProblems } from '#mail/spf/budget.ts';
import { spfTree } from '#mail/spf/tree.ts';
import { txtText } from '#mail/text/txt.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { type MailView } from '#control/api/mail.ts';
import { checkHosts } from './check-hosts.ts';

export interface MailCheckReport {
  readonly zone: string;
  /** What was looked at, with what was found there: `_dmarc.example.com. TXT`, its texts. */
  readonly records: readonly { readonly at: string; readonly text: string }[];
  /** Errors first. */
  readonly problems: readonly Problem[];
}

/** Names below which mail records stand. */
const PLACES = ['_domainkey', '_dmarc', '_mta-sts', '_smtp._tls', '_bimi', '_report._dmarc'] as const;

/** What is checked: a zone, and its mail policy if it has one. */
export interface CheckedZone {
  readonly view: ZoneView;
  readonly isSigned: boolean;
  readonly mail?: MailView | undefined;
}

export async function checkMail({ view, isSigned, mail }: CheckedZone, resolver: Resolver): Promise<MailCheckReport> {
  const domain = view.apex;
  const zone = formatName(domain);
  const records: { at: string; text: string }[] = [];
  const problems: Problem[] = [];
  const nodes = [...new Map([...mailNodes(view)].map((node) => [node.key, node])).values()];
  for (const node of nodes) {
    problems.push(...checkTextNode(view, node));
    for (const { type, rdatas } of node.rrsets) {
      if (type === TYPE.MX) problems.push(...checkMx(node.owner, rdatas));
      if (type === TYPE.TXT) for (const rdata of rdatas) records.push({ at: `${formatName(node.owner)} TXT`, text: txtText(rdata) });
      if (type === TYPE.TLSA)
        problems.push(
          ...placeAt(
            rdatas.flatMap((rdata) => checkTlsa(readTlsa(rdata))),
            placeOfRrset(node.owner, type),
          ),
        );
    }
  }
  problems.push(
    ...(await checkSpf(zone.slice(0, -1), resolver)),
    ...(await checkDmarc(domain, view, resolver)),
    ...(await checkHosts({ view, isSigned }, resolver, nodes)),
  );
  if (mail !== undefined) problems.push(...mail.problems);
  // What is meant for the record and is none has been named: nothing is missing, something is wrong.
  const near = new Set(problems.filter(({ code }) => code === 'TXT_NEAR_MISS').map(({ at }) => formatPlace(at)));
  const told = problems.filter(({ code, at }) => code !== 'MAIL_RECORD_MISSING' || !near.has(formatPlace(at)));
  const unique = new Map(told.map((each) => [`${each.code} ${formatPlace(each.at)} ${each.message}`, each]));
  return {
    zone,
    records,
    problems: [...unique.values()].toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning')),
  };
}

/** Nodes that mail records may stand at. */
function* mailNodes(view: ZoneView): Generator<ZoneNode> {
  const apex = view.node(view.apexKey);
  if (apex !== undefined) yield apex;
  const wildcard = parseName('*', view.apex);
  const wild = wildcard.ok ? view.node(ownerKey(wildcard.value)) : undefined;
  if (wild !== undefined) yield wild;
  for (const place of PLACES) {
    const name = parseName(place, view.apex);
    if (!name.ok) continue;
    const key = ownerKey(name.value);
    for (const node of view.ascend(key)) {
      if (!isAtOrBelow(node.key, key)) break;
      yield node;
    }
  }
  yield* tlsaNodes(view, apex);
}

function* tlsaNodes(view: ZoneView, apex: ZoneNode | undefined): Generator<ZoneNode> {
  for (const rdata of rrsetOf(apex, TYPE.MX)?.rdatas ?? []) {
    const name = parseName('_25._tcp', rdata.subarray(2));
    const node = name.ok ? view.node(ownerKey(name.value)) : undefined;
    if (node !== undefined) yield node;
  }
}

async function checkSpf(domain: string, resolver: Resolver): Promise<Problem[]> {
  const tree = await spfTree(domain, resolver);
  if (tree.state === 'none')
    return [
      warning('MAIL_RECORD_MISSING', atRrset(`${domain}.`, 'TXT'), 'there is no SPF record: any host may claim to send for the domain', {
        rfc: 'RFC 7208 §3',
      }),
    ];
  // The text itself is checked with all TXT of its name.
  const own = new Set<ProblemCode>([...tree.problems.map(({ code }) => code), 'SPF_MULTIPLE', 'SPF_SIGN']);
  return treeProblems(tree).filter(({ code, at }) => !(own.has(code) && formatPlace(at).startsWith(`${domain} `)));
}

async function checkDmarc(domain: Name, view: ZoneView, resolver: Resolver): Promise<Problem[]> {
  const owner = dmarcOwner(domain);
  const texts = (owner.ok ? (rrsetOf(view.node(ownerKey(owner.value)), TYPE.TXT)?.rdatas ?? []) : []).map(txtText).filter(isDmarcText);
  const at = atRrset(`_dmarc.${formatName(domain)}`, 'TXT');
  if (texts.length === 0) {
    // RFC 9989 §4.10.1: a domain without a record has that of the organizational domain above it.
    if ((await discoverDmarc(resolver, domain)).kind === 'policy') return [];
    return [
      warning('MAIL_RECORD_MISSING', at, 'there is no DMARC record: receivers decide for themselves what to do with forged mail', {
        rfc: 'RFC 9989 §4.10',
      }),
    ];
  }
  const record = parseDmarc(texts[0]!);
  if (!record.ok) return [];
  const isSilent = record.value.policy === 'reject' && record.value.aggregateUris.length === 0;
  const advice = adviseDmarc(record.value)
    // A domain without mail has nothing to hear of.
    .filter(({ code }) => !(code === 'DMARC_REPORTS_NONE' && isSilent));
  const problems = placeWithin(advice, at);
  for (const host of await externalReportHosts(resolver, domain, record.value)) {
    const consent = await checkReportAuthorization(resolver, domain, host);
    if (consent.kind === 'authorized') continue;
    const why = consent.kind === 'error' ? 'cannot be asked now whether it takes' : 'has not said that it takes';
    const wanted = consent.owner === undefined ? '' : `, at ${formatName(consent.owner)}`;
    problems.push(
      (consent.kind === 'error' ? warning : problem)(
        'MAIL_REPORT_CONSENT',
        within(at, atTag('rua')),
        `${formatName(host)} ${why} DMARC reports of this domain${wanted}`,
        { rfc: 'RFC 9990 §4' },
      ),
    );
  }
  return problems;
}
