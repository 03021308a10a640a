/**
 * What the API may ask about transfers: TSIG keys, and a zone's secondaries. Types only.
 * Not here: how keys are kept (control/transfer/tsig-register.ts).
 */
import { type ActorKind } from '#store/audit/entries.ts';
import { type Result } from '#base/problem.ts';
import { type CatalogCommand, type CatalogsApi } from './catalog.ts';
import { type Name } from '#dns/name.ts';
import { type TsigOperation } from '#transfer/grants.ts';
import { type UpdateRightsText } from '#transfer/update-rights.ts';
import { type Secondary } from '#store/transfer/secondaries.ts';
import { type FollowedCatalog, type Membership } from '#store/transfer/followed-catalogs.ts';
import { type Primary } from '#store/transfer/primaries.ts';
import { type SecondaryRole, type ZoneRecord } from '#store/schema.ts';

export type TransferCommand =
  | CatalogCommand
  /** Replaces the secondary with the same address. */
  | {
      readonly kind: 'secondary.add';
      readonly zone: Name;
      readonly ip: string;
      readonly port: number;
      readonly key?: string;
      /** It shows a certificate with one of these keys over TLS. */
      readonly pins?: readonly string[];
    }
  | { readonly kind: 'secondary.remove'; readonly zone: Name; readonly ip: string }
  /** A new zone that comes from primaries. */
  | {
      readonly kind: 'secondary.create';
      readonly zone: Name;
      readonly primaries: readonly Primary[];
      /** It comes unsigned, and is signed here. */
      readonly isSigning: boolean;
      /** It is a catalog, and its members become zones here in this way. */
      readonly catalog?: Pick<FollowedCatalog, 'templates'> & Partial<Pick<FollowedCatalog, 'membersMax'>>;
      /** A catalog brings it. Given by the follower alone. */
      readonly membership?: Membership;
    }
  /** Kept here, or from primaries, as it comes or signed here; primaries absent: those that it has. */
  | {
      readonly kind: 'zone.role';
      readonly zone: Name;
      readonly role: 'primary' | 'copy' | 'sign';
      readonly primaries?: readonly Primary[];
    }
  /** It comes from these primaries from now on. */
  | { readonly kind: 'primaries.set'; readonly zone: Name; readonly primaries: readonly Primary[] };

/** A key as it is shown; its secret is shown once, when it is made. */
export interface TsigKeyInfo {
  /** Absolute, lower-case. */
  readonly name: string;
  readonly algorithm: string;
  /** Octets of the MACs that it makes, and the fewest that are taken. */
  readonly macBytes: number;
  readonly operations: readonly TsigOperation[];
  /** `all`, or names of zones. */
  readonly zones: 'all' | readonly string[];
  /** What a key for UPDATE may change; absent: all that its zones let it. */
  readonly update?: UpdateRightsText;
  readonly createdAtMs: number;
}

/** What a new key shall be. */
export interface TsigKeyWanted {
  readonly name: string;
  readonly algorithm: string;
  /** Base64; absent: a random one. */
  readonly secret?: string;
  readonly macBytes?: number;
  readonly operations: readonly TsigOperation[];
  readonly zones: 'all' | readonly string[];
  readonly update?: UpdateRightsText;
}

/** Who asks; control's own type of it knows this file. */
interface TransferActor {
  readonly kind: ActorKind;
  readonly id: string;
  readonly from: string;
}

/** How far a secondary is, as far as is known since the last start. */
export interface SecondaryView {
  /** The serial of the last change that it has acknowledged. */
  readonly acknowledged?: number;
  /** The serial that it was seen to have. */
  readonly seen?: number;
  /** What went wrong last: words that follow its address. */
  readonly failure?: string;
}

/** What is known of a zone that comes from primaries. Times are wall times, milliseconds. */
export interface PrimaryState {
  readonly mode: SecondaryRole['mode'];
  /** `waiting`: it has never been there. `failing`: no primary was of use when it was last looked at. */
  readonly state: 'waiting' | 'current' | 'failing' | 'expired';
  readonly isLooking: boolean;
  /** The serial that came last. */
  readonly serial?: number;
  readonly checkedAtMs?: number;
  readonly expiresAtMs?: number;
  readonly nextLookAtMs: number;
  /** What was left out of what came last. */
  readonly notes: readonly string[];
  readonly primaries: readonly (Primary & {
    readonly serial?: number;
    readonly failure?: string;
    readonly lookedAtMs?: number;
  })[];
}

export interface TransferApi {
  readonly catalogs: CatalogsApi;
  keys(): readonly TsigKeyInfo[];
  createKey(
    wanted: TsigKeyWanted,
    actor: TransferActor,
    dryRun?: boolean,
  ): Promise<Result<{ readonly info: TsigKeyInfo; readonly secret: string }>>;
  revokeKey(name: string, actor: TransferActor, dryRun?: boolean): Promise<Result<undefined>>;
  secondaries(zone: ZoneRecord): readonly (Secondary & SecondaryView)[];
  /** Undefined for a zone that is kept here. */
  primaries(zone: ZoneRecord): PrimaryState | undefined;
}
