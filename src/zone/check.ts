/**
 * What the RRsets of a zone must satisfy together, name by name. The severities are those of named-checkzone's default:
 * an error rejects the zone, a warning is shown. Where waxseal differs, the branch says so.
 * Implements: RFC 1034 §3.6.2, RFC 2181 §10.1, RFC 4035 §2.5 (CNAME alone), RFC 1035 §5.2 (one SOA), RFC 6672 §2.3–2.4 (DNAME),
 * RFC 4035 §2.4 (DS), RFC 4592 §4 (wildcards).
 * Not here: hosts that records name (check-targets.ts), host names (check-host-names.ts), TTLs in an RRset (assemble.ts).
 */
import { MESSAGE_BYTES_MAX, RECORDS_PER_RRSET_MAX, TYPES_PER_NAME_MAX } from '#base/limits/dns.ts';
import { type Place, WHOLE } from '#base/place.ts';
import { ProblemList } from '#base/problem-list.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { placeOfRrset } from '#dns/place.ts';
import { type Name, formatName, isAtOrBelow, isWildcard, labelOffsets, ownerKey } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { type Rrset } from '#dns/rrset.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { checkHostNames } from './check-host-names.ts';
import { type CheckOptions, type ZoneCheck, startZoneCheck } from './check-state.ts';
import { checkTargets } from './check-targets.ts';
import { type Authority, authorityOf } from './cut.ts';
import { type NodeRrset, type ZoneNode, type ZoneView, rrsetOf } from './view.ts';
import { memoryZone } from './zone.ts';

/**
 * Every problem of the zone that `rrsets` make, at most PROBLEMS_SHOWN_MAX errors and as many warnings. Each owner has each type once;
 * RRsets with an `at` are said to be there. Data out of the zone is an error here: `assembleRrsets` leaves it out.
 */
export function checkZone(apex: Name, rrsets: Iterable<Rrset & { readonly at?: Place }>, options: CheckOptions = {}): Problem[] {
  return checkedZone(apex, rrsets, options).problems;
}

/** As `checkZone`, with the zone that the RRsets make. */
export function checkedZone(
  apex: Name,
  rrsets: Iterable<Rrset & { readonly at?: Place }>,
  options: CheckOptions = {},
): { readonly view: ZoneView; readonly problems: Problem[] } {
  const apexKey = ownerKey(apex);
  const all = [...rrsets];
  const problems: Problem[] = [];
  const inZone = all.filter((rrset) => {
    if (isAtOrBelow(ownerKey(rrset.owner), apexKey)) return true;
    problems.push(problem('OUT_OF_ZONE', rrset.at ?? WHOLE, `${formatName(rrset.owner)} is not in the zone ${formatName(apex)}`));
    return false;
  });
  // Made only when there is something to tell: most zones are good.
  let places: ReadonlyMap<string, Place | undefined> | undefined;
  const place = (owner: Name, type: RrType) => {
    places ??= new Map(all.map((rrset) => [`${ownerKey(rrset.owner)}/${rrset.type}`, rrset.at]));
    return places.get(`${ownerKey(owner)}/${type}`) ?? placeOfRrset(owner, type);
  };
  const view = memoryZone(apex, inZone);
  return { view, problems: [...problems, ...checkView(view, { place, ...options })] };
}

/** As `checkZone`, of a zone that is already there. */
export function checkView(view: ZoneView, options: CheckOptions = {}): Problem[] {
  const check = startZoneCheck(view, options);
  const problems = new ProblemList();
  problems.push(...checkApex(check));
  for (const node of view.ascend(view.apexKey)) if (node.rrsets.length > 0) problems.push(...checkNode(check, node));
  return problems.list();
}

/** What only the apex has: exactly one SOA, and NS. */
export function checkApex({ view, place, complete }: ZoneCheck): Problem[] {
  const apex = view.node(view.apexKey);
  const problems: Problem[] = [];
  const at = (type: RrType) => place(view.apex, type);
  const soa = rrsetOf(apex, TYPE.SOA);
  const zone = formatName(view.apex);
  if (soa === undefined && complete)
    problems.push(problem('SOA_MISSING', at(TYPE.SOA), `the zone ${zone} has no SOA record`, { rfc: 'RFC 1035 §5.2' }));
  if (soa !== undefined && soa.rdatas.length > 1)
    problems.push(problem('SOA_MULTIPLE', at(TYPE.SOA), `the zone ${zone} has ${soa.rdatas.length} SOA records`, { rfc: 'RFC 1035 §5.2' }));
  if (rrsetOf(apex, TYPE.NS) === undefined && complete)
    problems.push(problem('NS_MISSING', at(TYPE.NS), `the zone ${zone} has no NS records at its apex`, { rfc: 'RFC 1034 §4.2.1' }));
  return problems;
}

/** Everything that can be wrong with one name that owns records. */
export function checkNode(check: ZoneCheck, node: ZoneNode): Problem[] {
  const authority = authorityOf(check.view, node.key);
  const problems: Problem[] = [];
  checkLimits(check, node, problems);
  checkSingletons(check, node, problems);
  checkPlacement(check, node, problems);
  checkOcclusion(check, node, authority, problems);
  checkWildcard(check, node, problems);
  checkLints(check, node, problems);
  problems.push(...checkHostNames(check, node));
  // What is below a cut or a DNAME is never asked for its targets.
  if (authority.kind === 'authoritative' || authority.kind === 'cut') problems.push(...checkTargets(check, node));
  return problems;
}

function says(node: ZoneNode, rrset: NodeRrset): string {
  return `${formatName(node.owner)} ${typeName(rrset.type)}`;
}

/** Octets of a header, type, class, TTL and length, of OPT with a cookie, and of an RRSIG of P-256 without its names (RFC 4034 §3.1). */
const HEADER_BYTES = 12;
const RECORD_BYTES = 10;
const OPT_BYTES = 64;
const SIGNATURE_BYTES = RECORD_BYTES + 18 + 64;
/** While keys change, an RRset has a signature of each. */
const SIGNATURES_COUNT = 2;

/** Octets of the longest answer that has nothing but `rrset`, in canonical form: names whole, with the signatures of a signed zone. */
function answerBytes(view: ZoneView, node: ZoneNode, rrset: NodeRrset): number {
  const owner = node.owner.length;
  const records = rrset.rdatas.reduce((sum, rdata) => sum + owner + RECORD_BYTES + rdata.length, 0);
  const signatures = SIGNATURES_COUNT * (owner + SIGNATURE_BYTES + view.apex.length);
  return HEADER_BYTES + owner + 4 + OPT_BYTES + records + signatures;
}

/** Made by the signer, one of each: not what the limits are about. */
const SIGNER_TYPES: ReadonlySet<RrType> = new Set([TYPE.RRSIG, TYPE.NSEC, TYPE.NSEC3, TYPE.NSEC3PARAM]);

/** Whether an RRset has more records than the setting allows; one that had as many before may keep them. */
function checkRecordCount(check: ZoneCheck, node: ZoneNode, rrset: NodeRrset, problems: Problem[]): void {
  const { place, recordsPerRrset } = check;
  const { max, before, isDefault } = recordsPerRrset;
  const count = rrset.rdatas.length;
  if (count <= max || SIGNER_TYPES.has(rrset.type)) return;
  const at = place(node.owner, rrset.type);
  const what = `${says(node, rrset)} has ${count} records, and limits.records_per_rrset allows ${max} in one RRset`;
  const canBeRaised = count <= RECORDS_PER_RRSET_MAX;
  if (count <= (before?.(node.key, rrset.type) ?? 0))
    problems.push(warning('RRSET_RECORDS_LIMIT', at, `${what}: it may stay and shrink, not grow`));
  else if (canBeRaised && isDefault === true)
    problems.push(warning('RRSET_RECORDS_LIMIT', at, `${what} unless the configuration of the server says more`));
  else {
    const raise = `, or raise limits.records_per_rrset in the configuration (${RECORDS_PER_RRSET_MAX} at most)`;
    const fix = `spread the records over several names${canBeRaised ? raise : ''}`;
    problems.push(problem('RRSET_RECORDS_LIMIT', at, what, { fix }));
  }
}

function checkLimits(check: ZoneCheck, node: ZoneNode, problems: Problem[]): void {
  const { view, place } = check;
  // named applies these when it loads a zone (max-records-per-type, max-types-per-name); named-checkzone does not.
  for (const rrset of node.rrsets) {
    const octets = answerBytes(view, node, rrset);
    if (octets > MESSAGE_BYTES_MAX)
      problems.push(
        problem(
          'RRSET_SIZE',
          place(node.owner, rrset.type),
          `${says(node, rrset)} needs ${octets} octets with its signatures, and a message has ${MESSAGE_BYTES_MAX}: no resolver could get it`,
          { rfc: 'RFC 1035 §4.2.2', fix: 'spread the records over several names, or make them shorter' },
        ),
      );
    checkRecordCount(check, node, rrset, problems);
  }
  if (node.rrsets.length <= TYPES_PER_NAME_MAX) return;
  const types = node.rrsets.filter(({ type }) => !SIGNER_TYPES.has(type)).length;
  if (types > TYPES_PER_NAME_MAX)
    problems.push(
      problem(
        'NAME_TYPES_LIMIT',
        place(node.owner, node.rrsets[0]!.type),
        `${formatName(node.owner)} has more than the ${TYPES_PER_NAME_MAX} types that one name may have`,
      ),
    );
}

/** RFC 4035 §2.5: beside a CNAME only DNSSEC's own; KEY by RFC 3007, and SIG over it. */
const BESIDE_CNAME: ReadonlySet<RrType> = new Set([TYPE.CNAME, TYPE.RRSIG, TYPE.NSEC, TYPE.KEY, TYPE.SIG]);

/** Types of which one name has at most one record; CNAME and SOA have rules of their own. */
const SINGLETONS = [
  [TYPE.DNAME, 'DNAME_MULTIPLE', 'RFC 6672 §2.4'],
  [TYPE.RESINFO, 'RESINFO_MULTIPLE', 'RFC 9606 §3'],
] as const;

/** Cloudflare, Route 53 and others show such a record and answer with addresses. */
const APEX_ALIAS_FIX =
  'the apex has SOA and NS and cannot be an alias, even where another provider showed it as one: write the A and AAAA records of its ' +
  'target, and for browsers HTTPS 0 TARGET';

function checkSingletons({ view, place }: ZoneCheck, node: ZoneNode, problems: Problem[]): void {
  const cname = rrsetOf(node, TYPE.CNAME);
  if (cname !== undefined) {
    const others = node.rrsets.filter(({ type }) => !BESIDE_CNAME.has(type));
    if (others.length > 0)
      problems.push(
        problem(
          'CNAME_OTHER_DATA',
          place(node.owner, TYPE.CNAME),
          `${formatName(node.owner)} has a CNAME and other data: ${others.map(({ type }) => typeName(type)).join(', ')}`,
          {
            rfc: 'RFC 1034 §3.6.2',
            fix: node.key === view.apexKey ? APEX_ALIAS_FIX : 'an alias owns nothing else: keep either the CNAME or the rest',
          },
        ),
      );
    if (cname.rdatas.length > 1)
      problems.push(
        problem('CNAME_MULTIPLE', place(node.owner, TYPE.CNAME), `${says(node, cname)} has ${cname.rdatas.length} records`, {
          rfc: 'RFC 2181 §10.1',
        }),
      );
  }
  for (const [type, code, rfc] of SINGLETONS) {
    const rrset = rrsetOf(node, type);
    if (rrset !== undefined && rrset.rdatas.length > 1)
      problems.push(problem(code, place(node.owner, type), `${says(node, rrset)} has ${rrset.rdatas.length} records`, { rfc }));
  }
}

/** Types that belong at the apex only, or not there. */
function checkPlacement({ view, place, complete }: ZoneCheck, node: ZoneNode, problems: Problem[]): void {
  const isApex = node.key === view.apexKey;
  const hasSoa = rrsetOf(node, TYPE.SOA) !== undefined;
  const hasDs = rrsetOf(node, TYPE.DS) !== undefined;
  if (!hasDs && (isApex || !hasSoa)) return;
  const at = (type: RrType) => place(node.owner, type);
  const owner = formatName(node.owner);
  if (!isApex && hasSoa)
    problems.push(
      problem('SOA_PLACE', at(TYPE.SOA), `${owner} has an SOA record; only the apex ${formatName(view.apex)} may`, {
        rfc: 'RFC 1035 §5.2',
      }),
    );
  if (!hasDs) return;
  if (isApex)
    problems.push(
      problem('DS_APEX', at(TYPE.DS), `${owner} is the apex and has a DS record`, {
        rfc: 'RFC 4035 §2.4',
        fix: 'DS records of a zone belong into its parent',
      }),
    );
  else if (complete && rrsetOf(node, TYPE.NS) === undefined && rrsetOf(node, TYPE.CNAME) === undefined)
    problems.push(
      warning('DS_NO_NS', at(TYPE.DS), `${owner} has a DS record and no NS: it is no delegation, the DS has no use`, {
        rfc: 'RFC 4035 §2.4',
      }),
    );
}

/** What a delegation point may have for itself; the rest at it is the child's (RFC 4035 §2.2–2.3, RFC 2181 §6.1). */
const AT_CUT: ReadonlySet<RrType> = new Set([TYPE.NS, TYPE.DS, TYPE.NSEC, TYPE.RRSIG]);

function checkOcclusion({ place, isGlue }: ZoneCheck, node: ZoneNode, authority: Authority, problems: Problem[]): void {
  if (authority.kind === 'authoritative') return;
  const byDname = authority.kind === 'belowDname';
  for (const rrset of node.rrsets) {
    if (authority.kind === 'cut' && AT_CUT.has(rrset.type)) continue;
    const isAddress = rrset.type === TYPE.A || rrset.type === TYPE.AAAA;
    if (!byDname && isAddress && isGlue(node.key)) continue;
    const isDnameBesideNs = authority.kind === 'cut' && rrset.type === TYPE.DNAME;
    const why = byDname
      ? 'stands below a DNAME and is never served'
      : isDnameBesideNs
        ? 'stands beside NS below the apex: the delegation counts, the DNAME is never served'
        : `${authority.kind === 'cut' ? 'stands at' : 'stands below'} a delegation, is no glue of it and never served`;
    const rfc = byDname ? 'RFC 6672 §2.4' : isDnameBesideNs ? 'RFC 6672 §2.3' : 'RFC 2181 §6.1';
    problems.push(warning('DATA_OCCLUDED', place(node.owner, rrset.type), `${says(node, rrset)} ${why}`, { rfc }));
  }
}

function checkWildcard({ place }: ZoneCheck, node: ZoneNode, problems: Problem[]): void {
  // Written out for the few that have one: every name of a large zone passes here.
  if (!node.owner.includes(0x2a)) return;
  const owner = formatName(node.owner);
  if (isWildcard(node.owner)) {
    // RFC 4592 §4.2 calls it undefined; named-checkzone rejects it.
    if (rrsetOf(node, TYPE.NS) !== undefined)
      problems.push(
        problem('WILDCARD_NS', place(node.owner, TYPE.NS), `${owner} is a wildcard and cannot be delegated`, { rfc: 'RFC 4592 §4.2' }),
      );
    if (rrsetOf(node, TYPE.DNAME) !== undefined)
      problems.push(
        warning('WILDCARD_DNAME', place(node.owner, TYPE.DNAME), `${owner} is a wildcard that owns a DNAME: servers treat it differently`, {
          rfc: 'RFC 4592 §4.4',
        }),
      );
  }
  const inside = labelOffsets(node.owner).some((at) => at > 0 && node.owner[at] === 1 && node.owner[at + 1] === 0x2a);
  if (inside)
    problems.push(
      warning(
        'WILDCARD_INSIDE',
        place(node.owner, node.rrsets[0]!.type),
        `${owner} has an asterisk label that is not the first: it matches only itself`,
        {
          rfc: 'RFC 4592 §2.1.1',
        },
      ),
    );
}

/** Where each type that holds a DNSSEC algorithm number has it. */
const ALGORITHM_OFFSET: ReadonlyMap<RrType, number> = new Map([
  [TYPE.DS, 2],
  [TYPE.KEY, 3],
  [TYPE.DNSKEY, 3],
  [TYPE.CDS, 2],
  [TYPE.CDNSKEY, 3],
]);
const DEPRECATED_ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [5, 'RSASHA1'],
  [7, 'RSASHA1-NSEC3-SHA1'],
]);
const DEPRECATED_DIGESTS: ReadonlyMap<number, string> = new Map([
  [1, 'SHA-1'],
  [3, 'GOST R 34.11-94'],
]);

/** Lawful, and out of use. */
function checkLints({ place }: ZoneCheck, node: ZoneNode, problems: Problem[]): void {
  for (const rrset of node.rrsets) {
    const offset = ALGORITHM_OFFSET.get(rrset.type);
    if (offset === undefined) continue;
    for (const rdata of rrset.rdatas) {
      const algorithm = DEPRECATED_ALGORITHMS.get(rdata[offset]!);
      const digest = rrset.type === TYPE.DS || rrset.type === TYPE.CDS ? DEPRECATED_DIGESTS.get(rdata[3]!) : undefined;
      for (const what of [algorithm && `the algorithm ${algorithm}`, digest && `the digest ${digest}`])
        if (what !== undefined)
          problems.push(
            warning('DNSSEC_DEPRECATED', place(node.owner, rrset.type), `${says(node, rrset)} uses ${what}, which is deprecated`, {
              rfc: 'RFC 8624 §3',
            }),
          );
    }
  }
  const spf = rrsetOf(node, TYPE.SPF);
  if (spf !== undefined && !(rrsetOf(node, TYPE.TXT)?.rdatas ?? []).some(isSpfText))
    problems.push(
      warning(
        'SPF_TYPE',
        place(node.owner, TYPE.SPF),
        `${says(node, spf)} has no TXT record with the same policy: receivers read no type SPF`,
        {
          rfc: 'RFC 7208 §3.1',
          fix: 'publish the policy as TXT',
        },
      ),
    );
}

/** True for TXT data whose strings, joined, are `v=spf1` or begin with it and a blank (RFC 7208 §4.5). */
function isSpfText(rdata: Uint8Array): boolean {
  let text = '';
  for (let at = 0; at < rdata.length && text.length < 7; at += 1 + rdata[at]!)
    text += Buffer.from(rdata.subarray(at + 1, at + 1 + rdata[at]!)).toString('latin1');
  return /^v=spf1(?: |$)/i.test(text);
}
