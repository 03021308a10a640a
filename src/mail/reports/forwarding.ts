/**
 * Whether a receiver says of mail that it was forwarded, or came over a mailing list: such mail fails through no fault
 * of its sender. Each receiver says it in its own way: by the type of an override, by words in its comment, or by the
 * result of ARC.
 * Implements: RFC 9990 §3.1.6, §A (PolicyOverrideType); RFC 7489 §C (forwarded); RFC 8617 §7.2.2 (ARC in DMARC
 * reports).
 */
import { type XmlElement } from '#base/xml.ts';
import { type LeftOutList } from './left-out.ts';
import { child, children, localName, plainText, shown } from './report-xml.ts';

const FORWARDING_TYPES: ReadonlySet<string> = new Set(['mailing_list', 'trusted_forwarder', 'forwarded']);
const OTHER_TYPES: ReadonlySet<string> = new Set(['local_policy', 'other', 'policy_test_mode', 'sampled_out']);

/** `arc=pass as[1].d=lists.example.net`, `ARC: pass`, `arc_pass`. */
const ARC_PASS = /\barc(?:[\s:=_-]|seal|chain|result|status)*pass/i;
const FORWARDING_WORDS = /\bforward(?:s|ed|er|ing)?\b|\bmailing[\s_-]*lists?\b|\bmailman\b|\bautoforward/i;
/** `not forwarded`, `forwarding: none`. */
const DENIAL =
  /\b(?:not|no|non|without|isn't)[\s_-]+(?:a[\s_-]+|from[\s_-]+|by[\s_-]+)*(?:\w+[\s_-]+)?(?:forward|mailing)|\b(?:forward\w*|list)\s*[:=]\s*(?:no|none|false|0)\b/i;

export function isForwarding(record: XmlElement, evaluated: XmlElement | undefined, leftOut: LeftOutList): boolean {
  const reasons = children(evaluated, 'reason');
  for (const type of reasons.map((reason) => plainText(child(reason, 'type'))))
    if (type !== '' && !FORWARDING_TYPES.has(type) && !OTHER_TYPES.has(type)) leftOut.add(`override type ${shown(type)} is not one`);
  return reasons.some(isForwardingReason) || children(record, 'auth_results').some(hasArcPass);
}

function isForwardingReason(reason: XmlElement): boolean {
  if (FORWARDING_TYPES.has(plainText(child(reason, 'type')))) return true;
  return children(reason, 'comment').some(({ text }) => ARC_PASS.test(text) || (FORWARDING_WORDS.test(text) && !DENIAL.test(text)));
}

/** `<arc><result>pass</result></arc>`, wherever a receiver puts it among the results. */
function hasArcPass(element: XmlElement): boolean {
  return element.children.some((each) => {
    if (!/^arc/i.test(localName(each))) return hasArcPass(each);
    return plainText(each) === 'pass' || plainText(child(each, 'result')) === 'pass' || plainText(child(each, 'cv')) === 'pass';
  });
}
