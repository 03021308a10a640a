/**
 * The SPF section of a mail policy: terms as people write them → the record, with every problem at its place.
 * Not here: what the record costs (budget.ts; that needs a resolver), flattening itself (flatten.ts).
 */
import { type Place, inBody } from '#base/place.ts';
import { type Problem, placeAt, problem } from '#base/problem.ts';
import { parseDuration } from '#base/units.ts';
import { SPF_REFRESH_MS_DEFAULT, SPF_REFRESH_MS_MAX, SPF_REFRESH_MS_MIN } from '#base/limits/spf.ts';
import { type MailPolicyDocument } from '#mail/policy/schema.ts';
import { type SpfRecord, type Term, formatTerm, isDirective } from './spf.ts';
import { plainText } from './macro.ts';
import { parseSpf } from './parse.ts';

type SpfSettings = NonNullable<MailPolicyDocument['spf']>;

export interface SpfPolicy {
  readonly isEnabled: boolean;
  /** Directives without `all`, in order, canonical. */
  readonly mechanisms: readonly string[];
  readonly all: '-all' | '~all' | '?all' | 'none';
  readonly redirect?: string;
  /** Domains of includes, lower case. */
  readonly flatten: readonly string[];
  /** What others publish is looked up again after this at the latest. */
  readonly refreshMs: number;
}

/** `statedAll` is what the document itself says of `all`, not a profile. */
export function settleSpf(settings: SpfSettings, statedAll: SpfSettings['all'], problems: Problem[]): SpfPolicy {
  const mechanisms: string[] = [];
  const includes: string[] = [];
  for (const [index, text] of (settings.mechanisms ?? []).entries()) {
    const at = inBody(`/spf/mechanisms/${index}`);
    const term = readOne(text, at, problems);
    if (term === undefined) continue;
    if (!isDirective(term) || term.kind === 'all')
      problems.push(
        problem('FIELD_VALUE', at, `${JSON.stringify(text)} is not a mechanism`, {
          fix: term.kind === 'all' ? 'say it with spf.all' : term.kind === 'redirect' ? 'say it with spf.redirect' : 'leave it out',
        }),
      );
    else mechanisms.push(formatTerm(term));
    if (term.kind === 'include') includes.push((plainText(term.domain) ?? '').toLowerCase());
  }
  const flatten = (settings.flatten ?? []).map((each) => each.toLowerCase().replace(/\.$/, ''));
  for (const [index, domain] of flatten.entries())
    if (!includes.includes(domain))
      problems.push(problem('FIELD_VALUE', inBody(`/spf/flatten/${index}`), `there is no include:${domain} among the mechanisms`));
  const { redirect } = settings;
  if (redirect !== undefined) {
    readOne(`redirect=${redirect}`, inBody('/spf/redirect'), problems);
    // RFC 7208 §6.1: beside an "all" it would be ignored.
    if (statedAll !== undefined && statedAll !== 'none')
      problems.push(problem('FIELD_VALUE', inBody('/spf/redirect'), `has no effect beside ${statedAll}`, { rfc: 'RFC 7208 §6.1' }));
  }
  return {
    isEnabled: settings.enabled ?? true,
    mechanisms,
    all: redirect === undefined ? (settings.all ?? '~all') : 'none',
    ...(redirect === undefined ? {} : { redirect }),
    flatten,
    refreshMs: settings.refreshInterval === undefined ? SPF_REFRESH_MS_DEFAULT : readRefresh(settings.refreshInterval, problems),
  };
}

function readRefresh(text: string, problems: Problem[]): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= SPF_REFRESH_MS_MIN && ms <= SPF_REFRESH_MS_MAX) return ms;
  problems.push(problem('FIELD_VALUE', inBody('/spf/refreshInterval'), `${JSON.stringify(text)} is not a duration from 5m to 24h`));
  return SPF_REFRESH_MS_DEFAULT;
}

function readOne(text: string, at: Place, problems: Problem[]): Term | undefined {
  const parsed = parseSpf(`v=spf1 ${text}`);
  const found = parsed.ok ? parsed.warnings.filter((each) => each.code !== 'SPF_NO_ALL') : parsed.problems;
  problems.push(...placeAt(found, at));
  if (!parsed.ok) return undefined;
  if (parsed.value.terms.length === 1) return parsed.value.terms[0];
  problems.push(problem('FIELD_VALUE', at, `${JSON.stringify(text)} is not one term`));
  return undefined;
}

/** The record that the policy asks for, with its includes; what is published in place of some says parts.ts. */
export function spfRecordOf(policy: SpfPolicy): SpfRecord {
  const texts = [...policy.mechanisms];
  if (policy.all !== 'none') texts.push(policy.all);
  if (policy.redirect !== undefined) texts.push(`redirect=${policy.redirect}`);
  const parsed = parseSpf(['v=spf1', ...new Set(texts)].join(' '));
  return parsed.ok ? parsed.value : { terms: [] };
}
