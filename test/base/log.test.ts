import { describe, expect, test } from 'vitest';

import { type LogFields, createLog } from '#base/log.ts';

/** What is logged, as lines. */
function recorded(level: 'debug' | 'info' = 'info', fields: LogFields = {}) {
  const lines: string[] = [];
  const log = createLog({ level, fields, to: { write: (line: string) => void lines.push(line) } });
  return { log, lines, last: (): unknown => JSON.parse(lines.at(-1)!) };
}

describe('the log', () => {
  test('is one JSON line for an event, with time, level, event and fields', () => {
    const { log, last } = recorded('info', { process: 'control' });
    log.info('zone.imported', 'imported', { zone: 'example.', records: 7 });
    expect(last()).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: 'info',
      event: 'zone.imported',
      msg: 'imported',
      process: 'control',
      pid: process.pid,
      zone: 'example.',
      records: 7,
    });
    log.with({ client: '192.0.2.1' }).warn('tcp.slow', 'slow');
    expect(last()).toMatchObject({ level: 'warn', client: '192.0.2.1', process: 'control' });
  });

  test('leaves out what is below its level', () => {
    const { log, lines } = recorded();
    log.debug('x', 'x');
    expect(lines).toEqual([]);
  });

  test('keeps text from outside on its line', () => {
    const { log, lines, last } = recorded();
    const name = 'evil\r\n{"event":"forged"}\u001b[2J.';
    log.error('query.bad', `bad name ${name}`, { name });
    expect(lines).toHaveLength(1);
    expect(lines[0]!.slice(0, -1)).not.toMatch(/[\r\n\u001b]/);
    expect(last()).toMatchObject({ name, event: 'query.bad' });
  });

  test('blanks fields that hold secrets, three levels deep', () => {
    const { log, lines } = recorded();
    log.info('x', 'x', { token: 'S3CRET', request: { headers: { authorization: 'S3CRET', host: 'a' } }, key: { privateKey: 'S3CRET' } });
    expect(lines[0]).not.toContain('S3CRET');
    expect(lines[0]).toContain('"host":"a"');
  });

  test('shows an error by name, code, text and place, and none of its other properties', () => {
    const { log, last, lines } = recorded();
    log.fatal('store.broken', 'broken', { err: Object.assign(new Error('disk'), { code: 'EIO', payload: 'PRIVATE' }) });
    expect(last()).toMatchObject({ level: 'fatal', err: { name: 'Error', message: 'disk', code: 'EIO', stack: expect.any(String) } });
    expect(lines[0]).not.toContain('PRIVATE');
  });
});
