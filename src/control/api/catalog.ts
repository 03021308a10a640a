/** What the API may ask about catalogs (RFC 9432). Types only. */
import { type Result } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type ZoneRecord } from '#store/schema.ts';

export type CatalogCommand =
  /** A new catalog without members. */
  | { readonly kind: 'catalog.create'; readonly zone: Name }
  /** The zone is a member of the catalog `zone` from now on, with these groups and no others. */
  | {
      readonly kind: 'catalog.add';
      readonly zone: Name;
      readonly member: Name;
      readonly groups: readonly string[];
    }
  | { readonly kind: 'catalog.remove'; readonly zone: Name; readonly member: Name };

export interface CatalogMemberView {
  /** Absolute, lower-case. */
  readonly zone: string;
  /** Of its node in the catalog. */
  readonly label: string;
  readonly groups: readonly string[];
}

export interface CatalogsApi {
  /** By name. */
  list(): readonly ZoneRecord[];
  /** At most `limit`, after the one with the label `after`, by label. Fails when there is no such catalog. */
  members(catalog: Name, limit: number, after?: string): Result<readonly CatalogMemberView[]>;
}
