/** Lines of processes that have no pino: the same form as those of base/log.ts. */
import { expect, test } from 'vitest';
import { formatNotice } from '#process/confine/notice.ts';
import { lineFault } from '../../support/json-lines.ts';

const NOTICE = { level: 'warn', process: 'supervisor', event: 'process.ended', message: 'ended\u202e' } as const;

test('json: one object on one line', () => {
  const line = formatNotice('json', { ...NOTICE, message: 'two\nlines', fields: { role: 'answer' } });
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(lineFault(line.trimEnd())).toBeUndefined();
  expect(JSON.parse(line)).toMatchObject({ level: 'warn', event: 'process.ended', msg: 'two\nlines', role: 'answer' });
});

test('text: the words, without what would move them', () => {
  expect(formatNotice('text', NOTICE)).toBe('waxseal: warning: ended\\u202e\n');
  expect(formatNotice('text', { ...NOTICE, level: 'info' })).toBe('waxseal: ended\\u202e\n');
});
