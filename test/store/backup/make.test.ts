/** Backups: of one snapshot, closed to others, without the key, whole or not there; and what finds those that are not good. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { listBackups, removeOldBackups } from '#store/backup/folder.ts';
import { makeBackup } from '#store/backup/make.ts';
import { BACKUP_FILES, readManifest, readZones } from '#store/backup/manifest.ts';
import { noteOwner } from '#store/backup/owner.ts';
import { encodeNode } from '#store/node-codec.ts';
import { fromLatin1 } from '#base/bytes.ts';
import { ownerKey } from '#dns/name.ts';
import { exampleServer } from '../../support/admin/example-server.ts';
import { backupOf, backupOrder, checkAll, kekFileOf } from '../../support/backups.ts';
import { good, temporaryControl } from '../../support/temporary-control.ts';
import {
  TEST_KEK,
  TEST_NOW_MS,
  auditEvent,
  nodeWrite,
  temporaryFolder,
  temporaryStore,
  zoneRecord,
} from '../../support/temporary-store.ts';

const HOUR_MS = 3_600_000;

/** Changes the file under its name, and its hash in the manifest too when `isHidden`. */
function spoil(folder: string, name: string, change: (octets: Buffer) => Buffer, isHidden = false): void {
  const octets = change(readFileSync(join(folder, name)));
  writeFileSync(join(folder, name), octets);
  if (!isHidden) return;
  const manifest = JSON.parse(readFileSync(join(folder, BACKUP_FILES.manifest), 'utf8')) as ReturnType<
    typeof readManifest
  >;
  const sha256 = createHash('sha256').update(octets).digest('hex');
  const files = manifest.files.map((each) => (each.name === name ? { name, bytes: octets.length, sha256 } : each));
  writeFileSync(join(folder, BACKUP_FILES.manifest), JSON.stringify({ ...manifest, files }));
}

function modesOf(folder: string): string[] {
  return readdirSync(folder).map((name) => `${name} ${(statSync(join(folder, name)).mode & 0o777).toString(8)}`);
}

describe('a backup', () => {
  test('of a store with keys, mail, signers and a removed zone: all of it is found good, and others can read none of it', async () => {
    const { dir, writer } = await exampleServer();
    const parent = join(temporaryFolder(), 'a', 'backups');
    process.umask(0);
    const folder = await backupOf(dir, { folder: parent });
    process.umask(0o022);
    expect(modesOf(folder).toSorted()).toEqual(['data.mdb 600', 'manifest.json 600', 'zones.json 600']);
    expect([statSync(folder).mode & 0o777, statSync(parent).mode & 0o777]).toEqual([0o700, 0o700]);
    expect(readdirSync(parent)).toHaveLength(1);
    const verdict = await checkAll(folder);
    expect(verdict.problems).toEqual([]);
    const zones = writer.zones();
    expect(verdict).toMatchObject({
      zones: zones.length,
      nodes: zones.reduce((sum, { nodeCount }) => sum + nodeCount, 0),
    });
    expect(verdict.secrets).toBeGreaterThan(4);
    expect(verdict.signedNodes).toBeGreaterThan(5);
    expect(verdict.manifest).toMatchObject({
      generation: writer.generation(),
      kekFiles: [writer.kekFile()],
      isScheduled: false,
    });
    expect(readZones(folder)).toEqual(
      zones.map(({ name, serial, dnssec, nodeCount }) => ({ name, serial, dnssec, nodes: nodeCount })),
    );
    expect(listBackups(parent)).toMatchObject([{ folder, verifiedAtMs: TEST_NOW_MS }]);
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name)).includes(TEST_KEK)).toBe(false);
  });

  test('has one snapshot, though changes go on while it is copied', async () => {
    const { dir, writer } = temporaryStore();
    await writer.commit({
      audit: auditEvent(),
      zones: { put: [zoneRecord(1, 'example.')] },
      nodes: [nodeWrite(1, 'example.', [TYPE.SOA])],
    });
    const state = { isDone: false };
    const copied = backupOf(dir).finally(() => (state.isDone = true));
    let serial = 1;
    while (!state.isDone) {
      await turn();
      serial++;
      // Serial, node and journal of one commit: a copy of two halves would not fit together.
      const put = [zoneRecord(1, 'example.', serial)];
      const journal = [{ zoneId: 1, fromSerial: serial - 1, toSerial: serial, changeset: new Uint8Array(3000) }];
      await writer.commit({
        audit: auditEvent(),
        zones: { put },
        nodes: [nodeWrite(1, `n${serial}.example.`)],
        journal,
      });
    }
    const folder = await copied;
    const [zone] = readZones(folder);
    expect(zone!.serial).toBeLessThanOrEqual(serial);
    expect(zone!.nodes).toBe(zone!.serial);
    expect(readManifest(folder).generation).toBe(zone!.serial);
    const { problems } = await checkAll(folder);
    expect(problems.filter((each) => !/DNSSEC|NSEC/.test(each))).toEqual([]);
  });

  test('is not made, and nothing is left: without the key, with another key, in a file, in the store’s own folder', async () => {
    const { dir } = temporaryStore();
    const folder = join(temporaryFolder(), 'backups');
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, 'not ours');
    const loose = kekFileOf();
    chmodSync(loose, 0o644);
    const cases = [
      ['KEK_FILE', { folder, kekFile: join(folder, 'none') }],
      ['KEK_WRONG', { folder, kekFile: kekFileOf(new Uint8Array(32).fill(9)) }],
      ['KEK_PERMISSIONS', { folder, kekFile: loose }],
      ['BACKUP_FOLDER', { folder: file }],
      ['BACKUP_FOLDER', { folder: join(dir, 'backups') }],
    ] as const;
    for (const [code, order] of cases) {
      await expect(makeBackup(backupOrder(dir, order))).rejects.toMatchObject({ code });
      expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
    }
    expect(readFileSync(file, 'utf8')).toBe('not ours');
  });
});

describe('a backup that is not good is found:', () => {
  test('octets changed, cut, missing; a list of zones, a manifest that others have written', async () => {
    const { dir } = await exampleServer();
    const flip = (octets: Buffer) => (octets.writeUInt8(octets[20_000]! ^ 1, 20_000), octets);
    const cases: readonly (readonly [RegExp, (folder: string) => void])[] = [
      [/data\.mdb: does not have its hash/, (folder) => spoil(folder, 'data.mdb', flip)],
      [
        /data\.mdb: has \d+ octets, \d+ were written/,
        (folder) => spoil(folder, 'data.mdb', (octets) => octets.subarray(4096)),
      ],
      [/data\.mdb: ENOENT/, (folder) => rmSync(join(folder, 'data.mdb'))],
      [
        /zones\.json: does not have its hash/,
        (folder) => spoil(folder, 'zones.json', (octets) => Buffer.from(String(octets).replace('on', 'no'))),
      ],
      [
        /manifest\.json: was not written by a server with this key/,
        (folder) => spoil(folder, 'zones.json', (octets) => Buffer.concat([octets, Buffer.from(' ')]), true),
      ],
      [
        /zones\.json: has another serial of example\.com\./,
        (folder) =>
          spoil(
            folder,
            'zones.json',
            (octets) => Buffer.from(String(octets).replace(/"serial": \d/, '"serial": 9')),
            true,
          ),
      ],
    ];
    for (const [what, harm] of cases) {
      const folder = await backupOf(dir);
      harm(folder);
      const { problems } = await checkAll(folder);
      expect(problems.join('\n')).toMatch(what);
      expect(existsSync(join(folder, BACKUP_FILES.verified))).toBe(false);
    }
  });

  test('a signature that does not match, a secret that does not open, a store whose counts do not agree', async () => {
    const { dir, writer } = await exampleServer();
    const zone = writer.zoneByName(nameOf('example.com.'));
    const view = writer.view(zone!);
    const www = view.node(ownerKey(nameOf('www.example.com.')))!;
    const rrsets = www.rrsets.map((each) => ({
      ...each,
      signatures: each.signatures.map((rrsig) => ((rrsig[rrsig.length - 1]! ^= 1), rrsig)),
    }));
    const flags = writer.nodeBytes(zone!.id, fromLatin1(www.key))![0]!;
    const secrets = [{ zoneId: zone!.id, id: zone!.keys[0]!.id, value: new Uint8Array(60) }];
    const nodes = [{ zoneId: zone!.id, key: www.key, value: encodeNode({ ...www, rrsets }, flags) }];
    await writer.commit({ audit: auditEvent(), zones: { put: [zone!] }, nodes, secrets });
    const { problems } = await checkAll(await backupOf(dir));
    expect(problems.join('\n')).toMatch(/www\.example\.com\..*DNSSEC_SIGNATURE/);
    expect(problems.join('\n')).toMatch(/secret \S+ of example\.com\.: does not open/);
  });

  test('no backup, a newer one, another key: said in words, and nothing is noted', async () => {
    const { dir } = await exampleServer();
    const folder = await backupOf(dir);
    const other = kekFileOf(new Uint8Array(32).fill(9));
    await expect(checkAll(folder, { kekFile: other })).rejects.toMatchObject({
      code: 'KEK_WRONG',
      message: expect.stringContaining('it was in'),
    });
    await expect(checkAll(temporaryFolder())).rejects.toMatchObject({ code: 'BACKUP_NONE' });
    spoil(folder, BACKUP_FILES.manifest, (octets) =>
      Buffer.from(String(octets).replace('"version": 1', '"version": 2')),
    );
    await expect(checkAll(folder)).rejects.toMatchObject({
      code: 'BACKUP_BAD',
      message: expect.stringContaining('a newer waxseal'),
    });
    expect(existsSync(join(folder, BACKUP_FILES.verified))).toBe(false);
  });

  test('signatures are judged as of the last change: an old backup, and one of a server that was down, are as good as they were', async () => {
    const server = temporaryControl();
    await server.load('old.example.', '@ 3600 SOA ns host 1 7200 900 1209600 300\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n');
    const folder = await backupOf(server.dir);
    expect((await checkAll(folder, { nowMs: TEST_NOW_MS + 400 * 24 * HOUR_MS })).problems).toEqual([]);
    const late = await backupOf(server.dir, { nowMs: TEST_NOW_MS + 400 * 24 * HOUR_MS });
    expect((await checkAll(late)).problems).toEqual([]);
    await server.writer.commit({ audit: { ...auditEvent(), atMs: TEST_NOW_MS + 400 * 24 * HOUR_MS } });
    // Another change was made, and the signatures were not renewed.
    expect((await checkAll(await backupOf(server.dir, { nowMs: Date.now() }))).problems.join('\n')).toMatch(
      /DNSSEC_TIME/,
    );
  });
});

describe('old backups', () => {
  test('of the schedule go, the newest stay; what is not ours in every respect stays too', async () => {
    const { dir, writer } = temporaryStore();
    const other = temporaryStore({ random: (bytes) => new Uint8Array(bytes).fill(3) });
    const folder = join(temporaryFolder(), 'backups');
    const at = (hour: number) => ({ folder, isScheduled: true, nowMs: TEST_NOW_MS + hour * HOUR_MS });
    const scheduled: string[] = [];
    for (let hour = 0; hour < 6; hour++) scheduled.push(await backupOf(dir, at(hour)));
    await backupOf(dir, { folder, nowMs: TEST_NOW_MS });
    await backupOf(other.dir, at(0));
    writeFileSync(join(scheduled[1]!, 'note of the operator'), '');
    symlinkSync('/etc', join(folder, 'waxseal-20200101T000000Z-00000000'));
    mkdirSync(join(folder, 'waxseal-20200101T000000Z-11111111'));
    writeFileSync(join(folder, 'waxseal-20200101T000000Z-22222222'), '');
    mkdirSync(join(folder, 'photos'));
    const before = readdirSync(folder);
    const removed = removeOldBackups(folder, writer.installation(), 2);
    const names = scheduled.map((each) => each.slice(folder.length + 1));
    expect(removed).toEqual([names[3], names[2], names[0]]);
    expect(readdirSync(folder).toSorted()).toEqual(before.filter((name) => !removed.includes(name)).toSorted());
    expect(good({ ok: true, value: removeOldBackups(folder, writer.installation(), 2), warnings: [] })).toEqual([]);
  });

  test('that were not found good take the place of none that was', async () => {
    const { dir, writer } = temporaryStore();
    const folder = join(temporaryFolder(), 'backups');
    const names: string[] = [];
    for (let hour = 0; hour < 5; hour++) {
      const made = await backupOf(dir, { folder, isScheduled: true, nowMs: TEST_NOW_MS + hour * HOUR_MS });
      names.push(made.slice(folder.length + 1));
      const note = JSON.stringify({ atMs: TEST_NOW_MS, productVersion: '0' });
      if (hour < 2) writeFileSync(join(made, BACKUP_FILES.verified), note);
    }
    expect(removeOldBackups(folder, writer.installation(), 2)).toEqual([]);
    expect(removeOldBackups(folder, writer.installation(), 1)).toEqual([names[0]]);
  });

  test('what a backup that was killed has left goes with the next one, or after hours, and only that', async () => {
    const { dir } = temporaryStore();
    const folder = join(temporaryFolder(), 'backups');
    const left = (name: string, hours: number, file: string, owner?: object) => {
      const path = join(folder, name);
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, file), 'x');
      noteOwner(path, dir);
      const note = join(path, 'owner.json');
      const noted = JSON.parse(readFileSync(note, 'utf8')) as object;
      if (owner === undefined) rmSync(note);
      else writeFileSync(note, JSON.stringify({ ...noted, ...owner }));
      const time = (TEST_NOW_MS - hours * HOUR_MS) / 1000;
      utimesSync(path, time, time);
    };
    left('.partial-waxseal-20200101T000000Z-00000000', 4, 'data.mdb');
    left('.partial-waxseal-20200101T000000Z-11111111', 1, 'data.mdb');
    left('.partial-waxseal-20200101T000000Z-22222222', 4, 'mine');
    left('.removing-waxseal-20200101T000000Z-33333333', 4, 'data.mdb');
    left('.partial-other', 4, 'data.mdb');
    // Above the highest one that Linux gives (pid_max in proc(5)).
    const pid = 4_194_305;
    const partial = (digit: string) => `.partial-waxseal-20200101T000000Z-${digit.repeat(8)}`;
    left(partial('4'), 0, 'data.mdb', { pid });
    left(partial('5'), 0, 'data.mdb', {});
    left(partial('6'), 0, 'data.mdb', { pid, host: 'another' });
    left(partial('7'), 0, 'data.mdb', { pid, of: '/another/store' });
    left(partial('8'), 0, 'mine', { pid });
    await backupOf(dir, { folder });
    expect(
      readdirSync(folder)
        .filter((name) => name.startsWith('.'))
        .toSorted(),
    ).toEqual([
      '.partial-other',
      '.partial-waxseal-20200101T000000Z-11111111',
      '.partial-waxseal-20200101T000000Z-22222222',
      ...['5', '6', '7', '8'].map(partial),
    ]);
  });
});
