/**
 * A sender of mail that goes by DANE, from Debian: Postfix's `posttls-finger`, behind a validating `unbound` that asks waxseal for one zone and
 * trusts that zone's DS. It reads /etc/resolv.conf and knows no other port than 53, so it runs in a mount namespace with a file of ours there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { unboundHead } from '../peer-configs.ts';
import { runTool, toolPath } from '../tools.ts';

/** An address of this machine that nothing else uses: ports 25 and 53 are free there. */
export function ownLoopback(): string {
  return `127.${randomInt(64, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
}

export interface DaneSender {
  /** `ADDRESS:PORT` of the validating resolver. */
  readonly resolver: string;
  /** What posttls-finger says of the host at its port, at level `dane-only`; `isVerified`: it would deliver. */
  readonly look: (host: string, port?: number) => Promise<{ readonly isVerified: boolean; readonly text: string }>;
  readonly stop: () => Promise<void>;
}

export interface DaneSenderOptions {
  /** Without the last dot. */
  readonly zone: string;
  readonly server: { readonly address: string; readonly port: number };
  /** DS records of the zone. */
  readonly anchors: readonly string[];
}

/** A validating `unbound` on port 53 of this address, which asks `server` for the zone. */
export async function validatingUnbound(
  address: string,
  { zone, server, anchors }: DaneSenderOptions,
): Promise<{ readonly folder: string; readonly stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-sender-'));
  writeFileSync(join(folder, 'unbound.conf'), unboundText(folder, address, zone, server, anchors));
  const child = spawn(toolPath('unbound'), ['-d', '-c', join(folder, 'unbound.conf')], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  await answering(address, zone, child);
  return {
    folder,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function daneSender(address: string, options: DaneSenderOptions): Promise<DaneSender> {
  const { folder, stop } = await validatingUnbound(address, options);
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${address}\noptions trust-ad timeout:5 attempts:2\n`);
  const mount = `mount --bind ${join(folder, 'resolv.conf')} /etc/resolv.conf && exec "$@"`;
  return {
    resolver: `${address}:53`,
    async look(host, port = 25) {
      const words = ['-c', '-l', 'dane-only', '-T', '10', '-t', '10', '-L', 'summary', `[${host}]:${port}`];
      const finger = [toolPath('posttls-finger'), ...words];
      const { stdout, stderr } = await runTool('unshare', ['--mount', 'sh', '-c', mount, 'sh', ...finger], { timeoutMs: 60_000 });
      const text = `${stdout}${stderr}`;
      return { isVerified: /: Verified TLS connection established to /.test(text), text };
    },
    stop,
  };
}

function unboundText(folder: string, address: string, zone: string, server: DaneSenderOptions['server'], anchors: readonly string[]) {
  return `${unboundHead(folder, address)}  prefetch: no
  aggressive-nsec: yes
${anchors.map((each) => `  trust-anchor: "${each}"\n`).join('')}
remote-control:
  control-enable: no
stub-zone:
  name: "${zone.replace(/\.$/, '')}."
  stub-addr: ${server.address}@${server.port}
`;
}

/** Waits until the resolver answers for the zone. */
async function answering(address: string, zone: string, child: ChildProcess): Promise<void> {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([address]);
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    if (await resolver.resolveSoa(zone).then(Boolean, () => false)) return;
    await delay(100);
  }
  child.kill('SIGKILL');
  throw new Error(`unbound does not answer for ${zone} (exit code ${child.exitCode})`);
}
