/** waxseal, with each of its UDP sockets. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient } from '../admin-client.ts';
import { freePort } from '../../test/support/peers.ts';
import { Daemon } from '../daemon.ts';
import { type Peer } from './peer.ts';
import { type UdpSocket, waxsealEnvironment, waxsealWords } from './waxseal-command.ts';

const PACKAGE = join(import.meta.dirname, '../../package.json');

export function waxsealPeer(udp: UdpSocket, nodeOptions: readonly string[] = []): Peer {
  // With options of its own the engine writes files, which a confined process may not.
  const environment: Readonly<Record<string, string>> = nodeOptions.length > 0 ? { WAXSEAL_PROCESS__CONFINE: 'off' } : {};
  return peerOf(`waxseal-${udp}`, udp === 'mmsg' ? 'waxseal' : 'waxseal (node:dgram)', udp, environment, nodeOptions);
}

/**
 * With nobody in the rate limiter's allow list, which has 127.0.0.0/8 otherwise: every answer is counted in its buckets, as it is for clients in
 * the wild. A dry run, since one client that asks all the time would be limited rightly.
 */
export const WAXSEAL_COUNTING: Peer = peerOf('waxseal-counting', 'waxseal, rates counted', 'mmsg', {
  WAXSEAL_RRL__ALLOW: '192.0.2.0/24',
  WAXSEAL_RRL__DRY_RUN: 'true',
});

function peerOf(
  id: string,
  label: string,
  udp: UdpSocket,
  environment: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Peer {
  return {
    id,
    label,
    signing: 'served',
    plain: true,
    zonesMax: Infinity,
    answering: (daemon) => daemon.pids().find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('waxseal answer')),
    version: () => `waxseal ${(JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version}, Node ${process.version}`,
    async start({ data, kekFile }, { folder, cores, workers }) {
      const own = join(folder, 'data');
      if (!existsSync(own)) {
        const { status, stderr } = spawnSync('cp', ['-r', '--reflink=auto', data, own], { encoding: 'utf8' });
        if (status !== 0) throw new Error(`cp: ${stderr}`);
      }
      const port = await freePort();
      const { program, words } = waxsealWords({ data: own, port, udp, workers, nodeOptions });
      return new Daemon(port, { program, words, cores, folder, environment: { ...waxsealEnvironment(kekFile), ...environment } });
    },
    // It answers before its control process has started.
    async settled({ folder }) {
      const api = new AdminClient(join(folder, 'data'));
      await api.ready();
      api.close();
    },
  };
}
