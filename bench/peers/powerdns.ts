/** PowerDNS with its LMDB back end. Signed zones are signed while it answers (`pdnsutil secure-zone`), which is how PowerDNS is used. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/peers.ts';
import { ADDRESS, Daemon } from '../daemon.ts';
import { type Peer, versionLine } from './peer.ts';

export const POWERDNS: Peer = {
  id: 'powerdns',
  label: 'PowerDNS (LMDB)',
  signing: 'live',
  plain: true,
  // Each zone is one or two runs of pdnsutil.
  zonesMax: 100,
  version: () => versionLine('pdns_server', ['--version'], /PowerDNS Authoritative Server \S+/),
  async start({ plainFiles, signed }, { folder, cores, workers }) {
    const port = await freePort();
    const isFilled = existsSync(join(folder, 'pdns.lmdb'));
    writeFileSync(
      join(folder, 'pdns.conf'),
      `launch=lmdb
lmdb-filename=${folder}/pdns.lmdb
lmdb-sync-mode=nosync
local-address=${ADDRESS}
local-port=${port}
socket-dir=${folder}
daemon=no
guardian=no
setuid=
setgid=
disable-syslog=yes
loglevel=3
receiver-threads=${workers}
distributor-threads=1
signing-threads=1
reuseport=${workers > 1 ? 'yes' : 'no'}
default-ksk-algorithm=ecdsa256
default-zsk-algorithm=
max-tcp-connections=2000
max-tcp-transactions-per-conn=0
max-tcp-connection-duration=0
version-string=anonymous
`,
    );
    for (const { name, file } of isFilled ? [] : plainFiles) {
      pdnsutil(folder, 'load-zone', name, file);
      if (signed) pdnsutil(folder, 'secure-zone', name);
      pdnsutil(folder, 'rectify-zone', name);
    }
    return new Daemon(port, { program: 'pdns_server', words: [`--config-dir=${folder}`], cores, folder });
  },
};

function pdnsutil(folder: string, ...words: readonly string[]): void {
  const { status, stderr, error } = spawnSync('pdnsutil', [`--config-dir=${folder}`, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`pdnsutil ${words.join(' ')}: ${error?.message ?? stderr.slice(-2000)}`);
}
