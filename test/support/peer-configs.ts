/** What the configurations of NSD, Knot, BIND and unbound have in common: on loopback, in a directory of the test, in the foreground. */

export interface PeerKey {
  readonly name: string;
  readonly algorithm: string;
  readonly secret: string;
}

const ADDRESS = '127.0.0.1';

/** The beginning of `server:`; further options of it may follow. */
export function nsdHead(directory: string, port: number): string {
  return `server:
  ip-address: ${ADDRESS}@${port}
  do-ip6: no
  username: ""
  chroot: ""
  zonesdir: "${directory}"
  database: ""
  pidfile: "${directory}/nsd.pid"
  xfrdfile: "${directory}/xfrd.state"
  xfrdir: "${directory}"
  zonelistfile: "${directory}/zone.list"
  server-count: 1
`;
}

export function nsdKey({ name, algorithm, secret }: PeerKey): string {
  return `key:
  name: "${name}"
  algorithm: ${algorithm}
  secret: "${secret}"
`;
}

/** All before keys and zones; `database:` may go on. `server`: further lines of the first section. */
export function knotHead(directory: string, port: number, { server = '', level = 'info' } = {}): string {
  return `server:
  rundir: "${directory}"
  pidfile: "${directory}/knot.pid"
  listen: ${ADDRESS}@${port}
${server}log:
  - target: stderr
    any: ${level}
control:
  listen: "${directory}/knot.sock"
database:
  storage: "${directory}/db"
`;
}

export function knotKey({ name, algorithm, secret }: PeerKey): string {
  return `key:
  - id: ${name}
    algorithm: ${algorithm}
    secret: ${secret}
`;
}

/** The beginning of `options`; further ones and the closing brace follow. */
export function bindHead(directory: string, port: number): string {
  return `options {
  directory "${directory}";
  pid-file "${directory}/named.pid";
  session-keyfile "${directory}/session.key";
  lock-file none;
  managed-keys-directory "${directory}";
  listen-on port ${port} { ${ADDRESS}; };
  listen-on-v6 { none; };
  recursion no;
`;
}

export function bindKey({ name, algorithm, secret }: PeerKey): string {
  return `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };
`;
}

export const BIND_LOGGING = 'logging { channel all { stderr; severity info; }; category default { all; }; };\n';

/** The beginning of unbound's `server:`; further options of it may follow. `at`: address, with `@port` for another than 53. */
export function unboundHead(directory: string, at: string, modules = 'validator iterator'): string {
  return `server:
  interface: ${at}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${directory}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "${modules}"
`;
}
