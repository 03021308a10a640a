/**
 * Programs of other projects that judge ours: where they are, and running one with a time limit.
 * A missing program fails the test with the command that installs it; nothing is skipped.
 */
import { execFile, spawnSync } from 'node:child_process';

/** Debian package of each program, for the message when it is missing. */
const PACKAGES: Readonly<Record<string, string>> = {
  dig: 'bind9-dnsutils',
  delv: 'bind9-dnsutils',
  named: 'bind9',
  'named-checkzone': 'bind9-utils',
  'named-compilezone': 'bind9-utils',
  'dnssec-verify': 'bind9-utils',
  'dnssec-signzone': 'bind9-utils',
  'dnssec-keygen': 'bind9-utils',
  'dnssec-dsfromkey': 'bind9-utils',
  kdig: 'knot-dnsutils',
  kxdpgun: 'knot-dnsutils',
  keymgr: 'knot',
  pdnsutil: 'pdns-server',
  knotd: 'knot',
  kzonecheck: 'knot-dnssecutils',
  kzonesign: 'knot-dnssecutils',
  nsd: 'nsd',
  'nsd-checkzone': 'nsd',
  drill: 'ldnsutils',
  'ldns-read-zone': 'ldnsutils',
  'ldns-verify-zone': 'ldnsutils',
  'ldns-keygen': 'ldnsutils',
  'ldns-signzone': 'ldnsutils',
  'ldns-update': 'ldnsutils',
  opendkim: 'opendkim',
  'opendkim-testkey': 'opendkim-tools',
  openssl: 'openssl',
  curl: 'curl',
  'mta-sts-query': 'postfix-mta-sts-resolver',
  rspamd: 'rspamd',
  certbot: 'certbot',
  lego: 'lego',
  dehydrated: 'dehydrated',
  uacme: 'uacme',
  nsupdate: 'bind9-dnsutils',
  knsupdate: 'knot-dnsutils',
  lexicon: 'lexicon',
  pdns_server: 'pdns-server',
  pebble: 'pebble',
  'posttls-finger': 'postfix',
  unbound: 'unbound',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  ip: 'iproute2',
  nsenter: 'util-linux',
  'systemd-analyze': 'systemd',
  'zonemaster-cli': 'zonemaster-cli',
  nginx: 'nginx',
  h2load: 'nghttp2-client',
  taskset: 'util-linux',
  gcc: 'gcc',
  python3: 'python3',
  sslscan: 'sslscan',
  'systemd-socket-activate': 'systemd',
  strace: 'strace',
  dnsperf: 'dnsperf',
  dnsviz: 'dnsviz',
  promtool: 'prometheus',
};

const found = new Map<string, string>();

/** Path of a program. Daemons live in sbin, which a plain user's PATH may lack. Throws with the way to install it. */
export function toolPath(program: string): string {
  const known = found.get(program);
  if (known !== undefined) return known;
  const path = spawnSync('which', [program], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` },
  }).stdout.trim();
  if (path === '')
    throw new Error(
      `${program} is not installed, and this test compares with it. Install it with: apt-get install ${PACKAGES[program] ?? program}   (npm test does that itself when run as root)`,
    );
  found.set(program, path);
  return path;
}

/** What a program said and how it ended. */
export interface ToolOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `program` to its end, with at most `timeoutMs`. Never throws for a failing exit code: look at `code`. */
export async function runTool(
  program: string,
  argumentList: readonly string[],
  { timeoutMs = 60_000, input, cwd }: { timeoutMs?: number; input?: string | Buffer; cwd?: string } = {},
): Promise<ToolOutcome> {
  const path = toolPath(program);
  return new Promise((resolve, reject) => {
    const child = execFile(
      path,
      [...argumentList],
      {
        timeout: timeoutMs,
        maxBuffer: 256 * 1024 * 1024,
        killSignal: 'SIGKILL',
        encoding: 'latin1',
        ...(cwd === undefined ? {} : { cwd }),
      },
      (error, stdout, stderr) => {
        if (error !== null && error.killed === true) reject(new Error(`${program} did not end within ${timeoutMs} ms\n${stdout}${stderr}`));
        else resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
