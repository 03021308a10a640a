/** What may be asked about a zone's keys: rollovers, orders to them, the policy. Types only. */
import { type Name } from '#dns/name.ts';
import { type KeyPolicy } from '#dnssec/key-policy.ts';
import { type KeyRole } from '#dnssec/key-stage.ts';
import { type Explanation } from '#lifecycle/explain.ts';
import { type LifecycleObservation, type TransitionRecord } from '#lifecycle/state.ts';
import { type ZoneRecord } from '#store/schema.ts';

export type DnssecCommand =
  /** Rolls the zone's key of that role. */
  | {
      readonly kind: 'dnssec.roll';
      readonly zone: Name;
      readonly role: KeyRole;
      /** The key is compromised: `safe` keeps the chain of trust, `now` takes the key out at once. */
      readonly emergency?: 'safe' | 'now';
    }
  /** What keys the zone shall have; what is not given stays. Rollovers bring it about. */
  | { readonly kind: 'dnssec.policy'; readonly zone: Name; readonly policy: KeyPolicyChange }
  /** Leaves DNSSEC when no cache can have a DS any more: CDS asks for no DS until then. */
  | { readonly kind: 'dnssec.leave'; readonly zone: Name }
  /** Calls a rollover off that nothing depends on yet. */
  | { readonly kind: 'dnssec.cancel'; readonly zone: Name; readonly object: string; readonly reason: string }
  | { readonly kind: 'dnssec.hold'; readonly zone: Name; readonly object?: string; readonly reason: string }
  | { readonly kind: 'dnssec.resume'; readonly zone: Name; readonly object?: string }
  | {
      readonly kind: 'dnssec.override';
      readonly zone: Name;
      readonly object: string;
      readonly wait: string;
      readonly reason: string;
    }
  /** What is due is done; what was seen is taken note of. */
  | {
      readonly kind: 'dnssec.tick';
      readonly zone: Name;
      readonly observations: readonly LifecycleObservation[];
      readonly dsTtlSeconds?: number;
    };

/** Null: none. */
export type KeyPolicyChange = {
  readonly [Field in keyof KeyPolicy]?: KeyPolicy[Field] | (undefined extends KeyPolicy[Field] ? null : never);
};

/** A rollover under way. */
export interface RolloverView {
  readonly object: string;
  /** Tags of the keys that go and that come. */
  readonly out: readonly number[];
  readonly in: readonly number[];
  /** Wall time. */
  readonly beganAtMs: number;
  readonly history: readonly TransitionRecord[];
  readonly explanation: Explanation;
}

export interface DnssecView {
  readonly policy: KeyPolicy;
  readonly rollovers: readonly RolloverView[];
  /** When a key reaches the end of its lifetime next, wall time; undefined: never. */
  readonly nextRollMs?: number;
}

export interface DnssecApi {
  /** Of a signed zone. */
  view(record: ZoneRecord): DnssecView;
}
