/**
 * A zone's secondaries as they are stored: where NOTIFY goes, and who may have the zone.
 * Not here: which of them a transfer is granted (transfer/secondary-grants.ts), changing them (control/transfer/).
 */
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isArrayOf, isTexts } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

export interface Secondary {
  /** As people write it, without a port. */
  readonly ip: string;
  /** Where it takes NOTIFY. */
  readonly port: number;
  /** The TSIG key between it and this server, absolute; absent: its address is all that is looked at. */
  readonly key?: string;
  /** SHA-256 of the public keys that its certificate may have, base64: it transfers over TLS, and shows one of them. */
  readonly pins?: readonly string[];
  readonly addedAtMs: number;
}

const KIND = 'secondaries';
const ID = 'list';
/** Read at each change of a zone, and at each request for a transfer. */
const LISTS = new DocumentCache<readonly Secondary[]>(KIND, ID);
const NONE: readonly Secondary[] = [];

/** In the order in which they were added. Throws STORE_DAMAGED. */
export function readSecondaries(reader: StoreReader, zoneId: number): readonly Secondary[] {
  const make = (value: unknown): readonly Secondary[] => {
    if (!isStored(value)) throw formFailure(`the secondaries of zone id ${zoneId}`);
    return value.secondaries;
  };
  return LISTS.read(reader, zoneId, make) ?? NONE;
}

export function secondariesWrite(zoneId: number, secondaries: readonly Secondary[]): DocumentWrite {
  const value = secondaries.length === 0 ? null : { version: 1, secondaries };
  return { zoneId, kind: KIND, id: ID, value };
}

function isStored(value: unknown): value is { readonly secondaries: readonly Secondary[] } {
  return hasFields(value, {
    version: (version) => version === 1,
    secondaries: isArrayOf((each): each is Secondary =>
      hasFields(each, { ip: 'string', port: 'number', key: 'string?', pins: isTexts, addedAtMs: 'number' }),
    ),
  });
}
