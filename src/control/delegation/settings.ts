/**
 * Decides the commands about a parent's delegations: whether DS records follow the children's CDS, and one that does.
 * Implements: RFC 7344 §4.1 (the DS RRset is replaced as a whole), RFC 9859 §3.1 (the DSYNC record of all delegations).
 * Not here: what a child asks for (children.ts), the judgement (dnssec/delegation/judge-child.ts).
 */
import { CHILD_DS_TTL_SECONDS, CHILD_SERVERS_MAX } from '#base/limits/dnssec.ts';
import { type Clock } from '#base/clock.ts';
import { DNS_PORT, parseIpPort } from '#base/address.ts';
import { atZone, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, placeAt, problem } from '#base/problem.ts';
import { dsyncRdata, dsyncWildcard } from '#dns/dsync.ts';
import { type Name, ROOT, formatName, ownerKey } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { parseRequestName } from '#dns/request-name.ts';
import { sortRdatas, isSameSet } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import {
  type DelegationSettings,
  delegationSettingsWrite,
  readDelegationSettings,
  takenRequestWrite,
} from '#store/delegation/delegations.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type CommandOf, type ServedZone, type ZoneContext } from '#control/commands/table.ts';
import { checkChanges } from '#control/zone/change-rules.ts';

export interface DelegationDecisionOptions {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  /** The setting `limits.records_per_rrset`. */
  readonly recordsPerRrsetMax: number;
  /** Called after a commit of other settings. */
  readonly onSettings: () => void;
}

export function setDelegations(
  command: CommandOf<'delegation.set'>,
  { served, mayChange }: ZoneContext,
  options: DelegationDecisionOptions,
): Result<Decision> {
  if (served === undefined) return fail(zoneNotServed(command.zone));
  return command.isOn ? turnOn(command, served, mayChange(ROOT), options) : turnOff(served, options);
}

function turnOn(
  command: CommandOf<'delegation.set'>,
  { record, view }: ServedZone,
  isAdministrator: boolean,
  { writer, onSettings }: DelegationDecisionOptions,
): Result<Decision> {
  const { name, dnssec, presigned } = record;
  if (dnssec === 'off' || presigned !== undefined) {
    const why = `${name} is not signed here: DS records in it prove nothing; nothing was changed`;
    return fail(problem('DNSSEC_OFF', atZone(name), why, { fix: `waxseal dnssec enable ${name}` }));
  }
  const before = readDelegationSettings(writer, record.id);
  const first = rrsetOf(view.node(view.apexKey), TYPE.NS)?.rdatas[0];
  const { target: text = before?.target, port = before?.port ?? DNS_PORT, servers = before?.servers ?? [] } = command;
  const { dsTtl = before?.dsTtl ?? CHILD_DS_TTL_SECONDS } = command;
  const target = text === undefined ? ok(first ?? ROOT) : parseRequestName(text, ROOT);
  const problems = serverProblems(command.servers, isAdministrator);
  if (!target.ok) return fail(...placeAt(target.problems, inBody('/target')), ...problems);
  if (problems.length > 0) return fail(...problems);
  const wildcard = dsyncWildcard(view.apex);
  const isOurs = wildcard === undefined || isFree(view, wildcard);
  if (!isOurs) return fail(taken(wildcard));
  const rdata = dsyncRdata({ rrType: TYPE.CDS, port, target: target.value });
  const rrset = { ttl: CHILD_DS_TTL_SECONDS, rdatas: [rdata], manager: 'delegation' } as const;
  const changes = wildcard === undefined ? [] : [{ owner: wildcard, type: TYPE.DSYNC, rrset }];
  const settings: DelegationSettings = { version: 1, target: formatName(target.value), port, servers, dsTtl };
  return ok({
    zone: name,
    parts: [{ record, view, changes }],
    documents: [delegationSettingsWrite(record.id, settings)],
    detail: `DS records follow CDS; NOTIFY(CDS) to ${settings.target}:${port}`,
    isChanged: JSON.stringify(before) !== JSON.stringify(settings),
    afterCommit: onSettings,
  });
}

/** DS records stay, and are the operator's. */
function turnOff({ record, view }: ServedZone, { writer, onSettings }: DelegationDecisionOptions): Result<Decision> {
  const changes: RrsetChange[] = [];
  for (const { owner, rrsets } of view.ascend(view.apexKey))
    for (const { type, ttl, rdatas, manager } of rrsets) {
      if (manager !== 'delegation') continue;
      if (type === TYPE.DS) changes.push({ owner, type, rrset: { ttl, rdatas, manager: 'manual' } });
      if (type === TYPE.DSYNC) changes.push({ owner, type, rrset: null });
    }
  return ok({
    zone: record.name,
    parts: [{ record, view, changes }],
    documents: [delegationSettingsWrite(record.id, null)],
    detail: 'DS records do not follow CDS any more',
    isChanged: readDelegationSettings(writer, record.id) !== undefined,
    afterCommit: onSettings,
  });
}

function isFree(view: ZoneView, owner: Name): boolean {
  const now = rrsetOf(view.node(ownerKey(owner)), TYPE.DSYNC);
  return now === undefined || now.manager === 'delegation';
}

function taken(owner: Name): Problem {
  const why = `${formatName(owner)} has a DSYNC record that was put by hand; nothing was changed`;
  return problem('RRSET_MANAGED', placeOfRrset(owner, TYPE.DSYNC), why, {
    fix: 'delete it first: waxseal rrset delete',
  });
}

/** A token of one zone must not have addresses inside asked. */
function serverProblems(servers: readonly string[] | undefined, isAdministrator: boolean): Problem[] {
  if (servers === undefined || servers.length === 0) return [];
  const at = inBody('/servers');
  if (!isAdministrator) {
    const why = 'only administrators of all zones name the addresses that children are asked at';
    return [problem('AUTH_SCOPE', at, why, { fix: 'leave servers out: the NS records of the delegations say where' })];
  }
  if (servers.length > CHILD_SERVERS_MAX)
    return [problem('FIELD_VALUE', at, `at most ${CHILD_SERVERS_MAX} addresses can be named`)];
  return servers.flatMap((text) => {
    const parsed = parseIpPort(text, at, DNS_PORT);
    return parsed.ok ? [] : parsed.problems;
  });
}

/** What was judged beside the queue of changes is taken only if nothing of it has changed since. */
export function takeRequest(
  { zone, child, before, ds, inception, text }: CommandOf<'delegation.take'>,
  { served }: ZoneContext,
  { writer, clock, recordsPerRrsetMax }: DelegationDecisionOptions,
): Result<Decision> {
  if (served === undefined) return fail(zoneNotServed(zone));
  const { record, view } = served;
  const node = view.node(ownerKey(child));
  const now = rrsetOf(node, TYPE.DS);
  const settings = readDelegationSettings(writer, record.id);
  const isAsJudged = isSameSet(now?.rdatas ?? [], before);
  // The next look judges what is there by then.
  if (
    settings === undefined ||
    record.dnssec === 'off' ||
    node === undefined ||
    rrsetOf(node, TYPE.NS) === undefined ||
    !isAsJudged
  )
    return ok({ isChanged: false });
  const { owner } = node;
  const rrset = { ttl: settings.dsTtl, rdatas: sortRdatas(TYPE.DS, ds), manager: 'delegation' } as const;
  const changes: RrsetChange[] = [{ owner, type: TYPE.DS, rrset: ds.length === 0 ? null : rrset }];
  const broken = checkChanges(view, changes, { signed: true, recordsPerRrsetMax });
  if (hasErrors(broken)) return fail(...broken);
  const name = formatName(owner);
  return ok({
    zone: record.name,
    parts: [{ record, view, changes }],
    documents: [takenRequestWrite(record.id, child, { inception, atMs: clock.nowMs() })],
    events: [{ kind: 'dnssec', event: 'child', zone: record.name, text: `${name}: ${text}` }],
    detail: `${name} asks by CDS: ${text}`,
    isChanged: true,
  });
}
