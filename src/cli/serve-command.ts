/** `waxseal serve`: its flags. What it does is in process/supervise.ts. */
import type { Command } from 'commander';

interface ServeFlags {
  readonly config?: string;
  readonly data?: string;
  readonly dns?: readonly string[];
  readonly admin?: string;
  readonly https?: string;
  readonly workers?: string;
  readonly udp?: string;
  readonly tcp?: string;
  readonly xdpInterfaces?: readonly string[];
  readonly zones?: string;
}

export function defineServe(noun: Command): void {
  noun
    .helpOption('-h, --help', 'show this help')
    .option('--config <file>', 'configuration (default: WAXSEAL_CONFIG, or waxseal.toml here if there is one)')
    .option('--data <dir>', 'data directory (default: ./data)')
    .option('--dns <address...>', 'ADDR:PORT for DNS over UDP and TCP, several times (default: 127.0.0.1:5300)')
    .option('--admin <address>', 'ADDR:PORT of the admin API, or off (default: 127.0.0.1:8053)')
    .option('--https <address>', 'ADDR:PORT of the policy host, or off (default: 127.0.0.1:8443)')
    .option('--workers <count>', 'answer workers, 0 for one per core (default: 0)')
    .option('--udp <kind>', 'auto, mmsg, dgram or xdp (default: auto: mmsg where it is possible)')
    .option('--tcp <kind>', 'auto, epoll or net (default: auto: epoll where it is possible)')
    .option('--xdp-interfaces <name...>', 'interfaces of --udp xdp, as eth0')
    .option('--zones <dir>', 'import <zone>.zone files from here whose zones are not served yet')
    .addHelpText('after', '\nExample:\n  $ waxseal serve --data /var/lib/waxseal --dns 192.0.2.53:53 --dns "[2001:db8::53]:53"')
    .action(async (flags: ServeFlags) => {
      const { serve } = await import('#process/supervise.ts');
      process.exitCode = await serve({
        flags: configFlags(flags),
        ...(flags.config === undefined ? {} : { configFile: flags.config }),
        ...(flags.zones === undefined ? {} : { zonesFolder: flags.zones }),
      });
    });
}

/** Flags by the configuration key they set. */
function configFlags({
  data,
  dns,
  admin,
  https,
  workers,
  udp,
  tcp,
  xdpInterfaces,
}: ServeFlags): Record<string, string | readonly string[]> {
  const given: [string, string | readonly string[] | undefined][] = [
    ['data', data],
    ['dns.listen', dns],
    ['admin.listen', admin],
    ['https.listen', https],
    ['dns.workers', workers],
    ['dns.udp', udp],
    ['dns.tcp', tcp],
    ['dns.xdp_interfaces', xdpInterfaces],
  ];
  return Object.fromEntries(given.filter((each): each is [string, string | readonly string[]] => each[1] !== undefined));
}
