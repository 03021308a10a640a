/** Writes docs/grafana-dashboard.json: panels over the server's metrics, from the table below. `npm run grafana-dashboard` */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where it is. */
export const GRAFANA_DASHBOARD = join(import.meta.dirname, '..', 'docs', 'grafana-dashboard.json');

interface Panel {
  readonly title: string;
  /** What it shows, and when it is bad. */
  readonly help: string;
  /** Grafana's name of the unit. */
  readonly unit: string;
  /** Legend → query. `$i` stands for the chosen servers. */
  readonly show: Readonly<Record<string, string>>;
  /** One number, not a curve. */
  readonly isNumber?: boolean;
  /** At or above: orange, red; with `isLowBad` below. */
  readonly bad?: readonly [warning: number, critical: number];
  readonly isLowBad?: boolean;
}

const rate = (metric: string, by: string, more = '') => `sum by (${by}) (rate(${metric}{$i${more}}[$__rate_interval]))`;
const quantile = (share: number, metric: string) =>
  `histogram_quantile(${share}, sum by (le) (rate(${metric}_bucket{$i}[$__rate_interval])))`;
const times = (metric: string) => ({ half: quantile(0.5, metric), '99 %': quantile(0.99, metric) });
const DAY = 86_400;

const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  'What needs a person': [
    number('Ready', 'DNS is answered from the newest data.', 'bool_yes_no', 'min(waxseal_ready{$i})', [1, 1], true),
    number('Changes possible', 'The store has space for changes.', 'bool_yes_no', 'min(waxseal_changes_possible{$i})', [1, 1], true),
    number('Alerts', 'Those that last: `waxseal alert list`.', 'short', 'sum(waxseal_alerts{$i})', [1, 5]),
    number(
      'First signature ends in',
      'Signatures are renewed with a week to spare.',
      's',
      'min(waxseal_dnssec_signature_expiry_timestamp_seconds{$i}) - time()',
      [5 * DAY, 3 * DAY],
      true,
    ),
    number(
      'Newest good backup',
      'Age of the backup that was last found good.',
      's',
      'time() - max(waxseal_backup_verified_timestamp_seconds{$i})',
      [2 * DAY, 7 * DAY],
    ),
    number('Zones', 'Zones served.', 'short', 'max(waxseal_zones{$i})'),
  ],
  DNS: [
    curve('Queries', 'Messages received, by transport.', 'reqps', {
      '{{transport}}': rate('waxseal_socket_messages_received_total', 'transport'),
    }),
    curve('Answers', 'By rcode. SERVFAIL and REFUSED that rise need a look.', 'reqps', {
      '{{rcode}}': rate('waxseal_responses_total', 'rcode'),
    }),
    curve(
      'Time of an answer over UDP',
      'From the kernel’s hands to the kernel’s hands; each query as long as its batch.',
      's',
      times('waxseal_udp_answer_seconds'),
    ),
    curve('Without an answer', 'UDP queries that got none, and answers that were limited.', 'reqps', {
      '{{reason}}': rate('waxseal_udp_dropped_total', 'reason'),
      'limit: {{action}}': rate('waxseal_rrl_total', 'action'),
    }),
    curve('Faulty queries', 'By what is wrong with them.', 'reqps', { '{{reason}}': rate('waxseal_faulty_requests_total', 'reason') }),
    curve('TCP and TLS', 'Connections open, and why the server closed some.', 'short', {
      open: 'sum(waxseal_tcp_connections{$i})',
      '{{reason}} /s': rate('waxseal_tcp_connections_closed_total', 'reason'),
      'handshakes {{outcome}} /s': rate('waxseal_tls_handshakes_total', 'outcome'),
    }),
    curve('Answer cache', 'Where answers were found.', 'reqps', { '{{result}}': rate('waxseal_answer_cache_total', 'result') }),
    curve('Cookies', 'What the cookies of queries were worth.', 'reqps', { '{{result}}': rate('waxseal_cookies_total', 'result') }),
  ],
  Changes: [
    curve('Commit', 'Until a transaction is on disk.', 's', times('waxseal_store_commit_seconds')),
    curve('Waiting', 'Changes that wait for the writer.', 'short', { waiting: 'max(waxseal_commands_waiting{$i})' }),
    curve('Commits that failed', 'full: no space; broken: the disk.', 'short', {
      '{{reason}}': 'sum by (reason) (increase(waxseal_store_commit_failures_total{$i}[$__rate_interval]))',
    }),
    curve('Store', 'Its file, and the space beside it.', 'bytes', {
      used: 'max(waxseal_store_size_bytes{$i})',
      free: 'min(waxseal_store_free_bytes{$i})',
    }),
    curve('DNS UPDATE', 'By rcode.', 'reqps', { '{{rcode}}': rate('waxseal_updates_total', 'rcode') }),
    curve('Requests to the API', 'By status.', 'reqps', { '{{status}}': rate('waxseal_http_requests_total', 'status') }),
    curve('Time of a request', 'All routes together.', 's', times('waxseal_http_request_seconds')),
    curve('Routes', 'The ten that are asked for most.', 'reqps', {
      '{{method}} {{route}}': `topk(10, ${rate('waxseal_http_requests_total', 'method, route')})`,
    }),
  ],
  'DNSSEC and life cycles': [
    curve('Rollovers', 'By stage; those that are held stand still.', 'short', {
      '{{kind}} {{stage}}': 'sum by (kind, stage) (waxseal_dnssec_rollovers{$i})',
      held: 'sum(waxseal_dnssec_rollovers_held{$i})',
    }),
    curve('Overdue', 'Zones whose next step should have been taken ten minutes ago.', 'short', {
      '{{subject}}': 'sum by (subject) (waxseal_lifecycle_overdue_zones{$i})',
    }),
    curve('Mail and certificates', 'Keys, records and modes that wait for their next stage; those that an operator holds.', 'short', {
      '{{machine}}': 'sum by (machine) (waxseal_lifecycle_waiting{$i})',
      'held: {{machine}}': 'sum by (machine) (waxseal_lifecycle_held{$i}) > 0',
      'late: {{machine}}': 'sum by (machine) (waxseal_lifecycle_overdue{$i}) > 0',
    }),
    curve('Signatures', 'Made, not renewed, refused by the self-check.', 'short', {
      'made /s': 'sum(rate(waxseal_dnssec_signatures_total{$i}[$__rate_interval]))',
      'sweeps that failed': 'sum(increase(waxseal_dnssec_refresh_failures_total{$i}[$__rate_interval]))',
      'self-check': 'sum(increase(waxseal_dnssec_selfcheck_failures_total{$i}[$__rate_interval]))',
    }),
    curve('What is served', 'Answers of this server, validated: bad is an emergency.', 'short', {
      '{{result}}': 'sum by (result) (increase(waxseal_dnssec_served_checks_total{$i}[$__rate_interval]))',
    }),
    curve('Certificates', 'Of hosts here: orders that do not continue.', 'short', { failing: 'sum(waxseal_certificates_failing{$i})' }),
  ],
  'Secondaries and other servers': [
    curve('Own probe', 'Each listener and secondary: 1 answers.', 'short', { '{{server}}': 'waxseal_probe_answered{$i}' }),
    curve('Secondaries behind', 'With an old serial.', 'short', { behind: 'sum(waxseal_secondaries_behind{$i})' }),
    curve('Zones from primaries', 'By state.', 'short', { '{{state}}': 'sum by (state) (waxseal_secondary_zones{$i})' }),
    curve('Policy host', 'Requests by status.', 'reqps', { '{{status}}': rate('waxseal_https_requests_total', 'status') }),
  ],
  Processes: [
    curve('Processor', 'Cores in use.', 'short', { '{{process}}': rate('waxseal_process_cpu_seconds_total', 'process') }),
    curve('Memory', 'Now, where the process may look; and the most so far.', 'bytes', {
      '{{process}}': 'sum by (process) (waxseal_process_resident_memory_bytes{$i})',
      'most: {{process}}': 'sum by (process) (waxseal_process_resident_memory_max_bytes{$i})',
    }),
    curve('Event loop', 'Longest time in a minute that it was held up.', 's', {
      '{{process}}': 'max by (process) (waxseal_process_event_loop_delay_seconds{$i})',
    }),
    curve('Descriptors', 'Open.', 'short', { '{{process}}': 'max by (process) (waxseal_process_open_fds{$i})' }),
    curve('Workers', 'Alive.', 'short', { workers: 'min(waxseal_workers_alive{$i})' }),
  ],
};

function curve(title: string, help: string, unit: string, show: Panel['show']): Panel {
  return { title, help, unit, show };
}

function number(title: string, help: string, unit: string, query: string, bad?: Panel['bad'], isLowBad = false): Panel {
  return { title, help, unit, show: { [title]: query }, isNumber: true, isLowBad, ...(bad === undefined ? {} : { bad }) };
}

const WIDTH = 24;
const SOURCE = { type: 'prometheus', uid: '${datasource}' };

/** Grafana's form of a dashboard. */
export function grafanaDashboard(): unknown {
  const panels: unknown[] = [];
  let y = 0;
  let id = 0;
  for (const [title, row] of Object.entries(ROWS)) {
    panels.push({ id: ++id, type: 'row', title, collapsed: false, gridPos: { x: 0, y: y++, w: WIDTH, h: 1 }, panels: [] });
    const [w, h] = row.every(({ isNumber }) => isNumber) ? [4, 4] : [6, 7];
    for (const [at, panel] of row.entries()) {
      const perLine = WIDTH / w;
      const place = { x: (at % perLine) * w, y: y + Math.floor(at / perLine) * h, w, h };
      panels.push({ id: ++id, gridPos: place, ...panelForm(panel) });
    }
    y += Math.ceil((row.length * w) / WIDTH) * h;
  }
  const query = { query: 'label_values(waxseal_build_info, instance)', refId: 'instances' };
  const all = { includeAll: true, multi: true, allValue: '.*', refresh: 2, sort: 1, datasource: SOURCE };
  return {
    title: 'waxseal',
    uid: 'waxseal',
    tags: ['dns'],
    schemaVersion: 39,
    editable: true,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'utc',
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        { name: 'instance', label: 'server', type: 'query', query, ...all },
      ],
    },
    panels,
  };
}

function panelForm({ title, help, unit, show, isNumber = false, bad, isLowBad = false }: Panel): object {
  const [warning, critical] = bad ?? [];
  const colours = isLowBad
    ? [
        { color: 'red', value: null },
        { color: 'orange', value: critical },
        { color: 'green', value: warning },
      ]
    : [
        { color: 'green', value: null },
        { color: 'orange', value: warning },
        { color: 'red', value: critical },
      ];
  const thresholds = { mode: 'absolute', steps: bad === undefined ? [{ color: 'text', value: null }] : colours };
  return {
    type: isNumber ? 'stat' : 'timeseries',
    title,
    description: help,
    datasource: SOURCE,
    fieldConfig: { defaults: { unit, ...(isNumber ? { thresholds } : { min: 0 }) }, overrides: [] },
    options: isNumber
      ? { colorMode: bad === undefined ? 'none' : 'background', reduceOptions: { calcs: ['lastNotNull'] } }
      : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: Object.entries(show).map(([legend, expr], at) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + at),
      legendFormat: legend,
      expr: expr.replaceAll('$i', 'instance=~"$instance"'),
      datasource: SOURCE,
    })),
  };
}

/** Its text. */
export function grafanaText(): string {
  return `${JSON.stringify(grafanaDashboard(), undefined, 2)}\n`;
}

if (import.meta.main) writeFileSync(GRAFANA_DASHBOARD, grafanaText());
