/**
 * Random SPF graphs: a handful of domains that include, redirect to and look up each other, loops and voids among them, and a client
 * with a question. `plain` graphs keep to what all receivers read alike.
 */
import { type SpfQuestion } from '#mail/spf/evaluate.ts';
import { pick, type Random } from './random.ts';
import { type Table, type TableEntry } from './table-resolver.ts';

export interface SpfGraph {
  readonly table: Table;
  readonly question: SpfQuestion;
}

/** Those with SPF records; the first is the sender's. */
export const DOMAINS = ['d0.test', 'd1.test', 'd2.test', 'd3.test', 'd4.test', 'd5.test', 'sub.d1.test'];
const HOSTS = ['h1.test', 'h2.test', 'h3.test', 'h4.d1.test', 'six.test'];
const VOIDS = ['v1.test', 'v2.test', 'v3.d2.test'];
const FOUR = ['192.0.2.1', '192.0.2.2', '192.0.2.130', '198.51.100.7'];
const SIX = ['2001:db8::1', '2001:db8::2', '2001:db8:1::7'];
const SENDERS = ['user', 'strong-bad', 'a-b+c', 'x.y.z', 'Jack'];

/** Names that macros come to for some of the clients and senders above. */
const MACRO_HOSTS = [
  'user.m.test',
  'bad.strong.m.test',
  '1.2.0.192.in-addr.m.test',
  'd0.test.m.test',
  'd1.test.m.test',
  'c.m.test',
  'unknown.m.test',
  'user%40d0.test.m.test',
];
const PLAIN_MACROS = ['%{l}', '%{lr-}', '%{ir}.%{v}', '%{o}', '%{l1+}', '%{i}', '%{h}', '%{o2r}', '%{s}', '%{l1r-}'];
const OTHER_MACROS = [...PLAIN_MACROS, '%{d}', '%{d}', '%{d}', '%{p}', '%{L}', '%{d1r}', '%{S}', '%{S}', '%{S}'];

const chance = (random: Random, share: number): boolean => random() < share;
const some = <T>(random: Random, choices: readonly T[], most: number): T[] =>
  Array.from({ length: Math.floor(random() * (most + 1)) }, () => pick(random, choices)).filter(
    (each, at, all) => all.indexOf(each) === at,
  );

function target(random: Random, plain: boolean): string {
  const draw = random();
  if (draw < 0.15) return `${pick(random, plain ? PLAIN_MACROS : OTHER_MACROS)}.m.test`;
  if (draw < 0.35) return pick(random, VOIDS);
  return pick(random, draw < 0.7 ? HOSTS : DOMAINS);
}

function term(random: Random, plain: boolean): string {
  const qualifier = pick(random, ['', '', '', '', '-', '~', '?', '+']);
  const draw = random();
  if (draw < 0.12) return `${qualifier}ip4:${pick(random, FOUR)}${pick(random, ['', '', '/25', '/32', '/24', '/0'])}`;
  if (draw < 0.2) return `${qualifier}ip6:${pick(random, SIX)}${pick(random, ['', '', '/64', '/127'])}`;
  const prefixes = pick(random, ['', '', '', '/24', '/25//64', '//127']);
  if (draw < 0.32) return `${qualifier}a${chance(random, 0.3) ? '' : `:${target(random, plain)}`}${prefixes}`;
  if (draw < 0.44) return `${qualifier}mx${chance(random, 0.3) ? '' : `:${target(random, plain)}`}${prefixes}`;
  if (draw < 0.54) return `${qualifier}exists:${target(random, plain)}`;
  if (draw < 0.6) return `${qualifier}ptr${pick(random, ['', ':d1.test', ':test.example', ':h1.test'])}`;
  if (!plain && draw < 0.615)
    return pick(random, ['ip4:192.0.2', 'include', 'foo', 'a/33', 'redirect=x', 'a:%{z}.test', 'mx:a..test', 'all:x', 'include:one']);
  if (!plain && draw < 0.63) return `${qualifier}exists:${pick(random, ['a..test', '%{h}', 'x.%{l}%{l}.test', 'x%_y.test'])}`;
  return `${qualifier}include:${chance(random, 0.06) ? pick(random, VOIDS) : pick(random, DOMAINS)}`;
}

function record(random: Random, plain: boolean): string {
  const terms = Array.from({ length: Math.floor(random() * 6) }, () => term(random, plain));
  // No `ptr` where all must agree: mailauth charges only the first of a check.
  const kept = plain ? terms.filter((each) => !/^[+?~-]?ptr/.test(each)) : terms;
  const end = random();
  if (end < 0.45) kept.push(pick(random, ['-all', '~all', '?all', 'all']));
  else if (end < 0.65) kept.splice(Math.floor(random() * (kept.length + 1)), 0, `redirect=${pick(random, DOMAINS)}`);
  if (chance(random, 0.05)) kept.push('exp=why.test');
  return ['v=spf1', ...kept].join(' ');
}

export function randomSpfGraph(random: Random, plain: boolean): SpfGraph {
  const table: Record<string, TableEntry> = { 'why.test': { txt: ['because'] } };
  // Where all must agree every host has both families: mailauth counts a void only when both are empty.
  const addresses = () =>
    plain ? { a: [pick(random, FOUR)], aaaa: [pick(random, SIX)] } : { a: some(random, FOUR, 2), aaaa: some(random, SIX, 1) };
  for (const host of [...HOSTS, ...some(random, MACRO_HOSTS, 5)]) table[host] = addresses();
  const hosts = plain ? HOSTS : [...HOSTS, ...VOIDS];
  for (const domain of DOMAINS) {
    const txt = chance(random, 0.03) ? ['v=spf1 -all', 'v=spf1 +all'] : chance(random, 0.04) ? ['hello'] : [record(random, plain), 'hello'];
    const many = chance(random, 0.03) ? Array.from({ length: 11 }, (_, at) => `${at} ${pick(random, HOSTS)}`) : undefined;
    const mx = many ?? some(random, hosts, 3).map((host, at) => `${at} ${host}`);
    table[domain] = chance(random, 0.04) ? { timeout: true } : { txt, mx, ...addresses() };
  }
  if (!plain && chance(random, 0.1)) table[pick(random, [...DOMAINS, ...HOSTS])] = { servfail: true };
  if (chance(random, 0.05)) table[pick(random, HOSTS)] = { timeout: true };
  const ip = pick(random, chance(random, 0.7) ? FOUR : SIX);
  if (FOUR.includes(ip)) {
    const reverse = `${ip.split('.').toReversed().join('.')}.in-addr.arpa`;
    if (chance(random, 0.8)) table[reverse] = { ptr: some(random, [...DOMAINS, ...HOSTS, ...VOIDS], 4) };
    if (!plain && chance(random, 0.05)) table[reverse] = { timeout: true };
  }
  return {
    table,
    question: {
      ip,
      sender: `${pick(random, SENDERS)}@d0.test`,
      helo: pick(random, ['h1.test', 'mail.d1.test', plain ? 'c' : 'bad..helo']),
    },
  };
}

/** A table of records that include each other without circles and fail nowhere: all of it can be turned into addresses. */
export function flattenableTable(random: Random): Table {
  const table: Record<string, TableEntry> = {};
  for (const host of HOSTS) table[host] = { a: some(random, FOUR, 2), aaaa: some(random, SIX, 1) };
  for (const [at, domain] of DOMAINS.entries()) {
    const below = DOMAINS.slice(at + 1);
    const terms = Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
      const qualifier = pick(random, ['', '', '', '-', '~', '?']);
      const draw = random();
      if (draw < 0.3 && below.length > 0) return `${qualifier}include:${pick(random, below)}`;
      if (draw < 0.7) return `${qualifier}ip4:192.0.2.${Math.floor(random() * 256)}/${24 + Math.floor(random() * 9)}`;
      if (draw < 0.8) return `${qualifier}ip6:${pick(random, SIX)}/${pick(random, [32, 48, 64, 127, 128])}`;
      return `${qualifier}${pick(random, ['a', 'mx'])}${pick(random, ['', `:${pick(random, HOSTS)}`])}${pick(random, ['', '/26//64', '/30'])}`;
    });
    const end = random() < 0.2 && below.length > 0 ? `redirect=${pick(random, below)}` : pick(random, ['-all', '~all', '?all', '']);
    const mx = some(random, HOSTS, 3).map((host, preference) => `${preference} ${host}`);
    table[domain] = { txt: [['v=spf1', ...terms, end].join(' ').trim()], mx, a: some(random, FOUR, 1), aaaa: some(random, SIX, 1) };
  }
  return table;
}
