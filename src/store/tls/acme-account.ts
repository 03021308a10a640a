/**
 * Accounts with CAs, in the store: one for each directory, with its key as a secret that is sealed under the key-
 * encryption key. The key is
 * stored before the CA hears of it, so that a process that dies in between finds its account again (RFC 8555 §7.3.1).
 * Not here: making accounts (control/certificate/accounts.ts).
 */
import { createHash } from 'node:crypto';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';
import { type SealLabel, type Sealer } from '#store/seal.ts';
import { type SecretWrite, type StoreWriter } from '#store/writer.ts';

const KIND = 'acme-account';
const NO_ZONE = 0;

export interface AcmeAccount {
  /** URL of the CA's directory. */
  readonly directory: string;
  /** The account's URL; absent: the CA has not been asked for it, or its answer was lost. */
  readonly url?: string;
  /** Key id of the external account that it is bound to. */
  readonly externalKeyId?: string;
}

interface Stored extends AcmeAccount {
  readonly version: 1;
}

/** Undefined when there is none with the directory. Throws STORE_DAMAGED. */
export function readAcmeAccount(reader: StoreReader, directory: string): AcmeAccount | undefined {
  const value = reader.document(NO_ZONE, KIND, idOf(directory));
  if (value === undefined) return undefined;
  if (!isStored(value) || value.directory !== directory) throw formFailure(`the account with ${directory}`);
  const { version: _version, ...account } = value;
  return account;
}

export function acmeAccountWrite(account: AcmeAccount): DocumentWrite {
  const value: Stored = { version: 1, ...account };
  return { zoneId: NO_ZONE, kind: KIND, id: idOf(account.directory), value };
}

/** The account's private key, PKCS #8 DER, for the commit that makes the account. */
export function acmeAccountKeyWrite(sealer: Sealer, directory: string, der: Uint8Array): SecretWrite {
  const label = labelOf(directory);
  return { zoneId: NO_ZONE, id: label.id, value: sealer.seal(label, der) };
}

/** The account's private key, PKCS #8 DER; undefined: there is none. Throws StoreFailure when it does not open. */
export function openAcmeAccountKey(writer: StoreWriter, directory: string): Uint8Array | undefined {
  return writer.secret(NO_ZONE, labelOf(directory));
}

function labelOf(directory: string): SealLabel {
  return { purpose: KIND, id: `${KIND}/${idOf(directory)}`, version: 1 };
}

/** URLs may be longer than keys of the store. */
function idOf(directory: string): string {
  return createHash('sha256').update(directory).digest('hex');
}

function isStored(value: unknown): value is Stored {
  return hasFields(value, {
    version: (version) => version === 1,
    directory: 'string',
    url: 'string?',
    externalKeyId: 'string?',
  });
}
