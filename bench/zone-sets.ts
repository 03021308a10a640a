/**
 * The zones that every server is given, and questions about them. All is made from numbers by hashing: the same every time.
 * `names`: one provider's zone (large-zone.ts) with as many names as asked for, and a zone of DKIM keys of the size mail has today.
 * `zones`: small mail domains, each a zone of its own.
 */
import { createHash } from 'node:crypto';
import { largeZone, largeZoneOwner } from './large-zone.ts';
import { type Random, pick } from './random.ts';

export interface Zone {
  /** Without the last dot. */
  readonly name: string;
  readonly lines: () => Iterable<string>;
}

export interface Ask {
  readonly name: string;
  readonly type: keyof typeof TYPES;
  /** This many octets of the first label are made anew for every query. */
  readonly random?: number;
}

export interface ZoneSet {
  readonly id: string;
  readonly title: string;
  readonly zones: readonly Zone[];
  /** Owner names in all zones, roughly. */
  readonly names: number;
  /** What resolvers ask: mostly what there is. */
  readonly mix: (random: Random) => Ask;
  /** Random names below a zone: the attack. */
  readonly flood: (random: Random) => Ask;
  readonly referral: (random: Random) => Ask;
  /** DKIM keys and long SPF records. */
  readonly largeText: (random: Random) => Ask;
}

export const TYPES = { A: 1, NS: 2, SOA: 6, MX: 15, TXT: 16, AAAA: 28, SRV: 33, DNSKEY: 48 } as const;

export const LARGE_ZONE = 'large.example';
export const KEYS_ZONE = 'keys.example';
/** Octets of an RSA public key in a DKIM record, by key size; one in four is the larger. */
const RSA_2048_OCTETS = 294;
const RSA_4096_OCTETS = 550;
/** Octets of one character-string. */
const STRING_MAX = 255;
/** A random label of the flood. */
const FLOOD_LABEL = 'x'.repeat(16);

/** One zone with `names` names. */
export function namesSet(names: number): ZoneSet {
  const keys = Math.max(20, Math.min(10_000, Math.floor(names / 10)));
  const flood = (): Ask => ({ name: `${FLOOD_LABEL}.${LARGE_ZONE}`, type: 'A', random: FLOOD_LABEL.length });
  return {
    id: `names-${names}`,
    title: `one zone with ${names.toLocaleString('en')} names`,
    names: names + 3 * keys,
    zones: [
      { name: LARGE_ZONE, lines: () => largeZone(names, `${LARGE_ZONE}.`) },
      { name: KEYS_ZONE, lines: () => keysZone(keys) },
    ],
    flood,
    mix(random) {
      const dice = random();
      if (dice < 0.08) return flood();
      if (dice < 0.09) return { name: LARGE_ZONE, type: pick(['SOA', 'NS', 'DNSKEY'], random) };
      return askOwner(Math.floor(random() * (names - 2)), random);
    },
    referral(random) {
      const number = Math.floor(random() * Math.floor((names - 2) / 20)) * 20 + 16 + Math.floor(random() * 3);
      return { name: `${pick(['www', 'mail', 'a.b'], random)}.${largeZoneOwner(number).label}.${LARGE_ZONE}`, type: 'A' };
    },
    largeText(random) {
      const user = `user-${Math.floor(random() * keys)}.${KEYS_ZONE}`;
      return { name: random() < 0.8 ? `s1._domainkey.${user}` : user, type: 'TXT' };
    },
  };
}

function askOwner(number: number, random: Random): Ask {
  const { label, kind } = largeZoneOwner(number);
  const name = `${label}.${LARGE_ZONE}`;
  if (kind < 9) return { name, type: random() < 0.6 ? 'A' : 'AAAA' };
  if (kind < 12) return { name, type: pick(['MX', 'MX', 'TXT', 'A'], random) };
  if (kind < 14) return { name: `s1._domainkey.${name}`, type: 'TXT' };
  if (kind < 16) return { name, type: 'A' };
  if (kind < 19) return { name: `www.${name}`, type: random() < 0.6 ? 'A' : 'AAAA' };
  return { name: `_submissions._tcp.${name}`, type: 'SRV' };
}

function* keysZone(keys: number): Generator<string> {
  yield* head(KEYS_ZONE);
  for (let each = 0; each < keys; each++) {
    yield `user-${each} TXT ${strings(`v=spf1 ${longSpf(each)} -all`)}`;
    yield `s1._domainkey.user-${each} TXT ${strings(dkimText(each))}`;
  }
}

/** `count` mail domains. */
export function zonesSet(count: number): ZoneSet {
  const nameOf = (number: number): string => `mail-${number}.example`;
  const any = (random: Random): string => nameOf(Math.floor(random() * count));
  const flood = (random: Random): Ask => ({ name: `${FLOOD_LABEL}.${any(random)}`, type: 'A', random: FLOOD_LABEL.length });
  const largeText = (random: Random): Ask => ({ name: `s1._domainkey.${any(random)}`, type: 'TXT' });
  return {
    id: `zones-${count}`,
    title: `${count.toLocaleString('en')} mail zones`,
    names: 10 * count,
    zones: Array.from({ length: count }, (_, number) => ({ name: nameOf(number), lines: () => mailZone(number, nameOf(number)) })),
    flood,
    largeText,
    referral: (random) => ({ name: `www.branch.${any(random)}`, type: 'A' }),
    mix(random) {
      const zone = any(random);
      const dice = random();
      if (dice < 0.08) return flood(random);
      if (dice < 0.3) return { name: zone, type: pick(['MX', 'MX', 'TXT', 'NS', 'SOA', 'A'], random) };
      if (dice < 0.5) return largeText(random);
      if (dice < 0.6) return { name: `_dmarc.${zone}`, type: 'TXT' };
      if (dice < 0.7) return { name: pick([`_mta-sts.${zone}`, `_smtp._tls.${zone}`], random), type: 'TXT' };
      if (dice < 0.75) return { name: `www.branch.${zone}`, type: 'A' };
      return { name: pick([`mail.${zone}`, `www.${zone}`], random), type: pick(['A', 'AAAA'], random) };
    },
  };
}

function* mailZone(number: number, name: string): Generator<string> {
  const [third, fourth] = [(number >> 8) & 255, number & 255];
  yield* head(name);
  yield `@ A 198.51.${third}.${fourth}`;
  yield '@ MX 10 mail';
  yield `@ TXT "v=spf1 mx ip4:198.51.${third}.${fourth} -all"`;
  yield `mail A 198.51.${third}.${fourth}`;
  yield `mail AAAA 2001:db8:${third.toString(16)}::${fourth.toString(16)}`;
  yield `www A 198.51.${third}.${fourth}`;
  yield `_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@${name}"`;
  yield `_mta-sts TXT "v=STSv1; id=2026${number}"`;
  yield `_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@${name}"`;
  yield `s1._domainkey TXT ${strings(dkimText(4 * number + 1))}`;
  yield 'branch NS ns.branch';
  yield `ns.branch A 203.0.113.${fourth}`;
}

function* head(zone: string): Generator<string> {
  yield `$ORIGIN ${zone}.`;
  yield '$TTL 3600';
  yield '@ SOA ns1 hostmaster 1 7200 900 1209600 900';
  yield '@ NS ns1';
  yield '@ NS ns2';
  yield 'ns1 A 192.0.2.1';
  yield 'ns2 A 192.0.2.2';
}

function dkimText(number: number): string {
  const octets = number % 4 === 0 ? RSA_4096_OCTETS : RSA_2048_OCTETS;
  const key = createHash('shake256', { outputLength: octets }).update(`key ${number}`).digest('base64');
  return `v=DKIM1; k=rsa; p=${key}`;
}

function longSpf(number: number): string {
  const octets = createHash('shake256', { outputLength: 32 }).update(`spf ${number}`).digest();
  return Array.from({ length: 16 }, (_, at) => `ip4:198.${18 + (octets[2 * at]! & 1)}.${octets[2 * at]}.${octets[2 * at + 1]}`).join(' ');
}

/** Text as quoted character-strings of at most 255 octets. */
function strings(text: string): string {
  return (text.match(new RegExp(`.{1,${STRING_MAX}}`, 'g')) ?? ['']).map((each) => `"${each}"`).join(' ');
}
