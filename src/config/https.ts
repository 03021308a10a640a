/**
 * The `[https]` section of the configuration: where the policy host listens, and what zones publish so that it is
 * found.
 * Not here: where values come from (config.ts), certificates by ACME (acme.ts), the policy host itself (policy-host/).
 */
import { type Static, Type } from 'typebox';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { HTTPS_ADDRESSES_MAX, HTTPS_CERTIFICATE_FILES_MAX, HTTPS_LISTENERS_MAX } from '#base/limits/https.ts';
import { type ValueReaders } from './readers.ts';

export interface HttpsSettings {
  /** Where the policy host serves; empty: there is none. */
  readonly listen: readonly IpPort[];
  /** A and AAAA of `mta-sts.<domain>` where the policy wants MTA-STS; none and no host: nothing is published. */
  readonly addresses: readonly string[];
  /** Its CNAME instead: a provider's host that serves many domains. In lower case, no final dot. */
  readonly host: string | undefined;
  /** File of the key that the keys of certificates are sealed under, absolute (ADR 0007); made when missing. */
  readonly keyFile: string;
  /** PEM files of certificates that others renew, each with its chain and its private key; absolute. Watched. */
  readonly certificateFiles: readonly string[];
  /** Hosts without another certificate get one that this server signs itself, which no client trusts. */
  readonly isSelfSigned: boolean;
  readonly isAccessLogged: boolean;
}

const FILE = Type.String({ minLength: 1 });

export const HttpsSection = Type.Object(
  {
    listen: Type.Optional(Type.Array(Type.String(), { maxItems: HTTPS_LISTENERS_MAX })),
    addresses: Type.Optional(Type.Array(Type.String(), { maxItems: HTTPS_ADDRESSES_MAX })),
    host: Type.Optional(Type.String({ minLength: 1 })),
    key_file: Type.Optional(Type.String({ minLength: 1 })),
    certificate_files: Type.Optional(Type.Array(FILE, { maxItems: HTTPS_CERTIFICATE_FILES_MAX })),
    self_signed: Type.Optional(Type.Boolean()),
    access_log: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

const LISTEN = '127.0.0.1:8443';

/** `keyFile`: where the key is unless it is given. */
export function settleHttps(
  section: Static<typeof HttpsSection> = {},
  keyFile: string,
  { endpoints, addresses, host, path, reject }: ValueReaders,
): HttpsSettings {
  const { listen = [LISTEN], certificate_files: files = [], addresses: published = [] } = section;
  if (section.host !== undefined && published.length > 0)
    reject('https.host', 'https.host and https.addresses exclude each other: a name with a CNAME has no addresses');
  return {
    listen: listen.length === 1 && listen[0] === 'off' ? [] : endpoints('https.listen', listen),
    addresses: addresses('https.addresses', published),
    host: section.host === undefined ? undefined : host('https.host', section.host),
    keyFile: section.key_file === undefined ? keyFile : path('https.key_file', section.key_file),
    certificateFiles: files.map((file) => path('https.certificate_files', file)),
    isSelfSigned: section.self_signed ?? false,
    isAccessLogged: section.access_log ?? true,
  };
}

/** The section for `config show`. */
export function describeHttps(settings: HttpsSettings): Record<string, unknown> {
  const { listen, addresses, host, keyFile, certificateFiles, isSelfSigned, isAccessLogged } = settings;
  return {
    listen: listen.length === 0 ? ['off'] : listen.map(formatIpPort),
    addresses,
    ...(host === undefined ? {} : { host: host }),
    key_file: keyFile,
    certificate_files: certificateFiles,
    self_signed: isSelfSigned,
    access_log: isAccessLogged,
  };
}
