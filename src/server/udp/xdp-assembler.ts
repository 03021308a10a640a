/**
 * Instructions of BPF as octets, with jumps to names.
 * Implements: RFC 9669 §3 (encoding), §4.1 and §4.3 (arithmetic, jumps), §5 (loads, 64-bit immediates).
 * Not here: the program (xdp-program.ts).
 */
import { assert } from '#base/assert.ts';

export const BPF_INSTRUCTION_BYTES = 8;

/** A register, 0…10. */
type Register = number;

type Width = 1 | 2 | 4 | 8;

const LOAD: Readonly<Record<Width, number>> = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 };
/** 64-bit arithmetic; 0x08 more for a register in the place of the number, 3 less for 32 bits. */
const ARITHMETIC = { add: 0x07, or: 0x47, and: 0x57, lsh: 0x67, rsh: 0x77, xor: 0xa7, mov: 0xb7, mul: 0x27 } as const;
/** 64-bit comparisons, unsigned; 0x08 more for a register in the place of the number. */
const COMPARISON = { equal: 0x15, greater: 0x25, atLeast: 0x35, hasBits: 0x45, notEqual: 0x55, atMost: 0xb5 } as const;
const REGISTER = 0x08;
const WORD_ARITHMETIC = 0x03;
const ALWAYS = 0x05;
const CALL = 0x85;
const EXIT = 0x95;
const LOAD_WIDE = 0x18;

type Operand = { readonly register: Register } | number;

interface Instruction {
  readonly code: number;
  readonly to?: Register;
  readonly from?: Register;
  readonly offset?: number;
  readonly target?: string;
  readonly number?: number;
}

export class Assembler {
  readonly #instructions: Instruction[] = [];
  readonly #labels = new Map<string, number>();

  /** to = the octets at from + offset, in the machine's order. */
  load(width: Width, to: Register, from: Register, offset: number): this {
    return this.#add({ code: LOAD[width], to, from, offset });
  }

  /** to = to (operation) operand, 64 bits. */
  compute(operation: keyof typeof ARITHMETIC, to: Register, operand: Operand): this {
    return this.#operate(ARITHMETIC[operation], to, operand);
  }

  /** As `compute`, with the lower 32 bits; the upper ones become 0. */
  computeWord(operation: keyof typeof ARITHMETIC, to: Register, operand: Operand): this {
    return this.#operate(ARITHMETIC[operation] - WORD_ARITHMETIC, to, operand);
  }

  /** Continues at `target` when the comparison holds. */
  when(register: Register, comparison: keyof typeof COMPARISON, operand: Operand, target: string): this {
    return this.#operate(COMPARISON[comparison], register, operand, target);
  }

  jump(target: string): this {
    return this.#add({ code: ALWAYS, target });
  }

  /** to = the map, or its only value (BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE). */
  map(to: Register, pseudo: number, fd: number): this {
    return this.#add({ code: LOAD_WIDE, to, from: pseudo, number: fd }).#add({ code: 0 });
  }

  call(helper: number): this {
    return this.#add({ code: CALL, number: helper });
  }

  exit(): this {
    return this.#add({ code: EXIT });
  }

  label(name: string): this {
    assert(!this.#labels.has(name), `label ${name} stands twice`);
    this.#labels.set(name, this.#instructions.length);
    return this;
  }

  octets(): Uint8Array<ArrayBuffer> {
    const octets = new Uint8Array(this.#instructions.length * BPF_INSTRUCTION_BYTES);
    const view = new DataView(octets.buffer);
    for (const [index, { code, to = 0, from = 0, offset = 0, target, number = 0 }] of this.#instructions.entries()) {
      const at = index * BPF_INSTRUCTION_BYTES;
      view.setUint8(at, code);
      view.setUint8(at + 1, (from << 4) | to);
      view.setInt16(at + 2, target === undefined ? offset : this.#placeOf(target) - index - 1, true);
      view.setInt32(at + 4, number, true);
    }
    return octets;
  }

  #placeOf(label: string): number {
    const place = this.#labels.get(label);
    assert(place !== undefined, `there is no label ${label}`);
    return place;
  }

  #operate(code: number, to: Register, operand: Operand, target?: string): this {
    const jump = target === undefined ? {} : { target };
    if (typeof operand === 'number') return this.#add({ code, to, number: operand, ...jump });
    return this.#add({ code: code | REGISTER, to, from: operand.register, ...jump });
  }

  #add(instruction: Instruction): this {
    this.#instructions.push(instruction);
    return this;
  }
}
