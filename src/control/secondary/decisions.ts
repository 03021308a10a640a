/**
 * What is written about a zone from primaries: what came, that it has expired, that it is answered for again.
 * Not here: when (keeper.ts), how what came is made ready (take-in.ts).
 */
import { atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type DocumentWrite } from '#store/documents.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreReader } from '#store/reader.ts';
import { type CheckedState, checkedWrite } from '#store/transfer/primaries.ts';
import { membershipWrite, readMembership } from '#store/transfer/followed-catalogs.ts';
import { rrsetOf } from '#zone/view.ts';
import { type Decision, type ZonePart } from '#control/commands/decision.ts';
import { planNothing } from './plan-nothing.ts';
import { type SoaTimes, soaTimes } from './timers.ts';

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

export function takenDecision(
  reader: StoreReader,
  now: ZoneRecord,
  part: ZonePart,
  checked: CheckedState,
  detail: string,
): Decision {
  return {
    zone: now.name,
    parts: [{ ...part, secondary: { mode: now.secondary!.mode } }],
    documents: [checkedWrite(now.id, checked), ...resetDone(reader, now.id)],
    detail,
    isChanged: true,
  };
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
      ? rrsetOf(received.plan.nodes.get(view.apexKey)?.node, TYPE.SOA)?.rdatas[0]
      : typeof changes === 'function'
        ? undefined
        : changes.find(({ type }) => type === TYPE.SOA)?.rrset?.rdatas[0];
  return rdata === undefined ? undefined : soaTimes(rdata);
}

/** No fault of a primary: it is looked at again. */
export function changedMeanwhile({ name }: ZoneRecord): Problem {
  return problem('PRECONDITION', atZone(name), `${name} was changed meanwhile`);
}
