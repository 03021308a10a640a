/**
 * Commands about where a zone comes from: a zone is made that comes from primaries, or has others from now on.
 * Not here: getting it (keeper.ts), who may have it from here (control/transfer/secondaries.ts).
 */
import { type IpPort, formatIpPort, ipPort } from '#base/address.ts';
import { atZone, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { formatName } from '#dns/name.ts';
import { type StoreWriter } from '#store/writer.ts';
import { followedWrite, membershipWrite, readMembership } from '#store/transfer/followed-catalogs.ts';
import { type Primary, primariesWrite, readPrimaries } from '#store/transfer/primaries.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type CommandOf, type CommandTable, type ZoneContext } from '#control/commands/table.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type TsigKeyInfo } from '#control/api/transfer.ts';
import { memberOfCatalog } from '#control/commands/catalog-zone.ts';
import { followedProblems, followedSettings } from './followed-settings.ts';
import { readGivenPrimaries } from './given-primaries.ts';
import { planNothing } from './plan-nothing.ts';

export interface PrimariesOptions {
  readonly writer: StoreWriter;
  readonly keys: () => readonly TsigKeyInfo[];
  /** The zone comes from these primaries from now on. */
  readonly onFollow: (zone: CommandOf<'secondary.create'>['zone']) => void;
}

type Create = CommandOf<'secondary.create'>;

export function primariesHandlers(options: PrimariesOptions): CommandTable<'secondary.create' | 'primaries.set'> {
  return {
    'secondary.create': { isCreating: true, decide: (command, context) => create(command, context, options) },
    'primaries.set': { decide: (command, context) => set(command, context, options) },
  };
}

/** The zone is there at once, without records; queries get SERVFAIL until it has come. */
function create(command: Create, { served, emptyView }: ZoneContext, options: PrimariesOptions): Result<Decision> {
  const zone = formatName(command.zone);
  if (served !== undefined) {
    const fix = `remove it first: waxseal zone remove ${zone}`;
    return fail(problem('ZONE_EXISTS', atZone(zone), `the zone ${zone} is served already`, { fix }));
  }
  const { catalog, membership } = command;
  // What the follower of a catalog gives was checked with its templates.
  const primaries = membership === undefined ? readGivenPrimaries(command, options.keys()) : ok(command.primaries);
  const odd = catalog === undefined ? [] : followedProblems(catalog, command.zone, options.keys());
  if (!primaries.ok || odd.length > 0) return fail(...(primaries.ok ? [] : primaries.problems), ...odd);
  const { apex } = emptyView;
  const id = options.writer.nextZoneId();
  return ok({
    zone,
    parts: [
      {
        record: undefined,
        view: emptyView,
        changes: [],
        received: { plan: planNothing(apex, 0), dnssec: 'off' },
        secondary: { mode: command.isSigning ? 'sign' : 'copy' },
        ...(catalog === undefined ? {} : { isOfCatalog: true }),
      },
    ],
    documents: [
      primariesWrite(id, primaries.value),
      ...(catalog === undefined ? [] : [followedWrite(id, followedSettings(catalog))]),
      ...(membership === undefined ? [] : [membershipWrite(id, membership)]),
    ],
    detail: `${roleText(command)} from ${textOf(primaries.value)}`,
    warnings:
      catalog !== undefined && primaries.value.some(({ key }) => key === undefined) ? [keylessCatalog(zone)] : [],
    isChanged: true,
    afterCommit: () => options.onFollow(command.zone),
  });
}

function roleText({ isSigning, catalog, membership }: Create): string {
  if (catalog !== undefined) return 'catalog';
  const of = membership === undefined ? 'zone' : `member of ${membership.catalog}`;
  return isSigning ? `${of}, signed here,` : of;
}

/** RFC 9432 §7: who can speak for the producer adds and removes zones here. */
function keylessCatalog(zone: string): Problem {
  const what = 'who can answer for its primary adds and removes zones here';
  const why = `${zone} is a catalog that comes without a key: ${what}`;
  return warning('CATALOG_KEYLESS', inBody('/primaries'), why, {
    rfc: 'RFC 9432 §7',
    fix: 'use a TSIG key: --tsig NAME',
  });
}

function set(
  command: CommandOf<'primaries.set'>,
  { served }: ZoneContext,
  options: PrimariesOptions,
): Result<Decision> {
  if (served === undefined) return fail(zoneNotServed(command.zone));
  const { record } = served;
  if (record.secondary === undefined) {
    const why = `${record.name} is kept here, and comes from no primary; nothing was changed`;
    const add = `waxseal zone add ${record.name} --primary ADDRESS`;
    const fix = `to have it from one: waxseal zone remove ${record.name}, then ${add}`;
    return fail(problem('ZONE_NOT_SECONDARY', atZone(record.name), why, { fix }));
  }
  const membership = readMembership(options.writer, record.id);
  if (membership !== undefined) return fail(memberOfCatalog(record.name, membership.catalog));
  const primaries = readGivenPrimaries(command, options.keys());
  if (!primaries.ok) return primaries;
  const before = readPrimaries(options.writer, record.id);
  return ok({
    zone: record.name,
    documents: [primariesWrite(record.id, primaries.value)],
    detail: `from ${textOf(primaries.value)}`,
    isChanged: JSON.stringify(before) !== JSON.stringify(primaries.value),
    afterCommit: () => options.onFollow(command.zone),
  });
}

function textOf(primaries: readonly Primary[]): string {
  return primaries
    .map((each) => {
      const how = each.tls === undefined ? '' : ' over TLS';
      return `${formatIpPort(endpoint(each))}${how}${each.key === undefined ? '' : ` with ${each.key}`}`;
    })
    .join(', ');
}

function endpoint({ ip, port }: Primary): IpPort {
  return ipPort(ip, port);
}
