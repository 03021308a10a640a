/**
 * What a catalog of another server says, read as a whole: its members, or why it is broken and must be ignored.
 * Implements: RFC 9432 §4.2 (one PTR for each member node, no zone at two of them), §4.3.1 (the version), §4.4.1
 * (change of ownership), §4.4.2 (groups), §4.5 and §3 (what is not known is ignored), §5.1 (broken catalogs).
 * Not here: catalogs of ours (catalog-members.ts), what follows from one (control/catalog/).
 */
import { type Name, type OwnerKey, formatName, isAtOrBelow, lowerName, ownerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { txtText } from '#mail/text/txt.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';

export interface ListedMember {
  /** `<unique-N>`: the label of its node, as it is in owner keys. */
  readonly label: string;
  /** In lower case. */
  readonly zone: Name;
  readonly groups: readonly string[];
  /** The catalog that the zone is to belong to from now on, in lower case. */
  readonly coo?: Name;
}

export type CatalogContent =
  /** By the owner keys of their zones. */
  | { readonly members: ReadonlyMap<OwnerKey, ListedMember> }
  /** Words that follow the catalog's name; `isTooLarge`: it is well, and has more members than it may. */
  | { readonly broken: string; readonly isTooLarge?: true };

/** The only version there is. */
const VERSION = '2';

/** Of a catalog that has come; one that has not has no apex, and is broken. */
export function readCatalog(view: ZoneView, membersMax: number): CatalogContent {
  const broken = versionFault(view);
  if (broken !== undefined) return { broken };
  const above = `${view.apexKey}zones\u0000`;
  const drafts = new Map<string, ListedMember>();
  const labels = new Map<OwnerKey, string>();
  for (const node of view.ascend(above)) {
    if (!isAtOrBelow(node.key, above)) break;
    const [label = '', property, ...more] = node.key.slice(above.length).split('\u0000').slice(0, -1);
    if (label === '' || more.length > 0) continue;
    const fault =
      property === undefined ? addMember(node, label, drafts, labels) : addProperty(node, label, property, drafts);
    if (fault !== undefined) return { broken: fault };
    if (drafts.size > membersMax) {
      return { broken: `has more members than the ${membersMax} that it may have here`, isTooLarge: true };
    }
  }
  return { members: new Map([...labels].map(([zone, label]) => [zone, drafts.get(label)!])) };
}

function versionFault(view: ZoneView): string | undefined {
  const rdatas = rrsetOf(view.node(`${view.apexKey}version\u0000`), TYPE.TXT)?.rdatas ?? [];
  if (rdatas.length === 0) return 'has no version (RFC 9432 §4.3.1)';
  if (rdatas.length > 1) return 'has more than one version (RFC 9432 §4.3.1)';
  const version = txtText(rdatas[0]!);
  return version === VERSION
    ? undefined
    : `has the version ${JSON.stringify(version)}, not "${VERSION}" (RFC 9432 §4.3.1)`;
}

/** Undefined: it is well. A node without PTR is of something else. */
function addMember(
  node: ZoneNode,
  label: string,
  drafts: Map<string, ListedMember>,
  labels: Map<OwnerKey, string>,
): string | undefined {
  const [zone, second] = rrsetOf(node, TYPE.PTR)?.rdatas ?? [];
  if (zone === undefined) return undefined;
  if (second !== undefined) return `has two PTR records at the member node ${label} (RFC 9432 §4.2)`;
  const key = ownerKey(zone);
  const other = labels.get(key);
  if (other !== undefined)
    return `has the member ${formatName(lowerName(zone))} twice, at ${other} and ${label} (RFC 9432 §4.2)`;
  drafts.set(label, { label, zone: lowerName(zone), groups: [] });
  labels.set(key, label);
  return undefined;
}

function addProperty(
  node: ZoneNode,
  label: string,
  property: string,
  drafts: Map<string, ListedMember>,
): string | undefined {
  const member = drafts.get(label);
  if (member === undefined) return undefined;
  if (property === 'group') {
    const groups = (rrsetOf(node, TYPE.TXT)?.rdatas ?? []).map(txtText).toSorted();
    drafts.set(label, { ...member, groups });
  } else if (property === 'coo') {
    const [coo, second] = rrsetOf(node, TYPE.PTR)?.rdatas ?? [];
    if (second !== undefined) return `has two new owners for ${formatName(member.zone)} (RFC 9432 §4.4.1)`;
    if (coo !== undefined) drafts.set(label, { ...member, coo: lowerName(coo) });
  }
  return undefined;
}
