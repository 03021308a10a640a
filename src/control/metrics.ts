/**
 * Everything there is to count, as Prometheus families: base units, `_total` on counters, bounded labels.
 * Not here: counting itself (server/counters.ts, answer/count/counters.ts), printing (admin/v1/health.ts).
 */
import { type Role, type WorkerCounters } from '#base/ipc/messages.ts';
import { usageSlots, usageTable } from '#base/measure/own-process.ts';
import { METRIC_ZONES_MAX } from '#base/limits/admin.ts';
import { rcodeName } from '#dns/reply.ts';
import { RCODE } from '#dns/types.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type ControlStatus, type MetricFamily } from '#control/api/control.ts';

/** How a counter slot of the answer process is shown. process/ gives it: control/ does not know the public side. */
export type CounterTable = Readonly<
  Record<
    string,
    { readonly name: string; readonly help: string; readonly type: 'counter' | 'gauge'; readonly labels: Readonly<Record<string, string>> }
  >
>;

export interface MetricsInput {
  readonly status: ControlStatus;
  readonly zones: readonly ZoneRecord[];
  readonly signatures: number;
  readonly selfCheckFailures: number;
  readonly commandsWaiting: number;
  readonly counters: readonly WorkerCounters[];
  /** Messages that were dropped, by who sent them. */
  readonly dropped: ReadonlyMap<Role, number>;
  readonly counterTable: CounterTable;
}

const ROLES: readonly Role[] = ['answer', 'policy-host'];

/** Of this process, beside those of the workers. */
const OWN = (): WorkerCounters => ({ id: 0, values: usageSlots('control') });

type Sample = MetricFamily['samples'][number];

/** The families, counters of all workers summed. */
export function metricFamilies(input: MetricsInput): readonly MetricFamily[] {
  const { status, zones } = input;
  const one = (
    name: string,
    help: string,
    type: 'counter' | 'gauge',
    value: number,
    labels: Readonly<Record<string, string>> = {},
  ): MetricFamily => ({
    name,
    help,
    type,
    samples: [{ labels, value }],
  });
  return [
    one('waxseal_build_info', 'Version that runs, as a label.', 'gauge', 1, { version: status.version }),
    one('waxseal_start_time_seconds', 'When the control process started.', 'gauge', status.startedAtMs / 1000),
    one('waxseal_ready', '1 when DNS is answered from the newest data.', 'gauge', status.notReady.length === 0 ? 1 : 0),
    one('waxseal_changes_possible', '1 when the store has space for changes.', 'gauge', status.noChanges.length === 0 ? 1 : 0),
    one('waxseal_zones', 'Zones served.', 'gauge', status.zoneCount),
    one('waxseal_workers_alive', 'Answer workers alive.', 'gauge', status.workers.filter((each) => each.alive).length),
    one('waxseal_store_generation', 'Changes committed since the store was made.', 'gauge', status.generation),
    one('waxseal_store_size_bytes', 'Size of the store file.', 'gauge', status.store.sizeBytes),
    one('waxseal_store_free_bytes', 'Free space on the file system of the store.', 'gauge', status.store.freeBytes),
    one('waxseal_commands_waiting', 'Changes that wait for the writer.', 'gauge', input.commandsWaiting),
    one('waxseal_dnssec_signatures_total', 'Signatures made since the control process started.', 'counter', input.signatures),
    one(
      'waxseal_dnssec_selfcheck_failures_total',
      'Changes refused because fresh signatures failed their check.',
      'counter',
      input.selfCheckFailures,
    ),
    ...(zones.length <= METRIC_ZONES_MAX
      ? [
          {
            name: 'waxseal_zone_serial',
            help: 'SOA serial of each zone; left out when there are many.',
            type: 'gauge' as const,
            samples: zones.map(({ name, serial }) => ({ labels: { zone: name }, value: serial })),
          },
        ]
      : []),
    {
      name: 'waxseal_process_messages_dropped_total',
      help: 'Messages of a process of this server that have not the form of ours.',
      type: 'counter',
      samples: ROLES.map((role) => ({ labels: { process: role }, value: input.dropped.get(role) ?? 0 })),
    },
    ...workerFamilies([...input.counters, OWN()], { ...usageTable('control'), ...input.counterTable }),
  ];
}

/** UPDATE messages with a known key, by what they were answered. */
export function updateFamily(counts: ReadonlyMap<number, number>): MetricFamily {
  return {
    name: 'waxseal_updates_total',
    help: 'UPDATE messages that were answered by the control process, by rcode.',
    type: 'counter',
    samples: UPDATE_RCODES.map((rcode) => ({ labels: { rcode: rcodeName(rcode) }, value: counts.get(rcode) ?? 0 })),
  };
}

const UPDATE_RCODES: readonly number[] = Object.values(RCODE).filter((rcode) => rcode <= RCODE.NOTZONE);

function workerFamilies(counters: readonly WorkerCounters[], table: CounterTable): MetricFamily[] {
  const families = new Map<string, MetricFamily & { samples: Sample[] }>();
  for (const [slot, { name, help, type, labels }] of Object.entries(table)) {
    // What a process may not look at it does not tell.
    if (slot.startsWith('usage.') && !counters.some(({ values }) => slot in values)) continue;
    const value = counters.reduce((sum, worker) => sum + (worker.values[slot] ?? 0), 0);
    const family = families.get(name);
    if (family === undefined) families.set(name, { name, help, type, samples: [{ labels, value }] });
    else family.samples.push({ labels, value });
  }
  return [...families.values()];
}
