/**
 * The elements that a record of a DMARC aggregate report may have, so that others are named: an extension of some
 * receiver, or a word that we would have to read.
 * Implements: RFC 9990 §A and RFC 7489 §C (the schemas).
 * Not here: what the elements mean (dmarc-record.ts, forwarding.ts).
 */
import { type XmlElement } from '#base/xml.ts';
import { type LeftOutList } from './left-out.ts';
import { localName, shown } from './report-xml.ts';

/** An element without an entry has text and no elements. */
const KNOWN: Readonly<Record<string, ReadonlySet<string>>> = {
  record: words('row identifiers auth_results'),
  row: words('source_ip count policy_evaluated'),
  policy_evaluated: words('disposition dkim spf reason'),
  reason: words('type comment'),
  identifiers: words('header_from envelope_from envelope_to'),
  auth_results: words('dkim spf'),
  dkim: words('domain selector result human_result'),
  spf: words('domain scope result human_result'),
};

/** Results of ARC have the form and the place that a receiver gives them; forwarding.ts finds them anywhere. */
const ARC = /^arc/i;

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}

/** Names each element of a record that is in neither schema; what is inside it is not looked at. */
export function nameUnknownElements(element: XmlElement, leftOut: LeftOutList): void {
  const parent = localName(element);
  for (const each of element.children) {
    if (ARC.test(localName(each))) continue;
    if (KNOWN[parent]?.has(localName(each)) === true) nameUnknownElements(each, leftOut);
    else leftOut.add(`record: element ${shown(localName(each))} in ${parent} is not one that is read`);
  }
}
