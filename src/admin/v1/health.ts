/** `/livez`, `/readyz`, `/metrics`: for orchestrators and Prometheus, without a token. Nothing here tells of zones or keys by name. */
import { Counter, Gauge, Registry } from 'prom-client';
import { Type } from 'typebox';
import type { ControlApi } from '#control/api/control.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { responses } from '#admin/http/schemas.ts';

const Ready = Type.Object({ ready: Type.Boolean(), notReady: Type.Array(Type.String()) });

export function healthRoutes(app: AdminApp, control: ControlApi): void {
  app.get(
    '/livez',
    {
      config: { access: 'public', rateLimit: false },
      schema: {
        summary: 'Is the control process alive?',
        tags: ['server'],
        security: [],
        response: { 200: Type.Object({ alive: Type.Boolean() }) },
      },
    },
    (_request, reply) => reply.header('cache-control', 'no-store').send({ alive: true }),
  );

  app.get(
    '/readyz',
    {
      config: { access: 'public', rateLimit: false },
      schema: {
        summary: 'Is everything ready to serve?',
        tags: ['server'],
        security: [],
        response: { 200: Ready, 503: Ready },
      },
    },
    (_request, reply) => {
      const { notReady } = control.status();
      const ready = notReady.length === 0;
      return reply
        .status(ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({ ready, notReady });
    },
  );

  app.get(
    '/metrics',
    {
      config: { access: 'public' },
      schema: { summary: 'Prometheus metrics', tags: ['server'], security: [], response: responses({}) },
    },
    async (_request, reply) => {
      const registry = metricsRegistry(control);
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  );
}

/** The numbers of now, in a registry of their own: they are kept elsewhere, prom-client only prints them. */
function metricsRegistry(control: ControlApi): Registry {
  const registry = new Registry();
  for (const { name, help, type, samples } of control.metrics()) {
    const labelNames = [...new Set(samples.flatMap((sample) => Object.keys(sample.labels)))];
    const options = { name, help, labelNames, registers: [registry] };
    const family = type === 'counter' ? new Counter(options) : new Gauge(options);
    for (const { labels, value } of samples) family.inc(labels, value);
  }
  return registry;
}
