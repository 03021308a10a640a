import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PROBLEM_KINDS } from '#base/problem-codes.ts';
import { ERRORS_DOCUMENT, errorsDocument } from '../../scripts/errors-doc.ts';

test('docs/errors.md is current; if not: npx node scripts/errors-doc.ts', () => {
  expect(readFileSync(ERRORS_DOCUMENT, 'utf8')).toBe(errorsDocument());
});

test('every code has a title of one line, a status and an exit code that interface.md knows', () => {
  for (const { title, status, exit } of Object.values(PROBLEM_KINDS)) {
    expect(title).toMatch(/^[^\n|]+[^.\n|]$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect([1, 2, 3, 4, 5, 6, 7, 78]).toContain(exit);
  }
});
