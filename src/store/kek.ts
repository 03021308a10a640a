/**
 * The file of a key that secrets are sealed under: the key-encryption key, and that of the policy host (ADR 0007).
 * Read, checked, and made when it is needed for the first time. 32 octets as they are, or the same in hexadecimal or
 * base64 text (a mounted secret, a systemd credential).
 * Not here: what it seals (seal.ts).
 */
import { chmodSync, closeSync, fstatSync, fsyncSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import { assert } from '#base/assert.ts';
import { makeFolder } from '#base/folder.ts';
import { atPath } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

import { StoreFailure, messageOf } from './failure.ts';
import { KEK_BYTES } from './seal.ts';

/** Text of 32 octets: 64 hexadecimal digits or 43 base64 characters, padded or not. */
const HEXADECIMAL = /^[0-9a-fA-F]{64}$/;
const BASE64 = /^[A-Za-z0-9+/]{43}=?$/;

/** Which key a file holds: the words and codes of what can be wrong with it. */
export interface KeyFileRole {
  readonly key: string;
  /** What the file is called where its path is not shown. */
  readonly file: string;
  /** Of the configuration, that names the file. */
  readonly setting: string;
  readonly unreadable: 'KEK_FILE' | 'HTTPS_KEY_FILE';
  readonly loose: 'KEK_PERMISSIONS' | 'HTTPS_KEY_PERMISSIONS';
  /** What helps when it is lost. */
  readonly remedy: string;
}

export const KEK_ROLE: KeyFileRole = {
  key: 'the key-encryption key',
  file: 'the file of the key-encryption key',
  setting: 'keys.kek_file',
  unreadable: 'KEK_FILE',
  loose: 'KEK_PERMISSIONS',
  remedy: 'put back the file that the store was made with',
};

/** The key that the private keys of the policy host's certificates are sealed under. */
export const POLICY_HOST_KEY_ROLE: KeyFileRole = {
  key: "the policy host's key",
  file: "the file of the policy host's key",
  setting: 'https.key_file',
  unreadable: 'HTTPS_KEY_FILE',
  loose: 'HTTPS_KEY_PERMISSIONS',
  remedy: 'put back the file that certificates were sealed with, or remove it: a new one is made, and new certificates',
};
/** What keys/ holds in a fresh clone. */
const OWN_FILES: ReadonlySet<string> = new Set(['README.md', '.gitignore']);

/** The key in `path`, or why it cannot be used. Rejects a file that group or others may read or write. */
export function readKek(path: string, role = KEK_ROLE): Result<Uint8Array> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const { mode, uid } = fstatSync(descriptor);
    const loose = looseness(path, role, mode, uid);
    if (loose !== undefined) return loose;
    const content = readFileSync(descriptor);
    const key = keyOf(content);
    content.fill(0);
    if (key !== undefined) return ok(key);
    return fail(
      problem(
        role.unreadable,
        atPath(path, role.file),
        `${path} does not hold a key of 32 octets (as they are, in hexadecimal or in base64)`,
        { fix: role.remedy },
      ),
    );
  } catch (error) {
    return fail(
      problem(role.unreadable, atPath(path, role.file), `${role.key} cannot be read: ${messageOf(error)}`, {
        fix: `${role.remedy}, or name it in ${role.setting}`,
      }),
    );
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/**
 * Makes `path` with 32 random octets, mode 0600, its folder 0700, on disk before it returns: nothing may be sealed
 * under a key that a power cut can take back. Never overwrites: throws EEXIST. Throws the role's `loose` where others
 * could exchange it. What was sealed under a key that is lost does not open again.
 */
export function makeKek(path: string, random: (bytes: number) => Uint8Array, role = KEK_ROLE): Uint8Array {
  const key = random(KEK_BYTES);
  assert(key.length === KEK_BYTES, 'random gave another length');
  const folder = dirname(path);
  makeFolder(folder);
  const folderDescriptor = openSync(folder, 'r');
  try {
    refuseForeign(folder, role, folderDescriptor);
    // The repository's keys/ comes with the clone's mode; a folder with anything else in it (/etc) is not ours to
    // close.
    if (readdirSync(folder).every((name) => OWN_FILES.has(name))) chmodSync(folder, 0o700);
    const descriptor = openSync(path, 'wx', 0o600);
    try {
      writeSync(descriptor, key);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    fsyncSync(folderDescriptor);
  } finally {
    closeSync(folderDescriptor);
  }
  return key;
}

/** Throws for a folder of another user, or one in which everybody may put files: the key could be exchanged. */
function refuseForeign(folder: string, role: KeyFileRole, descriptor: number): void {
  const { uid, mode } = fstatSync(descriptor);
  const me = process.getuid?.() ?? uid;
  if ((uid === me || uid === 0) && (mode & 0o1002) !== 0o0002) return;
  throw new StoreFailure(
    role.loose,
    atPath(folder, `the folder of ${role.key}`),
    `no key is made in ${folder}: others may change the files in it`,
    `name a file elsewhere in ${role.setting}`,
  );
}

function looseness(path: string, role: KeyFileRole, mode: number, uid: number): Result<Uint8Array> | undefined {
  const me = process.getuid?.();
  if (me === undefined) return undefined;
  if ((mode & 0o077) !== 0)
    return fail(
      problem(
        role.loose,
        atPath(path, role.file),
        `${path} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}: others than its owner may read or write it`,
        {
          fix: `chmod 600 ${path}   (Kubernetes: defaultMode: 0400 on the secret's volume)`,
        },
      ),
    );
  if (uid !== me && uid !== 0)
    return fail(
      problem(role.loose, atPath(path, role.file), `${path} belongs to user ${uid}, who could replace it`, {
        fix: `chown ${me} ${path}`,
      }),
    );
  return undefined;
}

function keyOf(content: Buffer): Uint8Array | undefined {
  if (content.length === KEK_BYTES) return new Uint8Array(content);
  const text = content.toString('latin1').trim();
  if (HEXADECIMAL.test(text)) return decoded(text, 'hex');
  return BASE64.test(text) ? decoded(text, 'base64') : undefined;
}

/** Octets of their own: those of the platform's pool are wiped. */
function decoded(text: string, encoding: 'hex' | 'base64'): Uint8Array {
  const pooled = Buffer.from(text, encoding);
  const key = new Uint8Array(pooled);
  pooled.fill(0);
  return key;
}
