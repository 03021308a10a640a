/**
 * Reading SPF records: the record, or every problem in it at once, each with its column.
 * Implements: RFC 7208 §4.6.1, §5.1–5.7, §6.1–6.2, §7.1, §12. Warnings: §5.5 (ptr), §6.1 (redirect beside all), §4.7 (no default).
 * Not here: whether what it names exists and how much that costs (tree.ts, budget.ts).
 */
import { LABEL_BYTES_MAX } from '#base/limits/dns.ts';
import { type Place, WHOLE, atColumn, within } from '#base/place.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { ProblemList } from '#base/problem-list.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem, warning } from '#base/problem.ts';
import { formatIpv6, parseIpv4, parseIpv6 } from '#dns/rdata/field-address.ts';
import { type Directive, type Qualifier, type SpfRecord, type Term, formatTerm, isSpfText } from './spf.ts';
import { type IpAddress, ipOfOctets, networkOf } from './ip.ts';
import { oddNetwork } from './odd-networks.ts';
import { type MacroString, parseMacros, plainText, usesLetter } from './macro.ts';

/** One term being read: its text and where that begins; problems go into the list that all terms share. */
interface Reading {
  readonly text: string;
  readonly column: number;
  readonly at: Place;
  readonly problems: Problem[];
}

/** The record, or every problem found. `at` is the place of the text, in which problems name their column. Never throws: the text comes from outside. */
export function parseSpf(text: string, at: Place = WHOLE): Result<SpfRecord> {
  const place = (column: number) => within(at, atColumn(column));
  if (!isSpfText(text))
    return fail(problem('SPF_VERSION', at, 'the text does not begin with "v=spf1" and a blank', { rfc: 'RFC 7208 §4.5' }));
  const problems: Problem[] = [];
  for (const match of text.matchAll(/[^\x20-\x7e]+/g)) {
    const shown = JSON.stringify(match[0].slice(0, 20)).replace(/[^\x20-\x7e]/g, (each) => `\\x${each.charCodeAt(0).toString(16)}`);
    problems.push(
      problem('SPF_CHARACTER', place(match.index + 1), `${shown} is not ASCII that can be seen`, {
        rfc: 'RFC 7208 §3.1',
        fix: 'only spaces go between terms; write international names as A-labels (xn--…)',
      }),
    );
  }
  const terms: Term[] = [];
  for (const match of text.slice('v=spf1'.length).matchAll(/[^ ]+/g)) {
    const column = 'v=spf1'.length + match.index + 1;
    // What is not ASCII has been reported; a second problem about the same octets does not help.
    if (/[^\x21-\x7e]/.test(match[0])) continue;
    const term = readTerm({ text: match[0], column, at: place(column), problems });
    if (term === undefined) continue;
    if ((term.kind === 'redirect' || term.kind === 'exp') && terms.some((other) => other.kind === term.kind)) {
      problems.push(problem('SPF_MODIFIER_TWICE', place(column), `${term.kind}= stands here a second time`, { rfc: 'RFC 7208 §6' }));
    }
    terms.push(term);
  }
  const found = new ProblemList();
  found.push(...problems.filter((each) => each.severity === 'error'));
  found.push(...problems.filter((each) => each.severity === 'warning'));
  if (hasErrors(problems)) return fail(...found.list());
  const record: SpfRecord = { terms };
  found.push(...recordWarnings(record, at));
  return ok(record, found.list());
}

function refuse(reading: Reading, code: ProblemCode, why: string, rfc: string, fix?: string): undefined {
  reading.problems.push(problem(code, reading.at, `"${reading.text}": ${why}`, { rfc, ...(fix === undefined ? {} : { fix }) }));
  return undefined;
}

function readTerm(reading: Reading): Term | undefined {
  // RFC 7208 §4.6.1: a modifier has "=" right after its name, before any ":" or "/".
  const modifier = /^([a-z][a-z0-9._-]*)=(.*)$/i.exec(reading.text);
  if (modifier !== null) return readModifier(reading, modifier[1]!.toLowerCase(), modifier[2]!);
  if (/^[^:/=]*=/.test(reading.text)) {
    return refuse(reading, 'SPF_MODIFIER', 'the name of a modifier is a letter, then letters, digits, "-", "_" and "."', 'RFC 7208 §6');
  }
  const directive = /^([+\-?~]?)([a-z0-9]*)((?:[:/].*)?)$/i.exec(reading.text);
  const name = directive?.[2]?.toLowerCase() ?? '';
  const qualifier = (directive?.[1] === '' ? '+' : directive?.[1]) as Qualifier;
  const argument = directive?.[3] ?? '';
  switch (name) {
    case 'all':
      if (argument !== '') return refuse(reading, 'SPF_ARGUMENT', '"all" takes nothing behind it', 'RFC 7208 §5.1');
      return { kind: 'all', qualifier };
    case 'include':
    case 'exists': {
      const section = name === 'include' ? 'RFC 7208 §5.2' : 'RFC 7208 §5.7';
      if (!argument.startsWith(':')) return refuse(reading, 'SPF_ARGUMENT', `"${name}" needs ":" and a domain`, section);
      const domain = readDomain(reading, argument.slice(1), section);
      return domain && { kind: name, qualifier, domain };
    }
    case 'a':
    case 'mx':
      return readHost(reading, name, qualifier, argument);
    case 'ptr': {
      if (argument === '') return { kind: 'ptr', qualifier, domain: undefined };
      if (!argument.startsWith(':')) return refuse(reading, 'SPF_ARGUMENT', '"ptr" takes no prefix length', 'RFC 7208 §5.5');
      const domain = readDomain(reading, argument.slice(1), 'RFC 7208 §5.5');
      return domain && { kind: 'ptr', qualifier, domain };
    }
    case 'ip4':
    case 'ip6':
      return readNetwork(reading, name, qualifier, argument);
    case 'redirect':
    case 'exp':
      return refuse(reading, 'SPF_TERM', `"${name}" is a modifier`, 'RFC 7208 §6', `write ${name}=`);
    default:
      return refuse(reading, 'SPF_TERM', 'there is no such mechanism', 'RFC 7208 §4.6.1', suggestion(name));
  }
}

function suggestion(name: string): string | undefined {
  if (name === 'ipv4' || name === 'ip') return 'write ip4:';
  if (name === 'ipv6') return 'write ip6:';
  return undefined;
}

function readModifier(reading: Reading, name: string, value: string): Term | undefined {
  // RFC 7208 §6.1–6.2: a bad redirect or exp is an error, not an unknown modifier.
  if (name === 'redirect' || name === 'exp') {
    const domain = readDomain(reading, value, name === 'exp' ? 'RFC 7208 §6.2' : 'RFC 7208 §6.1');
    return domain && { kind: name, domain };
  }
  const macros = readMacros(reading, value);
  return macros && { kind: 'unknown', name, value: macros };
}

function readMacros(reading: Reading, text: string): MacroString | undefined {
  const { macros, mistakes } = parseMacros(text, false);
  for (const { message, rfc } of mistakes) refuse(reading, 'SPF_MACRO', message, rfc);
  return mistakes.length === 0 ? macros : undefined;
}

/** RFC 7208 §7.1: letters, digits and inner hyphens, and not digits alone. Each pattern takes linear time, whatever strangers publish. */
function endsInTopLabel(text: string): boolean {
  const absolute = text.endsWith('.') ? text.slice(0, -1) : text;
  const dot = absolute.lastIndexOf('.');
  const label = absolute.slice(dot + 1);
  return dot >= 0 && /^[a-z0-9-]+$/i.test(label) && !label.startsWith('-') && !label.endsWith('-') && !/^[0-9]+$/.test(label);
}

/** RFC 7208 §7.1: a macro string that ends in a macro, or in a dot and a top label that is not all digits. The last dot is dropped. */
function readDomain(reading: Reading, text: string, section: string): MacroString | undefined {
  if (text === '') return refuse(reading, 'SPF_DOMAIN', 'the domain is missing', section);
  const macros = readMacros(reading, text);
  if (macros === undefined) return undefined;
  const last = macros.at(-1)!;
  if (last.kind !== 'text') return macros;
  if (!endsInTopLabel(last.text)) {
    const isAddress = parseIpv4(text) !== undefined || parseIpv6(text) !== undefined;
    const fix = isAddress ? `write ip${text.includes(':') ? '6' : '4'}:${text}` : 'write the whole name, as mail.example.com';
    return refuse(reading, 'SPF_DOMAIN', `"${text}" is not a domain with a top label`, 'RFC 7208 §7.1', fix);
  }
  const domain: MacroString = last.text.endsWith('.') ? [...macros.slice(0, -1), { kind: 'text', text: last.text.slice(0, -1) }] : macros;
  const plain = plainText(domain);
  if (plain !== undefined && /:\/\/|@/.test(plain)) {
    const bare = plain.replace(/^[a-z]+:\/\/|^.*@/i, '').replace(/[/:?#].*$/, '');
    const why = `"${plain}" is a URL or a mailbox, and no domain has such a name`;
    const details = { rfc: 'RFC 7208 §7.1', fix: `write the domain alone: ${bare}` };
    reading.problems.push(warning('SPF_DOMAIN', reading.at, why, details));
  }
  if (plain !== undefined && (plain.length > 253 || plain.split('.').some((label) => label === '' || label.length > LABEL_BYTES_MAX))) {
    // Some receivers take it as a name that does not exist, others as an error.
    reading.problems.push(
      warning('SPF_LABEL', reading.at, `"${plain}" cannot be a name: a label is empty or longer than 63 octets, or it is too long`, {
        rfc: 'RFC 7208 §4.8',
      }),
    );
  }
  return domain;
}

/** RFC 7208 §5.6: no leading zeros, and not beyond the address. */
function readPrefix(reading: Reading, text: string | undefined, bits: 32 | 128): number | undefined {
  if (text === undefined) return bits;
  if (/^(?:0|[1-9][0-9]{0,2})$/.test(text) && Number(text) <= bits) return Number(text);
  return refuse(reading, 'SPF_CIDR', `/${text} is not a prefix length of 0 to ${bits}`, 'RFC 7208 §5.6');
}

function readHost(reading: Reading, kind: 'a' | 'mx', qualifier: Qualifier, argument: string): Directive | undefined {
  const section = kind === 'a' ? 'RFC 7208 §5.3' : 'RFC 7208 §5.4';
  const [, spec = '', four, six] = /^(.*?)(?:\/(\d+))?(?:\/\/(\d+))?$/.exec(argument)!;
  const prefix4 = readPrefix(reading, four, 32);
  const prefix6 = readPrefix(reading, six, 128);
  if (spec !== '' && !spec.startsWith(':')) {
    return refuse(reading, 'SPF_CIDR', 'the prefix lengths are not well formed: /IPv4, //IPv6 or /IPv4//IPv6', section);
  }
  const domain = spec === '' ? undefined : readDomain(reading, spec.slice(1), section);
  if (prefix4 === undefined || prefix6 === undefined || (spec !== '' && domain === undefined)) return undefined;
  return { kind, qualifier, domain, prefix4, prefix6 };
}

function readNetwork(reading: Reading, kind: 'ip4' | 'ip6', qualifier: Qualifier, argument: string): Directive | undefined {
  if (!argument.startsWith(':')) return refuse(reading, 'SPF_ARGUMENT', `"${kind}" needs ":" and an address`, 'RFC 7208 §5.6');
  const slash = argument.indexOf('/');
  const text = slash < 0 ? argument.slice(1) : argument.slice(1, slash);
  const octets = kind === 'ip4' ? parseIpv4(text) : parseIpv6(text);
  const prefix = readPrefix(reading, slash < 0 ? undefined : argument.slice(slash + 1), kind === 'ip4' ? 32 : 128);
  if (octets === undefined) {
    const other = kind === 'ip4' ? parseIpv6(text) : parseIpv4(text);
    const fix = other === undefined ? undefined : `write ${kind === 'ip4' ? 'ip6' : 'ip4'}:`;
    return refuse(reading, 'SPF_IP', `"${text}" is not an IPv${kind === 'ip4' ? '4' : '6'} address`, 'RFC 7208 §5.6', fix);
  }
  if (prefix === undefined) return undefined;
  const ip = ipOfOctets(octets);
  warnOfAddress(reading, ip, prefix);
  return { kind, qualifier, address: kind === 'ip4' ? text : formatIpv6(Uint8Array.from(octets), 0), prefix };
}

function warnOfAddress(reading: Reading, ip: IpAddress, prefix: number): void {
  const warn = (code: ProblemCode, why: string) =>
    reading.problems.push(warning(code, reading.at, `"${reading.text}": ${why}`, { rfc: 'RFC 7208 §5.6' }));
  if (networkOf(ip, prefix).value !== ip.value) warn('SPF_HOST_BITS', 'the address has bits beyond its prefix length, which do not count');
  const why = oddNetwork(networkOf(ip, prefix));
  if (why !== undefined) warn('SPF_NETWORK', why);
  // RFC 7208 §5: a client with an IPv4-mapped address is an IPv4 client, so no ip6 term ever matches it.
  if (ip.family === 6 && ip.value >> 32n === 0xffffn && prefix >= 96) warn('SPF_IP', 'an IPv4-mapped address never matches; use ip4:');
}

/** Lawful things that are surely not meant, or that the RFC advises against. */
function recordWarnings(record: SpfRecord, at: Place): Problem[] {
  const found: Problem[] = [];
  const warn = (code: ProblemCode, message: string, rfc: string, fix?: string) =>
    found.push(warning(code, at, message, { rfc, ...(fix === undefined ? {} : { fix }) }));
  const { terms } = record;
  const all = terms.findIndex((term) => term.kind === 'all');
  for (const [index, term] of terms.entries()) {
    const macros = term.kind === 'unknown' ? term.value : 'domain' in term ? (term.domain ?? []) : [];
    if (term.kind === 'ptr') warn('SPF_PTR', 'ptr is slow and unreliable and should not be published', 'RFC 7208 §5.5');
    if (usesLetter(macros, 'p')) warn('SPF_PTR', `${formatTerm(term)}: %{p} should not be published`, 'RFC 7208 §7.3');
    if (term.kind === 'redirect' && all >= 0) warn('SPF_AFTER_ALL', `${formatTerm(term)} has no effect beside "all"`, 'RFC 7208 §6.1');
    if (all >= 0 && index > all && term.kind !== 'redirect' && term.kind !== 'exp' && term.kind !== 'unknown') {
      warn('SPF_AFTER_ALL', `${formatTerm(term)} is never reached, because "all" stands before it`, 'RFC 7208 §5.1');
    }
    const isEverybody =
      (term.kind === 'all' || ((term.kind === 'ip4' || term.kind === 'ip6') && term.prefix === 0)) && term.qualifier === '+';
    if (isEverybody) warn('SPF_EVERYBODY', `${formatTerm(term)} lets every host send as this domain`, 'RFC 7208 §5.1');
  }
  if (all < 0 && !terms.some((term) => term.kind === 'redirect')) {
    warn('SPF_NO_ALL', 'nothing is said about hosts that the record does not name', 'RFC 7208 §4.7', 'end it with -all, ~all or redirect=');
  }
  return found;
}
