/**
 * Whether what was reported once is over, by what is known now: of those codes where something tells. The others are
 * over when they are acknowledged, or a week after the last report.
 * Not here: keeping alerts (book.ts).
 */
import { nameOf } from '#dns/name.ts';
import { type StoredAlert } from '#store/alerts/alerts.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type MetricFamily } from '#control/api/control.ts';

export interface KnownNow {
  readonly reader: Pick<StoreReader, 'zoneByName'>;
  readonly families: readonly MetricFamily[];
  /** How a zone from primaries fares: `current` when a primary has confirmed it. */
  readonly primaryState: (record: ZoneRecord) => string | undefined;
}

type Ends = (known: KnownNow, zone: ZoneRecord | undefined) => string | undefined;

const isCurrent: Ends = ({ primaryState }, zone) =>
  zone !== undefined && zone.secondary?.isExpired !== true && ['current', undefined].includes(primaryState(zone))
    ? 'a primary has confirmed the zone'
    : undefined;

const ENDS: Readonly<Record<string, Ends>> = {
  ZONE_EXPIRED: isCurrent,
  PRIMARY_FAILED: isCurrent,
  DNSSEC_PARENT: (known, zone) =>
    zone !== undefined && valueOf(known, 'waxseal_dnssec_ds_in_sync', zone.name) === 1
      ? 'every server of the parent has the right DS records'
      : undefined,
  CLOCK_WRONG: (known) =>
    valueOf(known, 'waxseal_dnssec_signing_possible') === 1 ? 'the clock is taken as right' : undefined,
  CLOCK_JUMPED: (known) =>
    valueOf(known, 'waxseal_clock_jump_seconds') === 0 ? 'the clock is right again' : undefined,
};

/** Why it is over; undefined: it is not, or nothing tells. */
export function reportEnd({ rule, zone }: StoredAlert, known: KnownNow): string | undefined {
  return ENDS[rule]?.(known, zone === undefined ? undefined : known.reader.zoneByName(nameOf(zone)));
}

function valueOf({ families }: KnownNow, metric: string, zone?: string): number | undefined {
  const samples = families.find(({ name }) => name === metric)?.samples ?? [];
  return samples.find(({ labels }) => labels['zone'] === zone)?.value;
}
