/** What is wrong when a command is about something that is not there. */
import { atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';

export function zoneNotServed(zone: Name): Problem {
  const name = formatName(zone);
  return problem('ZONE_NOT_FOUND', atZone(name), `the zone ${name} is not served here`, { fix: 'list the zones: waxseal zone list' });
}

export function noPolicy(zone: string): Problem {
  return problem('MAIL_NO_POLICY', atZone(zone), `${zone} has no mail policy`, {
    fix: `propose one: waxseal mail plan ${zone} --from-zone`,
  });
}
