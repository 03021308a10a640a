/**
 * MTA-STS: the `_mta-sts` TXT record and the policy body it announces.
 * Implements: RFC 8461 §3.1 (record; erratum 6285), §3.2 (body; erratum 6253), §4.1 (mx patterns).
 * Not here: serving the body over HTTPS; the order in which body, record and MX change.
 */
import { createHash } from 'node:crypto';
import { STS_ID_CHARACTERS_MAX, STS_MAX_AGE_SECONDS_MAX, STS_POLICY_BYTES_MAX } from '#base/limits/mail.ts';
import { type Place, WHOLE, atField, atLine, atTag } from '#base/place.ts';
import { type Problem, type Result, problem, warning } from '#base/problem.ts';
import { formatName, type Name, parseName } from '#dns/name.ts';
import { isHostName } from '#mail/text/report-uri.ts';
import { formatTags, readTagList, resultOf, type TagGrammar, trimBlanks } from '#mail/text/tag-list.ts';

/** The TXT record: senders fetch the body again when the id differs. */
export interface StsRecord {
  /** 1–32 letters and digits ("id="); see `policyId`. */
  readonly id: string;
}

/** enforce: mail goes only to hosts of the policy with good certificates. testing: failures are reported only. none: the policy is withdrawn. */
export const STS_MODES = ['enforce', 'testing', 'none'] as const;
export type StsMode = (typeof STS_MODES)[number];

/** The body at `https://mta-sts.<domain>/.well-known/mta-sts.txt`. */
export interface StsPolicy {
  /** "mode:" */
  readonly mode: StsMode;
  /** How long senders may keep the policy, 0…31557600 ("max_age:"). */
  readonly maxAgeSeconds: number;
  /** Host names, lower case, without final dot; `*.` in front stands for exactly one label ("mx:"). At least one unless mode is none. */
  readonly mxPatterns: readonly string[];
}

const GRAMMAR: TagGrammar = {
  version: 'STSv1',
  known: ['id'],
  equals: 'tight',
  isTwiceFatal: true,
  rfc: 'RFC 8461 §3.1',
  codes: {
    syntax: 'STS_SYNTAX',
    twice: 'STS_TAG_TWICE',
    unknown: 'STS_TAG_UNKNOWN',
    version: 'STS_VERSION',
    versionFirst: 'STS_VERSION_FIRST',
  },
};

/** The TXT record, or every problem found. Never throws. */
export function parseStsRecord(text: string): Result<StsRecord> {
  const { tags, problems: listProblems } = readTagList(text, GRAMMAR);
  const problems: Problem[] = [...listProblems];
  const rfc = GRAMMAR.rfc;
  const id = tags.get('id');
  if (id === undefined) problems.push(problem('STS_ID_MISSING', atTag('id'), 'is missing', { rfc }));
  else if (!/^[A-Za-z0-9]+$/.test(id) || id.length > STS_ID_CHARACTERS_MAX)
    problems.push(problem('STS_ID', atTag('id'), `${JSON.stringify(id)} is not 1 to ${STS_ID_CHARACTERS_MAX} letters and digits`, { rfc }));
  // Erratum 6285: the grammar allows a blank here, the rule of selection ("begins with v=STSv1;") does not.
  if (/^v=STSv1[ \t]+;/.test(text))
    problems.push(warning('STS_VERSION_BLANK', atTag('v'), 'has a blank before its semicolon', { rfc, fix: 'write v=STSv1;' }));
  return resultOf(problems, () => ({ id: id! }));
}

/** The canonical text. */
export function formatStsRecord(record: StsRecord): string {
  return `${formatTags([
    ['v', 'STSv1'],
    ['id', record.id],
  ])};`;
}

/** The texts that senders look at: not exactly one of them means no policy (RFC 8461 §3.1). */
export function selectSts(texts: readonly string[]): string[] {
  return texts.filter((text) => text.startsWith('v=STSv1;'));
}

/** `_mta-sts.<domain>`, where the record stands, or NAME_LONG. */
export function stsRecordOwner(domain: Name): Result<Name> {
  return parseName('_mta-sts', domain);
}

/** `mta-sts.<domain>`, the host of the body, or NAME_LONG. */
export function stsHost(domain: Name): Result<Name> {
  return parseName('mta-sts', domain);
}

const BODY_RFC = 'RFC 8461 §3.2';
const BODY_KEYS = ['version', 'mode', 'max_age'] as const;

/** The policy of a body, or every problem found. Never throws. */
export function parseStsPolicy(body: string): Result<StsPolicy> {
  const problems: Problem[] = [];
  if (body.length > STS_POLICY_BYTES_MAX)
    return {
      ok: false,
      problems: [
        problem('STS_POLICY_SIZE', WHOLE, `has ${body.length} octets; senders fetch ${STS_POLICY_BYTES_MAX}`, { rfc: 'RFC 8461 §3.3' }),
      ],
    };
  const values = new Map<string, string>();
  const mxPatterns: string[] = [];
  for (const [number, key, value] of readLines(body, problems)) {
    const at = atLine(number);
    if (key === 'mx') mxPatterns.push(...readPattern(value, at, problems));
    else if (!(BODY_KEYS as readonly string[]).includes(key))
      problems.push(warning('STS_POLICY_KEY', at, `${key} is ignored`, { rfc: BODY_RFC }));
    else if (values.has(key)) problems.push(warning('STS_POLICY_TWICE', at, `${key} is given again, and ignored`, { rfc: BODY_RFC }));
    else values.set(key, value);
  }
  const version = values.get('version');
  if (version !== 'STSv1')
    problems.push(
      problem('STS_POLICY_VERSION', atField('version'), version === undefined ? 'is missing' : `${JSON.stringify(version)} is not STSv1`, {
        rfc: BODY_RFC,
      }),
    );
  const mode = STS_MODES.find((each) => each === values.get('mode'));
  if (mode === undefined) problems.push(problem('STS_MODE', atField('mode'), `is not one of ${STS_MODES.join(', ')}`, { rfc: BODY_RFC }));
  const maxAge = values.get('max_age') ?? '';
  const maxAgeSeconds = /^\d{1,10}$/.test(maxAge) ? Number(maxAge) : Number.NaN;
  if (!(maxAgeSeconds <= STS_MAX_AGE_SECONDS_MAX))
    problems.push(
      problem('STS_MAX_AGE', atField('max_age'), `is not a number of seconds from 0 to ${STS_MAX_AGE_SECONDS_MAX}`, { rfc: BODY_RFC }),
    );
  else if (mode === 'enforce' && maxAgeSeconds < 86_400)
    problems.push(
      warning(
        'STS_MAX_AGE_SHORT',
        atField('max_age'),
        'is less than a day: an attacker who blocks the fetch for that long gets around the policy',
        {
          rfc: 'RFC 8461 §10.2',
        },
      ),
    );
  if (mxPatterns.length === 0 && mode !== undefined && mode !== 'none' && !problems.some((each) => each.code === 'STS_MX'))
    problems.push(problem('STS_MX_MISSING', atField('mx'), 'no host may take mail', { rfc: BODY_RFC }));
  return resultOf(problems, () => ({ mode: mode!, maxAgeSeconds, mxPatterns }));
}

/** Lines as number, key and value. Erratum 6253: a line ends with CRLF or LF, the last one may end without. */
function readLines(body: string, problems: Problem[]): [number, string, string][] {
  const lines: [number, string, string][] = [];
  const texts = body.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (texts.at(-1) === '') texts.pop();
  for (const [at, text] of texts.entries()) {
    const colon = text.indexOf(':');
    const key = text.slice(0, Math.max(0, colon));
    if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/.test(key)) lines.push([at + 1, key, trimBlanks(text.slice(colon + 1))]);
    else
      problems.push(
        problem('STS_LINE', atLine(at + 1), text === '' ? 'is empty' : `${JSON.stringify(text.slice(0, 80))} is not key: value`, {
          rfc: BODY_RFC,
        }),
      );
  }
  return lines;
}

function readPattern(value: string, at: Place, problems: Problem[]): string[] {
  const pattern = value.toLowerCase();
  const host = pattern.startsWith('*.') ? pattern.slice(2) : pattern;
  if (isHostName(host) || (pattern !== host && isHostName(`x.${host}`))) return [pattern];
  const fix = host.endsWith('.') ? 'leave out the final dot' : /[^\0-\x7f]/.test(host) ? 'write the name as A-labels (xn--…)' : undefined;
  problems.push(
    problem('STS_MX', at, `${JSON.stringify(value.slice(0, 80))} is not a host name, with or without *. in front`, {
      rfc: BODY_RFC,
      ...(fix === undefined ? {} : { fix }),
    }),
  );
  return [];
}

/** The canonical body, lines ended by CRLF. */
export function formatStsPolicy(policy: StsPolicy): string {
  const lines = [
    'version: STSv1',
    `mode: ${policy.mode}`,
    ...policy.mxPatterns.map((pattern) => `mx: ${pattern}`),
    `max_age: ${policy.maxAgeSeconds}`,
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

/** The id for a body: a hash, so that it changes exactly when the body does. 32 hexadecimal digits. */
export function policyId(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, STS_ID_CHARACTERS_MAX);
}

/** RFC 8461 §4.1: the same name, or `*.` and the rest after its first label. */
export function matchesMxPattern(pattern: string, mx: Name): boolean {
  const host = formatName(mx).slice(0, -1).toLowerCase();
  return pattern.startsWith('*.') ? host.slice(host.indexOf('.') + 1) === pattern.slice(2) && host.includes('.') : host === pattern;
}

/** True when a sender that holds `policy` may deliver to `mx`: always in mode none. Mode testing counts as enforce, which follows it. */
export function isMxCovered(policy: StsPolicy, mx: Name): boolean {
  return policy.mode === 'none' || policy.mxPatterns.some((pattern) => matchesMxPattern(pattern, mx));
}
