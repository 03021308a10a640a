/** BIND and Knot as primaries that take UPDATE by a key which may change everything, and transfers by anybody. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Peer, type PeerZone, startConfigured } from './peers.ts';

interface UpdateKey {
  readonly name: string;
  readonly secret: string;
}

const CONFIGS = {
  bind: ({ name }: PeerZone, { name: key, secret }: UpdateKey, directory: string, port: number, file: string) => `options {
  directory "${directory}";
  pid-file "${directory}/named.pid";
  session-keyfile "${directory}/session.key";
  lock-file none;
  managed-keys-directory "${directory}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no;
  allow-transfer { any; };
  notify no;
  dnssec-validation no;
  update-quota 1000;
};
controls { };
key "${key}" { algorithm hmac-sha256; secret "${secret}"; };
zone "${name}" { type primary; file "${file}"; update-policy { grant ${key} zonesub ANY; }; };
`,
  knot: ({ name }: PeerZone, { name: key, secret }: UpdateKey, directory: string, port: number, file: string) => `server:
  rundir: "${directory}"
  pidfile: "${directory}/knot.pid"
  listen: 127.0.0.1@${port}
  background-workers: 1
log:
  - target: stderr
    any: warning
control:
  listen: "${directory}/knot.sock"
database:
  storage: "${directory}/db"
  journal-db-mode: robust
key:
  - id: ${key}
    algorithm: hmac-sha256
    secret: ${secret}
acl:
  - id: update
    key: ${key}
    action: update
  - id: transfer
    address: 127.0.0.1
    action: transfer
zone:
  - domain: "${name}"
    storage: "${directory}"
    file: "${file}"
    acl: [update, transfer]
`,
} as const;

export type UpdatePeerKind = keyof typeof CONFIGS;

export function startUpdatePeer(kind: UpdatePeerKind, zone: PeerZone, key: UpdateKey): Promise<Peer> {
  return startConfigured(kind, [zone], (directory, port) => {
    const file = join(directory, 'zone');
    writeFileSync(file, zone.text);
    return CONFIGS[kind](zone, key, directory, port, file);
  });
}
