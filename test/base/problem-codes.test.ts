/** The catalogue of problem codes: each is provoked by a test, and none stands in the code that is not in the catalogue. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROBLEM_KINDS } from '#base/problem-codes.ts';

const ROOT = join(import.meta.dirname, '../..');
const filesBelow = (folder: string, end: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(end))
    .map((file) => ({ file: `${folder}/${file}`, text: readFileSync(join(ROOT, folder, file), 'utf8') }));

/** Code → the test files that expect it, by name. This file and lists of codes are none. */
export function provokedCodes(): ReadonlyMap<string, readonly string[]> {
  const tests = ['.ts', '.zone'].flatMap((end) => filesBelow('test', end)).filter(({ file }) => !/problem-codes/.test(file));
  return new Map(
    Object.keys(PROBLEM_KINDS).map((code) => {
      const literal = new RegExp(String.raw`\b${code}\b`);
      return [code, tests.flatMap(({ file, text }) => (literal.test(text) ? [file] : []))];
    }),
  );
}

/** Codes that no test expects yet, in the order of the catalogue: the list only becomes shorter. */
const WITHOUT_TEST = [
  ...['RESINFO_MULTIPLE', 'DELEGATION_BUSY', 'NSEC3_COLLISION', 'DNSSEC_KEY_FILE', 'DNSSEC_KEY_SET', 'DNSSEC_KEYS_IN_USE'],
  ...['PRESIGNED_ENDS', 'BIMI_EVIDENCE_SIZE', 'BIMI_SYNTAX', 'DKIM_KEY_LONG', 'SPF_SENDER', 'MAIL_REPORT_CONSENT'],
  ...['SECONDARIES_MANY', 'TSIG_KEYS_MANY', 'UPDATE_FORM', 'UPDATE_NOTZONE', 'UPDATE_NXDOMAIN', 'UPDATE_NXRRSET', 'UPDATE_REFUSED'],
  ...['UPDATE_YXDOMAIN', 'UPDATE_YXRRSET', 'SIGNER_COMMAND', 'SIGNER_EXPORT', 'SOCKET_UNWANTED', 'CLI_CHECK', 'CLI_COMMAND'],
  ...['CLI_NOT_BEFORE', 'ADDRESS_UNUSABLE'],
];

test('every documented code is expected by a test that provokes it', () => {
  const without = [...provokedCodes()].flatMap(([code, files]) => (files.length === 0 ? [code] : []));
  expect(without).toEqual(WITHOUT_TEST);
});
