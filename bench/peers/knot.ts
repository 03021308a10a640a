/** Knot DNS: serving what waxseal signed, and (`mod-onlinesign`) signing while it answers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/peers.ts';
import { ADDRESS, Daemon } from '../daemon.ts';
import { type Peer, type Start, versionLine } from './peer.ts';
import { type ZoneFile } from '../prepared.ts';

/** One ECDSA P-256 key that signs everything, as waxseal's. */
const ONLINE = {
  sections: `policy:
  - id: live
    algorithm: ecdsap256sha256
    single-type-signing: on
mod-onlinesign:
  - id: live
    policy: live
`,
  zone: '    module: mod-onlinesign/live\n',
} as const;
const AS_IT_IS = { sections: '', zone: '' } as const;

async function startKnot(
  zones: readonly ZoneFile[],
  { folder, cores, workers }: Start,
  signing: typeof ONLINE | typeof AS_IT_IS,
): Promise<Daemon> {
  const port = await freePort();
  const config = join(folder, 'knot.conf');
  mkdirSync(join(folder, 'db'), { recursive: true });
  writeFileSync(
    config,
    `server:
  rundir: "${folder}"
  pidfile: "${folder}/knot.pid"
  listen: ${ADDRESS}@${port}
  udp-workers: ${workers}
  tcp-workers: ${workers}
  background-workers: 1
  udp-max-payload: 1232
  tcp-max-clients: 2000
  tcp-reuseport: ${workers > 1 ? 'on' : 'off'}
  tcp-idle-timeout: 60
log:
  - target: stderr
    any: error
control:
  listen: "${folder}/knot.sock"
database:
  storage: "${folder}/db"
${signing.sections}template:
  - id: default
    storage: "${folder}"
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
    semantic-checks: off
${signing.zone}zone:
${zones.map(({ name, file }) => `  - domain: "${name}"\n    file: "${file}"\n`).join('')}`,
  );
  return new Daemon(port, { program: 'knotd', words: ['-c', config], cores, folder });
}

const version = (): string => versionLine('knotd', ['--version']);

export const KNOT: Peer = {
  id: 'knot',
  label: 'Knot DNS',
  signing: 'served',
  plain: true,
  zonesMax: Infinity,
  version,
  start: ({ servedFiles }, start) => startKnot(servedFiles, start, AS_IT_IS),
};

export const KNOT_ONLINE: Peer = {
  id: 'knot-onlinesign',
  label: 'Knot DNS, onlinesign',
  signing: 'live',
  plain: false,
  zonesMax: 100,
  version,
  start: ({ plainFiles }, start) => startKnot(plainFiles, start, ONLINE),
};
