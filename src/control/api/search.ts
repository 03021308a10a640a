/**
 * What `admin/` may ask of the index of names and contents. The index tells where something may be, and leaves nothing
 * out; whether it is there, and may be seen, is for who asks.
 */
import { type OwnerKey } from '#dns/name.ts';
import { type RrType } from '#dns/types.ts';

/** A place in the order of zones and names. */
export interface SearchPlace {
  readonly zoneKey: OwnerKey;
  readonly ownerKey: OwnerKey;
}

/** What a name must have to be of interest. */
export interface WantedContents {
  /** Each is part of the name's text (control/search/node-text.ts). */
  readonly parts: readonly string[];
  readonly type?: RrType | undefined;
  readonly manager?: string | undefined;
}

export interface IndexQuestion extends WantedContents {
  /** Ids; `all` is for a sender that may read every zone whole. */
  readonly zones: 'all' | readonly number[];
  /** Only names at or below this one. */
  readonly below?: OwnerKey | undefined;
  /** The first place of interest; absent: from the first zone on. */
  readonly from?: SearchPlace | undefined;
}

/** A name, or where `isWhole` all names of the zone from this one on: nothing is known of them. */
export interface IndexStep extends SearchPlace {
  readonly isWhole: boolean;
}

export interface IndexAnswer {
  /** In the order of zones and names. */
  readonly steps: readonly IndexStep[];
  /** Where the next answer begins; absent: these are all. */
  readonly next?: SearchPlace;
  /** Names that were looked at for it. */
  readonly looked: number;
}

export interface ContentIndexApi {
  /** Undefined: there is no index, or none in time, and all names are to be looked at. */
  find(question: IndexQuestion): Promise<IndexAnswer | undefined>;
}
