/**
 * NSD, serving what waxseal signed. One server process for each worker; answers without what the others leave out too
 * (`minimal-responses`); its rate limiting is compiled in and does not trigger, as ours.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/peers.ts';
import { ADDRESS, Daemon } from '../daemon.ts';
import { type Peer, versionLine } from './peer.ts';

export const NSD: Peer = {
  id: 'nsd',
  label: 'NSD',
  signing: 'served',
  plain: true,
  zonesMax: Infinity,
  // Its parent's parent is the first.
  answering: (daemon) => daemon.pids().at(-1),
  version: () => versionLine('nsd', ['-v'], /NSD version .*/),
  async start({ servedFiles }, { folder, cores, workers }) {
    const port = await freePort();
    const config = join(folder, 'nsd.conf');
    writeFileSync(
      config,
      `server:
  ip-address: ${ADDRESS}@${port}
  do-ip6: no
  username: ""
  chroot: ""
  zonesdir: "${folder}"
  database: ""
  pidfile: "${folder}/nsd.pid"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  server-count: ${workers}
  reuseport: yes
  tcp-count: 2000
  tcp-query-count: 0
  tcp-timeout: 60
  ipv4-edns-size: 1232
  rrl-ratelimit: 1000000000
  rrl-whitelist-ratelimit: 1000000000
  minimal-responses: yes
  hide-version: yes
  hide-identity: yes
remote-control:
  control-enable: no
${servedFiles.map(({ name, file }) => `zone:\n  name: "${name}"\n  zonefile: "${file}"\n`).join('')}`,
    );
    return new Daemon(port, { program: 'nsd', words: ['-d', '-c', config], cores, folder });
  },
};
