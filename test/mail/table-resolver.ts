/** A resolver over a table of names: what is not in it does not exist, and every question is written down. */
import { nameOf, ownerKey, type Name } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { txtRdata } from '#mail/text/txt.ts';
import { formatName } from '#dns/name.ts';

/** TXT records by name; a string is one record, `fail` a failing server. A name with no records exists. */
export type TextTable = Readonly<Record<string, string | readonly string[] | { readonly fail: true }>>;

export interface TableResolver extends Resolver {
  /** Names asked for, in order, with the type's number when it is not TXT. */
  readonly asked: readonly string[];
}

export function tableResolver(table: TextTable): TableResolver {
  const entries = Object.entries(table).map(([name, value]) => [ownerKey(nameOf(name)), value] as const);
  const asked: string[] = [];
  const answer = (name: Name, type: RrType): ResolverAnswer => {
    const key = ownerKey(name);
    const value = entries.find(([each]) => each === key)?.[1];
    if (value === undefined) return entries.some(([each]) => each.startsWith(key)) ? { kind: 'nodata' } : { kind: 'nxdomain' };
    if (typeof value === 'object' && 'fail' in value) return { kind: 'servfail' };
    const texts = typeof value === 'string' ? [value] : value;
    if (type !== TYPE.TXT || texts.length === 0) return { kind: 'nodata' };
    return { kind: 'answer', rdatas: texts.map(txtRdata), ttlSeconds: 300 };
  };
  return {
    asked,
    lookup(name, type) {
      asked.push(type === TYPE.TXT ? formatName(name) : `${formatName(name)} ${type}`);
      return Promise.resolve(answer(name, type));
    },
  };
}
