/**
 * A large zone that has come from a primary, as it is handed to the process that makes it ready (ADR 0050).
 * Not here: who does that (control/import/), what becomes of the answer (pull.ts).
 */
import { type Result } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Turn } from '#control/commands/decision.ts';
import { type StoredMessages } from './stored-transfer.ts';

/** Where a zone came from, and what the primary says of it. Plain data. */
export interface TakenFrom {
  readonly ip: string;
  readonly serial: Serial;
  /** Seconds until the zone expires at the primary, when it says so (RFC 7314). */
  readonly expireSeconds: number | undefined;
  /** For people: what came, and how much of it. */
  readonly how: string;
}

/** A zone that has come whole. */
export interface TransferOrder {
  readonly zone: Name;
  /** As it was when it was asked for. */
  readonly record: ZoneRecord;
  readonly turn: Turn;
  readonly messages: StoredMessages;
  readonly recordsMax: number;
  readonly from: TakenFrom;
  readonly signal: AbortSignal;
}

/**
 * Makes it ready, writes it, and gives a line for each thing that was left out. PRIMARY_FAILED when it is not taken,
 * PRECONDITION, IMPORT_OVERTAKEN or IMPORT_UNDER_WAY when the zone is to be looked at again.
 */
export type TakeTransfer = (order: TransferOrder) => Promise<Result<readonly string[]>>;
