/** BIND, serving what waxseal signed. `minimal-responses` leaves out what the others leave out too. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/peers.ts';
import { ADDRESS, Daemon } from '../daemon.ts';
import { type Peer, versionLine } from './peer.ts';

export const BIND: Peer = {
  id: 'bind',
  label: 'BIND',
  signing: 'served',
  plain: true,
  zonesMax: Infinity,
  version: () => versionLine('named', ['-v']),
  async start({ servedFiles }, { folder, cores, workers }) {
    const port = await freePort();
    const config = join(folder, 'named.conf');
    writeFileSync(
      config,
      `options {
  directory "${folder}";
  pid-file "${folder}/named.pid";
  session-keyfile "${folder}/session.key";
  lock-file none;
  managed-keys-directory "${folder}";
  listen-on port ${port} { ${ADDRESS}; };
  listen-on-v6 { none; };
  recursion no;
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  minimal-responses no-auth;
  max-udp-size 1232;
  edns-udp-size 1232;
  tcp-clients 2000;
  version none;
  hostname none;
  check-integrity no;
  check-mx ignore;
  check-srv-cname ignore;
  check-spf ignore;
  check-names primary ignore;
};
controls { };
logging { channel all { stderr; severity error; }; category default { all; }; };
${servedFiles.map(({ name, file }) => `zone "${name}" { type primary; file "${file}"; };\n`).join('')}`,
    );
    return new Daemon(port, { program: 'named', words: ['-f', '-n', String(workers), '-c', config], cores, folder });
  },
};
