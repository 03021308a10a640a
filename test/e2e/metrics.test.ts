/**
 * Metrics as Prometheus and Grafana use them: promtool reads what a running server gives, and the rules; every metric that a rule or a panel is
 * about is there, with the labels that it asks for.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GRAFANA_DASHBOARD, grafanaText } from '../../scripts/grafana-dashboard.ts';
import { PROMETHEUS_RULES } from '../../scripts/prometheus-rules.ts';
import { exchangeUdp } from '../support/exchange.ts';
import { type RunningServer, startServer } from '../support/running-server.ts';
import { runTool } from '../support/tools.ts';
import { buildQuery } from '../support/wire.ts';

const ROOT = join(import.meta.dirname, '../..');
/** There only while there is something of the kind: what must be, so that they are. */
const OF_THINGS: Readonly<Record<string, string>> = {
  waxseal_bimi_evidence_expiry_timestamp_seconds: 'a logo with evidence',
  waxseal_certificate_expiry_timestamp_seconds: 'a certificate',
  waxseal_dnssec_ds_in_sync: 'a zone whose parent was asked',
  waxseal_dnssec_rollovers: 'a rollover',
  waxseal_alerts: 'an alert',
  waxseal_secondaries_behind: 'a secondary',
  waxseal_probe_answered: 'a minute',
  waxseal_probe_average_seconds: 'a minute',
  waxseal_probe_all_down_seconds: 'a minute',
};

let server: RunningServer;
let text = '';
const metrics = async () => (await fetch(`http://${server.address}:${server.adminPort}/metrics`)).text();
/** Value of a sample. */
const valueOf = (sample: string) => Number(new RegExp(`^${sample.replaceAll(/[{}"+.]/g, String.raw`\$&`)} (\\S+)$`, 'm').exec(text)?.[1]);

beforeAll(async () => {
  server = await startServer({ zones: join(ROOT, 'zones'), udp: 'mmsg', environment: { WAXSEAL_HTTPS__SELF_SIGNED: 'true' } });
  const query = buildQuery({ name: 'meridian-post.example.', type: 'SOA' });
  for (let each = 0; each < 20; each++) await exchangeUdp(server, [query]);
  process.kill(server.child.pid!, 'SIGHUP');
  const wanted = ['config_last_reload_successful', 'cpu_seconds_total{process="policy-host"', 'signature_expiry_timestamp_seconds{'];
  const isAllThere = async () => {
    text = await metrics();
    return wanted.every((each) => text.includes(each)) && valueOf('waxseal_udp_answer_seconds_count') >= 20;
  };
  if (!(await server.eventually(isAllThere, 60_000))) throw new Error(`metrics are missing:\n${text}`);
}, 120_000);
afterAll(() => server?.stop());

test('promtool finds nothing to say about names, types and texts', async () => {
  const { code, stdout, stderr } = await runTool('promtool', ['check', 'metrics'], { input: text });
  expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: '' });
});

test('promtool takes the rules', async () => {
  expect((await runTool('promtool', ['check', 'rules', PROMETHEUS_RULES])).code).toBe(0);
});

describe('what this server measures', () => {
  test('answers over UDP by time, each query once', () => {
    expect(valueOf('waxseal_udp_answer_seconds_bucket{le="+Inf"}')).toBe(valueOf('waxseal_udp_answer_seconds_count'));
    expect(valueOf('waxseal_udp_answer_seconds_count')).toBe(valueOf('waxseal_socket_messages_received_total{transport="udp"}'));
    expect(valueOf('waxseal_udp_answer_seconds_sum')).toBeGreaterThan(0);
  });

  test('each process: its processor time, memory, event loop', () => {
    for (const name of ['control', 'answer', 'policy-host']) {
      expect(valueOf(`waxseal_process_cpu_seconds_total{process="${name}",mode="user"}`)).toBeGreaterThan(0);
      expect(valueOf(`waxseal_process_resident_memory_max_bytes{process="${name}"}`)).toBeGreaterThan(20_000_000);
      expect(valueOf(`waxseal_process_event_loop_delay_seconds{process="${name}"}`)).toBeGreaterThanOrEqual(0);
    }
    expect(valueOf('waxseal_process_open_fds{process="control"}')).toBeGreaterThan(5);
  });

  test('commits, signatures, requests, the configuration', () => {
    expect(valueOf('waxseal_store_commit_seconds_count')).toBeGreaterThan(2);
    const days = (valueOf('waxseal_dnssec_signature_expiry_timestamp_seconds{zone="meridian-post.example."}') - Date.now() / 1000) / 86_400;
    expect(days).toBeGreaterThan(11);
    expect(days).toBeLessThanOrEqual(14);
    expect(valueOf('waxseal_http_requests_total{route="/readyz",method="GET",status="200"}')).toBeGreaterThan(0);
    expect(valueOf('waxseal_config_last_reload_successful')).toBe(1);
  });
});

describe('the dashboard and the rules', () => {
  const dashboard = JSON.parse(readFileSync(GRAFANA_DASHBOARD, 'utf8')) as {
    readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  };
  const expressions = [
    ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ of: title, expr }))),
    ...[...readFileSync(PROMETHEUS_RULES, 'utf8').matchAll(/^ +expr: (.+)$/gm)].map(([, expr]) => ({ of: 'a rule', expr: expr! })),
  ];

  test('docs/grafana-dashboard.json is current; if not: npm run grafana-dashboard', () => {
    expect(readFileSync(GRAFANA_DASHBOARD, 'utf8')).toBe(grafanaText());
  });

  test('every metric in them is one of this server', () => {
    expect(expressions.length).toBeGreaterThan(60);
    const names = expressions.flatMap(({ expr }) => [...expr.matchAll(/\bwaxseal_\w+/g)].map(([name]) => name));
    const missing = [...new Set(names)].filter((name) => !new RegExp(`^${name}[ {]`, 'm').test(text));
    expect(missing.filter((name) => !(name in OF_THINGS))).toEqual([]);
  });

  test('every label that they sum by or select is one of its metric', () => {
    const unknown = expressions.flatMap(({ of, expr }) => {
      const [name = ''] = /\bwaxseal_\w+/.exec(expr) ?? [];
      const sample = new RegExp(`^${name}\\{.*\\}`, 'm').exec(text)?.[0] ?? '';
      const by = /by \(([^)]+)\)/.exec(expr)?.[1]?.split(', ') ?? [];
      const selected = [...expr.matchAll(/[{,](\w+)=~?"/g)].map(([, label]) => label!);
      return [...by, ...selected]
        .filter((label) => label !== 'instance' && label !== 'job' && sample !== '' && !sample.includes(`${label}="`))
        .map((label) => `${of}: ${name} has no ${label}`);
    });
    expect(unknown).toEqual([]);
  });

  test('Prometheus can read every expression', async () => {
    // A rule for each, with the names that Grafana puts in put in.
    const lines = expressions.map(({ expr }, at) => {
      const query = expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*');
      return `      - record: e:${at}\n        expr: ${JSON.stringify(query)}`;
    });
    const rules = `groups:\n  - name: expressions\n    rules:\n${lines.join('\n')}\n`;
    const file = join(server.folder, 'expressions.yaml');
    writeFileSync(file, rules);
    const { code, stdout, stderr } = await runTool('promtool', ['check', 'rules', '--lint=none', file]);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain(`${expressions.length} rules found`);
  });
});
