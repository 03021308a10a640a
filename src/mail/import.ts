/**
 * The policy that yields the mail records a zone already has: keys of others become external selectors, an MTA-STS
 * policy on another server becomes external, nothing is tightened or rotated. A record goes into the policy only when
 * what the policy writes means the same to its readers; every other record is reported with the reason and stays.
 * Not here: applying it (compile.ts takes records over that say the same).
 */
import { type Problem, type Result } from '#base/problem.ts';
import { TLSA_KEYS_MAX } from '#base/limits/mail.ts';
import { formatName, isAtOrBelow, isWildcard, type Name, nameOfKey, type OwnerKey, ownerKey, parseName } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { rrsetOf, type ZoneNode, type ZoneView } from '#zone/view.ts';
import { isHostedFileUrl } from '#mail/bimi/hosted-file.ts';
import { type BimiRecord, parseBimi, formatBimi, isDeclined } from '#mail/bimi/record.ts';
import { checkTlsa, formatTlsa, readTlsa } from '#mail/dane/record.ts';
import { reviewDkim } from '#mail/dkim/advice.ts';
import { dkimOwner, NO_DKIM_TEXT } from '#mail/dkim/record.ts';
import { dmarcOwner, formatDmarc, isDmarcText, parseDmarc } from '#mail/dmarc/record.ts';
import { dmarcInForce } from '#mail/dmarc/in-force.ts';
import { REPORT_AUTHORIZATION_TEXT } from '#mail/dmarc/consent-record.ts';
import { formatStsRecord, parseStsRecord, selectSts, stsRecordOwner } from '#mail/mta-sts/record.ts';
import { plainTags } from '#mail/text/same-text.ts';
import { meansSame } from './same-record.ts';
import { keptAsItIs, otherProblems, rrsetId, unseenRecords } from './import-rest.ts';
import { type MailPolicyDocument, type TtlKind } from '#mail/policy/schema.ts';
import { effectiveTerms, formatTerm, isDirective, redirectOf, selectSpf } from '#mail/spf/spf.ts';
import { plainText } from '#mail/spf/macro.ts';
import { nearSpf } from '#mail/spf/near-miss.ts';
import { parseSpf } from '#mail/spf/parse.ts';
import { formatTlsRpt, parseTlsRpt, selectTlsRpt, tlsRptOwner } from '#mail/tls-rpt/record.ts';
import { txtText } from '#mail/text/txt.ts';

export interface ImportedPolicy {
  readonly document: MailPolicyDocument;
  /** What the policy cannot say, or says in other words, with the record that it is about. */
  readonly problems: readonly Problem[];
}

/** While a document is being gathered. */
interface Gathering {
  readonly view: ZoneView;
  readonly domain: Name;
  readonly problems: Problem[];
  readonly ttl: Partial<Record<TtlKind, string>>;
  /** RRsets that are in the policy or reported. */
  readonly seen: Set<string>;
}

/** The policy that yields the mail records of the zone's domain. `isSigned`: whether the zone is, which TLSA needs. */
export function policyFromZone(view: ZoneView, isSigned = true): ImportedPolicy {
  const { document, problems, seen } = gatherPolicy(view, isSigned);
  const others = otherProblems(unseenRecords(view.ascend(view.apexKey), seen));
  return { document, problems: [...problems, ...others] };
}

/** A policy whose zone has not been looked through for mail records that no policy is about. */
export interface GatheredPolicy extends ImportedPolicy {
  /** RRsets that are in the policy or reported. */
  readonly seen: ReadonlySet<string>;
}

/** Looks at the names where a domain has its mail records. */
export function gatherPolicy(view: ZoneView, isSigned: boolean): GatheredPolicy {
  const domain = view.apex;
  const gathering: Gathering = { view, domain, problems: [], ttl: {}, seen: new Set() };
  const spf = gatherSpf(gathering);
  const dkim = gatherDkim(gathering);
  const dmarc = gatherDmarc(gathering);
  const mtaSts = gatherSts(gathering);
  const tlsRpt = gatherTlsRpt(gathering);
  const more = { ...gatherDane(gathering, isSigned), ...gatherBimi(gathering) };
  const { ttl } = gathering;
  const isSilent =
    spf?.mechanisms?.length === 0 &&
    spf.all === '-all' &&
    dkim.isLocked &&
    dmarc?.policy === 'reject' &&
    mtaSts.mode === 'off' &&
    Object.keys({ ...dkim.section, ...more }).length === 0 &&
    hasNullMx(gathering);
  const document: MailPolicyDocument = isSilent
    ? { profile: ['lockdown'], dmarc, tlsRpt, ttl }
    : {
        spf: spf ?? { enabled: false },
        dkim: { algorithms: [], ...dkim.section },
        dmarc: dmarc ?? { enabled: false },
        mtaSts,
        tlsRpt,
        ...more,
        ttl,
      };
  if (!isSilent && dkim.isLocked)
    tell(
      gathering,
      parseNameOf('*._domainkey', domain),
      TYPE.TXT,
      'says that no selector has a key, which a policy only says of a domain that sends nothing',
    );
  return { document, problems: gathering.problems, seen: gathering.seen };
}

function parseNameOf(text: string, origin: Name): Name {
  const name = parseName(text, origin);
  return name.ok ? name.value : origin;
}

function tell({ problems, seen }: Gathering, owner: Name, type: RrType, what: string, fix?: string): void {
  seen.add(rrsetId(owner, type));
  problems.push(keptAsItIs(owner, type, what, fix));
}

function ttlText(seconds: number): string {
  return `${seconds}s`;
}

/** The only text at `owner` that `select` takes, with its TTL noted; undefined: none, or reported as not usable. */
function onlyText(
  gathering: Gathering,
  owner: ReturnType<typeof parseName>,
  kind: TtlKind,
  select: (texts: readonly string[]) => readonly string[],
): string | undefined {
  if (!owner.ok) return undefined;
  const node = gathering.view.node(ownerKey(owner.value));
  if (rrsetOf(node, TYPE.CNAME) !== undefined) {
    tell(gathering, owner.value, TYPE.CNAME, 'is an alias, which the policy cannot say here');
    return undefined;
  }
  const rrset = rrsetOf(node, TYPE.TXT);
  if (rrset === undefined) return undefined;
  const all = rrset.rdatas.map(txtText);
  const texts = select(all);
  if (texts.length === 0 || texts.length > 1 || (kind !== 'spf' && all.length > 1)) {
    tell(
      gathering,
      owner.value,
      TYPE.TXT,
      texts.length > 1 ? 'has several records where one must be alone' : 'has other texts than readers look for',
    );
    return undefined;
  }
  gathering.ttl[kind] = ttlText(rrset.ttl);
  gathering.seen.add(rrsetId(owner.value, TYPE.TXT));
  return texts[0];
}

/** What `text` says; undefined when there is none, or when it is reported as not readable. */
function readText<T>(
  gathering: Gathering,
  owner: ReturnType<typeof parseName>,
  text: string | undefined,
  parse: (text: string) => Result<T>,
): T | undefined {
  const parsed = text === undefined ? undefined : parse(text);
  if (parsed?.ok === false && owner.ok) tell(gathering, owner.value, TYPE.TXT, `is not a good record: ${parsed.problems[0]!.message}`);
  return parsed?.ok === true ? parsed.value : undefined;
}

/** True when the policy can have the record. Tells when it would write it in other words, or when they would not mean the same. */
function compare(gathering: Gathering, owner: ReturnType<typeof parseName>, before: string, after: string): boolean {
  if (!owner.ok || plainTags(before) === plainTags(after)) return true;
  const written = JSON.stringify(after);
  const isSame = meansSame(owner.value, before, after);
  if (isSame) tell(gathering, owner.value, TYPE.TXT, `would be written as ${written}`, 'to its readers that means the same');
  else tell(gathering, owner.value, TYPE.TXT, `says more than a policy can: it would become ${written}`);
  return isSame;
}

function gatherSpf(gathering: Gathering): MailPolicyDocument['spf'] {
  const { view, domain } = gathering;
  const node = view.node(ownerKey(domain));
  const rdatas = rrsetOf(node, TYPE.TXT)?.rdatas ?? [];
  const owner = parseName('@', domain);
  if (selectSpf(rdatas).length === 0) {
    const near = nearSpf(rdatas.map(txtText));
    if (near !== undefined) tell(gathering, domain, TYPE.TXT, `has no SPF record: ${near}`);
    return undefined;
  }
  const text = onlyText(gathering, owner, 'spf', (texts) => texts.filter((each) => /^v=spf1(?: |$)/i.test(each)));
  if (text === undefined) return undefined;
  const parsed = parseSpf(text);
  if (!parsed.ok) {
    tell(gathering, domain, TYPE.TXT, `is not a good SPF record: ${parsed.problems[0]!.message}`);
    return undefined;
  }
  const terms = effectiveTerms(parsed.value);
  const all = terms.find((term) => term.kind === 'all');
  const redirect = redirectOf(parsed.value);
  const target = redirect === undefined ? undefined : plainText(redirect.domain);
  const allText = all === undefined ? 'none' : formatTerm(all);
  if (allText === 'all') {
    tell(gathering, domain, TYPE.TXT, 'lets everybody send (+all), which no policy says');
    return undefined;
  }
  const section: MailPolicyDocument['spf'] = {
    mechanisms: terms.filter((term) => isDirective(term) && term.kind !== 'all').map(formatTerm),
    all: allText as '-all' | '~all' | '?all' | 'none',
    ...(target === undefined ? {} : { redirect: target }),
  };
  const rest = target === undefined ? '' : ` redirect=${target}`;
  const written = ['v=spf1', ...(section.mechanisms ?? []), ...(all === undefined ? [] : [allText])].join(' ') + rest;
  return compare(gathering, owner, text, written) ? section : undefined;
}

/** Selectors: TXT is an external key, CNAME a delegated one. They stand below `_domainkey`, with dots or without. */
function gatherDkim(gathering: Gathering): { readonly section: NonNullable<MailPolicyDocument['dkim']>; readonly isLocked: boolean } {
  const { view, domain, ttl } = gathering;
  const below = ownerKey(parseNameOf('_domainkey', domain));
  const external: NonNullable<NonNullable<MailPolicyDocument['dkim']>['external']> = [];
  const delegations: NonNullable<NonNullable<MailPolicyDocument['dkim']>['delegations']> = [];
  let isLocked = false;
  for (const node of nodesBelow(view, below)) {
    if (isWildcard(node.owner)) {
      isLocked = rrsetOf(node, TYPE.TXT)?.rdatas.every((rdata) => meansSame(node.owner, txtText(rdata), NO_DKIM_TEXT)) ?? false;
      if (isLocked) {
        ttl.dkim = ttlText(rrsetOf(node, TYPE.TXT)!.ttl);
        gathering.seen.add(rrsetId(node.owner, TYPE.TXT));
      } else tell(gathering, node.owner, TYPE.TXT, 'gives every selector a key, which no policy says');
      continue;
    }
    const selector = selectorOf(node, domain);
    const alias = rrsetOf(node, TYPE.CNAME);
    const rrset = rrsetOf(node, TYPE.TXT);
    if (selector === undefined || (alias ?? rrset) === undefined) continue;
    const type = alias === undefined ? TYPE.TXT : TYPE.CNAME;
    gathering.seen.add(rrsetId(node.owner, type));
    if (!dkimOwner(selector, domain).ok) tell(gathering, node.owner, type, 'stands at a name that is no selector');
    else if (alias !== undefined) delegations.push({ selector, target: formatName(alias.rdatas[0]!), ttl: ttlText(alias.ttl) });
    else if (rrset!.rdatas.length > 1) tell(gathering, node.owner, TYPE.TXT, 'has several records where one must be alone');
    else {
      const record = txtText(rrset!.rdatas[0]!);
      const parsed = reviewDkim(record);
      if (parsed.ok) external.push({ selector, record, ttl: ttlText(rrset!.ttl) });
      else tell(gathering, node.owner, TYPE.TXT, `is not a good DKIM record: ${parsed.problems[0]!.message}`);
    }
  }
  return { section: { ...(external.length === 0 ? {} : { external }), ...(delegations.length === 0 ? {} : { delegations }) }, isLocked };
}

function* nodesBelow(view: ZoneView, key: OwnerKey): Generator<ZoneNode> {
  for (const node of view.ascend(key)) {
    if (!isAtOrBelow(node.key, key)) return;
    if (node.key !== key && node.rrsets.length > 0) yield node;
  }
}

/** The labels of a node in front of `._domainkey.<domain>`. */
function selectorOf(node: ZoneNode, domain: Name): string | undefined {
  const text = formatName(nameOfKey(node.key));
  const rest = `._domainkey.${formatName(domain).toLowerCase()}`;
  return text.endsWith(rest) ? text.slice(0, -rest.length) : undefined;
}

function gatherDmarc(gathering: Gathering): MailPolicyDocument['dmarc'] {
  const owner = dmarcOwner(gathering.domain);
  const text = onlyText(gathering, owner, 'dmarc', (texts) => texts.filter(isDmarcText));
  const acceptReportsOf = consents(gathering);
  const consent = acceptReportsOf.length === 0 ? {} : { acceptReportsOf };
  const value = readText(gathering, owner, text, parseDmarc);
  if (value === undefined || !owner.ok) return acceptReportsOf.length === 0 ? undefined : { enabled: false, ...consent };
  const { policy, why } = dmarcInForce(text!)!;
  if (why !== undefined)
    tell(gathering, owner.value, TYPE.TXT, `${why}; no policy says that, and p=${policy} is what holds at every receiver`);
  const isSame = why === undefined && compare(gathering, owner, text!, formatDmarc({ ...value, policy, isTesting: false }));
  return {
    ...(isSame ? {} : { enabled: false }),
    policy,
    // What stands there stands there: nothing to be ramped.
    ramp: { enabled: false },
    ...(value.subdomainPolicy === undefined ? {} : { sp: value.subdomainPolicy }),
    ...(value.nonexistentPolicy === undefined ? {} : { np: value.nonexistentPolicy }),
    adkim: value.dkimAlignment,
    aspf: value.spfAlignment,
    ...(value.isPublicSuffix === undefined ? {} : { psd: value.isPublicSuffix ? 'yes' : 'no' }),
    rua: [...value.aggregateUris],
    ruf: [...value.failureUris],
    ...(value.failureOptions.join() === '0' ? {} : { fo: [...value.failureOptions] }),
    ...consent,
  };
}

/** Domains whose reports this one takes. */
function consents(gathering: Gathering): string[] {
  const { view, domain, ttl, seen } = gathering;
  const base = parseNameOf('_report._dmarc', domain);
  const suffix = `._report._dmarc.${formatName(domain).toLowerCase()}`;
  return [...nodesBelow(view, ownerKey(base))].flatMap((node) => {
    const text = formatName(nameOfKey(node.key));
    const rrset = rrsetOf(node, TYPE.TXT);
    if (rrset === undefined || !text.endsWith(suffix)) return [];
    const texts = rrset.rdatas.map(txtText);
    if (isWildcard(node.owner)) tell(gathering, node.owner, TYPE.TXT, 'lets the reports of every domain in, which no policy says');
    else if (texts.length > 1) tell(gathering, node.owner, TYPE.TXT, 'has several records where one must be alone');
    else if (!meansSame(node.owner, texts[0]!, REPORT_AUTHORIZATION_TEXT))
      tell(gathering, node.owner, TYPE.TXT, `says more or less than ${REPORT_AUTHORIZATION_TEXT}, and a policy says just that`);
    else {
      seen.add(rrsetId(node.owner, TYPE.TXT));
      ttl.dmarc ??= ttlText(rrset.ttl);
      if (ttl.dmarc !== ttlText(rrset.ttl)) tell(gathering, node.owner, TYPE.TXT, `would have the TTL ${ttl.dmarc}, as DMARC`);
      return [`${text.slice(0, -suffix.length)}.`];
    }
    return [];
  });
}

function gatherSts(gathering: Gathering): NonNullable<MailPolicyDocument['mtaSts']> {
  const owner = stsRecordOwner(gathering.domain);
  const alias = owner.ok ? rrsetOf(gathering.view.node(ownerKey(owner.value)), TYPE.CNAME) : undefined;
  if (alias !== undefined) {
    gathering.ttl.mtaSts = ttlText(alias.ttl);
    if (owner.ok) gathering.seen.add(rrsetId(owner.value, TYPE.CNAME));
    return { mode: 'external', target: formatName(alias.rdatas[0]!) };
  }
  const text = onlyText(gathering, owner, 'mtaSts', selectSts);
  const record = readText(gathering, owner, text, parseStsRecord);
  if (record === undefined) return { mode: 'off' };
  return compare(gathering, owner, text!, formatStsRecord(record)) ? { mode: 'external', id: record.id } : { mode: 'off' };
}

function gatherTlsRpt(gathering: Gathering): NonNullable<MailPolicyDocument['tlsRpt']> {
  const owner = tlsRptOwner(gathering.domain);
  const text = onlyText(gathering, owner, 'tlsRpt', selectTlsRpt);
  const record = readText(gathering, owner, text, parseTlsRpt);
  if (record === undefined) return { rua: [] };
  return { rua: compare(gathering, owner, text!, formatTlsRpt(record)) ? [...record.reportUris] : [] };
}

/** TLSA of the hosts that the domain's MX name and the zone has. */
function gatherDane(gathering: Gathering, isSigned: boolean): Pick<MailPolicyDocument, 'dane'> {
  const { view, domain, ttl } = gathering;
  const hosts: Record<string, { keys: string[] }> = {};
  const mx = rrsetOf(view.node(ownerKey(domain)), TYPE.MX)?.rdatas.map((rdata) => rdata.subarray(2)) ?? [];
  for (const host of [...mx, domain]) {
    const owner = parseName('_25._tcp', host);
    if (!owner.ok || !isAtOrBelow(ownerKey(host), view.apexKey)) continue;
    const rrset = rrsetOf(view.node(ownerKey(owner.value)), TYPE.TLSA);
    if (rrset === undefined) continue;
    const records = rrset.rdatas.map(readTlsa);
    const why = !isSigned
      ? 'is nothing in a zone that is not signed'
      : rrsetOf(view.node(ownerKey(host)), TYPE.CNAME) !== undefined
        ? 'belongs to an alias, whose TLSA no sender looks at'
        : records.length > TLSA_KEYS_MAX
          ? `has more records than the ${TLSA_KEYS_MAX} that a policy says`
          : undefined;
    if (why !== undefined) {
      tell(gathering, owner.value, TYPE.TLSA, why);
      continue;
    }
    if (records.some((record) => checkTlsa(record).some(({ severity }) => severity === 'error'))) {
      tell(gathering, owner.value, TYPE.TLSA, 'has a record that no sender can use');
      continue;
    }
    const known = ttl.tlsa;
    ttl.tlsa ??= ttlText(rrset.ttl);
    if (known !== undefined && known !== ttlText(rrset.ttl))
      tell(gathering, owner.value, TYPE.TLSA, `would have the TTL ${known}, as the other hosts`);
    gathering.seen.add(rrsetId(owner.value, TYPE.TLSA));
    hosts[formatName(host).toLowerCase()] = { keys: records.map(formatTlsa) };
  }
  return Object.keys(hosts).length === 0 ? {} : { dane: { hosts } };
}

function gatherBimi(gathering: Gathering): Pick<MailPolicyDocument, 'bimi'> {
  const owner = parseName('default._bimi', gathering.domain);
  const text = onlyText(gathering, owner, 'bimi', (texts) => texts.filter((each) => /^v=BIMI1\b/.test(each)));
  const value = readText(gathering, owner, text, parseBimi);
  if (value === undefined) return {};
  if (!compare(gathering, owner, text!, formatBimi(value))) return {};
  if (isDeclined(value) && value.selectorPrefixes.length === 0) return { bimi: { decline: true } };
  if (value.logoUri === '' && owner.ok) {
    tell(gathering, owner.value, TYPE.TXT, 'has no logo, and is no refusal either: no policy says that');
    return {};
  }
  return {
    bimi: {
      ...bimiFilesOf(gathering, value),
      avatar: value.avatarPreference,
      ...(value.selectorPrefixes.length === 0 ? {} : { prefixes: [...value.selectorPrefixes] }),
    },
  };
}

/** A logo at `bimi.<domain>` by its hash is one that was uploaded: named by its URL it would not be hosted any more. */
function bimiFilesOf({ domain }: Gathering, { logoUri, evidenceUri }: BimiRecord): MailPolicyDocument['bimi'] {
  const uris = evidenceUri === '' ? [logoUri] : [logoUri, evidenceUri];
  if (uris.every((uri) => isHostedFileUrl(domain, uri))) return { hosted: true };
  return { logo: logoUri, ...(evidenceUri === '' ? {} : { evidence: evidenceUri }) };
}

function hasNullMx({ view, domain, ttl }: Gathering): boolean {
  const mx = rrsetOf(view.node(ownerKey(domain)), TYPE.MX);
  const isNull = mx?.rdatas.length === 1 && mx.rdatas[0]!.length === 3;
  if (isNull) ttl.mx = ttlText(mx.ttl);
  return isNull;
}
