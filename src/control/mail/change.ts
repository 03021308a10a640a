/**
 * How one mail command is carried out when its turn has come: decided, then every zone that it touches planned, signed and checked, and
 * all of it committed as one.
 * Not here: what it comes to (decide.ts), planning and signing (control/zone/writer.ts), turns (control/control.ts).
 */
import { CHANGESET_LINES_MAX } from '#base/limits/limits.ts';
import { type Problem, type Result, fail, ok } from '#base/problem.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { changesetLines } from '#zone/changeset-text.ts';
import { type ZoneView } from '#zone/view.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { zoneNotServed } from '#control/zone/decide.ts';
import { mailEvent, reportEvent } from '#control/events/writes.ts';
import { type MailCommand } from '#control/api/mail.ts';
import { releaseConsents } from './consents.ts';
import { type MailDecision, type MailForesight } from './decision.ts';
import { type MailRoom } from './decide.ts';
import { type Prepared, type ZoneWriter } from '#control/zone/writer.ts';

export function isMailCommand(command: Command): command is MailCommand {
  return /^(?:mail|dkim|dmarc|mta-sts|tlsa|spf|lifecycle)\./.test(command.kind);
}

export interface MailChangeOptions {
  readonly writer: StoreWriter;
  readonly room: MailRoom;
  readonly zoneWriter: ZoneWriter;
  readonly precondition: (record: ZoneRecord, view: ZoneView, options: RunOptions) => Problem | undefined;
  /** Something was committed. */
  readonly done: (zone: string, events: readonly LifecycleEvent[]) => void;
}

function changesetOf({ record, plan }: Prepared): NonNullable<Outcome['elsewhere']>[number] {
  return { zone: record.name, changeset: changesetLines(plan.changeset, CHANGESET_LINES_MAX) };
}

export class MailChange {
  readonly #options: MailChangeOptions;

  constructor(options: MailChangeOptions) {
    this.#options = options;
  }

  /** `command.zone` is in lower case. */
  async run(command: MailCommand, foresight: MailForesight, options: RunOptions): Promise<Result<Outcome>> {
    const { writer, room, precondition } = this.#options;
    const record = writer.zoneByName(command.zone);
    if (record === undefined) return fail(zoneNotServed(command.zone));
    const view = writer.view(record);
    const refusal = precondition(record, view, options);
    if (refusal !== undefined) return fail(refusal);
    const decided = await room.decide(command, record, view, options.actor, foresight);
    if (!decided.ok) return decided;
    const { warnings, isChanged, note } = decided.value;
    const prepared = await this.#prepare(decided.value);
    if (!prepared.ok) return prepared;
    const parts = prepared.value;
    const changed = isChanged || parts.length > 0;
    const generation = options.dryRun ? undefined : await this.#commit(command, record, parts, decided.value, changed, options.actor);
    const own = parts.find((each) => each.record.id === record.id);
    const others = parts.filter((each) => each !== own);
    const { serial } = own?.record ?? record;
    return ok({
      zone: record.name,
      serial,
      revision: parts.length === 0 ? record.revision : (generation ?? record.revision),
      changed,
      created: false,
      dryRun: options.dryRun,
      changeset:
        own === undefined
          ? { fromSerial: serial, toSerial: serial, deleted: [], added: [], omitted: 0 }
          : changesetLines(own.plan.changeset, CHANGESET_LINES_MAX),
      ...(others.length === 0 ? {} : { elsewhere: others.map(changesetOf) }),
      warnings,
      mail: note,
    });
  }

  /** What the mail of a zone that is about to be removed has put into other zones goes. Done twice or not at all, nothing is wrong. */
  async leave(record: ZoneRecord, cause: { readonly actor: Actor; readonly action: string }): Promise<void> {
    const { writer, zoneWriter } = this.#options;
    const detail = `consents to DMARC reports of ${record.name} are withdrawn`;
    const prepared = await this.#prepare({ parts: releaseConsents(writer, record, 'delete'), detail });
    // A zone that takes no change now does not keep another one from being removed.
    if (prepared.ok && prepared.value.length > 0) await zoneWriter.commitAll(record.name, prepared.value, { ...cause, detail }, {});
  }

  /** Those parts in which anything changes. */
  async #prepare({ parts, detail }: Pick<MailDecision, 'parts' | 'detail'>): Promise<Result<readonly Prepared[]>> {
    const prepared: Prepared[] = [];
    for (const { record, view, changes } of parts) {
      if (changes.length === 0) continue;
      const decision = { kind: 'change', changes, signed: record.dnssec === 'on', detail, warnings: [] } as const;
      const ready = await this.#options.zoneWriter.prepare(record, view, decision);
      if (!ready.ok) return ready;
      if (ready.value.plan.nodes.size > 0) prepared.push(ready.value);
    }
    return ok(prepared);
  }

  async #commit(
    command: MailCommand,
    { name }: ZoneRecord,
    prepared: readonly Prepared[],
    decision: MailDecision,
    changed: boolean,
    actor: Actor,
  ): Promise<number | undefined> {
    // A step that comes to nothing still moves its time.
    const isTimed = command.kind === 'lifecycle.tick' || command.kind === 'spf.take';
    if (!changed && !isTimed) return undefined;
    const { documents, secrets, detail, events, isQuiet } = decision;
    // A key that was stolen is revoked on a full disk too.
    const upkeep = isTimed || command.kind === 'dkim.revoke';
    const isReport = command.kind === 'dmarc.report' || command.kind === 'mta-sts.report';
    const told = [...(isReport ? [reportEvent(name, detail)] : []), ...events.map((each) => mailEvent(name, each))];
    const extras = { documents, secrets, events: told, upkeep, isQuiet: isQuiet && prepared.length === 0 };
    const generation = await this.#options.zoneWriter.commitAll(name, prepared, { actor, action: command.kind, detail }, extras);
    this.#options.room.committed(name, decision);
    this.#options.done(name, events);
    return generation;
  }
}
