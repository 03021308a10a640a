/**
 * Consents to DMARC reports that mail policies put into other zones of ours: whose they are, and what becomes of them when a policy or
 * its zone goes.
 * Not here: which are wanted (mail/report-consents.ts).
 */
import { type Name, nameOf, ownerKey, parentName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { consentingFor, ownerText } from '#mail/report-consents.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreReader } from '#store/reader.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { rrsetOf } from '#zone/view.ts';
import { readMailState } from '#store/mail/state.ts';
import { type ZonePart } from '#control/commands/decision.ts';
import { type ServedZone } from '#control/commands/table.ts';

/** The deepest served zone that `name` is in. */
export function servedZoneOf(writer: StoreReader, name: Name): ServedZone | undefined {
  for (let at: Name | undefined = name; at !== undefined; at = at.length === 1 ? undefined : parentName(at)) {
    const record = writer.zoneByName(at);
    if (record !== undefined) return { record, view: writer.view(record) };
  }
  return undefined;
}

/** True when the policy of a zone other than `self` wants the consent at `owner`: that of the host, or that of the domain. */
export function isClaimedByOthers(writer: StoreReader, self: ZoneRecord, owner: Name): boolean {
  const domain = consentingFor(owner);
  if (domain === undefined) return false;
  const text = ownerText(owner);
  const host = servedZoneOf(writer, owner)?.record;
  const managed = host === undefined || host.id === self.id ? [] : (readMailState(writer, host.id)?.managed ?? []);
  if (managed.some((each) => each.owner === text && each.type === TYPE.TXT)) return true;
  const other = writer.zoneByName(nameOf(domain));
  return other !== undefined && other.id !== self.id && consentsOf(writer, other.id).includes(text);
}

/** The zone's mail without a policy: consents elsewhere that are its own become manual records, or go. */
export function releaseConsents(writer: StoreReader, self: ZoneRecord, records: 'keep' | 'delete'): ZonePart[] {
  const parts = new Map<number, ServedZone & { readonly changes: RrsetChange[] }>();
  for (const owner of consentsOf(writer, self.id).map(nameOf)) {
    const zone = servedZoneOf(writer, owner);
    const rrset = zone === undefined ? undefined : rrsetOf(zone.view.node(ownerKey(owner)), TYPE.TXT);
    if (zone === undefined || rrset?.manager !== 'mail' || isClaimedByOthers(writer, self, owner)) continue;
    const part = parts.get(zone.record.id) ?? { ...zone, changes: [] };
    parts.set(zone.record.id, part);
    const { ttl, rdatas } = rrset;
    part.changes.push({ owner, type: TYPE.TXT, rrset: records === 'keep' ? { ttl, rdatas, manager: 'manual' } : null });
  }
  return [...parts.values()];
}

function consentsOf(reader: StoreReader, zoneId: number): readonly string[] {
  return readMailState(reader, zoneId)?.consents ?? [];
}
