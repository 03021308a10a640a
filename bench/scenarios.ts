/** What is measured: which questions, over which transport, of which zones. */
import { type Load } from './generator.ts';
import { type Random } from './random.ts';
import { type Ask, type ZoneSet, namesSet, zonesSet } from './zone-sets.ts';

export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly signed: boolean;
  readonly zones: ZonesKind;
  readonly load: Pick<Load, 'mode'> & Partial<Load>;
  readonly ask: (set: ZoneSet) => (random: Random) => Ask;
  /** In the short run too. */
  readonly quick: boolean;
  /** Servers that cannot take part, by id: what they do not do. */
  readonly without: readonly string[];
}

/** One zone of usual size; one large zone; many small ones. */
export type ZonesKind = 'names' | 'many-names' | 'many-zones';

export interface ZoneSizes {
  readonly names: number;
  readonly manyNames: number;
  readonly manyZones: number;
}

export function zoneSetOf(kind: ZonesKind, { names, manyNames, manyZones }: ZoneSizes): ZoneSet {
  if (kind === 'many-zones') return zonesSet(manyZones);
  return namesSet(kind === 'many-names' ? manyNames : names);
}

/** Queries of a file; the generator goes round and round in it. */
export const QUERIES = 100_000;

/** TCP: so many connections, each with so many queries under way. */
const PIPELINE = { mode: 'pipeline', connections: 16, window: 32, sources: 16 } as const;
/** Client addresses: servers cap what one address may have open, and every address has ports of its own. */
const CONNECT = { mode: 'connect', connections: 64, sources: 64 } as const;
const UDP = { mode: 'udp' } as const;

const mix = (set: ZoneSet) => set.mix;
const flood = (set: ZoneSet) => set.flood;
const referral = (set: ZoneSet) => set.referral;
const largeText = (set: ZoneSet) => set.largeText;
const plain = { signed: false, zones: 'names', load: UDP, quick: true, without: ['echo'] } as const;
const signed = { ...plain, signed: true } as const;

export const SCENARIOS: readonly Scenario[] = [
  { ...plain, id: 'unsigned-mix', title: 'Unsigned zone, mixed questions', ask: mix, without: [] },
  { ...plain, id: 'unsigned-flood', title: 'Unsigned zone, flood of random names', ask: flood },
  { ...plain, id: 'unsigned-referrals', title: 'Unsigned zone, referrals', ask: referral },
  { ...plain, id: 'unsigned-large-text', title: 'Unsigned zone, DKIM keys and long SPF', ask: largeText, quick: false },
  { ...plain, id: 'tcp-pipelined', title: 'TCP, pipelined, unsigned mix', ask: mix, load: PIPELINE },
  { ...plain, id: 'tcp-connect', title: 'TCP, one question for each connection', ask: mix, load: CONNECT },
  { ...signed, id: 'signed-mix', title: 'Signed zone, mixed questions with DO', ask: mix },
  { ...signed, id: 'signed-flood', title: 'Signed zone, flood of random names with DO', ask: flood },
  { ...signed, id: 'signed-referrals', title: 'Signed zone, referrals with DO', ask: referral, quick: false },
  { ...signed, id: 'signed-large-text', title: 'Signed zone, DKIM keys and long SPF with DO', ask: largeText },
  { ...signed, id: 'signed-tcp-pipelined', title: 'TCP, pipelined, signed mix with DO', ask: mix, load: PIPELINE, quick: false },
  { ...plain, id: 'unsigned-mix-1m', title: 'Unsigned mix, a large zone', ask: mix, zones: 'many-names', quick: false },
  { ...signed, id: 'signed-mix-1m', title: 'Signed mix, a large zone', ask: mix, zones: 'many-names', quick: false },
  { ...signed, id: 'signed-flood-1m', title: 'Signed flood, a large zone', ask: flood, zones: 'many-names', quick: false },
  { ...plain, id: 'unsigned-mix-10k-zones', title: 'Unsigned mix, many small zones', ask: mix, zones: 'many-zones', quick: false },
  { ...signed, id: 'signed-mix-10k-zones', title: 'Signed mix, many small zones', ask: mix, zones: 'many-zones', quick: false },
];
