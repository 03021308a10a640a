/**
 * What the process of an import gets, and what the import is made of: when that is as it was, what was made fits.
 * Not here: what the process does with it (job.ts), who sends it (imports.ts).
 */
import { randomBytes } from 'node:crypto';
import { type Clock } from '#base/clock.ts';
import { IMPORT_MS_MAX } from '#base/limits/changes.ts';
import { type Problem } from '#base/problem.ts';
import { type Name, nameOf, ownerKey } from '#dns/name.ts';
import { readAliases } from '#store/alias/aliases.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Sealer, createSealer } from '#store/seal.ts';
import { readMembership } from '#store/transfer/followed-catalogs.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type ParentCare, type RunOptions } from '#control/api/control.ts';
import { type Turn } from '#control/commands/decision.ts';
import { type CommandOf } from '#control/commands/table.ts';
import { keyLabel } from '#control/signing/keys.ts';
import { type SigningClock } from '#control/signing/signing-clock.ts';
import { changeTo, distanceBytes } from '#control/zone/history.ts';
import { servedParent } from '#control/zone/neighbours.ts';
import { readRemovedZone } from '#control/zone/removed.ts';
import { zonesBelow } from '#control/zone/served-below.ts';
import { type ImportRequest, type RollbackCommand } from './work.ts';

type ImportCommand = CommandOf<'zone.import'>;

/** What requests are made of. */
export interface RequestFacts {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly signingClock: Pick<SigningClock, 'read' | 'problem'>;
  readonly time: { nowMs(): number };
  readonly recordsPerRrsetMax: number;
  readonly hasResolvers?: boolean;
}

/** What caches hold is counted from then on: after the longest import there are others before it. */
const WRITTEN_WITHIN_MS = 2 * IMPORT_MS_MAX;

/** Of what the process is to do, all but what is the same for all. */
export interface RequestOrder {
  readonly zone: Name;
  readonly turn: Turn;
  readonly work: ImportRequest['work'];
  readonly inputBytes: number;
  /** A zone above that changes with it. */
  readonly parent: ZoneRecord | undefined;
}

/** `newZoneId`: the id that is reserved for the zone; undefined: for one that is there, or a dry run. */
export function importRequest(
  facts: RequestFacts,
  { zone, turn, work, inputBytes, parent }: RequestOrder,
  { sessionKey, newZoneId }: { readonly sessionKey: Uint8Array; readonly newZoneId: number | undefined },
): ImportRequest {
  const { writer, clock, time, signingClock, recordsPerRrsetMax } = facts;
  const countedMs = time.nowMs();
  return {
    storeDir: writer.dir,
    work,
    inputBytes,
    zone,
    turn,
    newZoneId: newZoneId ?? writer.nextZoneId(),
    secrets: secretsOf(facts, zone, [writer.zoneByName(zone), parent], createSealer(sessionKey, randomBytes)),
    sessionKey,
    recordsPerRrsetMax,
    nowMs: clock.nowMs(),
    countedMs,
    writtenByMs: countedMs + WRITTEN_WITHIN_MS,
    signing: signingClock.read(),
  };
}

/** What is asked of the process for a zone file. */
export function fileOrder(
  { writer, hasResolvers = true }: RequestFacts,
  { zone, text, include: _include, ...command }: ImportCommand,
  turn: Turn,
  { mayChange = () => turn.actor.kind === 'socket' }: RunOptions,
): RequestOrder {
  const parent = servedParent(writer, zone)?.record;
  const isChangeable = parent !== undefined && mayChange(nameOf(parent.name));
  const work = { kind: 'file', command, mayChange: isChangeable ? [parent.name] : [], hasResolvers } as const;
  const changed = command.parent === 'delegate' && isChangeable ? parent : undefined;
  return { zone, turn, work, inputBytes: text.length, parent: changed };
}

/** Of the keys that the zone has or gets back, and of those of its parent when that changes with it. */
function secretsOf(
  { writer, clock }: RequestFacts,
  zone: Name,
  [own, parent]: readonly (ZoneRecord | undefined)[],
  session: Sealer,
): ReadonlyMap<string, Uint8Array> {
  const before = { id: 0, keys: readRemovedZone(writer, zone, clock.nowMs())?.keys ?? [] };
  const sealed = new Map<string, Uint8Array>();
  for (const { id: zoneId, keys } of [own ?? before, ...(parent === undefined ? [] : [parent])])
    for (const { id } of keys) {
      const secret = writer.secret(zoneId, keyLabel(id));
      if (secret !== undefined) sealed.set(id, session.seal(keyLabel(id), secret));
    }
  return sealed;
}

/** What the import is made of beside its text, as text. */
export function importBase(facts: RequestFacts, { zone, parent: care }: ImportCommand): string {
  return zoneBase(facts, zone, care);
}

/** What a change of a zone is made of on this server, as text. */
export function zoneBase(
  { writer, clock }: Pick<RequestFacts, 'writer' | 'clock'>,
  zone: Name,
  care?: ParentCare,
): string {
  const record = writer.zoneByName(zone);
  const parent = servedParent(writer, zone)?.record;
  return JSON.stringify([
    record === undefined ? readRemovedZone(writer, zone, clock.nowMs()) : [record.id, record.revision],
    record === undefined ? [] : readAliases(writer, record.id),
    writer.kekChange(),
    // Records of the parent change with the zone only when it is asked for; else it is enough that it is there.
    care === 'delegate' ? [parent?.name, parent?.revision] : [parent?.name, parent?.dnssec],
    zonesBelow(writer, ownerKey(zone)).map(({ name, dnssec, keys }) => [name, dnssec, keys]),
  ]);
}

/** Octets of the changes that a rollback or a revert takes back. */
export function rollbackBytes({ writer }: Pick<RequestFacts, 'writer'>, command: RollbackCommand): number {
  const record = writer.zoneByName(command.zone);
  if (record === undefined) return 0;
  if (command.kind === 'zone.rollback') return distanceBytes(writer, record, command.to);
  return changeTo(writer, record, command.serial)?.sizeBytes ?? 0;
}

/** What a transfer is made of beside its messages, as text. */
export function transferBase(facts: RequestFacts, zone: Name): string {
  const record = facts.writer.zoneByName(zone);
  return JSON.stringify([zoneBase(facts, zone), record && readMembership(facts.writer, record.id)]);
}

/** Why nothing of the zone can be signed now; undefined: it can, or nothing is to be signed. */
export function clockProblem(
  { writer, signingClock }: RequestFacts,
  {
    zone,
    dnssec = false,
    presigned,
  }: Pick<ImportCommand, 'zone'> & Partial<Pick<ImportCommand, 'dnssec' | 'presigned'>>,
): Problem | undefined {
  const record = writer.zoneByName(zone);
  const isSigned = presigned !== true && (record === undefined ? dnssec : record.dnssec === 'on');
  return isSigned ? signingClock.problem() : undefined;
}
