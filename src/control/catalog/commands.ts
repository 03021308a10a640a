/**
 * Commands about catalogs of other servers: what becomes of their members, removals that were held, and what the
 * follower gives for each member.
 * Not here: beginning to follow one (control/secondary/primaries.ts), catalogs of ours (control/transfer/catalogs.ts).
 */
import { atZone, inBody } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { type StoreWriter } from '#store/writer.ts';
import { followedWrite, membershipWrite, readFollowed } from '#store/transfer/followed-catalogs.ts';
import { primariesWrite } from '#store/transfer/primaries.ts';
import { type TsigKeyInfo } from '#control/api/transfer.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type CommandOf, type CommandTable, type ZoneContext } from '#control/commands/table.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { followedProblems, followedSettings } from '#control/secondary/followed-settings.ts';
import { turnedPart } from '#control/secondary/role.ts';
import { noFollowedCatalog } from '#control/transfer/catalogs.ts';
import { type CatalogFollower } from './follower.ts';

export interface CatalogCommandsOptions {
  readonly writer: StoreWriter;
  readonly keys: () => readonly TsigKeyInfo[];
  readonly follower: CatalogFollower;
  readonly onFollow: (zone: CommandOf<'catalog.assign'>['zone']) => void;
}

type Kinds = 'catalog.settings' | 'catalog.confirm' | 'catalog.assign';

export function followHandlers(options: CatalogCommandsOptions): CommandTable<Kinds> {
  return {
    'catalog.settings': { isCreating: true, decide: (command, context) => settings(command, context, options) },
    'catalog.confirm': { isCreating: true, decide: (command, context) => confirm(command, context, options) },
    'catalog.assign': { decide: (command, context) => assign(command, context, options) },
  };
}

function settings(
  command: CommandOf<'catalog.settings'>,
  { served }: ZoneContext,
  { writer, keys, follower }: CatalogCommandsOptions,
): Result<Decision> {
  const before = served && readFollowed(writer, served.record.id);
  if (served === undefined || before === undefined) return fail(noFollowedCatalog(command.zone));
  const { record } = served;
  const problems = followedProblems(command, command.zone, keys());
  if (problems.length > 0) return fail(...problems);
  const wanted = followedSettings(command);
  return ok({
    zone: record.name,
    documents: [followedWrite(record.id, wanted)],
    detail: `${wanted.templates.length} templates, at most ${wanted.membersMax} members`,
    isChanged: true,
    afterCommit: () => follower.changed([record]),
  });
}

function confirm(
  { zone, removals, serial }: CommandOf<'catalog.confirm'>,
  { served }: ZoneContext,
  { writer, follower }: CatalogCommandsOptions,
): Result<Decision> {
  const followed = served && readFollowed(writer, served.record.id);
  if (served === undefined || followed === undefined) return fail(noFollowedCatalog(zone));
  const { record } = served;
  const fix = `look: waxseal catalog show ${record.name}`;
  if (serial !== undefined && serial !== record.serial) {
    const why = `${record.name} is at serial ${record.serial} now, not ${serial}; nothing was changed`;
    return fail(problem('PRECONDITION', inBody('/serial'), why, { fix }));
  }
  const heldCount = follower.view(record)?.heldCount ?? 0;
  if (heldCount !== removals || heldCount === 0) {
    const why = `${heldCount} members of ${record.name} wait to be removed, not ${removals}; nothing was changed`;
    return fail(problem('PRECONDITION', inBody('/removals'), why, { fix }));
  }
  return ok({
    zone: record.name,
    documents: [followedWrite(record.id, { ...followed, confirmedSerial: record.serial })],
    detail: `${removals} members are removed`,
    isChanged: true,
    afterCommit: () => follower.changed([record]),
  });
}

/** The zone is there; what it is made of comes as the template says. */
function assign(
  { zone, primaries, mode, membership }: CommandOf<'catalog.assign'>,
  { served, actor }: ZoneContext,
  { writer, onFollow }: CatalogCommandsOptions,
): Result<Decision> {
  if (served === undefined) return fail(zoneNotServed(zone));
  const { record } = served;
  if (actor.kind !== 'system' || record.secondary === undefined) {
    const why = `${record.name} comes from no primary; nothing was changed`;
    return fail(problem('ZONE_NOT_SECONDARY', atZone(record.name), why));
  }
  const turned = record.secondary.mode === mode ? undefined : turnedPart(served, mode, writer);
  if (turned?.ok === false) return turned;
  return ok({
    zone: record.name,
    parts: turned === undefined ? [] : [turned.value],
    documents: [primariesWrite(record.id, primaries), membershipWrite(record.id, membership)],
    detail: `member of ${membership.catalog}${membership.isReset === true ? ', comes anew' : ''}`,
    isChanged: true,
    afterCommit: () => onFollow(nameOf(record.name)),
  });
}
