/** A signer's folder is tried before the signer is stored; a stored order that cannot be carried out holds nothing up and can be taken back. */
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLog } from '#base/log.ts';
import { problemKind } from '#base/problem-codes.ts';
import { type SignerRequest } from '#control/api/signers.ts';
import { SignerExporter } from '#control/signers/export.ts';
import { FolderProcesses, type FolderProcessesOptions } from '#control/signers/folder-processes.ts';
import { SignerRegister } from '#control/signers/register.ts';
import { LOCAL, type SigningControl, signingControl } from '../../support/signing-control.ts';
import { bad, good } from '../../support/temporary-control.ts';
import { auditEvent, countedRandom, temporaryFolder } from '../../support/temporary-store.ts';

const local = { actor: LOCAL, dryRun: false };
const SPIN = new URL('../../support/signers/spin.ts', import.meta.url);

/** A control with the exporter in front of its folders. */
async function withFolders(folders: FolderProcessesOptions = {}): Promise<SigningControl & { readonly exporter: SignerExporter }> {
  const one = await signingControl({ algorithms: ['ed25519'] });
  const exporter = new SignerExporter({
    signers: one.control.signers,
    clock: one.clock,
    random: countedRandom(),
    log: createLog({ level: 'silent' }),
    generation: () => one.writer.generation(),
    installation: one.writer.installation(),
    folders: () => new FolderProcesses(folders),
  });
  one.control.signers.useFiles(exporter);
  onTestFinished(() => exporter.stop());
  return { ...one, exporter };
}

const request = (name: string, folder: string, command: string[] = []): SignerRequest => ({
  name,
  delivery: 'files',
  domains: ['post.example'],
  files: { form: 'exim', folder, command },
});

describe('before a signer is registered', () => {
  test('its folder is made and marked; a dry run makes nothing', async () => {
    const { control } = await withFolders();
    const root = temporaryFolder();
    good(await control.signers.add(request('mx1', join(root, 'mx1')), { ...local, dryRun: true }));
    expect(readdirSync(root)).toEqual([]);
    good(await control.signers.add(request('mx1', join(root, 'mx1')), local));
    expect(readdirSync(join(root, 'mx1'))).toEqual(['.waxseal']);
    // Removed and registered again, under another name even: it is this server's folder.
    good(await control.signers.remove('mx1', local));
    good(await control.signers.add(request('mx2', join(root, 'mx1')), local));
  });

  test.each<[string, (root: string) => string, string, number]>([
    ['that the kernel never lets be made', () => '/proc/waxseal/mx1', 'SIGNER_FOLDER', 422],
    ['with files of others', (root) => (writeFileSync(join(root, 'x'), ''), root), 'SIGNER_FOLDER', 422],
    ['that is a file', (root) => (writeFileSync(join(root, 'x'), ''), join(root, 'x')), 'SIGNER_FOLDER', 422],
  ])('a folder %s: nothing is stored', async (_what, make, code, status) => {
    const { control, writer } = await withFolders();
    const folder = make(temporaryFolder());
    const generation = writer.generation();
    const [problem] = bad(await control.signers.add(request('mx1', folder), local));
    expect(problem).toMatchObject({ code, at: { kind: 'body', pointer: '/files/folder' } });
    expect(problemKind(problem!.code).status).toBe(status);
    expect([control.signers.list(), writer.generation()]).toEqual([[], generation]);
    // A dry run says the same, but for what only making it tells.
    if (!folder.startsWith('/proc')) bad(await control.signers.add(request('mx1', folder), { ...local, dryRun: true }));
  });

  test('a command that cannot be run: nothing is stored', async () => {
    const { control } = await withFolders();
    const folder = join(temporaryFolder(), 'mx1');
    expect(bad(await control.signers.add(request('mx1', folder, ['/nowhere/reload']), local))[0]!.message).toContain('/nowhere/reload');
    expect(control.signers.list()).toEqual([]);
  });

  test('a folder that does not answer: given up in time, nothing is stored, and other changes do not wait', async () => {
    const one = await withFolders({ script: SPIN, timeoutMs: 1500 });
    const { control } = one;
    const adding = control.signers.add(request('mx1', join(temporaryFolder(), 'mx1')), local);
    let isAdded = false;
    void adding.then(() => (isAdded = true));
    await one.load('meanwhile.example.', '@ 3600 SOA ns1 host 1 7200 900 1209600 900\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n');
    expect(isAdded).toBe(false);
    const [problem] = bad(await adding);
    expect(problem).toMatchObject({ code: 'SIGNER_FOLDER_SLOW' });
    expect(control.signers.list()).toEqual([]);
  });
});

describe('a second signer on the same folder is a conflict', () => {
  test.each(['mx1', 'alias/mx1', 'link', 'alias', 'mx1/sub'])('by %s', async (path) => {
    const { control } = await withFolders();
    const root = temporaryFolder();
    mkdirSync(join(root, 'keys'));
    symlinkSync('keys', join(root, 'alias'));
    symlinkSync('keys/mx1', join(root, 'link'));
    good(await control.signers.add(request('mx1', join(root, 'keys/mx1')), local));
    const before = readdirSync(root, { recursive: true });
    const second = path.startsWith('mx1') ? join(root, 'keys', path) : join(root, path);
    const [problem] = bad(await control.signers.add(request('mx2', second), local));
    expect(problem!.code).toBe('SIGNER_FOLDER_TAKEN');
    expect(problemKind(problem!.code).status).toBe(409);
    expect(readdirSync(root, { recursive: true })).toEqual(before);
  });

  test('also when both come at once', async () => {
    const { control } = await withFolders();
    const root = temporaryFolder();
    symlinkSync('.', join(root, 'alias'));
    const results = await Promise.all([
      control.signers.add(request('mx1', join(root, 'keys')), local),
      control.signers.add(request('mx2', join(root, 'alias/keys')), local),
    ]);
    expect(results.map(({ ok }) => ok)).toEqual([true, false]);
    expect(bad(results[1])[0]).toMatchObject({ code: 'SIGNER_FOLDER_TAKEN' });
  });
});

describe('an order in the store that cannot be carried out, as an older version took it', () => {
  const stored = async ({ writer }: SigningControl, folder: string) => {
    const { secrets = [] } = new SignerRegister(writer).replace([
      {
        name: 'mx1',
        delivery: 'files',
        domains: ['post.example.'],
        allow: ['127.0.0.1'],
        files: { form: 'exim', folder, command: [] },
        createdAtMs: 0,
      },
    ]);
    await writer.commit({ audit: auditEvent(), secrets });
  };

  test('fails, is tried again later and later, and can be taken back meanwhile', async () => {
    const one = await withFolders();
    await stored(one, '/proc/waxseal/mx1');
    const waits: number[] = [];
    for (let round = 0; round < 9; round++) {
      await one.exporter.lookDue();
      const { state, nextTryAtMs } = one.exporter.status('mx1');
      expect(state).toBe('failing');
      waits.push((nextTryAtMs! - one.clock.nowMs()) / 1000);
      one.clock.pass(nextTryAtMs! - one.clock.nowMs());
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600]);
    good(await one.control.signers.remove('mx1', local));
    await one.exporter.lookDue();
    expect(one.exporter.status('mx1')).toEqual({ state: 'waiting' });
  });

  test('that never ends is given up in time; it can be taken back while it runs, and leaves no keys', async () => {
    const one = await withFolders({ script: SPIN, timeoutMs: 1500 });
    const folder = join(temporaryFolder(), 'mx1');
    await stored(one, folder);
    const looking = one.exporter.lookDue();
    good(await one.control.signers.remove('mx1', local));
    await looking;
    expect(() => statSync(folder)).toThrow('ENOENT');
    expect(one.control.signers.list()).toEqual([]);
  });
});
