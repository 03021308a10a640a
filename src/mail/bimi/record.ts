/**
 * BIMI assertion records: where the logo of a domain's mail is, and the evidence for it.
 * Implements: draft-brand-indicators-for-message-identification-12 §4.3 (record), §4.4–4.5 (selectors), §7.1 (what DMARC must say).
 * Not here: the logo itself (svg.ts), evidence documents.
 */
import { WHOLE, atTag } from '#base/place.ts';
import { type Problem, type Result, fail, problem, warning } from '#base/problem.ts';
import { type Name, parseName } from '#dns/name.ts';
import { statedPolicy } from '#mail/dmarc/advice.ts';
import { type DmarcRecord } from '#mail/dmarc/record.ts';
import { isHostName } from '#mail/text/report-uri.ts';
import { formatTags, readTagList, resultOf, splitList, type TagGrammar } from '#mail/text/tag-list.ts';

export interface BimiRecord {
  /** `https:` URL of the SVG ("l="); empty: no logo. Empty with an empty `evidenceUri`: the domain declines BIMI. */
  readonly logoUri: string;
  /** `https:` URL of the evidence in PEM ("a="); empty: none, and then few mail programs show the logo. */
  readonly evidenceUri: string;
  /** What to show when the sender has an avatar of their own ("avp=", default brand). */
  readonly avatarPreference: 'brand' | 'personal';
  /** Local parts that begin so are selectors of their own ("lps="); as §4.5 step 3 normalizes them: small letters, digits, hyphens. */
  readonly selectorPrefixes: readonly string[];
}

/** The record that declines to take part, also where the organizational domain has a logo. */
export const DECLINED_BIMI: BimiRecord = {
  logoUri: '',
  evidenceUri: '',
  avatarPreference: 'brand',
  selectorPrefixes: [],
};

const DRAFT = 'draft-brand-indicators-for-message-identification-12';
const RFC = `${DRAFT} §4.3`;

const GRAMMAR: TagGrammar = {
  version: 'BIMI1',
  known: ['l', 'a', 'avp', 'lps'],
  equals: 'spaced',
  isTwiceFatal: true,
  rfc: RFC,
  codes: {
    syntax: 'BIMI_SYNTAX',
    twice: 'BIMI_TAG_TWICE',
    unknown: 'BIMI_TAG_UNKNOWN',
    version: 'BIMI_VERSION',
    versionFirst: 'BIMI_VERSION_FIRST',
  },
};

/** The record, or every problem found. Never throws. */
export function parseBimi(text: string): Result<BimiRecord> {
  const { tags, problems: listProblems } = readTagList(text, GRAMMAR);
  const problems: Problem[] = [...listProblems];
  const rfc = RFC;
  const logoUri = tags.get('l') ?? '';
  const evidenceUri = tags.get('a') ?? '';
  if (!tags.has('l'))
    problems.push(
      problem('BIMI_LOCATION_MISSING', atTag('l'), 'is missing; to decline BIMI, it is there and empty', { rfc }),
    );
  else if (logoUri === '' && evidenceUri !== '')
    problems.push(problem('BIMI_LOCATION', atTag('l'), 'is empty, and a= is not: evidence of no logo', { rfc }));
  if (logoUri !== '') problems.push(...checkLogoUri(logoUri));
  if (evidenceUri !== '' && !isHttpsUri(evidenceUri))
    problems.push(
      problem('BIMI_EVIDENCE', atTag('a'), `${JSON.stringify(evidenceUri)} is not an https: URL of a host by name`, {
        rfc,
      }),
    );
  const preference = tags.get('avp') ?? 'brand';
  if (preference !== 'brand' && preference !== 'personal')
    problems.push(
      problem('BIMI_AVATAR', atTag('avp'), `${JSON.stringify(preference)} is not brand or personal`, { rfc }),
    );
  const selectorPrefixes = [...new Set(splitList(tags.get('lps') ?? '', ',').map((prefix) => prefix.toLowerCase()))];
  problems.push(...selectorPrefixes.flatMap(checkPrefix));
  return resultOf(problems, () => ({
    logoUri,
    evidenceUri,
    avatarPreference: preference as BimiRecord['avatarPreference'],
    selectorPrefixes,
  }));
}

function isHttpsUri(text: string): boolean {
  const url = /^https:[^\s,]+$/i.test(text) ? URL.parse(text) : null;
  return url !== null && url.username === '' && url.password === '' && isHostName(url.hostname);
}

function checkLogoUri(text: string): Problem[] {
  if (!isHttpsUri(text))
    return [
      problem('BIMI_LOCATION', atTag('l'), `${JSON.stringify(text)} is not an https: URL of a host by name`, {
        rfc: RFC,
      }),
    ];
  const path = URL.parse(text)!.pathname.toLowerCase();
  // §4.3.2: another image format is a permanent error; SVGZ is allowed, and large receivers do not take it.
  if (/\.(?:png|jpe?g|gif|webp|ico|bmp|avif)$/.test(path))
    return [problem('BIMI_LOCATION', atTag('l'), 'is not an SVG file', { rfc: `${DRAFT} §4.3.2` })];
  return path.endsWith('.svg')
    ? []
    : [warning('BIMI_LOCATION', atTag('l'), 'does not end in .svg', { rfc: `${DRAFT} §4.3.2` })];
}

function checkPrefix(prefix: string): Problem[] {
  const rfc = `${DRAFT} §4.5`;
  if (!/^[a-z0-9-]{1,63}$/.test(prefix))
    return [
      problem('BIMI_PREFIX', atTag('lps'), `${JSON.stringify(prefix)} is not letters, digits and hyphens`, { rfc }),
    ];
  // Revisions before 12 had a switch here.
  if (prefix === 'true' || prefix === 'false')
    return [
      warning('BIMI_PREFIX', atTag('lps'), `${prefix} is the form of an older draft`, {
        rfc,
        fix: 'list the prefixes',
      }),
    ];
  return [];
}

/** The canonical text; both locations are always said, empty or not. */
export function formatBimi(record: BimiRecord): string {
  return `${formatTags([
    ['v', 'BIMI1'],
    ['l', record.logoUri],
    ['a', record.evidenceUri],
    ...(record.avatarPreference === 'brand' ? [] : [['avp', record.avatarPreference] as const]),
    ...(record.selectorPrefixes.length === 0 ? [] : [['lps', record.selectorPrefixes.join(',')] as const]),
  ])};`;
}

/** True for the form that declines BIMI (§4.3.1). */
export function isDeclined(record: BimiRecord): boolean {
  return record.logoUri === '' && record.evidenceUri === '';
}

/** What stands in the way of the logo in the DMARC record of the organizational domain (§7.1): receivers show none then. */
export function checkBimiDmarc(record: BimiRecord, dmarc: DmarcRecord | undefined): Problem[] {
  if (isDeclined(record) && record.selectorPrefixes.length === 0) return [];
  const rfc = `${DRAFT} §7.1`;
  if (dmarc === undefined) return [problem('BIMI_DMARC', WHOLE, 'the domain has no DMARC record', { rfc })];
  const problems: Problem[] = [];
  if (statedPolicy(dmarc, 'self') === 'none')
    problems.push(
      problem('BIMI_DMARC', atTag('p'), 'the DMARC policy is none', { rfc, fix: 'quarantine or reject first' }),
    );
  if (dmarc.subdomainPolicy === 'none')
    problems.push(problem('BIMI_DMARC', atTag('sp'), 'the DMARC policy for subdomains is none', { rfc }));
  if (dmarc.isTesting)
    problems.push(
      warning('BIMI_DMARC', atTag('t'), 'the DMARC policy is in test mode, and receivers may not count it', { rfc }),
    );
  return problems;
}

/** `<selector>._bimi.<domain>`. */
export function bimiOwner(domain: Name, selector = 'default'): Result<Name> {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(selector))
    return parseName(`${selector}._bimi`, domain);
  return fail(
    problem(
      'BIMI_SELECTOR',
      WHOLE,
      `${JSON.stringify(selector)} is not a selector: labels of letters, digits and inner hyphens`,
      {
        rfc: `${DRAFT} §4.4`,
      },
    ),
  );
}
