/**
 * The zones of the store as they are read: by API, by look-ups of our own names, by the oracle of answers.
 * Not here: changing them (control/zone/decide.ts).
 */
import { CHANGESET_LINES_MAX } from '#base/limits/changes.ts';
import { type Result, ok } from '#base/problem.ts';
import { type Name, type OwnerKey, lowerName } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { CLASS, type RrType } from '#dns/types.ts';
import { findAudit } from '#store/audit/entries.ts';
import { type ZoneLabels, readLabels } from '#store/powerdns/labels.ts';
import { readAliases } from '#store/alias/aliases.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type JournalEntry } from '#store/journal.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { holdView } from '#store/upkeep/held-view.ts';
import { type Alias, aliasedView } from '#zone/alias/alias.ts';
import { decodeSteps } from '#zone/changeset-codec.ts';
import { type Changeset, madeBySigning } from '#zone/changeset.ts';
import { filterChangeset } from '#zone/history/net-changes.ts';
import { changesetLines } from '#zone/changeset-text.ts';
import { type Response, type ServedZone, type ZoneSet, lookup, zoneSetBy } from '#zone/lookup.ts';
import { type HeldView, type ZoneView } from '#zone/view.ts';
import { type ChangesetText, type ShownRecords } from '#control/api/control.ts';
import { type ListedZone, type ZoneChange, type ZoneDifference, type ZonesApi } from '#control/api/control.ts';
import { type DsForm } from '#control/api/dnssec.ts';
import { type VersionAsked } from '#control/api/history.ts';
import { inTurns } from '#control/commands/in-turns.ts';
import { differenceSteps } from '#control/zone/history.ts';
import { storeResolver } from '#control/outside/store-resolver.ts';
import { SearchIndex } from '#control/search/index-process.ts';
import { dsForms } from '#control/zone/ds-forms.ts';

/** What is shown of a changeset; what is not shown is counted only where there are too many lines. */
function shownLines(changeset: Changeset, shown: ShownRecords): ChangesetText {
  const { isShown = () => true, withSigning = true, linesMax = CHANGESET_LINES_MAX } = shown;
  if (shown.isShown === undefined && withSigning) return changesetLines(changeset, linesMax);
  const isMade = madeBySigning(changeset);
  const isOwn = (rrset: { readonly owner: Name; readonly type: RrType }): boolean =>
    (withSigning || !isMade(rrset)) && isShown(rrset.owner, rrset.type);
  return changesetLines(filterChangeset(changeset, isOwn), linesMax);
}

export class ServedZones implements ZonesApi {
  readonly #reader: StoreWriter;
  /** Of ten thousand zones, a look-up asks for those alone that it needs. */
  readonly #zones: ZoneSet = zoneSetBy((apexKey) => this.#served(apexKey));
  readonly resolver: Resolver;
  /** There is none before it is started. */
  readonly contents: SearchIndex;

  /** `outside` answers what is in none of our zones. */
  constructor(reader: StoreWriter, outside: Resolver) {
    this.#reader = reader;
    this.contents = new SearchIndex(reader);
    this.resolver = storeResolver((name, type) => this.query(name, type, false), outside);
  }

  list(): readonly ZoneRecord[] {
    return this.#reader.zones();
  }

  after(apexKey: OwnerKey | undefined, limit: number): readonly ListedZone[] {
    return this.#reader.zonesAfter(apexKey, limit);
  }

  atOrBelow(key: OwnerKey): readonly ListedZone[] {
    return this.#reader.zonesAtOrBelow(key);
  }

  byKey(apexKey: OwnerKey): ZoneRecord | undefined {
    return this.#reader.zoneByKey(apexKey);
  }

  find(name: Name): ZoneRecord | undefined {
    return this.#reader.zoneByName(lowerName(name));
  }

  view(record: ZoneRecord): ZoneView {
    return this.#reader.view(record);
  }

  aliases({ id }: ZoneRecord): readonly Alias[] {
    return readAliases(this.#reader, id);
  }

  shown(record: ZoneRecord): ZoneView {
    return aliasedView(this.view(record), this.aliases(record));
  }

  holdShown(record: ZoneRecord): HeldView {
    const aliases = this.aliases(record);
    const held = holdView(this.#reader, record);
    return { ...held, view: aliasedView(held.view, aliases) };
  }

  async changes(
    record: ZoneRecord,
    limit: number,
    beforeRevision?: number,
    shown: ShownRecords = {},
  ): Promise<readonly ZoneChange[]> {
    const changes: ZoneChange[] = [];
    // One at a time: each may have 16 MiB.
    for (let before = beforeRevision; changes.length < limit; before = changes.at(-1)!.revision) {
      const [entry] = this.#reader.journal(record.id, 1, before);
      if (entry === undefined) break;
      changes.push(await this.#change(record, entry, shown));
    }
    return changes;
  }

  async #change(
    { nodeCount: omitted }: ZoneRecord,
    { revision, atMs, fromSerial, toSerial, changeset }: JournalEntry,
    shown: ShownRecords,
  ): Promise<ZoneChange> {
    const lines =
      changeset === undefined
        ? { fromSerial, toSerial, deleted: [], added: [], omitted }
        : shownLines(await inTurns(decodeSteps(changeset)), shown);
    const entry = findAudit(this.#reader, revision);
    if (entry === undefined) return { revision, atMs, changeset: lines };
    const { hash: _hash, ...audit } = entry;
    return { revision, atMs, changeset: lines, audit };
  }

  async difference(
    record: ZoneRecord,
    from: VersionAsked,
    to?: VersionAsked,
    shown: ShownRecords = {},
  ): Promise<Result<ZoneDifference>> {
    const found = await inTurns(differenceSteps(this.#reader, record, from, to));
    if (!found.ok) return found;
    const { changeset, revisions, ...versions } = found.value;
    const same = { fromSerial: versions.from.serial, toSerial: versions.to.serial, deleted: [], added: [], omitted: 0 };
    const lines = changeset === undefined ? same : shownLines(changeset, shown);
    return ok({ ...versions, changes: revisions.length, changeset: lines });
  }

  labels({ id }: ZoneRecord): ZoneLabels {
    return readLabels(this.#reader, id);
  }

  ds(record: ZoneRecord): readonly DsForm[] {
    return dsForms(record);
  }

  query(name: Name, type: RrType, dnssecOk: boolean): Response {
    return lookup(this.#zones, { name, type, class: CLASS.IN }, dnssecOk);
  }

  /** Catalogs are not answered for. */
  #served(apexKey: OwnerKey): ServedZone | undefined {
    const record = this.#reader.zoneByKey(apexKey);
    if (record === undefined || record.isCatalog === true) return undefined;
    const isExpired = record.secondary?.isExpired === true;
    return { view: this.#reader.view(record), signed: record.dnssec === 'on', isExpired };
  }
}
