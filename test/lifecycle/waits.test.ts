/** How often the places of a gate are looked at. */
import { expect, test } from 'vitest';
import { type GateWait, type Machine } from '#lifecycle/machine.ts';
import { checkAfterMs } from '#lifecycle/waits.ts';

test('a gate that is most likely good soon is looked at soon, then more and more seldom', () => {
  const machine: Machine = { kind: 'test', first: 'a', last: ['a'], checkEveryMs: 300_000, transitions: [] };
  const gate = { kind: 'gate', id: 'g', who: '', why: '', observation: 'o', places: 'p' } as const;
  const after = (wait: GateWait, lookedMs: number) => checkAfterMs(machine, wait, { enteredAtMs: 1000 }, lookedMs);
  const soon = { ...gate, firstChecksMs: 2000 };
  expect([1000, 2000, 5000, 61_000, 900_000].map((lookedMs) => after(soon, lookedMs))).toEqual([2000, 2000, 4000, 60_000, 300_000]);
  expect([1000, 61_000].map((lookedMs) => after(gate, lookedMs))).toEqual([300_000, 300_000]);
  expect(after({ ...soon, checkEveryMs: 3000 }, 61_000)).toBe(3000);
});
