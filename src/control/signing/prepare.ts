/**
 * How the change of one zone is made ready: planned, signed, and checked as it would be served. Writes nothing.
 * Not here: what changes (control/zone/decide.ts), how a change is planned (dnssec/plan.ts), the commit
 * (control/funnel/carry-out.ts).
 */
import { assert } from '#base/assert.ts';
import { type Clock } from '#base/clock.ts';
import { ZONEMD_NODES_MAX } from '#base/limits/dnssec.ts';
import { atZone, formatPlace } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { newRecord, withDenial, withKeys, withZonemd } from './record.ts';
import { type Soon, whenThere } from './soon.ts';
import { type Name, formatName } from '#dns/name.ts';
import {
  type PendingPlan,
  type PlannedNode,
  type SigningSettings,
  type ZonePlan,
  finishPlan,
  preparePlan,
  type RefreshSlice,
  prepareRefresh,
} from '#dnssec/plan.ts';
import { KEY_POLICY, rolesOf } from '#dnssec/key-policy.ts';
import { noteGone } from '#dnssec/rollover/gone.ts';
import { verifyHashed, verifyNodes } from '#dnssec/verify.ts';
import { keyPolicyOf, policyNameOf } from '#store/dnssec/policies.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DecisionStore } from '#control/commands/decision-store.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type ZoneView } from '#zone/view.ts';
import { type KeySet, type Prepared, type ReceivedPart, type ZonePart } from '#control/commands/decision.ts';
import { presignedOnly } from '#control/commands/presigned.ts';
import { keptByCatalog } from '#control/commands/catalog-zone.ts';
import { keptByPrimary } from '#control/commands/secondary-zone.ts';
import { zonemdTooLarge } from '#dnssec/plan-zonemd.ts';
import { KeyRing, type NewZoneKey, type OpenKey, newZoneKey } from './keys.ts';
import { SelfCheck } from './self-check.ts';
import { signNewZone } from './new-zone.ts';
import { writeReceivedZone } from './received-zone.ts';
import { type Looked, sampleOfPlan, walkBoth } from './looked.ts';
import { signInPool } from './pool.ts';
import { claimsOf, poolKeys, settingsOf } from './settings.ts';
import { type SigningClock, type SigningTime } from './signing-clock.ts';

export interface ZonePreparerOptions {
  readonly writer: DecisionStore;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** Which time it may be; the wall clock's unless given. */
  readonly signingClock?: Pick<SigningClock, 'read' | 'problem'>;
  /** Counted time; the wall clock's unless given. */
  readonly countedMs?: () => number;
  /** The sealed secrets of keys that the store has; its own unless given. */
  readonly sealedSecret?: (zoneId: number, id: string) => Uint8Array | undefined;
  /** How many signatures of a large plan are made so far, of how many. */
  readonly onSigned?: (done: number, total: number) => void;
  /** Receives the names of a new zone as they are made; absent: they are in its plan. */
  readonly writeNew?: (zoneId: number, node: PlannedNode, isHashed?: boolean) => void;
}

/** A part whose changes are known. */
export type SettledPart = ZonePart & { readonly changes: readonly RrsetChange[] };

export class ZonePreparer {
  readonly #options: ZonePreparerOptions;
  readonly #keys: KeyRing;
  readonly #selfCheck: SelfCheck;
  #signatures = 0;
  #selfCheckFailures = 0;

  constructor(options: ZonePreparerOptions) {
    const { writer, clock } = options;
    this.#options = options;
    this.#selfCheck = new SelfCheck(() => clock.nowMs());
    // Under 0 stand the secrets of removed zones, for one that comes back.
    const stored = (zoneId: number, id: string) => writer.sealedSecret(zoneId, id) ?? writer.sealedSecret(0, id);
    this.#keys = new KeyRing(writer.sealer, options.sealedSecret ?? stored);
  }

  /** Signatures committed since the start. */
  get signatures(): number {
    return this.#signatures;
  }

  /** Changes rejected because fresh signatures were not good. */
  get selfCheckFailures(): number {
    return this.#selfCheckFailures;
  }

  /** Plans, signs and checks one part of a decision: at once, unless there is much to sign. */
  prepare(part: SettledPart): Soon<Result<Prepared>> {
    const { view } = part;
    const { clock, writer } = this.#options;
    const zone = formatName(view.apex);
    const nowMs = clock.nowMs();
    const ofCatalog = keptByCatalog(part);
    if (ofCatalog !== undefined) return fail(ofCatalog);
    if (part.presigned !== undefined) return ok(this.#presigned(part, part.presigned, zone, nowMs));
    if (part.received !== undefined) return ok(this.#received(part, part.received, zone, nowMs));
    const kept = keptByPrimary(part);
    if (kept !== undefined) return fail(kept);
    // For all who ask: mail policies, CAs, upkeep.
    const isTakenOver = (part.keySet?.keys ?? []).length > 0;
    if (part.record?.presigned !== undefined && !isTakenOver) return fail(presignedOnly(zone));
    const { keys: back = [], foreignKeys = [], isOfCatalog } = part;
    const role = isOfCatalog === undefined ? {} : { isCatalog: isOfCatalog };
    const before = part.record ?? { ...newRecord(writer.nextZoneId(), zone, nowMs), keys: back, foreignKeys, ...role };
    const isSigned = part.isSigned ?? before.dnssec === 'on';
    const keySet = isSigned ? this.#keySet(part, before, nowMs) : NO_KEYS;
    const claimed = withZonemd(withDenial(withKeys(before, keySet), part.denial), part.zonemd);
    const keyed = withRole(claimed, part.secondary);
    const keys = this.#keys.keysOf(keyed, keySet.sealed);
    const wrong = isSigned ? this.#options.signingClock?.problem() : undefined;
    if (wrong !== undefined) return fail(wrong);
    const signing = isSigned ? { ...settingsOf(keys, keyed, this.#signingTime()), ...claimsOf(keyed) } : undefined;
    const made = { zone, nowMs, before, keyed, sealed: keySet.sealed, signing };
    const written = this.#writeNew(part, made, keys);
    if (written !== undefined) return written;
    const { pending, next, endsAt } = pendingOf(part, signing);
    if (pending.collision !== undefined) return fail(hashCollision(zone, pending.collision));
    return whenThere(signPlan(pending, keys, this.#options.onSigned), (plan) =>
      this.#checked(part, { ...made, plan, next, endsAt }),
    );
  }

  /** A new zone whose names go out as they are signed; undefined when its plan has to be whole. */
  #writeNew({ whole, ...part }: SettledPart, made: Made, keys: readonly OpenKey[]): Soon<Result<Prepared>> | undefined {
    const { writeNew, onSigned } = this.#options;
    const { signing, keyed } = made;
    const isSliced = signing?.nsec3 === undefined && signing?.zonemd === undefined;
    if (whole === undefined || writeNew === undefined || !isSliced) return undefined;
    const write = (node: PlannedNode): void => writeNew(keyed.id, node);
    const secrets = poolKeys(keys);
    return whenThere(
      signNewZone(whole, { signing, secrets, write, random: () => this.#chance(), onSigned }),
      ({ plan, written, shown, sample }) => {
        const ready = this.#checked(part, { ...made, plan, sample, next: undefined, endsAt: undefined });
        return ready.ok ? { ...ready, value: { ...ready.value, written, shown } } : ready;
      },
    );
  }

  /** The signed plan of a part, when it is good. */
  #checked(
    part: SettledPart,
    { zone, nowMs, before, keyed, sealed, signing, plan, sample, next, endsAt }: Signed,
  ): Result<Prepared> {
    const { view } = part;
    const isSigned = signing !== undefined;
    const isDigested = isSigned && keyed.zonemd !== undefined;
    const tooLarge = isDigested ? tooLargeForDigest(before, view, plan) : undefined;
    if (tooLarge !== undefined) return fail(tooLarge);
    const looked = sample ?? sampleOfPlan(view, plan, () => this.#chance());
    const bad = signing === undefined ? undefined : this.#verify(zone, view, looked, signing, part.keySet?.chain);
    if (bad !== undefined) return fail(bad);
    const [isNew, isTurned] = [part.record === undefined, !sameRole(keyed.secondary, part.record?.secondary)];
    const signed: ZoneRecord = { ...this.#withCached(keyed, plan), serial: plan.changeset.toSerial };
    return ok({
      plan,
      isChanged: plan.nodes.size > 0 || isNew || isTurned || part.keySet !== undefined,
      fresh: sealed,
      forgotten: (part.record?.keys ?? []).map(({ id }) => id).filter((id) => keyed.keys.every((key) => key.id !== id)),
      ...(next === undefined ? {} : { next }),
      ...(endsAt === undefined ? {} : { endsAt }),
      // Renewed signatures are no change of the zone's contents.
      record: part.renewal !== undefined ? signed : { ...signed, dnssec: isSigned ? 'on' : 'off', changedAtMs: nowMs },
    });
  }

  /** A zone as another signer made it: its plan is whole, and it has no keys here. */
  #presigned(
    { record, secondary }: SettledPart,
    { plan, presigned }: PresignedZone,
    zone: string,
    nowMs: number,
  ): Prepared {
    const before = record ?? newRecord(this.#options.writer.nextZoneId(), zone, nowMs);
    const { foreignKeys: _foreign, isDeletingDs: _deleting, ...rest } = withRole(before, secondary);
    const serial = plan.changed ? plan.changeset.toSerial : before.serial;
    return {
      plan,
      isChanged: plan.changed || record?.presigned === undefined,
      fresh: NO_KEYS.sealed,
      forgotten: before.keys.map(({ id }) => id),
      record: { ...rest, keys: [], dnssec: 'on', presigned, serial, changedAtMs: nowMs },
    };
  }

  /** A zone as a primary sent it. */
  #received(part: SettledPart, received: ReceivedPart, zone: string, nowMs: number): Prepared {
    const { writer, writeNew } = this.#options;
    const before = part.record ?? newRecord(writer.nextZoneId(), zone, nowMs);
    const ready = (plan: ZonePlan, more: Partial<Prepared>): Prepared => {
      const catalog = part.isOfCatalog === true ? { isCatalog: true as const } : {};
      const { secondary } = withRole(before, part.secondary);
      const { dnssec } = received;
      const serial = plan.changed ? plan.changeset.toSerial : before.serial;
      const isMoved = plan.changed || plan.nodes.size > 0 || plan.hashed.size > 0 || before.dnssec !== dnssec;
      return {
        plan,
        isChanged: isMoved || part.record === undefined || !sameRole(secondary, before.secondary),
        fresh: NO_KEYS.sealed,
        forgotten: [],
        record: { ...withRole(before, part.secondary), ...catalog, dnssec, serial, changedAtMs: nowMs },
        ...more,
      };
    };
    const { whole } = received;
    if (whole === undefined) return ready(received.plan, {});
    assert(writeNew !== undefined, 'a large zone is received in the process that writes its names to a file');
    const { plan, ...more } = writeReceivedZone(whole, (node, isHashed) => writeNew(before.id, node, isHashed));
    return ready(plan, more);
  }

  #signingTime(): SigningTime {
    const { clock, signingClock } = this.#options;
    const nowMs = clock.nowMs();
    return signingClock?.read() ?? { earliestMs: nowMs, latestMs: nowMs };
  }

  /** Notes how long caches may hold what the plan takes away: a rollover waits for that. */
  #withCached(record: ZoneRecord, { changeset }: ZonePlan): ZoneRecord {
    if (record.keys.length === 0 || changeset.deleted.length === 0) return record;
    const { clock, countedMs = () => clock.nowMs() } = this.#options;
    const ttlMs = changeset.deleted.reduce((longest, { ttl }) => Math.max(longest, ttl), 0) * 1000;
    return { ...record, ...noteGone(record, ttlMs, countedMs()) };
  }

  /** The keys that the zone of a part is signed with. */
  #keySet({ keySet }: SettledPart, record: ZoneRecord, nowMs: number): KeySet {
    const { name, keys, isDeletingDs } = record;
    if (keySet !== undefined) return keySet;
    if (keys.length > 0) return { keys, isDeletingDs: isDeletingDs === true, sealed: new Map() };
    const { writer, random } = this.#options;
    const policy = keyPolicyOf(writer, record);
    const made: NewZoneKey[] = [];
    for (const role of rolesOf(policy)) {
      const tags = made.map(({ ref }) => ref.keyTag);
      const wanted = { role, algorithm: policy.algorithm, stage: 'active' } as const;
      made.push(newZoneKey(name, tags, writer.sealer, random, nowMs, wanted));
    }
    const first = {
      keys: made.map(({ ref }) => ref),
      isDeletingDs: false,
      sealed: new Map(made.map(({ ref, sealed }) => [ref.id, sealed])),
    };
    return policy === KEY_POLICY ? first : { ...first, policy, policyName: policyNameOf(record) };
  }

  /** These are in the store now, and these zones are not any more. */
  committed(parts: readonly Prepared[], removed: readonly ZoneRecord[]): void {
    for (const { plan, record, fresh, forgotten } of parts) {
      this.#signatures += plan.signatureCount;
      this.#keys.keep(record.id, fresh);
      this.#keys.forget({ id: record.id, keys: forgotten.map((id) => ({ id })) });
    }
    for (const record of removed) this.#keys.forget(record);
  }

  #chance(): number {
    return Buffer.from(this.#options.random(4)).readUInt32BE() / 2 ** 32;
  }

  /**
   * Checks what would be published, on the zone as it will be: the apex and a random sample of the others, which is
   * all of them in a usual change.
   */
  #verify(
    zone: string,
    base: ZoneView,
    { nodes, hashed = [], view: after }: Looked,
    signing: SigningSettings,
    chain: KeySet['chain'],
  ): Problem | undefined {
    const { nowSeconds, keys, keySigners = [] } = signing;
    const dnskeys = signing.published.map((key) => key.dnskey);
    const unpublished = keys.map((key) => key.dnskey).filter((dnskey) => !dnskeys.includes(dnskey));
    const check = this.#selfCheck.checkOf([...keys, ...keySigners]);
    const options = { nowSeconds, check, view: after, unpublished };
    const problems = verifyNodes(base.apex, nodes, dnskeys, options);
    const [first = problems[0]] = verifyHashed(base.apex, hashed, dnskeys, options);
    const found = first ?? (chain === undefined ? undefined : walkBoth(base, after, nodes, chain, nowSeconds));
    if (found === undefined) return undefined;
    this.#selfCheckFailures++;
    const why =
      `the freshly signed zone ${zone} failed its check (${formatPlace(found.at)}: ${found.message}); ` +
      'nothing was published, the served zone is unchanged';
    return problem('SIGNING_SELF_CHECK', atZone(zone), why, {
      fix: 'repeat the change; if it fails again, report it with the log',
    });
  }
}

/** A part with its signatures. */
interface Signed extends Made {
  readonly plan: ZonePlan;
  /** What is checked; chosen from the plan unless given. */
  readonly sample?: Looked;
  readonly next: string | undefined;
  readonly endsAt: number | undefined;
}

/** What the signatures of a part are made for. */
interface Made {
  readonly zone: string;
  readonly nowMs: number;
  /** The zone's record as it was. */
  readonly before: ZoneRecord;
  /** The same with the keys and claims that it is signed with. */
  readonly keyed: ZoneRecord;
  readonly sealed: KeySet['sealed'];
  /** Undefined: the zone is not signed. */
  readonly signing: SigningSettings | undefined;
}

type PresignedZone = NonNullable<ZonePart['presigned']>;

/** Each change digests the whole zone: what grows past the limit is rejected, not left without a digest in silence. */
function tooLargeForDigest({ name, nodeCount }: ZoneRecord, view: ZoneView, { nodes }: ZonePlan): Problem | undefined {
  let grown = 0;
  for (const [key, planned] of nodes) if (planned !== null && view.node(key) === undefined) grown++;
  return grown === 0 || nodeCount + grown <= ZONEMD_NODES_MAX ? undefined : zonemdTooLarge(name, nodeCount + grown);
}

/** RFC 5155 §7.1 has another salt for this; RFC 9276 §3.1 has none, and then a name was made for it. */
function hashCollision(zone: string, name: Name): Problem {
  const why = `the NSEC3 hash of ${formatName(name)} is that of another name of ${zone}; no proof tells them apart`;
  return problem('NSEC3_COLLISION', atZone(zone), why, {
    rfc: 'RFC 5155 §7.1',
    fix: `take one of the names out, or use NSEC: waxseal dnssec set ${zone} --denial nsec`,
  });
}

/** The record with this role; null: the zone is kept here. */
function withRole(before: ZoneRecord, role: ZonePart['secondary']): ZoneRecord {
  if (role === undefined) return before;
  const { secondary: _secondary, ...record } = before;
  return role === null ? record : { ...record, secondary: role };
}

function sameRole(one: ZoneRecord['secondary'], other: ZoneRecord['secondary']): boolean {
  return one?.mode === other?.mode && one?.isExpired === other?.isExpired;
}

const NO_KEYS: KeySet = { keys: [], isDeletingDs: false, sealed: new Map() };

function pendingOf(
  { view, changes: given, whole, renewal, keySet }: SettledPart,
  signing: SigningSettings | undefined,
): { readonly pending: PendingPlan } & Partial<Pick<RefreshSlice, 'next' | 'endsAt'>> {
  if (renewal !== undefined && signing !== undefined)
    return prepareRefresh(view, signing, renewal.from, renewal.nodeLimit);
  const changes = whole === undefined ? given : [...whole.changes];
  return { pending: preparePlan(view, changes, signing, keySet === undefined ? {} : { resign: 'due' }) };
}

/** The plan with its signatures. */
function signPlan(
  pending: PendingPlan,
  keys: readonly OpenKey[],
  onSigned?: ZonePreparerOptions['onSigned'],
): Soon<ZonePlan> {
  return whenThere(signInPool(pending.batches, poolKeys(keys), onSigned && { onSigned }), (signatures) =>
    finishPlan(pending, signatures),
  );
}
