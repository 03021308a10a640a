/** `/v1/zones/{zone}/dnssec/roll`, `timeline`, `orders`: bodies become commands, rollovers become answers. */
import { expect, test } from 'vitest';
import { KEY_POLICY } from '#dnssec/key-policy.ts';
import { bench } from '../../support/admin/bench.ts';

test('roll and orders are commands', async () => {
  const { call, control } = await bench();
  const post = (what: string, payload: object) => call('POST', `/v1/zones/example.com/dnssec/${what}`, { payload });
  await post('roll', { role: 'zsk' });
  await post('orders', { action: 'hold', reason: 'freeze' });
  await post('orders', { action: 'resume', object: 'zsk-1' });
  await post('orders', { action: 'cancel', object: 'zsk-1', reason: 'not now' });
  await post('orders', { action: 'override', object: 'zsk-1', wait: 'ds', reason: 'seen' });
  expect(control.commands.slice(1).map(({ command: { zone: _zone, ...rest } }) => rest)).toEqual([
    { kind: 'dnssec.roll', role: 'zsk' },
    { kind: 'dnssec.hold', reason: 'freeze' },
    { kind: 'dnssec.resume', object: 'zsk-1' },
    { kind: 'dnssec.cancel', object: 'zsk-1', reason: 'not now' },
    { kind: 'dnssec.override', object: 'zsk-1', wait: 'ds', reason: 'seen' },
  ]);
  for (const bad of [{}, { role: 'key' }, { role: 'csk', force: true }]) expect((await post('roll', bad)).statusCode).toBe(422);
  expect((await post('orders', { action: 'hold' })).statusCode).toBe(422);
});

test('the timeline has times as ISO 8601, and the command that ends a wait', async () => {
  const { call, control } = await bench();
  const wait = {
    id: 'ds',
    who: 'the parent',
    why: 'bogus',
    isOver: false,
    seen: [],
    missing: ['a'],
    override: 'waxseal x',
    text: 'ds: waits',
  };
  const explanation = { machine: 'ksk-rollover', object: 'ksk-1', stage: 'submitted', sinceMs: 1000, waits: [wait], lines: ['line'] };
  const history = [{ from: 'published', to: 'submitted', atMs: 1000, evidence: [{ wait: 'served', text: 'seen', seen: [] }] }];
  const rollover = { object: 'ksk-1', out: [1], in: [2], beganAtMs: 0, history, explanation };
  Object.assign(control, { dnssec: { view: () => ({ policy: KEY_POLICY, rollovers: [rollover], nextRollMs: 86_400_000 }) } });
  expect((await call('GET', '/v1/zones/example.com/dnssec/timeline')).json()).toMatchObject({
    nextRollAt: '1970-01-02T00:00:00.000Z',
    rollovers: [
      {
        object: 'ksk-1',
        out: [1],
        in: [2],
        beganAt: '1970-01-01T00:00:00.000Z',
        waits: [{ id: 'ds', missing: ['a'], override: 'waxseal x' }],
        steps: [{ from: 'published', to: 'submitted', at: '1970-01-01T00:00:01.000Z', evidence: ['served: seen'] }],
      },
    ],
  });
});

test('an emergency is one of two ways', async () => {
  const { call, control } = await bench();
  const post = (payload: object) => call('POST', '/v1/zones/example.com/dnssec/roll', { payload });
  await post({ role: 'ksk', emergency: 'now' });
  expect(control.commands.at(-1)!.command).toMatchObject({ kind: 'dnssec.roll', role: 'ksk', emergency: 'now' });
  expect((await post({ role: 'ksk', emergency: 'soon' })).statusCode).toBe(422);
});
