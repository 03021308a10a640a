/**
 * One DMARC aggregate report, read: who reports, about which domain and time, and for each source how much mail was aligned.
 * Both forms are taken, that of RFC 9990 and the older one, which most receivers still send; what they differ in is not needed here.
 * Lenient where receivers differ (case, order, namespaces, encodings, fields that are not needed), strict about what counts.
 * Implements: RFC 9990 §3.1.1–3.1.3, §3.1.6, §A (XML schema); RFC 7489 §7.2, §C.
 * Not here: unpacking (control/reports/report-file.ts), what is kept of it (book.ts), what follows (evidence.ts).
 */
import {
  DMARC_REPORT_DEPTH_MAX,
  DMARC_REPORT_TAGS_MAX,
  DMARC_ROW_SIGNATURES_MAX,
  REPORT_COUNT_MAX,
  REPORT_TEXT_CHARACTERS_MAX,
} from '#base/limits/reports.ts';
import { WHOLE, atLine } from '#base/place.ts';
import { ProblemList } from '#base/problem-list.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { formatIp, parseIp } from '#mail/spf/ip.ts';
import { type XmlElement, readXml } from '#base/xml.ts';

export interface DmarcReport {
  /** Who reports, as it calls itself. */
  readonly organization: string;
  /** Unique for its organization. */
  readonly id: string;
  /** Lower case, without final dot. */
  readonly domain: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly rows: readonly DmarcRow[];
}

/** Messages of one source that were judged alike. */
export interface DmarcRow {
  /** Canonical address. */
  readonly source: string;
  readonly messages: number;
  /** Passed with a domain that is aligned. */
  readonly isDkimAligned: boolean;
  readonly isSpfAligned: boolean;
  /** The receiver says that it came over a mailing list or a forwarder, which break both. */
  readonly isForwarded: boolean;
  /** Signatures that verified: `d=` and `s=`, lower case. */
  readonly signatures: readonly { readonly domain: string; readonly selector: string }[];
}

const RFC = 'RFC 9990 §3.1';
/** RFC 9990 §3.1.6 and, for `forwarded`, RFC 7489 §C. */
const FORWARDED: ReadonlySet<string> = new Set(['mailing_list', 'trusted_forwarder', 'forwarded']);

/** The report, or every problem found. Never throws: anybody may have written it. */
export function parseDmarcReport(octets: Uint8Array): Result<DmarcReport> {
  const text = decode(octets);
  if (text.split('<', DMARC_REPORT_TAGS_MAX + 2).length > DMARC_REPORT_TAGS_MAX + 1)
    return fail(problem('REPORT_SIZE', WHOLE, `it has more than ${DMARC_REPORT_TAGS_MAX} tags`));
  const root = readXml(text, DMARC_REPORT_DEPTH_MAX);
  if ('wrong' in root) return fail(problem('REPORT_XML', atLine(root.line), root.wrong));
  if (localName(root) !== 'feedback')
    return fail(formProblem(root, `is not a DMARC aggregate report: its root is ${shown(root.name)}, not feedback`));
  return readFeedback(root);
}

/** Text without its XML declaration, which says the encoding; UTF-8 where it is not another that reports come in. */
function decode(octets: Uint8Array): string {
  const head = Buffer.from(octets.subarray(0, 200)).toString('latin1');
  const declared = /^(?:\u{ef}\u{bb}\u{bf})?\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']/u.exec(head)?.[1] ?? 'utf-8';
  const encoding = /^(?:windows-1252|iso-8859-1|latin1)$/i.test(declared) ? 'windows-1252' : 'utf-8';
  // Octets that are no UTF-8 stand in names of organizations; they are not what counts.
  return new TextDecoder(encoding).decode(octets).replace(/^\s*<\?xml[^>]*\?>/, '');
}

function readFeedback(root: XmlElement): Result<DmarcReport> {
  const problems = new ProblemList();
  const metadata = child(root, 'report_metadata');
  const range = child(metadata, 'date_range');
  const report: DmarcReport = {
    organization: textOf(root, metadata, 'org_name', problems),
    id: textOf(root, metadata, 'report_id', problems),
    domain: textOf(root, child(root, 'policy_published'), 'domain', problems)
      .toLowerCase()
      .replace(/(?<=.)\.$/, ''),
    beginMs: 1000 * numberOf(root, range, 'begin', 99_999_999_999, problems),
    endMs: 1000 * numberOf(root, range, 'end', 99_999_999_999, problems),
    rows: children(root, 'record').flatMap((record) => readRecord(record, problems)),
  };
  if (children(root, 'record').length === 0) problems.push(formProblem(root, 'has no record'));
  return problems.errorCount === 0 ? ok(report) : fail(...problems.list());
}

function readRecord(record: XmlElement, problems: ProblemList): DmarcRow[] {
  const row = child(record, 'row');
  const evaluated = child(row, 'policy_evaluated');
  const text = textOf(record, row, 'source_ip', problems);
  const source = parseIp(text);
  if (source === undefined && text !== '') problems.push(formProblem(record, `source_ip ${shown(text)} is not an address`));
  const messages = numberOf(record, row, 'count', REPORT_COUNT_MAX, problems);
  if (evaluated === undefined) problems.push(formProblem(record, 'has no policy_evaluated, so nobody knows what was aligned'));
  if (source === undefined || evaluated === undefined) return [];
  const isPass = (name: string) => plainText(child(evaluated, name)) === 'pass';
  return [
    {
      source: formatIp(source),
      messages,
      isDkimAligned: isPass('dkim'),
      isSpfAligned: isPass('spf'),
      isForwarded: children(evaluated, 'reason').some((reason) => FORWARDED.has(plainText(child(reason, 'type')))),
      signatures: children(child(record, 'auth_results'), 'dkim')
        .slice(0, DMARC_ROW_SIGNATURES_MAX)
        .flatMap((dkim) => {
          const domain = plainText(child(dkim, 'domain')).replace(/\.$/, '');
          const selector = plainText(child(dkim, 'selector'));
          // RFC 7489 §C: the selector may be missing.
          const isGood = plainText(child(dkim, 'result')) === 'pass' && /^[a-z0-9._-]{1,253}$/.test(selector);
          return isGood ? [{ domain, selector }] : [];
        }),
    },
  ];
}

/** Namespaces are declared in many ways, and some receivers put a prefix before every name. */
function localName({ name }: XmlElement): string {
  return name.slice(name.indexOf(':') + 1);
}

function children(parent: XmlElement | undefined, name: string): readonly XmlElement[] {
  return parent?.children.filter((each) => localName(each) === name) ?? [];
}

function child(parent: XmlElement | undefined, name: string): XmlElement | undefined {
  return parent?.children.find((each) => localName(each) === name);
}

/** A word; some receivers write them in upper case. */
function plainText(element: XmlElement | undefined): string {
  return element?.text.trim().toLowerCase() ?? '';
}

/** A text that must be there; `owner` says where it is missing. */
function textOf(owner: XmlElement, parent: XmlElement | undefined, name: string, problems: ProblemList): string {
  const text = child(parent, name)?.text.trim() ?? '';
  if (text === '') problems.push(formProblem(parent ?? owner, `has no ${name}`));
  return text;
}

/** A whole number that must be there; -1 when it is not. */
function numberOf(owner: XmlElement, parent: XmlElement | undefined, name: string, max: number, problems: ProblemList): number {
  const element = child(parent, name);
  const text = element?.text.trim() ?? '';
  if (/^\d{1,15}$/.test(text) && Number(text) <= max) return Number(text);
  const message = element === undefined ? `has no ${name}` : `${name} ${shown(text)} is not a number from 0 to ${max}`;
  problems.push(formProblem(element ?? parent ?? owner, message));
  return -1;
}

function shown(text: string): string {
  return JSON.stringify(text.length > REPORT_TEXT_CHARACTERS_MAX ? `${text.slice(0, REPORT_TEXT_CHARACTERS_MAX)}…` : text);
}

function formProblem({ line, name }: XmlElement, message: string) {
  return problem('REPORT_FORM', atLine(line), `<${name.slice(0, REPORT_TEXT_CHARACTERS_MAX)}> ${message}`, { rfc: RFC });
}
