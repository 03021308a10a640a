/** NSD, Knot and BIND as secondaries of a server of ours: they transfer by TSIG key, and let the test transfer from them. */
import { BIND_LOGGING, type PeerKey, bindHead, bindKey, knotHead, knotKey, nsdHead, nsdKey } from './peer-configs.ts';
import { type PeerKind } from './peer-kinds.ts';
import { type Peer, startConfigured } from './peers.ts';

export interface SecondaryOf {
  /** Port of the primary on 127.0.0.1. */
  readonly port: number;
  /** Absolute, with the last dot. */
  readonly zones: readonly string[];
  /** Transfers are over TLS from here, and the primary must be who it says it is. NSD and BIND. */
  readonly tls?: {
    readonly port: number;
    readonly host: string;
    readonly caFile: string;
    /** Files of a certificate that it shows. */
    readonly client?: { readonly certFile: string; readonly keyFile: string };
  };
  readonly key: PeerKey;
  /** The zones are catalogs (RFC 9432) with these members, which it serves. Knot and BIND. */
  readonly members?: readonly string[];
}

const CONFIGS: Readonly<Record<PeerKind, (primary: SecondaryOf, directory: string, port: number) => string>> = {
  nsd: ({ port: primary, zones, key, tls }, directory, port) => `${nsdHead(directory, port)}  xfrd-reload-timeout: 0
${tls === undefined ? '' : `  tls-cert-bundle: "${tls.caFile}"\n`}remote-control:
  control-enable: no
${nsdTls(tls)}${nsdKey(key)}${zones.map((zone) => `zone:\n  name: "${zone}"\n  zonefile: "${zone}zone"\n  allow-notify: 127.0.0.1 NOKEY\n  allow-notify: 127.0.0.1 ${key.name}\n  request-xfr: 127.0.0.1@${tls?.port ?? primary} ${key.name}${tls === undefined ? '' : ' xot'}\n  provide-xfr: 127.0.0.1 NOKEY\n`).join('')}`,
  knot: (
    { port: primary, zones, key, members },
    directory,
    port,
  ) => `${knotHead(directory, port, { server: '  background-workers: 1\n' })}${knotKey(key)}remote:
  - id: primary
    address: 127.0.0.1@${primary}
    key: ${key.name}
acl:
  - id: transfer
    address: 127.0.0.1
    action: transfer
  - id: notify
    address: 127.0.0.1
    action: notify
  - id: notify-signed
    address: 127.0.0.1
    key: ${key.name}
    action: notify
template:
  - id: default
    storage: "${directory}"
    master: primary
    acl: [transfer, notify, notify-signed]
    semantic-checks: off
  - id: member
    storage: "${directory}"
    master: primary
    acl: [transfer, notify, notify-signed]
zone:
${zones.map((zone) => `  - domain: "${zone}"\n${members ? '    catalog-role: interpret\n    catalog-template: member\n' : ''}`).join('')}`,
  bind: (
    { port: primary, zones, key, tls, members },
    directory,
    port,
  ) => `${bindTls(tls)}${bindHead(directory, port)}  allow-transfer { any; };
  notify no;
  dnssec-validation no;
  check-names secondary ignore;
  max-records-per-type 0;
  max-types-per-name 0;
${members ? catalogZones(zones, primary, key.name) : ''}};
controls { };
${bindKey(key)}${BIND_LOGGING}${zones.map((zone) => `zone "${zone}" { type secondary; file "${zone}zone"; primaries { 127.0.0.1 port ${tls?.port ?? primary} key "${key.name}"${tls === undefined ? '' : ' tls xot'}; }; allow-notify { 127.0.0.1; key "${key.name}"; }; };\n`).join('')}`,
};

function nsdTls(tls: SecondaryOf['tls']): string {
  if (tls === undefined) return '';
  const { host, client } = tls;
  const own = client && `  client-cert: "${client.certFile}"\n  client-key: "${client.keyFile}"\n`;
  return `tls-auth:\n  name: xot\n  auth-domain-name: "${host}"\n${own ?? ''}`;
}

function bindTls(tls: SecondaryOf['tls']): string {
  if (tls === undefined) return '';
  const { host, caFile, client } = tls;
  const own = client && ` cert-file "${client.certFile}"; key-file "${client.keyFile}";`;
  return `tls xot { ca-file "${caFile}"; remote-hostname "${host}";${own ?? ''} };\n`;
}

function catalogZones(zones: readonly string[], primary: number, key: string): string {
  const one = (zone: string): string =>
    `zone "${zone}" default-primaries { 127.0.0.1 port ${primary} key "${key}"; } in-memory yes min-update-interval 1;`;
  return `  catalog-zones { ${zones.map(one).join(' ')} };\n`;
}

/** Starts one that is ready when it has all zones. */
export function startSecondary(kind: PeerKind, primary: SecondaryOf): Promise<Peer> {
  return startConfigured(
    kind,
    // Knot answers no query for a catalog either.
    (primary.members ?? primary.zones).map((name) => ({ name })),
    (directory, port) => CONFIGS[kind](primary, directory, port),
  );
}
