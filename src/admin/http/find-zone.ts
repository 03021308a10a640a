/** The zone that a URL names. */
import { SEARCH_ZONES_AT_ONCE } from '#base/limits/search.ts';
import { nearestName } from '#base/nearest.ts';
import { inUrl } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type OwnerKey, formatName, nameOf, ownerKey } from '#dns/name.ts';
import type { ControlApi, ListedZone } from '#control/api/control.ts';
import type { Rights } from '#control/api/tokens.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { allows } from './access.ts';
import { identityOf } from './identity.ts';
import { parseZoneName, textParameter } from './names.ts';
import type { Asked } from './route.ts';

/** A request for something of a zone that exists. */
export interface ZoneAsked<P = unknown, Q = unknown, B = unknown> extends Asked<P, Q, B> {
  readonly zone: ZoneRecord;
}

/** The zone with the name in the parameter `zone` of the path, or why there is none. */
export function findZone({ control, params, request }: Asked): Result<ZoneRecord> {
  const name = parseZoneName(textParameter(params, 'zone') ?? '');
  if (!name.ok) return name;
  const record = control.zones.find(name.value);
  return record === undefined ? fail(zoneNotFound(control, identityOf(request), formatName(name.value))) : ok(record);
}

/**
 * The problem of a zone that does not exist here, with a guess at what was meant: the zone above it, or one with a
 * similar name, among those that the sender may know of.
 */
export function zoneNotFound(control: ControlApi, sender: Rights, text: string): Problem {
  const name = text.toLowerCase();
  const isKnown = (each: string) => allows(sender, 'rrset-read', ownerKey(nameOf(each)));
  const names = control.zones.list().flatMap((each) => (isKnown(each.name) ? [each.name] : []));
  return problem('ZONE_NOT_FOUND', inUrl('zone'), `there is no zone ${name} here`, { fix: guess(name, names) });
}

function guess(name: string, names: readonly string[]): string {
  const above = names.find((each) => each === '.' || name.endsWith(`.${each}`));
  if (above !== undefined) return `it may be a name in the zone ${above}`;
  const near = nearestName(name, names);
  return near === undefined ? 'waxseal zone list shows the zones served here' : `did you mean ${near}?`;
}

/**
 * Zones that the sender may see, in canonical order: the first `limit` behind `after`. They are looked up no further
 * than they are wanted.
 */
export function* visibleZones(
  { zones }: { readonly zones: Pick<ControlApi['zones'], 'after'> },
  sender: Rights,
  after?: OwnerKey,
  limit = Infinity,
): Generator<ListedZone, void> {
  let left = limit;
  for (let at = after; ;) {
    const some = zones.after(at, SEARCH_ZONES_AT_ONCE);
    for (const zone of some) {
      if (!allows(sender, 'rrset-read', zone.apexKey)) continue;
      yield zone;
      if (--left <= 0) return;
    }
    if (some.length < SEARCH_ZONES_AT_ONCE) return;
    at = some.at(-1)!.apexKey;
  }
}

/** A zone's name as a URL segment. */
export function zoneSegment(name: string): string {
  return name === '.' ? '=2E' : encodeURIComponent(name.replace(/\.$/, ''));
}
