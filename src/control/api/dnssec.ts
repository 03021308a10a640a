/** What may be asked about a zone's keys: rollovers, orders to them, the policy. Types only. */
import { type ActorKind } from '#store/audit/entries.ts';
import { type Problem, type Result } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { type KeyPolicy } from '#dnssec/key-policy.ts';
import { type KeyRole } from '#dnssec/key-stage.ts';
import { type Explanation } from '#lifecycle/explain.ts';
import { type Hold, type LifecycleObservation, type TransitionRecord } from '#lifecycle/state.ts';
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
  | {
      readonly kind: 'dnssec.policy';
      readonly zone: Name;
      /** Of the zone's own: it leaves a named one with it. */
      readonly policy?: KeyPolicyChange;
      /** The named policy that it shall have from now on. */
      readonly policyName?: string;
    }
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
      /** Ids of the keys whose DS is at every server of the parent, when they are others than before. */
      readonly parentKeys?: readonly string[];
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

export interface ParentView {
  readonly atMs: number;
  readonly servers: readonly {
    readonly place: string;
    readonly text: string;
    /** What is wrong with it. */
    readonly problem: string | undefined;
  }[];
  /** Why no server was found to be asked. */
  readonly failure?: string;
}

/** What came of the last NOTIFY(CDS) to the parent. Wall time. */
export interface CdsNotifyView {
  readonly atMs: number;
  readonly isAcknowledged: boolean;
  readonly text: string;
  /** `HOST:PORT` of the parent's endpoint, where it has one. */
  readonly target?: string;
}

export interface DnssecView {
  readonly policy: KeyPolicy;
  /** Undefined: it is the zone's own. */
  readonly policyName?: string;
  readonly rollovers: readonly RolloverView[];
  /** What the parent's name servers said last, wall time; undefined: not asked since the start. */
  readonly parent?: ParentView;
  /** Undefined: there was nothing to tell the parent since the start. */
  readonly notify?: CdsNotifyView;
  /** When a key reaches the end of its lifetime next, wall time; undefined: never. */
  readonly nextRollMs?: number;
}

/** A policy that zones have by its name. */
export interface NamedPolicy {
  readonly name: string;
  readonly policy: KeyPolicy;
  /** Signed zones that have it. */
  readonly zones: number;
}

export interface PolicyOutcome extends NamedPolicy {
  readonly changed: boolean;
  readonly dryRun: boolean;
  /** What follows in the zones that have it, a line each. */
  readonly plan: readonly string[];
  readonly warnings: readonly Problem[];
}

/** Who asks, and whether anything is written. */
export interface AskedBy {
  readonly actor: { readonly kind: ActorKind; readonly id: string; readonly from: string };
  readonly dryRun: boolean;
}

/** What holds all rollovers of all zones. Wall time. */
export type Freeze = Hold;

export interface DnssecApi {
  /** Of a signed zone. */
  view(record: ZoneRecord): DnssecView;
  /** In order of names; `default` is always there. */
  policies(): readonly NamedPolicy[];
  /** Makes or changes a policy. Its zones take it over within an hour. */
  setPolicy(name: string, change: KeyPolicyChange, by: AskedBy): Promise<Result<PolicyOutcome>>;
  /** Rejected while zones have it; `default` goes back to what it was. */
  removePolicy(name: string, by: AskedBy): Promise<Result<PolicyOutcome>>;
  /** Takes the clock as right, whatever it said before. */
  acceptClock(reason: string, by: AskedBy): Promise<Result<undefined>>;
  freeze(): Freeze | undefined;
  /** Holds all rollovers of all zones; undefined: they move again. */
  setFreeze(reason: string | undefined, by: AskedBy): Promise<Result<Freeze | undefined>>;
}

/** One DS record as a registrar asks for it (RFC 4034 §5.1). */
export interface DsForm {
  readonly keyTag: number;
  readonly algorithm: number;
  readonly digestType: 2 | 4;
  /** Upper-case hexadecimal. */
  readonly digest: string;
  /** `zone. 3600 IN DS …` */
  readonly record: string;
  /** For registrars that want the key: flags, protocol, algorithm, base64 public key. */
  readonly dnskey: {
    readonly flags: number;
    readonly protocol: 3;
    readonly algorithm: number;
    readonly publicKey: string;
  };
}
