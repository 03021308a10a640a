/**
 * Small random zones as text that NSD, Knot and BIND all load: few labels, so that names collide, nest and hide each other.
 * Makes: empty non-terminals, wildcards, alias chains and loops, DNAME, cuts with and without glue, occluded data, DS, unknown types.
 * Avoids what a peer refuses: apex servers without address (BIND), data beside a CNAME, data below a DNAME (Knot), NS or DNAME at a wildcard (BIND; undefined by RFC 4592 §4.2).
 */
import { pick, type Random } from './random.ts';

const LABELS = ['a', 'b', 'c', 'd'];
const LABELS_WITH_STAR = [...LABELS, ...LABELS, '*'];

function randomOwner(random: Random, starred: boolean): string {
  const depth = 1 + Math.floor(random() * random() * 5);
  return Array.from({ length: depth }, (_, at) =>
    pick(random, at === 0 && starred ? LABELS_WITH_STAR : random() < 0.04 ? ['*'] : LABELS),
  ).join('.');
}

/** `www.a` is at or below `a`. */
function isAtOrBelow(name: string, ancestor: string): boolean {
  return name === ancestor || name.endsWith(`.${ancestor}`);
}

/** A target of an alias or a mail exchanger: mostly in this zone, sometimes in a neighbour's or nowhere. */
function randomTarget(random: Random, neighbours: readonly string[]): string {
  const draw = random();
  if (draw < 0.06) return 'host.elsewhere.example.';
  if (draw < 0.16) return `${randomOwner(random, false)}.${pick(random, neighbours)}`;
  if (draw < 0.2) return '@';
  return randomOwner(random, false);
}

/** The text of one zone named `apex`. `neighbours` are other zones of the same run, for aliases across zones. */
export function randomZoneText(apex: string, random: Random, neighbours: readonly string[]): string {
  const ttl = () => pick(random, [60, 300, 3600]);
  const lines = new Map<string, string[]>();
  const add = (owner: string, ...records: string[]) => {
    const time = ttl();
    lines.set(owner, [...(lines.get(owner) ?? []), ...records.map((record) => `${owner} ${time} IN ${record}`)]);
  };
  const sealed: string[] = [];
  const count = 4 + Math.floor(random() * 14);
  for (let each = 0; each < count; each++) {
    const kind = random();
    const owner = randomOwner(random, true);
    const isWild = owner.split('.').includes('*');
    if (sealed.some((dname) => isAtOrBelow(owner, dname)) || lines.has(owner)) continue;
    if (kind < 0.22) add(owner, `CNAME ${randomTarget(random, neighbours)}`);
    else if (kind < 0.32) {
      // Nothing may be below a DNAME, neither now nor later.
      if (isWild || [...lines.keys()].some((other) => other !== owner && isAtOrBelow(other, owner))) continue;
      sealed.push(owner);
      add(owner, `DNAME ${randomTarget(random, neighbours)}`);
      if (random() < 0.3) add(owner, 'TXT "beside a DNAME"');
    } else if (kind < 0.5) {
      if (isWild) continue;
      const server = pick(random, [`ns.${owner}`, owner, randomOwner(random, false), 'ns.elsewhere.example.', `ns.b.${owner}`]);
      add(owner, `NS ${server}`, ...(random() < 0.3 ? [`NS ns2.${owner}`] : []));
      if (random() < 0.4) add(owner, `DS ${1 + Math.floor(random() * 60_000)} 13 2 ${'ab'.repeat(32)}`);
      if (random() < 0.2) add(owner, 'TXT "occluded"');
      // Glue, unless the place is taken by an alias or sealed by a DNAME.
      for (const host of [server, `ns2.${owner}`])
        if (
          !host.endsWith('.') &&
          isAtOrBelow(host, owner) &&
          !sealed.some((dname) => isAtOrBelow(host, dname)) &&
          random() < 0.8 &&
          !lines.get(host)?.some((line) => / (CNAME|A) /.test(line))
        )
          add(host, `A 192.0.2.${Math.floor(random() * 250)}`);
    } else {
      if (random() < 0.6)
        add(owner, ...Array.from({ length: 1 + Math.floor(random() * 2) }, (_, at) => `A 192.0.2.${100 * at + Math.floor(random() * 99)}`));
      if (random() < 0.4) add(owner, `AAAA 2001:db8::${Math.floor(random() * 9999)}`);
      if (random() < 0.4) add(owner, `TXT "${pick(random, ['one', 'two', 'three'])}"`);
      if (random() < 0.3) add(owner, `MX ${Math.floor(random() * 3) * 10} ${randomTarget(random, neighbours)}`);
      if (random() < 0.1) add(owner, `SRV 0 0 25 ${randomTarget(random, neighbours)}`);
      if (random() < 0.1) add(owner, String.raw`TYPE65280 \# 2 abcd`);
      if (!lines.has(owner)) add(owner, 'TXT "alone"');
    }
  }
  if (random() < 0.5) add('@', `MX 10 ${randomTarget(random, neighbours)}`);
  if (random() < 0.3) add('@', 'A 192.0.2.253');
  if (random() < 0.04 && [...lines.keys()].every((owner) => owner === '@')) add('@', `DNAME ${randomTarget(random, neighbours)}`);
  return [
    `$ORIGIN ${apex}`,
    `@ 3600 IN SOA ns.elsewhere.example. host.elsewhere.example. 1 7200 900 1209600 ${pick(random, [60, 300, 7200])}`,
    `@ 3600 IN NS ns.elsewhere.example.`,
    ...(random() < 0.3 ? ['@ 3600 IN NS nsx', 'nsx 3600 IN A 192.0.2.252'] : []),
    ...[...lines.values()].flat(),
    '',
  ].join('\n');
}

/** `count` zones `r0.test.` … with aliases between them. */
export function randomZoneTexts(count: number, random: Random): { name: string; text: string }[] {
  const names = Array.from({ length: count }, (_, at) => `r${at}.test.`);
  return names.map((name, at) => ({ name, text: randomZoneText(name, random, [names[(at + 1) % count]!, names[(at * 7 + 3) % count]!]) }));
}
