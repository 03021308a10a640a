/** RR types by name. Implements: RFC 3597 §5 (`TYPE123`). Apart from dns/registry.ts because NSEC and RRSIG data hold type names. */
import { TYPE, type RrType } from '#dns/types.ts';

const TYPE_BY_NAME: ReadonlyMap<string, RrType> = new Map(Object.entries(TYPE).map(([name, type]) => [name.replaceAll('_', '-'), type]));
const NAME_BY_TYPE: ReadonlyMap<RrType, string> = new Map([...TYPE_BY_NAME].map(([name, type]) => [type, name]));

/** The number of a type named in any case, also as `TYPE123`; undefined when there is no such name. */
export function typeCode(mnemonic: string): RrType | undefined {
  const known = TYPE_BY_NAME.get(mnemonic) ?? TYPE_BY_NAME.get(mnemonic.toUpperCase());
  if (known !== undefined) return known;
  const digits = /^TYPE([0-9]{1,5})$/i.exec(mnemonic)?.[1];
  return digits !== undefined && Number(digits) <= 0xffff ? Number(digits) : undefined;
}

/** `MX`, or `TYPE65280` for a type without a name. */
export function typeName(type: RrType): string {
  return NAME_BY_TYPE.get(type) ?? `TYPE${type}`;
}
