/**
 * One record of a DMARC aggregate report: the mail of one address that was judged alike. What cannot be read in it is
 * left out and named.
 * Implements: RFC 9990 §3.1.2–3.1.3, §3.1.6, §A; RFC 7489 §C; RFC 9989 §4.4.1 (alignment of DKIM); RFC 8463 §3 (two
 * signatures).
 * Not here: the report around it (dmarc-aggregate.ts), which words mean forwarding (forwarding.ts).
 */
import { DMARC_ROW_SIGNATURES_MAX, REPORT_COUNT_MAX } from '#base/limits/reports.ts';
import { formatIp, parseIp } from '#mail/spf/ip.ts';
import { type XmlElement } from '#base/xml.ts';
import { isForwarding } from './forwarding.ts';
import { nameUnknownElements } from './known-elements.ts';
import { type LeftOutList } from './left-out.ts';
import { child, children, domainText, localName, plainText, shown } from './report-xml.ts';

/** Messages of one address that were judged alike. */
export interface DmarcRow {
  /** Canonical. */
  readonly address: string;
  readonly messages: number;
  /** Passed with a domain that is aligned, whatever the result of another signature. */
  readonly isDkimAligned: boolean;
  readonly isSpfAligned: boolean;
  /** The receiver says that it came over a mailing list or a forwarder, which break both. */
  readonly isForwarded: boolean;
  /** Domain of the author, "header_from"; the report's own where it is not given. */
  readonly author: string;
  /** Signatures that verified; lower case. */
  readonly signatures: readonly Signature[];
  /** Signatures of the author's domain that did not. */
  readonly failed: readonly Signature[];
  /**
   * Domain that SPF passed for, of another organization than the author's: who sent it, but not in the author's name.
   */
  readonly envelope?: string;
}

export interface Signature {
  /** "d=". */
  readonly domain: string;
  /** "s="; empty where the receiver leaves it out, as RFC 7489 §C lets it. */
  readonly selector: string;
}

/** What the report says of the policy that it judged by. */
export interface PublishedPolicy {
  readonly domain: string;
  /** adkim=s. */
  readonly isStrict: boolean;
}

const SELECTOR = /^[a-z0-9._-]{1,253}$/;
const DOMAIN = /^[a-z0-9._-]{1,253}$/;
/** RFC 9990 §A and RFC 8601 §2.7: the results that a check may have. */
const RESULTS: ReadonlySet<string> = new Set(
  'pass fail none neutral softfail temperror permerror policy hardfail unknown error'.split(' '),
);

/** The rows of a record: one, as a rule. */
export function readRecord(record: XmlElement, policy: PublishedPolicy, leftOut: LeftOutList): DmarcRow[] {
  nameUnknownElements(record, leftOut);
  const rows = children(record, 'row');
  if (rows.length === 0) leftOut.add('record without a row');
  const shared = readShared(record, policy, leftOut);
  return rows.flatMap((row) => readRow(row, shared, leftOut));
}

type Shared = Pick<DmarcRow, 'author' | 'signatures' | 'failed' | 'envelope'> & {
  readonly record: XmlElement;
  readonly hasPassed: { readonly dkim: boolean; readonly spf: boolean };
  readonly hasResults: boolean;
};

/** What all rows of a record have in common. */
function readShared(record: XmlElement, policy: PublishedPolicy, leftOut: LeftOutList): Shared {
  const author = domainText(child(child(record, 'identifiers'), 'header_from')?.text ?? '') || policy.domain;
  const results = children(record, 'auth_results').flatMap((each) => each.children);
  const dkim = results.filter((each) => localName(each) === 'dkim');
  const spf = results.filter((each) => localName(each) === 'spf');
  if (dkim.length > DMARC_ROW_SIGNATURES_MAX) leftOut.add(`signatures behind the first ${DMARC_ROW_SIGNATURES_MAX} of a record`);
  const all = dkim.slice(0, DMARC_ROW_SIGNATURES_MAX).flatMap((each) => readSignature(each, leftOut));
  const isAligned = ({ domain }: Signature) => (policy.isStrict ? domain === author : isWithin(domain, policy.domain));
  const passed = all.filter(({ isGood }) => isGood).map(({ signature }) => signature);
  // Only "mfrom" is judged by DMARC (RFC 9989 §4.4.2); older reports do not say which it was.
  const senders = spf
    .filter((each) => plainText(child(each, 'result')) === 'pass' && plainText(child(each, 'scope')) !== 'helo')
    .map((each) => domainText(child(each, 'domain')?.text ?? ''))
    .filter((domain) => DOMAIN.test(domain));
  const foreign = senders.find((domain) => !isWithin(domain, policy.domain));
  return {
    record,
    author,
    signatures: passed,
    failed: all.filter(({ isGood, signature }) => !isGood && isAligned(signature)).map(({ signature }) => signature),
    ...(foreign === undefined ? {} : { envelope: foreign }),
    hasPassed: { dkim: passed.some(isAligned), spf: senders.some((domain) => isWithin(domain, policy.domain)) },
    hasResults: all.length + spf.length > 0,
  };
}

function readSignature(dkim: XmlElement, leftOut: LeftOutList): { readonly signature: Signature; readonly isGood: boolean }[] {
  const domain = domainText(child(dkim, 'domain')?.text ?? '');
  const result = plainText(child(dkim, 'result'));
  // Receivers say "none" of mail without a signature.
  if (domain === '' && result !== 'pass') return [];
  if (!DOMAIN.test(domain)) {
    leftOut.add(`signature: domain ${shown(domain)} is none`);
    return [];
  }
  if (!RESULTS.has(result)) leftOut.add(`signature: result ${shown(result)} is not one, taken for a failure`);
  const selector = domainText(child(dkim, 'selector')?.text ?? '');
  if (selector !== '' && !SELECTOR.test(selector)) leftOut.add(`signature: selector ${shown(selector)} is none`);
  return [{ signature: { domain, selector: SELECTOR.test(selector) ? selector : '' }, isGood: result === 'pass' }];
}

function readRow(row: XmlElement, { record, hasPassed, hasResults, ...shared }: Shared, leftOut: LeftOutList): DmarcRow[] {
  const countText = plainText(child(row, 'count'));
  const messages = /^\d{1,15}$/.test(countText) && Number(countText) <= REPORT_COUNT_MAX ? Number(countText) : undefined;
  const sourceText = plainText(child(row, 'source_ip'));
  const ip = parseIp(sourceText);
  const evaluated = child(row, 'policy_evaluated');
  if (ip === undefined) leftOut.add(`record: source_ip ${shown(sourceText)} is not an address`, messages);
  else if (messages === undefined) leftOut.add(`record: count ${shown(countText)} is not a number from 0 to ${REPORT_COUNT_MAX}`);
  else if (evaluated === undefined && !hasResults)
    leftOut.add('record: neither policy_evaluated nor results, so it is not known what was aligned', messages);
  if (ip === undefined || messages === undefined || (evaluated === undefined && !hasResults)) return [];
  for (const name of ['dkim', 'spf']) {
    const word = plainText(child(evaluated, name));
    if (word !== '' && !RESULTS.has(word)) leftOut.add(`record: ${name} ${shown(word)} is not a result, taken for a failure`, messages);
  }
  return [
    {
      ...shared,
      address: formatIp(ip),
      messages,
      // RFC 8463 §3: one signature that verifies is enough; receivers that cannot read the other one sometimes judge by
      // that.
      isDkimAligned: plainText(child(evaluated, 'dkim')) === 'pass' || hasPassed.dkim,
      isSpfAligned: evaluated === undefined ? hasPassed.spf : plainText(child(evaluated, 'spf')) === 'pass',
      isForwarded: isForwarding(record, evaluated, leftOut),
    },
  ];
}

/** True for the domain itself and all below it. */
function isWithin(domain: string, organization: string): boolean {
  return domain === organization || domain.endsWith(`.${organization}`);
}
