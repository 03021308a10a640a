/** How often the places of a gate are looked at. */
import { expect, test } from 'vitest';
import { advance } from '#lifecycle/engine.ts';
import { type GateWait, type Machine, condition } from '#lifecycle/machine.ts';
import { checkAfterMs, judgeWaits } from '#lifecycle/waits.ts';

test('a gate that is most likely good soon is looked at soon, then more and more seldom', () => {
  const machine: Machine = { kind: 'test', first: 'a', last: ['a'], checkEveryMs: 300_000, transitions: [] };
  const gate = { kind: 'gate', id: 'g', who: '', why: '', observation: 'o', places: 'p' } as const;
  const after = (wait: GateWait, lookedMs: number) => checkAfterMs(machine, wait, 1000, lookedMs);
  const soon = { ...gate, firstChecksMs: 2000 };
  expect([1000, 2000, 5000, 61_000, 900_000].map((lookedMs) => after(soon, lookedMs))).toEqual([2000, 2000, 4000, 60_000, 300_000]);
  expect([1000, 61_000].map((lookedMs) => after(gate, lookedMs))).toEqual([300_000, 300_000]);
  expect(after({ ...soon, checkEveryMs: 3000 }, 61_000)).toBe(3000);
});

test('a gate that is looked at when another wait is over counts its looks from then: the second one comes soon', () => {
  const hour = 3_600_000;
  const ready = condition('ready', 'the host', 'nothing is there');
  const gate = { kind: 'gate', id: 'seen', who: '', why: '', observation: 'o', places: 'p', after: 'ready' } as const;
  const transition = { from: 'a', to: 'b', waits: [ready, { ...gate, firstChecksMs: 2000 }] };
  const machine: Machine = { kind: 'test', first: 'a', last: ['b'], checkEveryMs: 300_000, transitions: [transition] };
  const look = { what: 'o', place: 'out there', isGood: false, text: 'connect: refused', atMs: hour + 10 };
  const object = { id: 'x', group: 'x', stage: 'a', createdAtMs: 0, enteredAtMs: 0, data: {}, overrides: [], history: [] };
  const waiting = { ...object, seen: [look], confirmed: { 'b/ready': hour } };
  const world = {
    nowMs: hour + 20,
    wallOffsetMs: 0,
    durationMs: () => 0,
    places: () => ['out there'],
    condition: () => ({ isMet: true, text: '' }),
    overrideCommand: () => '',
  };
  const [, report] = judgeWaits(machine, transition, waiting, { version: 1, objects: [waiting] }, world);
  expect(report).toMatchObject({ isOver: false, nextCheckMs: hour + 10 + 2000 });
  expect(advance(machine, { version: 1, objects: [waiting] }, world).checks).toMatchObject([{ dueMs: hour + 10 + 2000 }]);
});
