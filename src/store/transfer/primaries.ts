/**
 * Where a zone comes from, as it is stored: its primaries, and what is known of the last time they were reached.
 * Not here: that the zone is a secondary one (store/schema.ts, SecondaryRole), changing the list (control/secondary/).
 */
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isArrayOf, isTexts } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

export interface Primary {
  /** As people write it, without a port. */
  readonly ip: string;
  readonly port: number;
  /** The TSIG key between it and this server, absolute; absent: messages are not signed. */
  readonly key?: string;
  /** It is asked over TLS alone (RFC 9103); absent: over UDP and TCP. */
  readonly tls?: PrimaryTls;
}

/** How a primary proves who it is: by name, by key, or by both. */
export interface PrimaryTls {
  /** The name in its certificate, from a trusted root; lower case, no final dot. */
  readonly host?: string;
  /** SHA-256 of the public keys (SPKI) that it may have, base64. */
  readonly pins?: readonly string[];
  /** Host whose certificate, in the store, is shown to it (RFC 9103 §9.3.3). */
  readonly certificate?: string;
}

/** What must outlive this process: from when a zone expires, and what its primary had. */
export interface CheckedState {
  /** Wall time, milliseconds, at which a primary last said that the zone here is the newest, or gave it. */
  readonly checkedAtMs: number;
  /** The serial that the primary had; of a zone that is signed here, not the one that is served. */
  readonly serial: number;
  /** Seconds after `checkedAtMs` at which the zone expires. */
  readonly expireSeconds: number;
}

const KIND = 'primaries';
const LIST = 'list';
const CHECKED = 'checked';
/** Read for each zone that is due, ten times a second while it waits for a place. */
const LISTS = new DocumentCache<readonly Primary[]>(KIND, LIST);
const NONE: readonly Primary[] = [];

/** In the order in which they are asked; none for a zone that is kept here. Throws STORE_DAMAGED. */
export function readPrimaries(reader: StoreReader, zoneId: number): readonly Primary[] {
  const make = (value: unknown): readonly Primary[] => {
    if (!isList(value)) throw formFailure(`the primaries of zone id ${zoneId}`);
    return value.primaries;
  };
  return LISTS.read(reader, zoneId, make) ?? NONE;
}

export function primariesWrite(zoneId: number, primaries: readonly Primary[]): DocumentWrite {
  return { zoneId, kind: KIND, id: LIST, value: { version: 1, primaries } };
}

/** The zone is kept here from now on. */
export function clearPrimaries(zoneId: number): readonly DocumentWrite[] {
  return [LIST, CHECKED].map((id) => ({ zoneId, kind: KIND, id, value: null }));
}

/** Undefined for a zone that has never been there. Throws STORE_DAMAGED. */
export function readChecked(reader: StoreReader, zoneId: number): CheckedState | undefined {
  const value = reader.document(zoneId, KIND, CHECKED);
  if (value === undefined) return undefined;
  if (!isChecked(value)) throw formFailure(`the last look at the primaries of zone id ${zoneId}`);
  return value;
}

export function checkedWrite(zoneId: number, { checkedAtMs, serial, expireSeconds }: CheckedState): DocumentWrite {
  return { zoneId, kind: KIND, id: CHECKED, value: { version: 1, checkedAtMs, serial, expireSeconds } };
}

/** When the zone expires: wall time, milliseconds. */
export function expiresAtMs({ checkedAtMs, expireSeconds }: CheckedState): number {
  return checkedAtMs + expireSeconds * 1000;
}

function isList(value: unknown): value is { readonly primaries: readonly Primary[] } {
  return hasFields(value, {
    version: (version) => version === 1,
    primaries: isArrayOf(isPrimary),
  });
}

export function isPrimary(value: unknown): value is Primary {
  return hasFields(value, {
    ip: 'string',
    port: 'number',
    key: 'string?',
    tls: (tls) => tls === undefined || isTls(tls),
  });
}

function isTls(value: unknown): value is PrimaryTls {
  return hasFields(value, { host: 'string?', pins: isTexts, certificate: 'string?' });
}

function isChecked(value: unknown): value is CheckedState {
  return hasFields(value, {
    version: (version) => version === 1,
    checkedAtMs: 'number',
    serial: 'number',
    expireSeconds: 'number',
  });
}
