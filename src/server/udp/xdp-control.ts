/**
 * What the program of an interface looks up, in memory that this process and the program share: the interface's own
 * hardware address, which queues are served, and the addresses with ports that are answered. A change is one store, and
 * the program has the table before it or the one after it, never half of each.
 * Not here: the program (xdp-program.ts), which addresses these are (xdp-addresses.ts).
 */
import { assert } from '#base/assert.ts';
import {
  XDP_ADDRESSES_MAX,
  XDP_QUEUES_MAX,
  XDP_TABLE_PROBES,
  XDP_TABLE_SEEDS_MAX,
  XDP_TABLE_SLOTS,
} from '#base/limits/server.ts';

/**
 * Address 16 octets (IPv4 as ::ffff:a.b.c.d), port 2 octets as on the wire, family, 5 free. A port of 0: a free place.
 */
const SLOT_BYTES = 24;
/** A search that begins in the last place still has all its places. */
const TABLE_SLOTS = XDP_TABLE_SLOTS + XDP_TABLE_PROBES - 1;
const HASH_SHIFT = 32 - Math.log2(XDP_TABLE_SLOTS);
const HASH_FACTOR = 0x9e37_79b1 | 0;

/** Places in the block, for the program. */
export const CONTROL = {
  /** Hardware address: 4 octets, then 2. */
  MAC: 0,
  /** Word: which table counts. */
  TABLE_INDEX: 8,
  /** Words: 1 for a queue that is served. */
  ACTIVE: 16,
  /** By table, a word: its seed. */
  SEEDS: 16 + 4 * XDP_QUEUES_MAX,
  TABLES: 24 + 4 * XDP_QUEUES_MAX,
  TABLE_BYTES: TABLE_SLOTS * SLOT_BYTES,
  SLOT_BYTES,
  HASH_SHIFT,
  HASH_FACTOR,
  SIZE_BYTES: 24 + 4 * XDP_QUEUES_MAX + 2 * TABLE_SLOTS * SLOT_BYTES,
} as const;

/** Of a page: the kernel maps whole ones. */
export const CONTROL_MAPPED_BYTES = Math.ceil(CONTROL.SIZE_BYTES / 4096) * 4096;

/** An address that is answered. */
export interface AnsweredAddress {
  readonly family: 4 | 6;
  /** 16 octets. */
  readonly octets: Uint8Array;
  readonly port: number;
}

/** Writes the block; the program reads it all the while. */
export class XdpControl {
  readonly #words: Int32Array;
  readonly #octets: Uint8Array;
  readonly #view: DataView;

  constructor(memory: ArrayBuffer) {
    this.#words = new Int32Array(memory, 0, CONTROL.SIZE_BYTES / 4);
    this.#octets = new Uint8Array(memory, 0, CONTROL.SIZE_BYTES);
    this.#view = new DataView(memory);
  }

  /** Only while no queue is active: its six octets are two stores. */
  setHardwareAddress(mac: Uint8Array): void {
    assert(mac.length === 6, `a hardware address of ${mac.length} octets`);
    this.#octets.set(mac, CONTROL.MAC);
  }

  setActive(queue: number, isActive: boolean): void {
    assert(queue < XDP_QUEUES_MAX, `queue ${queue}`);
    Atomics.store(this.#words, CONTROL.ACTIVE / 4 + queue, isActive ? 1 : 0);
  }

  isActive(queue: number): boolean {
    return Atomics.load(this.#words, CONTROL.ACTIVE / 4 + queue) === 1;
  }

  /**
   * These addresses are answered from now on, and no others. Calls must be further apart than a run of the program,
   * which takes less than a microsecond.
   */
  setAddresses(addresses: readonly AnsweredAddress[]): void {
    assert(addresses.length <= XDP_ADDRESSES_MAX, `${addresses.length} addresses`);
    const next = 1 - Atomics.load(this.#words, CONTROL.TABLE_INDEX / 4);
    const from = CONTROL.TABLES + next * CONTROL.TABLE_BYTES;
    const table = this.#octets.subarray(from, from + CONTROL.TABLE_BYTES);
    for (let seed = 0; seed < XDP_TABLE_SEEDS_MAX; seed++) {
      table.fill(0);
      if (!addresses.every((each) => placeAddress(table, seed, each))) continue;
      this.#view.setUint32(CONTROL.SEEDS + 4 * next, seed, true);
      Atomics.store(this.#words, CONTROL.TABLE_INDEX / 4, next);
      return;
    }
    assert(false, `${addresses.length} addresses fit into no table`);
  }
}

/** False when the table has no place near its hash. */
function placeAddress(table: Uint8Array, seed: number, address: AnsweredAddress): boolean {
  const { family, octets, port } = address;
  const first = hashAddress(address, seed);
  for (let slot = first; slot < first + XDP_TABLE_PROBES; slot++) {
    const at = slot * SLOT_BYTES;
    if (table[at + 16] !== 0 || table[at + 17] !== 0) continue;
    table.set(octets, at);
    table[at + 16] = port >> 8;
    table[at + 17] = port & 0xff;
    table[at + 18] = family;
    return true;
  }
  return false;
}

/** Place where the search for an address begins; xdp-program.ts computes the same. */
export function hashAddress({ family, octets, port }: AnsweredAddress, seed: number): number {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const word = (at: number) => view.getInt32(at, true);
  const swapped = (port >> 8) | ((port & 0xff) << 8) | (family << 16);
  const mixed = word(0) ^ word(4) ^ word(8) ^ word(12) ^ swapped ^ seed;
  return Math.imul(mixed, HASH_FACTOR) >>> HASH_SHIFT;
}
