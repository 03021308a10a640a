/**
 * One `_smtp._tls` TXT record: where reports of failed TLS go.
 * Implements: RFC 8460 §3.
 * Not here: reading the reports.
 */
import { type Name, parseName } from '#dns/name.ts';
import { atTag } from '#base/place.ts';
import { type Problem, type Result, problem, warning } from '#base/problem.ts';
import { readReportUri } from '#mail/text/report-uri.ts';
import { formatTags, readTagList, resultOf, splitList, type TagGrammar } from '#mail/text/tag-list.ts';

export interface TlsRptRecord {
  /** Report addresses in the order given, `mailto:` or `https:`; at least one ("rua="). */
  readonly reportUris: readonly string[];
}

const RFC = 'RFC 8460 §3';

const GRAMMAR: TagGrammar = {
  version: 'TLSRPTv1',
  known: ['rua'],
  equals: 'tight',
  isTwiceFatal: false,
  rfc: RFC,
  codes: {
    syntax: 'TLSRPT_SYNTAX',
    twice: 'TLSRPT_TAG_TWICE',
    unknown: 'TLSRPT_TAG_UNKNOWN',
    version: 'TLSRPT_VERSION',
    versionFirst: 'TLSRPT_VERSION_FIRST',
  },
};

/** The record, or every problem found. Never throws: the text comes from outside. */
export function parseTlsRpt(text: string): Result<TlsRptRecord> {
  const { all, problems: listProblems } = readTagList(text, GRAMMAR);
  const problems: Problem[] = [...listProblems];
  // The grammar lets rua= come more than once; each adds addresses.
  const reportUris = all.filter(([name]) => name === 'rua').flatMap(([, value]) => splitList(value, ','));
  if (reportUris.length === 0) problems.push(problem('TLSRPT_NO_RUA', atTag('rua'), 'names no address to send reports to', { rfc: RFC }));
  for (const each of reportUris) {
    const uri = readReportUri(each);
    if ('wrong' in uri) problems.push(problem('TLSRPT_URI', atTag('rua'), uri.wrong, { rfc: RFC }));
    else if (uri.host === undefined)
      problems.push(problem('TLSRPT_SCHEME', atTag('rua'), `${uri.scheme}: is not mailto: or https:`, { rfc: RFC }));
  }
  if (new Set(reportUris).size < reportUris.length)
    problems.push(warning('TLSRPT_TAG_TWICE', atTag('rua'), 'names an address twice', { rfc: RFC }));
  return resultOf(problems, () => ({ reportUris }));
}

/** The canonical text; `parseTlsRpt(formatTlsRpt(r))` gives `r` back. */
export function formatTlsRpt(record: TlsRptRecord): string {
  return formatTags([
    ['v', 'TLSRPTv1'],
    ['rua', record.reportUris.join(',')],
  ]);
}

/** The texts that senders look at: not exactly one of them means no TLS reporting (RFC 8460 §3). */
export function selectTlsRpt(texts: readonly string[]): string[] {
  return texts.filter((text) => text.startsWith('v=TLSRPTv1;'));
}

/** `_smtp._tls.<domain>`, or NAME_LONG. */
export function tlsRptOwner(domain: Name): Result<Name> {
  return parseName('_smtp._tls', domain);
}
