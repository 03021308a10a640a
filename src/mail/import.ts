/**
 * The policy that yields the mail records a zone already has: keys of others become external selectors, an MTA-STS policy that somebody
 * serves becomes an external one, nothing is tightened or rotated. What cannot be said in a policy is told and stays as it is.
 * Not here: applying it (compile.ts takes records over that say the same).
 */
import { type Problem, type Result, warning } from '#base/problem.ts';
import { placeOfRrset } from '#dns/place.ts';
import { formatName, isAtOrBelow, isWildcard, type Name, nameOfKey, type OwnerKey, ownerKey, parseName } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { rrsetOf, type ZoneNode, type ZoneView } from '#zone/view.ts';
import { parseBimi, formatBimi, isDeclined } from '#mail/bimi/record.ts';
import { checkTlsa, formatTlsa, readTlsa } from '#mail/dane/record.ts';
import { dkimOwner, NO_DKIM_TEXT, parseDkim } from '#mail/dkim/record.ts';
import { dmarcOwner, formatDmarc, isDmarcText, parseDmarc } from '#mail/dmarc/record.ts';
import { REPORT_AUTHORIZATION_TEXT } from '#mail/dmarc/consent-record.ts';
import { formatStsRecord, parseStsRecord, selectSts, stsRecordOwner } from '#mail/mta-sts/record.ts';
import { plainTags } from '#mail/text/same-text.ts';
import { type MailPolicyDocument, type TtlKind } from '#mail/policy/schema.ts';
import { formatTerm, isDirective, modifierOf, selectSpf } from '#mail/spf/spf.ts';
import { plainText } from '#mail/spf/macro.ts';
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
}

/** The policy that the mail records of `domain` in `view` come from. */
export function policyFromZone(view: ZoneView, domain: Name = view.apex): ImportedPolicy {
  const gathering: Gathering = { view, domain, problems: [], ttl: {} };
  const spf = gatherSpf(gathering);
  const dkim = gatherDkim(gathering);
  const dmarc = gatherDmarc(gathering);
  const { ttl } = gathering;
  const isSilent =
    spf?.mechanisms?.length === 0 && spf.all === '-all' && dkim.isLocked && dmarc?.policy === 'reject' && hasNullMx(gathering);
  const document: MailPolicyDocument = isSilent
    ? { profile: ['lockdown'], dmarc, tlsRpt: gatherTlsRpt(gathering), ttl }
    : {
        spf: spf ?? { enabled: false },
        dkim: { algorithms: [], ...dkim.section },
        dmarc: dmarc ?? { enabled: false },
        mtaSts: gatherSts(gathering),
        tlsRpt: gatherTlsRpt(gathering),
        ...gatherDane(gathering),
        ...gatherBimi(gathering),
        ttl,
      };
  if (!isSilent && dkim.isLocked)
    tell(
      gathering,
      parseNameOf('*._domainkey', domain),
      TYPE.TXT,
      'says that no selector has a key, which a policy only says of a domain that sends nothing',
    );
  return { document, problems: gathering.problems };
}

function parseNameOf(text: string, origin: Name): Name {
  const name = parseName(text, origin);
  return name.ok ? name.value : origin;
}

function tell({ problems }: Gathering, owner: Name, type: RrType, what: string): void {
  problems.push(warning('MAIL_IMPORT', placeOfRrset(owner, type), what, { fix: 'it stays as it is until you change it' }));
}

function ttlText(seconds: number): string {
  return `${seconds}s`;
}

/** The only text at `owner` that `select` takes, with the TTL noted; undefined when there is none, or it is told why it cannot be taken. */
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
  return texts[0];
}

/** What `text` says; undefined when there is none, or it is told why nobody can read it. */
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

/** Tells when the policy would write a record in other words than it stands there. */
function compare(gathering: Gathering, owner: ReturnType<typeof parseName>, before: string, after: string): void {
  if (plainTags(before) !== plainTags(after) && owner.ok)
    tell(gathering, owner.value, TYPE.TXT, `would be written as ${JSON.stringify(after)}`);
}

function gatherSpf(gathering: Gathering): MailPolicyDocument['spf'] {
  const { view, domain } = gathering;
  const node = view.node(ownerKey(domain));
  const rdatas = rrsetOf(node, TYPE.TXT)?.rdatas ?? [];
  const owner = parseName('@', domain);
  if (selectSpf(rdatas).length === 0) return undefined;
  const text = onlyText(gathering, owner, 'spf', (texts) => texts.filter((each) => /^v=spf1(?: |$)/i.test(each)));
  if (text === undefined) return undefined;
  const parsed = parseSpf(text);
  if (!parsed.ok) {
    tell(gathering, domain, TYPE.TXT, `is not a good SPF record: ${parsed.problems[0]!.message}`);
    return undefined;
  }
  const { terms } = parsed.value;
  const all = terms.find((term) => term.kind === 'all');
  const redirect = modifierOf(parsed.value, 'redirect');
  const target = redirect === undefined ? undefined : plainText(redirect.domain);
  const allText = all === undefined ? 'none' : formatTerm(all);
  if (allText === 'all') {
    tell(gathering, domain, TYPE.TXT, 'lets everybody send (+all), which no policy says');
    return undefined;
  }
  const section: MailPolicyDocument['spf'] = {
    mechanisms: terms.filter((term) => isDirective(term) && term.kind !== 'all').map(formatTerm),
    all: allText as '-all' | '~all' | '?all' | 'none',
    ...(target === undefined || all !== undefined ? {} : { redirect: target }),
  };
  const rest = target === undefined || all !== undefined ? '' : ` redirect=${target}`;
  const written = ['v=spf1', ...(section.mechanisms ?? []), ...(all === undefined ? [] : [allText])].join(' ') + rest;
  compare(gathering, owner, text, written);
  return section;
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
      isLocked = rrsetOf(node, TYPE.TXT)?.rdatas.every((rdata) => txtText(rdata) === NO_DKIM_TEXT) ?? false;
      if (isLocked) ttl.dkim = ttlText(rrsetOf(node, TYPE.TXT)!.ttl);
      else tell(gathering, node.owner, TYPE.TXT, 'gives every selector a key, which no policy says');
      continue;
    }
    const selector = selectorOf(node, domain);
    const alias = rrsetOf(node, TYPE.CNAME);
    const rrset = rrsetOf(node, TYPE.TXT);
    if (selector === undefined || (alias ?? rrset) === undefined) continue;
    if (!dkimOwner(selector, domain).ok) tell(gathering, node.owner, TYPE.TXT, 'stands at a name that is no selector');
    else if (alias !== undefined) delegations.push({ selector, target: formatName(alias.rdatas[0]!), ttl: ttlText(alias.ttl) });
    else if (rrset!.rdatas.length > 1) tell(gathering, node.owner, TYPE.TXT, 'has several records where one must be alone');
    else {
      const record = txtText(rrset!.rdatas[0]!);
      const parsed = parseDkim(record);
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
  const { view, domain } = gathering;
  const owner = dmarcOwner(domain);
  const text = onlyText(gathering, owner, 'dmarc', (texts) => texts.filter(isDmarcText));
  const acceptReportsOf = consents(view, domain);
  const consent = acceptReportsOf.length === 0 ? {} : { acceptReportsOf };
  const value = readText(gathering, owner, text, parseDmarc);
  if (value === undefined) return acceptReportsOf.length === 0 ? undefined : { enabled: false, ...consent };
  compare(gathering, owner, text!, formatDmarc({ ...value, policy: value.policy ?? 'none', isTesting: false }));
  return {
    policy: value.policy ?? 'none',
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
function consents(view: ZoneView, domain: Name): string[] {
  const base = parseNameOf('_report._dmarc', domain);
  const suffix = `._report._dmarc.${formatName(domain).toLowerCase()}`;
  return [...nodesBelow(view, ownerKey(base))].flatMap((node) => {
    const text = formatName(nameOfKey(node.key));
    const texts = rrsetOf(node, TYPE.TXT)?.rdatas.map(txtText) ?? [];
    const isPlain = texts.length === 1 && texts[0] === REPORT_AUTHORIZATION_TEXT && !isWildcard(node.owner);
    return isPlain && text.endsWith(suffix) ? [`${text.slice(0, -suffix.length)}.`] : [];
  });
}

function gatherSts(gathering: Gathering): NonNullable<MailPolicyDocument['mtaSts']> {
  const owner = stsRecordOwner(gathering.domain);
  const alias = owner.ok ? rrsetOf(gathering.view.node(ownerKey(owner.value)), TYPE.CNAME) : undefined;
  if (alias !== undefined) {
    gathering.ttl.mtaSts = ttlText(alias.ttl);
    return { mode: 'external', target: formatName(alias.rdatas[0]!) };
  }
  const text = onlyText(gathering, owner, 'mtaSts', selectSts);
  const record = readText(gathering, owner, text, parseStsRecord);
  if (record === undefined) return { mode: 'off' };
  compare(gathering, owner, text!, formatStsRecord(record));
  return { mode: 'external', id: record.id };
}

function gatherTlsRpt(gathering: Gathering): NonNullable<MailPolicyDocument['tlsRpt']> {
  const owner = tlsRptOwner(gathering.domain);
  const text = onlyText(gathering, owner, 'tlsRpt', selectTlsRpt);
  const record = readText(gathering, owner, text, parseTlsRpt);
  if (record === undefined) return { rua: [] };
  compare(gathering, owner, text!, formatTlsRpt(record));
  return { rua: [...record.reportUris] };
}

/** TLSA of the hosts that the domain's MX name and the zone has. */
function gatherDane(gathering: Gathering): Pick<MailPolicyDocument, 'dane'> {
  const { view, domain, ttl } = gathering;
  const hosts: Record<string, { keys: string[] }> = {};
  const mx = rrsetOf(view.node(ownerKey(domain)), TYPE.MX)?.rdatas.map((rdata) => rdata.subarray(2)) ?? [];
  for (const host of [...mx, domain]) {
    const owner = parseName('_25._tcp', host);
    if (!owner.ok || !isAtOrBelow(ownerKey(host), view.apexKey)) continue;
    const rrset = rrsetOf(view.node(ownerKey(owner.value)), TYPE.TLSA);
    if (rrset === undefined) continue;
    const records = rrset.rdatas.map(readTlsa);
    if (records.some((record) => checkTlsa(record).some(({ severity }) => severity === 'error'))) {
      tell(gathering, owner.value, TYPE.TLSA, 'has a record that no sender can use');
      continue;
    }
    const known = ttl.tlsa;
    ttl.tlsa ??= ttlText(rrset.ttl);
    if (known !== undefined && known !== ttlText(rrset.ttl))
      tell(gathering, owner.value, TYPE.TLSA, `would have the TTL ${known}, as the other hosts`);
    hosts[formatName(host).toLowerCase()] = { keys: records.map(formatTlsa) };
  }
  return Object.keys(hosts).length === 0 ? {} : { dane: { hosts } };
}

function gatherBimi(gathering: Gathering): Pick<MailPolicyDocument, 'bimi'> {
  const owner = parseName('default._bimi', gathering.domain);
  const text = onlyText(gathering, owner, 'bimi', (texts) => texts.filter((each) => /^v=BIMI1\b/.test(each)));
  const value = readText(gathering, owner, text, parseBimi);
  if (value === undefined) return {};
  compare(gathering, owner, text!, formatBimi(value));
  if (isDeclined(value) && value.selectorPrefixes.length === 0) return { bimi: { decline: true } };
  return {
    bimi: {
      logo: value.logoUri,
      ...(value.evidenceUri === '' ? {} : { evidence: value.evidenceUri }),
      avatar: value.avatarPreference,
      ...(value.selectorPrefixes.length === 0 ? {} : { prefixes: [...value.selectorPrefixes] }),
    },
  };
}

function hasNullMx({ view, domain, ttl }: Gathering): boolean {
  const mx = rrsetOf(view.node(ownerKey(domain)), TYPE.MX);
  const isNull = mx?.rdatas.length === 1 && mx.rdatas[0]!.length === 3;
  if (isNull) ttl.mx = ttlText(mx.ttl);
  return isNull;
}
