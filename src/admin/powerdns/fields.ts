/**
 * Fields of bodies that PowerDNS clients send. What PowerDNS rejects is rejected in its words; fields that it does not
 * know are ignored, because every client sends some.
 */
import { WHOLE } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of an object; none of anything else. */
export function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value));
}

/** A problem of the body in PowerDNS's words. */
export function rejected(message: string, fix?: string): Problem {
  return problem('FIELD_VALUE', WHOLE, message, fix === undefined ? {} : { fix });
}

export function textField(fields: Fields, name: string): Result<string> {
  const value = fields[name];
  return typeof value === 'string' ? ok(value) : fail(rejected(`Key '${name}' not present or not a String`));
}

/** A text that may be missing or null. */
export function optionalText(fields: Fields, name: string): Result<string | undefined> {
  return fields[name] === undefined || fields[name] === null ? ok(undefined) : textField(fields, name);
}

/** An unsigned number; as PowerDNS does, also as a text of digits. */
export function numberField(fields: Fields, name: string): Result<number> {
  const value = fields[name];
  const number = typeof value === 'string' && /^[0-9]{1,10}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return ok(number);
  return fail(rejected(`Key '${name}' not an Integer or not present`));
}

/** A list that may be missing or null, which is the empty list. */
export function listField(fields: Fields, name: string): Result<readonly unknown[]> {
  const value = fields[name];
  if (value === undefined || value === null) return ok([]);
  return Array.isArray(value) ? ok(value) : fail(rejected(`Key '${name}' not an Array`));
}
