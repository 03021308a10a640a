/**
 * The questions a differential run asks about a zone: every owner and everything around it that could be mixed up with it.
 * Reads owners and targets out of zone text in the simple form of our fixtures and generator: one record per line, owner always written.
 */
import { type QueryShape, nameToWire } from './wire.ts';
import { type Random, pick } from './random.ts';

const TYPES = ['A', 'AAAA', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'SRV', 'DNAME', 'DS', 'ANY', 'NSEC', 'RRSIG', 'PTR', 'TYPE65280', 'HTTPS'];

/** Types that make up most of what matters; the rest is asked less often at names that are not owners. */
const USUAL_TYPES = ['A', 'A', 'TXT', 'NS', 'MX', 'CNAME', 'DNAME', 'DS', 'ANY'];

const TARGET = /\s(?:CNAME|DNAME|NS|PTR|MX\s+\d+|SRV\s+\d+\s+\d+\s+\d+|KX\s+\d+|AFSDB\s+\d+)\s+(\S+)\s*$/;

function labelsOf(name: string): string[] {
  return name === '.' ? [] : (name.slice(0, -1).match(/(?:\\\d{3}|\\.|[^\\.])+/g) ?? []);
}

function fromLabels(labels: readonly string[]): string {
  return `${labels.join('.')}.`;
}

/** Whether the name fits: 63 octets in a label, 255 in all (RFC 1035 §2.3.4). */
function fits(name: string): boolean {
  const wire = nameToWire(name);
  if (wire.length > 255) return false;
  for (let at = 0; wire[at] !== 0; at += wire[at]! + 1) if (wire[at]! > 63 || at > 255) return false;
  return true;
}

/** Owners and targets in the zone text, absolute, each once. */
export function namesInZone(apex: string, text: string): { owners: string[]; targets: string[] } {
  const owners = new Set<string>([apex]);
  const targets = new Set<string>();
  const absolute = (name: string) => (name === '@' ? apex : name === '.' || /(?<!\\)\.$/.test(name) ? name : `${name}.${apex}`);
  for (const line of text.split('\n')) {
    const owner = /^[^\s;$]\S*/.exec(line)?.[0];
    if (owner === undefined) continue;
    owners.add(absolute(owner));
    const target = TARGET.exec(line)?.[1];
    if (target !== undefined) targets.add(absolute(target));
  }
  return { owners: [...owners], targets: [...targets] };
}

/** Names worth asking: owners, targets, and their children, siblings, ancestors and wildcard expansions. */
export function candidateNames(apex: string, text: string, random: Random): { owners: string[]; around: string[] } {
  const { owners, targets } = namesInZone(apex, text);
  const apexLength = labelsOf(apex).length;
  const around = new Set(targets);
  for (const owner of owners) {
    const labels = labelsOf(owner);
    around.add(fromLabels(['q', ...labels]));
    around.add(fromLabels([pick(random, ['a', 'b', '*', '_x']), pick(random, ['a', 'c', 'zz', '*']), ...labels]));
    if (labels.length > apexLength) {
      around.add(fromLabels(['zz', ...labels.slice(1)]));
      around.add(fromLabels([`${labels[0]!}0`, ...labels.slice(1)]));
      for (let up = 1; up < labels.length - apexLength && up < 4; up++) around.add(fromLabels(labels.slice(up)));
    }
    const star = labels.indexOf('*');
    if (star >= 0 && star < labels.length - apexLength) {
      around.add(fromLabels(labels.map((label) => (label === '*' ? 'w' : label))));
      around.add(fromLabels(labels.flatMap((label) => (label === '*' ? ['v', 'w'] : [label]))));
      around.add(fromLabels(labels.slice(star)));
    }
  }
  for (const owner of owners) around.delete(owner);
  return { owners: owners.filter((name) => fits(name)), around: [...around].filter((name) => fits(name)) };
}

/** Each letter in random case (0x20): answers must not depend on it, and the question must come back as sent. */
export function randomCase(name: string, random: Random): string {
  return name.replaceAll(/\\\d{3}|[a-z]/gi, (part) => (part.length > 1 || random() < 0.5 ? part : part.toUpperCase()));
}

const EDNS_SIZES = [undefined, 512, 1232, 1232, 4096] as const;

/** Varies what has nothing to do with the name: case, EDNS, DO, flags. */
function dress(name: string, type: string, random: Random): QueryShape {
  const size = pick(random, EDNS_SIZES);
  return {
    name: random() < 0.5 ? name : randomCase(name, random),
    type,
    flags: (random() < 0.2 ? 0x0100 : 0) | (random() < 0.1 ? 0x0020 : 0) | (random() < 0.1 ? 0x0010 : 0),
    ...(size === undefined ? {} : { edns: { size, dnssecOk: random() < 0.3 } }),
  };
}

/** Every owner with every type, everything around with some types. */
export function exhaustiveQueries(apex: string, text: string, random: Random): QueryShape[] {
  const { owners, around } = candidateNames(apex, text, random);
  return [
    ...owners.flatMap((name) => TYPES.map((type) => dress(name, type, random))),
    ...around.flatMap((name) => [
      dress(name, 'A', random),
      dress(name, pick(random, USUAL_TYPES), random),
      dress(name, pick(random, TYPES), random),
    ]),
  ];
}

/** `count` questions drawn from the same set. */
export function randomQueries(apex: string, text: string, count: number, random: Random): QueryShape[] {
  const { owners, around } = candidateNames(apex, text, random);
  return Array.from({ length: count }, () =>
    dress(
      random() < 0.5 ? pick(random, owners) : pick(random, around),
      random() < 0.6 ? pick(random, USUAL_TYPES) : pick(random, TYPES),
      random,
    ),
  );
}
