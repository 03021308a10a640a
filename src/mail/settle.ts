/**
 * The mail policy of a domain, complete: a document with what its profiles and the defaults fill in, checked as a whole. It says what
 * should be true; compile.ts says which records that takes now.
 * Not here: the document's form (mail/policy/schema.ts), what profiles want (profiles.ts), import from a zone (import.ts).
 */
import { formatPlace, inBody, pointerSteps } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, placeAt, placeWithin, problem, warning } from '#base/problem.ts';
import { BIMI_KEEP_OLD_MS } from '#base/limits/mail.ts';
import { SPF_REFRESH_MS_DEFAULT } from '#base/limits/spf.ts';
import { type Name } from '#dns/name.ts';
import { type BimiRecord, DECLINED_BIMI, formatBimi, parseBimi } from '#mail/bimi/record.ts';
import { settleDane } from '#mail/dane/settle.ts';
import { settleDkim } from '#mail/dkim/settle.ts';
import { postmaster, settleDmarc } from '#mail/dmarc/settle.ts';
import { DurationReader } from '#mail/policy/duration.ts';
import { type MailPolicy } from './mail-policy.ts';
import { checkPolicyDocument, type MailPolicyDocument, TTL_KINDS, type TtlKind } from '#mail/policy/schema.ts';
import { settleSpf } from '#mail/spf/settle.ts';
import { settleSts } from '#mail/mta-sts/settle.ts';
import { profileConflicts, PROFILES } from './profiles.ts';
import { tlsReportUri } from '#mail/tls-rpt/hosted.ts';
import { formatTlsRpt, parseTlsRpt } from '#mail/tls-rpt/record.ts';

/** What holds where neither the document nor a profile says anything; each section's own defaults are with it. */
const DEFAULTS = { ttl: '1h', spf: { mechanisms: ['mx'], all: '~all' } } as const;

/** The complete policy of `domain`, or every problem of the document at once. `given` is JSON or parsed TOML. */
export function readPolicy(given: unknown, domain: Name): Result<MailPolicy> {
  const form = checkPolicyDocument(given);
  if (form.ok) return settlePolicy(form.value, domain);
  // What is wrong with the rest is reported too: the parts without a form are left out.
  const rest = checkPolicyDocument(
    form.problems.reduce((value, { at }) => (at.kind === 'body' ? without(value, pointerSteps(at.pointer)) : value), given),
  );
  const settled = rest.ok ? settlePolicy(rest.value, domain) : undefined;
  return fail(...form.problems, ...(settled?.ok === false ? settled.problems.filter((each) => each.severity === 'error') : []));
}

/** `value` without what the path leads to: the field itself, or the element of a list that has it. */
function without(value: unknown, path: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || path.length === 0) return value;
  const [name = '', ...rest] = path;
  if (Array.isArray(value)) return value.filter((_, index) => String(index) !== name);
  const { [name]: inside, ...others } = value as Readonly<Record<string, unknown>>;
  return rest.length === 0 || inside === undefined ? others : { ...others, [name]: without(inside, rest) };
}

/** As `readPolicy`, for a document whose form is good. */
export function settlePolicy(document: MailPolicyDocument, domain: Name): Result<MailPolicy> {
  const profiles = document.profile ?? ['default'];
  const filled = [...profiles].toReversed().reduce<MailPolicyDocument>((under, name) => merge(under, PROFILES[name].settings), {});
  const settings = merge(filled, document);
  const durations = new DurationReader();
  const problems: Problem[] = durations.problems;
  const isLockdown = settings.lockdown === true;
  const ttlSeconds = settleTtls(settings, durations);
  const policy: MailPolicy = {
    profiles,
    isLockdown,
    ttlSeconds,
    spf: isLockdown
      ? { isEnabled: true, mechanisms: [], all: '-all', flatten: [], refreshMs: SPF_REFRESH_MS_DEFAULT }
      : settleSpf({ mechanisms: [...DEFAULTS.spf.mechanisms], all: DEFAULTS.spf.all, ...settings.spf }, document.spf?.all, problems),
    dkim: settleDkim(settings, domain, isLockdown, durations, problems),
    dmarc: settleDmarc(settings, domain, isLockdown, durations, problems),
    mtaSts: settleSts(settings, isLockdown, durations, problems),
    tlsRptUris: settleTlsRpt(settings, domain, isLockdown, problems),
    isTlsRptHosted: settings.tlsRpt?.hosted === true,
    dane: { hosts: isLockdown ? [] : settleDane(settings.dane?.hosts ?? {}, domain, problems) },
    ...(isLockdown ? {} : settleBimi(settings, durations, problems)),
  };
  problems.push(...checkWhole(document, policy));
  if (hasErrors(problems))
    return fail(...problems.filter((each) => each.severity === 'error'), ...problems.filter((each) => each.severity === 'warning'));
  return ok(policy, problems);
}

/** `over` with what it does not say taken from `under`, section by section; lists are not joined. */
function merge(under: MailPolicyDocument, over: MailPolicyDocument): MailPolicyDocument {
  const isSection = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
  const join = (low: object, high: object): object =>
    Object.fromEntries(
      [...new Set([...Object.keys(low), ...Object.keys(high)])].map((key) => {
        const [a, b] = [(low as Record<string, unknown>)[key], (high as Record<string, unknown>)[key]];
        return [key, isSection(a) && isSection(b) ? join(a, b) : (b ?? a)];
      }),
    );
  return join(under, over);
}

function settleTtls(settings: MailPolicyDocument, durations: DurationReader): Record<TtlKind, number> {
  const { ttl = {} } = settings;
  const read = (kind: TtlKind) =>
    ttl[kind] === undefined
      ? durations.seconds(inBody('/ttl/default'), ttl.default ?? DEFAULTS.ttl)
      : durations.seconds(inBody(`/ttl/${kind}`), ttl[kind]);
  const ttls: Record<TtlKind, number> = { spf: 0, dkim: 0, dmarc: 0, mtaSts: 0, tlsRpt: 0, tlsa: 0, bimi: 0, mx: 0 };
  // A bad default is one problem, not one for each kind.
  const seen = new Set<string>();
  for (const kind of TTL_KINDS) {
    const before = durations.problems.length;
    ttls[kind] = read(kind);
    const [added] = durations.problems.slice(before);
    if (added !== undefined && seen.has(formatPlace(added.at))) durations.problems.length = before;
    else if (added !== undefined) seen.add(formatPlace(added.at));
  }
  return ttls;
}

function settleTlsRpt(settings: MailPolicyDocument, domain: Name, isLockdown: boolean, problems: Problem[]): readonly string[] {
  const { tlsRpt = {} } = settings;
  const isHosted = tlsRpt.hosted === true;
  const named = tlsRpt.rua ?? (isLockdown || isHosted ? [] : [postmaster(domain)]);
  const own = tlsReportUri(domain);
  const reportUris = isHosted && !named.includes(own) ? [...named, own] : named;
  if (reportUris.length === 0) return [];
  const parsed = parseTlsRpt(formatTlsRpt({ reportUris }));
  if (!parsed.ok) problems.push(...placeAt(parsed.problems, inBody('/tlsRpt/rua')));
  return reportUris;
}

type Bimi = Pick<MailPolicy, 'bimi'>;

function settleBimi({ bimi }: MailPolicyDocument, durations: DurationReader, problems: Problem[]): Bimi {
  if (bimi === undefined) return {};
  const { logo = '', evidence = '', avatar = 'brand', prefixes = [], decline = false, hosted: isHosted = false } = bimi;
  const selector = bimi.selector?.toLowerCase() ?? 'default';
  for (const field of ['logo', 'evidence', 'decline'] as const)
    if (isHosted && bimi[field] !== undefined)
      problems.push(
        problem('FIELD_VALUE', inBody(`/bimi/${field}`), 'is not for a hosted logo', {
          fix: 'leave it out, and upload logo and evidence: waxseal bimi upload; or set hosted = false',
        }),
      );
  const record: BimiRecord = decline
    ? DECLINED_BIMI
    : { logoUri: logo, evidenceUri: evidence, avatarPreference: avatar, selectorPrefixes: prefixes };
  if (!decline && !isHosted && logo === '')
    problems.push(
      problem('FIELD_MISSING', inBody('/bimi/logo'), 'a logo is missing', {
        fix: 'give its https: URL, or hosted = true, or decline = true',
      }),
    );
  const parsed = parseBimi(formatBimi(record));
  if (!parsed.ok) problems.push(...placeWithin(parsed.problems, inBody('/bimi')));
  const keepOldMs = bimi.keepOld === undefined ? BIMI_KEEP_OLD_MS : durations.ms(inBody('/bimi/keepOld'), bimi.keepOld);
  return { bimi: { selector, record, isHosted, keepOldMs } };
}

function checkWhole(document: MailPolicyDocument, policy: MailPolicy): Problem[] {
  const problems: Problem[] = [...profileConflicts(policy)];
  const { dkim, dmarc, isLockdown } = policy;
  // RFC 9989 §7.4: a domain with reject must sign; forwarded mail has no SPF left.
  if (
    !isLockdown &&
    dmarc.isEnabled &&
    dmarc.policy !== 'none' &&
    dkim.algorithms.length + dkim.external.length + dkim.delegations.length === 0
  )
    problems.push(
      warning(
        'MAIL_DKIM_NONE',
        inBody('/dkim/algorithms'),
        `DMARC is to arrive at ${dmarc.policy} and no key signs: mail that is forwarded would fail`,
        {
          rfc: 'RFC 9989 §7.4',
        },
      ),
    );
  if (isLockdown) {
    const sections = (['spf', 'dkim', 'mtaSts', 'dane', 'bimi'] as const).filter((name) => document[name] !== undefined);
    for (const name of sections)
      problems.push(warning('MAIL_PROFILE', inBody(`/${name}`), 'has no effect: the domain is locked down and sends and takes no mail'));
  }
  return problems;
}
