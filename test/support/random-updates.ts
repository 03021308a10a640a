/** Random UPDATE messages as lines of update-client.ts, about few names, so that they meet each other. */
import { type Random, pick } from './random.ts';

const NAMES = ['@', 'a', 'b', 'c.a', 'd.c.a', '*.w', 'x.w', 'sub', 'ns1', 'ns2'];
const DATA: Readonly<Record<string, readonly string[]>> = {
  A: ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
  AAAA: ['2001:db8::1', '2001:db8::2'],
  TXT: ['"one"', '"two"', '"a" "b"', '"ONE"'],
  MX: ['10 mx.outside.test.', '20 mx2.outside.test.', '10 MX.outside.test.'],
  CNAME: ['ns1', 'a', 'B'],
  SRV: ['1 2 3 ns.outside.test.', '1 2 3 ns2.outside.test.'],
  CAA: ['0 issue "ca.test"'],
};
const TYPES = Object.keys(DATA);
/** Outside: BIND and waxseal reject a change that leaves a server of the zone without an address, Knot takes it. */
const SERVERS = ['ns.outside.test.', 'ns2.outside.test.', 'ns3.outside.test.'];

function dataOf(random: Random): string {
  const type = pick(random, TYPES);
  return `${type} ${pick(random, DATA[type]!)}`;
}

function prerequisite(random: Random): string {
  const name = pick(random, NAMES);
  switch (Math.floor(random() * 5)) {
    case 0:
      return `yx ${name}`;
    case 1:
      return `nx ${name}`;
    case 2:
      return `yx ${name} ${pick(random, TYPES)}`;
    case 3:
      return `nx ${name} ${pick(random, TYPES)}`;
    default:
      return `yx ${name} ${dataOf(random)}`;
  }
}

function update(random: Random): string {
  const name = pick(random, NAMES);
  const choice = random();
  if (choice < 0.5) return `add ${name} ${pick(random, ['60', '300', '0'])} ${dataOf(random)}`;
  if (choice < 0.6) return `del ${name} ${dataOf(random)}`;
  if (choice < 0.72) return `del ${name} ${pick(random, [...TYPES, 'NS', 'SOA'])}`;
  if (choice < 0.8) return `del ${name}`;
  if (choice < 0.84) return `add @ 300 NS ${pick(random, SERVERS)}`;
  if (choice < 0.88) return `del @ NS ${pick(random, SERVERS)}`;
  if (choice < 0.92) return 'add sub 300 NS ns.outside.test.';
  if (choice < 0.95) return 'del sub NS ns.outside.test.';
  if (choice < 0.97) return 'add outside.example. 60 A 192.0.2.1';
  return 'del @ SOA ns1 host 1 2 3 4 5';
}

/** One message: some prerequisites, mostly few updates. */
export function randomUpdate(random: Random): string {
  const prerequisites = Array.from({ length: random() < 0.6 ? 0 : 1 + Math.floor(random() * 2) }, () => prerequisite(random));
  const updates = Array.from({ length: Math.floor(random() * 5) }, () => update(random));
  return [...prerequisites, ...updates].join('\n');
}
