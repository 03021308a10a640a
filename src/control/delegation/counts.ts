/**
 * Delegations whose DS records follow CDS as numbers for Prometheus.
 * Not here: printing (admin/v1/health.ts).
 */
import { type MetricFamily } from '#control/api/control.ts';
import { type Children } from './children.ts';

export function delegationFamilies(children: Pick<Children, 'counts' | 'tally'>): readonly MetricFamily[] {
  const { looks, notified } = children.counts;
  const samples = (counts: Iterable<readonly [string, number]>) =>
    [...counts].map(([outcome, value]) => ({ labels: { outcome }, value }));
  return [
    {
      name: 'waxseal_dnssec_children',
      help: 'Delegations whose DS records follow CDS, by the last look; unknown: not looked at since the start.',
      type: 'gauge',
      samples: samples(children.tally()),
    },
    {
      name: 'waxseal_dnssec_child_looks_total',
      help: 'Looks at delegations by what they showed: none (no CDS), same, taken (the DS was changed), held.',
      type: 'counter',
      samples: samples(Object.entries(looks)),
    },
    {
      name: 'waxseal_dnssec_child_notifies_total',
      help: 'NOTIFY(CDS) messages about delegations whose DS records follow CDS.',
      type: 'counter',
      samples: [{ labels: {}, value: notified }],
    },
  ];
}
