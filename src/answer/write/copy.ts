/** Copying a few octets: a loop is faster than a call into the engine, and four at a time are faster than one. Measured in ADR 0004. */

/** Copies `from[fromAt…fromAt + length]` to `to[toAt]`; where both are one array, not onto itself. */
export function copyOctets(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  let each = 0;
  for (const whole = length & ~3; each < whole; each += 4) {
    to[toAt + each] = from[fromAt + each]!;
    to[toAt + each + 1] = from[fromAt + each + 1]!;
    to[toAt + each + 2] = from[fromAt + each + 2]!;
    to[toAt + each + 3] = from[fromAt + each + 3]!;
  }
  for (; each < length; each++) to[toAt + each] = from[fromAt + each]!;
}
