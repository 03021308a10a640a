/** unbound, validating, that asks given servers for one zone and trusts given DS records of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { unboundHead } from './peer-configs.ts';
import { type Endpoint } from './exchange.ts';
import { quietPort } from './running-server.ts';
import { runTool, toolPath } from './tools.ts';

export interface ValidatingResolver extends Endpoint {
  /** `secure` (AD), `insecure`, or what else it answers. */
  ask(name: string, type: string): Promise<string>;
  stop(): Promise<void>;
}

/** `isCold`: it caches nothing for longer than a second. */
export async function validatingResolver(
  zone: string,
  servers: readonly Pick<Endpoint, 'address' | 'port'>[],
  anchors: readonly string[],
  isCold: boolean,
  /** The servers are asked over TLS, and must be who they say they are. */
  tls?: { readonly host: string; readonly caFile: string },
): Promise<ValidatingResolver> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-unbound-'));
  const port = await quietPort();
  const file = join(folder, 'unbound.conf');
  const stubs = servers.map((each) => `  stub-addr: ${each.address}@${each.port}${tls === undefined ? '' : `#${tls.host}`}\n`).join('');
  writeFileSync(
    file,
    `${unboundHead(folder, `127.0.0.1@${port}`)}  ${isCold ? 'cache-max-ttl: 1\n  cache-max-negative-ttl: 1\n  val-bogus-ttl: 1\n  key-cache-size: 0' : 'prefetch: no'}
  aggressive-nsec: no
${tls === undefined ? '' : `  tls-cert-bundle: "${tls.caFile}"\n`}${anchors.map((each) => `  trust-anchor: "${each}"\n`).join('')}
remote-control:
  control-enable: no
stub-zone:
  name: "${zone}"
${tls === undefined ? '' : '  stub-tls-upstream: yes\n'}${stubs}`,
  );
  const child = spawn(toolPath('unbound'), ['-d', '-c', file], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const resolver: ValidatingResolver = {
    name: isCold ? 'unbound (cold)' : 'unbound',
    address: '127.0.0.1',
    port,
    async ask(name, type) {
      const { stdout } = await runTool('dig', ['@127.0.0.1', '-p', String(port), '+dnssec', '+time=3', '+tries=2', name, type]);
      const status = /status: (\w+)/.exec(stdout)?.[1] ?? 'no answer';
      if (status !== 'NOERROR' && status !== 'NXDOMAIN') return status;
      return /flags:[^;]*\bad\b/.test(stdout) ? 'secure' : 'insecure';
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await ready(resolver, zone, child);
  return resolver;
}

async function ready(resolver: ValidatingResolver, zone: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    if ((await resolver.ask(zone, 'SOA')) !== 'no answer') return;
    await delay(100);
  }
  throw new Error('unbound does not answer');
}
