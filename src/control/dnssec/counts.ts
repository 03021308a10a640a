/**
 * Keys, rollovers and DS records as numbers for Prometheus, with a bounded number of labels.
 * Not here: printing (admin/v1/health.ts).
 */
import { METRIC_ZONES_MAX } from '#base/limits/admin.ts';
import { DNSSEC_METRIC_ROLLOVERS_MAX } from '#base/limits/dnssec.ts';
import { nameOf } from '#dns/name.ts';
import { rolloversOf } from '#dnssec/rollover/state.ts';
import { readFreeze } from '#store/dnssec/policies.ts';
import { readRolloverState } from '#store/dnssec/rollovers.ts';
import { unlessDamaged } from '#store/failure.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord, isSignedHere } from '#store/schema.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { type CdsNotifier } from './cds-notifier.ts';
import { type ParentServers } from './parent.ts';
import { type ServedCounts } from './served-sampler.ts';

export interface DnssecCountsInput {
  readonly reader: StoreReader;
  readonly parents: Pick<ParentServers, 'found'>;
  readonly served: ServedCounts;
  readonly notified: CdsNotifier['counts'];
  /** Wall time minus counted time. */
  readonly wallOffsetMs: number;
  /** How far the wall clock is from what it should be, and whether it may be signed. */
  readonly clock: { readonly jumpMs: number; readonly mayBeSigned: boolean };
}

type Sample = MetricFamily['samples'][number];

export function dnssecFamilies({
  reader,
  parents,
  served,
  notified,
  wallOffsetMs,
  clock,
}: DnssecCountsInput): MetricFamily[] {
  const signed = reader.zones().filter(isSignedHere);
  const keys = new Tally('role', 'stage');
  for (const record of signed) for (const { role, state } of record.keys) keys.add(role, state);
  const inSync = signed.map((record) => ({ record, isGood: isInSync(record, parents) }));
  const ds = new Tally('ds');
  for (const { isGood } of inSync) ds.add(isGood === undefined ? 'unknown' : isGood ? 'good' : 'bad');
  const { rollovers, held, oldest } = rolloverCounts(reader, signed, wallOffsetMs);
  const isFrozen = readFreeze(reader) !== undefined;
  return [
    gauge('waxseal_dnssec_keys', 'Keys of signed zones by role and stage.', keys.samples),
    gauge('waxseal_dnssec_rollovers', 'Key rollovers under way, by kind and stage.', rollovers.samples),
    gauge(
      'waxseal_dnssec_rollovers_held',
      'Zones whose rollovers are held; all signed zones while everything is held.',
      [{ labels: {}, value: isFrozen ? signed.length : held }],
    ),
    gauge(
      'waxseal_dnssec_rollover_stage_timestamp_seconds',
      `Since when rollovers are in their stage, the ${METRIC_ZONES_MAX} that are there longest.`,
      oldest,
    ),
    gauge(
      'waxseal_dnssec_parents',
      'Signed zones by what the last look at the parent showed of their DS records.',
      ds.samples,
    ),
    ...(signed.length > METRIC_ZONES_MAX
      ? []
      : [
          gauge(
            'waxseal_dnssec_ds_in_sync',
            '1 when every server of the parent had right DS records at the last look; left out with many zones.',
            inSync.flatMap(({ record, isGood }) =>
              isGood === undefined ? [] : [{ labels: { zone: record.name }, value: isGood ? 1 : 0 }],
            ),
          ),
        ]),
    byResult(
      'waxseal_dnssec_served_checks_total',
      'Looks at what a zone is served as, over the network: good, bad, or silent (nothing was learnt).',
      served,
    ),
    byResult(
      'waxseal_dnssec_cds_notify_total',
      'Tries to tell a parent of new CDS: acknowledged, again (no reply or a refusal), none (no endpoint).',
      notified,
    ),
    gauge('waxseal_dnssec_signing_possible', '0 while the clock is too far off for anything to be signed.', [
      { labels: {}, value: clock.mayBeSigned ? 1 : 0 },
    ]),
    gauge(
      'waxseal_clock_jump_seconds',
      'How far the wall clock has jumped from the uptime and from commits; 0: less than a minute.',
      [{ labels: {}, value: clock.jumpMs / 1000 }],
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, help, type: 'gauge', samples };
}

function byResult(name: string, help: string, counts: Readonly<Record<string, number>>): MetricFamily {
  const samples = Object.entries(counts).map(([result, value]) => ({ labels: { result }, value }));
  return { name, help, type: 'counter', samples };
}

function rolloverCounts(reader: StoreReader, signed: readonly ZoneRecord[], wallOffsetMs: number) {
  const rollovers = new Tally('kind', 'stage');
  const all: { readonly labels: Sample['labels']; readonly sinceMs: number }[] = [];
  let held = 0;
  for (const { id, name: zone } of signed.slice(0, DNSSEC_METRIC_ROLLOVERS_MAX)) {
    const state = unlessDamaged(() => readRolloverState(reader, id), undefined);
    if (state === undefined) continue;
    if (state.rollovers.ksk.hold !== undefined) held++;
    for (const { kind, object } of rolloversOf(state)) {
      rollovers.add(kind, object.stage);
      all.push({ labels: { zone, kind, stage: object.stage }, sinceMs: object.enteredAtMs + wallOffsetMs });
    }
  }
  const longest = all.toSorted((a, b) => a.sinceMs - b.sinceMs).slice(0, METRIC_ZONES_MAX);
  return { rollovers, held, oldest: longest.map(({ labels, sinceMs }) => ({ labels, value: sinceMs / 1000 })) };
}

/** Undefined: the parent was not looked at since the start. */
function isInSync({ name }: ZoneRecord, parents: Pick<ParentServers, 'found'>): boolean | undefined {
  const servers = parents.found(nameOf(name))?.servers ?? [];
  return servers.length === 0 ? undefined : servers.every(({ problem }) => problem === undefined);
}

/** Counts by the values of one or two labels. */
class Tally {
  readonly #labels: readonly string[];
  readonly #counts = new Map<string, { readonly labels: Record<string, string>; value: number }>();

  constructor(...labels: readonly string[]) {
    this.#labels = labels;
  }

  add(...values: readonly string[]): void {
    const key = values.join(' ');
    const labels = Object.fromEntries(this.#labels.map((label, at) => [label, values[at]!]));
    const found = this.#counts.get(key) ?? { labels, value: 0 };
    this.#counts.set(key, found);
    found.value++;
  }

  get samples(): readonly Sample[] {
    return [...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, sample]) => sample);
  }
}
