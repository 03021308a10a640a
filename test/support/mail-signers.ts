/** rspamd and OpenDKIM from Debian, each with the least that lets it sign, in a folder and on ports of a test. They go with the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { filterMessage } from './milter-client.ts';
import { freePort } from './peers.ts';
import { toolPath } from './tools.ts';

const START_MS = 30_000;
const STOP_MS = 5000;

export interface MailSigner {
  /** The message with its DKIM-Signature fields above it; without one as it was. */
  sign(message: string, sender: string): Promise<string>;
  log(): string;
  stop(): Promise<void>;
}

interface Daemon {
  readonly child: ChildProcess;
  readonly folder: string;
  log(): string;
  stop(): Promise<void>;
}

async function startDaemon(program: string, port: number, prepare: (folder: string) => readonly string[], folder: string): Promise<Daemon> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const child = spawn(toolPath(program), prepare(folder), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('latin1').on('data', (text: string) => (said += text));
  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, signal);
    } catch {
      // Its whole group has ended.
    }
  };
  const atExit = () => kill('SIGKILL');
  process.once('exit', atExit);
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const stop = async () => {
    kill('SIGTERM');
    await Promise.race([ended, delay(STOP_MS, undefined, { ref: false })]);
    kill('SIGKILL');
    process.off('exit', atExit);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const until = performance.now() + START_MS;
  while (!(await isHeard(port))) {
    if (child.exitCode !== null || performance.now() > until) {
      await stop();
      throw new Error(`${program} does not run (${child.exitCode ?? 'it is not heard'})\n${said}`);
    }
    await delay(50);
  }
  return { child, folder, log: () => said, stop };
}

function isHeard(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** rspamd that asks the Vault at `vaultUrl` for its keys, as its manual says; nothing of rspamd is changed. */
export async function startRspamd(vaultUrl: string, token: string, vaultPath = 'dkim'): Promise<MailSigner> {
  const port = await freePort();
  const daemon = await startDaemon('rspamd', port, (folder) => rspamdWords(folder, port, vaultUrl, token, vaultPath), temporary('rspamd'));
  return {
    log: () => daemon.log(),
    stop: () => daemon.stop(),
    async sign(message, sender) {
      const answer = await fetch(`http://127.0.0.1:${port}/checkv2`, {
        method: 'POST',
        headers: { from: sender, ip: '127.0.0.1', helo: 'localhost', rcpt: 'somebody@receiver.example' },
        body: Buffer.from(message, 'latin1'),
        signal: AbortSignal.timeout(15_000),
      });
      const { 'dkim-signature': given = [] } = (await answer.json()) as { 'dkim-signature'?: string | readonly string[] };
      const values = typeof given === 'string' ? [given] : given;
      return values.map((value) => `DKIM-Signature: ${value.replaceAll(/\r?\n/g, '\r\n')}\r\n`).join('') + message;
    },
  };
}

function rspamdWords(folder: string, port: number, vaultUrl: string, token: string, vaultPath: string): string[] {
  // The list of all top-level domains takes ten seconds to compile, and says nothing of a name that it does not have.
  writeFileSync(join(folder, 'tld.dat'), 'example\n');
  writeFileSync(join(folder, 'rules.lua'), 'config = {}\nrspamd_maps = {}\n');
  writeFileSync(
    join(folder, 'rspamd.conf'),
    `
options {
  pidfile = "${folder}/rspamd.pid";
  url_tld = "${folder}/tld.dat";
  hs_cache_dir = "${folder}";
  filters = "dkim";
  disable_hyperscan = true;
  dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }
  local_addrs = ["127.0.0.0/8"];
}
logging { type = "console"; level = "warning"; }
worker "normal" { bind_socket = "127.0.0.1:${port}"; count = 1; task_timeout = 30s; }
modules { path = "/usr/share/rspamd/plugins/dkim_signing.lua"; }
lua = "${folder}/rules.lua";
dkim { }
actions { reject = 1000; }
dkim_signing {
  use_vault = true;
  vault_url = "${vaultUrl}";
  vault_token = "${token}";
  vault_path = "${vaultPath}";
  http_timeout = 20;
  use_esld = false;
  sign_local = true;
  try_fallback = false;
}
`,
  );
  return ['-f', '-i', '-c', join(folder, 'rspamd.conf'), `--var=DBDIR=${folder}`, `--var=RUNDIR=${folder}`];
}

export interface OpenDkim extends MailSigner {
  readonly configFile: string;
}

/** OpenDKIM that reads the tables in `tables`; its process id is in `pidFile`, and USR1 makes it read them anew. */
export async function startOpenDkim(tables: string, pidFile: string): Promise<OpenDkim> {
  const port = await freePort();
  const folder = temporary('opendkim');
  const configFile = join(folder, 'opendkim.conf');
  const daemon = await startDaemon('opendkim', port, () => openDkimWords(configFile, port, tables, pidFile), folder);
  return {
    configFile,
    log: () => daemon.log(),
    stop: () => daemon.stop(),
    async sign(message, sender) {
      const fields = await filterMessage(port, message, sender);
      const signatures = fields.filter(({ name }) => name.toLowerCase() === 'dkim-signature');
      return signatures.map(({ name, value }) => `${name}:${value.startsWith(' ') ? '' : ' '}${value}\r\n`).join('') + message;
    },
  };
}

function openDkimWords(configFile: string, port: number, tables: string, pidFile: string): string[] {
  writeFileSync(
    configFile,
    [
      `KeyTable file:${tables}/KeyTable`,
      `SigningTable refile:${tables}/SigningTable`,
      // It wants that no folder above can be written to by others, sticky or not, and tests live in the system's temporary folder.
      'RequireSafeKeys no',
      'MultipleSignatures yes',
      'Mode s',
      `Socket inet:${port}@127.0.0.1`,
      `PidFile ${pidFile}`,
      'AutoRestart no',
      'Background no',
      'Syslog no',
      'InternalHosts 127.0.0.1',
      '',
    ].join('\n'),
  );
  return ['-f', '-x', configFile];
}

function temporary(name: string): string {
  return mkdtempSync(join(tmpdir(), `waxseal-${name}-`));
}
