/**
 * The `[acme]` section of the configuration: where certificates come from, and on whose behalf.
 * Implements: RFC 8555 §7.3 (contact, terms of service), §7.3.4 (external account binding); profiles:
 * draft-ietf-acme-profiles.
 * Not here: where values come from (config.ts), which hosts get certificates (certificate/).
 */
import { type Static, Type } from 'typebox';
import { ACME_CONTACTS_MAX, ACME_DIRECTORIES_MAX } from '#base/limits/https.ts';
import { type ValueReaders } from './readers.ts';

export interface AcmeSettings {
  /** Directory URLs; the first one that works is used. */
  readonly directories: readonly string[];
  /** `mailto:` URLs. */
  readonly contacts: readonly string[];
  /** The operator has agreed to the terms of service of every directory: without it no account is made. */
  readonly isTermsAgreed: boolean;
  /** The certificate profile that is asked for, where the directory has it. */
  readonly profile: string | undefined;
  /** The account that the CA knows already: its key id, and the file of the MAC key in base64url, absolute. */
  readonly externalAccount: { readonly keyId: string; readonly keyFile: string } | undefined;
  /** PEM of roots that are trusted beside the usual ones when a directory is asked, absolute. */
  readonly caFile: string | undefined;
}

export const AcmeSection = Type.Object(
  {
    directories: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { maxItems: ACME_DIRECTORIES_MAX })),
    contacts: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { maxItems: ACME_CONTACTS_MAX })),
    terms_agreed: Type.Optional(Type.Boolean()),
    profile: Type.Optional(Type.String({ minLength: 1 })),
    account_key_id: Type.Optional(Type.String({ minLength: 1 })),
    account_key_file: Type.Optional(Type.String({ minLength: 1 })),
    ca_file: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);

/** undefined: no certificates are asked for. */
export function settleAcme(section: Static<typeof AcmeSection> = {}, readers: ValueReaders): AcmeSettings | undefined {
  const { path, reject } = readers;
  const { directories = [], contacts = [], account_key_id: keyId, account_key_file: keyFile } = section;
  const notHttps = directories.filter((url) => !isUrl(url, 'https:'));
  for (const url of notHttps) reject('acme.directories', `${JSON.stringify(url)} is not an https: URL`);
  for (const contact of contacts)
    if (!isUrl(contact, 'mailto:')) reject('acme.contacts', `${JSON.stringify(contact)} is not a mailto: URL`);
  if ((keyId === undefined) !== (keyFile === undefined))
    reject(
      keyId === undefined ? 'acme.account_key_file' : 'acme.account_key_id',
      'acme.account_key_id and acme.account_key_file go together',
    );
  if (directories.length === 0) {
    const others = Object.keys(section).filter((key) => key !== 'directories');
    for (const key of others) reject(`acme.${key}`, `acme.${key} needs acme.directories`);
    return undefined;
  }
  if (section.terms_agreed !== true)
    reject(
      'acme.directories',
      'acme.directories needs acme.terms_agreed = true: an account is only made for who agrees to the terms of service',
    );
  return {
    directories,
    contacts,
    isTermsAgreed: section.terms_agreed ?? false,
    profile: section.profile,
    externalAccount: keyId === undefined || keyFile === undefined ? undefined : { keyId, keyFile: path('acme.account_key_file', keyFile) },
    caFile: section.ca_file === undefined ? undefined : path('acme.ca_file', section.ca_file),
  };
}

/** The section for `config show`; the key of an external account stays in its file. */
export function describeAcme(settings: AcmeSettings | undefined): Record<string, unknown> {
  if (settings === undefined) return { directories: [] };
  const { directories, contacts, isTermsAgreed, profile, externalAccount, caFile } = settings;
  return {
    directories,
    contacts,
    terms_agreed: isTermsAgreed,
    ...(profile === undefined ? {} : { profile }),
    ...(externalAccount && { account_key_id: externalAccount.keyId, account_key_file: externalAccount.keyFile }),
    ...(caFile === undefined ? {} : { ca_file: caFile }),
  };
}

function isUrl(text: string, protocol: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === protocol;
}
