/**
 * Catalogs of other servers that are followed, as they are stored: what becomes of their members, and which zone here
 * is a member of which. The membership stands with the zone and goes with it.
 * Not here: the members that a catalog lists (transfer/catalog-content.ts), what follows from them (control/catalog/).
 */
import { DocumentCache } from '#store/document-cache.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isArrayOf, isString } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';
import { type SecondaryRole } from '#store/schema.ts';
import { type Primary, isPrimary } from './primaries.ts';

/** What becomes of the members of one group. */
export interface MemberTemplate {
  /** Absent: of those that no other template is for. */
  readonly group?: string;
  /** None: those of the catalog. */
  readonly primaries: readonly Primary[];
  readonly mode: SecondaryRole['mode'];
}

export interface FollowedCatalog {
  /** A member has the first one whose group it has; without one it is a copy from the catalog's primaries. */
  readonly templates: readonly MemberTemplate[];
  readonly membersMax: number;
  /** The operator wants what this serial of the catalog removes to be removed, however much it is. */
  readonly confirmedSerial?: number;
}

export interface Membership {
  /** Name and id of the catalog. The id is of a zone that may be gone. */
  readonly catalog: string;
  readonly catalogId: number;
  /** Of the member node, as it is in owner keys. */
  readonly label: string;
  readonly groups: readonly string[];
  /** It is to come whole, whatever serial it has: its state was reset (RFC 9432 §5.6). */
  readonly isReset?: true;
}

const KIND = 'catalog';
const FOLLOWED = 'followed';
const MEMBER = 'member';
const CATALOGS = new DocumentCache<FollowedCatalog>(KIND, FOLLOWED);
const MEMBERSHIPS = new DocumentCache<Membership>(KIND, MEMBER);

/** Undefined for a zone that is no such catalog. Throws STORE_DAMAGED. */
export function readFollowed(reader: StoreReader, zoneId: number): FollowedCatalog | undefined {
  return CATALOGS.read(reader, zoneId, (value) => {
    if (!isFollowed(value)) throw formFailure(`how the catalog of zone id ${zoneId} is followed`);
    return value;
  });
}

export function followedWrite(zoneId: number, followed: FollowedCatalog): DocumentWrite {
  return { zoneId, kind: KIND, id: FOLLOWED, value: { version: 1, ...followed } };
}

/** Undefined for a zone that no catalog brought. Throws STORE_DAMAGED. */
export function readMembership(reader: StoreReader, zoneId: number): Membership | undefined {
  return MEMBERSHIPS.read(reader, zoneId, (value) => {
    if (!isMembership(value)) throw formFailure(`the catalog that zone id ${zoneId} is a member of`);
    return value;
  });
}

export function membershipWrite(zoneId: number, membership: Membership): DocumentWrite {
  return { zoneId, kind: KIND, id: MEMBER, value: { version: 1, ...membership } };
}

function isFollowed(value: unknown): value is FollowedCatalog {
  return hasFields(value, {
    version: (version) => version === 1,
    templates: isArrayOf((each): each is MemberTemplate =>
      hasFields(each, {
        group: 'string?',
        primaries: isArrayOf(isPrimary),
        mode: (mode) => mode === 'copy' || mode === 'sign',
      }),
    ),
    membersMax: 'number',
    confirmedSerial: 'number?',
  });
}

function isMembership(value: unknown): value is Membership {
  return hasFields(value, {
    version: (version) => version === 1,
    catalog: 'string',
    catalogId: 'number',
    label: 'string',
    groups: isArrayOf(isString),
    isReset: (isReset) => isReset === undefined || isReset === true,
  });
}
