/**
 * waxseal itself as a subject: the real program with zones put in through the admin API.
 * Not here: starting, killing and stopping it (running-server.ts).
 */
import { type PeerZone } from './peers.ts';
import { type RunningServer, startServer } from './running-server.ts';

/** A running waxseal. */
export type Waxseal = RunningServer;

/** Starts `waxseal serve` on an empty store and waits for /readyz. */
export const startWaxseal = startServer;

/** Creates or replaces zones, also such as do not fit each other; every one must be taken and served when this resolves. */
export async function putZones(server: Waxseal, zones: readonly PeerZone[], dnssec: 'on' | 'off'): Promise<void> {
  const refused: string[] = [];
  for (const zone of zones) {
    const last = zone === zones.at(-1) ? '&wait=served' : '';
    const answer = await server.api('PUT', `${zonefilePath(zone.name)}?dnssec=${dnssec}&parent=ignore${last}`, zone.text, 'text/dns');
    if (!answer.ok) refused.push(`${zone.name}: ${answer.status} ${await answer.text()}`);
  }
  if (refused.length > 0) throw new Error(`waxseal refused ${refused.length} of ${zones.length} zones:\n${refused.slice(0, 5).join('\n')}`);
}

/** From NSEC to NSEC3 or back; served by every worker when this resolves. */
export async function setDenial(server: Waxseal, zone: string, denial: 'nsec' | 'nsec3'): Promise<void> {
  const answer = await server.api('PATCH', `/v1/zones/${encodeURIComponent(zone)}/dnssec?wait=served`, JSON.stringify({ denial }));
  if (!answer.ok) throw new Error(`${zone} ${denial}: ${answer.status} ${await answer.text()}`);
}

/** The zone with its DNSSEC records, as a zone file in latin1. */
export async function exportSigned(server: Waxseal, zone: string): Promise<string> {
  return exportZone(server, zone, true);
}

/** The zone as a zone file in latin1. */
export async function exportZone(server: Waxseal, zone: string, signed: boolean): Promise<string> {
  const answer = await server.api('GET', `${zonefilePath(zone)}${signed ? '?signed=1' : ''}`);
  const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
  if (!answer.ok) throw new Error(`no export of ${zone}: ${answer.status} ${text}`);
  return text;
}

function zonefilePath(zone: string): string {
  return `/v1/zones/${encodeURIComponent(zone === '.' ? '=2E' : zone)}/zonefile`;
}
