/**
 * Landlock: the kernel's list of what a process and its children may open, bind to and signal; it can be narrowed
 * later, never widened.
 * Implements: linux/landlock.h, ABI 1 to 7; what a kernel does not know yet is left out.
 * Not here: which files (roles.ts), system calls that Landlock says nothing about (serving-rules.ts).
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type Kernel, succeed } from './system-call.ts';

/** Rights on files, as bits. */
const FS = {
  EXECUTE: 1 << 0,
  WRITE_FILE: 1 << 1,
  READ_FILE: 1 << 2,
  READ_DIR: 1 << 3,
  MAKE_DIR: 1 << 7,
  MAKE_REG: 1 << 8,
  REFER: 1 << 13,
  TRUNCATE: 1 << 14,
  IOCTL_DEV: 1 << 15,
} as const;
/** All that ABI 1 knows: the first four, and removing and making files of every kind. */
const FS_FIRST = (1 << 13) - 1;
/** Those that a file that is no folder can have. */
const FS_OF_FILES = FS.EXECUTE | FS.WRITE_FILE | FS.READ_FILE | FS.TRUNCATE | FS.IOCTL_DEV;
const NET = { BIND_TCP: 1, CONNECT_TCP: 2 } as const;
const SCOPE = { ABSTRACT_UNIX_SOCKET: 1, SIGNAL: 2 } as const;

const CREATE_RULESET = 444;
const ADD_RULE = 445;
const RESTRICT_SELF = 446;
const CREATE_RULESET_VERSION = 1;
const RULE = { PATH_BENEATH: 1, NET_PORT: 2 } as const;
/** open(2): no right on the file is asked for. The same on all machines that we know. */
const O_PATH = 0o10000000;

/** What may still be done; everything else that the kernel's Landlock knows may not. */
export interface LandlockRules {
  /** Files, and folders with all below, that may be read. One that does not exist is left out. */
  readonly read: readonly string[];
  /** Files that may be opened for writing as well. */
  readonly write: readonly string[];
  /** Folders in which files may be made and written, but not removed. */
  readonly fill: readonly string[];
  /** Files that may be executed. */
  readonly execute: readonly string[];
  /** Ports that may be bound to over TCP. */
  readonly tcpPorts: readonly number[];
}

/** What the ABI can keep a process from: the words that struct landlock_ruleset_attr has then. */
export interface Handled {
  readonly fs: number;
  readonly net: number;
  readonly scoped: number;
}

export function handledBy(abi: number): Handled {
  return {
    fs: FS_FIRST | (abi >= 2 ? FS.REFER : 0) | (abi >= 3 ? FS.TRUNCATE : 0) | (abi >= 5 ? FS.IOCTL_DEV : 0),
    net: abi >= 4 ? NET.BIND_TCP | NET.CONNECT_TCP : 0,
    scoped: abi >= 6 ? SCOPE.ABSTRACT_UNIX_SOCKET | SCOPE.SIGNAL : 0,
  };
}

/** The kernel's ABI; 0 where it has no Landlock, or has it switched off. */
export function landlockAbi(kernel: Kernel): number {
  return Math.max(0, kernel.call(CREATE_RULESET, 0, 0, CREATE_RULESET_VERSION));
}

/**
 * Restricts this thread and what it starts. Needs no_new_privs. Throws the system's error; nothing is restricted
 * then.
 */
export function restrictSelf(kernel: Kernel, abi: number, rules: LandlockRules): void {
  const handled = handledBy(abi);
  const attributes = words64(handled.fs, handled.net, handled.scoped);
  const sizeBytes = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const created = kernel.call(CREATE_RULESET, kernel.address(attributes), sizeBytes, 0);
  const ruleset = succeed('landlock_create_ruleset', created);
  try {
    const readable = FS.READ_FILE | FS.READ_DIR;
    const beneath = (paths: readonly string[], rights: number) => {
      for (const path of paths) allowPath(kernel, ruleset, path, rights & handled.fs);
    };
    beneath(rules.read, readable);
    beneath(rules.write, FS.READ_FILE | FS.WRITE_FILE);
    beneath(rules.fill, readable | FS.WRITE_FILE | FS.TRUNCATE | FS.MAKE_DIR | FS.MAKE_REG);
    beneath(rules.execute, FS.READ_FILE | FS.EXECUTE);
    if (handled.net !== 0) {
      for (const port of rules.tcpPorts) {
        const rule = words64(NET.BIND_TCP, port);
        succeed('landlock_add_rule', kernel.call(ADD_RULE, ruleset, RULE.NET_PORT, kernel.address(rule), 0));
      }
    }
    succeed('landlock_restrict_self', kernel.call(RESTRICT_SELF, ruleset, 0));
  } finally {
    closeSync(ruleset);
  }
}

/** A file or folder that is not there, or cannot be reached, gets no rule: it cannot be opened later either. */
function allowPath(kernel: Kernel, ruleset: number, path: string, rights: number): void {
  let file: number;
  try {
    file = openSync(path, O_PATH | constants.O_NONBLOCK);
  } catch {
    return;
  }
  try {
    const allowed = fstatSync(file).isDirectory() ? rights : rights & FS_OF_FILES;
    const rule = new Uint8Array(12);
    const view = new DataView(rule.buffer);
    view.setUint32(0, allowed, true);
    view.setInt32(8, file, true);
    succeed('landlock_add_rule', kernel.call(ADD_RULE, ruleset, RULE.PATH_BENEATH, kernel.address(rule), 0));
  } finally {
    closeSync(file);
  }
}

/** Words of 64 bits in the machine's order, little-endian on all machines that we know. */
function words64(...words: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new BigUint64Array(words.map(BigInt)).buffer);
}
