/** `/livez`, `/readyz`, `/metrics`. */
import { expect, test } from 'vitest';
import { bench } from '../../support/admin/bench.ts';

test('/livez and /readyz need no token', async () => {
  const { app, control } = await bench();
  expect((await app.inject('/livez')).json()).toEqual({ alive: true });
  expect((await app.inject('/readyz')).json()).toEqual({ ready: true, notReady: [] });
  control.notReady = ['no worker is alive'];
  const answer = await app.inject('/readyz');
  expect([answer.statusCode, answer.json()]).toEqual([503, { ready: false, notReady: ['no worker is alive'] }]);
  expect((await app.inject('/livez')).statusCode).toBe(200);
});

test('a full disk is no reason to take the server out of service: it is in the status', async () => {
  const { app, control, call } = await bench();
  control.noChanges = ['disk: too little free space for changes'];
  const answer = await app.inject('/readyz');
  expect([answer.statusCode, answer.json()]).toEqual([200, { ready: true, notReady: [] }]);
  expect((await call('GET', '/v1/status')).json()).toMatchObject({ ready: true, noChanges: ['disk: too little free space for changes'] });
});

test('/metrics prints the counters as Prometheus reads them, new at each scrape', async () => {
  const { app, control } = await bench();
  const scrape = async () => (await app.inject('/metrics')).body;
  expect(await scrape()).toContain('waxseal_queries_total{transport="udp"} 7\n');
  expect(await scrape()).toContain('waxseal_zones 1\n');
  // A gauge that nothing has now is no 0.
  expect(await scrape()).not.toContain('waxseal_absent');
  control.zoneMap.clear();
  expect(await scrape()).toContain('waxseal_zones 0\n');
});
