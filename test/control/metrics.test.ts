/** What Prometheus is given: the sum over workers, one family for each name, zones only while they are few. */
import { expect, test } from 'vitest';
import { METRIC_ZONES_MAX } from '#base/limits/admin.ts';
import { type CounterTable, type MetricsInput, metricFamilies } from '#control/metrics.ts';
import { zoneRecord } from '../support/temporary-store.ts';

const TABLE: CounterTable = {
  udp: { name: 'queries_total', help: 'Queries.', type: 'counter', labels: { transport: 'udp' } },
  tcp: { name: 'queries_total', help: 'Queries.', type: 'counter', labels: { transport: 'tcp' } },
  open: { name: 'connections', help: 'Open.', type: 'gauge', labels: {} },
};
const INPUT: MetricsInput = {
  status: {
    version: '1.2.3',
    startedAtMs: 1500,
    nowMs: 2000,
    generation: 7,
    zoneCount: 2,
    workers: [
      { id: 0, alive: true, generation: 7 },
      { id: 1, alive: false, generation: 6 },
    ],
    listeners: { dns: [], admin: '', socket: '' },
    store: { path: '/secret/place', sizeBytes: 4096, freeBytes: 8192, kekFile: '/secret/kek' },
    notReady: [],
    noChanges: [],
  },
  zones: [zoneRecord(1, 'example.', 12), zoneRecord(2, 'example.net.', 4_294_967_295)],
  signatures: 5,
  selfCheckFailures: 1,
  commandsWaiting: 3,
  counters: [
    { id: 0, values: { udp: 10, tcp: 1, open: 2 } },
    { id: 1, values: { udp: 5 } },
  ],
  dropped: new Map([['answer', 4]]),
  counterTable: TABLE,
};
const valuesOf = (input: MetricsInput) => new Map(metricFamilies(input).map(({ name, samples }) => [name, samples]));
const one = (value: number, labels = {}) => [{ labels, value }];

test('base units: seconds, octets, and one value each', () => {
  const values = valuesOf(INPUT);
  expect(values.get('waxseal_build_info')).toEqual(one(1, { version: '1.2.3' }));
  expect(values.get('waxseal_start_time_seconds')).toEqual(one(1.5));
  expect(values.get('waxseal_zones')).toEqual(one(2));
  expect(values.get('waxseal_workers_alive')).toEqual(one(1));
  expect(values.get('waxseal_store_generation')).toEqual(one(7));
  expect([values.get('waxseal_store_size_bytes'), values.get('waxseal_store_free_bytes')]).toEqual([one(4096), one(8192)]);
  expect(values.get('waxseal_commands_waiting')).toEqual(one(3));
  expect(values.get('waxseal_dnssec_signatures_total')).toEqual(one(5));
  expect(values.get('waxseal_dnssec_selfcheck_failures_total')).toEqual(one(1));
});

test('messages that were dropped, for each process, also where there are none', () => {
  expect(valuesOf(INPUT).get('waxseal_process_messages_dropped_total')).toEqual([
    ...one(4, { process: 'answer' }),
    ...one(0, { process: 'policy-host' }),
  ]);
});

test('ready is 1 only when nothing is missing', () => {
  expect(valuesOf(INPUT).get('waxseal_ready')).toEqual(one(1));
  expect(valuesOf({ ...INPUT, status: { ...INPUT.status, notReady: ['no worker'] } }).get('waxseal_ready')).toEqual(one(0));
});

test('a full disk makes changes impossible, and the server stays ready', () => {
  expect(valuesOf(INPUT).get('waxseal_changes_possible')).toEqual(one(1));
  const full = valuesOf({ ...INPUT, status: { ...INPUT.status, noChanges: ['disk'] } });
  expect([full.get('waxseal_changes_possible'), full.get('waxseal_ready')]).toEqual([one(0), one(1)]);
});

test('counters of all workers are summed, and slots of one name are one family', () => {
  const values = valuesOf(INPUT);
  expect(values.get('queries_total')).toEqual([...one(15, { transport: 'udp' }), ...one(1, { transport: 'tcp' })]);
  expect(values.get('connections')).toEqual(one(2));
});

test('a serial for each zone, until they are too many for labels', () => {
  expect(valuesOf(INPUT).get('waxseal_zone_serial')).toEqual([
    ...one(12, { zone: 'example.' }),
    ...one(4_294_967_295, { zone: 'example.net.' }),
  ]);
  const many = Array.from({ length: METRIC_ZONES_MAX + 1 }, (_, at) => zoneRecord(at, `z${at}.example.`));
  expect(valuesOf({ ...INPUT, zones: many.slice(1) }).get('waxseal_zone_serial')).toHaveLength(METRIC_ZONES_MAX);
  expect(valuesOf({ ...INPUT, zones: many }).has('waxseal_zone_serial')).toBe(false);
});

test('names are each there once, counters end in _total; no path is among the labels', () => {
  const families = metricFamilies(INPUT);
  const names = families.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const odd = families.filter(({ name, type }) => (type === 'counter') !== /_total$/.test(name)).map(({ name }) => name);
  expect(odd).toEqual([]);
  expect(JSON.stringify(families)).not.toContain('/secret');
});
