/**
 * Seccomp: a program that the kernel runs before each system call of a process and of what it starts. A call that a
 * rule names fails, unless its arguments are as the rule says.
 * Implements: linux/seccomp.h, linux/filter.h (classic BPF).
 * Not here: the rules (serving-rules.ts).
 */
import { constants } from 'node:os';
import { type Kernel, type Machine, succeed } from './system-call.ts';
import { type SyscallName, syscallNumber } from './syscall-numbers.ts';

/** What a call's argument must be; else the call fails. Only its lower 32 bits count, as for the kernel. */
type Test =
  | { readonly kind: 'one-of'; readonly values: readonly number[] }
  | { readonly kind: 'none-of'; readonly values: readonly number[] }
  | { readonly kind: 'has-bits'; readonly mask: number }
  | { readonly kind: 'lacks-bits'; readonly mask: number };

export interface Condition {
  /** 0…5. */
  readonly argument: number;
  readonly test: Test;
}

export interface FilterRule {
  readonly calls: readonly SyscallName[];
  readonly errno: number;
  /** All of them must hold for the call to go through; none: it never does. */
  readonly unless?: readonly Condition[];
}

const { ENOSYS } = constants.errno;
const SET_MODE_FILTER = 1;
/** All threads of the process at once, or none. */
const FILTER_FLAG_TSYNC = 1;

/**
 * Adds a filter on all threads of this process and what they start, for good. Throws the system's error. Needs
 * no_new_privs, or a root.
 */
export function filterSelf(kernel: Kernel, rules: readonly FilterRule[]): void {
  const program = compileFilter(kernel.machine, rules);
  // struct sock_fprog: u16 length in instructions, pointer.
  const head = new Uint8Array(16);
  const view = new DataView(head.buffer);
  view.setUint16(0, program.length / INSTRUCTION_BYTES, true);
  view.setBigUint64(8, BigInt(kernel.address(program)), true);
  const number = syscallNumber('seccomp', kernel.machine.column)!;
  const result = succeed('seccomp', kernel.call(number, SET_MODE_FILTER, FILTER_FLAG_TSYNC, kernel.address(head)));
  if (result > 0) throw new Error(`seccomp: thread ${result} has a filter of its own`);
}

export const INSTRUCTION_BYTES = 8;
/** linux/bpf_common.h: classes, sizes, modes and operations as these programs use them. */
const OP = { LOAD: 0x20, JUMP_EQUAL: 0x15, JUMP_AT_LEAST: 0x35, JUMP_SET: 0x45, RETURN: 0x06 } as const;
/** struct seccomp_data: u32 number, u32 machine, u64 instruction pointer, u64 arguments. */
const DATA = { NUMBER: 0, MACHINE: 4, ARGUMENTS: 16 } as const;
const RETURN = { ALLOW: 0x7fff_0000, ERRNO: 0x0005_0000 } as const;
/** Calls of the x32 ABI have this bit; they would pass by all others. */
const X32_BIT = 0x4000_0000;

type Instruction = readonly [op: number, jumpTrue: number, jumpFalse: number, value: number];

const load = (offset: number): Instruction => [OP.LOAD, 0, 0, offset];
const give = (action: number): Instruction => [OP.RETURN, 0, 0, action];
const refusal = (errno: number) => give(RETURN.ERRNO | errno);

/** The program: instructions of 8 octets in the machine's order. Every jump is a few instructions forward. */
export function compileFilter(machine: Machine, rules: readonly FilterRule[]): Uint8Array<ArrayBuffer> {
  const instructions: Instruction[] = [
    load(DATA.MACHINE),
    [OP.JUMP_EQUAL, 1, 0, machine.audit],
    refusal(ENOSYS),
    load(DATA.NUMBER),
    [OP.JUMP_AT_LEAST, 0, 1, X32_BIT],
    refusal(ENOSYS),
    ...rules.flatMap((rule) => compileRule(machine, rule)),
    give(RETURN.ALLOW),
  ];
  const program = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const view = new DataView(program.buffer);
  for (const [index, [op, jumpTrue, jumpFalse, value]] of instructions.entries()) {
    view.setUint16(index * INSTRUCTION_BYTES, op, true);
    view.setUint8(index * INSTRUCTION_BYTES + 2, jumpTrue);
    view.setUint8(index * INSTRUCTION_BYTES + 3, jumpFalse);
    view.setUint32(index * INSTRUCTION_BYTES + 4, value, true);
  }
  return program;
}

/** With the call's number in the accumulator, before and, when the rule says nothing about it, after. */
function compileRule({ column }: Machine, { calls, errno, unless }: FilterRule): Instruction[] {
  const conditions = unless?.flatMap((condition) => compileCondition(condition, errno));
  const body = conditions === undefined ? [refusal(errno)] : [...conditions, give(RETURN.ALLOW)];
  return calls.flatMap((name): Instruction[] => {
    const number = syscallNumber(name, column);
    return number === undefined ? [] : [[OP.JUMP_EQUAL, 0, body.length, number], ...body];
  });
}

/** Falls through when the condition holds. */
function compileCondition({ argument, test }: Condition, errno: number): Instruction[] {
  const argumentLoad = load(DATA.ARGUMENTS + 8 * argument);
  switch (test.kind) {
    case 'one-of': {
      const { values } = test;
      const jumps = values.map((value, index): Instruction => [OP.JUMP_EQUAL, values.length - index, 0, value]);
      return [argumentLoad, ...jumps, refusal(errno)];
    }
    case 'none-of': {
      const jumps = test.values.flatMap((value): Instruction[] => [[OP.JUMP_EQUAL, 0, 1, value], refusal(errno)]);
      return [argumentLoad, ...jumps];
    }
    case 'has-bits':
      return [argumentLoad, [OP.JUMP_SET, 1, 0, test.mask], refusal(errno)];
    case 'lacks-bits':
      return [argumentLoad, [OP.JUMP_SET, 0, 1, test.mask], refusal(errno)];
  }
}
