/**
 * What a store says about itself before anything else of it is read: its format, and where its key-encryption key was.
 * Not here: opening the environment (store.ts).
 */
import { assert } from '#base/assert.ts';
import { atPath } from '#base/place.ts';

import { StoreFailure } from './failure.ts';
import { decodeJson, encodeJson, isString } from './json.ts';
import { type FormatMark, META, STORE_FORMAT, isFormatMark, textKey } from './schema.ts';
import { type Octets, type ReadOptions } from './store.ts';

/** What a new store has: an older version reads it too, until a commit raises the mark. */
export const FIRST_FORMAT = 1;

/** Inside a transaction that writes what only this version reads. */
export function raiseFormat(meta: Octets): void {
  const bytes = meta.get(textKey(META.FORMAT));
  assert(bytes !== undefined, 'a store without a format mark');
  const mark = decodeJson(bytes, 'the format mark', isFormatMark);
  if (mark.version < STORE_FORMAT) meta.putSync(textKey(META.FORMAT), encodeJson({ ...mark, version: STORE_FORMAT }));
}

/**
 * The store's format mark, or undefined when it has none. Throws STORE_FORMAT for one that this version cannot read.
 */
export function readFormat(meta: Octets, dir: string): FormatMark | undefined {
  const bytes = meta.get(textKey(META.FORMAT));
  if (bytes === undefined) return undefined;
  const mark = decodeJson(bytes, 'the format mark', isFormatMark);
  if (mark.version > STORE_FORMAT)
    throw new StoreFailure(
      'STORE_FORMAT',
      atPath(dir, 'the data directory'),
      `the store in ${dir} has format ${mark.version}; this version of waxseal reads format ${STORE_FORMAT} and nothing newer. Nothing was changed`,
      'run the newer waxseal that wrote it, or restore a backup made before the upgrade',
    );
  return mark;
}

/** Where the key-encryption key was when the store was last opened; undefined when it does not remember. */
export function readKekFile(meta: Octets, read: ReadOptions = {}): string | undefined {
  const bytes = meta.get(textKey(META.KEK_FILE), read);
  return bytes === undefined ? undefined : decodeJson(bytes, 'the place of the key-encryption key', isString);
}

/** A version 4 UUID of 16 random octets (RFC 9562 §5.4). */
export function uuid(octets: Uint8Array): string {
  assert(octets.length === 16, 'a UUID has 16 octets');
  const bytes = Buffer.from(octets);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
