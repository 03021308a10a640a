/** Schemas that several resources share. */
import { Value } from 'typebox/value';
import { expect, test } from 'vitest';
import { Switch, changeAnswers, closed, dryRunQuery, isOn } from '#admin/http/schemas.ts';

test.each([
  [undefined, false],
  ['0', false],
  ['false', false],
  ['1', true],
  ['true', true],
  // `?dryRun`, without a value.
  ['', true],
])('a switch with %j is %s', (value, on) => {
  expect(isOn(value)).toBe(on);
});

test('a switch takes no other values: a mistake must not turn a dry run into a change', () => {
  for (const value of ['yes', 'on', '2', 'False']) expect(Value.Check(Switch, value)).toBe(false);
});

test('a closed object rejects a misspelt field', () => {
  const schema = closed(dryRunQuery);
  expect(Value.Check(schema, { dryRun: '1' })).toBe(true);
  expect(Value.Check(schema, { dryrun: '1' })).toBe(false);
});

test('a change answers 200, 201 or 202 in one form', () => {
  const outcome = {
    zone: 'example.com.',
    serial: 2,
    revision: 2,
    changed: true,
    created: false,
    dryRun: false,
    changeset: { fromSerial: 1, toSerial: 2, deleted: [], added: ['www.example.com. 300 IN A 192.0.2.1'], omitted: 0 },
    warnings: [],
  };
  expect(Object.keys(changeAnswers)).toEqual(['200', '201', '202']);
  for (const form of Object.values(changeAnswers)) expect(Value.Check(form, outcome)).toBe(true);
});
