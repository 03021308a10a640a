/**
 * The filters of system calls as programs: run here by an interpreter written from linux/filter.h, for both machines.
 * That the kernel takes and obeys them is in hostile.test.ts.
 */
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { type FilterRule, INSTRUCTION_BYTES, compileFilter } from '#process/confine/filter.ts';
import { SERVING_RULES, startingRules } from '#process/confine/serving-rules.ts';
import { SYSCALL_NAMES, type SyscallName, named, syscallNumber } from '#process/confine/syscall-numbers.ts';

const { EPERM, ENOSYS, ENOTTY } = constants.errno;
const X64 = { audit: 0xc000_003e, column: 0 } as const;
const ARM64 = { audit: 0xc000_00b7, column: 1 } as const;
const ALLOWED = 0x7fff_0000;
const FAILS = 0x0005_0000;
const PID = 4711;

/** Classic BPF on struct seccomp_data; throws at anything that the kernel would not take. */
function run(program: Uint8Array, data: { number: number; audit: number; words?: readonly number[] }): number {
  const input = new DataView(new ArrayBuffer(64));
  input.setUint32(0, data.number, true);
  input.setUint32(4, data.audit, true);
  for (const [at, word] of (data.words ?? []).entries()) input.setBigUint64(16 + 8 * at, BigInt.asUintN(64, BigInt(word)), true);
  const view = new DataView(program.buffer);
  let accumulator = 0;
  for (let at = 0; at < program.length / INSTRUCTION_BYTES; at++) {
    const [op, value] = [view.getUint16(at * 8, true), view.getUint32(at * 8 + 4, true)];
    const jump = (holds: boolean) => view.getUint8(at * 8 + (holds ? 2 : 3));
    if (op === 0x06) return value;
    if (op === 0x20) accumulator = input.getUint32(value, true);
    else if (op === 0x15) at += jump(accumulator === value);
    else if (op === 0x35) at += jump(accumulator >= value);
    else if (op === 0x45) at += jump((accumulator & value) !== 0);
    else throw new Error(`operation ${op}`);
  }
  throw new Error('the program has no end');
}

/** What becomes of a call by name. */
function outcome(machine: typeof X64 | typeof ARM64, rules: readonly FilterRule[], name: SyscallName, ...words: readonly number[]) {
  const number = syscallNumber(name, machine.column);
  if (number === undefined) return 'no such call';
  const action = run(compileFilter(machine, rules), { number, audit: machine.audit, words });
  return action === ALLOWED ? 'allowed' : action - FAILS;
}

describe.each([
  ['x86-64', X64],
  ['arm64', ARM64],
] as const)('%s', (_, machine) => {
  const starting = (name: SyscallName, ...words: readonly number[]) => outcome(machine, startingRules(PID), name, ...words);

  test.each<[SyscallName, readonly number[], number | 'allowed']>([
    ['socket', [2, 1 | 0o2000000 | 0o4000, 0], 'allowed'],
    ['socket', [10, 2 | 0o2000000, 17], 'allowed'],
    ['socket', [1, 1, 0], EPERM],
    ['socket', [16, 3, 0], EPERM],
    ['socket', [2, 3, 1], EPERM],
    ['socket', [2, 1, 262], EPERM],
    ['connect', [3, 0, 16], EPERM],
    ['sendmmsg', [3, 0, 64, 0x40], 'allowed'],
    ['sendmmsg', [3, 0, 64, 0x2000_0040], EPERM],
    ['sendmsg', [3, 0, 0x2000_0000], EPERM],
    ['sendto', [3, 0, 1, 0, 0, 0], 'allowed'],
    ['clone', [0x3d_0f00, 0, 0, 0, 0], 'allowed'],
    ['clone', [17, 0, 0, 0, 0], EPERM],
    ['clone3', [0, 88], ENOSYS],
    ['io_uring_setup', [256, 0], ENOSYS],
    ['kill', [PID, 6], 'allowed'],
    ['kill', [1, 6], EPERM],
    ['kill', [-1, 9], EPERM],
    ['kill', [0, 9], EPERM],
    ['tgkill', [PID, PID + 1, 6], 'allowed'],
    ['prlimit64', [0, 3, 0, 0], 'allowed'],
    ['prlimit64', [1, 3, 0, 0], EPERM],
    ['ioctl', [3, 0x5421, 0], 'allowed'],
    // The kernel looks at 32 bits of it, and so does the filter.
    ['ioctl', [3, 0x1_0000_5412, 0], ENOTTY],
    ['fcntl', [3, 6, 0], 'allowed'],
    ['fcntl', [3, 8, 1], EPERM],
    ['fchmodat', [], EPERM],
    ['execve', [], 'allowed'],
    ['seccomp', [], 'allowed'],
  ])('%s %j: %s', (name, words, expected) => {
    expect(starting(name, ...words)).toBe(expected);
  });

  test('once the program runs, no other is started', () => {
    expect(['execve', 'execveat'].map((name) => outcome(machine, SERVING_RULES, name as SyscallName))).toEqual([EPERM, EPERM]);
    expect(outcome(machine, SERVING_RULES, 'connect')).toBe('allowed');
  });

  test('calls of another machine’s kind fail', () => {
    const program = compileFilter(machine, startingRules(PID));
    const other = machine === X64 ? ARM64 : X64;
    expect(run(program, { number: 1, audit: other.audit })).toBe(FAILS + ENOSYS);
    // x32: the numbers of x86-64 with another bit, past all that name one.
    expect(run(program, { number: 0x4000_0000 + 59, audit: machine.audit })).toBe(FAILS + ENOSYS);
    expect(run(program, { number: 0, audit: machine.audit })).toBe(ALLOWED);
  });
});

test('numbers: none twice on a machine, and a name that is none is a bug of ours', () => {
  for (const column of [0, 1] as const) {
    const numbers = SYSCALL_NAMES.map((name) => syscallNumber(name, column)).filter((each) => each !== undefined);
    expect(new Set(numbers).size).toBe(numbers.length);
  }
  expect(named('chmod fchmod')).toEqual(['chmod', 'fchmod']);
  expect(() => named('chmod opem')).toThrow('opem');
});
