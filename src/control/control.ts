/**
 * The control room: every change is a command, and commands go through one at a time.
 * Not here: what a command comes to (control/zone/decide.ts), how that becomes the served zone (control/zone/writer.ts), the API in front (admin/).
 */
import { dirname } from 'node:path';
import { type Clock } from '#base/clock.ts';
import { CHANGESET_LINES_MAX, COMMANDS_WAITING_MAX, JOURNAL_ENTRIES_MAX } from '#base/limits/limits.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, lowerName } from '#dns/name.ts';
import { CLASS, type RrType } from '#dns/types.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type Resolver } from '#dns/resolver.ts';
import { StoreFailure } from '#store/failure.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { decodeChangeset } from '#zone/changeset-codec.ts';
import { changesetLines } from '#zone/changeset-text.ts';
import { type Changeset } from '#zone/changeset.ts';
import { type Response, type ZoneSet, lookup, zoneSet } from '#zone/lookup.ts';
import { type ZoneView } from '#zone/view.ts';
import { MemoryZone } from '#zone/zone.ts';
import {
  type Actor,
  type AuditView,
  type Command,
  type ControlApi,
  type ControlStatus,
  type DsForm,
  type MetricFamily,
  type Outcome,
  type RunOptions,
  type TokenInfo,
  type TokenScope,
  type ZoneCommand,
} from '#control/api/control.ts';
import { type Uptime } from '#control/lifecycle/counted-time.ts';
import { type Decision, type ZoneState, decide } from '#control/zone/decide.ts';
import { dsForms } from '#control/zone/ds-forms.ts';
import { EventFeed } from '#control/events/feed.ts';
import { type DkimKeySource, storedDkimKeys } from '#control/mail/dkim-keys.ts';
import { type MailCommand, type MailProposal, type MailView } from '#control/api/mail.ts';
import { checkByHand, wakeAfter } from '#control/mail/by-hand.ts';
import { MailChange, isMailCommand } from '#control/mail/change.ts';
import { type OutsideWitnesses } from '#control/outside/evidence.ts';
import { MailRoom } from '#control/mail/decide.ts';
import { NO_WITNESSES, StoredMailUpkeep } from '#control/mail/upkeep.ts';
import { type CounterTable, metricFamilies } from './metrics.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { SelectorQueries } from '#control/publish/selector-queries.ts';
import { SerialQueue } from './serial-queue.ts';
import { storedSignerMail } from '#control/signers/mail.ts';
import { Signers } from '#control/signers/signers.ts';
import { controlStatus } from './status.ts';
import { storeResolver } from '#control/outside/store-resolver.ts';
import { checkToken, newToken, tokenInfo } from '#control/tokens/tokens.ts';
import { type RefreshOutcome, ZoneWriter } from '#control/zone/writer.ts';

export interface ControlOptions {
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** Answers what is in none of our zones. */
  readonly outside: Resolver;
  /** Called once when the store can no longer be trusted: the process has to end. */
  readonly onFatal: (failure: StoreFailure) => void;
  readonly version: string;
  readonly adminListener: string;
  readonly socketPath: string;
  readonly counterTable: CounterTable;
  /** Folder of the files that are written for mail signers; beside the store unless given. */
  readonly signerFilesRoot?: string;
  /** How long the machine has been up; the wall clock stands in where a test or a tool does not say. */
  readonly uptime?: () => Uptime;
  /** Who can be asked whether the world sees what we publish. */
  readonly witnesses?: OutsideWitnesses;
  /** The answer process tells how often DKIM selectors are asked for, so that this is evidence. */
  readonly countsQueries?: boolean;
  /** What happens in the lives of a zone's mail. */
  readonly onMailEvents?: (zone: string, events: readonly LifecycleEvent[]) => void;
}

export class Control implements ControlApi {
  readonly #options: ControlOptions;
  readonly #writer: StoreWriter;
  readonly #publisher: Publisher;
  readonly #clock: Clock;
  readonly #zoneWriter: ZoneWriter;
  readonly #mail: MailRoom;
  readonly #mailChange: MailChange;
  readonly #upkeep: StoredMailUpkeep;
  readonly #queue = new SerialQueue(COMMANDS_WAITING_MAX);
  readonly #startedAtMs: number;
  /** Of ten thousand zones, not made anew for every look-up. */
  #zoneSet: { readonly generation: number; readonly zones: ZoneSet } | undefined;
  readonly #queries: SelectorQueries;
  readonly signers: Signers;
  readonly events: EventFeed;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#writer = options.writer;
    this.#publisher = options.publisher;
    this.#clock = options.clock;
    this.#zoneWriter = new ZoneWriter(options);
    const { uptime = () => ({ uptimeMs: options.clock.nowMs(), bootId: 'wall clock' }), witnesses = NO_WITNESSES } = options;
    this.#mail = new MailRoom({ ...options, uptime, witnesses });
    this.#queries = new SelectorQueries(() => this.#mail.nowMs());
    this.#publisher.onMessage((message) => this.#queries.receive(message));
    this.events = new EventFeed(this.#writer, options.clock, (job) => this.#queue.run(job));
    this.#upkeep = new StoredMailUpkeep({
      ...options,
      room: this.#mail,
      queries: this.#queries,
      alert: (zone, problems) => this.events.alert(zone, problems),
      outside: witnesses,
      store: this.resolver(),
      run: (command, runOptions) => this.run(command, runOptions),
      inQueue: (job) => this.#queue.run(job),
    });
    this.signers = new Signers({
      ...options,
      mail: storedSignerMail(this.#writer, (command, runOptions) => this.run(command, runOptions)),
      serially: (job) => this.#queue.run(() => this.#guarded(job)),
      filesRoot: options.signerFilesRoot ?? dirname(this.#writer.dir),
    });
    this.#mailChange = new MailChange({
      ...options,
      room: this.#mail,
      zoneWriter: this.#zoneWriter,
      precondition: (record, view, runOptions) => this.#precondition(record, view, runOptions),
      done: (zone, events) => {
        if (events.length > 0) options.onMailEvents?.(zone, events);
        this.#upkeep.tellDue();
      },
    });
    this.#startedAtMs = options.clock.nowMs();
    this.#publisher.publish(this.#writer.generation());
  }

  // --- changes ---

  run(command: Command, options: RunOptions): Promise<Result<Outcome>> {
    if (this.#queue.isFull) {
      const message = `${COMMANDS_WAITING_MAX} changes are waiting already; nothing was changed`;
      return Promise.resolve(fail(problem('OVERLOADED', WHOLE, message, { fix: 'try again later' })));
    }
    if (isMailCommand(command)) return this.#runMail(command, options);
    return this.#queue.run(() => this.#guarded(() => this.#execute(command, options)));
  }

  /** What has to be looked up in the world is looked up before the command's turn. */
  async #runMail(given: MailCommand, options: RunOptions): Promise<Result<Outcome>> {
    const command = { ...given, zone: lowerName(given.zone) };
    const foresight = await this.#guarded(() => this.#mail.foresee(command, this.resolver()));
    if (!foresight.ok) return foresight;
    return this.#queue.run(() => this.#guarded(() => this.#mailChange.run(command, foresight.value, options)));
  }

  /**
   * Renews the signatures of one slice of a zone that are near their end. Goes through the same queue as commands; a slice with nothing
   * to renew writes nothing.
   */
  refreshSlice(name: Name, from: string, nodeLimit: number): Promise<Result<RefreshOutcome>> {
    return this.#queue.run(() =>
      this.#guarded(async () => {
        const record = this.#writer.zoneByName(name);
        if (record === undefined || record.dnssec === 'off') return ok({ renewed: 0, next: undefined });
        return this.#zoneWriter.refresh(record, from, nodeLimit);
      }),
    );
  }

  /** Turns the store's own refusals into problems; a broken store ends the process. */
  async #guarded<T>(job: () => Promise<Result<T>>): Promise<Result<T>> {
    try {
      return await job();
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      if (error.code === 'STORE_BROKEN') this.#options.onFatal(error);
      return fail(error.problem);
    }
  }

  async #execute(command: ZoneCommand, options: RunOptions): Promise<Result<Outcome>> {
    const apex = lowerName(command.zone);
    const record = this.#writer.zoneByName(apex);
    const view = record === undefined ? undefined : this.#writer.view(record);
    const refusal = this.#precondition(record, view, options);
    if (refusal !== undefined) return fail(refusal);
    const state: ZoneState | undefined = record === undefined || view === undefined ? undefined : { record, view };
    const base = view ?? new MemoryZone(apex, new Map());
    const decided = decide({ ...command, zone: apex }, state, base, (serial) => this.#changesetOf(record, serial));
    if (!decided.ok) return decided;
    const against = record === undefined ? [] : checkByHand(this.#writer, record, decided.value.changes);
    if (against.length > 0) return fail(...against);
    return decided.value.kind === 'remove'
      ? this.#remove(record!, command, options, decided.value)
      : this.#change(record, base, command, options, decided.value);
  }

  #precondition(record: ZoneRecord | undefined, view: ZoneView | undefined, options: RunOptions): Problem | undefined {
    if (options.ifRevision !== undefined && options.ifRevision !== record?.revision)
      return problem(
        'PRECONDITION',
        WHOLE,
        `the zone is at revision ${record?.revision ?? 'none'}, not ${options.ifRevision}; nothing was changed`,
        { fix: 'read it again, then repeat the change' },
      );
    return options.precondition?.(record, view);
  }

  async #change(
    record: ZoneRecord | undefined,
    base: ZoneView,
    command: ZoneCommand,
    options: RunOptions,
    decision: Decision,
  ): Promise<Result<Outcome>> {
    const prepared = await this.#zoneWriter.prepare(record, base, decision);
    if (!prepared.ok) return prepared;
    const { plan, record: next } = prepared.value;
    const changed = plan.nodes.size > 0 || record === undefined;
    const cause = { actor: options.actor, action: command.kind, detail: decision.detail };
    const documents = record === undefined ? [] : wakeAfter(this.#writer, record, decision.changes, this.#mail.nowMs());
    const revision = changed && !options.dryRun ? await this.#zoneWriter.commit(prepared.value, cause, { documents }) : next.revision;
    if (documents.length > 0 && !options.dryRun) this.#upkeep.tellDue();
    return ok({
      zone: next.name,
      serial: next.serial,
      revision,
      changed,
      created: record === undefined,
      dryRun: options.dryRun,
      changeset: changesetLines(plan.changeset, CHANGESET_LINES_MAX),
      warnings: decision.warnings,
    });
  }

  async #remove(record: ZoneRecord, command: ZoneCommand, options: RunOptions, decision: Decision): Promise<Result<Outcome>> {
    const cause = { actor: options.actor, action: command.kind, detail: decision.detail };
    if (!options.dryRun) await this.#mailChange.leave(record, cause);
    const revision = options.dryRun ? record.revision : await this.#zoneWriter.remove(record, cause);
    const changeset = { fromSerial: record.serial, toSerial: record.serial, deleted: [], added: [], omitted: record.nodeCount };
    return ok({
      zone: record.name,
      serial: record.serial,
      revision,
      changed: true,
      created: false,
      dryRun: options.dryRun,
      changeset,
      warnings: [],
    });
  }

  #changesetOf(record: ZoneRecord | undefined, serial: number): Changeset | undefined {
    if (record === undefined) return undefined;
    const entry = this.#writer
      .journal(record.id, JOURNAL_ENTRIES_MAX)
      .find((each) => each.toSerial === serial && each.changeset !== undefined);
    return entry?.changeset === undefined ? undefined : decodeChangeset(entry.changeset);
  }

  // --- reads ---

  zones(): readonly ZoneRecord[] {
    return this.#writer.zones();
  }

  zone(name: Name): ZoneRecord | undefined {
    return this.#writer.zoneByName(lowerName(name));
  }

  view(record: ZoneRecord): ZoneView {
    return this.#writer.view(record);
  }

  changes(record: ZoneRecord, limit: number, beforeRevision?: number): ReturnType<ControlApi['changes']> {
    return this.#writer.journal(record.id, limit, beforeRevision).map(({ revision, atMs, fromSerial, toSerial, changeset }) => ({
      revision,
      atMs,
      changeset:
        changeset === undefined
          ? { fromSerial, toSerial, deleted: [], added: [], omitted: record.nodeCount }
          : changesetLines(decodeChangeset(changeset), CHANGESET_LINES_MAX),
    }));
  }

  ds(record: ZoneRecord): readonly DsForm[] {
    return dsForms(record);
  }

  mail(record: ZoneRecord): MailView | undefined {
    const view = this.#mail.view(record, this.#writer.view(record));
    return view && { ...view, queries: (selector) => this.#queries.of(selector, record.name) };
  }

  mailProposal(record: ZoneRecord): MailProposal {
    return this.#mail.proposal(this.#writer.view(record));
  }

  dkimKeys(): DkimKeySource {
    return storedDkimKeys(this.#writer);
  }

  mailUpkeep(): StoredMailUpkeep {
    return this.#upkeep;
  }

  query(name: Name, type: RrType, dnssecOk: boolean): Response {
    const generation = this.#writer.generation();
    const served = () => this.#writer.zones().map((record) => ({ view: this.#writer.view(record), signed: record.dnssec === 'on' }));
    if (this.#zoneSet?.generation !== generation) this.#zoneSet = { generation, zones: zoneSet(served()) };
    return lookup(this.#zoneSet.zones, { name, type, class: CLASS.IN }, dnssecOk);
  }

  resolver(): Resolver {
    return storeResolver((name, type) => this.query(name, type, false), this.#options.outside);
  }

  waitServed(revision: number, timeoutMs: number): Promise<boolean> {
    return this.#publisher.waitServed(revision, timeoutMs);
  }

  status(): ControlStatus {
    return controlStatus({ ...this.#options, startedAtMs: this.#startedAtMs, nowMs: this.#clock.nowMs() });
  }

  metrics(): readonly MetricFamily[] {
    return metricFamilies({
      status: this.status(),
      zones: this.#writer.zones(),
      signatures: this.#zoneWriter.signatures,
      selfCheckFailures: this.#zoneWriter.selfCheckFailures,
      commandsWaiting: this.#queue.length,
      counters: this.#publisher.counters,
      counterTable: this.#options.counterTable,
    });
  }

  audit(limit: number, beforeSequence?: number): readonly AuditView[] {
    return this.#writer.audit(limit, beforeSequence).map(({ sequence, atMs, actor, action, zone, detail }) => ({
      sequence,
      atMs,
      actor,
      action,
      ...(zone === undefined ? {} : { zone }),
      detail,
    }));
  }

  verifyAudit(): ReturnType<ControlApi['verifyAudit']> {
    return this.#writer.verifyAudit();
  }

  tokens(): readonly TokenInfo[] {
    return this.#writer.tokens().map(tokenInfo);
  }

  createToken(
    name: string,
    scopes: readonly TokenScope[],
    expiresAtMs: number | undefined,
    actor: Actor,
  ): ReturnType<ControlApi['createToken']> {
    return this.#queue.run(async () => {
      const atMs = this.#clock.nowMs();
      const { record, text } = newToken(name, scopes, expiresAtMs, this.#options.random, atMs);
      await this.#writer.commit({
        audit: { atMs, actor, action: 'token.create', detail: `token ${record.id} "${name}" for ${scopes.join(', ')}` },
        tokens: { put: [record] },
      });
      return { info: tokenInfo(record), secret: text };
    });
  }

  revokeToken(id: string, actor: Actor): Promise<boolean> {
    return this.#queue.run(async () => {
      if (this.#writer.token(id) === undefined) return false;
      const audit = { atMs: this.#clock.nowMs(), actor, action: 'token.revoke', detail: `token ${id}` };
      await this.#writer.commit({ audit, tokens: { remove: [id] }, upkeep: true });
      return true;
    });
  }

  authenticate(secret: string): TokenInfo | undefined {
    return checkToken(secret, (id) => this.#writer.token(id), this.#clock.nowMs());
  }

  /** Lets running changes end and closes the store. */
  async close(): Promise<void> {
    this.events.close();
    await this.#queue.idle();
    this.#publisher.close();
    await this.#writer.close();
  }
}
