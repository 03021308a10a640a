/**
 * DMARC records: what a domain asks receivers to do with mail that fails, and where reports go.
 * Implements: RFC 9989 §4.5–4.8; reads the forms of RFC 7489 §6.3 with a warning (`pct`, `rf`, `ri`, `!10m`).
 * Not here: which record applies to a message (discovery.ts), advice (advice.ts), consent of report hosts (consent-record.ts).
 */
import { atTag } from '#base/place.ts';
import { type Problem, type Result, problem, warning } from '#base/problem.ts';
import { type Name, parseName } from '#dns/name.ts';
import { readReportUri } from '#mail/text/report-uri.ts';
import { formatTags, readTagList, resultOf, splitList, type TagGrammar, trimBlanks } from '#mail/text/tag-list.ts';

/** In rising strength. */
export const DMARC_POLICIES = ['none', 'quarantine', 'reject'] as const;
export type DmarcPolicy = (typeof DMARC_POLICIES)[number];
/** Relaxed: same organizational domain. Strict: same domain (RFC 9989 §4.4). */
export type DmarcAlignment = 'relaxed' | 'strict';
/** When failure reports are wanted: 0 all mechanisms fail, 1 any fails, d a DKIM signature, s SPF. */
export type DmarcFailureOption = '0' | '1' | 'd' | 's';

export interface DmarcRecord {
  /** For mail of the domain itself ("p="); absent in records that only authorize reports, else read as none. */
  readonly policy?: DmarcPolicy;
  /** For subdomains that exist ("sp="); absent: as `policy`. */
  readonly subdomainPolicy?: DmarcPolicy;
  /** For subdomains that do not exist ("np="); absent: as for those that do. */
  readonly nonexistentPolicy?: DmarcPolicy;
  /** "adkim=", default relaxed. */
  readonly dkimAlignment: DmarcAlignment;
  /** "aspf=", default relaxed. */
  readonly spfAlignment: DmarcAlignment;
  /** Receivers apply policies one step lower ("t=y"). Older ones do not know it and apply them in full. */
  readonly isTesting: boolean;
  /** True: a public suffix ("psd=y"); false: an organizational domain by declaration ("psd=n"); absent: found by the tree walk. */
  readonly isPublicSuffix?: boolean;
  /** Where aggregate reports go ("rua="), without size suffixes. */
  readonly aggregateUris: readonly string[];
  /** Where failure reports go ("ruf="). */
  readonly failureUris: readonly string[];
  /** "fo=", default 0; receivers look at it only when there are failure addresses. */
  readonly failureOptions: readonly DmarcFailureOption[];
}

const RFC = 'RFC 9989 §4.7';
/** Tags of RFC 7489 that RFC 9989 removed (its appendix C.5.2), and what dropping them means. */
const REMOVED: Readonly<Record<string, string>> = {
  pct: 'receivers now apply the policy to all mail; older ones still sample',
  rf: 'there is one format of failure reports',
  ri: 'receivers send aggregate reports once a day',
};

const GRAMMAR: TagGrammar = {
  version: 'DMARC1',
  known: ['p', 'sp', 'np', 'adkim', 'aspf', 't', 'psd', 'rua', 'ruf', 'fo', ...Object.keys(REMOVED)],
  equals: 'spaced',
  isTwiceFatal: true,
  rfc: RFC,
  codes: {
    syntax: 'DMARC_SYNTAX',
    twice: 'DMARC_TAG_TWICE',
    unknown: 'DMARC_TAG_UNKNOWN',
    version: 'DMARC_VERSION',
    versionFirst: 'DMARC_VERSION_FIRST',
  },
};

/** A record as receivers of RFC 9989 §4.8 read it: what is wrong is as if it were not there. */
export interface DmarcReading {
  readonly record: DmarcRecord;
  readonly problems: readonly Problem[];
}

/** The tags of `text` as they stand there, the removed ones too. */
export function dmarcTags(text: string): ReadonlyMap<string, string> {
  return readTagList(text, GRAMMAR).tags;
}

/** The record, or every problem found. Never throws. */
export function parseDmarc(text: string): Result<DmarcRecord> {
  const { record, problems } = readDmarc(text);
  return resultOf(problems, () => record);
}

/** True when the tree walk takes `text` for a DMARC record (RFC 9989 §4.10 step 2). */
export function isDmarcText(text: string): boolean {
  return /^[ \t]*v[ \t]*=[ \t]*DMARC1[ \t]*(;|$)/.test(text);
}

/** What receivers make of `text`, with all that is wrong with it. */
export function readDmarc(text: string): DmarcReading {
  const list = readTagList(text, GRAMMAR);
  const problems: Problem[] = [...list.problems];
  const pick = <T>(
    tag: string,
    values: Readonly<Record<string, T>>,
    code: 'DMARC_POLICY' | 'DMARC_ALIGNMENT' | 'DMARC_PSD' | 'DMARC_TESTING',
  ) => {
    const value = list.tags.get(tag);
    if (value === undefined) return undefined;
    // RFC 9989 §4.8: only the version is case-sensitive (RFC 5234 §2.3).
    const key = value.toLowerCase();
    if (Object.hasOwn(values, key)) return values[key];
    problems.push(problem(code, atTag(tag), `is ${JSON.stringify(value)}, not one of ${Object.keys(values).join(', ')}`, { rfc: RFC }));
    return undefined;
  };
  const policies = { none: 'none', quarantine: 'quarantine', reject: 'reject' } as const;
  const alignments = { r: 'relaxed', s: 'strict' } as const;
  const policy = pick('p', policies, 'DMARC_POLICY');
  const subdomainPolicy = pick('sp', policies, 'DMARC_POLICY');
  const nonexistentPolicy = pick('np', policies, 'DMARC_POLICY');
  const isPublicSuffix = pick('psd', { y: true, n: false, u: undefined }, 'DMARC_PSD');
  const record: DmarcRecord = {
    ...(policy === undefined ? {} : { policy }),
    ...(subdomainPolicy === undefined ? {} : { subdomainPolicy }),
    ...(nonexistentPolicy === undefined ? {} : { nonexistentPolicy }),
    dkimAlignment: pick('adkim', alignments, 'DMARC_ALIGNMENT') ?? 'relaxed',
    spfAlignment: pick('aspf', alignments, 'DMARC_ALIGNMENT') ?? 'relaxed',
    isTesting: pick('t', { y: true, n: false }, 'DMARC_TESTING') ?? false,
    ...(isPublicSuffix === undefined ? {} : { isPublicSuffix }),
    aggregateUris: readUris('rua', list.tags.get('rua'), problems),
    failureUris: readUris('ruf', list.tags.get('ruf'), problems),
    failureOptions: readFailureOptions(list.tags.get('fo'), problems),
  };
  problems.push(...oldForms(list.tags, list.all));
  return { record, problems };
}

function readUris(tag: string, value: string | undefined, problems: Problem[]): string[] {
  const uris: string[] = [];
  for (const each of splitList(value ?? '', ',')) {
    // RFC 9989 §4.8: obs-dmarc-report-size.
    const bare = each.replace(/![0-9]+[kmgt]?$/i, '');
    if (bare !== each)
      problems.push(warning('DMARC_URI_SIZE', atTag(tag), `${each.slice(bare.length)} is ignored`, { rfc: 'RFC 9989 §4.8' }));
    const uri = readReportUri(bare);
    if ('wrong' in uri) {
      problems.push(problem('DMARC_URI', atTag(tag), uri.wrong, { rfc: 'RFC 9989 §4.6' }));
      continue;
    }
    // RFC 9989 §4.7: receivers must support mailto: and ignore what they do not support.
    if (uri.scheme !== 'mailto')
      problems.push(warning('DMARC_URI_SCHEME', atTag(tag), `receivers send no reports to ${uri.scheme}: URIs`, { rfc: RFC }));
    uris.push(uri.uri);
  }
  if (value !== undefined && trimBlanks(value) === '') problems.push(problem('DMARC_URI', atTag(tag), 'is empty', { rfc: RFC }));
  return uris;
}

/** RFC 9989 §4.8 dmarc-fo: 0 or 1, d and s, each at most once. */
function readFailureOptions(value: string | undefined, problems: Problem[]): DmarcFailureOption[] {
  if (value === undefined) return ['0'];
  const options = splitList(value.toLowerCase(), ':').filter((each): each is DmarcFailureOption => /^[01ds]$/.test(each));
  const isWhole = options.length > 0 && options.length === value.split(':').length;
  if (isWhole && new Set(options).size === options.length && !(options.includes('0') && options.includes('1'))) return options;
  problems.push(
    problem('DMARC_FAILURE_OPTIONS', atTag('fo'), `is ${JSON.stringify(value)}, not 0 or 1, d and s with colons between`, {
      rfc: 'RFC 9989 §4.8',
    }),
  );
  return ['0'];
}

function oldForms(tags: ReadonlyMap<string, string>, all: readonly (readonly [string, string])[]): Problem[] {
  const problems: Problem[] = [];
  for (const [tag, why] of Object.entries(REMOVED))
    if (tags.has(tag))
      problems.push(
        warning('DMARC_TAG_REMOVED', atTag(tag), `is gone from DMARC: ${why}`, { rfc: 'RFC 9989 §C.5.2', fix: `leave ${tag}= out` }),
      );
  // RFC 7489 §6.3 wanted p second, and its readers are still there.
  const at = all.findIndex(([name]) => name === 'p');
  if (at > 1)
    problems.push(
      warning('DMARC_POLICY_SECOND', atTag('p'), 'is not the second tag, where older receivers look for it', { rfc: 'RFC 7489 §6.3' }),
    );
  if (at === -1)
    problems.push(
      warning('DMARC_POLICY_MISSING', atTag('p'), 'is missing: receivers take it as none, or ignore the record', {
        rfc: 'RFC 9989 §4.10.1',
      }),
    );
  return problems;
}

/** The canonical text: `v` and `p` first for older readers, defaults left out. */
export function formatDmarc(record: DmarcRecord): string {
  const letter = (alignment: DmarcAlignment) => (alignment === 'strict' ? 's' : undefined);
  const tags: readonly (readonly [string, string | undefined])[] = [
    ['v', 'DMARC1'],
    ['p', record.policy],
    ['sp', record.subdomainPolicy],
    ['np', record.nonexistentPolicy],
    ['adkim', letter(record.dkimAlignment)],
    ['aspf', letter(record.spfAlignment)],
    ['t', record.isTesting ? 'y' : undefined],
    ['psd', record.isPublicSuffix === undefined ? undefined : record.isPublicSuffix ? 'y' : 'n'],
    ['rua', record.aggregateUris.length === 0 ? undefined : record.aggregateUris.join(',')],
    ['ruf', record.failureUris.length === 0 ? undefined : record.failureUris.join(',')],
    ['fo', record.failureOptions.join(':') === '0' ? undefined : record.failureOptions.join(':')],
  ];
  return formatTags(tags.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}

/** `_dmarc.<domain>`, or NAME_LONG. */
export function dmarcOwner(domain: Name): Result<Name> {
  return parseName('_dmarc', domain);
}
