/** Zone files on this side of the API: read from disk with what they include, and checked without a server. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { latin1 } from '#base/bytes.ts';
import { RECORDS_PER_RRSET_DEFAULT, RECORDS_PER_RRSET_MAX } from '#base/limits/dns.ts';
import { type Problem, type Result, fail, hasErrors, ok } from '#base/problem.ts';
import { type Name, ROOT, parseName } from '#dns/name.ts';
import { includeFrom } from '#dns/zone-file-include.ts';
import { mailRecordWarnings } from '#mail/record-warnings.ts';
import { type ReadZone, readZone } from '#zone/assemble.ts';
import { formatRrset } from '#zone/changeset-text.ts';
import { type RecordLimit } from '#zone/check-state.ts';
import { CommandFailure, failure, reasonOf } from './failure.ts';

/** A file's text, one character per octet; `-` is standard input. */
export function readZoneText(file: string, workingDirectory: string): string {
  try {
    return latin1(readFileSync(file === '-' ? 0 : resolve(workingDirectory, file)));
  } catch (error) {
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`);
  }
}

/** Every problem of the file as a zone, warnings too. */
export function checkZoneText(zone: string, text: string, options: CheckOptions): readonly Problem[] {
  // The setting is the server's: more than its default is a warning here.
  return everyProblem(read(zone, text, options, { max: RECORDS_PER_RRSET_DEFAULT, isDefault: true }), options);
}

/**
 * What is sent to the server. A file that includes others becomes one without: the server does not read our disk.
 * Such a file is checked here first, because only here a problem can be reported at its place.
 */
export function flattenZoneText(zone: string, text: string, options: CheckOptions): Result<string> {
  if (!/^\s*\$include\b/im.test(text)) return ok(text);
  const found = read(zone, text, options, { max: RECORDS_PER_RRSET_MAX });
  const { rrsets, problems } = found;
  if (hasErrors(problems)) return fail(...everyProblem(found, options));
  const lines = [...rrsets].flatMap((rrset) => formatRrset(rrset));
  return ok(`${lines.join('\n')}\n`, problems);
}

export interface CheckOptions {
  /** As it was given. */
  readonly file: string;
  readonly workingDirectory: string;
  /** Whether waxseal signs the zone: then DNSSEC records in the file are left out with a warning. */
  readonly signed: boolean;
}

function read(zone: string, text: string, options: CheckOptions, recordsPerRrset: RecordLimit): ReadZone {
  const { file, workingDirectory, signed } = options;
  const shownFolder = dirname(file);
  const include = includeFrom(resolve(workingDirectory, shownFolder), shownFolder);
  return readZone(text, { file, origin: zoneName(zone), signed, include, recordsPerRrset });
}

function everyProblem({ rrsets, problems, view, isWhole }: ReadZone, { signed }: CheckOptions): readonly Problem[] {
  const whole = isWhole ? { view, isSigned: signed } : undefined;
  return [...problems, ...mailRecordWarnings(rrsets, whole)];
}

function zoneName(text: string): Name {
  const name = parseName(text === '=2E' ? '.' : text, ROOT);
  if (!name.ok) throw new CommandFailure(name.problems);
  return name.value;
}
