/** Work in steps: the result is the same, and everything else has its turn between two of them. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inTurns } from '#control/commands/in-turns.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { atOnce, decodeChangeset, decodeSteps, encodeChangeset } from '#zone/changeset-codec.ts';
import { netChanges, netSteps } from '#zone/history/net-changes.ts';

const ZONE = nameOf('a.test.');
const COUNT = 9000;

function change(fromSerial: number, octet: number) {
  const rrsets = (last: number) =>
    Array.from({ length: COUNT }, (_, at) => ({
      owner: nameOf(`h${at}.a.test.`),
      type: TYPE.A,
      ttl: 60,
      rdatas: [Uint8Array.of(192, 0, 2, last)],
    }));
  return {
    zone: ZONE,
    fromSerial,
    toSerial: fromSerial + 1,
    deleted: rrsets(octet),
    added: rrsets(octet + 1),
  };
}

async function turnsDuring<T>(work: Promise<T>): Promise<{ readonly turns: number; readonly result: T }> {
  const state = { isDone: false };
  const ended = work.finally(() => (state.isDone = true));
  let turns = 0;
  while (!state.isDone && turns < 100_000) {
    await turn();
    turns++;
  }
  return { turns, result: await ended };
}

test('a large changeset', async () => {
  const bytes = encodeChangeset(change(1, 1));
  const { turns, result } = await turnsDuring(inTurns(decodeSteps(bytes)));
  expect(result).toEqual(decodeChangeset(bytes));
  expect([result.deleted.length, result.added.length]).toEqual([COUNT, COUNT]);
  expect(turns).toBeGreaterThanOrEqual(8);
});

test('the net of several, and what cuts it short', async () => {
  const changes = [change(1, 1), change(2, 2)];
  const { turns, result } = await turnsDuring(inTurns(netSteps(changes)));
  expect(result).toEqual(netChanges(changes));
  expect([result.fromSerial, result.toSerial, result.added.length]).toEqual([1, 3, COUNT]);
  expect(result.added[0]?.rdatas).toEqual([Uint8Array.of(192, 0, 2, 3)]);
  expect(turns).toBeGreaterThanOrEqual(18);
  await expect(inTurns(netSteps([change(1, 1), change(3, 2)]))).rejects.toThrow('follows serial 2');
  expect(() => atOnce(netSteps([]))).toThrow('no changes lie between');
});
