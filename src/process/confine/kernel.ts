/**
 * System calls of Linux that Node does not offer, through koffi (docs/adr/0010-confined-processes.md): by number,
 * because a C library may be older than the calls. Importing this throws where koffi has no binary.
 * Not here: what the calls are for (landlock.ts, filter.ts, identity.ts).
 */
import koffi from 'koffi';
import { assert } from '#base/assert.ts';
import { type Kernel, type Machine } from './system-call.ts';

const MACHINES: Readonly<Record<string, Machine>> = {
  x64: { audit: 0xc000_003e, column: 0 },
  arm64: { audit: 0xc000_00b7, column: 1 },
};

/** Throws with the reason where these calls cannot be made. */
export function loadKernel(): Kernel {
  const machine = MACHINES[process.arch];
  if (process.platform !== 'linux') throw new Error(`this is ${process.platform}, not Linux`);
  if (machine === undefined) throw new Error(`the system calls of ${process.arch} are not known`);
  const word = 'uintptr_t';
  const syscall = koffi.load(null).func('syscall', 'long', ['long', word, word, word, word, word, word]);
  return {
    machine,
    call(number, ...[a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]) {
      const result = Number(syscall(number, a, b, c, d, e, f));
      return result === -1 ? -koffi.errno() : result;
    },
    address(octets) {
      const address = Number(koffi.address(octets.buffer)) + octets.byteOffset;
      assert(Number.isSafeInteger(address) && address > 0, `memory at address ${address}`);
      return address;
    },
  };
}
