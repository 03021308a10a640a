/**
 * Whether two texts of a mail record mean the same to their readers, in whatever order, case and spelling they are written.
 * Implements: RFC 7208, RFC 6376 §3.6.1, RFC 9989 §4.7, RFC 9990 §4, RFC 8461 §3.1 and RFC 8460 §3, as far as they say what does not
 * count: the order of tags, defaults, blanks, a last semicolon, tags that readers ignore.
 * Not here: the canonical texts (mail/dmarc/record.ts and its like).
 */
import { type Result } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { formatBimi, parseBimi } from '#mail/bimi/record.ts';
import { formatDkim, parseDkim } from '#mail/dkim/record.ts';
import { dmarcMeaning } from '#mail/dmarc/in-force.ts';
import { isDmarcText, parseDmarc } from '#mail/dmarc/record.ts';
import { parseStsRecord, selectSts } from '#mail/mta-sts/record.ts';
import { spfMeaning } from '#mail/spf/meaning.ts';
import { plainTags } from '#mail/text/same-text.ts';
import { parseTlsRpt, selectTlsRpt } from '#mail/tls-rpt/record.ts';
import { type TxtRole, txtRole } from './hygiene.ts';

/** What a text at a name of each role means; undefined when its readers read none. */
const MEANINGS: Readonly<Record<TxtRole, (text: string) => string | undefined>> = {
  spf: spfMeaning,
  dmarc: (text) => (isDmarcText(text) ? dmarcMeaning(text) : undefined),
  // Only an address of its own makes a difference to who asks for consent (RFC 9990 §4).
  'dmarc-reports': (text) => (isDmarcText(text) ? valueOf(parseDmarc(text), (record) => record.aggregateUris.join()) : undefined),
  dkim: (text) =>
    valueOf(parseDkim(text), (record) => {
      const [hashes, services] = [record.hashes.toSorted(), record.services.toSorted()];
      // Notes are for people.
      return formatDkim({ ...record, hashes, services, notes: '' });
    }),
  'mta-sts': (text) => (selectSts([text]).length === 1 ? valueOf(parseStsRecord(text), ({ id }) => id) : undefined),
  'tls-rpt': (text) => (selectTlsRpt([text]).length === 1 ? valueOf(parseTlsRpt(text), (record) => record.reportUris.join()) : undefined),
  bimi: (text) => valueOf(parseBimi(text), formatBimi),
};

function valueOf<T>(parsed: Result<T>, meaning: (value: T) => string): string | undefined {
  return parsed.ok ? meaning(parsed.value) : undefined;
}

/** True when readers who look for a record at `owner` make the same of both texts. */
export function meansSame(owner: Name, a: string, b: string): boolean {
  if (a === b) return true;
  const role = txtRole(owner);
  const [first, second] = [a, b].map(MEANINGS[role]);
  // Of SPF every blank counts; of what no reader reads, nothing is known but its letters.
  if (first === undefined || second === undefined) return role !== 'spf' && plainTags(a) === plainTags(b);
  return first === second;
}
