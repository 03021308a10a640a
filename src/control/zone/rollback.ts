/**
 * Undoing: one change, or all since a version, by a new change that goes forwards. What a life cycle keeps is left
 * alone on both sides: an RRset that is managed now, was managed in a change that is undone, or follows from signing.
 * So no rollback brings back an old key, DKIM record or challenge.
 * Not here: finding versions (history.ts), the arithmetic of an undo (zone/changeset.ts).
 */
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { type Name, formatName, nameOf, ownerKey } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { typeName } from '#dns/registry.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { managedSince, readManaged } from '#store/history/managed.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { decodeChangeset } from '#zone/changeset-codec.ts';
import { type Changeset, type RrsetChange, madeBySigning, revertChanges } from '#zone/changeset.ts';
import { rrsetOf, type Manager } from '#zone/view.ts';
import { type CommandOf, type ServedZone, type ZoneContext } from '#control/commands/table.ts';
import { changeTo, differenceOf } from './history.ts';
import { type RecordDecision, checked } from './record-decision.ts';

export interface RollbackOptions {
  readonly writer: StoreReader;
  readonly recordsPerRrsetMax: number;
}

type MayTouch = NonNullable<ZoneContext['mayTouch']>;

/** Undoes the change that made a serial; what others keep in it stops the undo. */
export function revertZone(
  zone: ServedZone,
  { serial }: CommandOf<'zone.revert'>,
  { writer, recordsPerRrsetMax }: RollbackOptions,
  mayTouch: MayTouch,
): Result<RecordDecision> {
  const { record, view } = zone;
  const { name } = record;
  const entry = changeTo(writer, record, serial);
  if (entry?.changeset === undefined)
    return fail(
      problem('CHANGE_NOT_FOUND', atZone(name), `the journal of ${name} has no changeset that made serial ${serial}`, {
        fix: `list them: waxseal zone history ${name}`,
      }),
    );
  const changeset = decodeChangeset(entry.changeset);
  const beyond = outOfReach(changeset, mayTouch);
  if (beyond !== undefined) return fail(beyond);
  const reverted = revertChanges(view, changeset);
  if (!reverted.ok) return reverted;
  const soa = soaOutOfReach(reverted.value, mayTouch);
  if (soa !== undefined) return fail(soa);
  const managed = new ManagedThen(writer, record, [entry.revision]);
  const kept = reverted.value.flatMap((change) => keptBy(zone, change, managed) ?? []);
  if (kept.length > 0) return fail(...kept.map(keptProblem));
  const rules = { signed: record.dnssec === 'on', recordsPerRrsetMax };
  return checked(view, reverted.value, rules, `revert of serial ${serial}`, reverted.warnings);
}

/** Goes back to a version; what others keep is left out, and said. */
export function rollBackZone(
  zone: ServedZone,
  { to }: CommandOf<'zone.rollback'>,
  { writer, recordsPerRrsetMax }: RollbackOptions,
  mayTouch: MayTouch,
): Result<RecordDecision> {
  const { record, view } = zone;
  const difference = differenceOf(writer, record, to);
  if (!difference.ok) return difference;
  const { from, changeset, revisions } = difference.value;
  const detail = `rollback to serial ${from.serial}, over ${revisions.length} changes`;
  const rules = { signed: record.dnssec === 'on', recordsPerRrsetMax };
  if (changeset === undefined) return ok({ changes: [], isSigned: rules.signed, detail, warnings: [] });
  const beyond = outOfReach(changeset, mayTouch);
  if (beyond !== undefined) return fail(beyond);
  const reverted = revertChanges(view, changeset);
  if (!reverted.ok) return reverted;
  const soa = soaOutOfReach(reverted.value, mayTouch);
  if (soa !== undefined) return fail(soa);
  const managed = new ManagedThen(writer, record, revisions);
  const kept = new Map(reverted.value.map((change) => [change, keptBy(zone, change, managed)]));
  const changes = reverted.value.filter((change) => kept.get(change) === undefined);
  const leftOut = [...kept.values()].flatMap((each) => (each === undefined ? [] : [leftOutWarning(each)]));
  return checked(view, changes, rules, detail, [...reverted.warnings, ...leftOut]);
}

/** Why a sender with narrower rights may not undo this: it would change what it may not. Names nothing of that. */
function outOfReach(changeset: Changeset, mayTouch: MayTouch): Problem | undefined {
  const isMade = madeBySigning(changeset);
  const isOwn = ({ owner, type }: { readonly owner: Name; readonly type: RrType }) =>
    isMade({ owner, type }) || type === TYPE.SOA || mayTouch(owner, type);
  const others = [...changeset.deleted, ...changeset.added].filter((rrset) => !isOwn(rrset)).length;
  return others === 0 ? undefined : notReached(others, changeset.zone);
}

/** The serial is in every change; what else an SOA says is for who may change it. */
function soaOutOfReach(changes: readonly RrsetChange[], mayTouch: MayTouch): Problem | undefined {
  const soa = changes.find(({ type }) => type === TYPE.SOA);
  return soa === undefined || mayTouch(soa.owner, soa.type) ? undefined : notReached(1, soa.owner);
}

function notReached(count: number, zone: Name): Problem {
  const why = `this would change ${count} RRsets that this token may not change; nothing was changed`;
  return problem('AUTH_SCOPE', atZone(formatName(zone)), why, { fix: 'set the records that it may change' });
}

/** An RRset that is left as it is, and who keeps it. */
interface Kept {
  readonly change: RrsetChange;
  readonly manager: Manager | 'unknown';
}

function keptBy({ view }: ServedZone, change: RrsetChange, managed: ManagedThen): Kept | undefined {
  const { owner, type } = change;
  const now = rrsetOf(view.node(ownerKey(owner)), type)?.manager;
  const manager = now !== undefined && now !== 'manual' ? now : managed.managerOf(change);
  return manager === undefined ? undefined : { change, manager };
}

/** Who kept which RRset in the changes that are undone. */
class ManagedThen {
  readonly #managers = new Map<string, Manager>();
  /** Some of the changes were written by a version that did not say. */
  readonly #isUnknown: boolean;

  constructor(reader: StoreReader, record: ZoneRecord, revisions: readonly number[]) {
    const since = managedSince(reader);
    this.#isUnknown = revisions.some((revision) => since === undefined || revision < since);
    for (const revision of revisions)
      for (const { owner, type, manager } of readManaged(reader, record.id, revision))
        this.#managers.set(idOf(nameOf(owner), type), manager as Manager);
  }

  managerOf({ owner, type, rrset }: RrsetChange): Manager | 'unknown' | undefined {
    const known = this.#managers.get(idOf(owner, type));
    if (known !== undefined) return known;
    // What goes was put by hand: a manager's record that stands now is found by what it is now.
    return this.#isUnknown && rrset !== null && isMostlyManaged(owner, type) ? 'unknown' : undefined;
  }
}

function idOf(owner: Name, type: RrType): string {
  return `${type} ${ownerKey(owner)}`;
}

/** Names of what life cycles publish: DKIM keys, challenges, policies of mail, TLSA. */
const MANAGED_LABELS = /(?:^|\.)(?:_domainkey|_acme-challenge|_dmarc|_mta-sts|_tls|_bimi)\./i;

function isMostlyManaged(owner: Name, type: RrType): boolean {
  return type === TYPE.TLSA || MANAGED_LABELS.test(formatName(owner));
}

const WHY: Readonly<Record<Kept['manager'], string>> = {
  manual: '',
  dnssec: 'the DNSSEC signer keeps it',
  mail: 'the mail policy keeps it, and an undo would bring back what it withdrew or take what it published',
  acme: 'it is the challenge of a CA, and an undo would bring back an old one or take one that is waited for',
  delegation: 'it follows what a child asks for by CDS, and an undo would break the delegation',
  catalog: 'it follows from the members of the catalog',
  alias: 'it is what an ALIAS leads to',
  unknown: 'an older version of this server wrote that change, and did not note whether a life cycle kept the record',
};

const FIX: Readonly<Record<Kept['manager'], string>> = {
  manual: '',
  dnssec: 'see: waxseal dnssec status',
  mail: 'apply the policy that should hold',
  acme: 'undo the other changes one by one',
  delegation: 'to keep DS records by hand: waxseal dnssec children set ZONE --off',
  catalog: 'change its members: waxseal catalog add, waxseal catalog remove',
  alias: 'change or delete the ALIAS',
  unknown: 'if it was put by hand, set it again: waxseal rrset set',
};

function keptProblem({ change: { owner, type }, manager }: Kept): Problem {
  return problem('RRSET_MANAGED', placeOfRrset(owner, type), `${WHY[manager]}; nothing was changed`, {
    fix: FIX[manager],
  });
}

function leftOutWarning({ change: { owner, type }, manager }: Kept): Problem {
  const what = `${formatName(owner)} ${typeName(type)} stays as it is`;
  return warning('ROLLBACK_LEFT_OUT', placeOfRrset(owner, type), `${what}: ${WHY[manager]}`, { fix: FIX[manager] });
}
