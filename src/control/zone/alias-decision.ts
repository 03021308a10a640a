/**
 * Changes by hand and zone files of zones with ALIAS records: they see the ALIAS and not the addresses that stand for
 * it.
 * Not here: what becomes of an ALIAS in a change (aliases.ts).
 */
import { type Problem, type Result, fail, ok, warning } from '#base/problem.ts';
import { type Name, type OwnerKey, nameOf } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { TYPE } from '#dns/types.ts';
import { aliasWrites, readAliases } from '#store/alias/aliases.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DecisionStore } from '#control/commands/decision-store.ts';
import { type DocumentWrite } from '#store/writer.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { aliasKey, aliasedView } from '#zone/alias/alias.ts';
import { readAliasComments } from '#zone/alias/comment.ts';
import { type ZoneView } from '#zone/view.ts';
import { type RrsetOperation } from '#control/api/control.ts';
import { type AliasLooks, type AliasSettings, settleAliases } from './aliases.ts';
import { type ChangeRules } from './change-rules.ts';
import { type ZoneSource, importChanges } from './import.ts';
import { decideOperations } from './rrset-operations.ts';

/** What decides changes by hand needs. */
export interface AliasesOfChanges extends AliasSettings {
  readonly reader: DecisionStore;
  /** Looks up, before the change's turn, the targets that it names. */
  readonly look: (operations: readonly RrsetOperation[], apex: Name) => Promise<AliasLooks>;
  /** Called after a commit that made looks due. */
  readonly onDue: () => void;
}

/** A zone that is changed; without a record it is made. */
interface ChangedZone {
  readonly record?: ZoneRecord;
  readonly view: ZoneView;
}

/** Changes of records, and what is written with them of the ALIAS records of the zone. */
export interface AliasDecision {
  readonly changes: Iterable<RrsetChange>;
  readonly documents: readonly DocumentWrite[];
}

const NO_LOOKS: AliasLooks = new Map();

/** `decideOperations`, with ALIAS among the types. */
export function decideWithAliases(
  zone: ChangedZone,
  operations: readonly RrsetOperation[],
  rules: ChangeRules,
  settings: AliasesOfChanges,
  looks: AliasLooks = NO_LOOKS,
): Result<AliasDecision> {
  const before = zone.record === undefined ? [] : readAliases(settings.reader, zone.record.id);
  const decided = decideOperations(aliasedView(zone.view, before, true), operations, rules.signed);
  return decided.ok ? settled(zone, decided, { rules, settings, looks }) : decided;
}

/** `importChanges`, with ALIAS records and the comments that stand for them. */
export function importWithAliases(
  zone: ChangedZone,
  source: ZoneSource,
  rules: ChangeRules,
  settings: AliasesOfChanges,
): Result<AliasDecision> {
  const { text, owners } = readAliasComments(source.text);
  const before = zone.record === undefined ? [] : readAliases(settings.reader, zone.record.id);
  const imported = importChanges(aliasedView(zone.view, before, true), { ...source, text }, rules);
  return imported.ok
    ? settled(zone, imported, { rules, settings, looks: NO_LOOKS, expanded: owners, isFile: true })
    : imported;
}

interface Settling {
  readonly rules: ChangeRules;
  readonly settings: AliasesOfChanges;
  readonly looks: AliasLooks;
  readonly expanded?: ReadonlySet<OwnerKey>;
  readonly isFile?: true;
}

function settled(
  { record, view }: ChangedZone,
  decided: Result<Iterable<RrsetChange>> & { readonly ok: true },
  { settings, isFile, ...rest }: Settling,
): Result<AliasDecision> {
  const before = record === undefined ? [] : readAliases(settings.reader, record.id);
  const after = settleAliases({ record, view, before, changes: decided.value, ...rest }, settings);
  if (!after.ok) return fail(...after.problems, ...decided.warnings);
  const { changes, aliases, isChanged } = after.value;
  const zoneId = record?.id ?? settings.reader.nextZoneId();
  const documents = isChanged ? aliasWrites(zoneId, aliases) : [];
  const left = new Set(aliases.map(aliasKey));
  const gone = isFile === true ? before.filter((each) => !left.has(aliasKey(each))) : [];
  return ok({ changes, documents }, [...decided.warnings, ...after.warnings, ...gone.map(goneWarning)]);
}

function goneWarning({ owner, target }: { readonly owner: string; readonly target: string }): Problem {
  const why = `${owner} ALIAS ${target} is not in the file and goes`;
  return warning('ALIAS_REMOVED', placeOfRrset(nameOf(owner), TYPE.ALIAS), why, {
    fix: `leave in the file what exports of this server have as a comment: ;@ALIAS ${owner} …`,
  });
}
