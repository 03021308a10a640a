/** Problems after a command: where they are, in words for people and in members for programs. */
import { describe, expect, test } from 'vitest';
import { WHOLE, atPath, inBody, inFile } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import { CommandFailure, failureDocument, formatAnswerWarning, formatFailure, readAnswerProblem } from '#cli/failure.ts';

const answer = (at: string, detail: string, more: { readonly pointer?: string; readonly parameter?: string } = {}) =>
  readAnswerProblem({ code: 'FIELD_VALUE', severity: 'error', at, detail, ...more });

describe('the place in words', () => {
  test.each([
    // Where in a request it is says nothing to who typed a command.
    [answer('/records/0', 'bad', { pointer: '/records/0' }), 'bad.'],
    [answer('?cursor', 'bad', { parameter: 'cursor' }), 'bad.'],
    [answer('If-Match', 'bad', { parameter: 'If-Match' }), 'bad.'],
    [answer('', 'bad'), 'bad.'],
    [answer('db.example:2:7', 'bad'), 'db.example:2:7: bad.'],
    [answer('www.example. A', 'bad'), 'www.example. A: bad.'],
    [answer('www.example. A', 'www.example. has a CNAME'), 'www.example. has a CNAME.'],
    // A file of this machine is shown, whatever its name looks like.
    [problem('CLI_FILE', inFile('/tmp/logo.svg', 3), 'bad'), '/tmp/logo.svg:3: bad.'],
    [problem('CLI_FILE', atPath('/tmp/x', 'a file'), 'bad'), '/tmp/x: bad.'],
    [problem('CLI_FILE', inBody('/spf'), 'bad'), 'bad.'],
    [problem('CLI_FILE', WHOLE, 'bad'), 'bad.'],
  ])('%j', (each, line) => {
    expect(formatFailure(new CommandFailure([each])).split('\n')[0]).toBe(`waxseal: ${line}`);
  });

  test('of a warning', () => {
    const warning = { code: 'TTL_MISSING', severity: 'warning', at: 'db:1:1', detail: 'no TTL', fix: 'give one' } as const;
    expect(formatAnswerWarning(warning)).toBe('waxseal: warning: db:1:1: no TTL (give one) [TTL_MISSING]\n');
  });
});

test('--json: words, and the member of the answer', () => {
  const problems = [
    answer('/a', 'x', { pointer: '/a' }),
    answer('?b', 'x', { parameter: 'b' }),
    answer('www.example. A', 'x'),
    problem('CLI_FILE', inFile('f', 1, 2), 'x', { fix: 'y' }),
  ];
  expect(failureDocument(new CommandFailure(problems))).toEqual({
    ok: false,
    exit: 1,
    code: 'FIELD_VALUE',
    errors: [
      { code: 'FIELD_VALUE', severity: 'error', at: '/a', pointer: '/a', message: 'x' },
      { code: 'FIELD_VALUE', severity: 'error', at: '?b', parameter: 'b', message: 'x' },
      { code: 'FIELD_VALUE', severity: 'error', at: 'www.example. A', message: 'x' },
      { code: 'CLI_FILE', severity: 'error', at: 'f:1:2', message: 'x', fix: 'y' },
    ],
  });
});
