/**
 * Serial number arithmetic of SOA serials: a circle of 2³², not a line. RRSIG times lie on the same circle (RFC 4034 §3.1.5).
 * Implements: RFC 1982 §3.1–3.2 with SERIAL_BITS = 32.
 * Not here: choosing the next serial of a zone (dnssec/plan.ts).
 */
import { assert } from '#base/assert.ts';

/** An unsigned 32-bit SOA serial, 0…4294967295. */
export type Serial = number;

/** Largest step that still counts as forward (RFC 1982 §3.1). */
export const SERIAL_STEP_MAX = 0x7fff_ffff;

/** `serial + step` on the circle. Asserts 0 ≤ step ≤ SERIAL_STEP_MAX: a larger step would go backwards. */
export function addSerial(serial: Serial, step: number): Serial {
  assert(step >= 0 && step <= SERIAL_STEP_MAX, `serial step ${step}`);
  return (serial + step) >>> 0;
}

/** True when `a` is newer than `b`. False both ways for serials exactly 2³¹ apart: RFC 1982 §3.2 leaves those undefined. */
export function isNewer(a: Serial, b: Serial): boolean {
  const ahead = (a - b) >>> 0;
  return ahead !== 0 && ahead <= SERIAL_STEP_MAX;
}
