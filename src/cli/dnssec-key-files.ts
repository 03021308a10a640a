/**
 * Files with keys of zones: what an import reads, and what an export writes. Private keys are written into files that
 * were not there, for their owner alone, and shown nowhere.
 * Not here: the forms of keys (dnssec/key-files/), the commands (dnssec-keys.ts).
 */
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { equalBytes } from '#base/bytes.ts';
import { KEY_FILE_BYTES_MAX } from '#base/limits/dnssec.ts';
import { inFile } from '#base/place.ts';
import { type Result } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type GivenKey, readDnskeys } from '#dnssec/key-files/key-import.ts';
import { type PrivateKey, dnskeyOf, readPrivateKey } from '#dnssec/key-files/key-file.ts';
import {
  type PassphraseSeal,
  openByKey,
  openByPassphrase,
  publicOctets,
  sealToPassphrase,
  sealedAbout,
} from '#dnssec/key-files/sealed-keys.ts';
import type { OpenedKey, SealedKeys } from '#control/api/dnssec-keys.ts';
import { CommandFailure, failure, reasonOf } from './failure.ts';

/** A file is named with the role of its key before it where nothing else says it: `ksk:FILE`. */
const ROLE_PREFIX = /^(csk|ksk|zsk):(.+)$/;
/** What the files of an import say. */
export interface KeysFromFiles {
  readonly keys: readonly GivenKey[];
  /** DNSKEY records that no private key is of. */
  readonly published: readonly string[];
}

export interface SealOptions {
  readonly passphraseFile?: string;
  readonly recipientKey?: string;
}

type SealedFile = Omit<SealedKeys, 'recipient' | 'ephemeral' | 'nonce' | 'sealed'> &
  (Pick<SealedKeys, 'recipient' | 'ephemeral' | 'nonce' | 'sealed'> | PassphraseSeal);

/** Reads all files of an import. Throws CommandFailure, which never shows what stands in a file. */
export function readKeyFiles(
  zone: Name,
  files: readonly string[],
  options: SealOptions,
  workingDirectory: string,
): KeysFromFiles {
  const keys: (GivenKey & { readonly file: string })[] = [];
  const records: Uint8Array[] = [];
  const addRecords = (text: string, file: string): void => {
    records.push(...good(readDnskeys(zone, text), file).map(({ rdata }) => rdata));
  };
  for (const word of files) {
    const [, role, named] = ROLE_PREFIX.exec(word) ?? [undefined, undefined, word];
    const file = named ?? word;
    const text = readText(file, workingDirectory);
    if (text.trimStart().startsWith('{')) {
      for (const opened of openSealed(file, text, options, workingDirectory)) {
        const isSigning = opened.state === 'active';
        if (isSigning)
          keys.push({
            privateKey: opened.privateKey,
            publicKey: opened.publicKey,
            role: roleOf(opened.role, file),
            file,
          });
        else addRecords(opened.publicKey, file);
      }
    } else if (isPrivate(text)) {
      const sibling = file.endsWith('.private') ? file.replace(/\.private$/, '.key') : undefined;
      if (sibling !== undefined && existsSync(resolve(workingDirectory, sibling)))
        addRecords(readText(sibling, workingDirectory), sibling);
      keys.push({ privateKey: text, ...(role === undefined ? {} : { role: roleOf(role, file) }), file });
    } else addRecords(text, file);
  }
  const used = new Set<Uint8Array>();
  const matched = keys.map(({ file, ...key }) => {
    const own = good(readPrivateKey(key.privateKey), file);
    if (key.publicKey !== undefined) return key;
    const record = records.find((rdata) => isOf(rdata, own));
    if (record === undefined) return key;
    used.add(record);
    return { ...key, publicKey: `DNSKEY ${formatRdata(TYPE.DNSKEY, record)}` };
  });
  const left = records.filter((rdata) => ![...used].some((each) => equalBytes(each, rdata)));
  return { keys: matched, published: left.map((rdata) => `DNSKEY ${formatRdata(TYPE.DNSKEY, rdata)}`) };
}

function isPrivate(text: string): boolean {
  return /^\s*Private-key-format\s*:/im.test(text) || text.includes('PRIVATE KEY-----');
}

function isOf(rdata: Uint8Array, key: PrivateKey): boolean {
  return rdata[3] === key.algorithm && [256, 257].some((flags) => equalBytes(dnskeyOf(key, flags as 256 | 257), rdata));
}

function roleOf(text: string, file: string): 'csk' | 'ksk' | 'zsk' {
  if (text === 'csk' || text === 'ksk' || text === 'zsk') return text;
  throw failure('CLI_FILE', `${file} has a key of a role that is not known`);
}

function good<T>(result: Result<T>, file: string): T {
  if (result.ok) return result.value;
  throw new CommandFailure(result.problems.map((each) => ({ ...each, at: inFile(file) })));
}

function readText(file: string, workingDirectory: string): string {
  try {
    const octets = readFileSync(file === '-' ? 0 : resolve(workingDirectory, file));
    if (octets.length > KEY_FILE_BYTES_MAX) throw new Error('it is too large for a file with keys');
    return octets.toString('utf8');
  } catch (error) {
    throw failure('CLI_FILE', `${file} cannot be read: ${reasonOf(error)}`);
  }
}

// --- seals ---

function openSealed(
  file: string,
  text: string,
  { passphraseFile, recipientKey }: SealOptions,
  workingDirectory: string,
): readonly OpenedKey[] {
  const sealed = readSealed(file, text);
  const about = sealedAbout(sealed.zone, sealed.keyTags);
  let octets: Uint8Array | undefined;
  if ('kdf' in sealed) {
    if (passphraseFile === undefined)
      throw failure('CLI_USAGE', `${file} is sealed with a passphrase`, 'add --passphrase-file FILE');
    octets = openByPassphrase(readPassphrase(passphraseFile, workingDirectory), sealed, about);
  } else {
    if (recipientKey === undefined)
      throw failure(
        'CLI_USAGE',
        `${file} is sealed to the key ${sealed.recipient}`,
        'add --recipient-key FILE with its private key',
      );
    octets = openByKey(readRecipientKey(recipientKey, workingDirectory), sealed, about);
  }
  if (octets === undefined)
    throw failure(
      'CLI_FILE',
      `${file} does not open: another passphrase or key, or it was changed`,
      'nothing was sent to the server',
    );
  return openedKeys(octets);
}

/** What is sealed is ours: authenticated, so its form is known. */
function openedKeys(octets: Uint8Array): readonly OpenedKey[] {
  const { keys }: { readonly keys: readonly OpenedKey[] } = JSON.parse(Buffer.from(octets).toString('utf8'));
  return keys;
}

function readSealed(file: string, text: string): SealedFile {
  const bad = failure('CLI_FILE', `${file} is not a file of waxseal dnssec key export`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad;
  }
  const sealed = value as SealedFile;
  const isForm =
    typeof value === 'object' &&
    value !== null &&
    sealed.format === 'waxseal-dnssec-keys' &&
    Array.isArray(sealed.keyTags);
  const texts = isForm
    ? [
        sealed.zone,
        sealed.nonce,
        sealed.sealed,
        ...('kdf' in sealed ? [sealed.salt] : [sealed.recipient, sealed.ephemeral]),
      ]
    : [];
  if (!isForm || texts.some((each) => typeof each !== 'string')) throw bad;
  if (sealed.version !== 1)
    throw failure('CLI_FILE', `${file} is of version ${String(sealed.version)}; this program reads 1`);
  return sealed;
}

/** The first line. */
export function readPassphrase(file: string, workingDirectory: string): string {
  const [line = ''] = readText(file, workingDirectory).split(/\r?\n/);
  if (line.length < 12)
    throw failure(
      'CLI_USAGE',
      `the passphrase in ${file} has less than 12 characters: it could be guessed by who has the export`,
    );
  return line;
}

function readRecipientKey(file: string, workingDirectory: string) {
  try {
    const key = createPrivateKey(readText(file, workingDirectory));
    if (key.asymmetricKeyType === 'x25519') return key;
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
  }
  throw failure('CLI_FILE', `${file} has no X25519 private key in PEM`);
}

/** The 32 octets of the X25519 public key in a PEM file, base64. */
export function readRecipient(file: string, workingDirectory: string): string {
  const text = readText(file, workingDirectory);
  try {
    const key = createPublicKey(text);
    if (key.asymmetricKeyType === 'x25519') return Buffer.from(publicOctets(key)).toString('base64');
  } catch {
    // The message below says it.
  }
  throw failure(
    'CLI_FILE',
    `${file} has no X25519 public key in PEM`,
    'openssl genpkey -algorithm x25519 -out KEY && openssl pkey -in KEY -pubout -out FILE',
  );
}

export function sealAgain(zone: string, keys: readonly OpenedKey[], passphrase: string): object {
  const keyTags = keys.map(({ keyTag }) => keyTag);
  const secret = Buffer.from(JSON.stringify({ zone, keys }));
  const seal = sealToPassphrase(
    passphrase,
    secret,
    sealedAbout(zone, keyTags),
    (bytes) => new Uint8Array(randomBytes(bytes)),
  );
  return { format: 'waxseal-dnssec-keys', version: 1, zone, keyTags, ...seal };
}

// --- writing ---

/** Says at once that a file is there, before anything is asked of the server. */
export function refuseThere(path: string, workingDirectory: string): void {
  if (!existsSync(resolve(workingDirectory, path))) return;
  throw failure('CLI_FILE', `${path} is there already; nothing was written`, 'name a file that is not there');
}

/** Writes new files, each for its owner alone and on disk; none when one of them is there already. */
export function writeNewFiles(
  files: readonly { readonly path: string; readonly text: string }[],
  workingDirectory: string,
): void {
  for (const { path } of files) refuseThere(path, workingDirectory);
  for (const { path, text } of files) {
    let descriptor: number | undefined;
    try {
      descriptor = openSync(resolve(workingDirectory, path), 'wx', 0o600);
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } catch (error) {
      throw failure('CLI_FILE', `${path} cannot be written: ${reasonOf(error)}`);
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
}

/** BIND's names and texts of a key's two files. */
export function bindFiles(zone: string, folder: string, { algorithm, keyTag, publicKey, privateKey, role }: OpenedKey) {
  const three = String(algorithm).padStart(3, '0');
  const base = join(folder, `K${zone.toLowerCase()}+${three}+${String(keyTag).padStart(5, '0')}`);
  const comment = `; ${role.toUpperCase()} of ${zone}, keyid ${keyTag}\n`;
  return [
    { path: `${base}.private`, text: privateKey },
    { path: `${base}.key`, text: `${comment}${publicKey}\n` },
  ];
}
