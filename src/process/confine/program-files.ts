/**
 * The files that a process of ours needs to run at all: Node, the libraries it is linked with, the program, its
 * packages, and what the C library and Node read of the system. Not the folder that the program stands in: a clone
 * has keys/ and data/ beside src/.
 * Not here: what each process does with them (roles.ts, landlock.ts).
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Folders of the system's libraries. */
const LIBRARIES = ['/lib', '/lib32', '/lib64', '/usr/lib', '/usr/lib64', '/usr/local/lib', '/usr/local/lib64'];
/**
 * What the loader, the C library, OpenSSL and Node read: which libraries there are, the time zone, memory and
 * processors.
 */
const SYSTEM = [
  '/etc/ld.so.cache',
  '/etc/ld.so.preload',
  '/etc/localtime',
  '/etc/ssl/openssl.cnf',
  '/usr/share/zoneinfo',
  '/usr/share/locale',
  '/dev/urandom',
  '/dev/random',
  '/proc/meminfo',
  '/proc/cpuinfo',
  '/proc/stat',
  '/proc/version_signature',
  '/proc/sys/vm/overcommit_memory',
  '/proc/sys/kernel/random',
  '/sys/devices/system/cpu',
  '/sys/fs/cgroup',
];

export interface ProgramFiles {
  readonly read: readonly string[];
  /** Node, and the loader that starts it. */
  readonly execute: readonly string[];
}

/**
 * Of this process, whose program is in `folder` (`src` or `dist`). `environment`: of the process that is to be
 * started.
 */
export function programFiles(folder: string, environment: Readonly<Record<string, string | undefined>>): ProgramFiles {
  const above = foldersAbove(folder);
  const mapped = mappedFiles();
  const preloaded = [...listed(environment['LD_LIBRARY_PATH']), ...listed(environment['LD_PRELOAD'])];
  return {
    read: [
      ...LIBRARIES,
      ...SYSTEM,
      // While the process is itself: the number in the path stays the same when it becomes another program.
      `/proc/${process.pid}/cgroup`,
      folder,
      ...above.flatMap((each) => [join(each, 'node_modules'), join(each, 'package.json')]),
      ...mapped,
      ...preloaded.filter((each) => each.startsWith('/')),
    ],
    execute: [realpathSync(process.execPath), ...mapped.filter((path) => /^ld-/.test(basename(path)))],
  };
}

function foldersAbove(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [] : [above, ...foldersAbove(above)];
}

/** proc(5) maps: the files that are in this process's memory, its libraries among them. */
function mappedFiles(): string[] {
  const lines = readFileSync('/proc/self/maps', 'latin1').split('\n');
  const paths = lines.flatMap((line) => /\s(\/.*)$/.exec(line)?.[1] ?? []);
  return [...new Set(paths)].filter((path) => existsSync(path));
}

function listed(text = ''): string[] {
  return text.split(/[:\s]+/).filter((each) => each !== '');
}
