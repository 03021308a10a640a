/**
 * What zone files of other products and old habits have in them that no zone file should: the cause, so that its author need not guess.
 * Implements: RFC 1035 §5.1, where a last dot, quotes and the at sign have a meaning that is easily forgotten.
 * Not here: what is an error (zone-file.ts, zone-file-head.ts, zone/check.ts).
 */
import { type Place, WHOLE, inFile } from '#base/place.ts';
import { type Problem, type Result, ok, problem, warning } from '#base/problem.ts';
import { type Token } from './lexer.ts';
import { type Name, equalNames, formatName, labelOffsets, lowerOctet, parseName } from './name.ts';
import { type NameReader } from '#dns/rdata/field.ts';
import { isTextType } from './registry.ts';
import { type RrType } from './types.ts';

/** Names as a file of the zone `apex` has them, with warnings for what is surely not meant. */
export function zoneFileNames(apex: Name): NameReader {
  return (word, origin) => {
    const name = parseName(word, origin);
    if (!name.ok) return name;
    if (word.length > 1 && word.includes('@') && /(?<!\\)(?:\\\\)*@/.test(word)) return withMailbox(word, name.value);
    for (const end of origin === apex ? [apex] : [origin, apex]) {
      const twice = endBefore(name.value, end, apex);
      if (twice !== undefined) return ok(name.value, [nameTwice(name.value, twice)]);
    }
    return name;
  };
}

/** `name` without the labels of `end`, when it ends in them and what is left ends in them or in those of `apex`. */
function endBefore(name: Name, end: Name, apex: Name): Name | undefined {
  const cut = name.length - end.length;
  if (end.length === 1 || cut < Math.min(end.length, apex.length) - 1) return undefined;
  // One octet distinguishes most names: every name of a large file passes here.
  const last = lowerOctet(name[cut - 1]!);
  if (last !== lowerOctet(end[end.length - 2]!) && last !== lowerOctet(apex[apex.length - 2]!)) return undefined;
  const starts = labelOffsets(name);
  if (!starts.includes(cut) || !equalNames(name.subarray(cut), end)) return undefined;
  const before = new Uint8Array([...name.subarray(0, cut), 0]);
  const isAgain = (other: Name) =>
    other.length > 1 && starts.includes(before.length - other.length) && equalNames(before.subarray(before.length - other.length), other);
  return isAgain(end) || isAgain(apex) ? before : undefined;
}

function nameTwice(name: Name, before: Name): Problem {
  return warning('NAME_ORIGIN_TWICE', WHOLE, `${formatName(name)} ends in the zone's name twice`, {
    rfc: 'RFC 1035 §5.1',
    fix: `a name without a last dot is completed by the origin: write ${formatName(before)}`,
  });
}

function withMailbox(word: string, name: Name): Result<Name> {
  return ok(name, [
    warning('NAME_MAILBOX', WHOLE, `${JSON.stringify(word)} has an at sign in it`, {
      rfc: 'RFC 1035 §8',
      fix: 'a mailbox has a dot in place of its at sign; @ alone is the origin',
    }),
  ]);
}

/** Types that are no record types, and what to do about them. */
const FOREIGN_TYPES: ReadonlyMap<string, string> = new Map([
  ...['WINS', 'WINSR', 'WINS-R', 'NBSTAT'].map(
    (type) =>
      [
        type,
        'it makes Windows DNS ask a WINS server and is no record: delete it, and write A records for the names that only WINS knew',
      ] as const,
  ),
  ...['ANAME', 'FLATTEN'].map((type) => [type, 'it is no record: write ALIAS with its target, or a CNAME below the apex'] as const),
  ['LUA', 'it is a program of PowerDNS and no record: write the records that it makes'],
  ...['URL', 'URL301', 'FRAME', 'REDIRECT'].map(
    (type) => [type, 'it is a web redirect of a registrar and no record: write the address of a web server that redirects'] as const,
  ),
]);

/** What to do about a word that stands where TTL, class and type do and is none of them. */
export function foreignWordFix(word: string): string | undefined {
  if (/^\[(?:AGE|AGING):/i.test(word)) return 'it is the time stamp of Windows DNS: delete every [AGE:…] of the file';
  return FOREIGN_TYPES.get(word.toUpperCase());
}

/** A mail record that is not in quotes: blanks cut it into strings, and a semicolon has cut off the rest. */
export function unquotedMailText(type: RrType, data: readonly Token[], file: string): Problem | undefined {
  const first = data[0];
  if (first === undefined || first.quoted || !isTextType(type) || !MAIL_TEXT.test(first.text)) return undefined;
  return warning(
    'TEXT_UNQUOTED',
    inFile(file, first.line, first.column),
    `${JSON.stringify(first.text)} begins a mail record that is not in quotes: blanks divide it, and a semicolon ends it`,
    { rfc: 'RFC 1035 §5.1', fix: 'put the whole text in quotes' },
  );
}

const MAIL_TEXT = /^v=(?:spf1|DMARC1|DKIM1|STSv1|TLSRPTv1|BIMI1)(?![a-z0-9])/i;

/** Why `text` is no zone file at all, or undefined. */
export function notZoneFile(text: string, file: string): Problem | undefined {
  const nul = text.indexOf('\u0000');
  if (nul >= 0) {
    const line = text.slice(0, nul).split('\n').length;
    const at: Place = inFile(file, line, nul - text.lastIndexOf('\n', nul));
    return problem('TEXT_NUL', at, 'a NUL octet: this is not a text file, or it is UTF-16', {
      fix: 'save it as ASCII or UTF-8; write an octet 0 in data as \\000',
    });
  }
  if (/^(?:\u00ef\u00bb\u00bf)?(?:Name\tTyp|"HostName",)/.test(text))
    return problem(
      'TEXT_LIST',
      inFile(file, 1, 1),
      'this is a list of records as the Windows DNS Manager or PowerShell shows them, not a zone file',
      {
        fix: 'export the zone itself: Export-DnsServerZone, or dnscmd /ZoneExport',
      },
    );
  return undefined;
}
