/**
 * What is written about a zone from primaries: what came, that it has expired, that it is answered for again.
 * Not here: when (keeper.ts), how what came is made ready (take-in.ts).
 */
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreReader } from '#store/reader.ts';
import { type CheckedState, checkedWrite } from '#store/transfer/primaries.ts';
import { membershipWrite, readMembership } from '#store/transfer/followed-catalogs.ts';
import { rrsetOf } from '#zone/view.ts';
import { type Decision, type ZonePart } from '#control/commands/decision.ts';
import { planNothing } from './plan-nothing.ts';
import { type Pulled } from './pull.ts';
import { type TakenFrom } from './take-apart.ts';
import { type TakenIn } from './take-in.ts';
import { type SoaTimes, checkedState, soaTimes } from './timers.ts';

/** Its records stay; `checked` is written where a primary has confirmed it. */
export function expiryDecision(
  reader: StoreReader,
  now: ZoneRecord,
  isExpired: boolean,
  detail: string,
  checked?: CheckedState,
): Decision {
  return {
    zone: now.name,
    parts: [
      {
        record: now,
        view: reader.view(now),
        changes: [],
        received: { plan: planNothing(nameOf(now.name), now.serial), dnssec: now.dnssec },
        secondary: { mode: now.secondary!.mode, ...(isExpired ? { isExpired } : {}) },
      },
    ],
    ...(checked === undefined ? {} : { documents: [checkedWrite(now.id, checked)] }),
    detail,
    isChanged: true,
  };
}

export interface TakingOrder {
  readonly reader: StoreReader;
  /** The zone as it was when it was looked at. */
  readonly record: ZoneRecord;
  readonly came: Extract<Pulled, { kind: 'new' }>;
  /** The primary that it came from. */
  readonly ip: string;
  readonly nowMs: number;
  /** Called with what is written about the look, before it is. */
  readonly onChecked: (checked: CheckedState) => void;
}

/**
 * What came, and the look, in one transaction; PRECONDITION when the zone is not what it was and what came does not
 * fit it. Without a pause for a zone that is as it was: such changes share a flush with others (control/funnel/).
 */
export function decideTaking(order: TakingOrder): Result<Decision> | Promise<Result<Decision>> {
  const { reader, record, came, ip, nowMs, onChecked } = order;
  const { part, again } = came;
  const now = reader.zoneById(record.id);
  if (now === undefined || now.secondary?.mode !== record.secondary?.mode) return fail(changedMeanwhile(record));
  const decide = (fitting: ZonePart): Result<Decision> => {
    const { decision, checked } = takenFrom(reader, now, fitting, { ...came, ip }, nowMs);
    onChecked(checked);
    return ok(decision);
  };
  if (now.revision === record.revision) return decide(part);
  // A zone that is signed here is signed anew at times; what came fits the zone as it is now as well.
  const ofNow = (taken: TakenIn): Result<Decision> =>
    'failure' in taken ? fail(changedMeanwhile(record)) : decide(taken.part);
  return again(now, reader.view(now)).then(ofNow);
}

/** The decision that makes `now` what has come, and what it writes about the look. */
export function takenFrom(
  reader: StoreReader,
  now: ZoneRecord,
  part: ZonePart,
  { serial, expireSeconds: saidSeconds, how, ip }: TakenFrom,
  nowMs: number,
): { readonly decision: Decision; readonly checked: CheckedState } {
  const soaExpireSeconds = (timesAfter(part) ?? timesNow(reader, now.id))?.expireSeconds ?? 0;
  const checked = checkedState(undefined, { nowMs, serial, soaExpireSeconds, saidSeconds, isTransfer: true });
  const decision: Decision = {
    zone: now.name,
    parts: [{ ...part, secondary: { mode: now.secondary!.mode } }],
    documents: [checkedWrite(now.id, checked), ...resetDone(reader, now.id)],
    detail: `serial ${serial} from ${ip} (${how})`,
    isChanged: true,
  };
  return { decision, checked };
}

/** A zone that its catalog had reset has come whole. */
function resetDone(reader: StoreReader, zoneId: number): readonly DocumentWrite[] {
  const membership = readMembership(reader, zoneId);
  if (membership?.isReset !== true) return [];
  const { isReset: _isReset, ...rest } = membership;
  return [membershipWrite(zoneId, rest)];
}

/** The times of the zone as the part makes it; undefined: its SOA stays. */
export function timesAfter({ received, changes, view }: ZonePart): SoaTimes | undefined {
  const rdata =
    received !== undefined
      ? rrsetOf(received.whole?.node(view.apexKey) ?? received.plan?.nodes.get(view.apexKey)?.node, TYPE.SOA)?.rdatas[0]
      : typeof changes === 'function'
        ? undefined
        : changes.find(({ type }) => type === TYPE.SOA)?.rrset?.rdatas[0];
  return rdata === undefined ? undefined : soaTimes(rdata);
}

/** The times of the zone as it is; undefined: it is not there yet. */
export function timesNow(reader: StoreReader, zoneId: number): SoaTimes | undefined {
  const zone = reader.zoneById(zoneId);
  const view = zone && reader.view(zone);
  const soa = view && rrsetOf(view.node(view.apexKey), TYPE.SOA);
  return soa === undefined ? undefined : soaTimes(soa.rdatas[0]!);
}

/** No fault of a primary: it is looked at again. */
export function changedMeanwhile({ name }: ZoneRecord): Problem {
  return problem('PRECONDITION', atZone(name), `${name} was changed meanwhile`);
}
