/** Files for signers: how they come into place, when the command after runs, and what happens when something fails. */
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { ok } from '#base/problem.ts';
import { type DomainKeys } from '#control/signers/export-files.ts';
import { SignerExporter } from '#control/signers/export.ts';
import { type ExportForm, type SignerRecord } from '#control/api/signers.ts';
import { DOMAINS } from '../../support/fake-signer-domains.ts';
import { foldersHere } from '../../support/signers/folders-here.ts';
import { signerKey } from '../../support/fake-signer-keys.ts';
import { HOUR_MS, LOCAL, SIGNED_ZONE, signingControl } from '../../support/signing-control.ts';
import { good } from '../../support/temporary-control.ts';
import { countedRandom, temporaryFolder } from '../../support/temporary-store.ts';

const log = createLog({ level: 'silent' });

interface BenchOptions {
  readonly form?: ExportForm;
  readonly folder?: string;
  readonly run?: () => string | undefined;
}

interface Bench {
  readonly exporter: SignerExporter;
  readonly folder: string;
  readonly signer: SignerRecord;
  readonly exports: string[];
  readonly inUse: string[];
  domains: readonly DomainKeys[];
  nowMs: number;
  generation: number;
  isRemoved: boolean;
}

/** A signer that has files. `run` stands for the command after; nothing is run. */
function bench({ form = 'opendkim', folder = join(temporaryFolder(), 'mx1'), run }: BenchOptions = {}): Bench {
  const command = run === undefined ? [] : ['/bin/reload'];
  const signer: SignerRecord = {
    name: 'mx1',
    delivery: 'files',
    domains: ['post.example.'],
    allow: ['127.0.0.1'],
    files: { form, folder, command },
    createdAtMs: 0,
  };
  const one: Omit<Bench, 'exporter'> = {
    folder,
    signer,
    exports: [],
    inUse: [],
    domains: DOMAINS,
    nowMs: 0,
    generation: 1,
    isRemoved: false,
  };
  const exporter = new SignerExporter({
    signers: {
      records: () => (one.isRemoved ? [] : [signer]),
      filesOf: () => one.domains,
      noteExport: (_record, detail) => Promise.resolve(ok(void one.exports.push(detail))),
      noteFilesInUse: (record) => Promise.resolve(void one.inUse.push(record.name)),
    },
    clock: { nowMs: () => one.nowMs },
    random: countedRandom(),
    log,
    generation: () => one.generation,
    installation: 'test',
    folders: () => foldersHere(run),
  });
  onTestFinished(() => exporter.stop());
  return Object.assign(one, { exporter });
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const versionsOf = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('v-'));

describe('how files come into place', () => {
  test('folders 0700, files 0600, whatever the umask is; nothing but the version, its link and its mark stays', async () => {
    const mask = process.umask(0);
    const one = bench();
    try {
      await one.exporter.lookDue();
    } finally {
      process.umask(mask);
    }
    expect(readdirSync(one.folder).toSorted()).toEqual(['.waxseal', 'current', ...versionsOf(one.folder)]);
    expect(modeOf(join(one.folder, '.waxseal'))).toBe('600');
    expect(modeOf(one.folder)).toBe('700');
    const paths = readdirSync(join(one.folder, 'current'), { recursive: true, withFileTypes: true });
    expect(paths.length).toBeGreaterThan(4);
    for (const each of paths)
      expect([each.name, modeOf(join(each.parentPath, each.name))]).toEqual([each.name, each.isDirectory() ? '700' : '600']);
    expect(one.exports).toEqual([`files with r2._domainkey.post.example, e2._domainkey.post.example to ${one.folder}`]);
    expect(one.exporter.status('mx1')).toMatchObject({ state: 'current', version: readlinkSync(join(one.folder, 'current')) });
  });

  test('nothing is written while nothing changes, not even after a restart; a new key is a new version', async () => {
    const one = bench();
    await one.exporter.lookDue();
    const version = readlinkSync(join(one.folder, 'current'));
    one.generation++;
    await one.exporter.lookDue();
    const again = bench({ folder: one.folder });
    await again.exporter.lookDue();
    expect(readlinkSync(join(one.folder, 'current'))).toBe(version);
    expect([one.exports.length, again.exports.length]).toEqual([1, 0]);
    again.nowMs = 1000;
    again.domains = [{ domain: 'post.example', keys: [signerKey('r2', 'retiring'), signerKey('r3', 'active')], signing: ['r3'] }];
    await again.exporter.lookDue();
    expect(readlinkSync(join(one.folder, 'current'))).toBe(version);
    again.generation++;
    await again.exporter.lookDue();
    expect(readFileSync(join(one.folder, 'current', 'SigningTable'), 'utf8')).toBe('*@post.example r3._domainkey.post.example\n');
    expect(versionsOf(one.folder)).toHaveLength(1);
  });

  test('a reader that follows the link sees all of one version, at every moment of many exports', async () => {
    const one = bench({ form: 'exim' });
    await one.exporter.lookDue();
    const reader = setInterval(() => undefined, 1000);
    for (let round = 0; round < 20; round++) {
      const selector = `r${round}`;
      one.domains = [
        {
          domain: 'post.example',
          keys: [signerKey(`r${round - 1}`.replace('-1', '99'), 'retiring'), signerKey(selector, 'active')],
          signing: [selector],
        },
      ];
      const before = realpathSync(join(one.folder, 'current'));
      const exported = one.exporter.exportNow(one.signer);
      // Before the old version is taken away, its files are as they were.
      expect(existsSync(join(before, 'selectors'))).toBe(true);
      good(await exported);
      expect(readFileSync(join(one.folder, 'current', 'selectors'), 'utf8')).toBe(`post.example: ${selector}\n`);
      expect(existsSync(join(one.folder, 'current', 'keys', 'post.example', `${selector}.pem`))).toBe(true);
    }
    clearInterval(reader);
    expect(versionsOf(one.folder)).toHaveLength(1);
  });

  test('a file of others that comes into the folder later stays as it is', async () => {
    const one = bench();
    await one.exporter.lookDue();
    writeFileSync(join(one.folder, 'notes.txt'), 'mine');
    mkdirSync(join(one.folder, 'v-20250101000000-abc123'));
    good(await one.exporter.exportNow(one.signer));
    const current = readlinkSync(join(one.folder, 'current'));
    expect(readdirSync(one.folder).toSorted()).toEqual(['.waxseal', 'current', 'notes.txt', 'v-20250101000000-abc123', current].toSorted());
  });
});

describe('the command after', () => {
  test('runs once for each version, and then the signer is taken to sign with it', async () => {
    let runs = 0;
    const one = bench({ run: () => void runs++ });
    await one.exporter.lookDue();
    one.generation++;
    await one.exporter.lookDue();
    expect(runs).toBe(1);
    expect(one.inUse).toEqual(['mx1']);
  });

  test('without one OpenDKIM goes on with the tables it has read, so nobody says that it has switched; Exim reads them anew', async () => {
    for (const [form, inUse] of [
      ['opendkim', []],
      ['exim', ['mx1']],
      ['haraka', ['mx1']],
    ] as const) {
      const one = bench({ form });
      await one.exporter.lookDue();
      expect(one.inUse).toEqual(inUse);
    }
  });

  test('fails: told, the new files are in place, the version before is kept, and it is tried again later and later', async () => {
    let failure: string | undefined = 'reload ended with exit code 1: no such unit';
    const one = bench({ run: () => failure });
    await one.exporter.lookDue();
    const first = one.exporter.status('mx1');
    expect(first).toMatchObject({ state: 'failing', nextTryAtMs: 5000, failure });
    expect(one.inUse).toEqual([]);
    one.nowMs = 4999;
    one.generation++;
    await one.exporter.lookDue();
    expect(one.exporter.status('mx1')).toEqual(first);
    one.nowMs = 5000;
    await one.exporter.lookDue();
    expect(one.exporter.status('mx1')).toMatchObject({ state: 'failing', nextTryAtMs: 15_000 });
    failure = undefined;
    one.nowMs = 15_000;
    await one.exporter.lookDue();
    expect(one.exporter.status('mx1')).toMatchObject({ state: 'current' });
    // The files were good from the start: one entry in the log, not three.
    expect([one.exports.length, one.inUse.length]).toEqual([1, 1]);
  });

  test('is run again after a crash between the files and its end', async () => {
    let runs = 0;
    const one = bench({ run: () => 'was killed: the server stops' });
    await one.exporter.lookDue();
    const again = bench({ folder: one.folder, run: () => void runs++ });
    await again.exporter.lookDue();
    expect(runs).toBe(1);
    expect(again.exports).toEqual([]);
  });
});

test('through the register: a rotation reaches the files, and the old key may go once the command has run', async () => {
  const room = await signingControl({ algorithms: ['rsa2048'], queueLife: '30m', signerLag: '5m' });
  const folder = join(temporaryFolder(), 'mx1');
  const exporter = new SignerExporter({
    signers: room.control.signers,
    clock: room.clock,
    random: countedRandom(),
    log,
    generation: () => room.writer.generation(),
    installation: room.writer.installation(),
    folders: () => foldersHere(),
  });
  onTestFinished(() => exporter.stop());
  room.control.signers.useFiles(exporter);
  const files = { form: 'opendkim', folder, command: ['/bin/reload'] } as const;
  good(
    await room.control.signers.add({ name: 'mx1', delivery: 'files', domains: ['post.example'], files }, { actor: LOCAL, dryRun: false }),
  );
  await exporter.lookDue();
  const [old] = room.active();
  expect(readFileSync(join(folder, 'current', 'KeyTable'), 'utf8')).toContain(`post.example:${old}:`);
  good(await room.run({ kind: 'dkim.rotate', zone: SIGNED_ZONE, algorithms: [], reason: 'test' }));
  await room.live(2 * HOUR_MS);
  await exporter.lookDue();
  const [now] = room.active();
  expect(now).not.toBe(old);
  expect(readFileSync(join(folder, 'current', 'KeyTable'), 'utf8')).toContain(`post.example:${now}:`);
  expect(readdirSync(join(folder, 'current', 'keys', 'post.example')).toSorted()).toEqual([`${old}.pem`, `${now}.pem`].toSorted());
  await room.live(3 * HOUR_MS);
  expect(room.stages()[old!]).toBe('revoked');
  await exporter.lookDue();
  expect(readdirSync(join(folder, 'current', 'keys', 'post.example'))).toEqual([`${now}.pem`]);
  expect(room.control.signers.find('mx1')!.exported).toMatchObject({ state: 'current' });
  expect(room.control.audit.entries(100).filter(({ action }) => action === 'signer.export')).toHaveLength(3);
});

test('a signer that is removed in the middle of its export is forgotten: no failure, and no next try', async () => {
  const one = bench({
    run: () => {
      one.isRemoved = true;
      return 'ended with code 1';
    },
  });
  await one.exporter.lookDue();
  expect(one.exporter.status('mx1')).toEqual({ state: 'waiting' });
  const again = await one.exporter.exportNow(one.signer);
  expect(again).toMatchObject({ ok: false, problems: [{ code: 'SIGNER_NOT_FOUND' }] });
  expect(one.exporter.status('mx1')).toEqual({ state: 'waiting' });
});
