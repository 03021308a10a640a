/**
 * How DMARC reports write their XML: namespaces, cases and blanks as every receiver likes them. Not here: XML itself
 * (base/xml.ts).
 */
import { REPORT_TEXT_CHARACTERS_MAX } from '#base/limits/reports.ts';
import { type XmlElement } from '#base/xml.ts';

/** Namespaces are declared in many ways, and some receivers put a prefix before every name. */
export function localName({ name }: XmlElement): string {
  return name.slice(name.indexOf(':') + 1);
}

export function children(parent: XmlElement | undefined, name: string): readonly XmlElement[] {
  return parent?.children.filter((each) => localName(each) === name) ?? [];
}

export function child(parent: XmlElement | undefined, name: string): XmlElement | undefined {
  return parent?.children.find((each) => localName(each) === name);
}

/** A word; some receivers write them in upper case. */
export function plainText(element: XmlElement | undefined): string {
  return element?.text.trim().toLowerCase() ?? '';
}

/** A domain as all are compared: lower case, without final dot. */
export function domainText(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/(?<=.)\.$/, '');
}

/** Text of strangers, in quotes and of bounded length. */
export function shown(text: string): string {
  return JSON.stringify(text.length > REPORT_TEXT_CHARACTERS_MAX ? `${text.slice(0, REPORT_TEXT_CHARACTERS_MAX)}…` : text);
}
