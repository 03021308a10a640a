/**
 * The servers of `npm run bench:xdp`, and how each is configured.
 * Not here: where they run and how they are measured (bench/xdp.ts).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waxsealEnvironment, waxsealWords } from '../peers/waxseal-command.ts';
import { type Prepared } from '../prepared.ts';

export const PORT = 53;

/** Where one contestant is: its pair of interfaces. */
export interface Pair {
  readonly device: string;
  readonly address: string;
  readonly source: string;
}

export interface Command {
  readonly program: string;
  readonly words: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Contestant {
  readonly id: string;
  readonly label: string;
  readonly isGeneric?: boolean;
  /** Its interface waits a little for more packets, as docs/operations.md tells operators. */
  readonly isDeferred?: boolean;
  readonly command: (prepared: Prepared, pair: Pair, folder: string) => Command;
}

function waxseal(udp: 'mmsg' | 'xdp', root?: string): Contestant['command'] {
  return ({ data, kekFile }, { device, address }, folder) => {
    const own = join(folder, 'data');
    spawnSync('cp', ['-r', '--reflink=auto', data, own]);
    const { program, words } = waxsealWords({ data: own, port: PORT, address, udp, workers: 1 });
    // Clients of 127.0.0.0/8 are not limited by default; these are their like here.
    const limits = { WAXSEAL_LOG__LEVEL: 'info', WAXSEAL_RRL__ALLOW: '10.0.0.0/8' };
    const interfaces = udp === 'xdp' ? ['--xdp-interfaces', device] : [];
    const w = root ? words.map((x) => x.replace('/work/wt-xdp16', root)) : words;
    return { program, words: [...w, ...interfaces], environment: { ...waxsealEnvironment(kekFile), ...limits } };
  };
}

function knot(isXdp: boolean): Contestant['command'] {
  return ({ servedFiles }, { device, address }, folder) => {
    const file = join(folder, 'knot.conf');
    mkdirSync(join(folder, 'db'));
    const zones = servedFiles.map(({ name, file: zone }) => `  - domain: "${name}"\n    file: "${zone}"`);
    const lines = [
      ...['server:', `  rundir: "${folder}"`, `  listen: ${address}@${PORT}`, '  udp-workers: 1', '  tcp-workers: 1'],
      ...['  background-workers: 1', '  udp-max-payload: 1232'],
      ...(isXdp ? ['xdp:', `  listen: ${device}@${PORT}`] : []),
      ...['log:', '  - target: stderr', '    any: info', 'control:', `  listen: "${folder}/knot.sock"`],
      ...['database:', `  storage: "${folder}/db"`, 'template:', '  - id: default', `    storage: "${folder}"`],
      ...['    journal-content: none', '    zonefile-load: whole', '    zonefile-sync: -1', '    semantic-checks: off'],
      ...['zone:', ...zones, ''],
    ];
    writeFileSync(file, lines.join('\n'));
    return { program: 'knotd', words: ['-c', file] };
  };
}

const nsd: Contestant['command'] = ({ servedFiles }, { address }, folder) => {
  const file = join(folder, 'nsd.conf');
  const zones = servedFiles.flatMap(({ name, file: zone }) => ['zone:', `  name: "${name}"`, `  zonefile: "${zone}"`]);
  const lines = [
    ...[
      'server:',
      `  ip-address: ${address}@${PORT}`,
      '  do-ip6: no',
      '  username: ""',
      '  chroot: ""',
      '  database: ""',
    ],
    ...[`  zonesdir: "${folder}"`, `  pidfile: "${folder}/nsd.pid"`, `  xfrdfile: "${folder}/xfrd.state"`],
    ...[
      `  xfrdir: "${folder}"`,
      `  zonelistfile: "${folder}/zone.list"`,
      '  server-count: 1',
      '  ipv4-edns-size: 1232',
    ],
    ...['  rrl-ratelimit: 1000000000', '  rrl-whitelist-ratelimit: 1000000000', '  minimal-responses: yes'],
    ...['remote-control:', '  control-enable: no', ...zones, ''],
  ];
  writeFileSync(file, lines.join('\n'));
  return { program: 'nsd', words: ['-d', '-c', file] };
};

export const CONTESTANTS: readonly Contestant[] = [
  { id: 'waxseal-mmsg', label: 'waxseal, recvmmsg', command: waxseal('mmsg') },
  { id: 'waxseal-xdp', label: 'waxseal, AF_XDP native', command: waxseal('xdp') },
  { id: 'a1', label: 'again 1', command: waxseal('xdp', '/var/tmp/wx1') },
  { id: 'a32', label: 'again 32', command: waxseal('xdp', '/var/tmp/wx32') },
  {
    id: 'waxseal-xdp-deferred',
    label: 'waxseal, AF_XDP native, deferred',
    isDeferred: true,
    command: waxseal('xdp'),
  },
  { id: 'waxseal-xdp-generic', label: 'waxseal, AF_XDP generic', isGeneric: true, command: waxseal('xdp') },
  { id: 'knot', label: 'Knot DNS', command: knot(false) },
  { id: 'knot-xdp', label: 'Knot DNS, AF_XDP', command: knot(true) },
  { id: 'knot-xdp-deferred', label: 'Knot DNS, AF_XDP, deferred', isDeferred: true, command: knot(true) },
  { id: 'nsd', label: 'NSD', command: nsd },
];
/** Those that the others are compared with. */
export const COMPARED = ['waxseal-mmsg', 'knot', 'nsd', 'knot-xdp'] as const;
