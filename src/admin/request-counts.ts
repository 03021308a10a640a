/**
 * Requests to the admin API by route, method and status, and how long they take. A route is its pattern: what clients
 * put into a path makes no series.
 * Not here: the log of requests (app.ts), limits of requests (admin/http/budgets.ts).
 */
import type { FastifyRequest } from 'fastify';
import { REQUEST_SERIES_MAX } from '#base/limits/admin.ts';
import { Histogram } from '#base/measure/histogram.ts';
import type { MetricFamily } from '#control/api/control.ts';
import { histogramFamilies } from '#control/histogram-families.ts';

declare module 'fastify' {
  interface FastifyInstance {
    requestCounts: RequestCounts;
  }
}

/** Upper bounds in seconds: from a look-up in memory to a large import. */
const SECONDS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;
const NO_ROUTE = 'none';

interface Series {
  readonly labels: { readonly route: string; readonly method: string; readonly status: string };
  count: number;
}

export class RequestCounts {
  readonly #series = new Map<string, Series>();
  readonly #seconds = new Histogram(SECONDS);

  answered(
    { routeOptions, method }: Pick<FastifyRequest, 'routeOptions' | 'method'>,
    status: number,
    ms: number,
  ): void {
    this.#seconds.add(ms / 1000);
    const { url } = routeOptions;
    // Without a route the method is whatever the client wrote.
    const labels = { route: url ?? NO_ROUTE, method: url === undefined ? NO_ROUTE : method, status: String(status) };
    const key = `${labels.method} ${labels.route} ${labels.status}`;
    const known = this.#series.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#series.size < REQUEST_SERIES_MAX) this.#series.set(key, { labels, count: 1 });
    else this.#more(labels.status);
  }

  /** Without a place of its own: by status alone. */
  #more(status: string): void {
    const labels = { route: 'other', method: 'other', status };
    const key = `other ${status}`;
    const known = this.#series.get(key) ?? { labels, count: 0 };
    known.count += 1;
    this.#series.set(key, known);
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'waxseal_http_requests_total',
        help: 'Requests to the admin API, by the pattern of their route, method and status.',
        type: 'counter',
        samples: [...this.#series.values()].map(({ labels, count }) => ({ labels, value: count })),
      },
      ...histogramFamilies('waxseal_http_request_seconds', 'requests to the admin API', this.#seconds),
    ];
  }
}
