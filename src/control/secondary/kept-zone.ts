/**
 * What is known of one zone that comes from primaries, and of each of these, since the start.
 * Not here: what is done with it (keeper.ts), what outlives the process (store/transfer/primaries.ts).
 */
import { formatIpPort, ipPort } from '#base/address.ts';
import { CHECKED_WRITE_SHARE } from '#base/limits/transfer.ts';
import { nameOf } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { type StoreReader } from '#store/reader.ts';
import { readMembership } from '#store/transfer/followed-catalogs.ts';
import { type CheckedState, type Primary, expiresAtMs } from '#store/transfer/primaries.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { serialOf } from '#zone/changeset.ts';
import { rrsetOf } from '#zone/view.ts';
import { type PrimaryState } from '#control/api/transfer.ts';
import { type PullOrder } from './pull.ts';
import { primaryRestMs } from './timers.ts';

export interface KeptPrimary {
  /** The serial that it was seen to have. */
  serial: Serial | undefined;
  /** Words that follow its address. */
  failure: string | undefined;
  /** In a row. */
  failures: number;
  /** Until then the others are asked first. */
  restsUntilMs: number;
  lookedAtMs: number | undefined;
}

export interface KeptZone {
  readonly zoneId: number;
  readonly name: string;
  dueMs: number;
  /** When the last look began. */
  startedMs: number;
  isBusy: boolean;
  /** A primary has said that there is something newer: all are asked until one has it. */
  isNotified: boolean;
  /** While it was looked at, there came a reason to look again. */
  isWanted: boolean;
  checked: CheckedState | undefined;
  /** The time that was written down last. */
  writtenAtMs: number;
  /** Looks in a row in which no primary was of use. */
  failures: number;
  /** Revision of the zone after what came last was taken in. */
  takenRevision: number | undefined;
  /** That it expires could not be written: not tried before then. */
  expiresAgainMs: number;
  /** There was no memory for its transfer: the primary has not failed. */
  postponedUntilMs: number;
  /** What was left out of what came last. */
  notes: readonly string[];
  readonly primaries: Map<string, KeptPrimary>;
}

export function newKept(zoneId: number, name: string, checked: CheckedState | undefined): KeptZone {
  return {
    zoneId,
    name,
    dueMs: 0,
    startedMs: -Infinity,
    isBusy: false,
    isWanted: false,
    isNotified: false,
    checked,
    writtenAtMs: checked?.checkedAtMs ?? 0,
    failures: 0,
    takenRevision: undefined,
    expiresAgainMs: 0,
    postponedUntilMs: 0,
    notes: [],
    primaries: new Map(),
  };
}

export function primaryState({ primaries }: KeptZone, primary: Primary): KeptPrimary {
  const key = endpointOf(primary);
  const known = primaries.get(key);
  if (known !== undefined) return known;
  const fresh: KeptPrimary = {
    serial: undefined,
    failure: undefined,
    failures: 0,
    restsUntilMs: 0,
    lookedAtMs: undefined,
  };
  primaries.set(key, fresh);
  return fresh;
}

/** As people write it. */
function endpointOf({ ip, port }: Primary): string {
  return formatIpPort(ipPort(ip, port));
}

/** In the order of the list; those that failed of late come last. */
export function primaryOrder(kept: KeptZone, list: readonly Primary[], nowMs: number): readonly Primary[] {
  const isResting = (primary: Primary): boolean => primaryState(kept, primary).restsUntilMs > nowMs;
  return [...list.filter((each) => !isResting(each)), ...list.filter(isResting)];
}

export function noteFailure(state: KeptPrimary, failure: string, nowMs: number): void {
  state.failures += 1;
  state.failure = failure;
  state.restsUntilMs = nowMs + primaryRestMs(state.failures);
}

export function noteSuccess(kept: KeptZone, state: KeptPrimary): void {
  kept.failures = 0;
  Object.assign(state, { failures: 0, failure: undefined, restsUntilMs: 0 });
}

export function stateOf({ secondary }: ZoneRecord, { checked, failures }: KeptZone): PrimaryState['state'] {
  if (secondary?.isExpired === true) return 'expired';
  if (failures > 0) return 'failing';
  return checked === undefined ? 'waiting' : 'current';
}

/** It is to expire: no primary has confirmed it for too long. */
export function isOver(record: ZoneRecord, { checked, expiresAgainMs }: KeptZone, nowMs: number): boolean {
  if (nowMs < expiresAgainMs) return false;
  return checked !== undefined && record.secondary?.isExpired !== true && nowMs >= expiresAtMs(checked);
}

/** What was looked at is written down from time to time. */
export function isToBeWritten({ checked, writtenAtMs }: KeptZone, nowMs: number): boolean {
  return checked !== undefined && nowMs - writtenAtMs >= checked.expireSeconds * 1000 * CHECKED_WRITE_SHARE;
}

/** As it is shown. */
export function viewOf(record: ZoneRecord, kept: KeptZone, list: readonly Primary[], nowMs: number): PrimaryState {
  const { checked, isBusy, notes, dueMs } = kept;
  const isThere = checked !== undefined;
  return {
    mode: record.secondary!.mode,
    state: stateOf(record, kept),
    isLooking: isBusy,
    ...(isThere ? { serial: checked.serial, checkedAtMs: checked.checkedAtMs, expiresAtMs: expiresAtMs(checked) } : {}),
    nextLookAtMs: Math.max(dueMs, nowMs),
    notes,
    primaries: list.map((each) => {
      const { serial, failure, lookedAtMs } = kept.primaries.get(endpointOf(each)) ?? {};
      return {
        ...each,
        ...(serial === undefined ? {} : { serial }),
        ...(failure === undefined ? {} : { failure }),
        ...(lookedAtMs === undefined ? {} : { lookedAtMs }),
      };
    }),
  };
}

/** What is asked of a primary, in view of what is here. */
export function askedOf(
  reader: StoreReader,
  record: ZoneRecord,
  { takenRevision, checked }: KeptZone,
): Pick<PullOrder, 'apex' | 'record' | 'view' | 'serial' | 'known'> {
  const view = reader.view(record);
  const soa = rrsetOf(view.node(view.apexKey), TYPE.SOA);
  const isCopy = record.secondary?.mode === 'copy';
  // A zone that is signed here has changes of ours: after one, all that the primary has is brought again.
  const isThere = soa !== undefined && (isCopy || takenRevision === record.revision);
  // RFC 9432 §5.6: it comes whole, whatever serial it has; what is here is served until then.
  const isKnown = isThere && readMembership(reader, record.id)?.isReset !== true;
  return {
    apex: nameOf(record.name),
    record,
    view,
    serial: isKnown ? (isCopy ? serialOf(view) : checked?.serial) : undefined,
    known: isKnown && isCopy ? { ttl: soa.ttl, rdata: soa.rdatas[0]! } : undefined,
  };
}
