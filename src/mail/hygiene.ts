/**
 * The TXT records of a zone as readers of mail records meet them: alone where they must be alone, at the names where they are looked for,
 * small enough, and not drowned by a wildcard.
 * Implements: RFC 7208 §3.2, §3.4, §3.5; RFC 6376 §3.6.2.2 and §6.1.2; RFC 9989 §4.10; RFC 9990 §4; RFC 8461 §3.1; RFC 8460 §3.
 * Not here: what SPF costs (mail/spf/), what records say that the zone does not hold.
 */
import type { Place } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Problem, type Result, placeWithin, problem, warning } from '#base/problem.ts';
import { SPF_OWNER_TXT_BYTES_MAX } from '#base/limits/spf.ts';
import { placeOfRrset } from '#dns/place.ts';
import { formatName, isWildcard, type Name, type OwnerKey, ownerKey, parentName, parseName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { rrsetOf, type ZoneNode, type ZoneView } from '#zone/view.ts';
import { parseBimi } from '#mail/bimi/record.ts';
import { reviewDkim } from '#mail/dkim/advice.ts';
import { parseDkim } from '#mail/dkim/record.ts';
import { isDmarcText, parseDmarc } from '#mail/dmarc/record.ts';
import { parseStsRecord, selectSts } from '#mail/mta-sts/record.ts';
import { parseSpf } from '#mail/spf/parse.ts';
import { shownText, whyNoSpf } from '#mail/spf/near-miss.ts';
import { spfSigns } from '#mail/spf/signs.ts';
import { isSpfText } from '#mail/spf/spf.ts';
import { parseTlsRpt, selectTlsRpt } from '#mail/tls-rpt/record.ts';
import { txtText } from '#mail/text/txt.ts';

/** What readers look for at a name. */
export type TxtRole = 'spf' | 'dkim' | 'dmarc' | 'dmarc-reports' | 'mta-sts' | 'tls-rpt' | 'bimi';

/** What is looked for at `owner`, by its first labels; anywhere else it is SPF. */
export function txtRole(owner: Name): TxtRole {
  const labels = labelsOf(owner);
  const at = (label: string) => labels.indexOf(label);
  if (at('_domainkey') > 0) return 'dkim';
  if (at('_bimi') > 0) return 'bimi';
  if (labels[0] === '_dmarc') return 'dmarc';
  if (at('_report') > 0 && labels[at('_report') + 1] === '_dmarc') return 'dmarc-reports';
  if (labels[0] === '_mta-sts') return 'mta-sts';
  if (labels[0] === '_smtp' && labels[1] === '_tls') return 'tls-rpt';
  return 'spf';
}

function labelsOf(owner: Name): string[] {
  return formatName(owner).toLowerCase().split('.').slice(0, -1);
}

interface RoleRule {
  /** As people call the record. */
  readonly title: string;
  /** Texts of the records that readers take; of several, they take none. */
  readonly select: (texts: readonly string[]) => readonly string[];
  readonly parse?: (text: string) => Result<unknown>;
  readonly severalCode: ProblemCode;
  readonly rfc: string;
}

const startsWith = (start: string) => (texts: readonly string[]) => texts.filter((text) => text.startsWith(start));

const ROLES: Readonly<Record<TxtRole, RoleRule>> = {
  spf: {
    title: 'SPF',
    select: (texts) => texts.filter(isSpfText),
    parse: parseSpf,
    severalCode: 'SPF_MULTIPLE',
    rfc: 'RFC 7208 §3.2',
  },
  // Every TXT at a selector is taken for its key (RFC 6376 §3.6.2.2).
  dkim: { title: 'DKIM key', select: (texts) => texts, parse: reviewDkim, severalCode: 'TXT_MULTIPLE', rfc: 'RFC 6376 §3.6.2.2' },
  dmarc: {
    title: 'DMARC',
    select: (texts) => texts.filter(isDmarcText),
    parse: parseDmarc,
    severalCode: 'TXT_MULTIPLE',
    rfc: 'RFC 9989 §4.10',
  },
  'dmarc-reports': { title: 'DMARC report', select: (texts) => texts.filter(isDmarcText), severalCode: 'TXT_MULTIPLE', rfc: 'RFC 9990 §4' },
  'mta-sts': { title: 'MTA-STS', select: selectSts, parse: parseStsRecord, severalCode: 'TXT_MULTIPLE', rfc: 'RFC 8461 §3.1' },
  'tls-rpt': { title: 'TLS reporting', select: selectTlsRpt, parse: parseTlsRpt, severalCode: 'TXT_MULTIPLE', rfc: 'RFC 8460 §3' },
  bimi: {
    title: 'BIMI',
    select: startsWith('v=BIMI1'),
    parse: parseBimi,
    severalCode: 'TXT_MULTIPLE',
    rfc: 'draft-brand-indicators-for-message-identification-12 §7.2',
  },
};

/** Texts that say themselves what they are, whatever case the author took. */
const MARKS: readonly (readonly [TxtRole, RegExp])[] = [
  ['spf', /^[^!-~]*v=spf1(?![a-z0-9])/i],
  ['dkim', /^v=DKIM1\b/i],
  ['dmarc', /^v=DMARC1\b/i],
  ['mta-sts', /^v=STSv1\b/i],
  ['tls-rpt', /^v=TLSRPTv1\b/i],
  ['bimi', /^v=BIMI1\b/i],
];

const VERSIONS: Readonly<Record<Exclude<TxtRole, 'spf'>, string>> = {
  dkim: 'DKIM1',
  dmarc: 'DMARC1',
  'dmarc-reports': 'DMARC1',
  'mta-sts': 'STSv1',
  'tls-rpt': 'TLSRPTv1',
  bimi: 'BIMI1',
};

const meant = (role: keyof typeof VERSIONS) => new RegExp(`\\bv\\s*=\\s*${VERSIONS[role]}\\b`, 'i');

/** The mark of a role anywhere in a text: behind blanks, quotes or other tags, where no reader finds it. */
const MEANT: Readonly<Record<Exclude<TxtRole, 'spf'>, RegExp>> = {
  dkim: meant('dkim'),
  dmarc: meant('dmarc'),
  'dmarc-reports': meant('dmarc-reports'),
  'mta-sts': meant('mta-sts'),
  'tls-rpt': meant('tls-rpt'),
  bimi: meant('bimi'),
};

const joined = (role: keyof typeof VERSIONS) => {
  const start = String.raw`^[\s"'\\]*v\s*=\s*`;
  return new RegExp(`${start}${VERSIONS[role]}(?=[a-z]{1,5}\\s*=)`, 'i');
};

/** The version right in front of a tag, as when strings are cut between the two. */
const JOINED: Readonly<Record<Exclude<TxtRole, 'spf'>, RegExp>> = {
  dkim: joined('dkim'),
  dmarc: joined('dmarc'),
  'dmarc-reports': joined('dmarc-reports'),
  'mta-sts': joined('mta-sts'),
  'tls-rpt': joined('tls-rpt'),
  bimi: joined('bimi'),
};

/** Tags that a text at a name of its own has for that name's readers alone, though the version is missing or another word. */
const TAGS: { readonly [Role in TxtRole]?: RegExp } = {
  dmarc: /(?:^|[;\s"'])(?:p\s*=\s*(?:none|quarantine|reject)|rua\s*=)/i,
  'mta-sts': /^["'\s]*id\s*=/i,
  'tls-rpt': /(?:^|[;\s"'])rua\s*=/i,
  bimi: /(?:^|[;\s"'])l\s*=\s*https?:/i,
};

const PLACES: Readonly<Record<TxtRole, string>> = {
  spf: 'at the domain itself',
  dkim: 'below _domainkey',
  dmarc: 'at _dmarc',
  'dmarc-reports': 'below _report._dmarc',
  'mta-sts': 'at _mta-sts',
  'tls-rpt': 'at _smtp._tls',
  bimi: 'below _bimi',
};

/** Problems of all the TXT of one name together, and of what the records say. */
export function checkTexts(owner: Name, texts: readonly string[]): Problem[] {
  const role = txtRole(owner);
  const { title, select, parse, severalCode, rfc } = ROLES[role];
  const at = placeOfRrset(owner, TYPE.TXT);
  const problems: Problem[] = [];
  const selected = select(texts);
  if (selected.length > 1)
    problems.push(
      problem(severalCode, at, `there are ${selected.length} ${title} records at this name, and readers take none of them`, {
        rfc,
        fix: 'keep one',
      }),
    );
  for (const text of texts) {
    const own = MARKS.find(([, mark]) => mark.test(text))?.[0];
    const isAtHome = own === undefined || own === role || (own === 'dmarc' && role === 'dmarc-reports');
    if (!isAtHome)
      problems.push(
        warning('TXT_MISPLACED', at, `a ${ROLES[own].title} record stands here; it is looked for ${PLACES[own]}`, { rfc: ROLES[own].rfc }),
      );
    // What is meant for this name, though readers may not even take it: the reason why not is what its author needs.
    else if (parse !== undefined && selected.includes(text)) problems.push(...problemsAt(parse(text), at));
    // Beside the record that readers take, a text that they pass over does no harm.
    else if (parse !== undefined && own === role)
      problems.push(...problemsAt(parse(text), at).map((each) => (selected.length > 0 ? { ...each, severity: 'warning' as const } : each)));
    // Of the others the parser has said it, and why; consents have none.
    const isSaid = selected.includes(text) || (own !== undefined && own !== 'spf' && role !== 'dmarc-reports');
    const why = isSaid ? undefined : whyNone(role, text);
    if (isAtHome && why !== undefined) problems.push(nearMiss(role, text, why, at, selected.length > 0));
  }
  const blank = role === 'spf' ? [] : selected.filter((text) => /^\s/.test(text));
  problems.push(...blank.map((text) => leadingBlank(role, text, at)));
  if (role === 'spf') problems.push(...selected.flatMap((text) => spfSigns(text, at)));
  problems.push(...checkSize(owner, texts, at));
  return problems;
}

/** Why no reader takes `text`, which is meant as the record of its name; undefined: it is not. */
function whyNone(role: TxtRole, text: string): string | undefined {
  if (role === 'spf') return whyNoSpf(text);
  const start = `v=${VERSIONS[role]}`;
  if (JOINED[role].test(text)) return `no semicolon follows ${start}; strings of one record are joined without any`;
  if (!MEANT[role].test(text)) return TAGS[role]?.test(text) === true ? 'it does not say its version first' : undefined;
  const bare = text.replace(/^[\s"'\\]+/, '');
  if (MEANT[role].exec(bare)?.index !== 0) return 'something stands before v=';
  return bare === text ? 'its beginning is not right' : 'blanks or quotes stand before v=';
}

/** A text that is meant as the record of its name and that no reader takes. Beside one that they take it does no harm. */
function nearMiss(role: TxtRole, text: string, why: string, at: Place, isBeside: boolean): Problem {
  const { title, rfc } = ROLES[role];
  const start = role === 'spf' ? 'v=spf1 and a blank' : `v=${VERSIONS[role]};`;
  const message = `${shownText(text)} is meant as the ${title} record, and readers take it for none: ${why}`;
  return (isBeside ? warning : problem)('TXT_NEAR_MISS', at, message, {
    rfc,
    fix: `the text has to begin with ${start}, without quotes of its own`,
  });
}

/** The grammar of tag lists lets blanks stand there (RFC 6376 §3.2); readers that compare the first octets do not. */
function leadingBlank(role: TxtRole, text: string, at: Place): Problem {
  const { title, rfc } = ROLES[role];
  const message = `a blank stands before v= in the ${title} record ${shownText(text)}: some readers take it for none`;
  return warning('TXT_NEAR_MISS', at, message, { rfc, fix: 'leave the blank out' });
}

function problemsAt(result: Result<unknown>, at: Place): Problem[] {
  return placeWithin(result.ok ? result.warnings : result.problems, at);
}

/** RFC 7208 §3.4: all TXT of a name with SPF travel together, and should fit into 512 octets with the question. */
function checkSize(owner: Name, texts: readonly string[], at: Place): Problem[] {
  if (!texts.some(isSpfText)) return [];
  const bytes = owner.length + texts.reduce((sum, text) => sum + text.length, 0);
  if (bytes <= SPF_OWNER_TXT_BYTES_MAX) return [];
  return [
    warning(
      'SPF_SIZE',
      at,
      `name and TXT have ${bytes} octets together; more than ${SPF_OWNER_TXT_BYTES_MAX} may not fit into a UDP answer`,
      { rfc: 'RFC 7208 §3.4' },
    ),
  ];
}

/** Problems of the TXT at one node, and of the node as a wildcard. */
export function checkTextNode(view: ZoneView, node: ZoneNode): Problem[] {
  const rrset = rrsetOf(node, TYPE.TXT);
  const texts = rrset?.rdatas.map(txtText) ?? [];
  const problems = texts.length === 0 ? [] : checkTexts(node.owner, texts);
  if (isWildcard(node.owner)) problems.push(...checkWildcard(view, node, texts));
  return problems;
}

/** Names below the parent of a wildcard where mail records are looked for, and what an answer there does. */
const SHADOWED: readonly { readonly label: string; readonly harm: string; readonly rfc: string }[] = [
  { label: '_domainkey', harm: 'every selector that does not exist has its text for a key', rfc: 'RFC 6376 §6.1.2' },
  { label: '_dmarc', harm: 'its text answers for the DMARC record', rfc: 'RFC 9989 §4.10' },
  { label: '_report._dmarc', harm: 'its text answers for every domain that sends reports here', rfc: 'RFC 9990 §4' },
];

/**
 * A wildcard with TXT (or an alias to some) answers at every name below its parent that does not exist (RFC 4592 §2.2.1), names of mail
 * records too. Those that exist, if only because something is below them, stop it.
 */
function checkWildcard(view: ZoneView, node: ZoneNode, texts: readonly string[]): Problem[] {
  const isAlias = rrsetOf(node, TYPE.CNAME) !== undefined;
  if (texts.length === 0 && !isAlias) return [];
  const at = placeOfRrset(node.owner, isAlias ? TYPE.CNAME : TYPE.TXT);
  if (isBelowMark(node.owner)) return checkMailWildcard(node.owner, texts, at);
  const parent = parentName(node.owner);
  // Reports are only let in by a DMARC text (RFC 9990 §4); any other there is passed over.
  const letsReportsIn = isAlias || texts.some(isDmarcText);
  const shadowed = SHADOWED.filter(({ label }) => (label !== '_report._dmarc' || letsReportsIn) && !exists(view, label, parent));
  return shadowed.map(({ label, harm, rfc }) =>
    warning('TXT_WILDCARD_SHADOW', at, `the wildcard answers below ${label}.${formatName(parent)}: ${harm}`, {
      rfc,
      fix:
        label === '_domainkey'
          ? `publish *._domainkey.${formatName(parent)} TXT "v=DKIM1; p="`
          : `publish a record at ${label}.${formatName(parent)}`,
    }),
  );
}

/** True when the name is at or below one that only mail records have: `*._domainkey`, `*._report._dmarc`, `*._bimi`. */
function isBelowMark(owner: Name): boolean {
  return labelsOf(owner).some((label) => ['_domainkey', '_dmarc', '_bimi', '_mta-sts', '_tls'].includes(label));
}

/** `*._domainkey` with a key makes it the key of every selector; with an empty one it says that there is none, which is good. */
function checkMailWildcard(owner: Name, texts: readonly string[], at: Place): Problem[] {
  if (txtRole(owner) !== 'dkim') return [];
  const hasKey = texts.some((text) => {
    const record = parseDkim(text);
    return record.ok && record.value.publicKey.length > 0;
  });
  if (!hasKey) return [];
  return [
    warning('TXT_WILDCARD_KEY', at, 'every selector has this key, so none can be withdrawn alone', {
      rfc: 'RFC 6376 §3.1',
      fix: 'publish the key at its selector',
    }),
  ];
}

function exists(view: ZoneView, label: string, parent: Name): boolean {
  const name = parseName(label, parent);
  // A name that is too long for DNS shadows nothing.
  if (!name.ok) return true;
  const key: OwnerKey = ownerKey(name.value);
  return view.node(key) !== undefined;
}
