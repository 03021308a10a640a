/** A large new zone comes in slices: others have turns, nothing of it is seen before its end, and nothing is left of one that fails. */
import { describe, expect, test, vi } from 'vitest';
import { WHOLE } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import { StoreFailure } from '#store/failure.ts';
import { FILLING_KIND } from '#store/due/documents.ts';
import { verifyStore } from '#store/verify.ts';
import { nameOf } from '#dns/name.ts';
import { IMPORT_SLICE_NODES } from '#base/limits/changes.ts';
import { importsHere } from '../../support/import-here.ts';
import { type TestControl, bad, good, temporaryControl } from '../../support/temporary-control.ts';

const ZONE = nameOf('large.example.');
const OTHER = nameOf('other.example.');
/** More than is written in one transaction. */
const HOSTS = 4 * IMPORT_SLICE_NODES;
const HEAD = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n';
const TEXT = `${HEAD}$GENERATE 1-${HOSTS} h$ 3600 TXT "${'x'.repeat(200)}"\n`;
const IMPORT = { kind: 'zone.import', zone: ZONE, text: TEXT, file: 'a.zone', dnssec: false } as const;
const WWW = { op: 'set', name: 'www', type: 'A', ttl: 60, records: ['192.0.2.9'] } as const;

const filling = ({ writer }: TestControl) => writer.documentIds(0, FILLING_KIND);
const nodesOf = ({ writer }: TestControl, zoneId: number) => writer.readNodes(zoneId, undefined, 1_000_000, () => undefined);

/** Waits, in turns of the event loop, until it is so. */
async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; turns < 10_000 && !holds(); turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(holds()).toBe(true);
}

describe('a large new zone', () => {
  test('comes in slices between which others are changed; it is there, whole, at the end', async () => {
    const room = temporaryControl(importsHere());
    await room.load('other.example.', HEAD);
    const state = { isEnded: false };
    const imported = room.run(IMPORT).finally(() => (state.isEnded = true));
    await until(() => nodesOf(room, 2) > 0);
    let changes = 0;
    for (; nodesOf(room, 2) < HOSTS && !state.isEnded; changes++) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(room.writer.zoneByName(ZONE)).toBeUndefined();
      expect(filling(room)).toEqual(['2']);
      // What is on its way is no fault of the store, nor of a backup.
      expect(verifyStore(room.writer).problems).toEqual([]);
      good(await room.run({ kind: 'rrsets.change', zone: OTHER, operations: [{ ...WWW, records: [`192.0.2.${changes + 1}`] }] }));
    }
    expect(changes).toBeGreaterThan(1);
    const outcome = good(await imported);
    expect(outcome).toMatchObject({ created: true, changed: true, serial: 10 });
    expect(room.writer.zoneByName(ZONE)).toMatchObject({ id: 2, nodeCount: HOSTS + 2, revision: outcome.revision });
    expect(filling(room)).toEqual([]);
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('that is not made leaves nothing: a condition that does not hold any more', async () => {
    const room = temporaryControl(importsHere());
    let isAgainst = false;
    const precondition = () => (isAgainst ? problem('PRECONDITION', WHOLE, 'it is otherwise') : undefined);
    const imported = room.run(IMPORT, { precondition });
    await until(() => nodesOf(room, 1) > 0);
    isAgainst = true;
    expect(bad(await imported)).toMatchObject([{ code: 'PRECONDITION' }]);
    await until(() => filling(room).length === 0);
    expect(nodesOf(room, 1)).toBe(0);
    expect(room.writer.zoneByName(ZONE)).toBeUndefined();
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('whose server is killed is taken out at the next start', async () => {
    const room = temporaryControl(importsHere());
    const imported = room.run(IMPORT);
    await until(() => nodesOf(room, 1) > 0);
    // As a kill leaves it: the process is gone between two slices.
    await room.control.close();
    expect(bad(await imported)).toMatchObject([{ code: 'IMPORT_FAILED' }]);
    const again = temporaryControl({ in: room.dir, ...importsHere() });
    expect(nodesOf(again, 1)).toBeGreaterThan(0);
    await until(() => filling(again).length === 0);
    expect(nodesOf(again, 1)).toBe(0);
    // The id is not used again.
    expect(good(await again.run(IMPORT)).created).toBe(true);
    expect(again.writer.zoneByName(ZONE)).toMatchObject({ id: 2, nodeCount: HOSTS + 2 });
    expect(verifyStore(again.writer).problems).toEqual([]);
  });

  test('for which there is no space is said to be so, and leaves nothing', async () => {
    const room = temporaryControl(importsHere());
    const imported = room.run(IMPORT);
    await until(() => nodesOf(room, 1) > 0);
    const commit = room.writer.commit.bind(room.writer);
    vi.spyOn(room.writer, 'commit').mockImplementation((write) => {
      if (write.beside?.kind !== 'fill') return commit(write);
      return Promise.reject(new StoreFailure('STORE_FULL', WHOLE, 'no space is left', 'make some'));
    });
    expect(bad(await imported)).toMatchObject([{ code: 'STORE_FULL' }]);
    await until(() => filling(room).length === 0);
    expect(nodesOf(room, 1)).toBe(0);
    expect(room.writer.zoneByName(ZONE)).toBeUndefined();
  });
});
