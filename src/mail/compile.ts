/**
 * Policy + state + zone → the RRsets that mail needs now, and what that changes in the zone. Pure, and the same every time: a plan and
 * what is applied are one code path.
 * Implements: RFC 7208 §3.2 (one SPF record beside other TXT), RFC 7672 §2.2 (where TLSA can work), RFC 9990 §4 (consent of report hosts).
 * Not here: the records themselves (compile-records.ts), time (step.ts), signing and committing.
 */
import { atRrset, inBody } from '#base/place.ts';
import { type Problem, placeWithin, problem, warning } from '#base/problem.ts';
import { placeOfRrset } from '#dns/place.ts';
import { equalNames, formatName, isAtOrBelow, ownerKey, parseName, ROOT, wildcardOf } from '#dns/name.ts';
import type { Name, OwnerKey } from '#dns/name.ts';
import { isSameSet, sortRdatas } from '#dns/rrset.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { targetState } from '#zone/check-targets.ts';
import { type NodeRrset, rrsetOf, type ZoneNode, type ZoneView } from '#zone/view.ts';
import { bimiProblems } from '#mail/bimi/hold.ts';
import { changedView } from './compile-view.ts';
import { HOST_PURPOSES, wantedRecords, type WantedRrset } from './compile-records.ts';
import { stsHost } from '#mail/mta-sts/record.ts';
import { dmarcOwner, type DmarcRecord, isDmarcText, parseDmarc } from '#mail/dmarc/record.ts';
import { adviseDmarc } from '#mail/dmarc/advice.ts';
import { dmarcStage } from '#mail/dmarc/ramp.ts';
import { checkMxTargets, checkReportHosts } from './host-warnings.ts';
import { checkTextNode } from './hygiene.ts';
import { type MailState, type ManagedRrset } from './state.ts';
import { dmarcRecordOf } from '#mail/dmarc/settle.ts';
import { type MailPolicy } from './mail-policy.ts';
import { isSpfText } from '#mail/spf/spf.ts';
import { partOwner, publishedParts, spfTextOf } from '#mail/spf/parts.ts';
import { meansSame } from './same-record.ts';
import { type ReportConsents, reportConsents } from './report-consents.ts';
import { txtRdata, txtText } from '#mail/text/txt.ts';

export interface CompileInput {
  readonly domain: Name;
  readonly policy: MailPolicy;
  readonly state: MailState;
  readonly view: ZoneView;
  /** Whether the zone is signed: TLSA is nothing without. */
  readonly isSigned: boolean;
  /** Records put by hand may be replaced; without it they are conflicts. */
  readonly isTakeOver?: boolean;
  /** The served zone that a name is in, the deepest one. */
  readonly zoneOf?: (name: Name) => ZoneView | undefined;
  /** Whether the step runs for an actor who may change the zone with this apex. */
  readonly mayChange?: (apex: Name) => boolean;
  /** True for a consent to DMARC reports that the policy of another zone wants too. */
  readonly isClaimed?: (owner: Name) => boolean;
}

export interface Compiled extends Pick<ReportConsents, 'elsewhere' | 'reportHosts'> {
  /** Every RRset that the policy wants in this zone, manager `mail`; with those left to others when SPF went. */
  readonly records: readonly RrsetChange[];
  /** What differs from the zone. */
  readonly changes: readonly RrsetChange[];
  readonly problems: readonly Problem[];
  /** For the state: what to take out when it is no longer wanted. */
  readonly managed: readonly ManagedRrset[];
  /** For the state: consents to DMARC reports that stand in other zones for this domain. */
  readonly consents: readonly string[];
}

/** What the domain's mail needs in the zone. Errors among the problems mean that the changes must not be made. */
export function compileMail(input: CompileInput): Compiled {
  const { domain, policy, state, view } = input;
  const problems: Problem[] = [];
  const hosts = checkTlsaHosts(input, problems);
  const wanted = wantedRecords(domain, policy, state, (host) => hosts.get(ownerKey(host)) ?? false);
  problems.push(...wanted.problems);
  const rrsets = [...wanted.rrsets, ...wantedParts(input, problems), ...(policy.spf.isEnabled ? [wantedSpf(input)] : [])];
  const records = rrsets.map((each): RrsetChange => ({
    owner: each.owner,
    type: each.type,
    rrset: { ttl: each.ttl, rdatas: sortRdatas(each.type, each.rdatas), manager: 'mail' },
  }));
  const displaced = rrsets.flatMap((each) => checkConflicts(input, each, problems));
  const managed = records.map(({ owner, type }): ManagedRrset => ({ owner: formatName(owner).toLowerCase(), type }));
  const leaving = uniqueRrsets([...displaced, ...removals(input, managed)]);
  const changes = [...leaving, ...records].filter((change) => isDifferent(view, change));
  problems.push(...checkResult(input, records, changes));
  const { given, waiting, ...reports } = reportConsents({
    domain,
    dmarc: currentDmarc(policy, state),
    ttlSeconds: policy.ttlSeconds.dmarc,
    before: state.consents ?? [],
    zoneOf: input.zoneOf ?? (() => undefined),
    isClaimed: input.isClaimed ?? (() => false),
    mayChange: input.mayChange ?? (() => false),
  });
  return { records, changes, ...reports, problems: [...problems, ...waiting], managed, consents: given };
}

/** RFC 7208 §3.2: exactly one SPF record; all other TXT of the domain stays, whatever its manager. */
function wantedSpf({ domain, policy, view, state }: CompileInput): WantedRrset {
  const text = spfTextOf(policy.spf, state.spf);
  const others = otherTexts(view, domain);
  return { owner: domain, type: TYPE.TXT, ttl: policy.ttlSeconds.spf, rdatas: [txtRdata(text), ...others], purpose: 'SPF' };
}

/** Records that the SPF record includes, or that caches may still include. */
function wantedParts({ domain, policy, state }: CompileInput, problems: Problem[]): WantedRrset[] {
  return (state.spf === undefined ? [] : publishedParts(state.spf)).flatMap(({ number, text }): WantedRrset[] => {
    const owner = parseName(`${partOwner(number, domain)}.`);
    if (!owner.ok) problems.push(...owner.problems);
    return owner.ok
      ? [{ owner: owner.value, type: TYPE.TXT, ttl: policy.ttlSeconds.spf, rdatas: [txtRdata(text)], purpose: `SPF _spf${number}` }]
      : [];
  });
}

function otherTexts(view: ZoneView, domain: Name): Uint8Array[] {
  const rrset = rrsetOf(view.node(ownerKey(domain)), TYPE.TXT);
  return (rrset?.rdatas ?? []).filter((rdata) => !isSpfText(txtText(rdata)));
}

/** The first of each owner and type. */
function uniqueRrsets(changes: readonly RrsetChange[]): RrsetChange[] {
  return changes.filter((each, at) => changes.findIndex(({ owner, type }) => isSameRrset(each, owner, type)) === at);
}

function isSameRrset(change: RrsetChange, owner: Name, type: number): boolean {
  return change.type === type && equalNames(change.owner, owner);
}

/**
 * What the policy had put there and does not want any more. Other TXT beside a removed SPF becomes manual again, and so
 * does the policy host's record when others are to serve the policy: the operator leads it there.
 */
function removals(input: CompileInput, managed: readonly ManagedRrset[]): RrsetChange[] {
  const { state, view, domain, policy, isClaimed } = input;
  const host = policy.mtaSts.mode === 'external' ? stsHost(domain) : undefined;
  return state.managed
    .filter((each) => !managed.some(({ owner, type }) => owner === each.owner && type === each.type))
    .flatMap(({ owner: ownerText, type }): RrsetChange[] => {
      const owner = parseName(ownerText, ROOT);
      if (!owner.ok) return [];
      const rrset = rrsetOf(view.node(ownerKey(owner.value)), type);
      if (rrset?.manager !== 'mail' || isClaimed?.(owner.value) === true) return [];
      if (host?.ok === true && equalNames(host.value, owner.value))
        return [{ owner: owner.value, type, rrset: { ...rrset, manager: 'manual' } }];
      const others = type === TYPE.TXT && equalNames(owner.value, domain) ? otherTexts(view, domain) : [];
      return [{ owner: owner.value, type, rrset: others.length === 0 ? null : { ttl: rrset.ttl, rdatas: others, manager: 'manual' } }];
    });
}

function isDifferent(view: ZoneView, { owner, type, rrset }: RrsetChange): boolean {
  const now = rrsetOf(view.node(ownerKey(owner)), type);
  if (now === undefined || rrset === null) return (now === undefined) !== (rrset === null);
  return now.manager !== rrset.manager || !isSame(now, rrset);
}

function isSame(now: Pick<NodeRrset, 'ttl' | 'rdatas'>, rrset: Pick<NodeRrset, 'ttl' | 'rdatas'>): boolean {
  return now.ttl === rrset.ttl && isSameSet(now.rdatas, rrset.rdatas);
}

/**
 * Reports conflicts with records put by hand; returns those to remove for the wanted one. Records that say the same are
 * taken over.
 */
function checkConflicts({ view, isTakeOver = false }: CompileInput, wanted: WantedRrset, problems: Problem[]): RrsetChange[] {
  const node = view.node(ownerKey(wanted.owner));
  const at = placeOfRrset(wanted.owner, wanted.type);
  const tell = (what: string) =>
    problems.push(
      (isTakeOver ? warning : problem)('MAIL_CONFLICT', at, `${what}; the mail policy wants ${wanted.purpose} there`, {
        fix: isTakeOver
          ? 'it is replaced'
          : 'make the policy say the same (waxseal mail plan --from-zone proposes one), or apply it with --take-over',
      }),
    );
  const alias = wanted.type === TYPE.CNAME ? undefined : rrsetOf(node, TYPE.CNAME);
  if (alias !== undefined) {
    if (alias.manager !== 'mail') tell('a CNAME put by hand stands at this name');
    return [{ owner: wanted.owner, type: TYPE.CNAME, rrset: null }];
  }
  // A host of ours as an alias: wanted only where addresses put by hand are to give way.
  const isHostAlias = HOST_PURPOSES.includes(wanted.purpose) && wanted.type === TYPE.CNAME;
  const addresses = isHostAlias ? [TYPE.A, TYPE.AAAA].filter((type) => rrsetOf(node, type) !== undefined) : [];
  const isByHand = (type: RrType) => rrsetOf(node, type)?.manager !== 'mail';
  if (addresses.some(isByHand)) tell('addresses put by hand stand at this name');
  if (addresses.length > 0) return addresses.map((type) => ({ owner: wanted.owner, type, rrset: null }));
  const now = rrsetOf(node, wanted.type);
  if (now === undefined || now.manager === 'mail') return [];
  if (now.manager !== 'manual') tell(`the records are managed by ${now.manager}`);
  else if (wanted.purpose === 'SPF') {
    const [text, ...more] = now.rdatas.map(txtText).filter(isSpfText);
    const ours = wanted.rdatas.map(txtText).find(isSpfText);
    if (text !== undefined && (more.length > 0 || !meansSame(wanted.owner, text, ours!)))
      tell(`an SPF record put by hand says ${JSON.stringify(text)}`);
  } else if (!saySame(wanted, now.rdatas)) tell('records put by hand stand at this name');
  return [];
}

/** Octet for octet, or texts that mean the same to their readers however they are written and cut into strings. */
function saySame({ owner, type, rdatas }: WantedRrset, now: readonly Uint8Array[]): boolean {
  if (isSameSet(now, sortRdatas(type, rdatas))) return true;
  return type === TYPE.TXT && now.length === 1 && rdatas.length === 1 && meansSame(owner, txtText(now[0]!), txtText(rdatas[0]!));
}

/** By owner key: whether TLSA can work at the host. Where it cannot, the reason is a problem and no record is published. */
function checkTlsaHosts({ state, view, isSigned }: CompileInput, problems: Problem[]): Map<OwnerKey, boolean> {
  const hosts = new Map<OwnerKey, boolean>();
  for (const { data } of state.tlsa.lifecycle.objects) {
    const name = parseName(data.host, ROOT);
    if (!name.ok || hosts.has(ownerKey(name.value))) continue;
    const node = view.node(ownerKey(name.value));
    const refuse = (why: string, fix: string) =>
      problems.push(problem('MAIL_DANE_HOST', atRrset(data.host), why, { rfc: 'RFC 7672 §2.2', fix }));
    if (!isSigned)
      refuse(
        `${data.host} gets no TLSA: the zone is not signed, and senders only trust signed TLSA`,
        'turn signing on: waxseal dnssec enable',
      );
    else if (rrsetOf(node, TYPE.CNAME) !== undefined)
      refuse(
        `${data.host} gets no TLSA: it is an alias, and senders look at the TLSA of its target`,
        'give the host addresses of its own, or put the target into dane.hosts',
      );
    else if (rrsetOf(node, TYPE.A) === undefined && rrsetOf(node, TYPE.AAAA) === undefined)
      problems.push(
        warning('MAIL_DANE_HOST', atRrset(data.host), `${data.host} has no address in the zone, so no sender connects to it`, {
          rfc: 'RFC 7672 §2.2',
        }),
      );
    hosts.set(ownerKey(name.value), isSigned && rrsetOf(node, TYPE.CNAME) === undefined);
  }
  return hosts;
}

/** What readers of the zone would say about it afterwards, at the names that the policy touches and at the wildcard above them. */
function checkResult(
  { domain, policy, state, view }: CompileInput,
  records: readonly RrsetChange[],
  changes: readonly RrsetChange[],
): Problem[] {
  const after = changedView(view, changes);
  const wildcard = wildcardOf(domain);
  const keys = new Set(records.map(({ owner }) => ownerKey(owner)));
  if (wildcard !== undefined) keys.add(ownerKey(wildcard));
  const problems = [...keys].flatMap((key) => {
    const node = after.node(key);
    return node === undefined ? [] : [...checkTextNode(after, node), ...reportHostsOf(after, node)];
  });
  problems.push(...checkMailHosts(after, domain, policy));
  const dmarc = currentDmarc(policy, state);
  if (dmarc !== undefined) {
    const at = atRrset(`_dmarc.${formatName(domain)}`, 'TXT');
    const advice = adviseDmarc(dmarc).filter(({ code }) => !(policy.isLockdown && code === 'DMARC_REPORTS_NONE'));
    problems.push(...placeWithin(advice, at));
  }
  problems.push(...bimiProblems(policy, dmarcStage(state.dmarc), dmarc ?? dmarcIn(after, domain)));
  return problems;
}

function reportHostsOf(view: ZoneView, node: ZoneNode): Problem[] {
  return (rrsetOf(node, TYPE.TXT)?.rdatas ?? []).flatMap((rdata) => checkReportHosts(view, node.owner, txtText(rdata)));
}

/** Hosts that take the domain's mail, and those that MTA-STS allows: senders compare these with the name in the MX. */
function checkMailHosts(view: ZoneView, domain: Name, { mtaSts }: MailPolicy): Problem[] {
  const apex = view.node(ownerKey(domain));
  const problems = apex === undefined ? [] : checkMxTargets(view, apex);
  for (const [index, pattern] of mtaSts.mxPatterns.entries()) {
    const host = pattern.startsWith('*.') ? undefined : parseName(pattern, ROOT);
    if (host?.ok !== true || !isAtOrBelow(ownerKey(host.value), view.apexKey)) continue;
    if (targetState(view, ownerKey(host.value)) !== 'alias') continue;
    const why = `${pattern} is an alias, which no MX may name: name the host itself`;
    problems.push(warning('TARGET_ALIAS', inBody(`/mtaSts/mx/${index}`), why, { rfc: 'RFC 2181 §10.3' }));
  }
  return problems;
}

function currentDmarc({ dmarc }: MailPolicy, state: MailState): DmarcRecord | undefined {
  return dmarc.isEnabled ? dmarcRecordOf(dmarc, dmarcStage(state.dmarc)) : undefined;
}

/** The record that the zone has, whatever its manager. */
function dmarcIn(view: ZoneView, domain: Name): DmarcRecord | undefined {
  const owner = dmarcOwner(domain);
  const rrset = owner.ok ? rrsetOf(view.node(ownerKey(owner.value)), TYPE.TXT) : undefined;
  const text = rrset?.rdatas.map(txtText).find(isDmarcText);
  const record = text === undefined ? undefined : parseDmarc(text);
  return record?.ok === true ? record.value : undefined;
}
