/**
 * A zone changes its role without a gap: kept here, a copy of a primary's, or signed here as it comes from one. What is
 * served stays until a transfer brings another version.
 * Implements: RFC 1982 §3.2 (its serial never goes back, so that secondaries follow), RFC 4035 §5.2 (a zone whose
 * parent has a DS stays signed with its keys).
 * Not here: making a zone that comes from primaries (primaries.ts), transfers (keeper.ts).
 */
import { type Clock, toSeconds } from '#base/clock.ts';
import { formatIpPort, ipPort } from '#base/address.ts';
import { atZone, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { type Serial, addSerial, isNewer } from '#dns/serial.ts';
import { firstEnd } from '#dnssec/presigned.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { type StoreWriter } from '#store/writer.ts';
import { readMailDocument } from '#store/mail/policy.ts';
import { readMembership } from '#store/transfer/followed-catalogs.ts';
import { type Primary, clearPrimaries, primariesWrite, readChecked, readPrimaries } from '#store/transfer/primaries.ts';
import { type Manager, type ZoneView } from '#zone/view.ts';
import { type TsigKeyInfo } from '#control/api/transfer.ts';
import { memberOfCatalog } from '#control/commands/catalog-zone.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type Decision, type ZonePart } from '#control/commands/decision.ts';
import { type CommandOf, type CommandTable, type ServedZone, type ZoneContext } from '#control/commands/table.ts';
import { type SoaAnswer, type SoaOrder } from './ask-soa.ts';
import { readGivenPrimaries } from './given-primaries.ts';
import { planNothing } from './plan-nothing.ts';
import { type PrimaryAccess } from './primary-access.ts';

export interface RoleOptions {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly keys: () => readonly TsigKeyInfo[];
  readonly access: (primary: Primary) => PrimaryAccess;
  readonly askSoa: (order: SoaOrder) => Promise<SoaAnswer>;
  readonly onFollow: (zone: CommandOf<'zone.role'>['zone']) => void;
}

type Role = CommandOf<'zone.role'>;
/** What the primaries that a copy shall come from have, by their places; a text when they do not say. */
type Seen = readonly { readonly at: string; readonly serial: Serial | string }[];

export function roleHandlers(options: RoleOptions): CommandTable<'zone.role'> {
  return {
    'zone.role': {
      look: async (command) => {
        const seen = command.role === 'copy' ? await lookAtPrimaries(command, options) : [];
        return ok((context) => decideRole(command, context, seen, options));
      },
      decide: (command, context) => decideRole(command, context, [], options),
    },
  };
}

/** Before the turn: the serial of a copy is that of its primaries. */
async function lookAtPrimaries(
  { zone, primaries }: Role,
  { writer, clock, access, askSoa }: RoleOptions,
): Promise<Seen> {
  const record = writer.zoneByName(zone);
  const list = primaries ?? (record === undefined ? [] : readPrimaries(writer, record.id));
  const now = (): number => toSeconds(clock.nowMs());
  return Promise.all(
    list.map(async (primary) => {
      const server = ipPort(primary.ip, primary.port);
      const how = access(primary);
      const answer = 'failure' in how ? how : await askSoa({ server, apex: zone, ...how, now });
      return { at: formatIpPort(server), serial: 'serial' in answer ? answer.serial : answer.failure };
    }),
  );
}

function decideRole(command: Role, { served }: ZoneContext, seen: Seen, options: RoleOptions): Result<Decision> {
  const { writer, keys, onFollow } = options;
  if (served === undefined) return fail(zoneNotServed(command.zone));
  const { record } = served;
  const before = readPrimaries(writer, record.id);
  const given =
    command.primaries === undefined
      ? ok(before)
      : readGivenPrimaries({ ...command, primaries: command.primaries }, keys());
  const against = [...closedRoles(served, writer), ...(given.ok ? [] : given.problems)];
  if (against.length > 0 || !given.ok) return fail(...against);
  const { role } = command;
  if ((record.secondary?.mode ?? 'primary') === role && command.primaries === undefined)
    return ok({ zone: record.name, isChanged: false });
  const part = partOf(command, served, given.value, seen, options);
  if (!part.ok) return part;
  const documents: readonly DocumentWrite[] =
    role === 'primary' ? clearPrimaries(record.id) : [primariesWrite(record.id, given.value)];
  return ok({
    zone: record.name,
    parts: [part.value],
    documents,
    detail: `${roleText(record.secondary?.mode ?? 'primary')} → ${roleText(role)}`,
    warnings: part.warnings,
    isChanged: true,
    afterCommit: () => (role === 'primary' ? undefined : onFollow(nameOf(record.name))),
  });
}

/** A member of a catalog whose template has another mode: as by command, but for what its primaries have now. */
export function turnedPart(served: ServedZone, mode: 'copy' | 'sign', writer: StoreWriter): Result<ZonePart> {
  if (served.view.node(served.view.apexKey) === undefined) return ok(emptyTurn(served, mode));
  const last = readChecked(writer, served.record.id)?.serial;
  const seen: Seen = last === undefined ? [] : [{ at: 'its primary', serial: last }];
  return mode === 'sign' ? toSigned(served) : toCopy(served, seen, writer);
}

/** It has never come: there is nothing that could be lost. */
function emptyTurn({ record, view }: ServedZone, mode: 'copy' | 'sign'): ZonePart {
  const received = { plan: planNothing(view.apex, 0), dnssec: 'off' as const };
  return { record, view, changes: [], received, secondary: { mode } };
}

function roleText(role: Role['role']): string {
  return { primary: 'kept here', copy: 'a copy of a primary', sign: 'from a primary, signed here' }[role];
}

/** Zones whose role follows from something else. */
function closedRoles({ record, view }: ServedZone, writer: StoreWriter): readonly Problem[] {
  const { name, isCatalog } = record;
  if (isCatalog === true) {
    const why = `${name} is a catalog: what it is cannot be changed; nothing was changed`;
    return [
      problem('ZONE_CATALOG', atZone(name), why, {
        fix: 'make another one, and move its members: waxseal catalog move',
      }),
    ];
  }
  const membership = readMembership(writer, record.id);
  if (membership !== undefined && writer.zoneById(membership.catalogId)?.secondary !== undefined)
    return [memberOfCatalog(name, membership.catalog)];
  if (view.node(view.apexKey) !== undefined) return [];
  const why = `${name} has never come from its primary: there is nothing to keep; nothing was changed`;
  return [problem('ZONE_ROLE', atZone(name), why, { fix: `look why: waxseal zone show ${name}` })];
}

/** What is written, or why the change would make the zone bogus, lose records or leave secondaries behind. */
function partOf(
  command: Role,
  served: ServedZone,
  primaries: readonly Primary[],
  seen: Seen,
  options: RoleOptions,
): Result<ZonePart> {
  const { role } = command;
  if (role === 'primary') return toPrimary(served, options);
  if (primaries.length === 0) {
    const why = `${served.record.name} has no primaries yet; nothing was changed`;
    return fail(problem('FIELD_VALUE', inBody('/primaries'), why, { fix: 'name them: --primary ADDRESS' }));
  }
  return role === 'sign' ? toSigned(served) : toCopy(served, seen, options.writer);
}

function toPrimary({ record, view }: ServedZone, { clock }: RoleOptions): Result<ZonePart> {
  const { name, secondary, dnssec } = record;
  const bare = { record, view, changes: [], isFromPrimary: true, secondary: null } as const;
  if (secondary?.mode !== 'copy' || dnssec === 'off') return ok(bare);
  // Its signatures are those of another signer: it is served with them, as a pre-signed file is, until they end.
  const end = firstEnd(view, toSeconds(clock.nowMs()));
  if (end === undefined) return ok(bare);
  const { seconds, owner, type } = end;
  const presigned = { endsAtSeconds: seconds, firstOwner: owner, firstType: type, importedAtMs: clock.nowMs() };
  const until = new Date(seconds * 1000).toISOString().slice(0, 16);
  const why = `${name} is served with the signatures of another signer, the first of which ends on ${until}`;
  const fix = `sign it here with its keys: waxseal dnssec key import ${name} FILE…`;
  const plan = planNothing(view.apex, record.serial);
  return ok({ ...bare, presigned: { plan, presigned } }, [warning('PRESIGNED_ENDS', atZone(name), why, { fix })]);
}

/** Signed here from now on, with the keys that it has. */
function toSigned({ record, view }: ServedZone): Result<ZonePart> {
  const { name, secondary, dnssec, presigned } = record;
  const role = { mode: 'sign' as const };
  const isOthers = presigned !== undefined || (secondary?.mode === 'copy' && dnssec === 'on');
  if (isOthers) {
    const what = `${name} has the signatures of another signer, which a zone that is signed here does not keep`;
    const why = `${what}; nothing was changed`;
    const fix = `have the primary send it unsigned first, or bring its keys: waxseal dnssec key import ${name} FILE…`;
    return fail(problem('ZONE_ROLE', atZone(name), why, { fix }));
  }
  // A copy that was unsigned is signed at once: that is what was asked for.
  const isSigned = secondary?.mode === 'copy' ? { isSigned: true } : {};
  return ok({ record, view, changes: [], ...isSigned, isFromPrimary: true, secondary: role });
}

const KEPT_BY_OTHERS: readonly Manager[] = ['acme', 'delegation'];

/** From the next transfer on what is here is what the primary has, and nothing else. */
function toCopy({ record, view }: ServedZone, seen: Seen, writer: StoreWriter): Result<ZonePart> {
  const { name, serial, dnssec, secondary } = record;
  const problems: Problem[] = [];
  if (dnssec === 'on' && secondary?.mode !== 'copy') {
    const what = 'what comes has other signatures or none: with a DS at the parent it would be bogus';
    const why = `${name} is signed, and ${what}`;
    const fix = `keep signing it here: --sign; or leave DNSSEC first: waxseal dnssec disable ${name} --when-safe`;
    problems.push(problem('ZONE_ROLE', atZone(name), `${why}; nothing was changed`, { rfc: 'RFC 4035 §5.2', fix }));
  }
  if (readMailDocument(writer, record) !== undefined) {
    const fix = `keep it on top: --sign; or remove it first: waxseal mail remove ${name}`;
    const why = `${name} has a mail policy, and a copy has none; nothing was changed`;
    problems.push(problem('ZONE_ROLE', atZone(name), why, { fix }));
  }
  const kept = keptByOthers(view);
  if (kept !== undefined) {
    const what = 'the order of a certificate or the upkeep of a delegation keeps records';
    const why = `${what} at ${kept}, which would be lost; nothing was changed`;
    problems.push(problem('ZONE_ROLE', atZone(name), why, { fix: 'keep them on top: --sign' }));
  }
  problems.push(...serialProblems(name, serial, seen, readChecked(writer, record.id)?.serial));
  if (problems.length > 0) return fail(...problems);
  const received = { plan: planNothing(view.apex, serial), dnssec };
  return ok({ record, view, changes: [], received, secondary: { mode: 'copy' } });
}

function keptByOthers(view: ZoneView): string | undefined {
  for (const { owner, rrsets } of view.ascend(view.apexKey))
    if (rrsets.some(({ manager }) => KEPT_BY_OTHERS.includes(manager))) return formatName(owner);
  return undefined;
}

/** RFC 1982 §3.2: a primary whose serial is not newer is never followed, and neither are we by our secondaries. */
function serialProblems(name: string, serial: Serial, seen: Seen, last: Serial | undefined): readonly Problem[] {
  const known = seen.filter((each) => typeof each.serial === 'number');
  if (known.length === 0 && last === undefined) {
    const found = seen.map(({ at, serial: why }) => `${at} ${why}`).join('; ');
    const why = `no primary says which serial it has: ${found}; nothing was changed`;
    return [problem('PRIMARY_FAILED', inBody('/primaries'), why, { fix: 'repeat it when one of them answers' })];
  }
  const fix = `raise the serial there to ${addSerial(serial, 1)} or more`;
  return known.flatMap(({ at, serial: there }) => {
    if (typeof there !== 'number' || there === serial || isNewer(there, serial)) return [];
    const why = `${at} has the serial ${there}, and ${serial} of ${name} here is newer: nothing would be taken`;
    return [problem('ZONE_ROLE', inBody('/primaries'), `${why}; nothing was changed`, { rfc: 'RFC 1982 §3.2', fix })];
  });
}
