/**
 * Streams that a primary that was taken over may send: good transfers with octets, records, messages and order changed. Whatever
 * comes, there is a verdict, nothing throws, and what is taken is a zone that the plan can hold.
 */
import { ZONE, message, record, soa } from '../transfer-messages.ts';
import { type Random, pick } from '../random.ts';
import { TYPE } from '#dns/types.ts';

export interface FuzzStream {
  readonly since: number | undefined;
  readonly messages: readonly Buffer[];
}

const OWNERS = ['@', 'ns', 'a.b.c', '*.w', 'sub', 'x.sub', '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom', 'evil.example.', '_smtp._tls'];
const HASH = '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom';
const RDATA = [
  'A 192.0.2.1',
  'AAAA 2001:db8::1',
  'NS ns',
  'CNAME ns',
  'DNAME ns',
  'MX 10 ns',
  'TXT "x"',
  'TYPE65280 \\# 4 c0000201',
  'DS 1 13 2 abababababababababababababababababababababababababababababababab',
  'NSEC ns A RRSIG NSEC',
  `NSEC3 1 0 0 - ${HASH} A RRSIG`,
  `NSEC3 1 1 5 ab ${HASH} A`,
  'NSEC3PARAM 1 0 0 -',
  'RRSIG A 13 2 60 20300101000000 20200101000000 1 z.example. AAAA',
  'RRSIG SOA 13 2 60 20300101000000 20200101000000 1 z.example. AAAA',
  `ZONEMD 2 1 1 ${'ab'.repeat(48)}`,
] as const;

export const ASKED = { id: 9, apex: ZONE, type: TYPE.IXFR };

export function randomStream(random: Random): FuzzStream {
  const since = random() < 0.6 ? 1 : undefined;
  const lines = random() < 0.5 ? wholeLines(random) : stepLines(random);
  for (let edits = Math.floor(random() * 3); edits > 0; edits--) editLines(lines, random);
  const messages: Buffer[] = [];
  for (let at = 0; at < lines.length || messages.length === 0;) {
    const count = 1 + Math.floor(random() * 12);
    const part = lines.slice(at, at + count);
    const octets = message({ ...ASKED, lines: part, question: messages.length === 0 || random() < 0.3 });
    messages.push(random() < 0.1 ? spoiled(octets, random) : octets);
    at += count;
  }
  return { since, messages };
}

function randomLine(random: Random): string {
  return `${pick(random, OWNERS)} ${pick(random, ['0', '60', '4294967295'])} ${pick(random, RDATA)}`;
}

function wholeLines(random: Random): string[] {
  // Most are short: a long one is seldom a zone that is taken. Nor is one whose name server has no address.
  const body = Array.from({ length: Math.floor(30 * random() ** 2) }, () => randomLine(random));
  const address = random() < 0.8 ? ['ns 60 A 192.0.2.1'] : [];
  return [soa(3), '@ 60 NS ns', ...address, ...body, soa(3)];
}

function stepLines(random: Random): string[] {
  const changes = (): string[] => Array.from({ length: Math.floor(random() * 4) }, () => randomLine(random));
  return [soa(3), soa(1), ...changes(), soa(2), ...changes(), soa(2), ...changes(), soa(3), ...changes(), soa(3)];
}

function editLines(lines: string[], random: Random): void {
  const at = Math.floor(random() * lines.length);
  if (random() < 0.4) lines.splice(at, 1);
  else if (random() < 0.5) lines.splice(at, 0, soa(Math.floor(random() * 5)));
  else lines.splice(at, 0, lines[Math.floor(random() * lines.length)]!);
}

function spoiled(octets: Buffer, random: Random): Buffer {
  const copy = Buffer.from(octets);
  for (let count = 1 + Math.floor(random() * 4); count > 0; count--)
    copy[2 + Math.floor(random() * (copy.length - 2))] = Math.floor(random() * 256);
  return random() < 0.2 ? copy.subarray(0, Math.floor(random() * copy.length)) : copy;
}

/** What is here before. */
export const HELD = [soa(1), '@ 60 NS ns', 'ns 60 A 192.0.2.1', 'a.b.c 60 A 192.0.2.2'].map(record);

export function formatStream({ since, messages }: FuzzStream): string {
  return `${since ?? '-'} ${messages.map((each) => each.toString('hex')).join(' ')}`;
}
