/**
 * Metrics of what must work without an operator: commits, signatures, life cycles, the configuration.
 * Not here: other families (metrics.ts, …/counts.ts), what each process takes (base/measure/own-process.ts).
 */
import { OVERDUE_AFTER_MS, OVERDUE_COUNTED_MAX } from '#base/limits/lifecycle.ts';
import { METRIC_ZONES_MAX } from '#base/limits/admin.ts';
import { lastReload } from '#base/measure/own-process.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type LifecycleClock } from '#control/lifecycle/clock.ts';
import { type Refreshable } from '#control/zone/refresh.ts';
import { histogramFamilies } from './histogram-families.ts';

export interface UpkeepFacts {
  readonly refreshable: Pick<Refreshable, 'signatures'>;
  readonly lifecycles: Pick<LifecycleClock, 'sources' | 'nowMs'> & {
    readonly counts?: Pick<LifecycleClock['counts'], 'families'>;
  };
}

export function upkeepFamilies(
  { commits }: Pick<Funnel, 'commits'>,
  { refreshable, lifecycles }: UpkeepFacts,
): readonly MetricFamily[] {
  const { seconds, failures } = commits;
  return [
    ...histogramFamilies('waxseal_store_commit_seconds', 'transactions of the store, until they are on disk', seconds),
    {
      name: 'waxseal_store_commit_failures_total',
      help: 'Transactions that failed. full: nothing was written for lack of space; broken: the process ends.',
      type: 'counter',
      samples: Object.entries(failures).map(([reason, value]) => ({ labels: { reason }, value })),
    },
    ...signatureFamilies(refreshable),
    overdueFamily(lifecycles),
    ...(lifecycles.counts?.families(lifecycles.nowMs() - OVERDUE_AFTER_MS) ?? []),
    ...reloadFamilies(),
  ];
}

/** Of each zone while they are few, else of the zone whose signatures end first. */
function signatureFamilies({ signatures }: UpkeepFacts['refreshable']): MetricFamily[] {
  const { endsAt = new Map<string, number>(), failures = 0 } = signatures ?? {};
  const ends = [...endsAt].map(([zone, seconds]) => ({ labels: { zone }, value: seconds }));
  const soonest = { labels: {}, value: ends.reduce((least, { value }) => Math.min(least, value), Infinity) };
  return [
    {
      name: 'waxseal_dnssec_signature_expiry_timestamp_seconds',
      help: 'When the signature ends that ends first, by zone; of all zones together when there are many.',
      type: 'gauge',
      samples: ends.length <= METRIC_ZONES_MAX ? ends : [soonest],
    },
    {
      name: 'waxseal_dnssec_refresh_failures_total',
      help: 'Sweeps of a zone that could not renew its signatures, since the start.',
      type: 'counter',
      samples: [{ labels: {}, value: failures }],
    },
  ];
}

function overdueFamily(lifecycles: UpkeepFacts['lifecycles']): MetricFamily {
  const untilMs = lifecycles.nowMs() - OVERDUE_AFTER_MS;
  return {
    name: 'waxseal_lifecycle_overdue_zones',
    help: `Zones whose next step should have been taken ten minutes ago, by subject; ${OVERDUE_COUNTED_MAX} at most.`,
    type: 'gauge',
    samples: lifecycles.sources.map((source) => ({
      labels: { subject: source.name },
      value: source.due(untilMs, OVERDUE_COUNTED_MAX).length,
    })),
  };
}

/** None before the first time. */
function reloadFamilies(): MetricFamily[] {
  const last = lastReload();
  const samples = (value: number) => (last === undefined ? [] : [{ labels: {}, value }]);
  return [
    {
      name: 'waxseal_config_last_reload_successful',
      help: '1 when the configuration was valid the last time that it was read again (HUP).',
      type: 'gauge',
      samples: samples(last?.isGood === true ? 1 : 0),
    },
    {
      name: 'waxseal_config_last_reload_timestamp_seconds',
      help: 'When that was.',
      type: 'gauge',
      samples: samples((last?.atMs ?? 0) / 1000),
    },
  ];
}
