/**
 * The `[mail]` section of the configuration: who is asked what the world sees of our mail records.
 * Not here: where values come from (config.ts), the mail policies of zones (they live in the store).
 */
import { type Static, Type } from 'typebox';
import { formatDotServer, isDotText, parseDotServer } from './dot-server.ts';
import { RESOLVERS_MAX, STS_PROBE_NETWORKS_MAX } from '#base/limits/outside.ts';
import { type ValueReaders } from './readers.ts';

export interface MailSettings {
  /** Further name servers of our zones, `ADDR:PORT`, that must show a record before it counts as published. */
  readonly nameServers: readonly string[];
  /** Whether the name servers that a zone's NS records name must show it too. */
  readonly secondaries: 'listed' | 'from-ns';
  /** Recursive servers, all `ADDR:PORT` or all `tls://ADDR:PORT#NAME`; none: those of the system. */
  readonly resolvers: readonly string[];
  /** PEM of roots that servers by TLS are trusted by beside the usual ones, absolute. */
  readonly resolverCaFile: string | undefined;
  /** Whether MTA-STS bodies are fetched from here before their ids are announced; without it no body of ours ever is. */
  readonly isProbing: boolean;
  /** Whether the certificates that mail hosts present at port 25 are looked at from here. */
  readonly isLookingAtMailHosts: boolean;
  /** PEM of roots that the probe trusts beside the usual ones, absolute. */
  readonly probeCaFile: string | undefined;
  /** Networks that probe and look connect to though they cannot be reached from outside. */
  readonly probeNetworks: readonly string[];
}

export const MailSection = Type.Object(
  {
    name_servers: Type.Optional(Type.Array(Type.String(), { maxItems: 32 })),
    secondaries: Type.Optional(Type.Enum(['listed', 'from-ns'])),
    resolvers: Type.Optional(Type.Array(Type.String(), { maxItems: RESOLVERS_MAX })),
    resolver_ca_file: Type.Optional(Type.String({ minLength: 1 })),
    probe: Type.Optional(Type.Boolean()),
    starttls_probe: Type.Optional(Type.Boolean()),
    probe_ca_file: Type.Optional(Type.String({ minLength: 1 })),
    probe_networks: Type.Optional(Type.Array(Type.String(), { maxItems: STS_PROBE_NETWORKS_MAX })),
  },
  { additionalProperties: false },
);

/** How values are read: a reader reports what is wrong with its value. */
export interface MailReaders {
  readonly endpoints: (key: string, texts: readonly string[]) => string[];
  readonly networks: (key: string, texts: readonly string[]) => string[];
  readonly path: (key: string, text: string) => string;
  readonly read: ValueReaders['read'];
  readonly reject: ValueReaders['reject'];
}

export function settleMail(section: Static<typeof MailSection> = {}, readers: MailReaders): MailSettings {
  const { endpoints, networks, path } = readers;
  const optionalPath = (key: string, text: string | undefined) => (text === undefined ? undefined : path(key, text));
  return {
    nameServers: endpoints('mail.name_servers', section.name_servers ?? []),
    secondaries: section.secondaries ?? 'listed',
    resolvers: settleResolvers(section.resolvers ?? [], readers),
    resolverCaFile: optionalPath('mail.resolver_ca_file', section.resolver_ca_file),
    isProbing: section.probe ?? true,
    isLookingAtMailHosts: section.starttls_probe ?? section.probe ?? true,
    probeCaFile: optionalPath('mail.probe_ca_file', section.probe_ca_file),
    probeNetworks: networks('mail.probe_networks', section.probe_networks ?? []),
  };
}

const DOT_FORM = 'a server by TLS like tls://192.0.2.1:853#dns.example.net';

function settleResolvers(texts: readonly string[], { endpoints, read, reject }: MailReaders): string[] {
  const key = 'mail.resolvers';
  const byTls = texts.filter(isDotText);
  if (byTls.length === 0) return endpoints(key, texts);
  // RFC 8310 §5: who wants privacy does not have it by luck.
  if (byTls.length < texts.length) {
    reject(key, `${key}: either all servers are asked by TLS or none: questions would be asked in the clear too`);
    return [];
  }
  return texts.flatMap((text, index) => {
    const server = read(key, text, parseDotServer, DOT_FORM, index);
    return server === undefined ? [] : [formatDotServer(server)];
  });
}

/** The section for `config show`. */
export function describeMail({
  nameServers,
  secondaries,
  resolvers,
  resolverCaFile,
  isProbing,
  isLookingAtMailHosts,
  probeCaFile,
  probeNetworks,
}: MailSettings): Record<string, unknown> {
  return {
    name_servers: nameServers,
    secondaries,
    resolvers,
    ...(resolverCaFile === undefined ? {} : { resolver_ca_file: resolverCaFile }),
    probe: isProbing,
    starttls_probe: isLookingAtMailHosts,
    ...(probeCaFile === undefined ? {} : { probe_ca_file: probeCaFile }),
    probe_networks: probeNetworks,
  };
}
