/**
 * Commands about where a zone comes from: a zone is made that comes from primaries, or has others from now on.
 * Not here: getting it (keeper.ts), who may have it from here (control/transfer/secondaries.ts).
 */
import { isIP } from 'node:net';
import { type IpPort, formatIpPort, ipPort } from '#base/address.ts';
import { PRIMARIES_PER_ZONE_MAX } from '#base/limits/transfer.ts';
import { type Place, atZone, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { formatName } from '#dns/name.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Primary, type PrimaryTls, primariesWrite, readPrimaries } from '#store/transfer/primaries.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type CommandOf, type CommandTable, type ZoneContext } from '#control/commands/table.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type TsigKeyInfo } from '#control/api/transfer.ts';
import { canonicalIp, keyProblems } from '#control/transfer/secondaries.ts';
import { pinProblems } from '#control/transfer/tls-pins.ts';
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
  const primaries = readGiven(command, options.keys());
  if (!primaries.ok) return primaries;
  const { apex } = emptyView;
  return ok({
    zone,
    parts: [
      {
        record: undefined,
        view: emptyView,
        changes: [],
        received: { plan: planNothing(apex, 0), dnssec: 'off' },
        secondary: { mode: command.isSigning ? 'sign' : 'copy' },
      },
    ],
    documents: [primariesWrite(options.writer.nextZoneId(), primaries.value)],
    detail: `from ${textOf(primaries.value)}${command.isSigning ? ', signed here' : ''}`,
    isChanged: true,
    afterCommit: () => options.onFollow(command.zone),
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
  const primaries = readGiven(command, options.keys());
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

function readGiven(
  { zone, primaries }: Pick<Create, 'zone' | 'primaries'>,
  keys: readonly TsigKeyInfo[],
): Result<readonly Primary[]> {
  const problems: Problem[] = [];
  const many = `a zone has 1 to ${PRIMARIES_PER_ZONE_MAX} primaries`;
  if (primaries.length === 0 || primaries.length > PRIMARIES_PER_ZONE_MAX)
    return fail(problem('PRIMARIES_MANY', inBody('/primaries'), many));
  const read = primaries.map(({ ip: text, port, key, tls }, at): Primary => {
    const ip = canonicalIp(text);
    const place = inBody(`/primaries/${at}/address`);
    if (ip === undefined) problems.push(problem('FIELD_VALUE', place, `${JSON.stringify(text)} is no IP address`));
    const keyPlace = inBody(`/primaries/${at}/key`);
    if (key !== undefined) problems.push(...keyProblems(key, zone, keys).map((each) => ({ ...each, at: keyPlace })));
    if (tls !== undefined) problems.push(...tlsProblems(tls, at));
    return { ip: ip ?? text, port, ...(key === undefined ? {} : { key }), ...(tls === undefined ? {} : { tls }) };
  });
  for (const [at, { ip, port }] of read.entries())
    if (read.findIndex((each) => each.ip === ip && each.port === port) < at)
      problems.push(problem('FIELD_VALUE', inBody(`/primaries/${at}/address`), `${ip} is there twice`));
  return problems.length > 0 ? fail(...problems) : ok(read);
}

/** RFC 9103 §9.3: a primary that is asked over TLS proves who it is. */
function tlsProblems({ host, pins, certificate }: PrimaryTls, at: number): readonly Problem[] {
  const place = (field: string) => inBody(`/primaries/${at}/tls${field}`);
  const problems = [...hostProblems(host, place('/host')), ...hostProblems(certificate, place('/certificate'))];
  if (pins !== undefined) problems.push(...pinProblems(pins, place('/pins')));
  if (host !== undefined || pins !== undefined) return problems;
  const fix = 'give the name in its certificate, or a pin of its key';
  return [problem('FIELD_VALUE', place(''), 'nothing says who the primary is', { rfc: 'RFC 9103 §9.3', fix })];
}

const HOST = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62})?)*$/;

/** RFC 6066 §3: a server name is no address. */
function hostProblems(host: string | undefined, place: Place): readonly Problem[] {
  if (host === undefined || (HOST.test(host) && isIP(host) === 0)) return [];
  return [problem('FIELD_VALUE', place, `${JSON.stringify(host)} is no name of a host`)];
}
