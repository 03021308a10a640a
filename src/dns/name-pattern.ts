/**
 * Patterns of names, for tokens that may touch some RRsets of a zone only. A label `*` stands for one or more labels, a
 * `*` inside a label for any octets of it; so `_acme-challenge.*` is that label at the apex and below every name.
 * Not here: wildcards of DNS, which are owners like any other (RFC 4592).
 */
import { NAME_PATTERN_STARS_MAX } from '#base/limits/dns.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, ROOT, formatName, isAtOrBelow, labelOffsets, lowerName, ownerKey, parseName } from './name.ts';
import { oddName, parseRequestName } from './request-name.ts';

/** One step of a pattern: fits one item, or any number of them. */
type Step = ((item: string) => boolean) | 'many';

/**
 * The canonical text of a pattern. One that ends in the label `*` is for whole names in any zone; any other is a name
 * in the zone `apex`, as requests give it, and absolute where no zone is given. Problems have no place.
 */
export function parseNamePattern(text: string, apex: Name | undefined): Result<string> {
  const reject = (why: string, fix: string) =>
    fail(problem('FIELD_VALUE', WHOLE, `${JSON.stringify(text)} is not a pattern: ${why}`, { fix }));
  if (text.includes('\\')) return reject('there is a backslash in it', 'a * in a pattern is never a plain asterisk');
  if (text.split('*').length - 1 > NAME_PATTERN_STARS_MAX)
    return reject(`it has more than ${NAME_PATTERN_STARS_MAX} asterisks`, 'make two patterns of it');
  if (text === '*' || text.endsWith('.*')) {
    const odd = oddName(text);
    const name = odd === undefined ? parseName(text, ROOT) : fail(odd);
    return name.ok ? canonical(text, formatName(lowerName(name.value)).slice(0, -1)) : name;
  }
  if (apex === undefined && !text.endsWith('.'))
    return reject('without a zone it has to be absolute', `end it with a dot (${text}.) or with .* (${text}.*)`);
  const name = parseRequestName(text, apex ?? ROOT);
  if (!name.ok) return name;
  if (apex !== undefined && !isAtOrBelow(ownerKey(name.value), ownerKey(apex)))
    return reject(`it is not in the zone ${formatName(apex)}`, 'end it with the name of the zone, or with .*');
  return canonical(text, formatName(lowerName(name.value)));
}

/** A character that names have with a backslash would be compared with its backslash, and fit no name. */
function canonical(text: string, pattern: string): Result<string> {
  if (!pattern.includes('\\')) return ok(pattern);
  const why = `${JSON.stringify(text)} is not a pattern: names have one of its characters with a backslash`;
  return fail(problem('FIELD_VALUE', WHOLE, why, { fix: 'a * stands for any character of a label' }));
}

/** Tells of owners whether `pattern`, in canonical text, stands for them; made once for many of them. */
export function nameMatcher(pattern: string): (owner: Name) => boolean {
  const labels = pattern.replace(/\.$/, '');
  const steps = labels === '' ? [] : labels.split('.').flatMap(stepsOfLabel);
  return (owner) => fits(labelsOf(owner), steps);
}

function stepsOfLabel(label: string): readonly Step[] {
  if (label === '*') return [() => true, 'many'];
  const steps = label.split('').map((character): Step => (character === '*' ? 'many' : (other) => other === character));
  return [(other) => fits(other.split(''), steps)];
}

function labelsOf(owner: Name): readonly string[] {
  const lower = Buffer.from(lowerName(owner));
  return labelOffsets(owner).map((at) => lower.toString('latin1', at + 1, at + 1 + lower[at]!));
}

/** All items, in order, by all steps; goes back to the last `many` only, so that it takes items × steps at most. */
function fits(items: readonly string[], steps: readonly Step[]): boolean {
  let [item, step, retryItem, retryStep] = [0, 0, 0, -1];
  while (item < items.length) {
    const now = steps[step];
    if (now === 'many') {
      [retryItem, retryStep] = [item, step];
      step++;
    } else if (now?.(items[item]!) === true) {
      item++;
      step++;
    } else if (retryStep >= 0) {
      step = retryStep + 1;
      item = ++retryItem;
    } else return false;
  }
  return steps.slice(step).every((rest) => rest === 'many');
}
