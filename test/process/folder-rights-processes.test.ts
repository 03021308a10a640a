/**
 * `waxseal serve` on a data directory that it has no right to, as a user without rights (EACCES) and on a file system
 * that is read-only (EROFS): exit code 78, what cannot be used and why, no stack trace, and nothing is changed.
 */
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lineFault } from '../support/json-lines.ts';
import { quietPort } from '../support/running-server.ts';

const WAXSEAL = join(import.meta.dirname, '../../waxseal');
const IS_ROOT = process.getuid?.() === 0;
/** Whom the server runs as: a number without an entry in passwd; without root, whoever runs the tests. */
const USER = IS_ROOT ? { uid: 23_456, gid: 23_456 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const TRACE = /^\s+at .*:\d+|Node\.js v\d|unhandled/im;

interface Finished {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

function run(program: string, words: readonly string[], user: Partial<typeof USER>): Promise<Finished> {
  const child = spawn(program, words, { cwd: '/', env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'pipe'], ...user });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  return new Promise((resolve) => void child.once('close', (exit) => resolve({ exit, ...said })));
}

async function serveWords(data: string): Promise<string[]> {
  const port = await quietPort();
  return ['serve', '--data', data, '--dns', `127.0.0.1:${port}`, '--admin', 'off', '--https', 'off', '--workers', '1'];
}

/** A folder that the user owns, which has a data directory that it made itself, with a store in it. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'waxseal-rights-'));
  onTestFinished(() => {
    chmodAll(path);
    rmSync(path, { recursive: true, force: true });
  });
  own(path);
  return path;
}

function own(path: string, mode = 0o700): void {
  chmodSync(path, mode);
  if (IS_ROOT) chownSync(path, USER.uid, USER.gid);
}

/** So that it can be removed again. */
function chmodAll(path: string): void {
  chmodSync(path, 0o700);
  for (const entry of readdirSync(path)) if (statSync(join(path, entry)).isDirectory()) chmodAll(join(path, entry));
}

/** A server's first start and its end. */
async function filled(): Promise<string> {
  const data = join(folder(), 'data');
  const child = spawn(WAXSEAL, await serveWords(data), { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/', ...USER });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (out.includes('control.ready')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code}\n${out}`)));
  });
  child.removeAllListeners('exit');
  child.kill('SIGTERM');
  await new Promise((resolve) => void child.once('exit', resolve));
  return data;
}

/** Code and exit code, when it is a refusal as it should be. */
function refusalOf({ exit, out, err }: Finished, path: string, why: string): string {
  expect(err).not.toMatch(TRACE);
  const lines = (out + err).split('\n').filter((line) => line !== '');
  expect(lines.flatMap((line) => lineFault(line) ?? [])).toEqual([]);
  const refusals = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'server.not-started');
  expect(refusals).toMatchObject([{ msg: expect.stringContaining(why) }]);
  expect(refusals[0].msg).toContain(path);
  return `${refusals[0].code} ${refusals[0].exit} ${exit}`;
}

describe('EACCES', () => {
  test('the data directory cannot be made', async () => {
    const above = folder();
    own(above, 0o500);
    expect(refusalOf(await run(WAXSEAL, await serveWords(join(above, 'data')), USER), join(above, 'data'), 'EACCES')).toBe(
      'STORE_FOLDER 78 78',
    );
    expect(readdirSync(above)).toEqual([]);
  });

  test('the folder above it may not even be passed', async () => {
    const above = folder();
    mkdirSync(join(above, 'closed'));
    own(join(above, 'closed'), 0o000);
    const data = join(above, 'closed', 'data');
    expect(refusalOf(await run(WAXSEAL, await serveWords(data), USER), data, 'EACCES')).toBe('STORE_FOLDER 78 78');
  });

  test('it is there and may not be written', async () => {
    const data = join(folder(), 'data');
    mkdirSync(data);
    own(data, 0o500);
    expect(refusalOf(await run(WAXSEAL, await serveWords(data), USER), data, 'EACCES')).toBe('STORE_FOLDER 78 78');
    expect(readdirSync(data)).toEqual([]);
  });

  test('the store’s file, the key, or the token of a server that ran before', async () => {
    const data = await filled();
    const store = join(data, 'store');
    const cases: [string, string, string][] = [
      [join(store, 'data.mdb'), 'STORE_FOLDER', store],
      [join(data, '../keys/kek'), 'KEK_FILE', join(data, '../keys/kek')],
      [join(data, 'admin.token'), 'STORE_FOLDER', join(data, 'admin.token')],
    ];
    for (const [file, code, named] of cases) {
      chmodSync(file, 0o000);
      expect(refusalOf(await run(WAXSEAL, await serveWords(data), USER), named, 'EACCES')).toBe(`${code} 78 78`);
      chmodSync(file, 0o600);
    }
  });

  test('an offline command', async () => {
    const data = await filled();
    chmodSync(join(data, 'store', 'data.mdb'), 0o000);
    const { exit, out, err } = await run(WAXSEAL, ['dkim', 'signer', 'remove', 'mx1', '--data', data, '--offline', '--yes'], USER);
    expect([exit, out]).toEqual([78, '']);
    expect(err).toContain('EACCES');
    expect(err).toContain('[STORE_FOLDER]');
    expect(err).not.toMatch(TRACE);
  });
});

describe('EROFS', () => {
  /** The server in a namespace of its own, in which the folder is read-only. */
  async function runReadOnly(path: string, words: readonly string[]): Promise<Finished> {
    const script = `mount --bind '${path}' '${path}' && mount -o remount,bind,ro '${path}' && exec "$0" "$@"`;
    const isolate = IS_ROOT ? ['-m'] : ['-r', '-m'];
    return run('unshare', [...isolate, 'sh', '-c', script, WAXSEAL, ...words], {});
  }

  test('a first start', async () => {
    const above = mkdtempSync(join(tmpdir(), 'waxseal-rights-'));
    onTestFinished(() => rmSync(above, { recursive: true, force: true }));
    const finished = await runReadOnly(above, await serveWords(join(above, 'data')));
    expect(refusalOf(finished, join(above, 'data'), 'EROFS')).toBe('STORE_FOLDER 78 78');
    expect(readdirSync(above)).toEqual([]);
  });

  test('a data directory that is there', async () => {
    const data = mkdtempSync(join(tmpdir(), 'waxseal-rights-'));
    onTestFinished(() => rmSync(data, { recursive: true, force: true }));
    writeFileSync(join(data, 'note'), '');
    expect(refusalOf(await runReadOnly(data, await serveWords(data)), data, 'EROFS')).toBe('STORE_FOLDER 78 78');
    expect(readdirSync(data)).toEqual(['note']);
  });
});
