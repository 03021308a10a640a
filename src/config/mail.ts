/**
 * The `[mail]` section of the configuration: who is asked what the world sees of our mail records.
 * Not here: where values come from (config.ts), the mail policies of zones (they live in the store).
 */
import { type Static, Type } from 'typebox';
import { RESOLVERS_MAX, STS_PROBE_NETWORKS_MAX } from '#base/limits/outside.ts';

export interface MailSettings {
  /** Further name servers of our zones, `ADDR:PORT`, that must show a record before it counts as published. */
  readonly nameServers: readonly string[];
  /** Whether the name servers that a zone's NS records name must show it too. */
  readonly secondaries: 'listed' | 'from-ns';
  /** Recursive servers, `ADDR:PORT`; none: those of the system. */
  readonly resolvers: readonly string[];
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
}

export function settleMail(section: Static<typeof MailSection> = {}, { endpoints, networks, path }: MailReaders): MailSettings {
  return {
    nameServers: endpoints('mail.name_servers', section.name_servers ?? []),
    secondaries: section.secondaries ?? 'listed',
    resolvers: endpoints('mail.resolvers', section.resolvers ?? []),
    isProbing: section.probe ?? true,
    isLookingAtMailHosts: section.starttls_probe ?? section.probe ?? true,
    probeCaFile: section.probe_ca_file === undefined ? undefined : path('mail.probe_ca_file', section.probe_ca_file),
    probeNetworks: networks('mail.probe_networks', section.probe_networks ?? []),
  };
}

/** The section for `config show`. */
export function describeMail({
  nameServers,
  secondaries,
  resolvers,
  isProbing,
  isLookingAtMailHosts,
  probeCaFile,
  probeNetworks,
}: MailSettings): Record<string, unknown> {
  return {
    name_servers: nameServers,
    secondaries,
    resolvers,
    probe: isProbing,
    starttls_probe: isLookingAtMailHosts,
    ...(probeCaFile === undefined ? {} : { probe_ca_file: probeCaFile }),
    probe_networks: probeNetworks,
  };
}
