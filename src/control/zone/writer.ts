/**
 * How one decided change becomes the served zone: plan, sign, verify, commit, publish. Nothing is published that a second engine did not
 * find good; nothing is acknowledged that is not on disk. Its caller (control/control.ts) lets in one change at a time.
 * Not here: what changes (decide.ts), how a change is planned (dnssec/plan.ts).
 */
import { type Clock, toSeconds } from '#base/clock.ts';
import { VERIFY_SAMPLE_NODES } from '#base/limits/limits.ts';
import { atZone, formatPlace } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { formatName } from '#dns/name.ts';
import { type PendingPlan, type SigningSettings, type ZonePlan, finishPlan, preparePlan, prepareRefresh } from '#dnssec/plan.ts';
import { sampleNodes, verifyNodes } from '#dnssec/verify.ts';
import { encodeNode } from '#store/node-codec.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DocumentWrite, type EventWrite, type NodeWrite, type SecretWrite, type StoreWriter } from '#store/writer.ts';
import { encodeChangeset } from '#zone/changeset-codec.ts';
import { overlayZone } from '#zone/overlay.ts';
import { type ZoneView } from '#zone/view.ts';
import { type Actor } from '#control/api/control.ts';
import { type Decision } from './decide.ts';
import { zoneChanged, zoneRemoved } from '#control/events/writes.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { SelfCheck } from './self-check.ts';
import { signInPool } from './signing-pool.ts';
import { KeyRing, type NewZoneKey, type OpenKey, newZoneKey } from './keys.ts';

export interface ZoneWriterOptions {
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
}

/** For the audit log. */
export interface Cause {
  readonly actor: Actor;
  readonly action: string;
  readonly detail: string;
}

/** What is committed beside the records. */
export interface CommitExtras {
  readonly documents?: readonly DocumentWrite[];
  readonly secrets?: readonly SecretWrite[];
  /** Told after the changes of zones. */
  readonly events?: readonly EventWrite[];
  /** Written even into the last room on the disk. */
  readonly upkeep?: boolean;
  /** No entry in the audit log. */
  readonly isQuiet?: boolean;
}

/** A change that is planned, signed and found good, and not written yet. */
export interface Prepared {
  readonly plan: ZonePlan;
  /** The zone's record as it will be. */
  readonly record: ZoneRecord;
  readonly fresh: NewZoneKey | undefined;
  /** Ids of keys whose secrets go. */
  readonly forgotten: readonly string[];
}

/** One slice of a signature sweep: how many signatures it renewed, and where the next one begins. */
export interface RefreshOutcome {
  readonly renewed: number;
  readonly next: string | undefined;
}

const REFRESH: Omit<Cause, 'detail'> = { actor: { kind: 'system', id: 'refresh', from: '' }, action: 'dnssec.refresh' };

export class ZoneWriter {
  readonly #writer: StoreWriter;
  readonly #publisher: Publisher;
  readonly #clock: Clock;
  readonly #random: (bytes: number) => Uint8Array;
  readonly #keys: KeyRing;
  readonly #selfCheck: SelfCheck;
  #signatures = 0;
  #selfCheckFailures = 0;

  constructor({ writer, publisher, clock, random }: ZoneWriterOptions) {
    this.#writer = writer;
    this.#publisher = publisher;
    this.#clock = clock;
    this.#random = random;
    this.#selfCheck = new SelfCheck(() => clock.nowMs());
    this.#keys = new KeyRing(writer.sealer, (zoneId, id) => writer.sealedSecret(zoneId, id));
  }

  /** Signatures committed since the start. */
  get signatures(): number {
    return this.#signatures;
  }

  /** Changes refused because fresh signatures were not good. */
  get selfCheckFailures(): number {
    return this.#selfCheckFailures;
  }

  /** Plans, signs and checks; writes nothing. `record` is undefined for a new zone, whose `base` has no nodes. */
  async prepare(record: ZoneRecord | undefined, base: ZoneView, decision: Decision): Promise<Result<Prepared>> {
    const zone = formatName(base.apex);
    const nowMs = this.#clock.nowMs();
    const before = record ?? newRecord(this.#writer.nextZoneId(), zone, nowMs);
    const fresh = decision.signed && before.keys.length === 0 ? newZoneKey(zone, [], this.#writer.sealer, this.#random, nowMs) : undefined;
    const keys = !decision.signed ? [] : fresh === undefined ? this.#keys.keysOf(before) : [fresh];
    const signing = decision.signed ? this.#signing(keys) : undefined;
    const plan = await signPlan(preparePlan(base, decision.changes, signing), keys);
    const refused = signing === undefined ? undefined : this.#verify(zone, base, plan, signing);
    if (refused !== undefined) return fail(refused);
    return ok({
      plan,
      fresh,
      forgotten: decision.signed ? [] : before.keys.map(({ id }) => id),
      record: {
        ...before,
        dnssec: decision.signed ? 'on' : 'off',
        serial: plan.changeset.toSerial,
        changedAtMs: nowMs,
        keys: fresh !== undefined ? [fresh.ref] : decision.signed ? before.keys : [],
      },
    });
  }

  /** One transaction: nodes, zone, journal, key, audit entry; durable when it resolves; then the workers are told. Gives the generation. */
  async commit(prepared: Prepared, cause: Cause, extras: CommitExtras = {}): Promise<number> {
    return this.commitAll(prepared.record.name, [prepared], cause, extras);
  }

  /** The same for several zones at once, on behalf of `zone`. */
  async commitAll(zone: string, parts: readonly Prepared[], { actor, action, detail }: Cause, extras: CommitExtras): Promise<number> {
    const { documents = [], secrets = [], events = [], upkeep = false, isQuiet = false } = extras;
    const atMs = this.#clock.nowMs();
    const serials = parts.map(({ record, plan: { changeset } }) => {
      const other = record.name === zone ? '' : `${record.name} `;
      return `${other}serial ${changeset.fromSerial} → ${changeset.toSerial}`;
    });
    const told = serials.length === 0 ? detail : `${detail} (${serials.join(', ')})`;
    const { generation } = await this.#writer.commit({
      audit: isQuiet ? { atMs } : { atMs, actor, action, zone, detail: told },
      zones: { put: parts.map(({ record }) => record) },
      nodes: partNodes(parts),
      journal: parts.flatMap(({ record: { id: zoneId }, plan: { changed, changeset } }) => {
        const { fromSerial, toSerial } = changeset;
        return changed ? [{ zoneId, fromSerial, toSerial, changeset: encodeChangeset(changeset) }] : [];
      }),
      secrets: [
        ...parts.flatMap(({ record: { id: zoneId }, fresh, forgotten }) => [
          ...(fresh === undefined ? [] : [{ zoneId, id: fresh.ref.id, value: fresh.sealed }]),
          ...forgotten.map((id) => ({ zoneId, id, value: null })),
        ]),
        ...secrets,
      ],
      documents,
      events: [...parts.map(({ record }) => zoneChanged(record, { actor, action })), ...events],
      upkeep,
    });
    for (const { plan } of parts) this.#signatures += plan.signatureCount;
    this.#publisher.publish(generation);
    return generation;
  }

  /** Removes the zone with everything that belongs to it. Gives the generation. */
  async remove(record: ZoneRecord, { actor, action, detail }: Cause): Promise<number> {
    const audit = { atMs: this.#clock.nowMs(), actor, action, zone: record.name, detail };
    const events = [zoneRemoved(record, { actor, action })];
    const { generation } = await this.#writer.commit({ audit, zones: { remove: [record.id] }, events, upkeep: true });
    this.#keys.forget(record);
    this.#publisher.publish(generation);
    return generation;
  }

  /** Renews those signatures of at most `nodeLimit` nodes that are near their end; writes nothing when none is. */
  async refresh(record: ZoneRecord, from: string, nodeLimit: number): Promise<Result<RefreshOutcome>> {
    const view = this.#writer.view(record);
    const keys = this.#keys.keysOf(record);
    const signing = this.#signing(keys);
    const { pending, next } = prepareRefresh(view, signing, from, nodeLimit);
    if (!pending.changed) return ok({ renewed: 0, next });
    const plan = await signPlan(pending, keys);
    const refused = this.#verify(record.name, view, plan, signing);
    if (refused !== undefined) return fail(refused);
    const renewed: ZoneRecord = { ...record, serial: plan.changeset.toSerial };
    await this.commit(
      { plan, record: renewed, fresh: undefined, forgotten: [] },
      { ...REFRESH, detail: `${plan.signatureCount} signatures` },
      { upkeep: true },
    );
    return ok({ renewed: plan.signatureCount, next });
  }

  #signing(open: readonly OpenKey[]): SigningSettings {
    const keys = open.map(({ key }) => key);
    return { keys, published: keys, nowSeconds: toSeconds(this.#clock.nowMs()) };
  }

  /** Checks what would be published, on the zone as it will be: the apex and a random sample of the others, which is all of them in a usual change. */
  #verify(zone: string, base: ZoneView, plan: ZonePlan, signing: SigningSettings): Problem | undefined {
    const after = overlayZone(base, new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null])));
    const nodes = sampleNodes(plan.nodes, VERIFY_SAMPLE_NODES, () => Buffer.from(this.#random(4)).readUInt32BE() / 2 ** 32);
    const dnskeys = signing.published.map((key) => key.dnskey);
    const { check } = this.#selfCheck;
    const [first] = verifyNodes(base.apex, nodes, dnskeys, { nowSeconds: signing.nowSeconds, check, view: after });
    if (first === undefined) return undefined;
    this.#selfCheckFailures++;
    const why = `the freshly signed zone ${zone} failed its check (${formatPlace(first.at)}: ${first.message}); nothing was published, the served zone is unchanged`;
    return problem('SIGNING_SELF_CHECK', atZone(zone), why, { fix: 'repeat the change; if it fails again, report it with the log' });
  }
}

/** The plan with its signatures. */
async function signPlan(pending: PendingPlan, keys: readonly OpenKey[]): Promise<ZonePlan> {
  const secrets = keys.map(({ key, secret }) => ({ secret, flags: key.flags, dnskey: key.dnskey }));
  return finishPlan(pending, await signInPool(pending.batches, secrets));
}

function newRecord(id: number, name: string, nowMs: number): ZoneRecord {
  return { id, name, dnssec: 'off', serial: 0, revision: 0, nodeCount: 0, createdAtMs: nowMs, changedAtMs: nowMs, keys: [] };
}

function* partNodes(parts: readonly Prepared[]): Generator<NodeWrite> {
  for (const { record, plan } of parts) yield* nodeWrites(record.id, plan);
}

/** Encoded on the way into the store, so that a large zone never stands in memory twice. */
function* nodeWrites(zoneId: number, plan: ZonePlan): Generator<NodeWrite> {
  for (const [key, planned] of plan.nodes) yield { zoneId, key, value: planned === null ? null : encodeNode(planned.node, planned.flags) };
}
