/**
 * Logos and evidence that were uploaded for a zone's domain, by BIMI selector, in the store.
 * Not here: their octets (files.ts), what is served of them (mail/bimi/files.ts).
 */
import { type EvidenceTold } from '#mail/bimi/evidence-end.ts';
import { type BimiUpload } from '#mail/bimi/files.ts';
import { isHostedFileName } from '#mail/bimi/hosted-file.ts';
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isString } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

export interface StoredBimiUpload extends BimiUpload, EvidenceTold {
  /** Wall time. */
  readonly uploadedAtMs: number;
  readonly title: string;
  /** Of logo and evidence. */
  readonly logoBytes: number;
  readonly evidenceBytes?: number;
}

/** By selector in lower case. */
export type StoredBimiUploads = Readonly<Record<string, StoredBimiUpload>>;

interface Stored {
  readonly version: 1;
  readonly uploads: StoredBimiUploads;
}

/** Kind of the document; one with evidence is due when that is looked at. */
export const BIMI_UPLOADS_KIND = 'bimi-uploads';
const KIND = BIMI_UPLOADS_KIND;
const NONE: StoredBimiUploads = {};
const UPLOADS = new DocumentCache<StoredBimiUploads>(KIND, KIND);

/** Throws STORE_DAMAGED. */
export function readBimiUploads(reader: StoreReader, zoneId: number): StoredBimiUploads {
  const read = (value: unknown): StoredBimiUploads => {
    if (!isStored(value)) throw formFailure(`the BIMI uploads of zone id ${zoneId}`);
    return value.uploads;
  };
  return UPLOADS.read(reader, zoneId, read) ?? NONE;
}

/** Evidence in it is looked at, at once. */
export function bimiUploadsWrite(zoneId: number, uploads: StoredBimiUploads): DocumentWrite {
  return bimiUploadsNoted(zoneId, uploads, 0);
}

/** The same, with the next look at evidence in it: counted time. */
export function bimiUploadsNoted(zoneId: number, uploads: StoredBimiUploads, nextMs: number): DocumentWrite {
  const all = Object.values(uploads);
  const value = all.length === 0 ? null : ({ version: 1, uploads } satisfies Stored);
  const isDue = all.some(({ evidenceEndsMs }) => evidenceEndsMs !== undefined);
  return { zoneId, kind: KIND, id: KIND, value, ...(isDue ? { dueAtMs: nextMs } : {}) };
}

function isStored(value: unknown): value is Stored {
  const isFile = (name: unknown) => isString(name) && isHostedFileName(name);
  const isUpload = (upload: unknown) =>
    hasFields(upload, {
      logo: isFile,
      evidence: (name) => name === undefined || isFile(name),
      evidenceEndsMs: 'number?',
      evidenceToldMs: 'number?',
      uploadedAtMs: 'number',
      title: 'string',
      logoBytes: 'number',
      evidenceBytes: 'number?',
    });
  const isUploads = (uploads: unknown) =>
    typeof uploads === 'object' && uploads !== null && Object.values(uploads).every(isUpload);
  return hasFields(value, { version: (version) => version === 1, uploads: isUploads });
}
