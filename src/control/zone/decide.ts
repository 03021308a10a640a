/**
 * What each zone command changes: RRsets, signing, the zone as a whole, with every problem at once. Reads the store, writes nothing.
 * Not here: RRset operations (rrset-operations.ts), importing a zone file (import.ts), planning and signing (control/signing/prepare.ts).
 */
import { type Clock } from '#base/clock.ts';
import { RECORDS_PER_RRSET_MAX } from '#base/limits/dns.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { type ZoneKeyRef, type ZoneRecord } from '#store/schema.ts';
import { type DecisionStore } from '#control/commands/decision-store.ts';
import { readMembership } from '#store/transfer/followed-catalogs.ts';
import { type Decision, type RecordWatcher, type ZonePart } from '#control/commands/decision.ts';
import { type CommandOf, type CommandTable, type Handler } from '#control/commands/table.ts';
import { type ServedZone, type ZoneContext } from '#control/commands/table.ts';
import { type ZoneCommand } from '#control/api/control.ts';
import { readAliases } from '#store/alias/aliases.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { importOfCatalog, memberOfCatalog } from '#control/commands/catalog-zone.ts';
import { closedToCommands } from '#control/commands/secondary-zone.ts';
import { denialProblem, setZonemd, switchDenial } from './denial.ts';
import { type AliasesOfChanges, decideWithAliases, importWithAliases } from './alias-decision.ts';
import { type AliasLooks, aliasClashes } from './aliases.ts';
import { FileChanges } from './file-changes.ts';
import { newZoneChanges } from './new-zone.ts';
import { importPresigned } from './presigned-import.ts';
import { setLabels } from './labels.ts';
import { settleNeighbours, stillDelegated } from './neighbours.ts';
import { type RecordDecision, checked } from './record-decision.ts';
import { type RemovedText, readRemovedText } from './removed-text.ts';
import { type RemovedZone, keepRemovedZone, readRemovedZone, removalWarnings, takeBack, withNewerSerial } from './removed.ts';
import { checkZonesBelow } from './served-below.ts';
import { revertZone, rollBackZone } from './rollback.ts';
import { updateZone } from './update.ts';

export interface ZoneDecisionOptions {
  readonly writer: DecisionStore;
  readonly clock: Clock;
  readonly watcher: RecordWatcher;
  /** The setting `limits.records_per_rrset`. */
  readonly recordsPerRrsetMax: number;
  /** What is known of the zone's DS at its parent, a sentence after a blank. */
  readonly dsText?: (record: ZoneRecord) => string;
  readonly aliases: AliasesOfChanges;
}

/** What decides a command on the records of a zone that is served. */
type Decide<C> = (
  zone: ServedZone,
  command: C,
  options: ZoneDecisionOptions,
  mayTouch: NonNullable<ZoneContext['mayTouch']>,
) => Result<RecordDecision>;

/** The zone commands, each with what decides it. */
export function zoneHandlers(options: ZoneDecisionOptions): CommandTable<ZoneCommand['kind']> {
  const onServed =
    <C extends ZoneCommand>(decide: Decide<C>) =>
    (command: C, { served, mayTouch = () => true }: ZoneContext): Result<Decision> => {
      if (served === undefined) return fail(zoneNotServed(command.zone));
      const closed = closedToCommands(served.record, served.view);
      if (closed !== undefined) return fail(closed);
      return watched(decide(served, command, options, mayTouch), served, options, command);
    };
  return {
    'zone.create': {
      isCreating: true,
      look: lookingAt<CommandOf<'zone.create'>>(options, (command, context, looks) =>
        creation(createZone(command, context, options, looks), command, context, options),
      ),
      decide: (command, context) => creation(createZone(command, context, options), command, context, options),
    },
    'zone.import': {
      isCreating: true,
      decide: (command, context) => {
        const { served } = context;
        const closed = served && closedToCommands(served.record, served.view);
        const against = closed ?? importOfCatalog(served?.record) ?? denialProblem(command, served?.record);
        if (against !== undefined) return fail(against);
        if (command.presigned === true) return importPresigned(command, context, options);
        const imported = importZone(command, context, options);
        if (served === undefined) return creation(imported, command, context, options);
        return watched(imported, served, options, command);
      },
    },
    'zone.remove': {
      isUpkeep: true,
      look: async ({ zone }) => {
        const read = await readRemovedText(options.writer, zone);
        return ok((context) => removeZone(zone, context, options, read));
      },
      decide: ({ zone }, context) => removeZone(zone, context, options),
    },
    'zone.restore': { isCreating: true, decide: (command, context) => restoreZone(command, context, options) },
    'rrsets.change': {
      look: lookingAt<CommandOf<'rrsets.change'>>(options, (command, context, looks) => {
        const change: Decide<typeof command> = (zone, given) => changeRrsets(zone, given, options, looks);
        return onServed(change)(command, context);
      }),
      decide: onServed<CommandOf<'rrsets.change'>>((zone, command, own) => changeRrsets(zone, command, own)),
    },
    'zone.update': { decide: onServed(updateZone) },
    'zone.revert': { decide: onServed(revertZone) },
    'zone.rollback': { decide: onServed(rollBackZone) },
    'zone.dnssec': { decide: onServed(setSigning) },
    'zone.denial': {
      decide: (command, zone) => (zone.served ? switchDenial(zone.served, command) : fail(zoneNotServed(command.zone))),
    },
    'zone.labels': {
      decide: (command, { served }) =>
        served === undefined ? fail(zoneNotServed(command.zone)) : setLabels(served, command, options.writer),
    },
    'zone.zonemd': {
      decide: (command, { served }) => (served ? setZonemd(served, command) : fail(zoneNotServed(command.zone))),
    },
  };
}

/** Looks up the targets of the ALIAS records that operations name, then decides. */
function lookingAt<C extends CommandOf<'zone.create' | 'rrsets.change'>>(
  { aliases }: ZoneDecisionOptions,
  decide: (command: C, context: ZoneContext, looks: AliasLooks) => Result<Decision>,
): NonNullable<Handler<C>['look']> {
  return async (command) => {
    const looks = await aliases.look(command.operations ?? [], command.zone);
    return ok((context) => decide(command, context, looks));
  };
}

/** The decision on a zone that is not there yet, with what its neighbours on this server need. */
function creation(
  decided: Result<RecordDecision>,
  command: CommandOf<'zone.create' | 'zone.import' | 'zone.restore'>,
  { emptyView, mayChange }: ZoneContext,
  { writer, clock, aliases }: ZoneDecisionOptions,
): Result<Decision> {
  if (!decided.ok) return decided;
  const { isSigned, detail, warnings, documents = [] } = decided.value;
  const { parent: care = 'check' } = command;
  const { apex } = emptyView;
  const removed = readRemovedZone(writer, apex, clock.nowMs());
  const keys = isSigned ? (removed?.keys ?? []) : [];
  const changes = removed === undefined ? decided.value.changes : withNewerSerial(apex, decided.value.changes, removed);
  const neighbours = settleNeighbours(writer, { apex, changes, isSigned, keys }, { care, mayChange });
  if (!neighbours.ok) return fail(...neighbours.problems, ...warnings);
  const kept = { ...foreignOf(removed, keys), ...denialOf(command, removed) };
  const records = changes instanceof FileChanges ? { changes: [], whole: changes.whole } : { changes: [...changes] };
  const made = { record: undefined, view: emptyView, ...records, isSigned, keys, ...kept };
  const back = removed === undefined ? undefined : takeBack(writer, removed, writer.nextZoneId(), keys);
  return ok({
    zone: formatName(apex),
    parts: [made, ...neighbours.value],
    ...back,
    documents: [...(back?.documents ?? []), ...documents],
    ...(documents.length === 0 ? {} : { afterCommit: aliases.onDue }),
    detail,
    warnings: [...warnings, ...neighbours.warnings, ...(removed === undefined ? [] : [takenBack(removed, keys)])],
    isChanged: true,
  });
}

/** Keys of others stand beside its own again: what they signed is served by them. */
function foreignOf(removed: RemovedZone | undefined, keys: readonly ZoneKeyRef[]): Pick<ZonePart, 'foreignKeys'> {
  const { foreignKeys } = removed ?? {};
  return foreignKeys === undefined || keys.length === 0 ? {} : { foreignKeys };
}

/** A zone that comes back has what it had, unless the command says otherwise. */
function denialOf(
  command: CommandOf<'zone.create' | 'zone.import' | 'zone.restore'>,
  removed: RemovedZone | undefined,
): Pick<ZonePart, 'denial' | 'zonemd'> {
  const { denial = removed?.denial } = command.kind === 'zone.restore' ? {} : command;
  const { zonemd } = removed ?? {};
  return { ...(denial === undefined ? {} : { denial }), ...(zonemd === undefined ? {} : { zonemd }) };
}

function takenBack({ name, serial, removedAtMs }: RemovedZone, keys: readonly ZoneKeyRef[]): Problem {
  const key = keys.length === 0 ? '' : `its key ${keys.map(({ keyTag }) => keyTag).join(', ')} and `;
  const day = new Date(removedAtMs).toISOString().slice(0, 10);
  return warning('ZONE_TAKEN_BACK', atZone(name), `${name} was removed on ${day}: it gets ${key}a serial after ${serial} again`);
}

/** A removed zone comes back as it was, as far as it was kept. */
function restoreZone(command: CommandOf<'zone.restore'>, context: ZoneContext, options: ZoneDecisionOptions): Result<Decision> {
  const { served, emptyView } = context;
  const name = formatName(emptyView.apex);
  if (served !== undefined) return fail(zoneExists(name));
  const removed = readRemovedZone(options.writer, emptyView.apex, options.clock.nowMs());
  if (removed?.text === undefined)
    return fail(
      problem('ZONE_NOT_KEPT', atZone(name), `nothing of ${name} is kept${removed === undefined ? '' : ' but its key and serial'}`, {
        fix: `import its zone file: waxseal zone import ${name} FILE`,
      }),
    );
  const isSigned = removed.dnssec === 'on';
  const file = `removed zone ${name}`;
  // It comes back as it was, also where an RRset has more records than the setting allows by now.
  const rules = { signed: isSigned, recordsPerRrsetMax: RECORDS_PER_RRSET_MAX };
  const imported = importWithAliases({ view: emptyView }, { text: removed.text, file }, rules, options.aliases);
  if (!imported.ok) return imported;
  const decided = ok({ ...imported.value, isSigned, detail: `as it was with serial ${removed.serial}`, warnings: [] });
  return creation(decided, command, context, options);
}

function zoneExists(zone: string): Problem {
  return problem('ZONE_EXISTS', atZone(zone), `the zone ${zone} is served already`, {
    fix: 'to replace its records: waxseal zone import',
  });
}

/** The decision on a zone that is served, with what its watcher says. */
function watched(
  decided: Result<RecordDecision>,
  { record, view }: ServedZone,
  { watcher, writer, aliases }: ZoneDecisionOptions,
  command: ZoneCommand,
): Result<Decision> {
  if (!decided.ok) return decided;
  const { isSigned, detail, documents: ofAliases } = decided.value;
  const changes = [...decided.value.changes];
  const isIgnored = 'below' in command && command.below === 'ignore';
  const below = checkZonesBelow(writer, { record, view, changes, isSigned }).map((each) =>
    isIgnored ? { ...each, severity: 'warning' as const } : each,
  );
  const warnings = [...decided.value.warnings, ...below];
  const beside = ofAliases === undefined ? aliasClashes(readAliases(writer, record.id), changes) : [];
  const ofBelow = below.filter(({ severity }) => severity === 'error');
  const against = [...beside, ...watcher.check(record, changes), ...ofBelow];
  if (against.length > 0) return fail(...against, ...warnings.filter(({ severity }) => severity !== 'error'));
  const woken = watcher.wake(record, changes);
  const documents = [...woken, ...(ofAliases ?? [])];
  return ok({
    zone: record.name,
    parts: [{ record, view, changes, isSigned }],
    documents,
    detail,
    warnings,
    isChanged: (ofAliases ?? []).length > 0,
    // Both wake the same clock.
    ...(documents.length === 0 ? {} : { afterCommit: woken.length > 0 ? () => watcher.woken() : aliases.onDue }),
  });
}

function importZone(
  command: CommandOf<'zone.import'>,
  { served, emptyView }: ZoneContext,
  { recordsPerRrsetMax, aliases }: ZoneDecisionOptions,
): Result<RecordDecision> {
  const isSigned = served === undefined ? command.dnssec : served.record.dnssec === 'on';
  const rules = { signed: isSigned, recordsPerRrsetMax };
  const imported = importWithAliases(served ?? { view: emptyView }, command, rules, aliases);
  if (!imported.ok) return imported;
  return ok({ ...imported.value, isSigned, detail: `zone file ${command.file}`, warnings: imported.warnings });
}

/** The zone goes with its records in other zones; one of those that takes no change now does not keep it. */
function removeZone(
  name: Name,
  { served: zone, actor }: ZoneContext,
  { watcher, writer, clock }: ZoneDecisionOptions,
  read?: RemovedText,
): Result<Decision> {
  if (zone === undefined) return fail(zoneNotServed(name));
  const { record } = zone;
  const membership = readMembership(writer, record.id);
  // Of a catalog that is not followed any more, it is a zone as others.
  const isOfCatalog = membership !== undefined && writer.zoneById(membership.catalogId)?.secondary !== undefined;
  if (isOfCatalog && actor.kind !== 'system') return fail(memberOfCatalog(record.name, membership.catalog));
  // A copy comes again as it is; a catalog that lets go of many must not push out what is kept of other zones.
  const isGone = isOfCatalog && record.secondary?.mode === 'copy';
  const { kept, documents, secrets } = keepRemovedZone(writer, zone, clock.nowMs(), read);
  if (isGone)
    return ok({
      zone: record.name,
      parts: watcher.leave(record).map((part) => ({ ...part, isOptional: true })),
      removed: [record],
      detail: `zone with serial ${record.serial}, which the catalog ${membership.catalog} does not have any more`,
      isChanged: true,
    });
  return ok({
    zone: record.name,
    documents,
    secrets,
    warnings: [...removalWarnings(kept, record.isCatalog === true), ...stillDelegated(writer, zone.view.apex)],
    parts: watcher.leave(record).map((part) => ({ ...part, isOptional: true })),
    removed: [record],
    detail: `zone with serial ${record.serial}`,
    isChanged: true,
  });
}

function changeRrsets(
  { record, view }: ServedZone,
  { operations }: CommandOf<'rrsets.change'>,
  { recordsPerRrsetMax, aliases }: ZoneDecisionOptions,
  looks?: AliasLooks,
): Result<RecordDecision> {
  const rules = { signed: record.dnssec === 'on', recordsPerRrsetMax };
  const decided = decideWithAliases({ record, view }, operations, rules, aliases, looks);
  if (!decided.ok) return decided;
  const { changes, documents } = decided.value;
  const detail = operations.map(({ op, name: owner, type }) => `${op} ${owner} ${type}`).join(', ');
  return checked(view, [...changes], rules, detail, decided.warnings, documents);
}

function setSigning(
  { record }: ServedZone,
  command: CommandOf<'zone.dnssec'>,
  { dsText = () => '' }: Pick<ZoneDecisionOptions, 'dsText'>,
): Result<RecordDecision> {
  const { name, dnssec } = record;
  if (dnssec === 'on' && !command.dnssec && command.force !== true) {
    const why =
      `signing of ${name} is not turned off: while the parent has a DS record for it, validating resolvers take ` +
      `the unsigned zone for a forgery.${dsText(record)} Nothing was changed`;
    const fix =
      `waxseal dnssec disable ${name} --when-safe asks the parent for no DS and stops signing when no cache can ` +
      `have one; or remove the DS at your registrar, wait that long, then: waxseal dnssec disable ${name} --force`;
    return fail(problem('DNSSEC_DS_PRESENT', atZone(name), why, { fix, rfc: 'RFC 6781 §4.4.1' }));
  }
  const detail = command.dnssec ? 'signing on' : 'signing off';
  return ok({ changes: [], isSigned: command.dnssec, detail, warnings: [] });
}

function createZone(
  command: CommandOf<'zone.create'>,
  { served, emptyView }: ZoneContext,
  { recordsPerRrsetMax, aliases }: ZoneDecisionOptions,
  looks?: AliasLooks,
): Result<RecordDecision> {
  const zone = formatName(command.zone);
  if (served !== undefined) return fail(zoneExists(zone));
  const against = denialProblem(command, undefined);
  if (against !== undefined) return fail(against);
  const { operations, dnssec } = command;
  const rules = { signed: dnssec, recordsPerRrsetMax };
  if (operations === undefined) {
    const made = newZoneChanges(command.zone, command);
    return made.ok ? checked(emptyView, made.value, rules, 'new zone', made.warnings) : made;
  }
  const made = decideWithAliases({ view: emptyView }, operations, rules, aliases, looks);
  if (!made.ok) return made;
  const { changes, documents } = made.value;
  return checked(emptyView, [...changes], rules, 'new zone', made.warnings, documents);
}
