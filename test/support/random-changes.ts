/**
 * Random zones and changes for the laws of signing: few labels, so that names meet, with cuts, DNAMEs, wildcards and empty
 * non-terminals. All from a seed, so that a failure can be had again.
 */
import { type Name, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type Random, pick } from './random.ts';

export const APEX = nameOf('example.');

export function soaOf(serial: number, minimum = 300): Uint8Array {
  const rdata = Uint8Array.from([...nameOf('ns.example.'), ...nameOf('host.example.'), ...new Uint8Array(20)]);
  const view = new DataView(rdata.buffer, rdata.length - 20);
  [serial, 7200, 900, 604_800, minimum].forEach((number, at) => view.setUint32(at * 4, number));
  return rdata;
}

/** SOA and NS: the least a zone needs. */
export function apexChanges(serial = 1): RrsetChange[] {
  return [
    { owner: APEX, type: TYPE.SOA, rrset: { ttl: 3600, rdatas: [soaOf(serial)], manager: 'manual' } },
    { owner: APEX, type: TYPE.NS, rrset: { ttl: 3600, rdatas: [nameOf('ns.example.')], manager: 'manual' } },
    { owner: nameOf('ns.example.'), type: TYPE.A, rrset: { ttl: 3600, rdatas: [Uint8Array.of(192, 0, 2, 53)], manager: 'manual' } },
  ];
}

const LABELS = ['a', 'b', 'c', 'd', '*', 'A', '_x', '\\000', '\\001'];

export function randomOwner(random: Random): Name {
  const depth = 1 + Math.floor(random() * random() * 5);
  return nameOf(`${Array.from({ length: depth }, () => pick(random, LABELS)).join('.')}.example.`);
}

/** One RRset of a kind that bends the chain, or null. `lawful` leaves out what zone checkers refuse beside other data. */
export function randomChange(random: Random, lawful = false): RrsetChange {
  const owner = randomOwner(random);
  const { type, rdatas } = randomRdatas(random);
  const gone = random() < 0.45;
  const unlawful = lawful && (type === TYPE.NS || type === TYPE.DS || type === TYPE.DNAME) && owner[0] === 1 && owner[1] === 0x2a;
  if (gone || unlawful) return { owner, type, rrset: null };
  return {
    owner,
    type,
    rrset: { ttl: pick(random, [60, 300, 7200]), rdatas, manager: pick(random, ['manual', 'manual', 'mail'] as const) },
  };
}

function randomRdatas(random: Random): { type: number; rdatas: Uint8Array[] } {
  const type = pick(random, [TYPE.A, TYPE.A, TYPE.TXT, TYPE.TXT, TYPE.MX, TYPE.NS, TYPE.NS, TYPE.DS, TYPE.DNAME, 65_280]);
  const octet = Math.floor(random() * 3);
  switch (type) {
    case TYPE.A:
      return {
        type,
        rdatas: random() < 0.3 ? [Uint8Array.of(192, 0, 2, 9), Uint8Array.of(192, 0, 2, octet)] : [Uint8Array.of(192, 0, 2, octet)],
      };
    case TYPE.MX:
      return { type, rdatas: [Uint8Array.of(0, octet, ...randomOwner(random))] };
    case TYPE.NS:
    case TYPE.DNAME:
      return { type, rdatas: [nameOf(`${pick(random, ['x', 'y'])}.test.`)] };
    case TYPE.DS:
      return { type, rdatas: [Uint8Array.of(1, octet, 13, 2, ...new Uint8Array(32).fill(octet))] };
    default:
      return { type, rdatas: [Uint8Array.of(1, 0x61 + octet)] };
  }
}

/** The order of two changes does not matter when they are about different RRsets; the last one of each counts. */
export function lastOfEach(changes: readonly RrsetChange[]): RrsetChange[] {
  return [...new Map(changes.map((change) => [`${change.type} ${ownerKey(change.owner)}`, change])).values()];
}
