/**
 * DNS over TLS in the `[dns]` section: where it is served, and the host whose certificate it shows.
 * Implements: RFC 7858 §3.1 (port 853 is the usual one), RFC 8310 §5.1 (clients know the server by a name).
 * Not here: where the certificate comes from (control/certificate/), serving (server/tls/).
 */
import { Type } from 'typebox';
import { type IpPort, formatIpPort } from '#base/address.ts';
import { TLS_LISTENERS_MAX } from '#base/limits/server.ts';
import { type ValueReaders } from './readers.ts';

export interface DnsTlsSettings {
  readonly listen: readonly IpPort[];
  /** In lower case, no final dot. */
  readonly host: string;
}

/** Keys of `[dns]`. */
export const DNS_TLS_KEYS = {
  tls_listen: Type.Optional(Type.Array(Type.String(), { maxItems: TLS_LISTENERS_MAX })),
  tls_host: Type.Optional(Type.String({ minLength: 1 })),
  primaries_ca_file: Type.Optional(Type.String({ minLength: 1 })),
};

interface Keys {
  readonly tls_listen?: readonly string[];
  readonly tls_host?: string;
}

/** Undefined: DNS over TLS is not served. */
export function settleDnsTls(section: Keys = {}, readers: ValueReaders): DnsTlsSettings | undefined {
  const { tls_listen: listen = [], tls_host: text } = section;
  const host = text === undefined ? undefined : readers.host('dns.tls_host', text);
  if (listen.length === 0) {
    const why = 'dns.tls_host has no effect without dns.tls_listen, as ["192.0.2.1:853"]';
    if (text !== undefined) readers.reject('dns.tls_host', why);
    return undefined;
  }
  const needed = 'dns.tls_listen needs dns.tls_host: the name that clients check';
  if (text === undefined) readers.reject('dns.tls_listen', needed);
  return { listen: readers.endpoints('dns.tls_listen', listen), host: host ?? '' };
}

/** The keys for `config show`. */
export function describeDnsTls(settings: DnsTlsSettings | undefined): Record<string, unknown> {
  return settings === undefined ? {} : { tls_listen: settings.listen.map(formatIpPort), tls_host: settings.host };
}
