/** A whole server over a NetworkLab, with `--udp xdp`, and what is asked of it. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IpPort, ipPort } from '#base/address.ts';
import { eventually } from './dns-client.ts';
import { type NetworkLab, SERVER_IP } from './network-lab.ts';
import { RunningServer, quietPort } from './running-server.ts';

export interface XdpServerOptions {
  readonly program?: readonly [string, ...string[]];
  readonly owner?: number;
  /** Beside the interfaces: further sections of the configuration. */
  readonly config?: string;
  readonly interfaces?: readonly string[];
  /** Folder of zones to begin with. */
  readonly zones?: string;
}

/** Serves at both addresses of the lab, and at 127.0.0.1, where there is no AF_XDP. */
export async function startXdpServer(lab: NetworkLab, options: XdpServerOptions = {}): Promise<RunningServer> {
  const { program, owner, config = '', interfaces = [lab.name], zones } = options;
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-xdp-'));
  mkdirSync(join(folder, 'keys'));
  chmodSync(folder, 0o755);
  const [dns, admin, https] = [await quietPort(), await quietPort(), await quietPort()];
  const server = new RunningServer(
    folder,
    { dns, admin, https },
    {
      workers: 2,
      config: `[dns]\nudp = "xdp"\nxdp_interfaces = ${JSON.stringify(interfaces)}\n${config}`,
      words: ['--dns', `${SERVER_IP[4]}:${dns}`, '--dns', `[${SERVER_IP[6]}]:${dns}`],
      ...(zones === undefined ? {} : { zones }),
      ...(program === undefined ? {} : { program }),
      hasOwnCompileCache: owner !== undefined,
    },
  );
  if (owner !== undefined)
    for (const each of [folder, join(folder, 'keys'), server.configFile]) chownSync(each, owner, owner);
  await server.start();
  return server;
}

/** It has come to be served by AF_XDP, so many times that the log says so. */
export async function isByXdp(server: RunningServer, times = 1): Promise<boolean> {
  return eventually(() => server.log().split('"event":"udp.xdp"').length > times, 20_000);
}

/** Texts of the log about UDP. */
export function udpLines(server: RunningServer): readonly string[] {
  const lines = server.log().split('\n');
  return lines.filter((line) => line.includes('"udp.')).map((line) => (JSON.parse(line) as { msg: string }).msg);
}

export async function metric(server: RunningServer, name: string): Promise<number> {
  const text = await (await server.api('GET', '/metrics')).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
}

export const atOf = (server: RunningServer, family: 4 | 6): IpPort => ipPort(SERVER_IP[family], server.port);
