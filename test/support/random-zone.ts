/**
 * Random zones that are as nasty as a store may hold them: a tiny alphabet, so that names collide, nest and hide each other. Aliases and
 * loops, DNAME, wildcards, empty non-terminals, cuts with and without glue, data occluded by both, long names, odd octets, large RRsets.
 * Only a CNAME has its owner to itself, as everywhere.
 * Not here: zones that NSD, Knot and BIND load too (random-zone-text.ts).
 */
import { type Name, ROOT, formatName, nameOf } from '#dns/name.ts';
import { parseRdataText, typeCode } from '#dns/registry.ts';
import { type Rrset, sortRdatas } from '#dns/rrset.ts';
import { type MemoryZone, memoryZone } from '#zone/zone.ts';
import { pick, type Random } from './random.ts';

export interface RandomZone {
  readonly apex: Name;
  readonly rrsets: readonly Rrset[];
  /** The same as a zone file: absolute names, one record per line. */
  readonly text: string;
  readonly zone: MemoryZone;
}

const LONG = 'l'.repeat(60);
const LABELS = ['a', 'a', 'b', 'b', 'c', '*', 'A', 'B', String.raw`\000`, String.raw`\001x`, LONG];
/** Apexes of one run: nested, so that parents and children meet on one server. */
const APEXES = ['.', 'test.', 'test.', 'a.test.', 'b.a.test.', 'b.test.', '*.test.', 'other.', `${LONG}.test.`];

/** A name below `apex`, or the apex itself; shorter when it would be too long. */
export function randomName(random: Random, apex: string): string {
  let name = apex;
  for (let depth = Math.floor(random() * 5); depth > 0; depth--) {
    const longer = name === '.' ? `${pick(random, LABELS)}.` : `${pick(random, LABELS)}.${name}`;
    if (longer.length > 250) return name;
    name = longer;
  }
  return name;
}

/** One to four zones with distinct apexes, with aliases between them. */
export function randomZones(random: Random): RandomZone[] {
  const apexes = new Set<string>();
  for (let count = 1 + Math.floor(random() * 4); count > 0; count--) apexes.add(pick(random, APEXES.slice(random() < 0.1 ? 0 : 1)));
  return [...apexes].map((apex) => randomZone(random, apex, [...apexes]));
}

/** One zone; targets of its aliases and hosts lie in the zones of `apexes`, or nowhere. */
export function randomZone(random: Random, apex: string, apexes: readonly string[] = [apex]): RandomZone {
  const lines = new Map<string, { owner: string; type: string; ttl: number; datas: Set<string> }>();
  const keyOf = (owner: string, type: string) => `${owner.toLowerCase()} ${type}`;
  const typesAt = (owner: string) =>
    [...lines.values()].filter((each) => each.owner.toLowerCase() === owner.toLowerCase()).map((each) => each.type);
  const add = (owner: string, type: string, ...datas: readonly string[]) => {
    const there = typesAt(owner);
    if (type === 'CNAME' ? there.length > 0 : there.includes('CNAME')) return;
    const key = keyOf(owner, type);
    if (lines.has(key) && (type === 'DNAME' || type === 'SOA')) return;
    if (!lines.has(key)) lines.set(key, { owner, type, ttl: pick(random, [0, 60, 300, 86_400]), datas: new Set() });
    for (const data of datas) lines.get(key)!.datas.add(data);
  };
  const anywhere = () => (random() < 0.08 ? 'host.outside.invalid.' : randomName(random, random() < 0.7 ? apex : pick(random, apexes)));
  const owners = () => [...lines.values()].map((each) => each.owner);
  const target = () => (random() < 0.5 ? pick(random, owners()) : anywhere());
  const address = () => `192.0.2.${Math.floor(random() * 250)}`;

  add(
    apex,
    'SOA',
    `ns.${apex === '.' ? '' : apex} host.${apex === '.' ? '' : apex} 1 7200 900 1209600 ${pick(random, [0, 30, 300, 100_000])}`,
  );
  add(apex, 'NS', anywhere(), target());
  if (random() < 0.06) add(apex, 'DNAME', anywhere());
  for (let count = 3 + Math.floor(random() * 20); count > 0; count--) {
    const owner = random() < 0.3 ? pick(random, owners()) : randomName(random, apex);
    const isApex = owner.toLowerCase() === apex.toLowerCase();
    const draw = random();
    if (draw < 0.16) add(owner, 'CNAME', target());
    else if (draw < 0.26)
      add(owner, 'DNAME', random() < 0.1 ? `${LONG}.${LONG}.${LONG}.${pick(random, apexes)}`.replaceAll('..', '.') : target());
    else if (draw < 0.4) {
      if (isApex) continue;
      const inside = random() < 0.6 ? [`ns.${owner}`, random() < 0.5 ? owner : `b.${owner}`].filter((name) => name.length < 250) : [];
      const servers =
        random() < 0.07 ? Array.from({ length: 30 }, (_, at) => `n${at}.${owner}`).filter((name) => name.length < 250) : inside;
      add(owner, 'NS', target(), ...servers);
      for (const server of servers) {
        if (random() < 0.7) add(server, 'A', address());
        if (random() < 0.4) add(server, 'AAAA', '2001:db8::53');
      }
      if (random() < 0.4) add(owner, 'DS', `${Math.floor(random() * 65_535)} 13 2 ${'ab'.repeat(32)}`);
    } else if (draw < 0.6) add(owner, 'A', ...Array.from({ length: random() < 0.05 ? 60 : 1 + Math.floor(random() * 3) }, address));
    else if (draw < 0.68) add(owner, 'AAAA', `2001:db8::${Math.floor(random() * 9999)}`);
    else if (draw < 0.76)
      add(owner, 'TXT', ...Array.from({ length: random() < 0.15 ? 5 : 1 }, (_, at) => `"${'t'.repeat(Math.floor(random() * 240))}${at}"`));
    else if (draw < 0.84)
      add(
        owner,
        'MX',
        ...Array.from({ length: random() < 0.05 ? 25 : 1 + Math.floor(random() * 3) }, () => `10 ${random() < 0.06 ? '.' : target()}`),
      );
    else if (draw < 0.88) add(owner, 'SRV', ...Array.from({ length: random() < 0.3 ? 20 : 1 }, () => `0 0 25 ${target()}`));
    else if (draw < 0.92) add(owner, pick(random, ['HTTPS', 'SVCB']), `${pick(random, [0, 1])} ${random() < 0.4 ? '.' : target()}`);
    else if (draw < 0.94) add(owner, 'PTR', target());
    else if (draw < 0.96) add(owner, 'MINFO', `${target()} ${target()}`);
    else if (draw < 0.98) add(owner, 'TYPE65280', String.raw`\# 2 abcd`);
    else add(owner, 'RP', `${target()} ${target()}`);
  }

  const rrsets = [...lines.values()].map(({ owner, type, ttl, datas }) => toRrset(owner, type, ttl, [...datas]));
  const apexName = nameOf(apex);
  const text = [...lines.values()]
    .flatMap(({ owner, type, ttl, datas }) => [...datas].map((data) => `${owner} ${ttl} IN ${type} ${data}\n`))
    .join('');
  return { apex: apexName, rrsets, text, zone: memoryZone(apexName, rrsets) };
}

/** An RRset from presentation form; names in its data relative to `origin`. Throws for data that is malformed. */
export function toRrset(owner: string, type: string, ttl: number, datas: readonly string[], origin: Name = ROOT): Rrset {
  const code = typeCode(type);
  if (code === undefined) throw new Error(`no type ${type}`);
  const rdatas = datas.map((data) => {
    const parsed = parseRdataText(code, data, origin);
    if (!parsed.ok) throw new Error(`${owner} ${type} ${data}: ${parsed.problems[0]!.message}`);
    return parsed.value;
  });
  return { owner: nameOf(owner), type: code, ttl, rdatas: sortRdatas(code, rdatas) };
}

/** A zone written by hand: `owner TTL TYPE data` on each line, names absolute or relative to `apex`. */
export function zoneOf(apex: string, text: string): MemoryZone {
  const sets = new Map<string, { owner: string; type: string; ttl: number; datas: string[] }>();
  const suffix = apex === '.' ? '.' : `.${apex}`;
  const absolute = (name: string) => (name === '@' ? apex : name.endsWith('.') ? name : `${name}${suffix}`);
  for (const line of text.split('\n')) {
    const match = /^\s*([^\s;]\S*)\s+(\d+)\s+(\S+)\s+(.*\S)\s*$/.exec(line);
    if (match === null) continue;
    const [owner, ttl, type, data] = [absolute(match[1]!), Number(match[2]), match[3]!, match[4]!];
    const key = `${owner.toLowerCase()} ${type}`;
    if (!sets.has(key)) sets.set(key, { owner, type, ttl, datas: [] });
    sets.get(key)!.datas.push(data);
  }
  return memoryZone(
    nameOf(apex),
    [...sets.values()].map(({ owner, type, ttl, datas }) => toRrset(owner, type, ttl, datas, nameOf(apex))),
  );
}

/** Owners and everything near them: what a random question is about. */
export function nearbyName(random: Random, zones: readonly RandomZone[]): Name {
  const zone = pick(random, zones);
  const owner = formatName(pick(random, zone.rrsets).owner);
  const draw = random();
  if (draw < 0.35) return nameOf(owner);
  if (draw < 0.7) {
    const below = `${pick(random, [...LABELS, 'zz', 'ns', 'a.b', 'x.*'])}.${owner === '.' ? '' : owner}`;
    return nameOf(below.length > 253 ? owner : below);
  }
  if (draw < 0.8) return nameOf(owner.includes('.', 1) && owner.length > 2 ? owner.slice(owner.indexOf('.') + 1) || '.' : owner);
  if (draw < 0.97) return nameOf(randomName(random, formatName(zone.apex)));
  return nameOf('www.outside.invalid.');
}
