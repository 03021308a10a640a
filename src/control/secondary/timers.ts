/**
 * When a secondary zone is looked at next, and when it expires.
 * Implements: RFC 1034 §4.3.5 (REFRESH, RETRY, EXPIRE), RFC 1035 §3.3.13, RFC 7314 §4 (EXPIRE of a primary that is a
 * secondary itself).
 * Not here: looking (keeper.ts). Pure: times and chance are arguments.
 */
import {
  EXPIRE_SECONDS_MAX,
  FIRST_RETRY_MS,
  FIRST_RETRY_MS_MAX,
  PRIMARY_REST_MS,
  PRIMARY_REST_MS_MAX,
  REFRESH_JITTER,
  REFRESH_SECONDS_MAX,
  REFRESH_SECONDS_MIN,
} from '#base/limits/transfer.ts';
import { type CheckedState, expiresAtMs } from '#store/transfer/primaries.ts';

export interface SoaTimes {
  readonly refreshSeconds: number;
  readonly retrySeconds: number;
  readonly expireSeconds: number;
}

/** The times in SOA RDATA, within limits. An EXPIRE below REFRESH and RETRY together would end zones that are well. */
export function soaTimes(rdata: Uint8Array): SoaTimes {
  const view = new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength);
  const at = rdata.length - NUMBERS_BYTES;
  const between = (seconds: number, least: number, most: number): number => Math.min(Math.max(seconds, least), most);
  const refreshSeconds = between(view.getUint32(at + 4), REFRESH_SECONDS_MIN, REFRESH_SECONDS_MAX);
  const retrySeconds = between(view.getUint32(at + 8), REFRESH_SECONDS_MIN, REFRESH_SECONDS_MAX);
  const expireSeconds = between(view.getUint32(at + 12), refreshSeconds + retrySeconds, EXPIRE_SECONDS_MAX);
  return { refreshSeconds, retrySeconds, expireSeconds };
}

const NUMBERS_BYTES = 20;

/** `waitMs`, shortened by chance (0 ≤ `chance` < 1). */
export function jittered(waitMs: number, chance: number): number {
  return Math.round(waitMs * (1 - REFRESH_JITTER * chance));
}

/** Wait after the `failures`th look in a row that failed, of a zone that was never there. */
export function firstRetryMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), FIRST_RETRY_MS_MAX);
}

/** How long a primary is asked last after its `failures`th failure in a row. */
export function primaryRestMs(failures: number): number {
  return Math.min(PRIMARY_REST_MS * 2 ** (failures - 1), PRIMARY_REST_MS_MAX);
}

export interface Check {
  readonly nowMs: number;
  /** The serial that the primary has. */
  readonly serial: number;
  /** EXPIRE of the zone's SOA, seconds. */
  readonly soaExpireSeconds: number;
  /** What the primary says (RFC 7314); undefined: nothing. */
  readonly saidSeconds: number | undefined;
  readonly isTransfer: boolean;
}

/** What is known after a primary has given the zone, or said that it is the newest. */
export function checkedState(before: CheckedState | undefined, check: Check): CheckedState {
  const { nowMs, serial, soaExpireSeconds, saidSeconds, isTransfer } = check;
  const said = saidSeconds === undefined ? soaExpireSeconds : Math.min(saidSeconds, EXPIRE_SECONDS_MAX);
  // RFC 7314 §4: what a primary says that does not give the zone anew never makes it expire sooner.
  const leftSeconds = before === undefined ? 0 : Math.floor((expiresAtMs(before) - nowMs) / 1000);
  const isShorter = !isTransfer && saidSeconds !== undefined && leftSeconds > said;
  return { checkedAtMs: nowMs, serial, expireSeconds: isShorter ? leftSeconds : said };
}
