/**
 * The state of the certificates of a zone's hosts, in the store, with the time that it is due next; and the private
 * keys of orders under
 * way, sealed as those of hosts are. Checked when it is read: what is on a disk may have been changed there.
 * Not here: how state changes (certificate/step.ts), certificates that are served (host-certificate.ts), accounts
 * (acme-account.ts).
 */
import { CERTIFICATE_MACHINE } from '#certificate/machine.ts';
import { type CertificatesState } from '#certificate/state.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isArrayOf, isString } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';
import { type SealLabel, type Sealer } from '#store/seal.ts';

/** Kind of the document, which is due when the next step is. */
export const CERTIFICATES_KIND = 'certificates';
const STATE = 'state';
const ORDER_PURPOSE = 'acme-order';

/** Undefined when no host of the zone ever wanted a certificate. Throws STORE_DAMAGED. */
export function readCertificatesState(reader: StoreReader, zoneId: number): CertificatesState | undefined {
  const value = reader.document(zoneId, CERTIFICATES_KIND, STATE);
  if (value === undefined) return undefined;
  if (!isState(value)) throw formFailure(`the certificates of zone id ${zoneId}`);
  return value;
}

/** `dueAtMs` is counted time. */
export function certificatesWrite(zoneId: number, value: CertificatesState, dueAtMs?: number): DocumentWrite {
  const due = dueAtMs === undefined ? {} : { dueAtMs };
  return { zoneId, kind: CERTIFICATES_KIND, id: STATE, value, ...due };
}

/** The private key of a host's order, PKCS #8 DER, for the commit that stores the order; null removes it. */
export function orderKeyWrite(
  sealer: Sealer,
  zoneId: number,
  host: string,
  key: { readonly der: Uint8Array; readonly version: number } | null,
) {
  const value = key === null ? null : sealer.seal(orderLabel(host, key.version), key.der);
  return { zoneId, id: secretId(host), value };
}

/**
 * The private key of a host's order, PKCS #8 DER; undefined: there is none. The problem SECRET_SEALED: it does not
 * open.
 */
export function openOrderKey(reader: StoreReader, sealer: Sealer, zoneId: number, host: string, version: number) {
  const sealed = reader.sealedSecret(zoneId, secretId(host));
  return sealed === undefined ? undefined : sealer.open(orderLabel(host, version), sealed);
}

function orderLabel(host: string, version: number): SealLabel {
  return { purpose: ORDER_PURPOSE, id: host, version };
}

function secretId(host: string): string {
  return `${ORDER_PURPOSE}/${host}`;
}

const STAGES: ReadonlySet<unknown> = new Set(CERTIFICATE_MACHINE.transitions.flatMap(({ from, to }) => [from, to]));

const isStrings = isArrayOf(isString);
const optional = (is: (value: unknown) => boolean) => (value: unknown) => value === undefined || is(value);

function isState(value: unknown): value is CertificatesState {
  return hasFields(value, {
    version: (version) => version === 1,
    lifecycle: isLifecycle,
    wishes: (wishes) => Array.isArray(wishes) && wishes.every(isWish),
    count: 'number',
    published: isStrings,
    lost: optional((lost) => Array.isArray(lost) && lost.every(isLost)),
    serials: (serials) => hasFields(serials, {}),
  });
}

function isLost(value: unknown): boolean {
  return hasFields(value, { host: 'string', pem: 'string' });
}

function isWish(value: unknown): boolean {
  return hasFields(value, { host: 'string', atMs: 'number' });
}

function isLifecycle(value: unknown): boolean {
  return hasFields(value, {
    version: (version) => version === 1,
    objects: (objects) => Array.isArray(objects) && objects.every(isObject),
  });
}

function isObject(value: unknown): boolean {
  return hasFields(value, {
    id: 'string',
    group: 'string',
    stage: (stage) => STAGES.has(stage),
    createdAtMs: 'number',
    enteredAtMs: 'number',
    data: isData,
    seen: Array.isArray,
    overrides: Array.isArray,
    history: Array.isArray,
  });
}

function isData(value: unknown): boolean {
  return hasFields(value, {
    host: 'string',
    order: optional((order) =>
      hasFields(order, {
        directory: 'string',
        url: 'string',
        authorization: 'string',
        expiresAtMs: 'number',
        keyVersion: 'number',
        challenge: optional((challenge) => hasFields(challenge, { url: 'string', value: 'string' })),
      }),
    ),
    issued: optional((issued) =>
      hasFields(issued, {
        directory: 'string',
        keyVersion: 'number',
        serial: 'string',
        issuer: 'string',
        notBeforeMs: 'number',
        notAfterMs: 'number',
        ariId: 'string?',
        pem: 'string?',
        chain: optional(isStrings),
      }),
    ),
    failure: optional((failure) =>
      hasFields(failure, {
        code: 'string',
        message: 'string',
        fix: 'string?',
        sinceMs: 'number',
      }),
    ),
    retryAtMs: 'number?',
    tries: 'number?',
    renewal: optional((renewal) => hasFields(renewal, { atMs: 'number', nextLookMs: 'number?' })),
  });
}
