/**
 * One look at one primary: its SOA, and where it has a newer zone, the zone; IXFR first, AXFR where that does not do.
 * Implements: RFC 1034 §4.3.5, RFC 1995 §2 (IXFR, then AXFR), RFC 1982 §3.2.
 * Not here: when, and which primary (keeper.ts); writing what was received (keeper.ts).
 */
import { type Name } from '#dns/name.ts';
import { type Serial, isNewer } from '#dns/serial.ts';
import { type TsigKey } from '#dns/tsig/key.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type ZonePart } from '#control/commands/decision.ts';
import { type StreamServer } from '#control/outside/dns-stream.ts';
import { type KnownSoa } from '#transfer/incoming-message.ts';
import { type Received } from '#transfer/incoming-transfer.ts';
import { type ZoneView } from '#zone/view.ts';
import { type SoaAnswer, type SoaOrder } from './ask-soa.ts';
import { type FetchFailure, type FetchOrder, type Fetched } from './fetch-zone.ts';
import { type Place } from './places.ts';
import { type TakenIn, takeIn } from './take-in.ts';

export interface PullOptions {
  readonly askSoa: (order: SoaOrder) => Promise<SoaAnswer>;
  readonly fetchZone: (order: FetchOrder) => Promise<Fetched | FetchFailure>;
  /** Runs a transfer once there is a place for it. */
  readonly inPlace: <T>(address: string, work: (place: Place) => Promise<T>) => Promise<T>;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly recordsPerRrsetMax: number;
}

export interface PullOrder extends StreamServer {
  readonly key: TsigKey | undefined;
  readonly apex: Name;
  readonly record: ZoneRecord;
  readonly view: ZoneView;
  /** The serial that came last from a primary; undefined: the zone has never been there. */
  readonly serial: Serial | undefined;
  /** The SOA that is here, of a zone that is served as it comes. */
  readonly known: KnownSoa | undefined;
}

export type Pulled =
  /** What is here is the newest, or newer than what the primary has. */
  | { readonly kind: 'current'; readonly serial: Serial; readonly expireSeconds: number | undefined }
  | {
      readonly kind: 'new';
      readonly serial: Serial;
      readonly expireSeconds: number | undefined;
      readonly part: ZonePart;
      /** The same for the zone as it has become meanwhile. */
      readonly again: (record: ZoneRecord, view: ZoneView) => Promise<TakenIn>;
      readonly notes: readonly string[];
      /** For people: what came, and how much of it. */
      readonly how: string;
    }
  /** It is for a later time, and no primary has failed. Words that follow the primary's address. */
  | { readonly kind: 'postponed'; readonly failure: string }
  /** Words that follow the primary's address. */
  | { readonly kind: 'failed'; readonly failure: string };

/** Never rejects but for a broken store. */
export async function pull(order: PullOrder, options: PullOptions): Promise<Pulled> {
  const { server, tls, apex, key, serial, record } = order;
  const { askSoa, now } = options;
  // RFC 9432 §6: Knot gives the SOA of a catalog to no query over UDP. The answer to IXFR has it too.
  if (serial !== undefined && record.isCatalog !== true) {
    const soa = await askSoa({ server, tls, apex, key, now });
    if ('serial' in soa && !isNewer(soa.serial, serial)) return { kind: 'current', ...soa };
    // Where nothing comes over UDP, TCP may get through: the answer to IXFR says as much.
    if ('failure' in soa && !soa.isSilent) return { kind: 'failed', failure: soa.failure };
  }
  // A place for each: what the first one had in memory is given back before the second begins.
  const inPlace = (known: KnownSoa | undefined): Promise<Transferred> =>
    options.inPlace(server.ip, (place) => transfer({ ...order, place, known }, options));
  const first = await inPlace(order.known);
  return first.kind === 'whole' ? withoutWhole(await inPlace(undefined)) : first;
}

type Transferred = Pulled | { readonly kind: 'whole'; readonly failure: string };

function withoutWhole(result: Transferred): Pulled {
  return result.kind === 'whole' ? { kind: 'failed', failure: result.failure } : result;
}

interface TransferOrder extends PullOrder {
  readonly place: Place;
}

async function transfer(order: TransferOrder, options: PullOptions): Promise<Transferred> {
  const { server, tls, apex, key, record, view, known, place } = order;
  const { now, recordsPerRrsetMax } = options;
  const { reserve } = place;
  const signal = AbortSignal.any([options.signal, place.signal]);
  const fetched = await options.fetchZone({ server, tls, apex, key, known, now, signal, reserve });
  if ('failure' in fetched) {
    if (place.signal.aborted) return { kind: 'failed', failure: TOO_SLOW };
    const { failure, isAnswer, isPostponed } = fetched;
    if (isPostponed === true) return { kind: 'postponed', failure };
    return { kind: isAnswer && known !== undefined ? 'whole' : 'failed', failure };
  }
  const { received, expireSeconds } = fetched;
  const { serial } = received;
  if (received.kind === 'current') return { kind: 'current', serial, expireSeconds };
  if (isStale(order, received)) return { kind: 'current', serial, expireSeconds };
  const again = (zone: ZoneRecord, of: ZoneView): Promise<TakenIn> =>
    takeIn({ record: zone, view: of, received, recordsPerRrsetMax });
  const taken = await again(record, view);
  if ('failure' in taken) return { kind: taken.needsWhole === true ? 'whole' : 'failed', failure: taken.failure };
  const { part, notes } = taken;
  return { kind: 'new', serial, expireSeconds, part, again, notes, how: howText(received, fetched) };
}

const TOO_SLOW = 'sends a large zone so slowly that others waited for its memory: it was given up';

/** A whole zone that is not newer than what came last; a zone that is not there yet takes any. */
function isStale({ serial }: PullOrder, received: Received): boolean {
  return serial !== undefined && !isNewer(received.serial, serial);
}

function howText(received: Received, { messages, bytes }: Fetched): string {
  const kind = received.kind === 'differences' ? `IXFR of ${received.differences.length} steps` : 'AXFR';
  return `${kind}, ${messages} messages, ${bytes} octets`;
}
