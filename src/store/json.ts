/**
 * JSON in the store, checked when it is read: what is on a disk may have been changed there, and a wrong type must not travel on.
 */
import { atObject } from '#base/place.ts';
import { StoreFailure, messageOf } from './failure.ts';

export function encodeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/** Reads back what `encodeJson` wrote. Throws STORE_DAMAGED, naming `what`, when it is not JSON or not what `is` expects. */
export function decodeJson<T>(bytes: Uint8Array, what: string, is: (value: unknown) => value is T): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch (error) {
    throw damaged(what, `is not JSON: ${messageOf(error)}`);
  }
  if (!is(value)) throw damaged(what, 'does not have its fields');
  return value;
}

function damaged(what: string, why: string): StoreFailure {
  return new StoreFailure('STORE_DAMAGED', atObject(what), `${what} ${why}`, 'restore the last backup');
}

/** What a field has to be: a type's name, with `?` when the field may be missing, or a check. */
export type Field = 'string' | 'number' | 'string?' | 'number?' | ((value: unknown) => boolean);

/** True when `value` is an object whose fields are as `fields` says; it may have others. */
export function hasFields(value: unknown, fields: Readonly<Record<string, Field>>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const own = new Map<string, unknown>(Object.entries(value));
  return Object.entries(fields).every(([name, field]) => fits(own.get(name), field));
}

function fits(value: unknown, field: Field): boolean {
  if (typeof field === 'function') return field(value);
  if (field.endsWith('?')) return value === undefined || typeof value === field.slice(0, -1);
  return typeof value === field;
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

export function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** Strings, or none. */
export function isTexts(value: unknown): boolean {
  return value === undefined || isArrayOf(isString)(value);
}

/** An array whose items all pass `is`. */
export function isArrayOf<T>(is: (value: unknown) => value is T): (value: unknown) => value is readonly T[] {
  return (value): value is readonly T[] => Array.isArray(value) && value.every(is);
}
