/**
 * A machine with systemd, made of this one: its own processes, mounts, network, names and control groups, over a copy of this system's files in
 * memory (overlay). What happens in it leaves nothing behind. It needs root, as namespaces and mounts do.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toolPath } from './tools.ts';

const BOOT_MS = 60_000;
const COMMAND_MS = 120_000;

/**
 * $1: an empty folder; $2: a folder that is seen as /shared. Units of this system that start by themselves are left out: they would look after
 * devices and settings of the kernel, which are this machine's own.
 */
const BOOT = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/root"
root=$1/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$root"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,ro,bind "$root/proc/sys"
mount -t sysfs sysfs "$root/sys"
mkdir -p "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -o remount,ro "$root/sys"
for folder in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$folder"; done
chmod 1777 "$root/tmp"
for node in 'null 3' 'zero 5' 'full 7' 'random 8' 'urandom 9'; do set -- "$1" "$2" $node; mknod -m 666 "$root/dev/$3" c 1 "$4"; done
mknod -m 666 "$root/dev/tty" c 5 0
mkdir "$root/dev/shm" "$root/dev/pts" "$root/shared"
mount -t devpts devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount --bind "$2" "$root/shared"
mount --make-rshared "$root"
: > "$root/etc/fstab"
# The index of manual pages takes longer than the package.
rm -f "$root/var/lib/man-db/auto-update" "$root/usr/sbin/policy-rc.d" "$root"/etc/systemd/system/*.wants/* "$root"/lib/systemd/system/*.wants/* "$root"/etc/systemd/system/default.target
ln -s ../systemd-journald.service "$root/lib/systemd/system/sysinit.target.wants/"
ln -s ../systemd-journald.socket "$root/lib/systemd/system/sockets.target.wants/"
ln -s /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
ip link set lo up
exec chroot "$root" env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=journal --show-status=no
`;

/** What a command in it said and how it ended. */
export interface Said {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

export class SystemdMachine {
  readonly #folder = mkdtempSync(join(tmpdir(), 'waxseal-machine-'));
  readonly #process: ChildProcess;
  #said = '';

  /** `shared`: a folder of this machine, seen as /shared. */
  constructor(shared: string) {
    const apart = ['--fork', '--kill-child=SIGKILL', '--pid', '--mount', '--net', '--uts', '--ipc', '--cgroup'];
    const words = [...apart, 'sh', '-c', BOOT, 'sh', this.#folder, shared];
    this.#process = spawn(toolPath('unshare'), words, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
  }

  /** Waits until systemd has started what it starts. */
  async booted(): Promise<void> {
    const endMs = performance.now() + BOOT_MS;
    while (performance.now() < endMs) {
      if (this.#process.exitCode !== null) throw new Error(`no machine with systemd could be made: ${this.#said}`);
      if (this.run('systemctl', 'is-system-running').out.trim() === 'running') return;
      await delay(200);
    }
    throw new Error(`systemd did not start: ${this.#said}${this.run('systemctl', '--failed', '--no-pager').out}`);
  }

  /** Runs a program to its end. */
  run(...words: readonly string[]): Said {
    const [program, before] = this.#enter();
    const { status, stdout, stderr } = spawnSync(program, [...before, ...words], { encoding: 'utf8', timeout: COMMAND_MS });
    return { exit: status, out: stdout ?? '', err: stderr ?? '' };
  }

  /** A program that runs beside others; resolves when it has ended. */
  async beside(...words: readonly string[]): Promise<Said> {
    const [program, before] = this.#enter();
    const child = spawn(program, [...before, ...words], { stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_MS });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    const exit = await new Promise<number | null>((resolve) => void child.once('close', resolve));
    return { exit, ...said };
  }

  /** Ends all of it. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => void this.#process.once('exit', resolve));
    if (this.#process.exitCode === null && this.#process.kill('SIGKILL')) await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  #enter(): readonly [string, readonly string[]] {
    const { pid } = this.#process;
    const [first = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ');
    const into = ['-t', first, '-m', '-p', '-n', '-u', '-i', '-C', '-r', '-w'];
    return [toolPath('nsenter'), [...into, 'env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'SYSTEMD_PAGER=']];
  }
}
