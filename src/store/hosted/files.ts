/**
 * Octets of hosted files, in the store: one document for each, so that the policy host reads the one that is asked for.
 * The name of a file is a hash of its octets, so what a disk has changed is not served.
 * Not here: which files are served and for how long (mail/bimi/files.ts), which were uploaded (bimi-uploads.ts).
 */
import { hasItsName, isHostedFileName } from '#mail/bimi/hosted-file.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { isString } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

const KIND = 'hosted-file';

/** The file's octets; undefined: there is no such file. Throws STORE_DAMAGED. */
export function readHostedFile(reader: StoreReader, zoneId: number, file: string): Uint8Array | undefined {
  const value = reader.document(zoneId, KIND, file);
  if (value === undefined) return undefined;
  const octets = isString(value) ? new Uint8Array(Buffer.from(value, 'base64')) : undefined;
  if (octets === undefined || !hasItsName(octets, file)) throw formFailure(`the hosted file ${file}`);
  return octets;
}

/** Names of a zone's hosted files. */
export function hostedFileNames(reader: StoreReader, zoneId: number): readonly string[] {
  return reader.documentIds(zoneId, KIND).filter(isHostedFileName);
}

export function hostedFileWrite(zoneId: number, file: string, octets: Uint8Array | null): DocumentWrite {
  return { zoneId, kind: KIND, id: file, value: octets === null ? null : Buffer.from(octets).toString('base64') };
}
