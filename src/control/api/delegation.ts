/** What may be asked about the delegations of a zone: DS records that follow the children's CDS. Types only. */
import { type Name } from '#dns/name.ts';
import { type ZoneRecord } from '#store/schema.ts';

export type DelegationCommand =
  /** Whether DS records of the zone follow CDS; what is not given stays, or has its default. */
  | {
      readonly kind: 'delegation.set';
      readonly zone: Name;
      readonly isOn: boolean;
      /** Host and port that take NOTIFY(CDS). */
      readonly target?: string;
      readonly port?: number;
      /** Asked in place of the children's name servers. */
      readonly servers?: readonly string[];
      /** TTL of the DS records, seconds. */
      readonly dsTtl?: number;
    }
  /** The DS RRset of a delegation becomes the one that the child was seen to ask for. */
  | {
      readonly kind: 'delegation.take';
      readonly zone: Name;
      readonly child: Name;
      /** DS RDATA that the request was judged with. */
      readonly before: readonly Uint8Array[];
      readonly ds: readonly Uint8Array[];
      /** Of the request's signatures, seconds. */
      readonly inception: number;
      readonly text: string;
    }
  /** Signals of the zone's first DS stand where they are wanted, and nowhere else. */
  | { readonly kind: 'delegation.signal'; readonly zone: Name };

export type ChildOutcome = 'none' | 'same' | 'taken' | 'held';

/** What the last look at a child showed. Wall time. */
export interface ChildView {
  readonly child: string;
  readonly lookedAtMs?: number;
  readonly outcome?: ChildOutcome;
  readonly text?: string;
  /** When it is looked at next, unless a NOTIFY comes. */
  readonly nextAtMs: number;
}

export interface DelegationsView {
  /** Undefined: DS records are put by hand. */
  readonly settings?: {
    readonly target: string;
    readonly port: number;
    readonly servers: readonly string[];
    readonly dsTtl: number;
  };
  /** In the order of their names; none while they are not listed yet. */
  readonly children: readonly ChildView[];
  /** There are more delegations than are looked at: the DS records of the others are kept by hand. */
  readonly isCut: boolean;
}

export interface DelegationApi {
  view(record: ZoneRecord): DelegationsView;
}
