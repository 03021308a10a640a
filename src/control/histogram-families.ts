/**
 * A histogram as three families of Prometheus.
 * Not here: counting (base/measure/histogram.ts).
 */
import { type Histogram } from '#base/measure/histogram.ts';
import { type MetricFamily } from '#control/api/control.ts';

/** As Prometheus has a histogram: `_bucket`, `_sum`, `_count`. */
export function histogramFamilies(name: string, what: string, histogram: Histogram): MetricFamily[] {
  const { bounds, count, sum } = histogram;
  const buckets = bounds.map((bound, at) => ({ labels: { le: String(bound) }, value: histogram.countUpTo(at) }));
  const one = (suffix: string, help: string, value: number): MetricFamily => ({
    name: `${name}_${suffix}`,
    help,
    type: 'counter',
    samples: [{ labels: {}, value }],
  });
  return [
    {
      name: `${name}_bucket`,
      help: `Number of ${what}, that took at most \`le\` seconds.`,
      type: 'counter',
      samples: [...buckets, { labels: { le: '+Inf' }, value: count }],
    },
    one('sum', `Seconds of all ${what}.`, sum),
    one('count', `Number of ${what}.`, count),
  ];
}
