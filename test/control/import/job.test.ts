/** What the process of an import does: reads the store, writes names to a file, gives back the rest. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StoreFailure } from '#store/failure.ts';
import { openReader } from '#store/reader.ts';
import { nameOf } from '#dns/name.ts';
import { makeImport } from '#control/import/job.ts';
import { type ImportRequest } from '#control/import/work.ts';
import { readNodes } from '#control/import/node-file.ts';
import { MAIL_ZONE_TEXT, TEST_ACTOR, temporaryControl } from '../../support/temporary-control.ts';
import { TEST_NOW_MS, temporaryFolder } from '../../support/temporary-store.ts';

async function bench() {
  const room = temporaryControl();
  await room.load('example.com.', MAIL_ZONE_TEXT);
  const nodes = openSync(join(temporaryFolder(), 'nodes'), 'wx+', 0o600);
  onTestFinished(() => closeSync(nodes));
  const make = (zone: string, text: string, more: Partial<ImportRequest> = {}) => {
    const request: ImportRequest = {
      storeDir: room.dir,
      work: {
        kind: 'file',
        command: { kind: 'zone.import', file: 'a.zone', dnssec: true },
        mayChange: [],
        hasResolvers: false,
      },
      inputBytes: text.length,
      zone: nameOf(zone),
      turn: { actor: TEST_ACTOR, action: 'zone.import', dryRun: false },
      newZoneId: 77,
      secrets: new Map(),
      sessionKey: new Uint8Array(32).fill(1),
      recordsPerRrsetMax: 100,
      nowMs: TEST_NOW_MS,
      countedMs: TEST_NOW_MS,
      writtenByMs: TEST_NOW_MS + 3_600_000,
      signing: { earliestMs: TEST_NOW_MS, latestMs: TEST_NOW_MS },
      ...more,
    };
    return makeImport(request, openReader(room.dir), { readInput: () => Buffer.from(text, 'latin1'), nodes });
  };
  return { room, make, nodes };
}

test('a new zone: its names are in the file under the id that is kept for it, all else is light', async () => {
  const { room, make, nodes } = await bench();
  const before = room.writer.generation();
  const reply = await make('new.example.', MAIL_ZONE_TEXT);
  if (reply.kind !== 'made') throw new Error(JSON.stringify(reply));
  const { parts, write, fileBytes, changed } = reply.made;
  expect(changed).toBe(true);
  expect(parts.map(({ record, plan }) => [record.id, plan.nodes.size, plan.changeset.added])).toEqual([[77, 0, []]]);
  expect(parts[0]!.shown?.added.join('\n')).toContain('new.example. 3600 IN MX 10 mx1.new.example.');
  expect(write).not.toHaveProperty('nodes');
  expect([...readNodes(nodes, fileBytes)].map(({ zoneId, key }) => [zoneId, key])).toHaveLength(3);
  expect(room.writer.generation()).toBe(before);
});

test('a dry run has nothing to write', async () => {
  const { make } = await bench();
  const reply = await make('new.example.', MAIL_ZONE_TEXT, { turn: { actor: TEST_ACTOR, action: 'zone.import', dryRun: true } });
  expect(reply).toMatchObject({ kind: 'made', made: { changed: true, write: undefined, fileBytes: 0 } });
});

test('a file with faults is rejected with all of them', async () => {
  const { make } = await bench();
  const reply = await make('new.example.', `${MAIL_ZONE_TEXT}www CNAME a\nwww A 192.0.2.300\n`);
  expect(reply).toMatchObject({ kind: 'rejected' });
  expect(reply.kind === 'rejected' && reply.problems.map(({ code }) => code)).toContain('RDATA_VALUE');
});

test('a zone that is there is signed with the keys that come with the request, and with no others', async () => {
  const { make } = await bench();
  await expect(make('example.com.', `${MAIL_ZONE_TEXT}www 60 A 192.0.2.1\n`)).rejects.toThrow(StoreFailure);
});
