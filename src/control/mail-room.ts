/**
 * The mail of zones: what a mail command comes to in records, keys and later steps, ready to be committed as one. Everything is decided
 * by pure rooms (mail/); here are the store, the clock, the keys and the look-ups that those are given.
 * Not here: planning, signing, committing (control.ts, zone-writer.ts), when steps are due (mail-scheduler.ts), evidence
 * (mail-evidence.ts).
 */
import { assert } from '#base/assert.ts';
import { type Clock } from '#base/clock.ts';
import { MAIL_RETRY_MS } from '#base/limits.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem } from '#base/problem.ts';
import { type Name, equalNames, formatName, nameOf, ownerKey, parentName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type MailState, newMailState } from '#mail/mail-state.ts';
import { type MailObservation, type MailStep, explainMail, stepMail } from '#mail/mail-step.ts';
import { type MailFacts, mailFacts } from '#mail/mail-world.ts';
import { checkMxChange } from '#mail/mta-sts-lifecycle.ts';
import { type NewDkimKey } from '#mail/dkim-lifecycle.ts';
import { policyFromZone } from '#mail/policy-import.ts';
import { type MailPolicy } from '#mail/policy-model.ts';
import { type MailPolicyDocument, checkPolicyDocument } from '#mail/policy-schema.ts';
import { settlePolicy } from '#mail/policy.ts';
import { spfRecordOf } from '#mail/policy-spf.ts';
import { type Resolver } from '#mail/resolver.ts';
import { checkSpfBudget } from '#mail/spf-budget.ts';
import { formatSpf, isSpfText } from '#mail/spf.ts';
import { txtText } from '#mail/txt.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DocumentWrite, type SecretWrite, type StoreWriter } from '#store/writer.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { checkChanges } from './change-rules.ts';
import { type Actor } from './control-api.ts';
import { CountedTime, type Uptime } from './counted-time.ts';
import { DkimKeyPool } from './dkim-key-pool.ts';
import { type FreshDkimKey, newDkimKey } from './dkim-keys.ts';
import { type MailCommand, type MailNote, type MailProposal, type MailView } from './mail-api.ts';
import { policyWrite, readMailDocument, readMailPolicy, readMailState, readTimeline, stateWrite, timelineWrite } from './mail-documents.ts';
import { type OutsideWitnesses, isLookable } from './mail-evidence.ts';
import { takeOrder } from './mail-orders.ts';
import { releaseMail, withoutConflicts } from './mail-records.ts';

/** Name of the place that this server's own workers are, in evidence. */
export const OWN_SERVER = 'this server';

export interface MailRoomOptions {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly uptime: () => Uptime;
  readonly random: (bytes: number) => Uint8Array;
  /** Further name servers must show a record before it counts as published, and probes a body. */
  readonly witnesses: OutsideWitnesses;
}

/** Changes of one zone's records. */
export interface MailPart {
  readonly record: ZoneRecord;
  readonly view: ZoneView;
  readonly changes: readonly RrsetChange[];
}

/** What a mail command comes to; committed as a whole or not at all. */
export interface MailDecision {
  /** The zone itself first; others that need a record for it after. */
  readonly parts: readonly MailPart[];
  readonly documents: readonly DocumentWrite[];
  readonly secrets: readonly SecretWrite[];
  readonly keys: readonly FreshDkimKey[];
  readonly events: readonly LifecycleEvent[];
  readonly detail: string;
  readonly note: MailNote;
  readonly warnings: readonly Problem[];
  /** False when neither policy nor state are others than before, but for what they remember of caches. */
  readonly isChanged: boolean;
  /** Nobody needs to read of it in the audit log. */
  readonly isQuiet: boolean;
}

/** What was looked up before a command's turn came. */
export interface MailForesight {
  readonly problems: readonly Problem[];
}

interface Given {
  readonly document: MailPolicyDocument;
  readonly policy: MailPolicy;
  readonly problems: readonly Problem[];
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
    if (command.kind !== 'mail.apply') return ok({ problems: [] });
    const given = readGiven(command.policy, command.zone);
    if (!given.ok) return given;
    const { spf } = given.value.policy;
    if (!spf.isEnabled) return ok({ problems: [] });
    const record = this.#writer.zoneByName(command.zone);
    const view = record === undefined ? undefined : this.#writer.view(record);
    const others = (view === undefined ? undefined : rrsetOf(view.node(view.apexKey), TYPE.TXT))?.rdatas.map(txtText) ?? [];
    const domain = formatName(command.zone).slice(0, -1);
    const budget = await checkSpfBudget(
      { domain, text: formatSpf(spfRecordOf(spf)), otherTexts: others.filter((each) => !isSpfText(each)) },
      resolver,
    );
    return hasErrors(budget.problems) ? fail(...budget.problems) : ok({ problems: budget.problems });
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
    if (command.kind === 'mail.apply') return this.#apply(command, record, view, foresight.problems);
    if (stored === undefined) return fail(noPolicy(record.name));
    switch (command.kind) {
      case 'mail.remove':
        return ok(this.#remove(command.records, record, view, stored.state));
      case 'mta-sts.mode': {
        const policy = { ...stored.document, mtaSts: { ...stored.document.mtaSts, mode: command.mode } };
        const applied = await this.#apply({ kind: 'mail.apply', zone: command.zone, policy }, record, view, []);
        return applied.ok ? ok({ ...applied.value, detail: `MTA-STS mode ${command.mode}` }, applied.warnings) : applied;
      }
      case 'lifecycle.tick':
        return this.#step(record, view, stored, { observations: command.observations, detail: 'due', isQuiet: true });
      default: {
        const facts = this.#facts();
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
    foreseen: readonly Problem[],
  ): Promise<Result<MailDecision>> {
    const read = readGiven(given, view.apex);
    if (!read.ok) return read;
    const { document, policy, problems } = read.value;
    const before = readMailDocument(this.#writer, record.id);
    const state = readMailState(this.#writer, record.id) ?? newMailState(view, view.apex, this.#facts().nowMs);
    const stepped = await this.#step(record, view, { policy, state }, { isTakeOver: takeOver, isStrict: true, detail: 'mail policy' });
    if (!stepped.ok) return fail(...stepped.problems, ...problems.filter((each) => each.severity === 'warning'));
    return ok({
      ...stepped.value,
      documents: [policyWrite(record.id, document), ...stepped.value.documents],
      warnings: [...problems, ...foreseen, ...stepped.value.warnings],
      isChanged: stepped.value.isChanged || JSON.stringify(before) !== JSON.stringify(document),
    });
  }

  #remove(records: 'keep' | 'delete', record: ZoneRecord, view: ZoneView, state: MailState): MailDecision {
    const secrets = state.dkim.lifecycle.objects.flatMap(({ data }) => data.secretId ?? []);
    return {
      parts: [{ record, view, changes: releaseMail(view, records) }],
      documents: [policyWrite(record.id, null), stateWrite(record.id, null), this.timeline()],
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
    },
  ): Promise<Result<MailDecision>> {
    const facts = this.#facts();
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
        zoneOf: (name) => this.#zoneOf(name)?.view,
        facts,
        newKeys: [...(given.newKeys ?? []), ...fresh.map(({ key }) => key)],
        observations: given.observations ?? [],
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
    const due = [step.nextDueMs, ...step.checks.filter((each) => isLookable(each, this.#facts())).map(({ dueMs }) => dueMs)];
    const times = due.filter((each) => each !== undefined);
    // An error is looked at again soon: what is in its way may be gone.
    if (hasErrors(found)) times.push(facts.nowMs + MAIL_RETRY_MS);
    const parts: MailPart[] = [{ record, view, changes }];
    for (const { apex, changes: there } of step.elsewhere) {
      const zone = this.#zoneOf(apex);
      if (zone !== undefined) parts.push({ ...zone, changes: there });
    }
    return ok({
      parts,
      documents: [stateWrite(record.id, step.state, times.length === 0 ? undefined : Math.min(...times)), this.timeline()],
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

  /** What stands against a change by hand, because of mail that other servers remember of the zone. */
  checkByHand(record: ZoneRecord, view: ZoneView, changes: readonly RrsetChange[]): Problem[] {
    const stored = this.#stored(record);
    const mx = changes.find(({ owner, type }) => type === TYPE.MX && equalNames(owner, view.apex));
    if (stored === undefined || mx === undefined) return [];
    const hosts = (mx.rrset?.rdatas ?? []).map((rdata) => rdata.subarray(2)).filter((host) => host.length > 1);
    return checkMxChange(stored.state.mtaSts, hosts);
  }

  /** After a change by hand at names that mail looks at: the zone's mail is due at once. */
  wakeAfter(record: ZoneRecord, changes: readonly RrsetChange[]): readonly DocumentWrite[] {
    const state = readMailState(this.#writer, record.id);
    const apexKey = ownerKey(nameOf(record.name));
    if (state === undefined) return [];
    const hosts = state.tlsa.lifecycle.objects.map(({ data }) => ownerKey(nameOf(data.host)));
    if (!changes.some(({ owner }) => [apexKey, ...hosts].includes(ownerKey(owner)))) return [];
    return [stateWrite(record.id, state, this.nowMs())];
  }

  // --- reads ---

  view(record: ZoneRecord, view: ZoneView): MailView | undefined {
    const stored = this.#stored(record);
    if (stored === undefined) return undefined;
    const { document, policy, state } = stored;
    const facts = this.#facts();
    const step = this.preview(record, view)!;
    return {
      document,
      policy,
      state,
      explanations: explainMail(state, policy, facts, view.apex),
      wallOffsetMs: facts.wallOffsetMs,
      problems: step.problems,
    };
  }

  /** What a step would do now; changes nothing. */
  preview(record: ZoneRecord, view: ZoneView): MailStep | undefined {
    const stored = this.#stored(record);
    if (stored === undefined) return undefined;
    const { policy, state } = stored;
    return stepMail({
      domain: view.apex,
      policy,
      state,
      view,
      isSigned: record.dnssec === 'on',
      zoneOf: (name) => this.#zoneOf(name)?.view,
      facts: this.#facts(),
    });
  }

  proposal(view: ZoneView): MailProposal {
    return policyFromZone(view);
  }

  #stored(record: ZoneRecord): { document: MailPolicyDocument; policy: MailPolicy; state: MailState } | undefined {
    const document = readMailDocument(this.#writer, record.id);
    const policy = readMailPolicy(this.#writer, record);
    const state = readMailState(this.#writer, record.id);
    return document === undefined || policy === undefined || state === undefined ? undefined : { document, policy, state };
  }

  #facts(): MailFacts {
    const { nameServers, probes } = this.#options.witnesses;
    const { nowMs, wallOffsetMs: exactMs } = this.#time.read();
    // The machine's uptime is coarse: without this, times that are shown would differ by milliseconds from look to look.
    const wallOffsetMs = Math.round(exactMs / 1000) * 1000;
    return mailFacts(nowMs, { wallOffsetMs, servers: [OWN_SERVER, ...nameServers.keys()], probes: [...probes.keys()] });
  }

  /** The deepest served zone that `name` is in. */
  #zoneOf(name: Name): { readonly record: ZoneRecord; readonly view: ZoneView } | undefined {
    for (let at: Name | undefined = name; at !== undefined; at = at.length === 1 ? undefined : parentName(at)) {
      const record = this.#writer.zoneByName(at);
      if (record !== undefined) return { record, view: this.#writer.view(record) };
    }
    return undefined;
  }
}

/** The policy that somebody gives, with its warnings. */
function readGiven(given: unknown, zone: Name): Result<Given> {
  const document = checkPolicyDocument(given);
  if (!document.ok) return document;
  const policy = settlePolicy(document.value, zone);
  return policy.ok ? ok({ document: document.value, policy: policy.value, problems: policy.warnings }) : policy;
}

/** A state without what it only remembers of caches and of the zone. */
function stableText({ ttls: _ttls, serials: _serials, ...state }: MailState): string {
  return JSON.stringify(state);
}

export function noPolicy(zone: string): Problem {
  return problem('MAIL_NO_POLICY', zone, `${zone} has no mail policy`, { fix: `propose one: waxseal mail plan ${zone} --from-zone` });
}
