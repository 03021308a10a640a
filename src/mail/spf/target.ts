/**
 * From text that a macro string gave to a name that can be asked for.
 * Implements: RFC 7208 §4.3 (what a domain must be), §4.8 (names that DNS does not allow), §7.3 (253 characters), RFC 8616 §4.
 */
import { fromLatin1 } from '#base/bytes.ts';
import { LABEL_BYTES_MAX } from '#base/limits/dns.ts';
import { SPF_TARGET_CHARACTERS_MAX } from '#base/limits/spf.ts';
import { type Name } from '#dns/name.ts';

/** `text` without its last dot, and without labels on the left until it has 253 characters (RFC 7208 §7.3). */
export function fitTarget(text: string): string {
  const target = text.endsWith('.') ? text.slice(0, -1) : text;
  if (target.length <= SPF_TARGET_CHARACTERS_MAX) return target;
  const dot = target.indexOf('.', target.length - SPF_TARGET_CHARACTERS_MAX - 1);
  return dot < 0 ? target : target.slice(dot + 1);
}

/**
 * The name that `target` (one character per octet, no escapes: a backslash is a backslash) stands for; undefined when DNS has no such
 * names: an empty label or one over 63 octets (RFC 7208 §4.8 leaves open what then; we treat it as a name that does not exist), or
 * octets outside ASCII (RFC 8616 §4: terms with a non-ASCII local part never match).
 */
export function targetName(target: string): Name | undefined {
  if (target === '' || target.length > SPF_TARGET_CHARACTERS_MAX || /[^\0-\x7f]/.test(target)) return undefined;
  const name = new Uint8Array(target.length + 2);
  let at = 0;
  for (const label of target.split('.')) {
    if (label === '' || label.length > LABEL_BYTES_MAX) return undefined;
    name[at] = label.length;
    name.set(fromLatin1(label), at + 1);
    at += 1 + label.length;
  }
  return name;
}

/** True for what §4.3 asks of a domain whose record is wanted: well formed and more than one label. */
export function isCheckable(domain: string): boolean {
  return domain.includes('.') && targetName(domain) !== undefined;
}
