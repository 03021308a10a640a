import { describe, expect, test } from 'vitest';

import { type LogOptions, createLog } from '#base/log.ts';
import { doubleKeys } from '../support/json-lines.ts';

/** What is logged, as lines. */
function recorded(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const to = { write: (line: string) => void lines.push(line) };
  const log = createLog({ level: 'info', fields: { process: 'control' }, to, ...options });
  return { log, lines, last: (): unknown => JSON.parse(lines.at(-1)!) };
}

const EVIL = 'evil\r\n{"event":"forged"}\u001b[2J\u009b\u2028\u202e.';

describe('the log', () => {
  test('is one JSON line for an event, with time, level, event and fields', () => {
    const { log, last } = recorded();
    log.info('config.reloaded', 'imported', { zone: 'example.', records: 7 });
    expect(last()).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: 'info',
      event: 'config.reloaded',
      msg: 'imported',
      process: 'control',
      pid: process.pid,
      zone: 'example.',
      records: 7,
    });
    log.with({ client: '192.0.2.1' }).warn('tls.undelivered', 'slow');
    expect(last()).toMatchObject({ level: 'warn', client: '192.0.2.1', process: 'control' });
    log.with({ part: 'admin' }).pino.info({ url: '/livez' }, 'request');
    expect(last()).toMatchObject({ msg: 'request', url: '/livez', part: 'admin', process: 'control' });
  });

  test('leaves out what is below its level, which can be moved', () => {
    const { log, lines } = recorded();
    log.debug('dns.query', 'x');
    expect(lines).toEqual([]);
    log.setLevel('debug');
    log.debug('dns.query', 'x');
    expect(lines).toHaveLength(1);
  });

  test('keeps text from outside on its line, in both formats', () => {
    for (const format of ['json', 'text'] as const) {
      const { log, lines } = recorded({ format });
      log.error('tsig.refused', `bad name ${EVIL}`, { owner: EVIL });
      expect(lines).toHaveLength(1);
      expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1);
      for (const character of ['\r', '\u001b', '\u009b', '\u2028', '\u202e']) expect(lines[0]).not.toContain(character);
    }
  });

  test('has no key twice: a field with the name of one that stands in every line gets another', () => {
    const { log, lines, last } = recorded();
    log.info('worker.ended', 'text', { level: 'mine', time: 1, event: 'mine', msg: 'mine', pid: 1, process: 'mine', zone: 'a' });
    expect(doubleKeys(lines[0]!)).toEqual([]);
    expect(last()).toMatchObject({ event: 'worker.ended', msg: 'text', level: 'info', process: 'control', pid: process.pid });
    expect(last()).toMatchObject({ _level: 'mine', _time: 1, _event: 'mine', _msg: 'mine', _pid: 1, _process: 'mine' });
    log.with({ zone: 'a', part: 'x' }).with({ zone: 'b' }).info('worker.ended', 'text', { zone: 'c' });
    expect(doubleKeys(lines[1]!)).toEqual([]);
    expect(last()).toMatchObject({ zone: 'c', part: 'x' });
  });

  test('as text shows the same to people', () => {
    const { log, lines } = recorded({ format: 'text' });
    log.warn('store.broken', 'little room', { freeBytes: 12, zone: 'a b' });
    expect(lines[0]).toMatch(/^\d{4}-\S+Z WARN {2}little room \(store\.broken process="control" freeBytes=12 zone="a b"\)\n$/);
  });

  test('blanks fields that hold secrets, three levels deep', () => {
    const { log, lines } = recorded();
    log.info('dns.query', 'x', {
      token: 'S3CRET',
      request: { headers: { authorization: 'S3CRET', host: 'a' } },
      key: { privateKey: 'S3CRET' },
    });
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
