/**
 * The MTA-STS section of a mail policy.
 * Not here: when modes change, and the order of body and record (lifecycle.ts).
 */
import { STS_MAX_AGE_SECONDS_GOOD, STS_MAX_AGE_SECONDS_MAX, STS_SHORT_AGE_SECONDS_GOOD } from '#base/limits/mail.ts';
import { inBody } from '#base/place.ts';
import { type Problem, placeAt, problem, warning } from '#base/problem.ts';
import { type Name, parseName, ROOT } from '#dns/name.ts';
import { type DurationReader } from '#mail/policy/duration.ts';
import { type MailPolicyDocument } from '#mail/policy/schema.ts';
import { isHostName } from '#mail/text/report-uri.ts';

export interface StsSettings {
  readonly mode: 'off' | 'testing' | 'enforce' | 'external';
  readonly isMxFromZone: boolean;
  /** Lower case, without final dot. */
  readonly mxPatterns: readonly string[];
  readonly maxAgeSeconds: number;
  readonly shortMaxAgeSeconds: number;
  readonly testingForMs: number;
  readonly shortForMs: number;
  /** Of an external policy: its id, or where the record leads. */
  readonly id?: string;
  readonly target?: Name;
}

const DEFAULTS = { maxAge: '12w', shortMaxAge: '1d', testingFor: '2w', shortFor: '1w' } as const;

export function settleSts(settings: MailPolicyDocument, isLockdown: boolean, durations: DurationReader, problems: Problem[]): StsSettings {
  const { mtaSts = {} } = settings;
  const seconds = (key: 'maxAge' | 'shortMaxAge') =>
    durations.seconds(inBody(`/mtaSts/${key}`), mtaSts[key] ?? DEFAULTS[key], STS_MAX_AGE_SECONDS_MAX);
  const mode = isLockdown ? 'off' : (mtaSts.mode ?? 'enforce');
  const mxPatterns = (mtaSts.mx ?? []).map((each) => each.toLowerCase().replace(/\.$/, ''));
  for (const [index, pattern] of mxPatterns.entries()) {
    if (!isHostName(pattern.replace(/^\*\./, '')))
      problems.push(
        problem('STS_MX', inBody(`/mtaSts/mx/${index}`), `${JSON.stringify(pattern)} is not a host name, nor one after "*."`, {
          rfc: 'RFC 8461 §4.1',
        }),
      );
  }
  const target = mtaSts.target === undefined ? undefined : parseName(mtaSts.target, ROOT);
  if (target !== undefined && !target.ok) problems.push(...placeAt(target.problems, inBody('/mtaSts/target')));
  const isExternal = mode === 'external';
  if (isExternal && (mtaSts.id === undefined) === (target === undefined))
    problems.push(problem('FIELD_MISSING', inBody('/mtaSts/id'), 'an external policy needs its id, or a target that keeps the record'));
  if (!isExternal && !isLockdown && (mtaSts.id ?? mtaSts.target) !== undefined)
    problems.push(problem('FIELD_VALUE', inBody(mtaSts.id === undefined ? '/mtaSts/target' : '/mtaSts/id'), 'is only for mode "external"'));
  if (mtaSts.id !== undefined && !/^[A-Za-z0-9]{1,32}$/.test(mtaSts.id))
    problems.push(problem('STS_ID', inBody('/mtaSts/id'), 'is not 1 to 32 letters and digits', { rfc: 'RFC 8461 §3.1' }));
  const isMxFromZone = mtaSts.mxFromZone ?? true;
  if ((mode === 'testing' || mode === 'enforce') && !isMxFromZone && mxPatterns.length === 0)
    problems.push(
      problem('STS_MX_MISSING', inBody('/mtaSts/mx'), 'names no host, and those of the zone are not taken', { rfc: 'RFC 8461 §3.2' }),
    );
  const [maxAgeSeconds, shortMaxAgeSeconds] = [seconds('maxAge'), seconds('shortMaxAge')];
  if (mode === 'testing' || mode === 'enforce') problems.push(...shortAges(maxAgeSeconds, shortMaxAgeSeconds));
  return {
    mode,
    isMxFromZone,
    mxPatterns,
    maxAgeSeconds,
    shortMaxAgeSeconds,
    testingForMs: durations.ms(inBody('/mtaSts/testingFor'), mtaSts.testingFor ?? DEFAULTS.testingFor),
    shortForMs: durations.ms(inBody('/mtaSts/shortFor'), mtaSts.shortFor ?? DEFAULTS.shortFor),
    ...(mtaSts.id === undefined ? {} : { id: mtaSts.id }),
    ...(target?.ok === true ? { target: target.value } : {}),
  };
}

/** RFC 8461 §3.2 wants weeks: who blocks the fetch for as long as a policy is kept gets around it (§10.2). */
function shortAges(maxAgeSeconds: number, shortMaxAgeSeconds: number): Problem[] {
  return [
    ...shortAge('maxAge', maxAgeSeconds, STS_MAX_AGE_SECONDS_GOOD, '7 days', '12w'),
    ...shortAge('shortMaxAge', shortMaxAgeSeconds, STS_SHORT_AGE_SECONDS_GOOD, 'a day', '1d'),
  ];
}

function shortAge(key: string, seconds: number, least: number, shown: string, usual: string): Problem[] {
  if (seconds >= least) return [];
  const at = inBody(`/mtaSts/${key}`);
  const fix = `${usual} is usual`;
  if (seconds === 0) {
    const why = 'is nothing: senders forget the policy at once, so it protects no mail';
    return [problem('STS_MAX_AGE_SHORT', at, why, { rfc: 'RFC 8461 §3.2', fix })];
  }
  const why = `is less than ${shown}: an attacker who blocks the fetch for as long gets around the policy`;
  return [warning('STS_MAX_AGE_SHORT', at, why, { rfc: 'RFC 8461 §10.2', fix })];
}
