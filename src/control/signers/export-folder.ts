/**
 * The folder that a signer's files are written to. It is ours by its mark, which lists everything that we made in it;
 * nothing else in it is ever removed, replaced or given other rights. Files are put in place at once: written into a
 * folder of their own, flushed, renamed to their version, and then the link `current` is replaced. A reader that
 * follows the link sees all of the old or all of the new. An edge: throws what the disk says, and FolderRefusal where
 * the folder cannot be used.
 *
 *   <folder>/             0700 when it is made here; the rights of an empty folder that was there stay
 *     .waxseal            the mark: whose folder, what was made in it, the version whose command has succeeded
 *     current → v-…       the link; replaced last
 *     v-<time>-<random>/  0700, files 0600; its `.description` says what it holds
 *
 * Not here: the process that calls this (folder-child.ts): each call may hang for as long as a file system does.
 */
import {
  type Stats,
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { syncPath } from '#base/folder.ts';
import { SIGNER_FOLDER_NAMES_SHOWN_MAX } from '#base/limits/signers.ts';
import { hasFields, isArrayOf, isString } from '#store/json.ts';
import { CURRENT, foldersOverlap } from './export-files.ts';

const DESCRIPTION = '.description';
const MARK = '.waxseal';
const NEW_MARK = '.waxseal.new';
const OWN_NAME = /^(?:v-[0-9a-z-]+|\.new-[0-9a-f]+)$/;

/** The folder cannot be used; nothing was changed. */
export class FolderRefusal extends Error {
  override readonly name = 'FolderRefusal';
  /** Another signer has it: of this server, or of another. */
  readonly isTaken: boolean;
  readonly fix: string;

  constructor(message: string, fix: string, isTaken = false) {
    super(message);
    this.fix = fix;
    this.isTaken = isTaken;
  }
}

/** Whose folder it is to be. */
export interface FolderOwner {
  readonly folder: string;
  /** Of the store: another server's folder is not ours. */
  readonly installation: string;
}

/** A folder of another signer. */
export interface OtherFolder {
  readonly signer: string;
  readonly folder: string;
  /** Without links, where it is known: then its disk is not asked. */
  readonly realFolder?: string;
}

interface Mark {
  readonly product: 'waxseal';
  readonly installation: string;
  /** Names in the folder that were made here. */
  readonly entries: readonly string[];
  readonly done?: string;
}

function isMark(value: unknown): value is Mark {
  return hasFields(value, {
    product: (product) => product === 'waxseal',
    installation: 'string',
    entries: isArrayOf(isString),
    done: 'string?',
  });
}

// --- before a signer is registered ---

/**
 * Looks whether the folder can be used: it is absent, empty or ours, and apart from those of `others`. Changes nothing.
 */
export function inspectFolder({ folder, installation }: FolderOwner, others: readonly OtherFolder[]): void {
  const place = placeOf(folder);
  for (const { signer, folder: other, realFolder = realOrSame(other) } of others)
    if (foldersOverlap(place.real, realFolder))
      throw new FolderRefusal(
        `${folder} is, holds or lies in ${other}, the folder of the signer ${signer}`,
        'choose a folder of its own for each signer',
        true,
      );
  const found = statOf(folder);
  if (found === undefined) return checkParent(folder, place.existing);
  if (found.isSymbolicLink()) throw new FolderRefusal(`${folder} is a link`, `name the folder itself: ${place.real}`);
  if (!found.isDirectory()) throw new FolderRefusal(`${folder} is not a folder`, 'choose another folder, or move it away');
  if ((found.mode & 0o002) !== 0)
    throw new FolderRefusal(`everyone may write to ${folder}`, 'choose another folder, or take that right away: chmod o-w');
  checkAccess(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  const names = readdirSync(folder);
  const mark = names.includes(MARK) ? readMark(folder) : undefined;
  if (mark === undefined && names.length > 0) {
    const shown = names.toSorted().slice(0, SIGNER_FOLDER_NAMES_SHOWN_MAX).join(', ');
    throw new FolderRefusal(`${folder} is not empty: ${shown}${names.length > SIGNER_FOLDER_NAMES_SHOWN_MAX ? ' …' : ''}`, OWN_FOLDER);
  }
  if (mark !== undefined) checkOwner(folder, mark, installation);
}

/** The same, then makes the folder and its mark. Returns the folder's path without links. */
export function prepareFolder(owner: FolderOwner, others: readonly OtherFolder[]): string {
  inspectFolder(owner, others);
  makeFolder(owner.folder);
  if (readMark(owner.folder) === undefined) writeMark(owner.folder, newMark(owner));
  return realpathSync(owner.folder);
}

const OWN_FOLDER = 'choose an empty folder, or one that does not exist';

interface Place {
  /** Without links, as far as it exists. */
  readonly real: string;
  /** The nearest folder above, or the folder itself, that exists. */
  readonly existing: string;
}

function placeOf(folder: string): Place {
  const missing: string[] = [];
  for (let at = folder; ; at = dirname(at)) {
    const found = statOf(at);
    if (found === undefined && at !== dirname(at)) {
      missing.unshift(basename(at));
      continue;
    }
    try {
      return { real: join(realpathSync(at), ...missing), existing: at };
    } catch (error) {
      throw new FolderRefusal(`${at} leads nowhere: ${reasonOf(error)}`, OWN_FOLDER);
    }
  }
}

/** Of another signer, whose folder may be in any state. */
function realOrSame(folder: string): string {
  try {
    return placeOf(folder).real;
  } catch {
    return folder;
  }
}

function checkParent(folder: string, parent: string): void {
  if (!lstatSync(realpathSync(parent)).isDirectory())
    throw new FolderRefusal(`${folder} cannot be made: ${parent} is not a folder`, OWN_FOLDER);
  checkAccess(parent, constants.W_OK | constants.X_OK);
}

function checkAccess(folder: string, mode: number): void {
  try {
    accessSync(folder, mode);
  } catch (error) {
    throw new FolderRefusal(`the server may not write to ${folder}: ${reasonOf(error)}`, 'give its user the right to, or choose another');
  }
}

/**
 * One folder at a time: `recursive` never ends where the kernel says that a folder, which is there, does not exist, as
 * /proc does.
 */
function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let at = folder; statOf(at) === undefined && at !== dirname(at); at = dirname(at)) missing.unshift(at);
  for (const each of missing) {
    try {
      mkdirSync(each, { mode: 0o700 });
    } catch (error) {
      throw new FolderRefusal(`${each} cannot be made: ${reasonOf(error)}`, 'choose another folder');
    }
  }
}

function checkOwner(folder: string, mark: Mark, installation: string): void {
  if (mark.installation !== installation)
    throw new FolderRefusal(`${folder} is the folder of another waxseal, installation ${mark.installation}`, OWN_FOLDER, true);
}

// --- exports ---

/** What is in place: the version that `current` leads to, what it holds, and whether all was done for it. */
export interface FilesInPlace {
  readonly version: string;
  readonly description: string;
  readonly isDone: boolean;
}

/**
 * Undefined when there is nothing that we put in place, or something is not as it should be: then it is written anew.
 */
export function lookAtFiles({ folder, installation }: FolderOwner): FilesInPlace | undefined {
  const mark = readMark(folder);
  if (mark === undefined) return undefined;
  checkOwner(folder, mark, installation);
  const version = currentVersion(folder);
  if (version === undefined || !mark.entries.includes(version)) return undefined;
  const description = readSmallFile(join(folder, version, DESCRIPTION));
  return description === undefined ? undefined : { version, description, isDone: mark.done === version };
}

export interface NewFiles {
  /** Text by path below the version's folder. */
  readonly files: readonly (readonly [path: string, text: string])[];
  readonly description: string;
  readonly nowMs: number;
  /** Hexadecimal, never used before. */
  readonly unique: string;
}

/** Puts the files in place. Returns the version's name. Throws when something in the folder is in the way. */
export function placeFiles(owner: FolderOwner, { files, description, nowMs, unique }: NewFiles): string {
  const { folder } = owner;
  makeFolder(folder);
  const mark = ownMark(owner);
  // rename(2) would put a link into the place of a file, and fail at a folder: neither would be ours.
  const before = statOf(join(folder, CURRENT));
  if (before !== undefined && !mark.entries.includes(currentVersion(folder) ?? ''))
    throw new FolderRefusal(`${join(folder, CURRENT)} is in the way: waxseal did not make it`, 'move it away');
  const time = new Date(nowMs).toISOString().replaceAll(/[^0-9]/g, '');
  const [aside, version] = [`.new-${unique}`, `v-${time.slice(0, 14)}-${unique}`];
  writeMark(folder, { ...mark, entries: [...mark.entries, aside, version] });
  const fresh = join(folder, aside);
  const folders = new Set([fresh]);
  mkdirSync(fresh, { mode: 0o700 });
  for (const [path, text] of [...files, [DESCRIPTION, description] as const]) {
    const file = join(fresh, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    folders.add(dirname(file));
    writeFileSync(file, text, { mode: 0o600, flag: 'wx', flush: true });
  }
  for (const each of folders) syncPath(each);
  renameSync(fresh, join(folder, version));
  symlinkSync(version, fresh);
  renameSync(fresh, join(folder, CURRENT));
  syncPath(folder);
  return version;
}

/** Notes that all is done for `version`, and removes what the mark lists besides. */
export function finishFiles(owner: FolderOwner, version: string): void {
  const { folder } = owner;
  const mark = ownMark(owner);
  writeMark(folder, { ...mark, done: version });
  for (const name of mark.entries)
    if (name !== version && OWN_NAME.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
  writeMark(folder, { ...mark, entries: [version], done: version });
}

function currentVersion(folder: string): string | undefined {
  try {
    const version = readlinkSync(join(folder, CURRENT));
    return OWN_NAME.test(version) ? version : undefined;
  } catch {
    return undefined;
  }
}

// --- the mark ---

function newMark({ installation }: FolderOwner, entries: readonly string[] = []): Mark {
  return { product: 'waxseal', installation, entries };
}

/** The mark of a folder that files may be written to. */
function ownMark(owner: FolderOwner): Mark {
  const { folder, installation } = owner;
  const mark = readMark(folder);
  if (mark !== undefined) {
    checkOwner(folder, mark, installation);
    return mark;
  }
  if (readdirSync(folder).length === 0) return newMark(owner);
  // Written before there were marks: of all that is there, only the version in use is surely ours.
  const version = currentVersion(folder);
  if (version !== undefined && readSmallFile(join(folder, version, DESCRIPTION)) !== undefined) return newMark(owner, [version]);
  throw new FolderRefusal(`${folder} is not empty, and waxseal's mark (${MARK}) is not in it`, OWN_FOLDER);
}

function readMark(folder: string): Mark | undefined {
  const text = readSmallFile(join(folder, MARK));
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (isMark(value)) return value;
  } catch {
    // Told below.
  }
  throw new FolderRefusal(`${join(folder, MARK)} is not a mark of waxseal`, OWN_FOLDER);
}

/** The old mark or the new one, whatever happens meanwhile. */
function writeMark(folder: string, mark: Mark): void {
  const fresh = join(folder, NEW_MARK);
  rmSync(fresh, { force: true });
  writeFileSync(fresh, `${JSON.stringify(mark)}\n`, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(fresh, join(folder, MARK));
  syncPath(folder);
}

/** Undefined when there is nothing of that name; links are not followed. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Undefined when it is not there, or is no plain file: a pipe in its place would be waited for. */
function readSmallFile(path: string): string | undefined {
  return statOf(path)?.isFile() === true ? readFileSync(path, 'utf8') : undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
