/** The catalogue of log events, docs/logs.md and the code agree. That the code writes no other event is a matter of types. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LOG_EVENTS } from '#base/log/events.ts';
import { LOGS_DOCUMENT, logsDocument } from '../../scripts/logs-doc.ts';

const SOURCE = join(import.meta.dirname, '../../src');
/** Events of life cycles: the log's name is that of the subject before that of the event. */
const LIFECYCLE = /^(?:mail|certificate)\.(?:started|step|waiting|confirmed|finished)$/;

test('docs/logs.md is current; if not: npm run logs-doc', () => {
  expect(readFileSync(LOGS_DOCUMENT, 'utf8')).toBe(logsDocument());
});

test('events are sorted, named alike, and described in one line', () => {
  const names = Object.keys(LOG_EVENTS);
  expect(names).toEqual(names.toSorted());
  for (const [name, text] of Object.entries(LOG_EVENTS)) {
    expect(name).toMatch(/^[a-z]+\.[a-z]+(?:-[a-z]+)*$/);
    expect(text).toMatch(/^[^\n|]+[^.\n|]$/);
  }
});

test('no event is listed that the code does not write', () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const code = files.filter((file) => file !== join('base', 'log', 'events.ts')).map((file) => readFileSync(join(SOURCE, file), 'utf8'));
  const unknown = Object.keys(LOG_EVENTS).filter((name) => !code.some((text) => text.includes(`'${name}'`)));
  expect(unknown.filter((name) => !LIFECYCLE.test(name))).toEqual([]);
});

test('a line of the log with an `event` beside the catalogue is checked against it', () => {
  // Lines that Fastify's form of the log writes, whose type is any object.
  const admin = readdirSync(join(SOURCE, 'admin'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const lines = admin.flatMap((file) => readFileSync(join(SOURCE, 'admin', file), 'utf8').split('\n'));
  const unchecked = lines.filter((line) => /\bevent: '/.test(line) && !line.includes('satisfies LogEvent'));
  expect(unchecked).toEqual([]);
});
