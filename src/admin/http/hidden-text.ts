/**
 * Texts of requests that would forge rows where they are shown: a reason or a name with a line break, a cursor movement or a change of
 * direction in it is rejected before any route sees it, wherever in the body, the query or the path it stands.
 * Not here: which characters those are, and how they are shown when they come from elsewhere (base/visible.ts).
 */
import { JSON_LEVELS_MAX } from '#base/limits/admin.ts';
import { PROBLEMS_SHOWN_MAX } from '#base/limits/dns.ts';
import { type Place, WHOLE, below, inBody, inQuery, inUrl, pointerSteps } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { findHidden, hasHidden } from '#base/visible.ts';

interface Texts {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** A step of the way from the body to a value in it. */
interface Step {
  readonly name: string;
  readonly level: number;
  readonly before?: Step;
}

/** Every text of the request with such a character. `multiline` are pointers of texts that may have line breaks; `*` is any step. */
export function checkTexts({ params, query, body }: Texts, multiline: readonly string[] = []): readonly Problem[] {
  return [
    ...members(params).flatMap(([name, value]) => checkText(value, inUrl(name))),
    ...members(query).flatMap(([name, value]) => checkText(value, inQuery(name))),
    ...(Buffer.isBuffer(body) ? [] : checkBody(body, multiline)),
  ];
}

function checkBody(body: unknown, multiline: readonly string[]): readonly Problem[] {
  const problems: Problem[] = [];
  const left: { readonly value: unknown; readonly step?: Step }[] = [{ value: body }];
  for (let next = left.pop(); next !== undefined && problems.length < PROBLEMS_SHOWN_MAX; next = left.pop()) {
    const { value, step } = next;
    const level = (step?.level ?? 0) + 1;
    if (level > JSON_LEVELS_MAX) return [problem('FIELD_VALUE', WHOLE, `the body has more than ${JSON_LEVELS_MAX} levels`)];
    for (const [name, each] of members(value).toReversed())
      left.push({ value: each, step: { name, level, ...(step === undefined ? {} : { before: step }) } });
    const texts = typeof value === 'string' ? [value] : Array.isArray(value) ? [] : members(value).map(([name]) => name);
    if (texts.every((text) => findHidden(text) === undefined)) continue;
    const steps = stepsTo(step);
    const mayBreak = typeof value === 'string' && multiline.some((pattern) => matches(steps, pointerSteps(pattern)));
    problems.push(...texts.flatMap((text) => checkText(text, below(inBody(''), ...steps), mayBreak ? '\n\r\t' : '')));
  }
  return problems;
}

function stepsTo(step: Step | undefined): readonly string[] {
  const steps: string[] = [];
  for (let each = step; each !== undefined; each = each.before) steps.unshift(each.name);
  return steps;
}

function checkText(value: unknown, at: Place, allowed = ''): readonly Problem[] {
  const found = typeof value === 'string' ? findHidden(value, allowed) : undefined;
  if (found === undefined) return [];
  // RFC 1035 §5.1: the only way to write such octets in names and character strings.
  const octets = [...Buffer.from(found)].map((octet) => `\\${String(octet).padStart(3, '0')}`).join('');
  return [
    problem('TEXT_HIDDEN', at, `the text ${hasHidden(found)}`, {
      fix: `leave it out; if it is meant, write ${octets} (names and record data only)`,
    }),
  ];
}

function members(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function matches(steps: readonly string[], pattern: readonly string[]): boolean {
  return steps.length === pattern.length && pattern.every((each, index) => each === '*' || each === steps[index]);
}
