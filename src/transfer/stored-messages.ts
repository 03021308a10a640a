/**
 * Messages of a transfer, one after the other as they came over TCP, become a zone or differences.
 * Implements: RFC 1035 §4.2.2 (each has its length before it, two octets), RFC 5936 §2.2, RFC 1995 §4.
 * Not here: a message (incoming-message.ts), whether it was signed: that is known when it comes.
 */
import { readU16 } from '#base/bytes.ts';
import { equalNames, formatName } from '#dns/name.ts';
import { type Nsec3Parameters } from '#dns/nsec3.ts';
import { type Serial } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { type ReceivedZone, ReceivedRecords, chosenChain } from '#zone/received-zone.ts';
import {
  type ReceivedRecord,
  type TransferQuestion,
  frameTransferMessage,
  readTransferMessage,
  recordsOfType,
} from './incoming-message.ts';
import { type Received, IncomingTransfer } from './incoming-transfer.ts';

/** Differences to what the client has, or a zone. */
export type StoredContent =
  | Extract<Received, { kind: 'differences' }>
  | (ReceivedZone & { readonly kind: 'read'; readonly serial: Serial });

export interface StoredOptions {
  readonly asked: TransferQuestion;
  /** The serial that the client has said in IXFR; undefined: it has asked for the whole zone. */
  readonly since: Serial | undefined;
  readonly recordsMax: number;
}

/** What `octets` contain; or what is wrong with them, words that follow the primary's address. Never throws. */
export function readStored(
  octets: Uint8Array,
  { asked, since, recordsMax }: StoredOptions,
): StoredContent | { readonly failure: string } {
  const { apex } = asked;
  const records = new ReceivedRecords(apex, findChain(octets, asked));
  const onWhole = (record: ReceivedRecord): void => records.add(record);
  const incoming = new IncomingTransfer({ apex, since, recordsMax, onWhole });
  let isFirst = true;
  for (const message of storedMessages(octets)) {
    // The table of records copies them; differences keep the octets.
    const read = readTransferMessage(message, asked, isFirst, true);
    isFirst = false;
    if ('failure' in read) return read;
    const wrong = incoming.take(read.message.records);
    if (wrong !== undefined) return { failure: wrong };
  }
  const { result } = incoming;
  if (result?.kind === 'differences') return result;
  if (result?.kind === 'whole') return { kind: 'read', serial: result.serial, ...records.end() };
  return { failure: `sends ${formatName(apex)} without its end` };
}

const LENGTH_BYTES = 2;

/** Each message. What is cut at the end is shorter than its length says. */
function* storedMessages(octets: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at + LENGTH_BYTES <= octets.length;) {
    const from = at + LENGTH_BYTES;
    at = from + readU16(octets, at);
    // Plain octets: a part of a Buffer is a Buffer.
    yield new Uint8Array(octets.buffer, octets.byteOffset + from, Math.min(at, octets.length) - from);
  }
}

/** RFC 5155 §7.3: the NSEC3 chain that is used. It must be known before the first NSEC3 record, wherever that stands. */
function findChain(octets: Uint8Array, asked: TransferQuestion): Nsec3Parameters | undefined {
  const rdatas: Uint8Array[] = [];
  for (const message of storedMessages(octets)) {
    const framed = frameTransferMessage(message, asked, false);
    // What is wrong is found when the message is read.
    const found = 'failure' in framed ? [] : recordsOfType(message, framed.message, TYPE.NSEC3PARAM);
    if (typeof found === 'string') continue;
    const ofApex = found.filter(({ owner }) => equalNames(owner, asked.apex));
    rdatas.push(...ofApex.map(({ rdata }) => rdata));
  }
  return chosenChain(rdatas);
}
