/**
 * Signals of a first DS: while a signed zone has no DS at its parent, its CDS and CDNSKEY stand a second time below the
 * names of its name servers, in those zones that are ours, where the parent can validate them.
 * Implements: RFC 9615 §4.1 (co-publication of signals), §5.1 (their end when the DS is there), §4.4 (names that are
 * too long).
 * Not here: reading the signals of others (signal-check.ts).
 */
import { SIGNAL_HOSTS_MAX } from '#base/limits/dnssec.ts';
import { type Result, fail, ok } from '#base/problem.ts';
import { type Name, type OwnerKey, formatName, lowerName, nameOf, ownerKey } from '#dns/name.ts';
import { isSameSet } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { signalName } from '#dnssec/delegation/signal-name.ts';
import { readSignalOwners, signalOwnersWrite } from '#store/delegation/delegations.ts';
import { readRolloverState } from '#store/dnssec/rollovers.ts';
import { type ZoneRecord, isSignedHere } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { rrsetOf } from '#zone/view.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { zoneNotServed } from '#control/commands/absent.ts';
import { type Decision, type RecordWatcher, type ZonePart } from '#control/commands/decision.ts';
import { type ServedZone, type ZoneContext } from '#control/commands/table.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type DueSource } from '#control/lifecycle/due-source.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { homeOf } from './home.ts';

const SIGNAL_TYPES = [TYPE.CDS, TYPE.CDNSKEY] as const;

/** RFC 9615 §5.1: it is signed, and its parent was not seen with a DS of any of its keys. */
function wantsFirstDs(writer: StoreWriter, record: ZoneRecord): boolean {
  const { id, isDeletingDs } = record;
  if (!isSignedHere(record) || isDeletingDs === true) return false;
  const state = readRolloverState(writer, id);
  return (state?.parentKeys ?? []).length === 0 && (state?.rollovers.unsigning.objects ?? []).length === 0;
}

/** Names that signals of the zone shall have. */
function wantedOwners(writer: StoreWriter, { record, view }: ServedZone): readonly Name[] {
  if (!wantsFirstDs(writer, record)) return [];
  const hosts = rrsetOf(view.node(view.apexKey), TYPE.NS)?.rdatas ?? [];
  return hosts.slice(0, SIGNAL_HOSTS_MAX).flatMap((host) => {
    const name = signalName(view.apex, host);
    const home = name === undefined ? undefined : homeOf(writer, name);
    if (name === undefined || home === undefined || !isHome(home, host)) return [];
    return [name];
  });
}

/** Only a zone that proves it, and that has the host: to name a host that is not there puts no records anywhere. */
function isHome({ record, view }: ServedZone, host: Name): boolean {
  const node = view.node(ownerKey(host));
  const hasHost = rrsetOf(node, TYPE.A) !== undefined || rrsetOf(node, TYPE.AAAA) !== undefined;
  return isSignedHere(record) && hasHost;
}

/** What is to change in the zones of name servers so that the signals of a zone stand at `wanted` and nowhere else. */
function signalParts(writer: StoreWriter, zone: ServedZone, wanted: readonly Name[]): readonly ZonePart[] {
  const apex = zone.view.node(zone.view.apexKey);
  const parts = new Map<number, { readonly home: ServedZone; readonly changes: RrsetChange[] }>();
  const keys = new Set<OwnerKey>(wanted.map(ownerKey));
  const before = readSignalOwners(writer, zone.record.id).map((text) => nameOf(text));
  for (const owner of [...wanted, ...before.filter((each) => !keys.has(ownerKey(each)))]) {
    const home = homeOf(writer, owner);
    if (home === undefined) continue;
    const part = parts.get(home.record.id) ?? { home, changes: [] };
    parts.set(home.record.id, part);
    for (const type of SIGNAL_TYPES) {
      const now = rrsetOf(home.view.node(ownerKey(owner)), type);
      const own = keys.has(ownerKey(owner)) ? rrsetOf(apex, type) : undefined;
      // What was put there by hand is not ours.
      if (now !== undefined && now.manager !== 'delegation') continue;
      if (own === undefined && now !== undefined) part.changes.push({ owner, type, rrset: null });
      if (own === undefined || (now?.ttl === own.ttl && isSameSet(now.rdatas, own.rdatas))) continue;
      const rrset = { ttl: own.ttl, rdatas: own.rdatas, manager: 'delegation' } as const;
      part.changes.push({ owner, type, rrset });
    }
  }
  return [...parts.values()]
    .filter(({ changes }) => changes.length > 0)
    .map(({ home: { record, view }, changes }) => ({ record, view, changes, isOptional: true }));
}

/** Decides `delegation.signal`. */
export function settleSignals(zone: Name, { served }: ZoneContext, writer: StoreWriter): Result<Decision> {
  if (served === undefined) return fail(zoneNotServed(zone));
  const { record } = served;
  const wanted = wantedOwners(writer, served);
  const parts = signalParts(writer, served, wanted);
  const owners = wanted.map(formatName);
  const isMoved = JSON.stringify(owners) !== JSON.stringify(readSignalOwners(writer, record.id));
  const where = owners.length === 0 ? 'nowhere' : `at ${owners.join(', ')}`;
  return ok({
    zone: record.name,
    parts,
    documents: isMoved ? [signalOwnersWrite(record.id, owners)] : [],
    detail: `signals of a first DS stand ${where}`,
    isChanged: isMoved || parts.length > 0,
  });
}

/** `watcher`, and a zone that is removed takes its signals along. */
export function withSignals(watcher: RecordWatcher, writer: StoreWriter): RecordWatcher {
  return {
    ...watcher,
    leave: (record) => [...watcher.leave(record), ...signalParts(writer, { record, view: writer.view(record) }, [])],
  };
}

export interface SignalsOptions {
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly funnel: Funnel;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  /** Something may have become due. */
  readonly onDue: () => void;
}

export interface Signals extends DueSource {
  /** What is known of the zone's parent may be something else. */
  notice(zone: Name): void;
}

const SCHEDULER: Actor = { kind: 'system', id: 'delegation', from: '' };

/** Zones that may want signals elsewhere than before, in memory: after a start all signed ones are looked at. */
export function signalUpkeep({ writer, publisher, funnel, run, onDue }: SignalsOptions): Signals {
  const noticed = new Map<OwnerKey, Name>();
  const isSettled = (record: ZoneRecord): boolean => {
    const zone = { record, view: writer.view(record) };
    const wanted = wantedOwners(writer, zone);
    const isMoved = JSON.stringify(wanted.map(formatName)) !== JSON.stringify(readSignalOwners(writer, record.id));
    return !isMoved && signalParts(writer, zone, wanted).length === 0;
  };
  const notice = (zone: Name): void => {
    const record = writer.zoneByName(lowerName(zone));
    if (record !== undefined && !isSettled(record)) noticed.set(ownerKey(zone), nameOf(record.name));
  };
  publisher.onChanged((zones) => {
    for (const { name } of zones) notice(nameOf(name));
    if (noticed.size > 0) onDue();
  });
  return {
    name: 'delegation-signal',
    zonesAtOnce: 1,
    refused: { event: 'delegation.refused', text: 'signals of a first DS cannot be published' },
    notice,
    begin() {
      for (const { name } of writer.zones()) notice(nameOf(name));
      return Promise.resolve(ok(undefined));
    },
    due: (_untilMs, limit) => [...noticed.values()].slice(0, limit),
    nextDueMs: () => (noticed.size > 0 ? 0 : undefined),
    work: (zone) =>
      funnel.guard(async () => {
        noticed.delete(ownerKey(zone));
        const done = await run({ kind: 'delegation.signal', zone }, { actor: SCHEDULER, dryRun: false });
        return done.ok ? ok([]) : done;
      }),
  };
}
