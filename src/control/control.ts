/**
 * The control room: one serial writer through which every change goes: decide, plan, sign, verify, commit, publish.
 * Nothing is published that a second engine did not find good; nothing is acknowledged that is not on disk.
 * Not here: what a command comes to (control/decide.ts), how changes are planned (dnssec/plan.ts), the API in front (admin/).
 */
import { type Clock, toSeconds } from '#base/clock.ts';
import { CHANGESET_LINES_MAX, COMMANDS_WAITING_MAX, VERIFY_SAMPLE_NODES } from '#base/limits.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, formatName, lowerName } from '#dns/name.ts';
import { CLASS, type RrType } from '#dns/types.ts';
import { checkByEngine, checkByReference } from '#dnssec/algorithm.ts';
import { type PendingPlan, type SigningSettings, type ZonePlan, finishPlan, preparePlan, prepareRefresh } from '#dnssec/plan.ts';
import { sampleNodes, verifyNodes } from '#dnssec/verify.ts';
import { StoreFailure } from '#store/failure.ts';
import { encodeNode } from '#store/node-codec.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type NodeWrite, type StoreWriter } from '#store/writer.ts';
import { decodeChangeset, encodeChangeset } from '#zone/changeset-codec.ts';
import { changesetLines } from '#zone/changeset-text.ts';
import { type Changeset } from '#zone/changeset.ts';
import { type Response, lookup, zoneSet } from '#zone/lookup.ts';
import { overlayZone } from '#zone/overlay.ts';
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
} from './control-api.ts';
import { type Decision, type ZoneState, decide } from './decide.ts';
import { dsForms } from './ds-forms.ts';
import { type CounterTable, metricFamilies } from './metrics.ts';
import { type Publisher } from './publisher.ts';
import { SerialQueue } from './serial-queue.ts';
import { signInPool } from './signing-pool.ts';
import { checkToken, newToken, tokenInfo } from './tokens.ts';
import { KeyRing, type NewZoneKey, type OpenKey, newZoneKey } from './zone-keys.ts';

export interface ControlOptions {
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** Called once when the store can no longer be trusted: the process has to end. */
  readonly onFatal: (failure: StoreFailure) => void;
  readonly version: string;
  readonly adminListener: string;
  readonly socketPath: string;
  readonly counterTable: CounterTable;
}

/** One slice of a signature sweep: how many signatures it renewed, and where the next one begins. */
export interface RefreshOutcome {
  readonly renewed: number;
  readonly next: string | undefined;
}

const SYSTEM: Actor = { kind: 'system', id: 'refresh', from: '' };

export class Control implements ControlApi {
  readonly #options: ControlOptions;
  readonly #writer: StoreWriter;
  readonly #publisher: Publisher;
  readonly #clock: Clock;
  readonly #keys: KeyRing;
  readonly #queue = new SerialQueue(COMMANDS_WAITING_MAX);
  readonly #startedAtMs: number;
  #signatures = 0;
  #selfCheckFailures = 0;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#writer = options.writer;
    this.#publisher = options.publisher;
    this.#clock = options.clock;
    this.#keys = new KeyRing(options.writer.sealer, (zoneId, id) => options.writer.sealedSecret(zoneId, id));
    this.#startedAtMs = options.clock.nowMs();
    this.#publisher.publish(this.#writer.generation());
  }

  // --- changes ---

  run(command: Command, options: RunOptions): Promise<Result<Outcome>> {
    if (this.#queue.isFull)
      return Promise.resolve(
        fail(
          problem('OVERLOADED', '', `${COMMANDS_WAITING_MAX} changes are waiting already; nothing was changed`, { fix: 'try again later' }),
        ),
      );
    return this.#queue.run(() => this.#guarded(() => this.#execute(command, options)));
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
        const view = this.#writer.view(record);
        const keys = this.#keys.keysOf(record);
        const signing = this.#signing(keys);
        const { pending, next } = prepareRefresh(view, signing, from, nodeLimit);
        if (!pending.changed) return ok({ renewed: 0, next });
        const plan = await signed(pending, keys);
        const refused = this.#verify(record.name, view, plan, signing);
        if (refused !== undefined) return fail(refused);
        await this.#commit(record, plan, undefined, SYSTEM, 'dnssec.refresh', `${plan.signatureCount} signatures`, true);
        return ok({ renewed: plan.signatureCount, next });
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

  async #execute(command: Command, options: RunOptions): Promise<Result<Outcome>> {
    const apex = lowerName(command.zone);
    const record = this.#writer.zoneByName(apex);
    const view = record === undefined ? undefined : this.#writer.view(record);
    const refusal = this.#precondition(record, view, options);
    if (refusal !== undefined) return fail(refusal);
    const state: ZoneState | undefined = record === undefined || view === undefined ? undefined : { record, view };
    const base = view ?? new MemoryZone(apex, new Map());
    const decided = decide({ ...command, zone: apex }, state, base, (serial) => this.#changesetOf(record, serial));
    if (!decided.ok) return decided;
    return decided.value.kind === 'remove'
      ? this.#remove(record!, command, options, decided.value)
      : this.#change(record, base, command, options, decided.value);
  }

  #precondition(record: ZoneRecord | undefined, view: ZoneView | undefined, options: RunOptions): Problem | undefined {
    if (options.ifRevision !== undefined && options.ifRevision !== record?.revision)
      return problem(
        'PRECONDITION',
        '',
        `the zone is at revision ${record?.revision ?? 'none'}, not ${options.ifRevision}; nothing was changed`,
        { fix: 'read it again, then repeat the change' },
      );
    return options.precondition?.(record, view);
  }

  async #change(
    record: ZoneRecord | undefined,
    base: ZoneView,
    command: Command,
    options: RunOptions,
    decision: Decision,
  ): Promise<Result<Outcome>> {
    const zone = formatName(base.apex);
    const nowMs = this.#clock.nowMs();
    const kept = record?.keys ?? [];
    const fresh = decision.signed && kept.length === 0 ? newZoneKey(zone, [], this.#writer.sealer, this.#options.random, nowMs) : undefined;
    const keys = !decision.signed ? [] : fresh === undefined ? this.#keys.keysOf(record!) : [fresh];
    const signing = decision.signed ? this.#signing(keys) : undefined;
    const plan = await signed(preparePlan(base, decision.changes, signing), keys);
    const refused = signing === undefined ? undefined : this.#verify(zone, base, plan, signing);
    if (refused !== undefined) return fail(refused);
    const before = record ?? newRecord(this.#writer.nextZoneId(), zone, nowMs);
    const next: ZoneRecord = {
      ...before,
      dnssec: decision.signed ? 'on' : 'off',
      serial: plan.changeset.toSerial,
      changedAtMs: nowMs,
      keys: fresh === undefined ? (decision.signed ? kept : []) : [fresh.ref],
    };
    const changed = plan.nodes.size > 0 || record === undefined;
    let revision = before.revision;
    if (changed && !options.dryRun)
      revision = await this.#commit(
        next,
        plan,
        fresh,
        options.actor,
        command.kind,
        decision.detail,
        false,
        decision.signed ? [] : kept.map((ref) => ref.id),
      );
    return ok({
      zone,
      serial: next.serial,
      revision,
      changed,
      created: record === undefined,
      dryRun: options.dryRun,
      changeset: changesetLines(plan.changeset, CHANGESET_LINES_MAX),
      warnings: decision.warnings,
    });
  }

  async #remove(record: ZoneRecord, command: Command, options: RunOptions, decision: Decision): Promise<Result<Outcome>> {
    let { revision } = record;
    if (!options.dryRun) {
      const atMs = this.#clock.nowMs();
      const audit = { atMs, actor: options.actor, action: command.kind, zone: record.name, detail: decision.detail };
      revision = (await this.#writer.commit({ audit, zones: { remove: [record.id] }, upkeep: true })).generation;
      this.#keys.forget(record);
      this.#publisher.publish(revision);
    }
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

  /** One transaction: nodes, zone, journal, key, audit entry; durable when it resolves; then the workers are told. */
  async #commit(
    record: ZoneRecord,
    plan: ZonePlan,
    fresh: NewZoneKey | undefined,
    actor: Actor,
    action: string,
    detail: string,
    upkeep: boolean,
    forgottenKeys: readonly string[] = [],
  ): Promise<number> {
    const { changeset } = plan;
    const { generation } = await this.#writer.commit({
      audit: {
        atMs: this.#clock.nowMs(),
        actor,
        action,
        zone: record.name,
        detail: `${detail} (serial ${changeset.fromSerial} → ${changeset.toSerial})`,
      },
      zones: { put: [{ ...record, serial: changeset.toSerial }] },
      nodes: nodeWrites(record.id, plan),
      journal: plan.changed
        ? [{ zoneId: record.id, fromSerial: changeset.fromSerial, toSerial: changeset.toSerial, changeset: encodeChangeset(changeset) }]
        : [],
      secrets: [
        ...(fresh === undefined ? [] : [{ zoneId: record.id, id: fresh.ref.id, value: fresh.sealed }]),
        ...forgottenKeys.map((id) => ({ zoneId: record.id, id, value: null })),
      ],
      upkeep,
    });
    this.#signatures += plan.signatureCount;
    this.#publisher.publish(generation);
    return generation;
  }

  #signing(open: readonly OpenKey[]): SigningSettings {
    const keys = open.map(({ key }) => key);
    return { keys, published: keys, nowSeconds: toSeconds(this.#clock.nowMs()) };
  }

  /**
   * Checks what would be published, on the zone as it will be. Few signatures are all checked, and by another implementation than the
   * one that made them; of many, the apex and a random sample.
   */
  #verify(zone: string, base: ZoneView, plan: ZonePlan, signing: SigningSettings): Problem | undefined {
    const after = overlayZone(base, new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null])));
    const small = plan.signatureCount <= REFERENCE_CHECKS_MAX;
    const nodes = sampleNodes(plan.nodes, VERIFY_SAMPLE_NODES, () => Buffer.from(this.#options.random(4)).readUInt32BE() / 2 ** 32);
    const dnskeys = signing.published.map((key) => key.dnskey);
    const problems = verifyNodes(base.apex, nodes, dnskeys, {
      nowSeconds: signing.nowSeconds,
      check: small ? checkByReference : checkByEngine,
      view: after,
    });
    const [first] = problems;
    if (first === undefined) return undefined;
    this.#selfCheckFailures++;
    return problem(
      'SIGNING_SELF_CHECK',
      zone,
      `the freshly signed zone ${zone} failed its check (${first.at}: ${first.message}); nothing was published, the served zone is unchanged`,
      {
        fix: 'repeat the change; if it fails again, report it with the log',
      },
    );
  }

  #changesetOf(record: ZoneRecord | undefined, serial: number): Changeset | undefined {
    if (record === undefined) return undefined;
    const entry = this.#writer
      .journal(record.id, JOURNAL_SEARCH_MAX)
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

  query(name: Name, type: RrType, dnssecOk: boolean): Response {
    const zones = zoneSet(this.#writer.zones().map((record) => ({ view: this.#writer.view(record), signed: record.dnssec === 'on' })));
    return lookup(zones, { name, type, class: CLASS.IN }, dnssecOk);
  }

  waitServed(revision: number, timeoutMs: number): Promise<boolean> {
    return this.#publisher.waitServed(revision, timeoutMs);
  }

  status(): ControlStatus {
    const space = this.#writer.space();
    const notReady: string[] = [];
    if (this.#writer.broken !== undefined) notReady.push(`store: ${this.#writer.broken.message}`);
    if (!this.#publisher.isServed(this.#writer.generation())) notReady.push('workers: none answers, or not yet from the newest data');
    if (space.freeBytes < space.reserveBytes) notReady.push('disk: no room for changes');
    return {
      version: this.#options.version,
      startedAtMs: this.#startedAtMs,
      nowMs: this.#clock.nowMs(),
      generation: this.#writer.generation(),
      zoneCount: this.#writer.zones().length,
      workers: this.#publisher.workers,
      listeners: { dns: this.#publisher.addresses, admin: this.#options.adminListener, socket: this.#options.socketPath },
      store: { path: this.#writer.dir, sizeBytes: this.#writer.sizeBytes(), freeBytes: space.freeBytes },
      notReady,
    };
  }

  metrics(): readonly MetricFamily[] {
    return metricFamilies({
      status: this.status(),
      zones: this.#writer.zones(),
      signatures: this.#signatures,
      selfCheckFailures: this.#selfCheckFailures,
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
    await this.#queue.idle();
    this.#publisher.close();
    await this.#writer.close();
  }
}

/** Up to here every signature is checked by the slow reference (about 1.6 ms each). */
const REFERENCE_CHECKS_MAX = 8;
/** How far back a revert looks. */
const JOURNAL_SEARCH_MAX = 1000;

/** The plan with its signatures. */
async function signed(pending: PendingPlan, keys: readonly OpenKey[]): Promise<ZonePlan> {
  const secrets = keys.map(({ key, secret }) => ({ secret, flags: key.flags, dnskey: key.dnskey }));
  return finishPlan(pending, await signInPool(pending.batches, secrets));
}

function newRecord(id: number, name: string, nowMs: number): ZoneRecord {
  return { id, name, dnssec: 'off', serial: 0, revision: 0, nodeCount: 0, createdAtMs: nowMs, changedAtMs: nowMs, keys: [] };
}

/** Encoded on the way into the store, so that a large zone never stands in memory twice. */
function* nodeWrites(zoneId: number, plan: ZonePlan): Generator<NodeWrite> {
  for (const [key, planned] of plan.nodes) yield { zoneId, key, value: planned === null ? null : encodeNode(planned.node, planned.flags) };
}
