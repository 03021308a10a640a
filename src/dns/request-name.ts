/**
 * Names as requests and command lines give them, owners and names in record data alike: with a last dot absolute; without one `@` and one
 * label are relative to the zone, a name that ends in the zone's name is absolute, and any other could be meant in two ways and is rejected.
 * A zone file would append the zone to it in silence (RFC 1035 §5.1), and its author would find out when mail is lost.
 * Not here: names in zone files (name.ts, zone-file.ts).
 */
import { domainToASCII } from 'node:url';
import { WHOLE } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, ROOT, formatName, isAtOrBelow, labelCount, ownerKey, parseName } from './name.ts';

/** The name that `text` gives in the zone `apex`; problems have no place. */
export function parseRequestName(text: string, apex: Name): Result<Name> {
  if (text === '@') return ok(apex);
  const odd = oddName(text);
  if (odd !== undefined) return fail(odd);
  const name = parseName(text, ROOT);
  if (!name.ok || endsInDot(text)) return name;
  if (isAtOrBelow(ownerKey(name.value), ownerKey(apex))) return name;
  return labelCount(name.value) === 1 ? parseName(text, apex) : fail(twoReadings(text, name.value, apex));
}

/** What makes `text` no name of a request, though its octets could be in one: as `oddCharacter`, or a blank. */
export function oddName(text: string): Problem | undefined {
  return oddCharacter(text) ?? escapeOf(text, / /);
}

/** What makes `text` no name as it stands, though its octets could be in one: not ASCII, a control character, a mailbox. */
export function oddCharacter(text: string): Problem | undefined {
  const shown = JSON.stringify(text);
  if (/[^\0-\x7f]/.test(text)) {
    const ascii = domainToASCII(text);
    const fix = ascii === '' ? 'write it as A-labels (xn--…), or odd octets as \\DDD' : `write it as ${ascii}`;
    return problem('NAME_ESCAPE', WHOLE, `${shown} is not ASCII`, { rfc: 'RFC 5890 §2.3.2.1', fix });
  }
  const control = escapeOf(text, /[^ -~]/);
  if (control !== undefined || !text.replaceAll(/\\(?:[0-9]{3}|.)/gs, '').includes('@')) return control;
  const [local = '', domain = ''] = text.split('@', 2);
  const written = local === '' || domain === '' ? undefined : `${local.replaceAll(/\\?\./g, '\\.')}.${domain.replace(/\.?$/, '.')}`;
  return problem('NAME_MAILBOX', WHOLE, `${shown} is a mailbox, or has an at sign in it`, {
    rfc: 'RFC 1035 §8',
    fix: written === undefined ? '@ alone is the zone; an at sign in a name is \\@' : `write it as ${written}`,
  });
}

/** The problem that a character of `text` stands there as itself; undefined when there is none. */
function escapeOf(text: string, pattern: RegExp): Problem | undefined {
  const character = pattern.exec(text)?.[0];
  if (character === undefined) return undefined;
  return problem('NAME_ESCAPE', WHOLE, `${JSON.stringify(text)} has a ${character === ' ' ? 'blank' : 'control character'} in it`, {
    rfc: 'RFC 1035 §5.1',
    fix: `leave it out; if it is meant, write \\${String(character.charCodeAt(0)).padStart(3, '0')}`,
  });
}

/** True when the last dot is one, and not an escaped part of a label. */
export function endsInDot(text: string): boolean {
  return /(?<!\\)(?:\\\\)*\.$/.test(text);
}

function twoReadings(text: string, name: Name, apex: Name): Problem {
  const zone = formatName(apex);
  const [absolute, relative] = [formatName(name), `${text}.${zone}`];
  const choice = `write ${absolute} or ${relative}`;
  const isAddress = /^[0-9]+(?:\.[0-9]+){3}$/.test(text);
  return problem('NAME_AMBIGUOUS', WHOLE, `${JSON.stringify(text)} could be ${absolute}, or ${relative} in the zone ${zone}`, {
    fix: isAddress ? `an address belongs into an A record, and a name here; if it is a name, ${choice}` : choice,
  });
}
