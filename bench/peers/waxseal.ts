/** waxseal, with each of its UDP sockets. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient } from '../admin-client.ts';
import { Daemon, freePort } from '../daemon.ts';
import { type Peer } from './peer.ts';
import { type UdpSocket, waxsealEnvironment, waxsealWords } from './waxseal-command.ts';

const PACKAGE = join(import.meta.dirname, '../../package.json');

export function waxsealPeer(udp: UdpSocket): Peer {
  return {
    id: `waxseal-${udp}`,
    label: udp === 'mmsg' ? 'waxseal' : 'waxseal (node:dgram)',
    signing: 'served',
    plain: true,
    zonesMax: Infinity,
    version: () => `waxseal ${(JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version}, Node ${process.version}`,
    async start({ data, kekFile }, { folder, cores, workers }) {
      const own = join(folder, 'data');
      if (!existsSync(own)) {
        const { status, stderr } = spawnSync('cp', ['-r', '--reflink=auto', data, own], { encoding: 'utf8' });
        if (status !== 0) throw new Error(`cp: ${stderr}`);
      }
      const port = await freePort();
      const { program, words } = waxsealWords({ data: own, port, udp, workers });
      return new Daemon(port, { program, words, cores, folder, environment: waxsealEnvironment(kekFile) });
    },
    // It answers before its control process has started.
    async settled({ folder }) {
      const api = new AdminClient(join(folder, 'data'));
      await api.ready();
      api.close();
    },
  };
}
