/** What a parent keeps about its delegations: written, read back, damaged, and absent in an older store. */
import { expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import {
  delegationSettingsWrite,
  readDelegationSettings,
  readSignalOwners,
  readTakenRequest,
  signalOwnersWrite,
  takenRequestWrite,
} from '#store/delegation/delegations.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { auditEvent } from '../../support/temporary-store.ts';
import { temporaryControl } from '../../support/temporary-control.ts';

const CHILD = nameOf('Kid.parent.test.');
const SETTINGS = { version: 1, target: 'ns.parent.test.', port: 53, servers: ['192.0.2.1'], dsTtl: 3600 } as const;

async function bench() {
  const room = temporaryControl();
  const { writer } = room;
  await room.load('parent.test.', '@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
  const { id } = writer.zoneByName(nameOf('parent.test.'))!;
  const put = (...documents: readonly DocumentWrite[]) => writer.commit({ audit: auditEvent(), documents });
  return { writer, id, put };
}

test('a store without them: DS records are put by hand, nothing was taken, there are no signals', async () => {
  const { writer, id } = await bench();
  expect(readDelegationSettings(writer, id)).toBeUndefined();
  expect(readTakenRequest(writer, id, CHILD)).toBeUndefined();
  expect(readSignalOwners(writer, id)).toEqual([]);
});

test('what was written is read back, a child by its name in any case; null and nothing remove', async () => {
  const { writer, id, put } = await bench();
  await put(delegationSettingsWrite(id, SETTINGS), takenRequestWrite(id, CHILD, { inception: 7, atMs: 8 }));
  await put(signalOwnersWrite(id, ['_dsboot.x._signal.y.']));
  expect(readDelegationSettings(writer, id)).toEqual(SETTINGS);
  expect(readTakenRequest(writer, id, nameOf('kid.PARENT.test.'))).toEqual({ inception: 7, atMs: 8 });
  expect(readSignalOwners(writer, id)).toEqual(['_dsboot.x._signal.y.']);
  await put(delegationSettingsWrite(id, null), takenRequestWrite(id, CHILD, null), signalOwnersWrite(id, []));
  expect(readDelegationSettings(writer, id)).toBeUndefined();
  expect(readSignalOwners(writer, id)).toEqual([]);
});

test.for([
  ['delegation', 'settings', { ...SETTINGS, version: 2 }],
  ['delegation', 'settings', { ...SETTINGS, servers: [1] }],
  ['delegation', 'settings', { ...SETTINGS, port: '53' }],
  ['delegation-child', 'kid.parent.test.', { inception: 'x', atMs: 0 }],
  ['delegation-signals', 'owners', [1]],
] as const)('damaged: %s %s', async ([kind, id, value]) => {
  const { writer, id: zoneId, put } = await bench();
  await put({ zoneId, kind, id, value });
  const read = { delegation: readDelegationSettings, 'delegation-child': readTakenRequest, 'delegation-signals': readSignalOwners }[kind];
  expect(() => read(writer, zoneId, CHILD)).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }) as Error);
});
