/**
 * `/livez`, `/readyz`, `/metrics`: for orchestrators and Prometheus, without a token. These answers name no zone and no
 * key.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import type { MetricFamily } from '#control/api/control.ts';
import { readRoute } from '#admin/http/read-route.ts';

const ReadyForm = Type.Object({ ready: Type.Boolean(), notReady: Type.Array(Type.String()) });

export const healthRoutes = [
  readRoute({
    url: '/livez',
    access: 'public',
    rateLimit: false,
    tag: 'server',
    summary: 'Tell whether the control process is alive',
    answers: { 200: Type.Object({ alive: Type.Boolean() }) },
    show: ({ reply }) => {
      reply.header('cache-control', 'no-store');
      return ok({ body: () => ({ alive: true }) });
    },
  }),

  readRoute({
    url: '/readyz',
    access: 'public',
    rateLimit: false,
    tag: 'server',
    summary: 'Tell whether DNS is answered from the newest data',
    description: 'A full disk does not count: DNS is answered all the same. See `noChanges` in /v1/status and waxseal_changes_possible.',
    answers: { 200: ReadyForm, 503: ReadyForm },
    show: ({ control, reply }) => {
      const { notReady } = control.status();
      const ready = notReady.length === 0;
      reply.status(ready ? 200 : 503).header('cache-control', 'no-store');
      return ok({ body: () => ({ ready, notReady }) });
    },
  }),

  readRoute({
    url: '/metrics',
    access: 'public',
    tag: 'server',
    summary: 'Show the metrics for Prometheus',
    answers: { 200: { description: 'metrics in the text format of Prometheus', content: { 'text/plain': { schema: Type.String() } } } },
    show: async ({ control, reply }) => {
      const { budgets, requestCounts } = reply.server;
      const families = [...control.metrics(), ...budgets.families(), ...requestCounts.families()];
      const registry = metricsRegistry(families.filter((each) => histogramOf(each, families) === undefined));
      const text = `${await registry.metrics()}${histogramsText(families)}`;
      reply.type(registry.contentType);
      return ok({ body: () => text });
    },
  }),
];

/** The numbers of now, in a registry of their own: they are counted elsewhere, and prom-client only prints them. */
function metricsRegistry(families: readonly MetricFamily[]): Registry {
  const registry = new Registry();
  for (const { name, help, type, samples } of families) {
    // prom-client would print 0 for a family that has no sample now.
    if (samples.length === 0) continue;
    const labelNames = [...new Set(samples.flatMap((sample) => Object.keys(sample.labels)))];
    const options = { name, help, labelNames, registers: [registry] };
    const family = type === 'counter' ? new Counter(options) : new Gauge(options);
    for (const { labels, value } of samples) family.inc(labels, value);
  }
  return registry;
}

const PART = /_(?:bucket|sum|count)$/;

/** The histogram that the family is a part of: its name. */
function histogramOf({ name }: MetricFamily, families: readonly MetricFamily[]): string | undefined {
  const base = name.replace(PART, '');
  return PART.test(name) && families.some((each) => each.name === `${base}_bucket`) ? base : undefined;
}

/**
 * Histograms as the text format has them: three families under one TYPE line. prom-client prints only those that it
 * counted itself.
 */
function histogramsText(families: readonly MetricFamily[]): string {
  const buckets = families.filter(({ name }) => name.endsWith('_bucket'));
  const bases = buckets.map(({ name, help }) => ({ base: name.replace(PART, ''), help }));
  const lines = bases.flatMap(({ base, help }) => {
    const parts = ['bucket', 'sum', 'count'].map((part) => families.find(({ name }) => name === `${base}_${part}`));
    const samples = parts.flatMap((part) => part?.samples.map((sample) => ({ name: part.name, ...sample })) ?? []);
    return [
      `# HELP ${base} ${help}`,
      `# TYPE ${base} histogram`,
      ...samples.map(({ name, labels, value }) => {
        const le = labels['le'] === undefined ? '' : `{le="${labels['le']}"}`;
        return `${name}${le} ${value}`;
      }),
    ];
  });
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`;
}
