/**
 * Steps of a zone's mail: what the pure step (mail/step.ts) decides, with the store, the clock and the keys that it needs. A step is
 * data until its decision is carried out.
 * Not here: which command asks for a step (decide.ts), when steps are due (control/lifecycle/scheduler.ts), evidence
 * (control/outside/evidence.ts).
 */
import { assert } from '#base/assert.ts';
import { LIFECYCLE_RETRY_MS } from '#base/limits/lifecycle.ts';
import { DKIM_KEY_ROUNDS_MAX } from '#base/limits/mail.ts';
import { type Problem, type Result, fail, hasErrors, ok } from '#base/problem.ts';
import { lowerName, type Name } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { TLSA_MACHINE } from '#mail/dane/machine.ts';
import { type NewDkimKey } from '#mail/dkim/lifecycle.ts';
import { type MailFacts, mailFacts } from '#mail/facts.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type MailPolicyDocument } from '#mail/policy/schema.ts';
import { type MailReports, type ReportGround, withReports } from '#mail/reports/evidence.ts';
import { type SpfLook } from '#mail/spf/upkeep.ts';
import { type MailState } from '#mail/state.ts';
import { easeStandingTexts } from '#mail/standing.ts';
import { type MailStep, stepMail } from '#mail/step.ts';
import { readBimiUploads } from '#store/hosted/bimi-uploads.ts';
import { readMailDocument, readMailPolicy } from '#store/mail/policy.ts';
import { readReports } from '#store/mail/reports.ts';
import { readMailState, stateWrites } from '#store/mail/state.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DocumentWrite, type SecretWrite, type StoreWriter } from '#store/writer.ts';
import { type ZoneView } from '#zone/view.ts';
import { type MailNote } from '#control/api/mail.ts';
import { type ZonePart } from '#control/commands/decision.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type OutsideWitnesses, isLookable, lookPlaces } from '#control/outside/evidence.ts';
import { OWN_SERVER } from '#control/outside/name-server-place.ts';
import { reportGround } from '#control/reports/reports.ts';
import { checkChanges } from '#control/zone/change-rules.ts';
import { withoutConflicts } from '#control/zone/managed-records.ts';
import { type BimiUploading, checkShare, fileWrites, hostedPlan } from './bimi.ts';
import { isClaimedByOthers, servedZoneOf } from './consents.ts';
import { daneWatchSteps } from './dane-watch-steps.ts';
import { DkimKeyPool } from './dkim-key-pool.ts';
import { policyHostFacts, type PolicyHostSettings } from './policy-host.ts';
import { type FreshDkimKey, newDkimKey } from './dkim-keys.ts';
import { lookAtZoneSpf } from './spf.ts';
import { stsWatchSteps } from './sts-watch-steps.ts';

export interface MailStepsOptions {
  readonly writer: StoreWriter;
  readonly time: CountedTime;
  readonly random: (bytes: number) => Uint8Array;
  /** Further name servers must show a record before it counts as published, and probes a body. */
  readonly witnesses: OutsideWitnesses;
  /** What the register of signers says of each, for this zone. */
  readonly signers: (zone: Name) => MailFacts['signers'];
  /** It is known how often DKIM selectors are asked for here. */
  readonly countsQueries?: boolean;
  /** How senders find this server's policy host. */
  /** As it is configured now. */
  readonly policyHost: () => PolicyHostSettings;
  /** The setting `limits.records_per_rrset`. */
  readonly recordsPerRrsetMax: number;
}

/** What the store keeps of a zone's mail. */
export interface StoredMail {
  readonly document: MailPolicyDocument;
  readonly policy: MailPolicy;
  readonly state: MailState;
}

/** What a step is taken with, beside policy and state. */
export interface StepRequest {
  /** The beginning of the line for the audit log. */
  readonly detail: string;
  readonly isTakeOver?: boolean;
  /** Errors stop the step; without it the zone gets what can be done. */
  readonly isStrict?: boolean;
  readonly isQuiet?: boolean;
  readonly newKeys?: readonly NewDkimKey[];
  readonly observations?: readonly LifecycleObservation[];
  /** Those in the store, unless given. */
  readonly reports?: MailReports;
  /** What is uploaded with it; those in the store, unless given. */
  readonly uploading?: BimiUploading;
  /** Whether the step may put a new record into the zone with this apex; into none unless given. */
  readonly mayChange?: (apex: Name) => boolean;
}

/** What a step wants to write. */
export interface MailChange {
  /** The zone itself first; others that need a record for it after. */
  readonly parts: readonly ZonePart[];
  readonly documents: readonly DocumentWrite[];
  readonly secrets: readonly SecretWrite[];
  readonly keys: readonly FreshDkimKey[];
  readonly events: readonly LifecycleEvent[];
  readonly detail: string;
  readonly note: MailNote;
  readonly warnings: readonly Problem[];
  /** False if policy and state are unchanged apart from what they remember of caches. */
  readonly isChanged: boolean;
  /** What a hosted logo waits for then, for people; absent: none is hosted. */
  readonly plan?: readonly string[];
  /** Too common for an entry in the audit log. */
  readonly isQuiet: boolean;
}

export class MailSteps {
  readonly #options: MailStepsOptions;
  readonly #writer: StoreWriter;
  readonly #keys: DkimKeyPool;

  constructor(options: MailStepsOptions) {
    this.#options = options;
    this.#writer = options.writer;
    this.#keys = new DkimKeyPool((algorithm) => newDkimKey(algorithm, options.writer.sealer, options.random));
  }

  /** What the SPF record of the zone with `policy` depends on, now. */
  lookAtSpf(record: ZoneRecord, policy: MailPolicy, resolver: Resolver): Promise<SpfLook> {
    return lookAtZoneSpf(this.#writer, record, policy, this.facts(this.#writer.view(record)), resolver);
  }

  /** One step of the zone's mail, with the keys that it asks for, checked against the zone's rules. */
  async step(
    { record, view }: ServedZone,
    { policy, state }: Pick<StoredMail, 'policy' | 'state'>,
    given: StepRequest,
  ): Promise<Result<MailChange>> {
    const reports = given.reports ?? readReports(this.#writer, record.id);
    const known = readBimiUploads(this.#writer, record.id);
    const uploading = given.uploading ?? { uploads: known, fresh: new Map<string, Uint8Array>() };
    const input = this.#input({ record, view }, reportGround(reports, view, policy, state), uploading.uploads);
    const fresh: FreshDkimKey[] = [];
    const take = (): MailStep =>
      stepMail({
        ...input,
        isTakeOver: given.isTakeOver ?? false,
        mayChange: given.mayChange ?? (() => false),
        newKeys: [...(given.newKeys ?? []), ...fresh.map(({ key }) => key)],
        observations: [...(given.observations ?? []), ...input.observations],
      });
    let step = take();
    for (let round = 0; step.wantedKeys.length > 0; round++) {
      assert(round < DKIM_KEY_ROUNDS_MAX, 'a mail step wants more keys each time');
      // With those of the rounds before: the pool gives the same ones first.
      const algorithms = [...fresh.map(({ key }) => key.algorithm), ...step.wantedKeys];
      fresh.splice(0, fresh.length, ...(await this.#keys.keysFor(record.name, algorithms)));
      step = take();
    }
    const taken = new Set(step.state.dkim.lifecycle.objects.map(({ data }) => data.secretId));
    const kept = fresh.filter(({ key }) => taken.has(key.secretId));
    const changes = given.isStrict === true ? step.changes : withoutConflicts(view, step.changes);
    const { recordsPerRrsetMax } = this.#options;
    const broken = checkChanges(view, changes, { signed: input.isSigned, recordsPerRrsetMax });
    // What stands in the zone already is no reason to reject a policy that keeps it.
    const told = given.isStrict === true ? easeStandingTexts(step.problems, view) : step.problems;
    const found = [...told, ...broken];
    if (hasErrors(broken) || (hasErrors(found) && given.isStrict === true)) return fail(...found);
    const lookable = step.checks.filter((each) => isLookable(each, input.facts.places));
    const due = [step.nextDueMs, ...lookable.map(({ dueMs }) => dueMs)];
    const times = due.filter((each) => each !== undefined);
    // An error is looked at again soon: what is in its way may be gone.
    if (hasErrors(found)) times.push(input.facts.nowMs + LIFECYCLE_RETRY_MS);
    const dueAtMs = times.length === 0 ? undefined : Math.min(...times);
    const parts: ZonePart[] = [{ record, view, changes }];
    for (const { apex, changes: there } of step.elsewhere) {
      const zone = servedZoneOf(this.#writer, apex);
      if (zone !== undefined) parts.push({ ...zone, changes: there });
    }
    const states = stateWrites(record.id, step.state, dueAtMs);
    const share = given.uploading === undefined ? [] : checkShare(this.#writer, record, uploading, step.state.bimi);
    if (hasErrors(share)) return fail(...share);
    const files = fileWrites(this.#writer, record.id, uploading, step.state.bimi);
    return ok({
      parts,
      documents: [...states, ...files, ...this.#watch(record, step, policy), this.#options.time.write()],
      secrets: [
        ...kept.map(({ key, sealed }) => ({ zoneId: record.id, id: key.secretId, value: sealed })),
        ...step.forgettableSecrets.map((id) => ({ zoneId: record.id, id, value: null })),
      ],
      keys: kept,
      events: step.events,
      detail: [
        given.detail,
        ...step.events.filter(({ event }) => event !== 'waiting').map(({ object, text }) => `${object}: ${text}`),
      ].join('; '),
      note: {},
      ...(given.isStrict === true || given.uploading !== undefined ? hostedPlan(step.state, input) : {}),
      warnings: found.map((each) => ({ ...each, severity: 'warning' })),
      isChanged: stableText(step.state) !== stableText(state),
      isQuiet: given.isQuiet === true && step.events.every(({ event }) => event === 'waiting'),
    });
  }

  /** What the step changes in the watches over mail hosts, and over a policy host of another server. */
  #watch({ id }: ZoneRecord, { state, events }: MailStep, policy: MailPolicy): readonly DocumentWrite[] {
    const { time, witnesses } = this.#options;
    const watched = { zoneId: id, policy, state, nowMs: time.nowMs() };
    const sts = witnesses.probes.size === 0 ? [] : stsWatchSteps(this.#writer, watched);
    if (witnesses.liveChecks === undefined || witnesses.liveChecks.size === 0) return sts;
    const isMoved = events.some(({ machine, event }) => machine === TLSA_MACHINE.kind && event === 'step');
    return [...sts, ...daneWatchSteps(this.#writer, { ...watched, isMoved })];
  }

  /** Planned keys of a change are in the store now. */
  committed(zone: string, keys: readonly FreshDkimKey[]): void {
    this.#keys.used(zone, keys);
  }

  /** What a step would do now; changes nothing. Without `ground`, from what the store has. */
  preview(zone: ServedZone, ground = this.ground(zone)): MailStep | undefined {
    return ground === undefined ? undefined : stepMail(this.#input(zone, ground));
  }

  /** What evidence from reports is made of; undefined without a mail policy. */
  ground({ record, view }: ServedZone): ReportGround | undefined {
    const stored = this.stored(record);
    if (stored === undefined) return undefined;
    return reportGround(readReports(this.#writer, record.id), view, stored.policy, stored.state);
  }

  #input({ record, view }: ServedZone, ground: ReportGround, uploads = readBimiUploads(this.#writer, record.id)) {
    const { policy, state } = ground;
    const { facts: known, observations } = withReports(this.facts(view), ground);
    const { bimiUploads: _before, ...others } = known;
    const facts = Object.keys(uploads).length === 0 ? others : { ...others, bimiUploads: uploads };
    return {
      domain: view.apex,
      policy,
      state,
      view,
      isSigned: record.dnssec === 'on',
      zoneOf: (name: Name) => servedZoneOf(this.#writer, name)?.view,
      isClaimed: (owner: Name) => isClaimedByOthers(this.#writer, record, owner),
      facts,
      observations,
    };
  }

  stored(record: ZoneRecord): StoredMail | undefined {
    const document = readMailDocument(this.#writer, record);
    const policy = readMailPolicy(this.#writer, record);
    const state = readMailState(this.#writer, record.id);
    return document === undefined || policy === undefined || state === undefined ? undefined : { document, policy, state };
  }

  /** What is known of time and witnesses now. */
  facts(view: ZoneView): MailFacts {
    const { time, witnesses, signers, policyHost, countsQueries = false } = this.#options;
    const queryCounters = countsQueries ? [OWN_SERVER] : [];
    const { nowMs, wallOffsetMs: exactMs } = time.read();
    // The machine's uptime is coarse: without this, times that are shown would differ by milliseconds from look to look.
    const wallOffsetMs = Math.round(exactMs / 1000) * 1000;
    const facts = mailFacts(nowMs, { ...lookPlaces(witnesses, view), queryCounters }, wallOffsetMs);
    const host = policyHostFacts(policyHost(), this.#writer, view.apex, nowMs + wallOffsetMs);
    const zone = this.#writer.zoneByName(lowerName(view.apex));
    const uploads = zone === undefined ? {} : readBimiUploads(this.#writer, zone.id);
    return {
      ...facts,
      signers: signers(view.apex),
      ...(host === undefined ? {} : { policyHost: host }),
      ...(Object.keys(uploads).length === 0 ? {} : { bimiUploads: uploads }),
    };
  }
}

/** A state without what it only remembers of caches and of the zone. */
function stableText({ ttls: _ttls, serials: _serials, ...state }: MailState): string {
  return JSON.stringify(state);
}
