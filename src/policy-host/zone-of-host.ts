/**
 * From the name of a host to the zones whose documents may speak for it: labels are taken away from the left until a
 * zone of ours is found, as DNS finds the zone that answers for a name.
 */
import { X509_DNS_NAME_CHARACTERS_MAX } from '#base/limits/https.ts';
import { type Name, parseName } from '#dns/name.ts';
import { type ZoneRecord } from '#store/schema.ts';

/** What the look needs of the store's reader. */
export interface ZoneTable {
  zoneByName(name: Name): ZoneRecord | undefined;
}

/** Letters, digits, hyphen, underscore: a host name as TLS clients write it, in lower case. */
const HOST = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
const POLICY_LABEL = 'mta-sts.';

/** The host of SNI or Host in lower case; undefined when it is none that could be ours. A final dot stays. */
export function hostOf(text: string): string | undefined {
  if (text.length > X509_DNS_NAME_CHARACTERS_MAX) return undefined;
  const host = text.toLowerCase();
  return HOST.test(host) ? host : undefined;
}

/**
 * Zones that may have documents about `host` (of `hostOf`), closest first: the one that its name is in. The host of a
 * zone's MTA-STS policy may be a zone itself; then the policy's zone is the second.
 */
export function zonesOf(table: ZoneTable, host: string): readonly ZoneRecord[] {
  const closest = closestZone(table, host);
  if (closest === undefined) return [];
  const isApex = closest.name === `${host}.`;
  if (!isApex || !host.startsWith(POLICY_LABEL)) return [closest];
  const above = zoneNamed(table, host.slice(POLICY_LABEL.length));
  return above === undefined ? [closest] : [closest, above];
}

/** The zone with this apex. */
export function zoneNamed(table: ZoneTable, apex: string): ZoneRecord | undefined {
  const name = parseName(`${apex}.`);
  return name.ok ? table.zoneByName(name.value) : undefined;
}

function closestZone(table: ZoneTable, host: string): ZoneRecord | undefined {
  const parsed = parseName(`${host}.`);
  if (!parsed.ok) return undefined;
  for (let name: Name = parsed.value; ; name = name.subarray(1 + name[0]!)) {
    const record = table.zoneByName(name);
    if (record !== undefined || name[0] === 0) return record;
  }
}
