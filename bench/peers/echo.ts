/** The floor: a C program that sends every packet back, with the same batching as waxseal's socket. No server can cost less. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/peers.ts';
import { Daemon } from '../daemon.ts';
import { compile } from '../generator.ts';
import { type Peer } from './peer.ts';

const SOURCE = join(import.meta.dirname, '../echo.c');

export const ECHO: Peer = {
  id: 'echo',
  label: 'echo in C (the floor)',
  signing: 'never',
  plain: existsSync(SOURCE),
  zonesMax: Infinity,
  version: () => 'bench/echo.c',
  async start(_prepared, { folder, cores }) {
    const port = await freePort();
    return new Daemon(port, { program: compile([SOURCE], join(folder, 'echo')), words: [String(port)], cores, folder });
  },
};
