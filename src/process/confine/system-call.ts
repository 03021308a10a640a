/**
 * What a system call needs, and what its result means.
 * Not here: making one (kernel.ts), numbers (syscall-numbers.ts).
 */
import { getSystemErrorName } from 'node:util';

/** What differs between the machines that we know. */
export interface Machine {
  /** AUDIT_ARCH_* of a process (linux/audit.h): the filter of filter.ts compares it. */
  readonly audit: number;
  /** Column of the table in syscall-numbers.ts. */
  readonly column: 0 | 1;
}

export interface Kernel {
  readonly machine: Machine;
  /** The result, or minus the errno. Numbers and addresses of memory that lives during the call. */
  call(number: number, ...words: readonly number[]): number;
  /** Where the octets are. They must not move: an ArrayBuffer's do not. */
  address(octets: Uint8Array<ArrayBuffer>): number;
}

/** `result` unless it is an error; then throws what Node would for the same call. */
export function succeed(syscall: string, result: number): number {
  if (result >= 0) return result;
  const code = getSystemErrorName(result);
  throw Object.assign(new Error(`${syscall}: ${code}`), { code, errno: result, syscall });
}
