/** Requests by route, method and status: bounded, whatever clients ask for. */
import { expect, test } from 'vitest';
import { RequestCounts } from '#admin/request-counts.ts';
import { REQUEST_SERIES_MAX } from '#base/limits/admin.ts';
import { bench } from '../support/admin/bench.ts';

test('/metrics has them by the pattern of the route, with times', async () => {
  const { app, call } = await bench();
  for (const zone of ['example.com', 'example.com', 'example.net']) await call('GET', `/v1/zones/${zone}`);
  await app.inject({ method: 'PUT', url: '/no/such/path' });
  const text = (await app.inject('/metrics')).body;
  expect(text).toContain('waxseal_http_requests_total{route="/v1/zones/:zone",method="GET",status="200"} 2\n');
  expect(text).toContain('waxseal_http_requests_total{route="/v1/zones/:zone",method="GET",status="404"} 1\n');
  expect(text).toMatch(/waxseal_http_requests_total\{route="none",method="none",status="\d+"\} 1\n/);
  expect(text).not.toContain('no/such');
  expect(text).toContain('waxseal_http_request_seconds_bucket{le="+Inf"} 4\n');
  expect(text).toContain('waxseal_http_request_seconds_count 4\n');
});

test('no client makes more series than there is space for', () => {
  const counts = new RequestCounts();
  const asked = REQUEST_SERIES_MAX + 500;
  for (let at = 0; at < asked; at++) counts.answered({ routeOptions: { url: `/${at}` }, method: 'GET' } as never, 200, 1);
  const [requests] = counts.families();
  expect(requests!.samples.length).toBe(REQUEST_SERIES_MAX + 1);
  expect(requests!.samples.at(-1)).toEqual({ labels: { route: 'other', method: 'other', status: '200' }, value: 500 });
  expect(requests!.samples.reduce((sum, { value }) => sum + value, 0)).toBe(asked);
});
