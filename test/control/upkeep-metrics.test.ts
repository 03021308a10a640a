/** Metrics of what must work without an operator: commits, signatures, life cycles, the configuration. */
import { describe, expect, test } from 'vitest';
import { METRIC_ZONES_MAX } from '#base/limits/admin.ts';
import { OVERDUE_AFTER_MS } from '#base/limits/lifecycle.ts';
import { noteReload } from '#base/measure/own-process.ts';
import { Commits } from '#control/funnel/commits.ts';
import { type UpkeepFacts, upkeepFamilies } from '#control/upkeep-metrics.ts';
import { Refresher } from '#control/zone/refresh.ts';
import { createLog } from '#base/log.ts';
import { type DueSource } from '#control/lifecycle/due-source.ts';
import { nameOf } from '#dns/name.ts';
import { StoreFailure } from '#store/failure.ts';
import { WHOLE } from '#base/place.ts';
import { good, temporaryControl } from '../support/temporary-control.ts';

const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';
const NONE: UpkeepFacts = { refreshable: {}, lifecycles: { sources: [], nowMs: () => 0 } };

function samplesOf({ commits = new Commits(), ...facts }: Partial<UpkeepFacts> & { commits?: Commits }, name: string) {
  return upkeepFamilies({ commits }, { ...NONE, ...facts }).find((family) => family.name === name)?.samples;
}

describe('commits', () => {
  test('each transaction of the store is timed, and one that failed is counted by its reason', () => {
    const commits = new Commits();
    commits.done(performance.now() - 30);
    for (const code of ['STORE_FULL', 'STORE_FULL', 'STORE_BROKEN', 'STORE_LIMIT'] as const)
      commits.failed(new StoreFailure(code, WHOLE, 'no', 'none'));
    const buckets = samplesOf({ commits }, 'waxseal_store_commit_seconds_bucket')!;
    expect(buckets.find(({ labels }) => labels['le'] === '0.025')?.value).toBe(0);
    expect(buckets.at(-1)).toEqual({ labels: { le: '+Inf' }, value: 1 });
    expect(samplesOf({ commits }, 'waxseal_store_commit_failures_total')).toEqual([
      { labels: { reason: 'full' }, value: 2 },
      { labels: { reason: 'broken' }, value: 1 },
      { labels: { reason: 'other' }, value: 1 },
    ]);
  });

  test('changes of a real store are in it, dry runs are not', async () => {
    const room = temporaryControl();
    const { control } = room;
    const count = () => control.metrics().find(({ name }) => name === 'waxseal_store_commit_seconds_count')!.samples[0]!.value;
    const before = count();
    await room.load('a.example.', TEXT);
    const after = count();
    expect(after).toBeGreaterThan(before);
    const order = { kind: 'zone.import', zone: nameOf('b.example.'), text: TEXT, file: 'b', dnssec: true } as const;
    good(await control.run(order, { actor: { kind: 'socket', id: 'unix', from: '' }, dryRun: true }));
    expect(count()).toBe(after);
    good(await room.run(order));
    expect(count()).toBe(after + 1);
  });
});

describe('signatures', () => {
  test('the first end of each zone is known after a sweep, and forgotten with the zone', async () => {
    const room = temporaryControl();
    const { control, clock } = room;
    await room.load('a.example.', TEXT);
    const refresher = new Refresher(control.refreshable, clock, createLog({ level: 'silent' }));
    await refresher.sweepDue();
    const ends = () => control.metrics().find(({ name }) => name === 'waxseal_dnssec_signature_expiry_timestamp_seconds')!.samples;
    const [end, ...others] = ends();
    expect([end?.labels, others]).toEqual([{ zone: 'a.example.' }, []]);
    // 12 to 14 days from signing on.
    const days = (end!.value - clock.nowMs() / 1000) / 86_400;
    expect(days).toBeGreaterThan(11.9);
    expect(days).toBeLessThanOrEqual(14);
    good(await room.run({ kind: 'zone.remove', zone: nameOf('a.example.') }));
    await refresher.sweepDue();
    expect(ends()).toEqual([]);
  });

  test('of many zones: the soonest alone', () => {
    const endsAt = new Map(Array.from({ length: METRIC_ZONES_MAX + 1 }, (_, at) => [`z${at}.`, 5000 + at]));
    const facts = { refreshable: { signatures: { endsAt, failures: 3 } } };
    expect(samplesOf(facts, 'waxseal_dnssec_signature_expiry_timestamp_seconds')).toEqual([{ labels: {}, value: 5000 }]);
    expect(samplesOf(facts, 'waxseal_dnssec_refresh_failures_total')).toEqual([{ labels: {}, value: 3 }]);
  });

  test('a sweep that fails is counted', async () => {
    const room = temporaryControl();
    const { control, clock } = room;
    await room.load('a.example.', TEXT);
    const { refreshable } = control;
    const failing = { ...refreshable, refreshSlice: () => Promise.resolve({ ok: false as const, problems: [] }) };
    await new Refresher(failing, clock, createLog({ level: 'silent' })).sweepDue();
    const families = control.metrics().find(({ name }) => name === 'waxseal_dnssec_refresh_failures_total');
    expect(families!.samples).toEqual([{ labels: {}, value: 1 }]);
  });
});

test('steps that should have been taken are counted by subject', () => {
  const asked: number[] = [];
  const source = {
    name: 'mail',
    due(untilMs: number) {
      asked.push(untilMs);
      return [nameOf('a.'), nameOf('b.')];
    },
  } as unknown as DueSource;
  const nowMs = () => 10 * OVERDUE_AFTER_MS;
  const found = samplesOf({ lifecycles: { sources: [source], nowMs } }, 'waxseal_lifecycle_overdue_zones');
  expect(found).toEqual([{ labels: { subject: 'mail' }, value: 2 }]);
  expect(asked).toEqual([9 * OVERDUE_AFTER_MS]);
});

test('the last reading of the configuration', () => {
  noteReload(false, 5000);
  expect(samplesOf({}, 'waxseal_config_last_reload_successful')).toEqual([{ labels: {}, value: 0 }]);
  noteReload(true, 6000);
  expect(samplesOf({}, 'waxseal_config_last_reload_successful')).toEqual([{ labels: {}, value: 1 }]);
  expect(samplesOf({}, 'waxseal_config_last_reload_timestamp_seconds')).toEqual([{ labels: {}, value: 6 }]);
});
