/** The numbers of system calls are those of the kernel's own headers (Debian package linux-libc-dev). */
import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SYSCALL_NAMES, syscallNumber } from '#process/confine/syscall-numbers.ts';

function numbersIn(file: string): ReadonlyMap<string, number> {
  const lines = readFileSync(file, 'utf8').matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gm);
  return new Map([...lines].map(([, name, number]) => [name!, Number(number)]));
}

const [x64 = ''] = globSync('/usr/include/{x86_64-linux-gnu/asm,asm-x86/asm,asm}/unistd_64.h');

test.each([
  ['x86-64', x64, 0],
  ['arm64', '/usr/include/asm-generic/unistd.h', 1],
] as const)('%s', (_, file, column) => {
  const header = numbersIn(file);
  expect(header.size).toBeGreaterThan(250);
  const known = SYSCALL_NAMES.filter((name) => header.has(name));
  // The rest is newer than these headers.
  expect(known.length).toBeGreaterThan(90);
  expect(known.filter((name) => syscallNumber(name, column) !== header.get(name))).toEqual([]);
  const gone = SYSCALL_NAMES.filter((name) => syscallNumber(name, column) === undefined);
  expect(gone.filter((name) => header.has(name))).toEqual([]);
});
