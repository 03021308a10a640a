/** What control may say of the policy host: only what the one that lives has told. */
import { expect, test } from 'vitest';
import { PolicyHostState } from '#control/policy-host/state.ts';

test('a generation is served when the policy host listens and has said so, and not after it has gone', () => {
  const state = new PolicyHostState();
  expect(state.isServed(0)).toBe(false);
  state.receive({ kind: 'hosted', generation: 5, addresses: [], startedAtMs: 1 });
  expect(state.isServed(5)).toBe(false);
  state.receive({ kind: 'hosted', generation: 5, addresses: ['127.0.0.1:8443'], startedAtMs: 1 });
  expect([state.isServed(5), state.isServed(6)]).toEqual([true, false]);
  expect(state.running).toMatchObject({ generation: 5, startedAtMs: 1 });
  state.receive({ kind: 'gone', role: 'answer' });
  expect(state.isServed(5)).toBe(true);
  state.receive({ kind: 'gone', role: 'policy-host' });
  expect([state.isServed(5), state.addresses, state.running]).toEqual([false, [], undefined]);
});

test('counters are those told last', () => {
  const state = new PolicyHostState();
  expect(state.counters).toEqual([]);
  state.receive({ kind: 'hosted-counters', values: { httpsAccepted: 2 } });
  expect(state.counters).toEqual([{ id: -1, values: { httpsAccepted: 2 } }]);
});
