/** `/v1/alerts`: who sees and acknowledges which; `/v1/status` has the worst ones. */
import { beforeEach, expect, test } from 'vitest';
import { type AlertView } from '#control/api/alerts.ts';
import { type Bench, type ProblemBody, bench } from '../../../support/admin/bench.ts';

function alert(id: string, more: Partial<AlertView> = {}): AlertView {
  return {
    version: 1,
    id,
    rule: 'DNSSEC_PARENT',
    source: 'report',
    severity: 'critical',
    text: 'a DS of no key of ours',
    sinceMs: Date.UTC(2026, 0, 1),
    raisedMs: Date.UTC(2026, 0, 1),
    lastMs: Date.UTC(2026, 0, 2),
    sinceCountedMs: 0,
    lastCountedMs: 0,
    times: 2,
    state: 'standing',
    consequence: 'rollovers wait',
    command: 'waxseal zone show example.com',
    ...more,
  };
}

let server: Bench;
const zone = 'example.com.';

beforeEach(async () => {
  server = await bench();
  server.control.alerts.all = [
    alert('aaaaaaaaaaaa', { zone }),
    alert('bbbbbbbbbbbb', { rule: 'CLOCK_WRONG' }),
    alert('cccccccccccc', { zone: 'other.test.', state: 'acknowledged', acknowledged: { by: 'admin', atMs: 0 } }),
    alert('dddddddddddd', { zone, state: 'cleared', clearedMs: Date.UTC(2026, 0, 3), why: 'it works' }),
  ];
});

const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const ids = async (url: string, options?: ReturnType<typeof as>) =>
  (await server.call('GET', url, options)).json<{ alerts: { id: string }[] }>().alerts.map(({ id }) => id[0]);

test('those that stand, or all, or those of one zone', async () => {
  expect(await ids('/v1/alerts')).toEqual(['a', 'b', 'c']);
  expect(await ids('/v1/alerts?state=all')).toEqual(['a', 'b', 'c', 'd']);
  expect(await ids('/v1/alerts?state=cleared')).toEqual(['d']);
  expect(await ids('/v1/alerts?zone=EXAMPLE.com&state=all')).toEqual(['a', 'd']);
  const [first] = (await server.call('GET', '/v1/alerts')).json<{ alerts: unknown[] }>().alerts;
  expect(first).toEqual({
    id: 'aaaaaaaaaaaa',
    rule: 'DNSSEC_PARENT',
    state: 'standing',
    severity: 'critical',
    zone,
    text: 'a DS of no key of ours',
    consequence: 'rollovers wait',
    command: 'waxseal zone show example.com',
    since: '2026-01-01T00:00:00.000Z',
    last: '2026-01-02T00:00:00.000Z',
    times: 2,
  });
});

test('page by page', async () => {
  const first = (await server.call('GET', '/v1/alerts?limit=2')).json<{ next: string }>();
  expect(await ids(`/v1/alerts?limit=2&cursor=${first.next}`)).toEqual(['c']);
  const gone = (await server.call('GET', `/v1/alerts?zone=other.test&cursor=${first.next}`)).json<ProblemBody>();
  expect(gone.code).toBe('PARAMETER');
});

test('a token for one zone sees and acknowledges those of its zone alone', async () => {
  const { tokens } = server;
  expect(await ids('/v1/alerts?state=all', as(tokens.zone))).toEqual(['a', 'd']);
  const acknowledge = async (id: string, token: string) => {
    const answer = await server.call('POST', `/v1/alerts/${id}/acknowledge`, { ...as(token), payload: {} });
    return [answer.statusCode, answer.json<ProblemBody>().code];
  };
  expect((await acknowledge('aaaaaaaaaaaa', tokens.zone))[0]).toBe(200);
  // That there is such an alert of another zone, or of the server, is not for it to know.
  for (const id of ['bbbbbbbbbbbb', 'cccccccccccc', 'ffffffffffff'])
    expect(await acknowledge(id, tokens.zone)).toEqual([404, 'ALERT_NOT_FOUND']);
  expect(await acknowledge('bbbbbbbbbbbb', tokens.read)).toEqual([403, 'AUTH_SCOPE']);
});

test('acknowledged with a reason, and only seen with dryRun', async () => {
  const url = '/v1/alerts/bbbbbbbbbbbb/acknowledge';
  await server.call('POST', `${url}?dryRun=1`, { payload: { reason: 'seen' } });
  expect(server.control.alerts.get('bbbbbbbbbbbb')!.state).toBe('standing');
  const answer = await server.call('POST', url, { payload: { reason: 'seen' } });
  expect(answer.json()).toMatchObject({ state: 'acknowledged', acknowledged: { reason: 'seen' } });
  expect((await server.call('POST', url, { payload: { reason: 'x\u202ey' } })).statusCode).toBe(422);
});

test('a test of the targets tells what came of each', async () => {
  server.control.alerts.tested = [{ target: 'webhook https://a/' }, { target: 'command /x', failure: 'it ended with exit code 1' }];
  expect((await server.call('POST', '/v1/alerts/test')).json()).toEqual({
    targets: [
      { target: 'webhook https://a/', sent: true },
      { target: 'command /x', sent: false, why: 'it ended with exit code 1' },
    ],
    dryRun: false,
  });
  const { targets } = (await server.call('POST', '/v1/alerts/test?dryRun=1')).json<{ targets: unknown[] }>();
  expect(targets).toEqual(expect.arrayContaining([{ target: 'webhook https://a/', sent: false, why: 'not tried' }]));
});

test('the state of the server has the counts and the first of them', async () => {
  const { alerts } = (await server.call('GET', '/v1/status')).json<{ alerts: { first: { id: string }[] } }>();
  expect(alerts).toMatchObject({ critical: 2, warning: 0, acknowledged: 1 });
  expect(alerts.first.map(({ id }) => id[0])).toEqual(['a', 'b', 'c']);
});
