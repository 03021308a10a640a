/** `keys reseal`: every kind of secret that the server has, where the next key's file may be, and what a second server finds. */
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { labelOfSecret } from '#store/kek/change.ts';
import { readKek } from '#store/kek.ts';
import { createSealer } from '#store/seal.ts';
import { openOrderKey, orderKeyWrite } from '#store/tls/certificates.ts';
import { hostKeyWrite, openHostKey } from '#store/tls/host-certificate.ts';
import { nameOf } from '#dns/name.ts';
import { exampleServer } from '../support/admin/example-server.ts';
import { TEST_ACTOR, good, temporaryControl } from '../support/temporary-control.ts';
import { TEST_KEK, auditEvent, countedRandom, temporaryFolder } from '../support/temporary-store.ts';

const TOKEN = { kind: 'token', id: 'admin', from: '192.0.2.1' } as const;
const BY_SOCKET = { actor: TEST_ACTOR, dryRun: false };

/** A store that knows the file of its key. */
async function remembering<T extends Pick<ReturnType<typeof temporaryControl>, 'writer'>>(
  room: T,
): Promise<T & { readonly folder: string }> {
  const folder = temporaryFolder();
  await room.writer.commit({ audit: auditEvent(), kekFile: join(folder, 'kek') });
  return { ...room, folder };
}

test('DNSSEC and DKIM keys, the register of signers, a removed zone’s keys: all are under the next key, the old one opens none, and work continues', async () => {
  const room = await remembering(await exampleServer());
  const { writer, control, folder } = room;
  const before = writer.sealerOf(TEST_KEK);
  const slice = writer.resealSlice(undefined, 1000);
  expect(slice.ok).toBe(true);
  const outcome = good(await control.keys.reseal('kek-2', BY_SOCKET));
  expect(outcome).toMatchObject({ file: join(folder, 'kek-2'), fileBefore: join(folder, 'kek'), isMade: true });
  expect(outcome.secrets).toBeGreaterThan(4);
  expect(statSync(outcome.file).mode & 0o777).toBe(0o600);
  const after = writer.sealerOf(good(readKek(outcome.file)));
  const example = writer.zoneByName(nameOf('example.com.'))!;
  for (const { id } of example.keys) {
    const sealed = writer.sealedSecret(example.id, id)!;
    expect([before.open(labelOfSecret(id)!, sealed).ok, after.open(labelOfSecret(id)!, sealed).ok]).toEqual([false, true]);
  }
  expect(after.open(labelOfSecret('signers')!, writer.sealedSecret(0, 'signers')!).ok).toBe(true);
  expect([writer.kekFile(), writer.kekChange(), control.audit.verify().brokenAt]).toEqual([outcome.file, undefined, undefined]);
  expect(control.audit.entries(2).map(({ action, actor }) => `${action} ${actor.kind}`)).toEqual(['kek.end system', 'kek.begin socket']);
  const set = { op: 'set', name: 'new.example.com.', type: 'A', ttl: 300, records: ['192.0.2.9'] } as const;
  expect(good(await room.run({ kind: 'rrsets.change', zone: nameOf('example.com.'), operations: [set] })).changed).toBe(true);
  expect(good(await room.run({ kind: 'zone.restore', zone: nameOf('removed.example.') })).created).toBe(true);
});

test('a dry run makes no file and changes nothing; a second change may follow the first', async () => {
  const room = await remembering(temporaryControl());
  const { writer, control, folder } = room;
  await room.load('a.example.', '@ 60 SOA ns host 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
  expect(good(await control.keys.reseal('kek-2', { ...BY_SOCKET, dryRun: true }))).toMatchObject({ secrets: 1, isMade: true });
  expect([existsSync(join(folder, 'kek-2')), writer.kekChange()]).toEqual([false, undefined]);
  expect(good(await control.keys.reseal('kek-2', BY_SOCKET)).secrets).toBe(1);
  writeFileSync(join(folder, 'kek-3'), Buffer.alloc(32, 7), { mode: 0o600 });
  expect(good(await control.keys.reseal('kek-3', { ...BY_SOCKET, dryRun: true }))).toMatchObject({ secrets: 1, isMade: false });
  expect(good(await control.keys.reseal('kek-3', BY_SOCKET))).toMatchObject({ secrets: 1, fileBefore: join(folder, 'kek-2') });
});

test('two requests at once are one change', async () => {
  const room = await remembering(temporaryControl());
  const { control } = room;
  await room.load('a.example.', '@ 60 SOA ns host 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
  const both = await Promise.all([control.keys.reseal('kek-2', BY_SOCKET), control.keys.reseal('kek-3', BY_SOCKET)]);
  expect(both.filter(({ ok }) => ok).length).toBeGreaterThan(0);
  expect(control.audit.verify().brokenAt).toBeUndefined();
});

test('what cannot be the next key: that in use, a file that others may read, a path from the network, an unknown present file', async () => {
  const { control, folder, writer } = await remembering(temporaryControl());
  const refused = async (file: string, options: Parameters<typeof control.keys.reseal>[1] = BY_SOCKET) => {
    const done = await control.keys.reseal(file, options);
    return done.ok ? 'done' : done.problems[0]!.message;
  };
  writeFileSync(join(folder, 'same'), TEST_KEK, { mode: 0o600 });
  writeFileSync(join(folder, 'short'), 'no key', { mode: 0o600 });
  writeFileSync(join(folder, 'open'), Buffer.alloc(32, 5));
  chmodSync(join(folder, 'open'), 0o644);
  expect(await refused('same')).toMatch(/holds the key that is in use already/);
  expect(await refused('short')).toMatch(/does not hold a key of 32 octets/);
  expect(await refused('open')).toMatch(/others than its owner may read or write it/);
  expect(await refused('kek')).toMatch(/is the file of the key in use/);
  for (const path of ['../kek', 'a/b', '', './kek', '/a/../b'])
    expect(await refused(path)).toMatch(/a name beside the present file, or an absolute path/);
  expect(await refused(join(folder, 'x'), { actor: TOKEN, dryRun: false })).toMatch(/over the Unix socket only/);
  expect([existsSync(join(folder, 'x')), writer.kekChange()]).toEqual([false, undefined]);
  const unknown = temporaryControl();
  expect(await unknown.control.keys.reseal('kek-2', BY_SOCKET)).toMatchObject({ ok: false, problems: [{ code: 'KEK_CHANGE' }] });
});

test('a server that finds a change begun by another continues with it', async () => {
  const room = await remembering(temporaryControl());
  const { control, folder, writer, dir } = room;
  await room.load('a.example.', '@ 60 SOA ns host 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
  const next = new Uint8Array(32).fill(9);
  writeFileSync(join(folder, 'kek-2'), next, { mode: 0o600 });
  await writer.commit({
    audit: auditEvent('kek.begin'),
    kek: { kind: 'begin', next: writer.sealerOf(next), file: join(folder, 'kek-2'), fileBefore: join(folder, 'kek') },
  });
  expect(await control.keys.reseal('kek-9', BY_SOCKET)).toMatchObject({
    ok: false,
    problems: [{ message: expect.stringContaining('is under way') as unknown }],
  });
  await control.close();
  const again = temporaryControl({ in: dir, otherKek: () => next });
  expect(good(await again.control.keys.continue())).toBe(1);
  expect([again.writer.kekChange(), again.writer.kekFile()]).toEqual([undefined, join(folder, 'kek-2')]);
});

test('keys of certificates are under the policy host’s own key: they stay, open with it as before, and are counted', async () => {
  const room = await remembering(temporaryControl());
  const { writer, control } = room;
  await room.load('a.example.', '@ 60 SOA ns host 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n');
  const hostKey = createSealer(new Uint8Array(32).fill(5), countedRandom());
  const zone = writer.zoneByName(nameOf('a.example.'))!;
  const [host, der] = ['mta-sts.a.example', new Uint8Array(40).fill(3)];
  const order = orderKeyWrite(hostKey, zone.id, host, { der, version: 2 });
  await writer.commit({ audit: auditEvent(), secrets: [hostKeyWrite(hostKey, zone.id, host, { der, version: 1 }), order] });
  expect(good(await control.keys.reseal('kek-2', { ...BY_SOCKET, dryRun: true }))).toMatchObject({ secrets: 1, ofPolicyHost: 2 });
  expect(good(await control.keys.reseal('kek-2', BY_SOCKET))).toMatchObject({ secrets: 1, ofPolicyHost: 2 });
  const opened = openHostKey(writer, hostKey, zone.id, { host, keyVersion: 1 } as Parameters<typeof openHostKey>[3]);
  expect(opened?.ok === true && Buffer.from(opened.value).equals(der)).toBe(true);
  const again = openOrderKey(writer, hostKey, zone.id, host, 2);
  expect(again?.ok === true && Buffer.from(again.value).equals(der)).toBe(true);
  expect(writer.kekChange()).toBeUndefined();
});
