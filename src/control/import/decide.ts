/**
 * What the process of an import decides of what it gets: a zone file, a way back, or what a primary has sent.
 * Not here: planning and signing of what was decided (job.ts).
 */
import { atZone } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { formatName } from '#dns/name.ts';
import { MemoryZone } from '#zone/zone.ts';
import { readStored } from '#transfer/stored-messages.ts';
import { type DecisionStore } from '#control/commands/decision-store.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type ZoneContext } from '#control/commands/table.ts';
import { mailWatcher } from '#control/mail/watcher.ts';
import { takenFrom } from '#control/secondary/decisions.ts';
import { takeIn } from '#control/secondary/take-in.ts';
import { zoneHandlers } from '#control/zone/decide.ts';
import { type FileWork, type ImportRequest, type RollbackWork, type TransferWork } from './work.ts';

type Decided = Result<Decision>;

/** As `zone.import` decides in its turn. */
export function decideFile(
  request: ImportRequest,
  { command, hasResolvers, mayChange }: FileWork,
  text: string,
  writer: DecisionStore,
): Decided | Promise<Decided> {
  const { zone } = request;
  const handlers = handlersHere(request, writer, hasResolvers);
  return handlers['zone.import'].decide({ ...command, zone, text }, contextHere(request, writer, mayChange));
}

/** As `zone.rollback` and `zone.revert` decide in their turns, for who may change all of the zone. */
export function decideRollback(
  request: ImportRequest,
  { command }: RollbackWork,
  writer: DecisionStore,
): Decided | Promise<Decided> {
  const handlers = handlersHere(request, writer, true);
  const context = contextHere(request, writer, []);
  return command.kind === 'zone.rollback'
    ? handlers['zone.rollback'].decide(command, context)
    : handlers['zone.revert'].decide(command, context);
}

function handlersHere(
  { nowMs, countedMs, recordsPerRrsetMax }: ImportRequest,
  writer: DecisionStore,
  hasResolvers: boolean,
) {
  const nothing = (): void => undefined;
  const time = { nowMs: () => countedMs };
  return zoneHandlers({
    writer,
    clock: { nowMs: () => nowMs },
    watcher: mailWatcher(writer, time, nothing),
    recordsPerRrsetMax,
    aliases: { reader: writer, hasResolvers, ...time, look: () => Promise.resolve(new Map()), onDue: nothing },
  });
}

/** `names`: neighbours that may be changed too. */
function contextHere({ zone, turn }: ImportRequest, writer: DecisionStore, names: readonly string[]): ZoneContext {
  const record = writer.zoneByName(zone);
  return {
    served: record && { record, view: writer.view(record) },
    emptyView: new MemoryZone(zone, new Map()),
    actor: turn.actor,
    mayChange: (apex) => names.includes(formatName(apex)),
  };
}

/** As the keeper of zones from primaries decides; PRIMARY_FAILED when the zone is not taken. `notes` receives lines. */
export async function decideTransfer(
  { zone, nowMs, recordsPerRrsetMax }: ImportRequest,
  work: TransferWork,
  octets: Uint8Array,
  writer: DecisionStore,
  notes: string[],
): Promise<Decided> {
  const name = formatName(zone);
  const record = writer.zoneByName(zone);
  if (record === undefined) return fail(problem('ZONE_NOT_FOUND', atZone(name), `${name} is not served here any more`));
  const received = readStored(octets, work);
  if ('failure' in received) return fail(problem('PRIMARY_FAILED', atZone(name), received.failure));
  const taken = await takeIn({ record, view: writer.view(record), received, recordsPerRrsetMax });
  if ('failure' in taken) return fail(problem('PRIMARY_FAILED', atZone(name), taken.failure));
  notes.push(...taken.notes);
  return ok(takenFrom(writer, record, taken.part, work.from, nowMs).decision);
}
