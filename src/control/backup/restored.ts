/**
 * What is done to a store that was restored, before any server uses it, and afterwards: serials go ahead of what
 * secondaries may have, signatures that end soon are renewed, and key rollovers and mail stand still until an operator
 * has looked. Each step is a change like others; a restore that is broken off leaves a folder that no server uses.
 * Not here: the files (process/offline/restore.ts), comparing with the world (review.ts).
 */
import { RESTORE_ZONES_AT_ONCE } from '#base/limits/backup.ts';
import { type Clock } from '#base/clock.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, type Result, ok, warning } from '#base/problem.ts';
import { type Serial } from '#dns/serial.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type RestoredMark, readRestored, restoredWrite } from '#store/backup/restored.ts';
import { freezeWrite, readFreeze } from '#store/dnssec/policies.ts';
import { readMailState } from '#store/mail/state.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { withSoaSerial } from '#zone/changeset.ts';
import { rrsetOf } from '#zone/view.ts';
import { type DnssecApi } from '#control/api/dnssec.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { alertEvent } from '#control/commands/events.ts';
import { type ZonePart } from '#control/commands/decision.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { restoredSerial } from './serials.ts';

export interface RestoredOptions {
  readonly writer: StoreWriter;
  readonly funnel: Pick<Funnel, 'change'>;
  readonly clock: Clock;
  readonly time: CountedTime;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  /** Holds the key rollovers of all zones, or lets them move. */
  readonly freezes: Pick<DnssecApi, 'setFreeze'>;
}

/** The backup that a store came from. */
export interface RestoreOrder {
  readonly backup: string;
  readonly createdAtMs: number;
  /** Serials that secondaries have, by zone id; absent: none was asked. */
  readonly seen?: ReadonlyMap<number, readonly Serial[]>;
}

export interface RaisedZone {
  readonly name: string;
  readonly from: Serial;
  readonly to: Serial;
}

/** Zones whose serial is not ours to raise, and why. */
export interface SettledStore {
  readonly raised: readonly RaisedZone[];
  readonly warnings: readonly Problem[];
  readonly heldMail: number;
}

const SELF: Actor = { kind: 'system', id: 'restore', from: '' };

export class Restored {
  readonly #options: RestoredOptions;

  constructor(options: RestoredOptions) {
    this.#options = options;
  }

  /** Undefined: the store was not restored, or an operator has looked. */
  mark(): RestoredMark | undefined {
    return readRestored(this.#options.writer);
  }

  /** Serials ahead of what secondaries may have. */
  #plan({ createdAtMs, seen }: RestoreOrder): readonly RaisedZone[] {
    const { writer, clock } = this.#options;
    const elapsedMs = clock.nowMs() - createdAtMs;
    return writer
      .zones()
      .filter(isRaisable)
      .map(({ id, name, serial }) => ({
        name,
        from: serial,
        to: restoredSerial(serial, elapsedMs, seen?.get(id)),
      }));
  }

  /** Everything that comes before a server uses the store. The problem: nothing more was done. */
  async settle(order: RestoreOrder): Promise<Result<SettledStore>> {
    const held = await this.#hold(order);
    if (!held.ok) return held;
    const raised = this.#plan(order);
    const warnings: Problem[] = [...held.warnings, ...this.#notRaised()];
    for (let at = 0; at < raised.length; at += RESTORE_ZONES_AT_ONCE) {
      const done = await this.#raise(raised.slice(at, at + RESTORE_ZONES_AT_ONCE));
      if (!done.ok) return done;
      warnings.push(...done.warnings);
    }
    return ok({ raised, warnings, heldMail: held.value });
  }

  /** Rollovers and mail move again. Returns how many zones' mail does; undefined: nothing was held. */
  async resume(actor: Actor, dryRun: boolean): Promise<Result<number | undefined>> {
    const { writer, funnel, run, freezes } = this.#options;
    const mark = this.mark();
    if (mark === undefined) return ok(undefined);
    let count = 0;
    for (const record of writer.zones()) {
      if (readMailState(writer, record.id)?.dkim.lifecycle.hold?.reason !== mark.reason) continue;
      count++;
      if (dryRun) continue;
      const done = await run({ kind: 'lifecycle.resume', zone: nameOf(record.name) }, { actor, dryRun });
      if (!done.ok) return done;
    }
    if (readFreeze(writer)?.reason === mark.reason) {
      const thawed = await freezes.setFreeze(undefined, { actor, dryRun });
      if (!thawed.ok) return thawed;
    }
    const detail = `${mark.backup} was looked at; key rollovers and mail of ${count} zones move again`;
    // Last: broken off before, it can be repeated.
    const done = await funnel.change({ actor, action: 'backup.resume', dryRun, upkeep: true }, () =>
      ok({ documents: [restoredWrite(null)], detail, isChanged: true }),
    );
    return done.ok ? ok(count) : done;
  }

  /** First the mark: a server never moves a rollover of a store that is restored in part. */
  async #hold({ backup, createdAtMs }: RestoreOrder): Promise<Result<number>> {
    const { writer, funnel, clock, time, run } = this.#options;
    const then = 'waxseal backup review, then waxseal backup resume';
    const reason = `restored from the backup of ${formatTime(createdAtMs)}: ${then}`;
    const mark: RestoredMark = { version: 1, backup, createdAtMs, restoredAtMs: clock.nowMs(), reason };
    const frozen = readFreeze(writer) ?? { reason, by: 'restore', atMs: time.nowMs() };
    const text = `the store is that of ${formatTime(createdAtMs)}, restored; key rollovers and mail are held`;
    const alert = alertEvent(undefined, warning('BACKUP_RESTORED', WHOLE, text, { fix: 'waxseal backup review' }));
    const documents = [restoredWrite(mark), freezeWrite(frozen), time.write()];
    const marked = await funnel.change({ actor: SELF, action: 'backup.restore', upkeep: true }, () =>
      ok({ documents, events: [alert], detail: backup, isChanged: true }),
    );
    if (!marked.ok) return marked;
    let held = 0;
    const warnings: Problem[] = [];
    for (const record of writer.zones()) {
      const state = readMailState(writer, record.id);
      // One that an operator holds keeps that operator's reason.
      if (state === undefined || state.dkim.lifecycle.hold !== undefined) continue;
      const done = await run(
        { kind: 'lifecycle.hold', zone: nameOf(record.name), reason },
        { actor: SELF, dryRun: false },
      );
      if (done.ok) held++;
      else warnings.push(...done.problems.map((each) => ({ ...each, severity: 'warning' as const })));
    }
    return ok(held, warnings);
  }

  async #raise(zones: readonly RaisedZone[]): Promise<Result<unknown>> {
    const { funnel, writer } = this.#options;
    return await funnel.change({ actor: SELF, action: 'backup.serials', upkeep: true }, () => {
      const parts = zones.flatMap(({ name, to }) => partOf(writer, name, to) ?? []);
      return ok({ parts, detail: 'serials go ahead of what secondaries may have', isChanged: false });
    });
  }

  #notRaised(): Problem[] {
    return this.#options.writer.zones().flatMap(({ name, presigned, secondary }) => {
      if (presigned === undefined || secondary !== undefined) return [];
      const why = `${name} is signed elsewhere: its serial stays, and secondaries may have a newer one`;
      return [
        warning('BACKUP_RESTORED', WHOLE, why, {
          fix: `import the newest file of its signer: waxseal zone import ${name} FILE --presigned`,
        }),
      ];
    });
  }
}

/** Zones whose serial is made here, and that have one. */
function isRaisable({ presigned, secondary, nodeCount }: ZoneRecord): boolean {
  return presigned === undefined && secondary?.mode !== 'copy' && nodeCount > 0;
}

/** The zone with another serial, as a change of its SOA. */
function partOf(writer: StoreWriter, name: string, serial: Serial): ZonePart | undefined {
  const record = writer.zoneByName(nameOf(name));
  if (record === undefined) return undefined;
  const view = writer.view(record);
  const soa = rrsetOf(view.node(view.apexKey), TYPE.SOA);
  if (soa === undefined) return undefined;
  const { ttl, manager, rdatas } = soa;
  const rrset = { ttl, manager, rdatas: [withSoaSerial(rdatas[0]!, serial)] };
  const changes = [{ owner: view.apex, type: TYPE.SOA, rrset }];
  return {
    record,
    view,
    changes,
    // One zone that takes no change now must not keep the others from it.
    isOptional: true,
    ...(record.secondary === undefined ? {} : { isFromPrimary: true as const }),
    ...(record.isCatalog === true ? { isOfCatalog: true as const } : {}),
  };
}
