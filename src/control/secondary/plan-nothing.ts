/** A plan that leaves a zone's records as they are. */
import { type Name } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { type ZonePlan } from '#dnssec/plan.ts';

export function planNothing(zone: Name, serial: Serial): ZonePlan {
  const changeset = { zone, fromSerial: serial, toSerial: serial, deleted: [], added: [] };
  return { nodes: new Map(), hashed: new Map(), changeset, changed: false, signatureCount: 0 };
}
