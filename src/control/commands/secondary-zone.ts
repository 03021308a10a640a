/** What is wrong when a command would change a zone, or records of a zone, that its primary keeps. */
import { atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type OwnerKey, formatName, ownerKey } from '#dns/name.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type ZonePart } from './decision.ts';

/**
 * Why a part must not be written: its zone is served as it comes from its primary, or, where it is signed here, the
 * change is of records that the primary keeps. Undefined: it may be.
 */
export function keptByPrimary({
  record,
  view,
  changes,
  isFromPrimary,
}: Pick<ZonePart, 'record' | 'view' | 'isFromPrimary'> & { readonly changes: readonly RrsetChange[] }):
  | Problem
  | undefined {
  const mode = record?.secondary?.mode;
  if (record === undefined || mode === undefined || isFromPrimary === true) return undefined;
  const { name } = record;
  if (mode === 'copy') {
    const why = `${name} is a copy of its primary's zone, served as it comes; nothing was changed`;
    return problem('ZONE_SECONDARY', atZone(name), why, { fix: 'change it at the primary' });
  }
  if (view.node(view.apexKey) === undefined) {
    const why = `${name} has not come from its primary yet; nothing was changed`;
    return problem('ZONE_SECONDARY', atZone(name), why, { fix: `look why: waxseal zone show ${name}` });
  }
  const kept = changes.find((change) => isOfPrimary(view, change));
  if (kept === undefined) return undefined;
  const why = `the records of ${formatName(kept.owner)} come from the primary of ${name}; nothing was changed`;
  return problem('ZONE_SECONDARY', atZone(name), why, { fix: 'change them at the primary' });
}

/** Why no command changes records of this zone at all. */
export function closedToCommands(record: ZoneRecord, view: ZoneView): Problem | undefined {
  const isClosed = record.secondary?.mode === 'copy' || view.node(view.apexKey) === undefined;
  return isClosed ? keptByPrimary({ record, view, changes: [] }) : undefined;
}

/** A record that nothing here manages would come, go or change. */
function isOfPrimary(view: ZoneView, { owner, type, rrset }: RrsetChange): boolean {
  const key: OwnerKey = ownerKey(owner);
  if (rrset !== null) return rrset.manager === 'manual';
  return rrsetOf(view.node(key), type)?.manager === 'manual';
}
