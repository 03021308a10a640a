/** NSD, Knot and BIND as primaries of a server of ours: transfers by TSIG key, NOTIFY at each change of a zone's file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIND_LOGGING, type PeerKey, bindHead, bindKey, knotHead, knotKey, nsdHead, nsdKey } from './peer-configs.ts';
import { type PeerKind } from './peer-kinds.ts';
import { type Peer, startConfigured } from './peers.ts';
import { runTool } from './tools.ts';

export interface PrimaryOf {
  /** Port of the secondary on 127.0.0.1. */
  readonly port: number;
  /** Absolute, with the last dot. */
  readonly zone: string;
  readonly text: string;
  readonly key: PeerKey;
  /** Transfers are over TLS at this port too, with this certificate (files). NSD and BIND. */
  readonly tls?: {
    readonly port: number;
    readonly certFile: string;
    readonly keyFile: string;
    /** Who does not show a certificate of this root is not served over TLS. BIND. */
    readonly clientCaFile?: string;
  };
}

export interface PrimaryPeer extends Peer {
  /** The zone's file is another from now on. */
  change(text: string): Promise<void>;
}

type Config = (of: PrimaryOf, directory: string, port: number) => string;

const CONFIGS: Readonly<Record<PeerKind, Config>> = {
  nsd: ({ port: secondary, zone, key, tls }, directory, port) => `${nsdHead(directory, port)}${nsdTls(tls)}
remote-control:
  control-enable: no
${nsdKey(key)}zone:
  name: "${zone}"
  zonefile: "zone"
  notify: 127.0.0.1@${secondary} ${key.name}
  provide-xfr: 127.0.0.1 ${key.name}
  provide-xfr: 127.0.0.1 NOKEY
`,
  knot: ({ port: secondary, zone, key }, directory, port) => `${knotHead(directory, port)}${knotKey(key)}remote:
  - id: secondary
    address: 127.0.0.1@${secondary}
    key: ${key.name}
acl:
  - id: signed
    key: ${key.name}
    action: transfer
  - id: local
    address: 127.0.0.1
    action: transfer
zone:
  - domain: "${zone}"
    storage: "${directory}"
    file: "zone"
    zonefile-load: difference
    zonefile-sync: -1
    journal-content: changes
    semantic-checks: off
    notify: secondary
    acl: [signed, local]
`,
  bind: (
    { port: secondary, zone, key, tls },
    directory,
    port,
  ) => `${bindTls(tls)}${bindHead(directory, port)}${bindTlsPort(tls)}  dnssec-validation no;
  notify-delay 0;
  ixfr-from-differences yes;
  max-ixfr-ratio unlimited;
};
controls { };
${bindKey(key)}${BIND_LOGGING}zone "${zone}" {
  type primary;
  file "zone";
  allow-transfer { key "${key.name}"; 127.0.0.1; };
  notify explicit;
  also-notify { 127.0.0.1 port ${secondary} key "${key.name}"; };
};
`,
};

function nsdTls(tls: PrimaryOf['tls']): string {
  if (tls === undefined) return '';
  const { port, certFile, keyFile } = tls;
  return `  ip-address: 127.0.0.1@${port}
  tls-port: ${port}
  tls-service-key: "${keyFile}"
  tls-service-pem: "${certFile}"
`;
}

function bindTlsPort(tls: PrimaryOf['tls']): string {
  return tls === undefined ? '' : `  listen-on port ${tls.port} tls xot { 127.0.0.1; };\n`;
}

function bindTls(tls: PrimaryOf['tls']): string {
  if (tls === undefined) return '';
  const { certFile, keyFile, clientCaFile } = tls;
  const clients = clientCaFile === undefined ? '' : ` ca-file "${clientCaFile}";`;
  return `tls xot { cert-file "${certFile}"; key-file "${keyFile}";${clients} };\n`;
}

/** Starts one that serves the zone. */
export async function startPrimary(kind: PeerKind, of: PrimaryOf): Promise<PrimaryPeer> {
  const peer = await startConfigured(kind, [{ name: of.zone }], (directory, port) => {
    writeFileSync(join(directory, 'zone'), of.text);
    return CONFIGS[kind](of, directory, port);
  });
  return {
    ...peer,
    async change(text) {
      writeFileSync(join(peer.directory, 'zone'), text);
      if (kind === 'knot') {
        const words = ['-s', join(peer.directory, 'knot.sock'), 'zone-reload', of.zone];
        const { code, stderr } = await runTool('knotc', words);
        if (code !== 0) throw new Error(`knotc: ${stderr}`);
      } else {
        const file = kind === 'bind' ? 'named.pid' : 'nsd.pid';
        process.kill(Number(readFileSync(join(peer.directory, file), 'utf8')), 'SIGHUP');
      }
    },
  };
}
