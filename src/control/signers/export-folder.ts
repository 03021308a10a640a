/**
 * A set of files put in place at once: written into a folder of its own, flushed, renamed to its version, and then the link `current` is
 * replaced. Whoever reads through the link sees all of the old or all of the new. An edge: throws what the disk says.
 *
 *   <folder>/             0700
 *     current → v-…       the link; replaced last
 *     v-<time>-<random>/  0700, files 0600; its `.description` says what it holds
 *     .done               the version whose command has succeeded
 */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CURRENT } from './export-files.ts';

const DESCRIPTION = '.description';
const DONE = '.done';
const VERSION = /^v-[0-9a-z-]+$/;
const LEFTOVER = /^\.new-[0-9a-f]+$/;

/** The version that `current` leads to, and what it holds; undefined when there is none, or something is not as it should be. */
export function currentFiles(folder: string): { readonly version: string; readonly description: string } | undefined {
  try {
    const version = readlinkSync(join(folder, CURRENT));
    if (!VERSION.test(version)) return undefined;
    return { version, description: readFileSync(join(folder, version, DESCRIPTION), 'utf8') };
  } catch {
    return undefined; // the first export, or somebody has been here: it is written anew
  }
}

/** Puts `files` in place. Gives the version's name. Throws when something in the folder is in the way. */
export function placeFiles(
  folder: string,
  files: ReadonlyMap<string, string>,
  description: string,
  nowMs: number,
  random: (bytes: number) => Uint8Array,
): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const unique = Buffer.from(random(6)).toString('hex');
  const fresh = join(folder, `.new-${unique}`);
  const folders = new Set([fresh]);
  mkdirSync(fresh, { mode: 0o700 });
  for (const [path, text] of [...files, [DESCRIPTION, description] as const]) {
    const file = join(fresh, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    folders.add(dirname(file));
    writeFileSync(file, text, { mode: 0o600, flag: 'wx', flush: true });
  }
  for (const each of folders) flushFolder(each);
  const version = `v-${new Date(nowMs)
    .toISOString()
    .replaceAll(/[^0-9]/g, '')
    .slice(0, 14)}-${unique}`;
  renameSync(fresh, join(folder, version));
  const link = join(folder, `.new-${unique}`);
  symlinkSync(version, link);
  // rename(2) would put a link into the place of a file, and fail at a folder: both would be somebody else's.
  const before = lstatSync(join(folder, CURRENT), { throwIfNoEntry: false });
  if (before?.isSymbolicLink() === false) throw new Error(`${join(folder, CURRENT)} is in the way: it is not a link`);
  renameSync(link, join(folder, CURRENT));
  flushFolder(folder);
  return version;
}

/** The version whose command has succeeded. */
export function doneVersion(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, DONE), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Notes that all is done for `version`, and takes away what came before it. */
export function finishFiles(folder: string, version: string, random: (bytes: number) => Uint8Array): void {
  const fresh = join(folder, `.new-${Buffer.from(random(6)).toString('hex')}`);
  writeFileSync(fresh, `${version}\n`, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(fresh, join(folder, DONE));
  for (const name of readdirSync(folder))
    if ((VERSION.test(name) && name !== version) || LEFTOVER.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** What was created or renamed in it is on the disk. */
function flushFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
