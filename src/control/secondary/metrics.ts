/** Zones from primaries, as Prometheus families. Not here: printing them (admin/v1/health.ts). */
import { type ZoneRecord } from '#store/schema.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { type SecondaryKeeper } from './keeper.ts';
import { type TransferPlaces } from './places.ts';

const STATES = ['waiting', 'current', 'failing', 'expired'] as const;

export function secondaryFamilies(
  zones: readonly ZoneRecord[],
  keeper: SecondaryKeeper,
  places: TransferPlaces,
): readonly MetricFamily[] {
  const states = zones.map((zone) => keeper.state(zone));
  const { counts } = keeper;
  const counter = (name: string, help: string, value: number): MetricFamily => ({
    name,
    help,
    type: 'counter',
    samples: [{ labels: {}, value }],
  });
  return [
    {
      name: 'waxseal_secondary_zones',
      help: 'Zones that come from primaries, by state.',
      type: 'gauge',
      samples: STATES.map((state) => ({ labels: { state }, value: states.filter((each) => each === state).length })),
    },
    {
      name: 'waxseal_transfers_in_running',
      help: 'Transfers from primaries under way.',
      type: 'gauge',
      samples: [{ labels: {}, value: places.count }],
    },
    counter('waxseal_secondary_checks_total', 'Looks at the primaries of zones.', counts.checks),
    counter(
      'waxseal_secondary_failures_total',
      'Looks in which no primary gave or confirmed the zone.',
      counts.failures,
    ),
    counter('waxseal_transfers_in_total', 'Transfers from primaries that were taken in.', counts.transfers),
    counter('waxseal_notify_in_total', 'NOTIFY messages of primaries that were followed.', counts.notified),
  ];
}
