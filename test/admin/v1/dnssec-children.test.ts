/** `/v1/zones/{zone}/dnssec/children`, as requests and answers. */
import { expect, test } from 'vitest';
import { bench } from '../../support/admin/bench.ts';

const URL = '/v1/zones/example.com/dnssec/children';

test('off, then on with its endpoint, then what each child asks for', async () => {
  const { call, control } = await bench();
  expect((await call('GET', URL)).json()).toEqual({ zone: 'example.com.', children: 'off', delegations: [] });
  const settings = { target: 'ns.example.com.', port: 53, servers: [], dsTtl: 3600 };
  const child = { child: 'kid.example.com.', outcome: 'held', text: 'no answer', lookedAtMs: 0, nextAtMs: 5000 } as const;
  const fresh = { child: 'new.example.com.', nextAtMs: -Infinity };
  Object.assign(control, { delegation: { view: () => ({ settings, children: [child, fresh] }) } });
  expect((await call('GET', URL)).json()).toEqual({
    zone: 'example.com.',
    children: 'on',
    ...settings,
    delegations: [
      {
        name: 'kid.example.com.',
        outcome: 'held',
        text: 'no answer',
        lookedAt: '1970-01-01T00:00:00.000Z',
        nextAt: '1970-01-01T00:00:05.000Z',
      },
      { name: 'new.example.com.' },
    ],
  });
});

test('a change is one command; what is no change is rejected', async () => {
  const { call, control } = await bench();
  await call('PATCH', URL, { payload: { children: 'on', target: 'scan.example.', port: 5359 } });
  const { command } = control.commands.at(-1)!;
  expect(command).toMatchObject({ kind: 'delegation.set', isOn: true, target: 'scan.example.', port: 5359 });
  for (const payload of [{}, { children: 'maybe' }, { children: 'on', port: 0 }, { children: 'on', servers: Array(17).fill('::1') }])
    expect((await call('PATCH', URL, { payload })).statusCode).toBe(422);
});
