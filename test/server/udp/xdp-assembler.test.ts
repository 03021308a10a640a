/** Instructions as RFC 9669 encodes them. */
import { describe, expect, test } from 'vitest';
import { Assembler } from '#server/udp/xdp-assembler.ts';

const hex = (assembler: Assembler) => Buffer.from(assembler.octets()).toString('hex').match(/.{16}/g);

describe('RFC 9669', () => {
  test('§5.1: loads of each width, with an offset of 16 bits', () => {
    const program = new Assembler().load(1, 0, 1, 5).load(2, 0, 1, 12).load(4, 2, 6, 16).load(8, 9, 2, -8);
    expect(hex(program)).toEqual(['7110050000000000', '69100c0000000000', '6162100000000000', '7929f8ff00000000']);
  });

  test('§4.1: arithmetic with a number or a register, 64 and 32 bits', () => {
    const program = new Assembler().compute('mov', 0, 2).compute('add', 1, { register: 2 }).compute('rsh', 0, 4);
    program.computeWord('mov', 1, -65_536).computeWord('mul', 0, 3).computeWord('xor', 0, { register: 1 });
    expect(hex(program)).toEqual([
      'b700000002000000',
      '0f21000000000000',
      '7700000004000000',
      'b40100000000ffff',
      '2400000003000000',
      'ac10000000000000',
    ]);
  });

  test('§4.3: jumps count from the instruction after them, forward and backward', () => {
    const program = new Assembler().label('top').when(0, 'equal', 8, 'end').when(1, 'greater', { register: 3 }, 'top');
    program.jump('end').label('end').call(51).exit();
    expect(hex(program)).toEqual([
      '1500020008000000',
      '2d31feff00000000',
      '0500000000000000',
      '8500000033000000',
      '9500000000000000',
    ]);
  });

  test('§5.4: a map takes two instructions, and jumps over it count both', () => {
    const program = new Assembler().jump('end').map(7, 2, 9).label('end').exit();
    expect(hex(program)).toEqual(['0500020000000000', '1827000009000000', '0000000000000000', '9500000000000000']);
  });

  test('a label that stands nowhere, or twice, is a bug', () => {
    expect(() => new Assembler().jump('nowhere').octets()).toThrow('nowhere');
    expect(() => new Assembler().label('here').label('here')).toThrow('here');
  });
});
