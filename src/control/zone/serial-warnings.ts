/** What is said of an SOA serial that a change or a zone file gives. Implements: RFC 1982 §3.2. Not here: the serial that a change gets (dnssec/plan.ts). */
import { type Problem, warning } from '#base/problem.ts';
import { placeOfRrset } from '#dns/place.ts';
import { isNewer } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { type RrsetChange, serialOf, soaSerial } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';

/** A serial that is not newer would stop secondaries from following: the served one goes up instead, with a warning. */
export function serialWarnings(view: ZoneView, changes: readonly RrsetChange[]): Problem[] {
  if (rrsetOf(view.node(view.apexKey), TYPE.SOA) === undefined) return [];
  const given = changes.find(({ type, rrset }) => type === TYPE.SOA && rrset !== null)?.rrset?.rdatas[0];
  if (given === undefined) return [];
  const [serial, served] = [soaSerial(given), serialOf(view)];
  if (serial === served || isNewer(serial, served)) return [];
  return [
    warning(
      'ZONE_SERIAL',
      placeOfRrset(view.apex, TYPE.SOA),
      `the given serial ${serial} is not newer than the served ${served}: a change gets the next serial after ${served}`,
      { rfc: 'RFC 1982 §3.2' },
    ),
  ];
}
