/** BIND and Knot as primaries that take UPDATE by a key which may change everything, and transfers by anybody. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bindHead, bindKey, knotHead, knotKey } from './peer-configs.ts';
import { type Peer, type PeerZone, startConfigured } from './peers.ts';

interface UpdateKey {
  readonly name: string;
  readonly secret: string;
}

const ALGORITHM = 'hmac-sha256';

const CONFIGS = {
  bind: (
    { name }: PeerZone,
    { name: key, secret }: UpdateKey,
    directory: string,
    port: number,
    file: string,
  ) => `${bindHead(directory, port)}  allow-transfer { any; };
  notify no;
  dnssec-validation no;
  update-quota 1000;
};
controls { };
${bindKey({ name: key, algorithm: ALGORITHM, secret })}zone "${name}" { type primary; file "${file}"; update-policy { grant ${key} zonesub ANY; }; };
`,
  knot: (
    { name }: PeerZone,
    { name: key, secret }: UpdateKey,
    directory: string,
    port: number,
    file: string,
  ) => `${knotHead(directory, port, { server: '  background-workers: 1\n', level: 'warning' })}  journal-db-mode: robust
${knotKey({ name: key, algorithm: ALGORITHM, secret })}acl:
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
