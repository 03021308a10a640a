/**
 * A control process's parts with a zone post.example whose mail host mx1 is a real STARTTLS server on this machine, and the admin API and the
 * command line in front of them. Time is the test's; the API sees the wall clock of the control parts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ipPort } from '#base/address.ts';
import { parseNetwork } from '#base/network.ts';
import { listenAdmin } from '#admin/http/listen.ts';
import { STARTTLS_LOOK, starttlsLook } from '#control/outside/starttls-look.ts';
import { formatTlsa, tlsaFor } from '#mail/dane/record.ts';
import { type MailBench, mailBench } from '../admin/mail-bench.ts';
import { type Finished, run } from '../cli-server.ts';
import { type Table, tableResolver } from '../table-resolver.ts';
import { good } from '../temporary-control.ts';
import { type Pair } from '../throwaway-ca.ts';
import { type StarttlsServer, starttlsServer } from './starttls-server.ts';

export const DANE_HOST = 'mx1.post.example';

/** The `3 1 1` record of a certificate. */
export function recordFor(pem: string): string {
  return formatTlsa(good(tlsaFor({ pem })));
}

export interface DaneHouseOptions {
  /** Records of mx1 in the policy; that of `pair` unless given. */
  readonly keys?: readonly string[];
  /** Further parts of the policy. */
  readonly policy?: object;
  /** Further hosts of the policy. */
  readonly hosts?: object;
  /** Addresses of mail hosts; mx1 at 127.0.0.1 unless given. */
  readonly table?: Table;
  readonly isLooking?: boolean;
  readonly limitMs?: number;
}

export interface DaneHouse extends MailBench {
  readonly mx: StarttlsServer;
  /** Folder of the admin socket, and of whatever a test writes. */
  readonly folder: string;
  readonly url: string;
  /** The command line as the administrator. */
  readonly cli: (...words: readonly string[]) => Promise<Finished>;
  /** Stages of the TLSA objects, by object. */
  stages(): Record<string, string>;
}

export async function daneHouse(pair: Pair, options: DaneHouseOptions = {}): Promise<DaneHouse> {
  const { keys = [recordFor(pair.cert)], table = { [DANE_HOST]: { a: ['127.0.0.1'] } }, isLooking = true, limitMs } = options;
  const mx = await starttlsServer(pair);
  onTestFinished(() => mx.stop());
  const networks = [parseNetwork('127.0.0.0/8')!];
  const given = limitMs === undefined ? {} : { limitMs };
  const look = starttlsLook({ resolver: tableResolver(table), networks, port: mx.port, ...given });
  const liveChecks = new Map(isLooking ? [[STARTTLS_LOOK, look]] : []);
  const policy = {
    mtaSts: { mode: 'off' },
    dkim: { algorithms: [], signerLag: '3h' },
    ttl: { tlsa: '30m' },
    dane: { hosts: { mx1: { keys }, ...options.hosts } },
    ...options.policy,
  };
  const bench = await mailBench(policy, {
    witnesses: { nameServers: new Map(), probes: new Map(), liveChecks },
    sources: ['mail', 'dane'],
    nowMs: Math.floor(Date.now() / 1000) * 1000,
  });
  bench.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-dane-house-'));
  const listeners = await listenAdmin(bench.app, { tcp: ipPort('127.0.0.1', 0), socketPath: join(folder, 'admin.sock') });
  onTestFinished(async () => {
    await listeners.close(0);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    ...bench,
    mx,
    folder,
    url: `http://${listeners.address}`,
    cli: (...words) => run([...words, '--data', folder], { cwd: folder }),
    stages() {
      const zone = bench.control.zones.list()[0]!;
      const { objects } = bench.control.mail.view(zone)!.state.tlsa.lifecycle;
      return Object.fromEntries(objects.map(({ id, stage }) => [id, stage]));
    },
  };
}
