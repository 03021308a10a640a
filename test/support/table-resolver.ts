/**
 * DNS as a table: names with their records, and everything else does not exist. Names are plain text between dots, nothing escaped,
 * so that the odd ones of SPF tests can be written as they are.
 */
import { TYPE, type RrType } from '#dns/types.ts';
import { type Name } from '#dns/name.ts';
import { parseIpv4, parseIpv6 } from '#dns/rdata/field-address.ts';
import { type Resolver, type ResolverAnswer } from '#dns/resolver.ts';
import { txtRdata } from '#mail/text/txt.ts';

/** Records of one name. `mx` is `preference host`; the flags fail every look-up of the name. */
export interface TableEntry {
  readonly txt?: readonly string[];
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly mx?: readonly string[];
  readonly ptr?: readonly string[];
  readonly cname?: string;
  readonly timeout?: true;
  readonly servfail?: true;
}

export type Table = Readonly<Record<string, TableEntry>>;

/** The name's text: labels with dots between, lower-case, no last dot. */
export function plainName(name: Name): string {
  const labels: string[] = [];
  for (let at = 0; name[at] !== 0; at += 1 + name[at]!)
    labels.push(Buffer.from(name.subarray(at + 1, at + 1 + name[at]!)).toString('latin1'));
  return labels.join('.').toLowerCase();
}

export function wireName(text: string): Uint8Array {
  const labels = text === '' ? [] : text.split('.');
  return new Uint8Array(
    Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]), Buffer.from([0])]),
  );
}

function rdatasOf(entry: TableEntry, type: RrType): Uint8Array[] {
  if (type === TYPE.TXT) return (entry.txt ?? []).map(txtRdata);
  if (type === TYPE.A) return (entry.a ?? []).map((each) => Uint8Array.from(parseIpv4(each)!));
  if (type === TYPE.AAAA) return (entry.aaaa ?? []).map((each) => Uint8Array.from(parseIpv6(each)!));
  if (type === TYPE.PTR) return (entry.ptr ?? []).map(wireName);
  if (type !== TYPE.MX) return [];
  return (entry.mx ?? []).map((each) => {
    const [preference = '0', host = ''] = each.split(' ');
    return Uint8Array.from([Number(preference) >> 8, Number(preference) & 0xff, ...wireName(host)]);
  });
}

/** A resolver over `table`, with the questions it was asked, as `name TYPE-number`. */
export function tableResolver(table: Table, options: { readonly onLookup?: () => void } = {}): Resolver & { readonly asked: string[] } {
  const entries = new Map(Object.entries(table).map(([name, entry]) => [name.toLowerCase(), entry]));
  const asked: string[] = [];
  const find = (name: string, type: RrType, steps: number): ResolverAnswer => {
    const entry = entries.get(name);
    if (entry === undefined) {
      const isEmptyNonTerminal = [...entries.keys()].some((other) => other.endsWith(`.${name}`));
      return isEmptyNonTerminal ? { kind: 'nodata', ttlSeconds: 300 } : { kind: 'nxdomain', ttlSeconds: 300 };
    }
    if (entry.timeout) return { kind: 'timeout' };
    if (entry.servfail) return { kind: 'servfail' };
    if (entry.cname !== undefined && type === TYPE.CNAME) return { kind: 'answer', rdatas: [wireName(entry.cname)], ttlSeconds: 300 };
    if (entry.cname !== undefined) return steps === 0 ? { kind: 'servfail' } : find(entry.cname.toLowerCase(), type, steps - 1);
    const rdatas = rdatasOf(entry, type);
    return rdatas.length === 0 ? { kind: 'nodata', ttlSeconds: 300 } : { kind: 'answer', rdatas, ttlSeconds: 300 };
  };
  return {
    asked,
    lookup(name, type) {
      const text = plainName(name);
      asked.push(`${text} ${type}`);
      options.onLookup?.();
      return Promise.resolve(find(text, type, 8));
    },
  };
}
