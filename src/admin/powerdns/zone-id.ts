/**
 * Zone ids of PowerDNS: the name with its last dot, `=XX` for octets that do not go into a URL (`=2F`, and `=2E` for
 * the root). Clients also leave the dot out.
 */
import { type Place, inUrl } from '#base/place.ts';
import type { Result } from '#base/problem.ts';
import type { Name } from '#dns/name.ts';
import { parseZoneName } from '#admin/http/names.ts';

/** The name that a zone id stands for. */
export function parseZoneId(text: string, at: Place = inUrl('zone')): Result<Name> {
  const octetOf = (_all: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
  return parseZoneName(text.replaceAll(/=([0-9a-f]{2})/gi, octetOf), at);
}

/** The id of the zone `name`, which is absolute and lower-case; goes into a URL as it is. */
export function zoneId(name: string): string {
  if (name === '.') return '=2E';
  const idOf = (character: string) => `=${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  return name.replaceAll(/[^a-z0-9._-]/g, idOf);
}
