/**
 * The `[admin]` section of the configuration: where the API listens, over TLS or not, behind which proxies, and under
 * which names.
 * Not here: where values come from (config.ts), tokens (they live in the store).
 */
import { type Static, Type } from 'typebox';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { ADMIN_HOSTS_MAX, HTTP_REQUEST_MS_MAX, TRUSTED_PROXIES_MAX, ZONE_FILE_BYTES_MAX } from '#base/limits/admin.ts';
import { parseDuration, parseSize } from '#base/units.ts';
import type { ValueReaders } from './readers.ts';

/** The certificate of the listener: in files, or of a host in the store. */
export type AdminTlsSettings = {
  /** PEM of the roots of clients' certificates, absolute; undefined: clients show none. */
  readonly clientCaFile: string | undefined;
} & ({ readonly certificateFile: string; readonly keyFile: string } | { readonly host: string });

export interface AdminSettings {
  /** The TCP listener; undefined: only the Unix socket. */
  readonly listen: IpPort | undefined;
  readonly zoneFileBytesMax: number;
  readonly requestMsMax: number;
  /** The PowerDNS-compatible API below `/api`. */
  readonly powerdnsApi: boolean;
  /** ExternalDNS's webhook protocol below `/externaldns`. */
  readonly externaldnsWebhook: boolean;
  /** Names that clients reach it by, lower-case, without a last dot. */
  readonly hosts: readonly string[];
  /** Networks of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Undefined: plain HTTP. */
  readonly tls: AdminTlsSettings | undefined;
}

const FILE = Type.String({ minLength: 1 });

export const AdminSection = Type.Object(
  {
    listen: Type.Optional(Type.String()),
    zone_file_max: Type.Optional(Type.String()),
    request_timeout: Type.Optional(Type.String()),
    powerdns_api: Type.Optional(Type.Boolean()),
    externaldns_webhook: Type.Optional(Type.Boolean()),
    hosts: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: ADMIN_HOSTS_MAX })),
    trusted_proxies: Type.Optional(Type.Array(Type.String(), { maxItems: TRUSTED_PROXIES_MAX })),
    tls_certificate_file: Type.Optional(FILE),
    tls_key_file: Type.Optional(FILE),
    tls_host: Type.Optional(Type.String({ minLength: 1 })),
    tls_client_ca_file: Type.Optional(FILE),
  },
  { additionalProperties: false },
);

type AdminForm = Static<typeof AdminSection>;

const LISTEN = '127.0.0.1:8053';

export function settleAdmin(section: AdminForm = {}, readers: ValueReaders): AdminSettings {
  const {
    zone_file_max: zoneFileMax,
    request_timeout: requestTimeout,
    powerdns_api: powerdnsApi = true,
    externaldns_webhook: externaldnsWebhook = false,
    hosts = [],
  } = section;
  const { read, one, networks, host: readHost } = readers;
  const tls = settleTls(section, readers);
  const own = tls !== undefined && 'host' in tls ? [tls.host] : [];
  return {
    listen: one('admin.listen', section.listen ?? LISTEN),
    zoneFileBytesMax:
      zoneFileMax === undefined
        ? ZONE_FILE_BYTES_MAX
        : (read('admin.zone_file_max', zoneFileMax, parseSize, 'a size like 64MiB') ?? 0),
    requestMsMax:
      requestTimeout === undefined
        ? HTTP_REQUEST_MS_MAX
        : (read('admin.request_timeout', requestTimeout, parseDuration, 'a duration like 1h30m or 45s') ?? 0),
    powerdnsApi,
    externaldnsWebhook,
    hosts: [...own, ...hosts.flatMap((text, index) => readHost('admin.hosts', text, index) ?? [])],
    trustedProxies: networks('admin.trusted_proxies', section.trusted_proxies ?? []),
    tls,
  };
}

function settleTls(section: AdminForm, { path, host, reject }: ValueReaders): AdminTlsSettings | undefined {
  const { tls_certificate_file: certificate, tls_key_file: key, tls_host: text, tls_client_ca_file: clients } = section;
  const needs = (name: string) =>
    reject(`admin.${name}`, `admin.${name} needs admin.tls_certificate_file or admin.tls_host`);
  if (certificate !== undefined && text !== undefined)
    reject('admin.tls_host', 'admin.tls_host and admin.tls_certificate_file exclude each other');
  if (key !== undefined && certificate === undefined)
    reject('admin.tls_key_file', 'admin.tls_key_file needs admin.tls_certificate_file');
  const clientCaFile = clients === undefined ? undefined : path('admin.tls_client_ca_file', clients);
  if (certificate !== undefined) {
    const certificateFile = path('admin.tls_certificate_file', certificate);
    return {
      clientCaFile,
      certificateFile,
      keyFile: key === undefined ? certificateFile : path('admin.tls_key_file', key),
    };
  }
  if (text !== undefined) return { clientCaFile, host: host('admin.tls_host', text) ?? '' };
  if (clients !== undefined) needs('tls_client_ca_file');
  return undefined;
}

/** The section for `config show`. */
export function describeAdmin(settings: AdminSettings): Record<string, unknown> {
  const { listen, zoneFileBytesMax, requestMsMax, powerdnsApi, externaldnsWebhook } = settings;
  const { hosts, trustedProxies, tls } = settings;
  return {
    listen: listen === undefined ? 'off' : formatIpPort(listen),
    zone_file_max: `${zoneFileBytesMax}B`,
    request_timeout: `${requestMsMax}ms`,
    powerdns_api: powerdnsApi,
    externaldns_webhook: externaldnsWebhook,
    hosts,
    trusted_proxies: trustedProxies,
    ...(tls === undefined ? {} : describeTls(tls)),
  };
}

function describeTls(tls: AdminTlsSettings): Record<string, unknown> {
  const own =
    'host' in tls ? { tls_host: tls.host } : { tls_certificate_file: tls.certificateFile, tls_key_file: tls.keyFile };
  return { ...own, ...(tls.clientCaFile === undefined ? {} : { tls_client_ca_file: tls.clientCaFile }) };
}
