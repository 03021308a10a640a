/** Primaries in turn: those that failed rest, longer with each failure, and are asked when all rest. */
import { expect, test } from 'vitest';
import { newKept, noteFailure, noteSuccess, primaryOrder, primaryState } from '#control/secondary/kept-zone.ts';
import { PRIMARY_REST_MS, PRIMARY_REST_MS_MAX } from '#base/limits/transfer.ts';

const A = { ip: '192.0.2.1', port: 53 };
const B = { ip: '2001:db8::1', port: 53 };

test('the list is the order; who failed comes last until the rest is over', () => {
  const kept = newKept(1, 'z.example.', undefined);
  expect(primaryOrder(kept, [A, B], 0)).toEqual([A, B]);
  noteFailure(primaryState(kept, A), 'does not answer', 1000);
  expect(primaryOrder(kept, [A, B], 1000)).toEqual([B, A]);
  expect(primaryOrder(kept, [A, B], 1000 + PRIMARY_REST_MS)).toEqual([A, B]);
});

test('the rest doubles up to its end, and one success ends it', () => {
  const kept = newKept(1, 'z.example.', undefined);
  const state = primaryState(kept, A);
  for (let each = 0; each < 20; each++) noteFailure(state, 'answers REFUSED', 0);
  expect(state.restsUntilMs).toBe(PRIMARY_REST_MS_MAX);
  noteSuccess(kept, state);
  expect([state.restsUntilMs, state.failure, state.failures]).toEqual([0, undefined, 0]);
});

test('two primaries at one address with two ports are two', () => {
  const kept = newKept(1, 'z.example.', undefined);
  noteFailure(primaryState(kept, A), 'does not answer', 0);
  expect(primaryState(kept, { ...A, port: 54 }).failure).toBeUndefined();
});
