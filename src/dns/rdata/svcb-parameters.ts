/**
 * The parameters of SVCB and HTTPS, one row each: text, wire form, rules.
 * Implements: RFC 9460 §7–8 and appendix A.1, RFC 9461 §5 (dohpath), RFC 9540 §4 (ohttp), RFC 9953 §3 (docpath);
 * draft-ietf-tls-key-share-prediction §3 (tls-supported-groups). Names: IANA “DNS Service Bindings (SVCB)”.
 */
import { fromLatin1, latin1 } from '#base/bytes.ts';
import { numberAt } from './field.ts';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './field-address.ts';
import { base64Octets } from './field-binary.ts';
import { decimal } from './field-number.ts';
import { quote } from './field-text.ts';

export interface SvcParameter {
  readonly key: number;
  /** Wire form. */
  readonly value: Uint8Array;
}

interface ParameterForm {
  readonly name: string;
  /** Wire form of text whose escapes of RFC 1035 §5.1 are resolved, or what is wrong with it. */
  readonly parse: (text: string) => ArrayLike<number> | string;
  /** Presentation of a value that `check` found good, as it stands after `=`; '' for a key without value. */
  readonly format: (value: Uint8Array) => string;
  /** What is wrong with the wire form, or undefined. */
  readonly check: (value: Uint8Array) => string | undefined;
}

/** RFC 9460 §14.3.2: "Invalid key". */
const KEY_INVALID = 65_535;
const MANDATORY = 0;
const ALPN = 1;
const NO_DEFAULT_ALPN = 2;

const noValue = (name: string): ParameterForm => ({
  name,
  parse: (text) => (text === '' ? [] : 'takes no value'),
  format: () => '',
  check: (value) => (value.length === 0 ? undefined : 'takes no value'),
});

const addresses = (
  name: string,
  size: 4 | 16,
  read: (text: string) => number[] | undefined,
  show: (octets: Uint8Array, at: number) => string,
): ParameterForm => ({
  name,
  parse(text) {
    const all = text.split(',').map(read);
    return all.every((each) => each !== undefined) ? all.flat() : 'is not a list of addresses';
  },
  format: (value) => Array.from({ length: value.length / size }, (_, each) => show(value, each * size)).join(','),
  check: (value) => (value.length > 0 && value.length % size === 0 ? undefined : 'is not one whole address or more'),
});

/** A key whose value is taken as it is: that it is registered is all that its readers agree on so far. */
const opaque = (name: string): ParameterForm => ({ name, parse: fromLatin1, format: quote, check: () => undefined });

/** By key. Keys from 7 on are shown as keyNNNNN: not every reader of zone files knows their names (Knot 3.2 does not). */
const FORMS: readonly ParameterForm[] = [
  {
    name: 'mandatory',
    parse(text) {
      const keys = text.split(',').map(parameterKey);
      if (!keys.every((key) => key !== undefined)) return 'is not a list of SvcParamKeys';
      // RFC 9460 §8: in wire form ascending; twice the same is an error.
      return keys.toSorted((a, b) => a - b).flatMap((key) => [key >> 8, key & 0xff]);
    },
    format: (value) => keysOf(value).map(parameterName).join(','),
    check(value) {
      const keys = keysOf(value);
      if (value.length === 0 || value.length % 2 !== 0) return 'is not one key or more';
      if (keys.includes(MANDATORY)) return 'names itself';
      return keys.every((key, at) => at === 0 || key > keys[at - 1]!) ? undefined : 'names a key twice or out of order';
    },
  },
  {
    name: 'alpn',
    parse(text) {
      const ids = splitList(text);
      if (ids === undefined) return 'has a bad escape';
      return ids.every((id) => id.length > 0 && id.length <= 255)
        ? ids.flatMap((id) => [id.length, ...fromLatin1(id)])
        : 'has a protocol id that is empty or longer than 255 octets';
    },
    // RFC 9460 appendix A.1: a comma or backslash inside an id is escaped first as list, then as character-string.
    format: (value) =>
      quote(
        fromLatin1(
          idsOf(value)!
            .map((id) => id.replace(/[\\,]/g, '\\$&'))
            .join(','),
        ),
      ),
    check: (value) => (value.length > 0 && idsOf(value) !== undefined ? undefined : 'is not a list of protocol ids'),
  },
  noValue('no-default-alpn'),
  {
    name: 'port',
    parse(text) {
      const port = decimal(text, 0xffff);
      return port === undefined ? 'is not a number 0…65535' : [port >> 8, port & 0xff];
    },
    format: (value) => String(numberAt(value, 0, 2)),
    check: (value) => (value.length === 2 ? undefined : 'is not two octets'),
  },
  addresses('ipv4hint', 4, parseIpv4, formatIpv4),
  {
    name: 'ech',
    parse: (text) => base64Octets(text) ?? 'is not base64',
    format: (value) => Buffer.from(value).toString('base64'),
    check: (value) => (value.length > 0 ? undefined : 'is empty'),
  },
  addresses('ipv6hint', 16, parseIpv6, formatIpv6),
  {
    name: 'dohpath',
    parse: fromLatin1,
    format: quote,
    // RFC 9461 §5: a relative URI template in UTF-8 with the variable "dns".
    check: (value) => (isUtf8(value) && /^\/.*\{[^}]*\bdns\b[^}]*\}/s.test(latin1(value)) ? undefined : 'is not a path with {?dns}'),
  },
  noValue('ohttp'),
  {
    name: 'tls-supported-groups',
    parse(text) {
      const groups = text.split(',').map((each) => decimal(each, 0xffff));
      return groups.every((group) => group !== undefined)
        ? groups.flatMap((group) => [group >> 8, group & 0xff])
        : 'is not a list of numbers of TLS groups';
    },
    format: (value) => keysOf(value).join(','),
    check: (value) => (value.length > 0 && value.length % 2 === 0 ? undefined : 'is not one group or more'),
  },
  {
    name: 'docpath',
    parse(text) {
      const segments = text === '' ? [] : splitList(text);
      if (segments === undefined) return 'has a bad escape';
      return segments.every((segment) => segment.length > 0 && segment.length <= 255)
        ? segments.flatMap((segment) => [segment.length, ...fromLatin1(segment)])
        : 'has a segment of the path that is empty or longer than 255 octets';
    },
    format: quote,
    // No segment at all is the path "/".
    check: (value) => (idsOf(value) === undefined ? 'is not a list of path segments' : undefined),
  },
  opaque('pvd'),
  opaque('oots'),
];

/** Keys with a name of their own in canonical presentation. */
const NAMED_KEYS = 7;

function isUtf8(octets: Uint8Array): boolean {
  return Buffer.from(Buffer.from(octets).toString('utf8'), 'utf8').equals(octets);
}

/** The number of a key by name, `keyNNNNN` without leading zeros included; undefined when there is none. */
export function parameterKey(text: string): number | undefined {
  const known = FORMS.findIndex(({ name }) => name === text);
  if (known >= 0) return known;
  const digits = /^key(0|[1-9][0-9]{0,4})$/.exec(text)?.[1];
  return digits === undefined ? undefined : decimal(digits, KEY_INVALID - 1);
}

function parameterName(key: number): string {
  return key < NAMED_KEYS ? FORMS[key]!.name : `key${key}`;
}

/** Wire form of a value written after a key's own name, or what is wrong with it. */
export function parseParameterValue(key: number, octets: Uint8Array): Uint8Array | string {
  const form = FORMS[key];
  if (form === undefined) return octets;
  const value = form.parse(latin1(octets));
  return typeof value === 'string' ? value : Uint8Array.from(value);
}

/** `key` or `key=value` of a parameter that `checkParameters` found good. */
export function formatParameter({ key, value }: SvcParameter): string {
  const text = key < NAMED_KEYS ? FORMS[key]!.format(value) : value.length === 0 ? '' : quote(value);
  return text === '' ? parameterName(key) : `${parameterName(key)}=${text}`;
}

/** What is wrong with the parameters of a record, or undefined. */
export function checkParameters(parameters: readonly SvcParameter[]): string | undefined {
  const keys = new Set(parameters.map(({ key }) => key));
  for (const { key, value } of parameters) {
    if (key === KEY_INVALID) return 'key 65535 is not a key';
    const wrong = FORMS[key]?.check(value);
    if (wrong !== undefined) return `${parameterName(key)} ${wrong}`;
    // RFC 9460 §8: what is mandatory is there.
    const missing = key === MANDATORY ? keysOf(value).find((each) => !keys.has(each)) : undefined;
    if (missing !== undefined) return `mandatory names ${parameterName(missing)}, which is not there`;
  }
  // RFC 9460 §7.1.1.
  return keys.has(NO_DEFAULT_ALPN) && !keys.has(ALPN) ? 'no-default-alpn wants alpn beside it' : undefined;
}

function keysOf(value: Uint8Array): number[] {
  return Array.from({ length: value.length >> 1 }, (_, at) => numberAt(value, at * 2, 2));
}

/** Protocol ids, one character per octet; undefined when the list is not well formed. */
function idsOf(value: Uint8Array): string[] | undefined {
  const ids: string[] = [];
  for (let at = 0; at < value.length;) {
    const end = at + 1 + value[at]!;
    if (end === at + 1 || end > value.length) return undefined;
    ids.push(latin1(value.subarray(at + 1, end)));
    at = end;
  }
  return ids;
}

/** RFC 9460 appendix A.1: items between commas; `\,` and `\\` stand for themselves. */
function splitList(text: string): string[] | undefined {
  if (!/^(?:[^\\]|\\[\\,])*$/s.test(text)) return undefined;
  const items = [''];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ',') items.push('');
    else items[items.length - 1] += text[at] === '\\' ? text[++at]! : text[at]!;
  }
  return items;
}
