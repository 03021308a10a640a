/**
 * What all zones' keys have in common: policies with names, and the hold of all rollovers. A change of either is one
 * write; the zones follow in their turns, spread over the hour.
 * Not here: what a policy may say (policy-change.ts), the step in which a zone takes it over (steps.ts).
 */
import {
  KEY_POLICIES_MAX,
  POLICY_PLAN_ZONES_MAX,
  POLICY_SPREAD_EACH_MS,
  POLICY_SPREAD_MS,
} from '#base/limits/dnssec.ts';
import { atField } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { DEFAULT_POLICY_NAME, KEY_POLICY, type KeyPolicy, isPolicyName } from '#dnssec/key-policy.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import {
  acceptedClockWrite,
  freezeWrite,
  policyNameOf,
  policyNames,
  policyWrite,
  readFreeze,
  readPolicy,
} from '#store/dnssec/policies.ts';
import { rolloverWrite } from '#store/dnssec/rollovers.ts';
import { type ZoneRecord, isSignedHere } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import {
  type AskedBy,
  type DnssecApi,
  type DnssecView,
  type Freeze,
  type KeyPolicyChange,
  type NamedPolicy,
  type PolicyOutcome,
} from '#control/api/dnssec.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type CdsNotifier } from './cds-notifier.ts';
import { changedPolicy, noPolicy } from './policy-change.ts';
import { type SigningClock } from '#control/signing/signing-clock.ts';
import { type DnssecSteps } from './steps.ts';

export interface DnssecPoliciesOptions {
  readonly writer: StoreWriter;
  readonly funnel: Funnel;
  readonly steps: DnssecSteps;
  readonly notifier: Pick<CdsNotifier, 'view'>;
  readonly time: CountedTime;
  readonly signingClock: SigningClock;
  /** Something may have become due. */
  readonly onDue: () => void;
}

export class DnssecPolicies implements DnssecApi {
  readonly #options: DnssecPoliciesOptions;

  constructor(options: DnssecPoliciesOptions) {
    this.#options = options;
  }

  view(record: ZoneRecord): DnssecView {
    const { steps, writer, notifier } = this.#options;
    const notify = notifier.view(record);
    return { ...steps.view({ record, view: writer.view(record) }), ...(notify && { notify }) };
  }

  policies(): readonly NamedPolicy[] {
    const { writer } = this.#options;
    const names = new Set([DEFAULT_POLICY_NAME, ...policyNames(writer)]);
    return [...names].toSorted().map((name) => this.#named(name, readPolicy(writer, name)!));
  }

  async setPolicy(name: string, change: KeyPolicyChange, by: AskedBy): Promise<Result<PolicyOutcome>> {
    const { writer } = this.#options;
    const refused = nameProblem(name, writer);
    if (refused !== undefined) return fail(refused);
    const policy = changedPolicy(readPolicy(writer, name) ?? KEY_POLICY, change, true);
    return policy.ok ? this.#put(name, policy.value, by, policy.warnings) : policy;
  }

  async removePolicy(name: string, by: AskedBy): Promise<Result<PolicyOutcome>> {
    const { writer } = this.#options;
    if (!policyNames(writer).includes(name)) return fail(noPolicy(name));
    const zones = this.#zonesOf(name);
    if (name === DEFAULT_POLICY_NAME || zones.length === 0) return this.#put(name, null, by, []);
    const why = `${zones.length} zones have the key policy ${name}, ${zones[0]!.name} is one; nothing was changed`;
    return fail(
      problem('DNSSEC_POLICY_USED', atField('name'), why, {
        fix: `give them another: waxseal dnssec policy ${zones[0]!.name} --name default`,
      }),
    );
  }

  async acceptClock(reason: string, { actor, dryRun }: AskedBy): Promise<Result<undefined>> {
    const { funnel, signingClock } = this.#options;
    const done = await funnel.change({ actor, action: 'dnssec.accept-clock', dryRun, upkeep: true }, () => {
      const documents = dryRun ? [] : [acceptedClockWrite(signingClock.accept())];
      return ok({ documents, detail: `the clock is right: ${reason}`, isChanged: true });
    });
    return done.ok ? ok(undefined) : done;
  }

  freeze(): Freeze | undefined {
    const hold = readFreeze(this.#options.writer);
    const { wallOffsetMs } = this.#options.time.read();
    return hold === undefined ? undefined : { ...hold, atMs: hold.atMs + wallOffsetMs };
  }

  async setFreeze(reason: string | undefined, { actor, dryRun }: AskedBy): Promise<Result<Freeze | undefined>> {
    const { writer, funnel, time, onDue } = this.#options;
    const by = actor.kind === 'socket' ? 'administrator' : `${actor.kind} ${actor.id}`;
    const hold = reason === undefined ? undefined : { reason, by, atMs: time.nowMs() };
    const isChanged = readFreeze(writer)?.reason !== reason;
    const action = hold === undefined ? 'dnssec.resume-all' : 'dnssec.hold-all';
    const what = hold === undefined ? 'move again' : `are held: ${reason}`;
    const done = await funnel.change({ actor, action, dryRun, upkeep: true }, () => {
      const woken =
        hold === undefined
          ? wake(
              this.#options,
              signedZones(writer, () => true),
            )
          : [];
      const documents = isChanged ? [freezeWrite(hold ?? null), ...woken] : [];
      return ok({ documents, detail: `rollovers of all zones ${what}`, isChanged, afterCommit: onDue });
    });
    if (!done.ok) return done;
    if (hold === undefined || !isChanged) return ok(hold === undefined ? undefined : this.freeze());
    return ok({ ...hold, atMs: hold.atMs + time.read().wallOffsetMs });
  }

  #zonesOf(name: string): readonly ZoneRecord[] {
    return signedZones(this.#options.writer, (each) => policyNameOf(each) === name);
  }

  #named(name: string, policy: KeyPolicy): NamedPolicy {
    return { name, policy, zones: this.#zonesOf(name).length };
  }

  /** Writes the policy, or removes it, and wakes its zones. */
  async #put(
    name: string,
    stored: KeyPolicy | null,
    { actor, dryRun }: AskedBy,
    warnings: readonly Problem[],
  ): Promise<Result<PolicyOutcome>> {
    const { writer, funnel, onDue } = this.#options;
    const zones = this.#zonesOf(name);
    const policy = stored ?? KEY_POLICY;
    const isOther = JSON.stringify(policy) !== JSON.stringify(readPolicy(writer, name));
    const changed = isOther || (stored === null) === policyNames(writer).includes(name);
    const plan = isOther ? planOf(this.#options, zones, policy, name) : [];
    const action = stored === null ? 'dnssec.policy-remove' : 'dnssec.policy-set';
    const done = await funnel.change({ actor, action, dryRun }, () =>
      ok({
        documents: changed ? [policyWrite(name, stored), ...wake(this.#options, isOther ? zones : [])] : [],
        detail: `key policy ${name}, which ${zones.length} zones have`,
        isChanged: changed,
        afterCommit: onDue,
      }),
    );
    return done.ok ? ok({ ...this.#named(name, policy), changed, dryRun, plan, warnings }) : done;
  }
}

function nameProblem(name: string, writer: StoreWriter): Problem | undefined {
  const at = atField('name');
  if (!isPolicyName(name))
    return problem('DNSSEC_POLICY', at, `${JSON.stringify(name)} is no name: small letters, digits and hyphens are`);
  const names = policyNames(writer);
  if (names.includes(name) || names.length < KEY_POLICIES_MAX) return undefined;
  return problem(
    'DNSSEC_POLICY',
    at,
    `there are ${names.length} key policies already, which is as many as there may be`,
  );
}

function signedZones(writer: StoreWriter, is: (record: ZoneRecord) => boolean): readonly ZoneRecord[] {
  return writer.zones().filter((each) => isSignedHere(each) && is(each));
}

/** Makes zones due, one after the other. */
function wake({ steps, time }: DnssecPoliciesOptions, zones: readonly ZoneRecord[]): DocumentWrite[] {
  const nowMs = time.nowMs();
  const eachMs = Math.min(POLICY_SPREAD_EACH_MS, POLICY_SPREAD_MS / Math.max(1, zones.length));
  return zones.map((record, at) => rolloverWrite(record.id, steps.stored(record), nowMs + Math.floor(at * eachMs)));
}

/** What would follow in the first zones; the others are counted. */
function planOf(
  { writer, steps }: DnssecPoliciesOptions,
  zones: readonly ZoneRecord[],
  policy: KeyPolicy,
  policyName: string,
): readonly string[] {
  const shown = zones.slice(0, POLICY_PLAN_ZONES_MAX).flatMap((record) => {
    const zone = { record, view: writer.view(record) };
    const { plan = [] } = steps.step(zone, { detail: '', policy, policyName });
    return plan.map((line) => `${record.name} ${line}`);
  });
  const left = zones.length - POLICY_PLAN_ZONES_MAX;
  return left > 0 ? [...shown, `and the same in ${left} more zones, one after the other within an hour`] : shown;
}
