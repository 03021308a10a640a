/**
 * Texts of the configuration become values: each reader reports what is wrong with its text at the place where the text
 * stands.
 * Not here: which keys there are (file-form.ts), where they stand (sources.ts).
 */
import { isIP } from 'node:net';
import { isAbsolute, resolve } from 'node:path';
import { type IpPort, parseIpPort } from '#base/address.ts';
import { parseNetwork } from '#base/network.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type ConfigSources, type Origin } from './origin.ts';

type Parser<T> = (text: string) => T | undefined;

export interface ValueReaders {
  /** The value of a text; undefined, and a problem that says which form is missed. */
  readonly read: <T>(key: string, text: string, parser: Parser<T>, form: string, index?: number) => T | undefined;
  /** Reports what is wrong with a key as a whole. */
  readonly reject: (key: string, why: string) => void;
  /** Absolute. */
  readonly path: (key: string, text: string) => string;
  /** An address and port; undefined for `off`. */
  readonly one: (key: string, text: string) => IpPort | undefined;
  readonly endpoints: (key: string, texts: readonly string[]) => IpPort[];
  readonly networks: (key: string, texts: readonly string[]) => string[];
  readonly addresses: (key: string, texts: readonly string[]) => string[];
  /** In lower case, without final dot. */
  readonly host: (key: string, text: string, index?: number) => string | undefined;
}

const ENDPOINT = 'an address and port like 127.0.0.1:5300 or [::1]:5300';
const NETWORK = 'a network like 192.0.2.0/24 or 2001:db8::/32';

export function valueReaders(sources: ConfigSources, origins: ReadonlyMap<string, Origin>, problems: Problem[]): ValueReaders {
  const reject = (key: string, why: string): void => {
    problems.push(problem('CONFIG_VALUE', originOf(origins, key).at, why));
  };
  const read = <T>(key: string, text: string, parser: Parser<T>, form: string, index?: number): T | undefined => {
    const value = parser(text);
    const which = index === undefined ? key : `${key}[${index}]`;
    if (value === undefined) reject(key, `${which}: ${JSON.stringify(text)} is not ${form}`);
    return value;
  };
  const all = <T>(key: string, texts: readonly string[], parser: Parser<T>, form: string): T[] =>
    texts.flatMap((text, index) => read(key, text, parser, form, index) ?? []);
  return {
    read,
    reject,
    path: (key, text) => (isAbsolute(text) ? text : resolve(origins.get(key)?.folder ?? sources.workingDirectory, text)),
    one: (key, text) => (text === 'off' ? undefined : read(key, text, parseEndpoint, `${ENDPOINT}, or "off"`)),
    endpoints: (key, texts) => all(key, texts, parseEndpoint, ENDPOINT),
    networks: (key, texts) => all(key, texts, (text) => (parseNetwork(text) ? text : undefined), NETWORK),
    addresses: (key, texts) => all(key, texts, (text) => (isIP(text) === 0 ? undefined : text), 'an IPv4 or IPv6 address'),
    host: (key, text, index) => read(key, text, parseHost, 'a host name like policy.example.net', index),
  };
}

/** A list's element has the origin of its list. */
export function originOf(origins: ReadonlyMap<string, Origin>, key: string): Origin {
  return origins.get(key) ?? origins.get(key.replace(/\.[0-9]+$/, '')) ?? { at: WHOLE, folder: '' };
}

function parseEndpoint(text: string): IpPort | undefined {
  const parsed = parseIpPort(text);
  return parsed.ok ? parsed.value : undefined;
}

/** Letters, digits and hyphens (RFC 1123 §2.1), with a dot: a host name as it is published. */
function parseHost(text: string): string | undefined {
  const host = text.toLowerCase().replace(/\.$/, '');
  const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
  return host.length <= 253 && new RegExp(`^${label}(?:\\.${label})+$`).test(host) ? host : undefined;
}
