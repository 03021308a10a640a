/**
 * One DMARC aggregate report, read: who reports, about which domain and time, and for each source how much mail was
 * aligned. Both forms are taken, that of RFC 9990 and the older one, which most receivers still send; what they differ
 * in is not needed here. Lenient where receivers differ (case, order, namespaces, encodings, wrappers, fields that are
 * not needed). A record that cannot be read is left out and named; the others count.
 * Implements: RFC 9990 §3.1.1–3.1.3, §A (XML schema); RFC 7489 §7.2, §C.
 * Not here: records (dmarc-record.ts), unpacking (control/reports/report-file.ts), what is kept of it (book.ts), what
 * follows (evidence.ts).
 */
import { DMARC_REPORT_DEPTH_MAX, DMARC_REPORT_TAGS_MAX } from '#base/limits/reports.ts';
import { atLine, WHOLE } from '#base/place.ts';
import { ProblemList } from '#base/problem-list.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type XmlElement, readXml } from '#base/xml.ts';
import { type DmarcRow, readRecord } from './dmarc-record.ts';
import { type LeftOut, LeftOutList, leftOutWarnings } from './left-out.ts';
import { child, children, domainText, localName, plainText, shown } from './report-xml.ts';

export interface DmarcReport {
  /** Who reports, as it calls itself; where it does not, the domain of its address. */
  readonly organization: string;
  /** Unique for its organization and time. */
  readonly id: string;
  /** Lower case, without final dot. */
  readonly domain: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly rows: readonly DmarcRow[];
  readonly leftOut: readonly LeftOut[];
}

const RFC = 'RFC 9990 §3.1';
/** The start and end tags of a schema: some receivers put one around their report, and do not always close it. */
const SCHEMA_TAG = /<\/?(?:[A-Za-z]+:)?schema\b[^>]*>/g;

/** The report, or every problem found. Never throws: a stranger may have written it. */
export function parseDmarcReport(octets: Uint8Array): Result<DmarcReport> {
  const text = decode(octets);
  if (text.split('<', DMARC_REPORT_TAGS_MAX + 2).length > DMARC_REPORT_TAGS_MAX + 1)
    return fail(problem('REPORT_SIZE', WHOLE, `it has more than ${DMARC_REPORT_TAGS_MAX} tags`));
  const plain = readXml(text, DMARC_REPORT_DEPTH_MAX);
  const isWrapped = 'wrong' in plain ? text.search(SCHEMA_TAG) !== -1 : localName(plain) === 'schema';
  const root = isWrapped ? readXml(text.replaceAll(SCHEMA_TAG, ''), DMARC_REPORT_DEPTH_MAX) : plain;
  if ('wrong' in root) return fail(problem('REPORT_XML', atLine(root.line), root.wrong));
  if (localName(root) !== 'feedback')
    return fail(formProblem(root, `is not a DMARC aggregate report: its root is ${shown(root.name)}, not feedback`));
  return readFeedback(root);
}

/** Text without its XML declaration, which says the encoding; UTF-8 where it is not another that reports come in. */
function decode(octets: Uint8Array): string {
  const wide = wideEncoding(octets);
  if (wide !== undefined) return withoutDeclaration(new TextDecoder(wide).decode(octets));
  const head = Buffer.from(octets.subarray(0, 200)).toString('latin1');
  const declared = /^(?:\u{ef}\u{bb}\u{bf})?\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']/u.exec(head)?.[1] ?? 'utf-8';
  const encoding = /^(?:windows-1252|iso-8859-1|latin1)$/i.test(declared) ? 'windows-1252' : 'utf-8';
  // Octets that are no UTF-8 stand in names of organizations; they are not what counts.
  return withoutDeclaration(new TextDecoder(encoding).decode(octets));
}

/** XML 1.0 appendix F: a byte order mark, or `<` in two octets. */
function wideEncoding([first, second]: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if ((first === 0xff && second === 0xfe) || (first === 0x3c && second === 0)) return 'utf-16le';
  return (first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c) ? 'utf-16be' : undefined;
}

function withoutDeclaration(text: string): string {
  return text.replace(/^\s*<\?xml[^>]*\?>/, '');
}

function readFeedback(root: XmlElement): Result<DmarcReport> {
  const problems = new ProblemList();
  const leftOut = new LeftOutList();
  const metadata = child(root, 'report_metadata');
  const range = child(metadata, 'date_range');
  const published = child(root, 'policy_published');
  const domain = domainText(textOf(root, published, 'domain', problems));
  const policy = { domain, isStrict: plainText(child(published, 'adkim')) === 's' };
  const records = children(root, 'record');
  const report: DmarcReport = {
    organization: organizationOf(root, metadata, problems),
    id: textOf(root, metadata, 'report_id', problems),
    domain,
    beginMs: 1000 * timeOf(root, range, 'begin', problems),
    endMs: 1000 * timeOf(root, range, 'end', problems),
    rows: records.flatMap((record) => readRecord(record, policy, leftOut)),
    leftOut: leftOut.list(),
  };
  if (records.length === 0) problems.push(formProblem(root, 'has no record'));
  else if (report.rows.length === 0)
    problems.push(
      ...leftOutWarnings(report.leftOut, 'messages').map(({ message }) => formProblem(root, `has no record that counts: ${message}`)),
    );
  return problems.errorCount === 0 ? ok(report) : fail(...problems.list());
}

/** RFC 9990 §3.1.1 has both; some receivers leave the name empty. */
function organizationOf(root: XmlElement, metadata: XmlElement | undefined, problems: ProblemList): string {
  const name = child(metadata, 'org_name')?.text.trim() ?? '';
  const host = /@([^@\s>]+)>?$/.exec(child(metadata, 'email')?.text.trim() ?? '')?.[1] ?? '';
  if (name === '' && host === '') problems.push(formProblem(metadata ?? root, 'has no org_name, and no email to tell who sent it'));
  return name === '' ? domainText(host) : name;
}

/** A text that must be there; `owner` says where it is missing. */
function textOf(owner: XmlElement, parent: XmlElement | undefined, name: string, problems: ProblemList): string {
  const text = child(parent, name)?.text.trim() ?? '';
  if (text === '') problems.push(formProblem(parent ?? owner, `has no ${name}`));
  return text;
}

/** Seconds since 1970 that must be there; -1 when they are not. */
function timeOf(owner: XmlElement, parent: XmlElement | undefined, name: string, problems: ProblemList): number {
  const element = child(parent, name);
  const text = element?.text.trim() ?? '';
  if (/^\d{1,11}$/.test(text)) return Number(text);
  const message = element === undefined ? `has no ${name}` : `${name} ${shown(text)} is not a number of seconds since 1970`;
  problems.push(formProblem(element ?? parent ?? owner, message));
  return -1;
}

function formProblem(element: XmlElement, message: string) {
  return problem('REPORT_FORM', atLine(element.line), `<${shown(element.name).slice(1, -1)}> ${message}`, { rfc: RFC });
}
