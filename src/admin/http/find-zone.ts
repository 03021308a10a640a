/** The zone that a URL names. */
import { nearestName } from '#base/nearest.ts';
import { inUrl } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { formatName, nameOf, ownerKey } from '#dns/name.ts';
import type { ControlApi } from '#control/api/control.ts';
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

/** A zone's name as a URL segment. */
export function zoneSegment(name: string): string {
  return name === '.' ? '=2E' : encodeURIComponent(name.replace(/\.$/, ''));
}
