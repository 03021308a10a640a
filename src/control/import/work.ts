/**
 * What the process of an import gets: all that its work is made of, as data.
 * Not here: what it does with it (job.ts, decide.ts), who asks for it (request.ts).
 */
import { type Name } from '#dns/name.ts';
import { type StoredOptions } from '#transfer/stored-messages.ts';
import { type Turn } from '#control/commands/decision.ts';
import { type CommandOf } from '#control/commands/table.ts';
import { type TakenFrom } from '#control/secondary/take-apart.ts';
import { type SigningTime } from '#control/signing/signing-clock.ts';

/** A zone file, latin1. */
export interface FileWork {
  readonly kind: 'file';
  readonly command: Omit<CommandOf<'zone.import'>, 'zone' | 'text' | 'include'>;
  /** Names of neighbours that who asks may change. */
  readonly mayChange: readonly string[];
  readonly hasResolvers: boolean;
}

/** The way back over large changes. */
export interface RollbackWork {
  readonly kind: 'rollback';
  readonly command: RollbackCommand;
}

export type RollbackCommand = CommandOf<'zone.rollback'> | CommandOf<'zone.revert'>;

/** Messages of a primary. */
export interface TransferWork extends StoredOptions {
  readonly kind: 'transfer';
  readonly from: TakenFrom;
}

/** All that the work depends on beside the store and its octets. Plain data. */
export interface ImportRequest {
  readonly storeDir: string;
  readonly work: FileWork | RollbackWork | TransferWork;
  /** Octets of what is read. */
  readonly inputBytes: number;
  readonly zone: Name;
  readonly turn: Turn;
  /** The id that the zone gets when it is new. */
  readonly newZoneId: number;
  /** Secrets of the zone's keys by key id, sealed under `sessionKey`. */
  readonly secrets: ReadonlyMap<string, Uint8Array>;
  /** 32 octets, for this import alone. */
  readonly sessionKey: Uint8Array;
  readonly recordsPerRrsetMax: number;
  readonly nowMs: number;
  readonly countedMs: number;
  /** Counted time at which it is written at the latest: what caches hold of the zone counts from then. */
  readonly writtenByMs: number;
  readonly signing: SigningTime;
}
