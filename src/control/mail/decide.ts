/**
 * The mail of zones: what a mail command comes to in records, keys and later steps, ready to be committed as one. Everything is decided
 * by pure rooms (mail/); here are the store, the clock, the keys and the look-ups that those are given.
 * Not here: planning, signing, committing (control/control.ts, control/zone/writer.ts), when steps are due (control/lifecycle/scheduler.ts), evidence
 * (control/outside/evidence.ts).
 */
import { assert } from '#base/assert.ts';
import { type Clock } from '#base/clock.ts';
import { MAIL_RETRY_MS } from '#base/limits/limits.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem } from '#base/problem.ts';
import { type MailState, newMailState } from '#mail/state.ts';
import { type MailObservation, type MailStep, explainMail, stepMail } from '#mail/step.ts';
import { type MailFacts, mailFacts } from '#lifecycle/world.ts';
import { type NewDkimKey } from '#mail/dkim/lifecycle.ts';
import { policyFromZone } from '#mail/import.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type MailPolicyDocument } from '#mail/policy/schema.ts';
import { type MailReports, type ReportGround, withReports } from '#mail/reports/evidence.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type SpfLook, applyProblems, spfBasis } from '#mail/spf/upkeep.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DocumentWrite, type StoreWriter } from '#store/writer.ts';
import { type ZoneView } from '#zone/view.ts';
import { checkChanges } from '#control/zone/change-rules.ts';
import { type Actor } from '#control/api/control.ts';
import { CountedTime, type Uptime } from '#control/lifecycle/counted-time.ts';
import { DkimKeyPool } from './dkim-key-pool.ts';
import { type FreshDkimKey, newDkimKey } from './dkim-keys.ts';
import { type MailCommand, type MailProposal, type MailView } from '#control/api/mail.ts';
import { type MailPart, isClaimedByOthers, releaseConsents, servedZoneOf } from './consents.ts';
import { policyWrite, readMailDocument, readMailPolicy } from '#store/mail/policy.ts';
import { forgetReports, readReports } from '#store/mail/reports.ts';
import { spfWatchWrite } from '#store/mail/spf-watch.ts';
import { readMailState, stateWrites } from '#store/mail/state.ts';
import { readTimeline, timelineWrite } from '#store/mail/timeline.ts';
import { type OutsideWitnesses, isLookable, otherServers } from '#control/outside/evidence.ts';
import { type MailDecision, type MailForesight } from './decision.ts';
import { readGiven } from './given.ts';
import { takeOrder } from './orders.ts';
import { releaseMail, withoutConflicts } from '#control/zone/managed-records.ts';
import { type ReportCommand, reportGround, reportsStatus, takeReport } from '#control/reports/reports.ts';
import { isQuietLook, lookAtZoneSpf, lookDetail, spfStatus, watchWrite, withLook } from './spf.ts';

/** Name of the place that this server's own workers are, in evidence. */
export const OWN_SERVER = 'this server';

export interface MailRoomOptions {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly uptime: () => Uptime;
  readonly random: (bytes: number) => Uint8Array;
  /** Further name servers must show a record before it counts as published, and probes a body. */
  readonly witnesses: OutsideWitnesses;
  /** It is known how often DKIM selectors are asked for here. */
  readonly countsQueries?: boolean;
}

/** A step at most makes keys, is taken again with them, and then wants no more. */
const KEY_ROUNDS_MAX = 3;

export class MailRoom {
  readonly #options: MailRoomOptions;
  readonly #writer: StoreWriter;
  readonly #time: CountedTime;
  readonly #keys: DkimKeyPool;

  constructor(options: MailRoomOptions) {
    this.#options = options;
    this.#writer = options.writer;
    this.#time = new CountedTime(options.clock, options.uptime, readTimeline(options.writer));
    this.#keys = new DkimKeyPool((algorithm) => newDkimKey(algorithm, options.writer.sealer, options.random));
  }

  /** Counted time; what due times are in. */
  nowMs(): number {
    return this.#time.read().nowMs;
  }

  timeline(): DocumentWrite {
    return timelineWrite(this.#time.read());
  }

  // --- before the queue ---

  /** Looks up what a policy's SPF record would cost. Slow name servers out there must not hold up other changes. */
  async foresee(command: MailCommand, resolver: Resolver): Promise<Result<MailForesight>> {
    const record = command.kind === 'mail.apply' ? this.#writer.zoneByName(command.zone) : undefined;
    if (command.kind !== 'mail.apply' || record === undefined) return ok({ problems: [] });
    const given = readGiven(command.policy, command.zone);
    if (!given.ok) return given;
    if (!given.value.policy.spf.isEnabled) return ok({ problems: [], spf: null });
    const spf = await this.lookAtSpf(record, given.value.policy, resolver);
    const problems = applyProblems(spf, { domain: command.zone });
    return hasErrors(problems) ? fail(...problems) : ok({ problems, spf });
  }

  /** What the SPF record of the zone with `policy` depends on, now. */
  lookAtSpf(record: ZoneRecord, policy: MailPolicy, resolver: Resolver): Promise<SpfLook> {
    return lookAtZoneSpf(this.#writer, record, policy, this.#facts(this.#writer.view(record)), resolver);
  }

  // --- in the queue ---

  /** What `command` comes to for the zone as it is now. */
  async decide(
    command: MailCommand,
    record: ZoneRecord,
    view: ZoneView,
    actor: Actor,
    foresight: MailForesight,
  ): Promise<Result<MailDecision>> {
    const stored = this.#stored(record);
    if (command.kind === 'mail.apply') return this.#apply(command, record, view, foresight);
    if (stored === undefined) return fail(noPolicy(record.name));
    switch (command.kind) {
      case 'mail.remove':
        return ok(this.#remove(command.records, record, view, stored.state));
      case 'mta-sts.mode': {
        const policy = { ...stored.document, mtaSts: { ...stored.document.mtaSts, mode: command.mode } };
        const applied = await this.#apply({ kind: 'mail.apply', zone: command.zone, policy }, record, view, { problems: [] });
        return applied.ok ? ok({ ...applied.value, detail: `MTA-STS mode ${command.mode}` }, applied.warnings) : applied;
      }
      case 'spf.take':
        return this.#takeSpf(command.look, record, view, stored);
      case 'dmarc.report':
      case 'mta-sts.report':
        return this.#takeReport(command, record, view, stored);
      case 'lifecycle.tick':
        return this.#step(record, view, stored, { observations: command.observations, detail: 'due', isQuiet: true });
      default: {
        const facts = this.#facts(view);
        const by = actor.kind === 'socket' ? 'administrator' : `${actor.kind} ${actor.id}`;
        const order = takeOrder(command, { state: stored.state, policy: stored.policy, facts, by });
        if (!order.ok) return order;
        const { state, newKeys, detail, events, note } = order.value;
        const stepped = await this.#step(record, view, { ...stored, state }, { newKeys, detail });
        if (!stepped.ok) return stepped;
        return ok({
          ...stepped.value,
          events: [...events, ...stepped.value.events],
          note: { ...stepped.value.note, ...note },
          isChanged: true,
        });
      }
    }
  }

  async #apply(
    { policy: given, takeOver = false }: Extract<MailCommand, { kind: 'mail.apply' }>,
    record: ZoneRecord,
    view: ZoneView,
    foresight: MailForesight,
  ): Promise<Result<MailDecision>> {
    const read = readGiven(given, view.apex);
    if (!read.ok) return read;
    const { document, policy, problems } = read.value;
    const before = readMailDocument(this.#writer, record);
    const known = readMailState(this.#writer, record.id) ?? newMailState(view, view.apex, this.#facts(view).nowMs);
    const { spf } = foresight;
    const state = spf == null ? known : withLook(known, spf);
    const stepped = await this.#step(record, view, { policy, state }, { isTakeOver: takeOver, isStrict: true, detail: 'mail policy' });
    if (!stepped.ok) return fail(...stepped.problems, ...problems.filter((each) => each.severity === 'warning'));
    return ok({
      ...stepped.value,
      documents: [
        policyWrite(record.id, document),
        ...stepped.value.documents,
        ...(spf === undefined ? [] : [watchWrite(record.id, policy, spf ?? undefined)]),
      ],
      warnings: [...problems, ...foresight.problems, ...stepped.value.warnings],
      isChanged: stepped.value.isChanged || JSON.stringify(before) !== JSON.stringify(document),
    });
  }

  /** Publishes what a look found; one that another policy was made for is dropped, since who changed the policy looked too. */
  async #takeSpf(
    look: SpfLook,
    record: ZoneRecord,
    view: ZoneView,
    { policy, state }: { readonly policy: MailPolicy; readonly state: MailState },
  ): Promise<Result<MailDecision>> {
    if (look.basis !== spfBasis({ policy: policy.spf }))
      return this.#step(record, view, { policy, state }, { detail: 'due', isQuiet: true });
    // A hold on all of a zone's mail: looks go on and tell, and the records stay.
    const isHeld = state.dkim.lifecycle.hold !== undefined;
    const given = { detail: `${lookDetail(look)}${isHeld ? '; held, records stay as they are' : ''}`, isQuiet: isQuietLook(look) };
    const stepped = await this.#step(record, view, { policy, state: isHeld ? state : withLook(state, look) }, given);
    if (!stepped.ok) return stepped;
    return ok({ ...stepped.value, documents: [...stepped.value.documents, watchWrite(record.id, policy, look)] });
  }

  /** A report, with what follows from all of them now. */
  async #takeReport(
    command: ReportCommand,
    record: ZoneRecord,
    view: ZoneView,
    { policy, state }: { readonly policy: MailPolicy; readonly state: MailState },
  ): Promise<Result<MailDecision>> {
    const ground = reportGround(readReports(this.#writer, record.id), view, policy, state);
    const taken = takeReport(record.id, command, ground, this.#facts(view));
    if (!taken.ok) return taken;
    const { reports, documents, detail, warnings, isNew } = taken.value;
    const stepped = await this.#step(record, view, { policy, state }, { reports, detail });
    if (!stepped.ok) return stepped;
    return ok({
      ...stepped.value,
      documents: [...stepped.value.documents, ...documents],
      note: { text: stepped.value.detail },
      warnings: [...warnings, ...stepped.value.warnings],
      isChanged: isNew || stepped.value.isChanged,
    });
  }

  #remove(records: 'keep' | 'delete', record: ZoneRecord, view: ZoneView, state: MailState): MailDecision {
    const secrets = state.dkim.lifecycle.objects.flatMap(({ data }) => data.secretId ?? []);
    return {
      parts: [
        { record, view, changes: releaseMail(view, records, (owner) => isClaimedByOthers(this.#writer, record, owner)) },
        ...releaseConsents(this.#writer, record, records),
      ],
      documents: [
        policyWrite(record.id, null),
        ...stateWrites(record.id, null),
        spfWatchWrite(record.id, null),
        ...forgetReports(record.id),
        this.timeline(),
      ],
      secrets: secrets.map((id) => ({ zoneId: record.id, id, value: null })),
      keys: [],
      events: [],
      detail: records === 'keep' ? 'mail policy removed, its records are manual now' : 'mail policy removed with its records',
      note: {},
      warnings: [],
      isChanged: true,
      isQuiet: false,
    };
  }

  /** One step of the zone's mail, with the keys that it asks for, checked against the zone's rules. */
  async #step(
    record: ZoneRecord,
    view: ZoneView,
    { policy, state }: { readonly policy: MailPolicy; readonly state: MailState },
    given: {
      readonly detail: string;
      readonly isTakeOver?: boolean;
      /** Errors refuse the step; without it the zone gets what can be done. */
      readonly isStrict?: boolean;
      readonly isQuiet?: boolean;
      readonly newKeys?: readonly NewDkimKey[];
      readonly observations?: readonly MailObservation[];
      /** Those in the store, unless given. */
      readonly reports?: MailReports;
    },
  ): Promise<Result<MailDecision>> {
    const reports = given.reports ?? readReports(this.#writer, record.id);
    const { facts, observations } = withReports(this.#facts(view), reportGround(reports, view, policy, state));
    const signed = record.dnssec === 'on';
    const fresh: FreshDkimKey[] = [];
    const take = (): MailStep =>
      stepMail({
        domain: view.apex,
        policy,
        state,
        view,
        isSigned: signed,
        isTakeOver: given.isTakeOver ?? false,
        zoneOf: (name) => servedZoneOf(this.#writer, name)?.view,
        isClaimed: (owner) => isClaimedByOthers(this.#writer, record, owner),
        facts,
        newKeys: [...(given.newKeys ?? []), ...fresh.map(({ key }) => key)],
        observations: [...(given.observations ?? []), ...observations],
      });
    let step = take();
    for (let round = 0; step.wantedKeys.length > 0; round++) {
      assert(round < KEY_ROUNDS_MAX, 'a mail step wants more keys each time');
      // With those of the rounds before: the pool gives the same ones first.
      const algorithms = [...fresh.map(({ key }) => key.algorithm), ...step.wantedKeys];
      fresh.splice(0, fresh.length, ...(await this.#keys.keysFor(record.name, algorithms)));
      step = take();
    }
    const taken = new Set(step.state.dkim.lifecycle.objects.map(({ data }) => data.secretId));
    const kept = fresh.filter(({ key }) => taken.has(key.secretId));
    const changes = given.isStrict === true ? step.changes : withoutConflicts(view, step.changes);
    const found = [...step.problems, ...checkChanges(view, changes, signed)];
    if (hasErrors(found) && (given.isStrict === true || hasErrors(checkChanges(view, changes, signed)))) return fail(...found);
    const due = [step.nextDueMs, ...step.checks.filter((each) => isLookable(each, facts)).map(({ dueMs }) => dueMs)];
    const times = due.filter((each) => each !== undefined);
    // An error is looked at again soon: what is in its way may be gone.
    if (hasErrors(found)) times.push(facts.nowMs + MAIL_RETRY_MS);
    const parts: MailPart[] = [{ record, view, changes }];
    for (const { apex, changes: there } of step.elsewhere) {
      const zone = servedZoneOf(this.#writer, apex);
      if (zone !== undefined) parts.push({ ...zone, changes: there });
    }
    return ok({
      parts,
      documents: [...stateWrites(record.id, step.state, times.length === 0 ? undefined : Math.min(...times)), this.timeline()],
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
      warnings: found.map((each) => ({ ...each, severity: 'warning' })),
      isChanged: stableText(step.state) !== stableText(state),
      isQuiet: given.isQuiet === true && step.events.every(({ event }) => event === 'waiting'),
    });
  }

  /** Planned keys of a decision are in the store now. */
  committed(zone: string, { keys }: MailDecision): void {
    this.#keys.used(zone, keys);
  }

  // --- reads ---

  view(record: ZoneRecord, view: ZoneView): MailView | undefined {
    const stored = this.#stored(record);
    if (stored === undefined) return undefined;
    const { document, policy, state } = stored;
    const ground = reportGround(readReports(this.#writer, record.id), view, policy, state);
    const { facts } = withReports(this.#facts(view), ground);
    const step = this.#previewOf(record, view, ground);
    const spf = spfStatus(this.#writer, record, view, state, facts);
    return {
      document,
      policy,
      state,
      explanations: explainMail(state, policy, facts, view.apex),
      wallOffsetMs: facts.wallOffsetMs,
      reports: reportsStatus(ground, facts),
      problems: [...step.problems, ...(spf?.problems ?? [])],
      ...(spf === undefined ? {} : { spf }),
    };
  }

  /** What a step would do now; changes nothing. */
  preview(record: ZoneRecord, view: ZoneView): MailStep | undefined {
    const stored = this.#stored(record);
    if (stored === undefined) return undefined;
    return this.#previewOf(record, view, reportGround(readReports(this.#writer, record.id), view, stored.policy, stored.state));
  }

  #previewOf(record: ZoneRecord, view: ZoneView, ground: ReportGround): MailStep {
    const { policy, state } = ground;
    const { facts, observations } = withReports(this.#facts(view), ground);
    return stepMail({
      domain: view.apex,
      policy,
      state,
      view,
      isSigned: record.dnssec === 'on',
      zoneOf: (name) => servedZoneOf(this.#writer, name)?.view,
      isClaimed: (owner) => isClaimedByOthers(this.#writer, record, owner),
      facts,
      observations,
    });
  }

  proposal(view: ZoneView): MailProposal {
    return policyFromZone(view);
  }

  #stored(record: ZoneRecord): { document: MailPolicyDocument; policy: MailPolicy; state: MailState } | undefined {
    const document = readMailDocument(this.#writer, record);
    const policy = readMailPolicy(this.#writer, record);
    const state = readMailState(this.#writer, record.id);
    return document === undefined || policy === undefined || state === undefined ? undefined : { document, policy, state };
  }

  #facts(view: ZoneView): MailFacts {
    const { witnesses, countsQueries = false } = this.#options;
    const queryCounters = countsQueries ? [OWN_SERVER] : [];
    const { nowMs, wallOffsetMs: exactMs } = this.#time.read();
    // The machine's uptime is coarse: without this, times that are shown would differ by milliseconds from look to look.
    const wallOffsetMs = Math.round(exactMs / 1000) * 1000;
    const servers = [OWN_SERVER, ...otherServers(witnesses, view)];
    return mailFacts(nowMs, { wallOffsetMs, servers, probes: [...witnesses.probes.keys()], queryCounters });
  }
}

/** A state without what it only remembers of caches and of the zone. */
function stableText({ ttls: _ttls, serials: _serials, ...state }: MailState): string {
  return JSON.stringify(state);
}

export function noPolicy(zone: string): Problem {
  return problem('MAIL_NO_POLICY', atZone(zone), `${zone} has no mail policy`, {
    fix: `propose one: waxseal mail plan ${zone} --from-zone`,
  });
}
