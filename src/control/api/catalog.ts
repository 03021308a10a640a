/** What the API may ask about catalogs (RFC 9432), ours and those of other servers. Types only. */
import { type Result } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { type SecondaryRole, type ZoneRecord } from '#store/schema.ts';
import { type MemberTemplate, type Membership } from '#store/transfer/followed-catalogs.ts';
import { type Primary } from '#store/transfer/primaries.ts';

export type CatalogCommand =
  /** A new catalog without members. */
  | { readonly kind: 'catalog.create'; readonly zone: Name }
  /** The zone is a member of the catalog `zone` from now on, with these groups and no others. */
  | {
      readonly kind: 'catalog.add';
      readonly zone: Name;
      readonly member: Name;
      readonly groups: readonly string[];
      /** The catalog that it is to belong to from now on; null: it stays; absent: as it is. */
      readonly coo?: Name | null;
    }
  | { readonly kind: 'catalog.remove'; readonly zone: Name; readonly member: Name }
  /** The member of `zone` becomes one of `to` under the same label, and `zone` says so (`coo`). */
  | { readonly kind: 'catalog.move'; readonly zone: Name; readonly member: Name; readonly to: Name }
  | FollowCommand;

/** About a catalog `zone` of another server. */
type FollowCommand =
  | {
      readonly kind: 'catalog.settings';
      readonly zone: Name;
      readonly templates: readonly MemberTemplate[];
      readonly membersMax?: number;
    }
  /** So many members go, that the catalog does not have any more. */
  | {
      readonly kind: 'catalog.confirm';
      readonly zone: Name;
      readonly removals: number;
      /** Of the version that was looked at: another removes as many, and perhaps others. */
      readonly serial?: Serial;
    }
  /** A zone from primaries is a member now, or has another place, group or template. Given by the follower alone. */
  | {
      readonly kind: 'catalog.assign';
      readonly zone: Name;
      readonly primaries: readonly Primary[];
      readonly mode: SecondaryRole['mode'];
      readonly membership: Membership;
    };

export interface CatalogMemberView {
  /** Absolute, lower-case. */
  readonly zone: string;
  /** Of its node in the catalog. */
  readonly label: string;
  readonly groups: readonly string[];
  /** The catalog that it is to belong to from now on. */
  readonly coo?: string;
}

/** A catalog of another server. */
export interface FollowedView {
  /** `waiting`: it has never been there. `broken`: it is ignored. `held`: it removes more than it may by itself. */
  readonly state: 'waiting' | 'current' | 'busy' | 'broken' | 'held';
  readonly templates: readonly MemberTemplate[];
  readonly membersMax: number;
  /** Zones here that it brought. */
  readonly members: number;
  /** Why it is ignored: words that follow its name. */
  readonly broken?: string;
  /** Members whose names are taken; the first of them, and how many. */
  readonly clashes: readonly { readonly zone: string; readonly why: string }[];
  readonly clashCount: number;
  /** Members that it does not have any more, and that are still here; the first of them, and how many. */
  readonly held: readonly string[];
  readonly heldCount: number;
  /** What did not work last. */
  readonly failure?: string;
}

export interface CatalogsApi {
  /** Undefined for a catalog that is kept here. */
  followed(catalog: ZoneRecord): FollowedView | undefined;

  /** By name. */
  list(): readonly ZoneRecord[];
  /** At most `limit`, after the one with the label `after`, by label. Fails when there is no such catalog. */
  members(catalog: Name, limit: number, after?: string): Result<readonly CatalogMemberView[]>;
}
