/** Queries in the form the generator reads (bench/generator/load.h): finished messages, with the octets told that are to be random. */
import { writeFileSync } from 'node:fs';
import { type Random } from './random.ts';
import { type Ask, TYPES } from './zone-sets.ts';

/** Every query has EDNS with this size, as nearly all resolvers' have (RFC 9715 §3.1: 1232 avoids fragments). */
const EDNS_BYTES = 1232;
const HEADER_BYTES = 12;

/** A query message with id 0; recursion not wanted. */
export function encodeQuery({ name, type }: Ask, dnssecOk: boolean): Buffer {
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([
    Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]),
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')])),
    Buffer.from([0, 0, TYPES[type], 0, 1]),
    Buffer.from([0, 0, 41, EDNS_BYTES >> 8, EDNS_BYTES & 255, 0, 0, dnssecOk ? 0x80 : 0, 0, 0, 0]),
  ]);
}

/** One record of the generator's file. */
export function encodeRecord(ask: Ask, dnssecOk: boolean): Buffer {
  const message = encodeQuery(ask, dnssecOk);
  const random = ask.random ?? 0;
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255, random > 0 ? HEADER_BYTES + 1 : 0, random]), message]);
}

/** Writes `count` queries. */
export function writeQueries(file: string, count: number, ask: (random: Random) => Ask, random: Random, dnssecOk: boolean): void {
  writeFileSync(file, Buffer.concat(Array.from({ length: count }, () => encodeRecord(ask(random), dnssecOk))));
}
