/**
 * Who a process is, narrowed before it starts its program: user and group, capabilities, and that no program it
 * starts gets more.
 * Implements: capabilities(7), PR_SET_NO_NEW_PRIVS.
 * Not here: files and ports (landlock.ts).
 */
import { type Kernel, succeed } from './system-call.ts';
import { syscallNumber } from './syscall-numbers.ts';

/** Numbers of a user and of its group. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** linux/capability.h. */
export const CAPABILITY = { DAC_OVERRIDE: 1, NET_BIND_SERVICE: 10 } as const;
const LAST_CAPABILITY = 63;
const CAPABILITY_VERSION = 0x2008_0522;

/** linux/prctl.h. */
const PR = { SET_KEEPCAPS: 8, CAPBSET_READ: 23, CAPBSET_DROP: 24, SET_NO_NEW_PRIVS: 38, CAP_AMBIENT: 47 } as const;
const AMBIENT = { RAISE: 2, CLEAR_ALL: 4 } as const;

/**
 * For this thread and the program that it becomes: `account`, when given, without further groups, and of the
 * capabilities that it has those in `kept`. Throws the system's error: the program must not be started then.
 */
export function becomeLess(kernel: Kernel, account: Account | undefined, kept: readonly number[]): void {
  const { column } = kernel.machine;
  const call = (name: 'setgroups' | 'setresgid' | 'setresuid', ...words: readonly number[]) =>
    succeed(name, kernel.call(syscallNumber(name, column)!, ...words));
  const prctl = syscallNumber('prctl', column)!;
  const control = (option: number, ...words: readonly number[]) => kernel.call(prctl, option, ...words);
  const permitted = readPermitted(kernel);
  const keeping = kept.filter((each) => (permitted & (1n << BigInt(each))) !== 0n);
  for (let each = 0; each <= LAST_CAPABILITY; each++)
    // Without CAP_SETPCAP it cannot be dropped; then there is no way to get it either, but from a set-user-ID
    // program, which is barred below.
    if (!kept.includes(each) && control(PR.CAPBSET_READ, each) === 1) control(PR.CAPBSET_DROP, each);
  if (account !== undefined) {
    succeed('prctl', control(PR.SET_KEEPCAPS, 1));
    call('setgroups', 0, 0);
    call('setresgid', account.gid, account.gid, account.gid);
    call('setresuid', account.uid, account.uid, account.uid);
  }
  writeCapabilities(kernel, keeping);
  // Kernels before 4.3 have no ambient set.
  control(PR.CAP_AMBIENT, AMBIENT.CLEAR_ALL);
  for (const each of keeping) control(PR.CAP_AMBIENT, AMBIENT.RAISE, each);
  succeed('prctl', control(PR.SET_NO_NEW_PRIVS, 1));
}

function readPermitted(kernel: Kernel): bigint {
  const head = capabilityHead();
  const data = new Uint32Array(6);
  const octets = new Uint8Array(data.buffer);
  const number = syscallNumber('capget', kernel.machine.column)!;
  succeed('capget', kernel.call(number, kernel.address(head), kernel.address(octets)));
  return BigInt(data[1]!) | (BigInt(data[4]!) << 32n);
}

/** Effective, permitted and inheritable. */
function writeCapabilities(kernel: Kernel, kept: readonly number[]): void {
  const all = kept.reduce((sum, each) => sum | (1n << BigInt(each)), 0n);
  const [low, high] = [Number(all & 0xffff_ffffn), Number(all >> 32n)];
  const octets = new Uint8Array(Uint32Array.of(low, low, low, high, high, high).buffer);
  const number = syscallNumber('capset', kernel.machine.column)!;
  succeed('capset', kernel.call(number, kernel.address(capabilityHead()), kernel.address(octets)));
}

/** struct __user_cap_header_struct for this thread. */
function capabilityHead(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint32Array.of(CAPABILITY_VERSION, 0).buffer);
}
