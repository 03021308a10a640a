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
import { TRANSFER_IN_RECORDS_MAX } from '#base/limits/transfer.ts';
import { type ProblemCode } from '#base/problem-codes.ts';
import { type Problem, formatProblem } from '#base/problem.ts';
import { type TakeTransfer } from './take-apart.ts';
import { type FetchFailure, type FetchOrder, type Fetched, type StoredZone } from './fetch-zone.ts';
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
  /** Where the messages of a large zone wait, and who writes it; absent: it is made ready here. */
  readonly apart?: { readonly folder: string; readonly takeTransfer: TakeTransfer } | undefined;
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
  /** It is written already. */
  | {
      readonly kind: 'taken';
      readonly serial: Serial;
      readonly notes: readonly string[];
      readonly how: string;
    }
  /** The zone here has changed meanwhile. */
  | { readonly kind: 'overtaken'; readonly serial: Serial }
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
  const { apart } = options;
  const fetched = await options.fetchZone({
    ...{ server, tls, apex, key, known, now, signal, reserve },
    folder: apart?.folder,
  });
  if ('failure' in fetched) {
    if (place.signal.aborted) return { kind: 'failed', failure: TOO_SLOW };
    const { failure, isAnswer, isPostponed } = fetched;
    if (isPostponed === true) return { kind: 'postponed', failure };
    return { kind: isAnswer && known !== undefined ? 'whole' : 'failed', failure };
  }
  const { received, expireSeconds } = fetched;
  const { serial } = received;
  if (received.kind === 'current') return { kind: 'current', serial, expireSeconds };
  if (received.kind === 'stored') {
    try {
      if (isStale(order, received)) return { kind: 'current', serial, expireSeconds };
      place.keep();
      return await takeStored(order, options, fetched, received);
    } finally {
      received.close();
    }
  }
  if (isStale(order, received)) return { kind: 'current', serial, expireSeconds };
  const again = (zone: ZoneRecord, of: ZoneView): Promise<TakenIn> =>
    takeIn({ record: zone, view: of, received, recordsPerRrsetMax });
  const taken = await again(record, view);
  if ('failure' in taken) return { kind: taken.needsWhole === true ? 'whole' : 'failed', failure: taken.failure };
  const { part, notes } = taken;
  return { kind: 'new', serial, expireSeconds, part, again, notes, how: howText(howOf(received), fetched) };
}

/** A large zone: another process makes it ready, while this one answers others. */
async function takeStored(
  { apex: zone, record, server }: TransferOrder,
  { apart, signal }: PullOptions,
  fetched: Fetched,
  { serial, messages, isDifferences }: StoredZone,
): Promise<Transferred> {
  const how = howText(isDifferences ? 'IXFR' : 'AXFR', fetched);
  const from = { ip: server.ip, serial, expireSeconds: fetched.expireSeconds, how };
  const recordsMax = TRANSFER_IN_RECORDS_MAX;
  const taken = await apart!.takeTransfer({ zone, record, turn: TURN, messages, recordsMax, from, signal });
  if (taken.ok) return { kind: 'taken', serial, notes: taken.value, how };
  const { problems } = taken;
  if (problems.some(({ code }) => OVERTAKEN.includes(code))) return { kind: 'overtaken', serial };
  const refused = problems.find(({ code }) => code === 'PRIMARY_FAILED');
  const failure = refused?.message ?? notWritten(problems);
  return { kind: isDifferences && refused !== undefined ? 'whole' : 'failed', failure };
}

const TURN = { actor: { kind: 'system', id: 'secondary', from: '' }, action: 'zone.transfer' } as const;

/** The zone is looked at again, and no primary has failed. */
const OVERTAKEN: readonly ProblemCode[] = ['PRECONDITION', 'IMPORT_OVERTAKEN', 'IMPORT_UNDER_WAY'];

/** Words that follow the primary's address. */
export function notWritten(problems: readonly Problem[]): string {
  return `sends a zone that is not written: ${problems.map(formatProblem).join('; ')}`;
}

const TOO_SLOW = 'sends a large zone so slowly that others waited for its memory: it was given up';

/** A whole zone that is not newer than what came last; a zone that is not there yet takes any. */
function isStale({ serial }: PullOrder, received: { readonly serial: Serial }): boolean {
  return serial !== undefined && !isNewer(received.serial, serial);
}

function howOf(received: Received): string {
  return received.kind === 'differences' ? `IXFR of ${received.differences.length} steps` : 'AXFR';
}

function howText(kind: string, { messages, bytes }: Fetched): string {
  return `${kind}, ${messages} messages, ${bytes} octets`;
}
