/**
 * What is kept of a new zone whose names are written one after the other: what its commit, its journal entry and its
 * audit entry say of it.
 * Not here: the names (new-zone.ts, received-zone.ts).
 */
import { createHash } from 'node:crypto';
import { assert } from '#base/assert.ts';
import { CHANGESET_LINES_MAX } from '#base/limits/changes.ts';
import { NEW_ZONE_RECORDS_BYTES_MAX } from '#base/limits/dnssec.ts';
import { JOURNAL_CHANGESET_BYTES_MAX } from '#base/limits/store.ts';
import { type Name } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { type PlannedNode, type ZonePlan } from '#dnssec/plan.ts';
import { encodeAdditionsHead, encodeRrsets } from '#zone/changeset-codec.ts';
import { type ChangesetLines, changesetLines } from '#zone/changeset-text.ts';
import { type ChangedRrset, type Changeset, diffNodes, madeBySigner, orderChangeset } from '#zone/changeset.ts';
import { type WrittenZone } from '#control/commands/decision.ts';

export interface NewZoneRecord {
  /** Without nodes; its changeset has the records of a small zone, and none of a large one. */
  readonly plan: ZonePlan;
  readonly written: WrittenZone;
  readonly shown: ChangesetLines;
}

/** The changeset of a new zone while it is made. Of a large one its length and digest stay. */
export class Additions {
  readonly #zone: Name;
  readonly #toSerial: Serial;
  readonly #expected: { readonly count: number; readonly isSigned: boolean };
  readonly #hash = createHash('sha256');
  /** Undefined when there is more than is kept. */
  #records: ChangedRrset[] | undefined = [];
  #octets: Uint8Array[] | undefined = [];
  #sizeBytes = 0;
  #rrsets = 0;
  #ownRecords = 0;
  /** Of all records; of `#first`. */
  #lines = 0;
  #firstLines = 0;
  readonly #first: ChangedRrset[] = [];

  constructor(zone: Name, toSerial: Serial, expected: { readonly count: number; readonly isSigned: boolean }) {
    this.#zone = zone;
    this.#toSerial = toSerial;
    this.#expected = expected;
    this.#put(encodeAdditionsHead({ zone, fromSerial: 0, toSerial }, expected.count));
  }

  /** The next nodes in canonical order. */
  add(nodes: readonly PlannedNode[]): void {
    const difference = { deleted: [], added: [] as ChangedRrset[] };
    for (const { node } of nodes) diffNodes(undefined, node, difference);
    // The SOA is in the first slice, with the apex.
    const { added } = orderChangeset(this.#zone, 0, this.#toSerial, difference);
    this.#put(encodeRrsets(added));
    this.#rrsets += added.length;
    if (this.#sizeBytes > NEW_ZONE_RECORDS_BYTES_MAX) this.#records = undefined;
    this.#records?.push(...added);
    const isMade = madeBySigner(this.#zone, this.#expected.isSigned);
    for (const rrset of added) {
      const { length } = rrset.rdatas;
      this.#lines += length;
      if (!isMade(rrset)) this.#ownRecords += length;
      if (this.#firstLines >= CHANGESET_LINES_MAX) continue;
      this.#first.push(rrset);
      this.#firstLines += length;
    }
  }

  end(nodeCount: number, signatureCount: number): NewZoneRecord {
    assert(this.#rrsets === this.#expected.count, 'a new zone has another number of RRsets than was planned');
    const serials = { zone: this.#zone, fromSerial: 0, toSerial: this.#toSerial, deleted: [] };
    const changeset: Changeset = { ...serials, added: this.#records ?? [] };
    const shown = changesetLines({ ...serials, added: this.#first }, CHANGESET_LINES_MAX);
    const digest = { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest('hex') };
    const octets = this.#octets === undefined ? {} : { octets: new Uint8Array(Buffer.concat(this.#octets)) };
    const large = this.#records === undefined ? { large: { ...digest, records: this.#ownRecords, ...octets } } : {};
    return {
      plan: { nodes: new Map(), hashed: new Map(), changeset, changed: true, signatureCount },
      written: { nodeCount, ...large },
      shown: { ...shown, omitted: this.#lines - shown.added.length },
    };
  }

  #put(octets: Uint8Array): void {
    this.#hash.update(octets);
    this.#sizeBytes += octets.length;
    if (this.#sizeBytes > JOURNAL_CHANGESET_BYTES_MAX) this.#octets = undefined;
    this.#octets?.push(octets);
  }
}
