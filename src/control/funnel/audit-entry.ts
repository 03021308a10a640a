/**
 * The audit entry of a change: who, from where and why, what the records and settings were before it and after it, and
 * what its checks found. What is too long for an entry stands there as its digest. Nothing of it is secret: private
 * keys and secrets of tokens are in no record and in no document, and of documents only settings are shown.
 * Not here: refused attempts (control/audit/attempts.ts), the chain of entries (store/audit/).
 */
import { createHash } from 'node:crypto';
import { AUDIT_CODES_MAX, AUDIT_OBJECT_CHARACTERS_MAX, AUDIT_RECORDS_CHARACTERS_MAX } from '#base/limits/store.ts';
import { equalBytes } from '#base/bytes.ts';
import { type Problem } from '#base/problem.ts';
import { type Rrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { type AuditActor, type AuditDigest, type AuditEvent } from '#store/audit/entries.ts';
import { type AuditObjectChange, type AuditZoneChange } from '#store/audit/entries.ts';
import { type DocumentValue } from '#store/due/documents.ts';
import { type StoreReader } from '#store/reader.ts';
import { encodeChangeset } from '#zone/changeset-codec.ts';
import { type Changeset, madeBySigning, withSoaSerial } from '#zone/changeset.ts';
import { formatRrset } from '#zone/changeset-text.ts';
import { type Actor } from '#control/api/control.ts';
import { type Decision, type Prepared, type Turn } from '#control/commands/decision.ts';

/** What an entry is made of beside the decision. */
export interface EntryFacts {
  readonly turn: Turn;
  readonly atMs: number;
  readonly countedMs: number | undefined;
  /** What the checks found. */
  readonly warnings: readonly Problem[];
  /** The store before the change. */
  readonly reader: Pick<StoreReader, 'document' | 'token'>;
}

type ChangedPart = Pick<Prepared, 'record' | 'plan' | 'written'>;

/** The entry, or the time alone for upkeep that has none. */
export function auditEntry(
  decision: Decision,
  parts: readonly ChangedPart[],
  { turn, atMs, countedMs, warnings, reader }: EntryFacts,
): AuditEvent | { readonly atMs: number } {
  const { zone, detail, isQuiet = false } = decision;
  if (detail === undefined || (isQuiet && parts.length === 0)) return { atMs };
  const serials = parts.map(({ record, plan: { changeset } }) => {
    const other = record.name === zone ? '' : `${record.name} `;
    return `${other}serial ${changeset.fromSerial} → ${changeset.toSerial}`;
  });
  const signatureCount = parts.reduce((sum, { plan }) => sum + plan.signatureCount, 0);
  const text = typeof detail === 'string' ? detail : detail(signatureCount);
  const { reason, ...actor } = turn.actor;
  const codes = auditCodes(warnings);
  const changes = zoneChanges(parts);
  const objects = [...settingChanges(decision, reader), ...tokenChanges(decision, reader)];
  return {
    atMs,
    ...(countedMs === undefined ? {} : { countedMs }),
    actor: auditActor(actor),
    action: turn.action,
    ...(zone === undefined ? {} : { zone }),
    detail: serials.length === 0 ? text : `${text} (${serials.join(', ')})`,
    ...(reason === undefined ? {} : { reason }),
    ...(codes.length === 0 ? {} : { codes }),
    ...(changes.length === 0 ? {} : { changes }),
    ...(objects.length === 0 ? {} : { objects }),
  };
}

/** What of an actor is written down: all but the reason, which is the entry's. */
export function auditActor({ kind, id, from, owner, role, user, transport }: Actor): AuditActor {
  const rest = Object.entries({ owner, role, user, transport }).filter(([, value]) => value !== undefined);
  return { kind, id, from, ...(Object.fromEntries(rest) as Partial<AuditActor>) };
}

/** Each code once. */
export function auditCodes(problems: readonly Problem[]): readonly string[] {
  return [...new Set(problems.map(({ code }) => code))].slice(0, AUDIT_CODES_MAX);
}

function zoneChanges(parts: readonly ChangedPart[]): AuditZoneChange[] {
  let left = AUDIT_RECORDS_CHARACTERS_MAX;
  return parts.map(({ record, plan: { changeset }, written }) => {
    const { fromSerial, toSerial } = changeset;
    const serials = { zone: record.name, fromSerial, toSerial };
    if (written?.large !== undefined) {
      const { records, sizeBytes, sha256 } = written.large;
      return { ...serials, omitted: { before: 0, after: records, sizeBytes, sha256 } };
    }
    const [gone, come] = [ownRecords(changeset, 'deleted'), ownRecords(changeset, 'added')];
    const lines = linesUpTo([gone, come], left);
    if (lines === undefined) {
      const omitted = { before: countOf(gone), after: countOf(come), ...digestOf(encodeChangeset(changeset)) };
      return { ...serials, omitted };
    }
    left -= lines.characters;
    const [before = [], after = []] = lines.lists;
    return { ...serials, before, after };
  });
}

/** The records of one list that are not made by signing; the SOA only where more than its serial differs. */
function ownRecords(changeset: Changeset, list: 'deleted' | 'added'): readonly Rrset[] {
  const soaOf = (rrsets: readonly Rrset[]) => rrsets.find(({ type }) => type === TYPE.SOA);
  const [old, young] = [soaOf(changeset.deleted), soaOf(changeset.added)];
  const isSerialAlone =
    old !== undefined &&
    young !== undefined &&
    old.ttl === young.ttl &&
    equalBytes(withSoaSerial(old.rdatas[0]!, 0), withSoaSerial(young.rdatas[0]!, 0));
  const isMade = madeBySigning(changeset);
  return changeset[list].filter((rrset) => !isMade(rrset) && !(rrset.type === TYPE.SOA && isSerialAlone));
}

function countOf(rrsets: readonly Rrset[]): number {
  return rrsets.reduce((sum, { rdatas }) => sum + rdatas.length, 0);
}

/** The lists as lines; undefined when they are longer than `charactersMax` together. Formats no more than that. */
function linesUpTo(lists: readonly (readonly Rrset[])[], charactersMax: number) {
  let characters = 0;
  const made: string[][] = [];
  for (const rrsets of lists) {
    const lines: string[] = [];
    for (const rrset of rrsets)
      for (const rdata of rrset.rdatas) {
        const [line = ''] = formatRrset({ ...rrset, rdatas: [rdata] });
        characters += line.length;
        if (characters > charactersMax) return undefined;
        lines.push(line);
      }
    made.push(lines);
  }
  return { lists: made, characters };
}

function digestOf(octets: Uint8Array): AuditDigest {
  return { sizeBytes: octets.length, sha256: createHash('sha256').update(octets).digest('hex') };
}

/** Kinds of documents that are settings: what an operator wrote, and nothing that is secret. */
const SETTINGS: ReadonlySet<string> = new Set(['delegation', 'dnssec-policy', 'powerdns', 'primaries', 'secondaries']);

function isSetting({ kind, id }: DocumentValue): boolean {
  return SETTINGS.has(kind) || (kind === 'mail' && id === 'policy');
}

function settingChanges({ documents = [] }: Decision, reader: EntryFacts['reader']): AuditObjectChange[] {
  const written = documents.filter((each): each is DocumentValue => 'value' in each && isSetting(each));
  return written.flatMap(({ zoneId, kind, id, value }) => {
    const before = shown(reader.document(zoneId, kind, id));
    const after = shown(value);
    return isSame(before, after) ? [] : [{ kind, id, ...both(before, after) }];
  });
}

function tokenChanges({ tokens }: Decision, reader: EntryFacts['reader']): AuditObjectChange[] {
  const of = (id: string) => {
    const record = reader.token(id);
    if (record === undefined) return undefined;
    const { hash: _hash, ...rest } = record;
    return shown(rest);
  };
  const put = (tokens?.put ?? []).map(({ hash: _hash, ...rest }) => ({ id: rest.id, after: shown(rest) }));
  const removed = (tokens?.remove ?? []).map((id) => ({ id, after: undefined }));
  return [...put, ...removed].map(({ id, after }) => ({ kind: 'token', id, ...both(of(id), after) }));
}

/** A value as an entry has it: itself, or its digest. */
function shown(value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  const json = JSON.stringify(value);
  return json.length <= AUDIT_OBJECT_CHARACTERS_MAX ? value : digestOf(Buffer.from(json));
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function both(before: unknown, after: unknown): Pick<AuditObjectChange, 'before' | 'after'> {
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}
