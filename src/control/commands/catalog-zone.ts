/**
 * What is wrong when a command would change what a catalog keeps: by hand, a catalog has its SOA, its NS and custom
 * properties changed, and nothing else.
 * Implements: RFC 9432 §4.5 (custom properties are below `ext`), §5.1 (consumers do not process a broken catalog).
 * Not here: the members (control/transfer/catalogs.ts).
 */
import { atZone } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type Name, formatName, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type ZoneView } from '#zone/view.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type ZonePart } from './decision.ts';

/** Why a part must not be written: it would change a catalog beside its members. Undefined: it may be. */
export function keptByCatalog(
  part: Omit<ZonePart, 'changes'> & { readonly changes: readonly RrsetChange[] },
): Problem | undefined {
  const { record, view, changes, isOfCatalog, isSigned, keySet, presigned } = part;
  if (record?.isCatalog !== true || isOfCatalog === true) return undefined;
  const { name } = record;
  if (isSigned === true || keySet !== undefined || presigned !== undefined) {
    const why = `${name} is a catalog, and not signed: no query gets it, transfers have a key; nothing was changed`;
    return problem('ZONE_CATALOG', atZone(name), why, { fix: 'sign its members: waxseal dnssec enable ZONE' });
  }
  const kept = changes.find((change) => !isFree(view, change));
  if (kept === undefined) return undefined;
  const { owner } = kept;
  const why = `${formatName(owner)} is in the catalog ${name}: records follow from the members; nothing was changed`;
  const members = `waxseal catalog add ${name} ZONE, or waxseal catalog remove ${name} ZONE`;
  const fix = `${members}; properties of your own have names below ext.${name}`;
  return problem('ZONE_CATALOG', atZone(name), why, { fix });
}

/** Why a zone file does not replace a catalog. */
export function importOfCatalog(record: ZoneRecord | undefined): Problem | undefined {
  if (record?.isCatalog !== true) return undefined;
  const { name } = record;
  const why = `${name} is a catalog: its records follow from its members, not from a zone file; nothing was changed`;
  return problem('ZONE_CATALOG', atZone(name), why, { fix: `waxseal catalog add ${name} ZONE` });
}

/** Why a zone that a catalog of another server brought is not changed by hand: it would be changed back. */
export function memberOfCatalog(name: string, catalog: string): Problem {
  const why = `${name} is here because the catalog ${catalog} has it; nothing was changed`;
  const fix = `change it there, or what is made of its members: waxseal catalog settings ${catalog}`;
  return problem('ZONE_CATALOG', atZone(name), why, { fix });
}

/** SOA and NS, or below `ext` of the catalog or of a member. */
function isFree({ apexKey }: ZoneView, { owner, type }: Pick<RrsetChange, 'owner' | 'type'>): boolean {
  const labels = labelsBelow(owner, apexKey);
  if (labels.length === 0) return type === TYPE.SOA || type === TYPE.NS;
  const depth = labels[0] === 'zones' ? 2 : 0;
  return labels[depth] === 'ext' && labels.length > depth + 1;
}

/** Labels of the owner below the apex, from the apex down, in lower case. */
function labelsBelow(owner: Name, apexKey: string): string[] {
  return ownerKey(owner).slice(apexKey.length).split('\u0000').slice(0, -1);
}
