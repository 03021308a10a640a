/** Nested tables of settings by dotted key. Not here: which keys there are (config.ts). */
import { type TObject, type TSchema } from 'typebox';

/** A table of settings; its values are settings or tables. */
export type Tree = Record<string, unknown>;

export function setKey(tree: Tree, key: string, value: unknown): void {
  const [section = '', name] = key.split('.');
  const inside = tree[section];
  if (name === undefined) tree[section] = value;
  else if (isTree(inside)) inside[name] = value;
  else tree[section] = { [name]: value };
}

export function isSection(schema: TSchema): schema is TObject {
  return 'properties' in schema;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) deepFreeze(each);
  return Object.freeze(value);
}
