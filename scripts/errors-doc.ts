/**
 * docs/errors.md from the catalogue of problem codes. `node scripts/errors-doc.ts` writes it; a test checks that it is current.
 */
import { STATUS_CODES } from 'node:http';
import { writeFileSync } from 'node:fs';
import { PROBLEM_KINDS, type ProblemKind } from '#base/problem-codes.ts';

/** Where the document is. */
export const ERRORS_DOCUMENT = new URL('../docs/errors.md', import.meta.url);

/** What it should say. */
export function errorsDocument(): string {
  const rows = Object.entries<ProblemKind>(PROBLEM_KINDS)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { title, status, exit }]) => `| \`${code}\` | ${title} | ${status} ${STATUS_CODES[status] ?? ''} | ${exit} |`);
  return `# Error codes

Made from \`src/base/problem-codes.ts\` by \`node scripts/errors-doc.ts\`; do not edit by hand.

An answer of the admin API that is not a success is an \`application/problem+json\` document (RFC 9457) with the \`code\` of its first
error, and every error in \`errors[]\`. The command line prints the code in brackets and ends with the exit code. A code, once released,
keeps its meaning. Some codes are also used for warnings, which stop nothing.

| Code | Meaning | HTTP status | Exit code |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

if (import.meta.main) writeFileSync(ERRORS_DOCUMENT, errorsDocument());
