/** How waxseal is started for a measurement: from source, as `npm start` does, without the listeners that are not measured. */
import { join } from 'node:path';
import { ADDRESS } from '../daemon.ts';

/** Another checkout can be measured, beside the same peers, with the same programs of this folder. */
export const WAXSEAL_ROOT = process.env['WAXSEAL_BENCH_SOURCE'] ?? join(import.meta.dirname, '../..');

export type UdpSocket = 'mmsg' | 'dgram' | 'xdp';

export interface WaxsealOptions {
  readonly data: string;
  readonly port: number;
  /** ADDRESS when absent. */
  readonly address?: string;
  readonly udp: UdpSocket;
  readonly workers: number;
  /** Options of Node; NODE_OPTIONS does not reach the children. */
  readonly nodeOptions?: readonly string[];
}

export function waxsealWords({ data, port, address = ADDRESS, udp, workers, nodeOptions = [] }: WaxsealOptions): {
  readonly program: string;
  readonly words: readonly string[];
} {
  const listeners = ['--dns', `${address}:${port}`, '--admin', 'off', '--https', 'off'];
  return {
    program: process.execPath,
    words: [
      ...nodeOptions,
      join(WAXSEAL_ROOT, 'src/main.ts'),
      ...['serve', '--data', data, ...listeners, '--workers', String(workers), '--udp', udp],
    ],
  };
}

export function waxsealEnvironment(kekFile: string): Readonly<Record<string, string>> {
  return { WAXSEAL_KEYS__KEK_FILE: kekFile, WAXSEAL_LOG__LEVEL: 'warn', WAXSEAL_LOG__FORMAT: 'text' };
}
