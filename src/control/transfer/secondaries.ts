/**
 * Commands about a zone's secondaries: who may have it, and hears of changes.
 * Not here: serving them (transfer/).
 */
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { SECONDARIES_PER_ZONE_MAX } from '#base/limits/transfer.ts';
import { inBody, inUrl } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { type Name, formatName, nameOf, ownerKey } from '#dns/name.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Secondary, readSecondaries, secondariesWrite } from '#store/transfer/secondaries.ts';
import { type TransferApi, type TsigKeyInfo } from '#control/api/transfer.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type CommandOf, type CommandTable, type ZoneContext } from '#control/commands/table.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type Clock } from '#base/clock.ts';
import { type Notifier } from './notifier.ts';
import { pinProblems } from './tls-pins.ts';
import { type TsigKeyring } from './tsig-keys.ts';

export interface SecondariesOptions {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly keys: () => readonly TsigKeyInfo[];
  /** The zone has other secondaries from now on. */
  readonly onChanged: (zone: ZoneRecord) => void;
}

/** What answers the API. */
interface TransferApiParts {
  readonly writer: StoreWriter;
  readonly keys: TsigKeyring;
  readonly notifier: Notifier;
  /** Of zones that come from elsewhere. */
  readonly primaries: TransferApi['primaries'];
  readonly catalogs: Omit<TransferApi['catalogs'], 'followed'>;
}

/** What the API may ask, but for catalogs of others (control/catalog/). */
export interface BareTransferApi extends Omit<TransferApi, 'catalogs'> {
  readonly catalogs: Omit<TransferApi['catalogs'], 'followed'>;
}

export function transferApi({ writer, keys, notifier, primaries, catalogs }: TransferApiParts): BareTransferApi {
  return {
    keys: () => keys.list(),
    createKey: (...wanted) => keys.create(...wanted),
    revokeKey: (...which) => keys.revoke(...which),
    primaries,
    catalogs,
    secondaries: ({ id }) => readSecondaries(writer, id).map((each) => ({ ...each, ...notifier.view(id, each.ip) })),
  };
}

type Add = CommandOf<'secondary.add'>;
type Kinds = 'secondary.add' | 'secondary.remove';

export function secondaryHandlers(options: SecondariesOptions): CommandTable<Kinds> {
  return {
    'secondary.add': { decide: (command, context) => add(command, context, options) },
    'secondary.remove': { isUpkeep: true, decide: (command, context) => remove(command, context, options) },
  };
}

function add(command: Add, { served }: ZoneContext, options: SecondariesOptions): Result<Decision> {
  const { zone, ip: text, port, key, pins } = command;
  if (served === undefined) return fail(zoneNotServed(zone));
  const ip = canonicalIp(text);
  const at = inUrl('address');
  if (ip === undefined) return fail(problem('FIELD_VALUE', at, `${JSON.stringify(text)} is no IP address`));
  if (served.record.isCatalog === true && key === undefined) return fail(keylessCatalog(served.record));
  const problems = [
    ...(key === undefined ? [] : keyProblems(key, zone, options.keys())),
    ...(pins === undefined ? [] : pinProblems(pins, inBody('/pins'))),
  ];
  if (problems.length > 0) return fail(...problems);
  const before = readSecondaries(options.writer, served.record.id);
  const others = before.filter((each) => each.ip !== ip);
  if (others.length >= SECONDARIES_PER_ZONE_MAX)
    return fail(problem('SECONDARIES_MANY', at, `a zone has at most ${SECONDARIES_PER_ZONE_MAX} secondaries`));
  const known = before.find((each) => each.ip === ip);
  const addedAtMs = known?.addedAtMs ?? options.clock.nowMs();
  const byKey = key === undefined ? {} : { key };
  const secondary: Secondary = { ip, port, ...byKey, ...(pins === undefined ? {} : { pins }), addedAtMs };
  if (isDeepStrictEqual(known, secondary)) return ok({ zone: formatName(zone), isChanged: false });
  const isKeyless = key === undefined && pins === undefined;
  const how = key === undefined ? 'without a key' : `with the key ${key}`;
  const shown = pins === undefined ? '' : ', with a certificate over TLS';
  return ok({
    zone: formatName(zone),
    documents: [secondariesWrite(served.record.id, [...others, secondary])],
    detail: `secondary ${ip} ${known === undefined ? `${how}${shown}` : `changed: ${whatChanged(known, secondary)}`}`,
    warnings: [...changesOf(known, secondary), ...(isKeyless ? [keyless(ip)] : [])],
    isChanged: true,
    afterCommit: () => options.onChanged(served.record),
  });
}

/** What of an entry that was there is another now. */
function whatChanged(before: Secondary, now: Secondary): string {
  const port = before.port === now.port ? [] : [`port ${before.port} became ${now.port}`];
  const key = before.key === now.key ? [] : [`key ${before.key ?? 'none'} became ${now.key ?? 'none'}`];
  const pins = isDeepStrictEqual(before.pins, now.pins) ? [] : ['certificates over TLS are others'];
  return [...port, ...key, ...pins].join(', ');
}

function changesOf(before: Secondary | undefined, now: Secondary): readonly Problem[] {
  if (before === undefined) return [];
  const message = `secondary ${now.ip} was there already; ${whatChanged(before, now)}`;
  return [warning('SECONDARY_CHANGED', inUrl('address'), message)];
}

function remove(
  { zone, ip: text }: CommandOf<'secondary.remove'>,
  { served }: ZoneContext,
  { writer }: SecondariesOptions,
): Result<Decision> {
  if (served === undefined) return fail(zoneNotServed(zone));
  const ip = canonicalIp(text) ?? text;
  const before = readSecondaries(writer, served.record.id);
  const left = before.filter((each) => each.ip !== ip);
  if (left.length === before.length) {
    const fix = before.length === 0 ? 'the zone has none' : `there are: ${before.map((each) => each.ip).join(', ')}`;
    const what = `${formatName(zone)} has no secondary ${text}`;
    return fail(problem('SECONDARY_NOT_FOUND', inUrl('address'), what, { fix }));
  }
  return ok({
    zone: formatName(zone),
    documents: [secondariesWrite(served.record.id, left)],
    detail: `secondary ${ip}`,
    isChanged: true,
  });
}

/**
 * A key that is not there, or that opens other zones than this one, would leave the secondary without the zone. The
 * problem does not say which: the owner of one zone need not know the keys of others.
 */
export function keyProblems(name: string, zone: Name, keys: readonly TsigKeyInfo[]): readonly Problem[] {
  const key = keys.find((each) => each.name === name);
  const isOfZone = key?.zones === 'all' || key?.zones.some((each) => ownerKey(nameOf(each)) === ownerKey(zone));
  if (isOfZone && key?.operations.includes('transfer')) return [];
  const fix = `make one: waxseal tsig generate ${name} --zone ${formatName(zone)}`;
  const what = `there is no TSIG key ${name} for transfers of ${formatName(zone)}`;
  return [problem('TSIG_KEY_GRANT', inBody('/key'), what, { fix })];
}

function keyless(ip: string): Problem {
  const text = `${ip} may have the zone without a key: all who can send from that address have every name in it`;
  return warning('SECONDARY_KEYLESS', inBody('/key'), text, {
    fix: 'use a TSIG key: --tsig NAME, or a certificate over TLS: --tls-pin PIN',
  });
}

/** RFC 9432 §7: a catalog is authenticated, and shows which zones there are. */
function keylessCatalog({ name }: ZoneRecord): Problem {
  const why = `${name} is a catalog: it goes only to servers that have a TSIG key; nothing was changed`;
  return problem('SECONDARY_KEYLESS', inBody('/key'), why, {
    rfc: 'RFC 9432 §7',
    fix: 'make a key that opens the members too: waxseal tsig generate NAME --all-zones; then: --tsig NAME',
  });
}

/** One spelling for each address; undefined for what is none, and for one that means something on one host alone. */
export function canonicalIp(text: string): string | undefined {
  // RFC 4007 §11: a zone identifier is of the host that reads it.
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  return isIP(text) === 4 ? text : new URL(`http://[${text}]`).hostname.slice(1, -1);
}
