/**
 * What the image is when it runs, without a container engine: the files of the Dockerfile over a root that is only read, its user without
 * any capability, its entry point as process 1, namespaces of its own. It needs root, as namespaces and mounts do. Node is the pinned one.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toolPath } from './tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const READY_MS = 90_000;
const COMMAND_MS = 60_000;

const list = (word: string) => JSON.parse(new RegExp(`^${word} (\\[.+\\])$`, 'm').exec(DOCKERFILE)![1]!) as string[];
/** As the Dockerfile has them. */
export const IMAGE = {
  user: /^USER (\d+):\d+$/m.exec(DOCKERFILE)![1]!,
  environment: /^ENV (.+)$/m.exec(DOCKERFILE)![1]!.split(' '),
  volumes: list('VOLUME'),
  entryPoint: list('ENTRYPOINT'),
  command: list('CMD'),
  health: JSON.parse(/^HEALTHCHECK .* CMD (\[.+\])$/m.exec(DOCKERFILE)![1]!) as string[],
};

/** $1: an empty folder; $2: the repository; $3: a script for volumes, in the new root; then the program. */
const BOOT = `
set -e
folder=$1 from=$2 volumes=$3
shift 3
mount --make-rprivate /
mount -t tmpfs tmpfs "$folder"
mkdir "$folder/up" "$folder/work" "$folder/root"
root=$folder/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/up,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mkdir -p "$root/app/src" "$root/app/node_modules" "$root/app/scripts"
mount --bind "$from/src" "$root/app/src"
mount --bind "$from/node_modules" "$root/app/node_modules"
cp "$from/package.json" "$root/app/"
cp "$from/scripts/healthcheck.mjs" "$root/app/scripts/"
chmod -R a+rX "$root/app/package.json" "$root/app/scripts"
cp "$from/node_modules/node/bin/node" "$root/usr/local/bin/node"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in 'null 3' 'random 8' 'urandom 9'; do mknod -m 666 "$root/dev/\${node% *}" c 1 "\${node#* }"; done
(cd "$root" && eval "$volumes")
mount -o remount,ro "$root"
ip link set lo up
echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
exec chroot "$root" "$@"
`;

export interface ContainerOptions {
  /** Shell, in the new root's folder: mounts and fills the volumes. */
  readonly volumes: string;
  readonly groups?: string;
  /** In place of the image's command. */
  readonly command?: readonly string[];
  /** Beside the image's. */
  readonly environment?: readonly string[];
}

export class Container {
  readonly #folder = mkdtempSync(join(tmpdir(), 'waxseal-container-'));
  readonly #process: ChildProcess;
  readonly #rights: readonly string[];
  #said = '';

  constructor({ volumes, groups, command = IMAGE.command, environment = [] }: ContainerOptions) {
    const { user, entryPoint } = IMAGE;
    const ids = [`--reuid=${user}`, `--regid=${user}`, groups === undefined ? '--clear-groups' : `--groups=${groups}`];
    const variables = ['env', '-i', 'PATH=/usr/local/bin:/usr/bin:/bin', ...IMAGE.environment, ...environment];
    const within = ['sh', '-c', 'cd /app && exec "$@"', 'sh'];
    this.#rights = ['setpriv', ...ids, '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', ...variables, ...within];
    const apart = ['--fork', '--kill-child=SIGKILL', '--pid', '--mount', '--net', '--uts', '--ipc'];
    const words = [...apart, 'sh', '-c', BOOT, 'sh', this.#folder, ROOT, volumes, ...this.#rights, ...entryPoint, ...command];
    this.#process = spawn(toolPath('unshare'), words, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
  }

  get log(): string {
    return this.#said;
  }

  async ready(): Promise<void> {
    const endMs = performance.now() + READY_MS;
    while (!this.#said.includes('"event":"server.ready"')) {
      if (this.#process.exitCode !== null || performance.now() > endMs) throw new Error(`the container is not ready: ${this.#said}`);
      await delay(50);
    }
  }

  /** A command in it, as `docker exec` runs one. */
  run(...words: readonly string[]): { readonly exit: number | null; readonly out: string } {
    const into = ['-t', this.#first(), '-m', '-p', '-n', '-r', '-w', ...this.#rights, ...words];
    const { status, stdout, stderr } = spawnSync(toolPath('nsenter'), into, { encoding: 'utf8', timeout: COMMAND_MS });
    return { exit: status, out: `${stdout}${stderr}` };
  }

  /** Process 1 of the container as it is called outside. */
  #first(): string {
    const { pid } = this.#process;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ')[0]!;
  }

  /** TERM to process 1; its exit code. */
  async end(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => void this.#process.once('exit', resolve));
    this.run('sh', '-c', 'kill -TERM 1');
    return ended;
  }

  async remove(): Promise<void> {
    const ended = new Promise((resolve) => void this.#process.once('exit', resolve));
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      // Process 1 itself: it has another user, so the end of its parent does not kill it.
      const first = Number(this.#first());
      if (first > 0) process.kill(first, 'SIGKILL');
      this.#process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
