/**
 * Mail records of a zone that no policy of its domain is about: at other names, of other kinds. They are named, so that
 * the operator does not take a proposed policy for all there is.
 * Not here: the records that are looked for at the domain (import.ts).
 */
import { MAIL_IMPORT_OTHERS_MAX } from '#base/limits/mail.ts';
import { type Problem, warning } from '#base/problem.ts';
import { formatName, type Name, ownerKey } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { rrsetOf, type ZoneNode } from '#zone/view.ts';
import { txtText } from '#mail/text/txt.ts';

export interface OtherRecord {
  readonly owner: Name;
  readonly type: RrType;
  readonly why: string;
}

/** Key of an RRset among those that a policy has or that were reported. */
export function rrsetId(owner: Name, type: RrType): string {
  return `${ownerKey(owner)} ${type}`;
}

/** Texts that are meant for readers of mail records, right or wrong. */
const MAIL_TEXT = /^[\s"']*v\s*=\s*(?:spf1|DKIM1|DMARC1|STSv1|TLSRPTv1|BIMI1)\b/i;
const MAIL_LABEL = /^(?:_domainkey|_dmarc|_mta-sts|_bimi|_tls)$/;
/** SMTP, submission, IMAP, POP and ManageSieve: who looks for TLSA there has mail to do. */
const MAIL_PORT = /^_(?:25|465|587|143|993|110|995|4190)\._tcp\./;

/** A warning for each; of many, for the first ones, and that there are more. */
export function otherProblems(others: Iterable<OtherRecord>): Problem[] {
  const found: Problem[] = [];
  for (const { owner, type, why } of others) {
    if (found.length >= MAIL_IMPORT_OTHERS_MAX)
      return [...found, keptAsItIs(owner, type, 'and the names behind it are not shown: there are too many')];
    found.push(keptAsItIs(owner, type, why));
  }
  return found;
}

const STAYS = 'it stays as it is until you change it';

/** Of an RRset that no policy says. */
export function keptAsItIs(owner: Name, type: RrType, what: string, fix = STAYS): Problem {
  return warning('MAIL_IMPORT', placeOfRrset(owner, type), what, { fix });
}

type Others = Generator<OtherRecord, void, undefined>;

/** Mail records of these names that are not in `seen`. */
export function* unseenRecords(nodes: Iterable<ZoneNode>, seen: ReadonlySet<string>): Others {
  for (const node of nodes) yield* othersAt(node).filter(({ owner, type }) => !seen.has(rrsetId(owner, type)));
}

/** Types of which one is at each name that has mail records. */
export const MAIL_RECORD_TYPES: readonly RrType[] = [TYPE.NS, TYPE.CNAME, TYPE.TXT, TYPE.TLSA];

function othersAt(node: ZoneNode): readonly OtherRecord[] {
  // Most names of a large zone have addresses alone: their texts are not made.
  if (!node.rrsets.some(({ type }) => MAIL_RECORD_TYPES.includes(type))) return [];
  const { owner } = node;
  const name = formatName(owner).toLowerCase();
  const isMailName = name.split('.').some((label) => MAIL_LABEL.test(label));
  const texts = rrsetOf(node, TYPE.TXT)?.rdatas.map(txtText) ?? [];
  const found: OtherRecord[] = [];
  if (texts.some((text) => MAIL_TEXT.test(text)) || (isMailName && texts.length > 0))
    found.push({ owner, type: TYPE.TXT, why: 'is a mail record at a name that the policy of the domain does not speak of' });
  for (const type of [TYPE.CNAME, TYPE.NS])
    if (isMailName && rrsetOf(node, type) !== undefined)
      found.push({ owner, type, why: 'leads elsewhere from a name of mail records that the policy does not speak of' });
  if (MAIL_PORT.test(name) && rrsetOf(node, TYPE.TLSA) !== undefined)
    found.push({ owner, type: TYPE.TLSA, why: 'is for a service or a host that the MX records do not name' });
  // RFC 7671 §6: a provider keeps the TLSA, and an alias leads to it.
  if (MAIL_PORT.test(name) && rrsetOf(node, TYPE.CNAME) !== undefined)
    found.push({ owner, type: TYPE.CNAME, why: 'leads to TLSA records elsewhere, which the policy does not speak of' });
  return found;
}
