/**
 * The answer to AXFR or IXFR, record by record: where it ends, and what it makes together. Nothing of it counts before
 * its end, so a stream that breaks off changes nothing.
 * Implements: RFC 5936 §2.2 (the zone between two SOA records), RFC 1995 §4 (differences in order, or a whole zone, or
 * the SOA alone for a client that is up to date), RFC 1982 §3.2.
 * Not here: messages (incoming-message.ts), the zone that comes of it (zone/received-zone.ts).
 */
import { TRANSFER_IN_RECORDS_MAX } from '#base/limits/transfer.ts';
import { equalBytes } from '#base/bytes.ts';
import { type Name, equalNames, formatName, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { type Serial, isNewer } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { soaSerial } from '#zone/changeset.ts';
import { type ReceivedRecord } from './incoming-message.ts';

/** What changed between two serials. */
export interface ReceivedDifference {
  readonly fromSerial: Serial;
  readonly toSerial: Serial;
  /** The old SOA first. */
  readonly deleted: readonly ReceivedRecord[];
  /** The new SOA first. */
  readonly added: readonly ReceivedRecord[];
}

export type Received =
  /** The client's serial is the newest. */
  | { readonly kind: 'current'; readonly serial: Serial }
  /** Every record once, the SOA too. */
  | { readonly kind: 'whole'; readonly serial: Serial; readonly records: readonly ReceivedRecord[] }
  | { readonly kind: 'differences'; readonly serial: Serial; readonly differences: readonly ReceivedDifference[] };

export interface IncomingOptions {
  readonly apex: Name;
  /** The serial that the client has said in IXFR; undefined: it has asked for the whole zone. */
  readonly since: Serial | undefined;
  readonly recordsMax?: number;
  /** Receives each record of a whole zone once; they are in the result unless given. */
  readonly onWhole?: ((record: ReceivedRecord) => void) | undefined;
}

interface Step {
  readonly fromSerial: Serial;
  toSerial: Serial | undefined;
  readonly deleted: ReceivedRecord[];
  readonly added: ReceivedRecord[];
}

/** What the second record has shown the answer to be. */
type Shape = 'unknown' | 'whole' | 'differences';

export class IncomingTransfer {
  readonly #apex: Name;
  readonly #apexKey: string;
  readonly #since: Serial | undefined;
  readonly #recordsMax: number;
  readonly #onWhole: (record: ReceivedRecord) => void;
  #shape: Shape = 'unknown';
  #first: ReceivedRecord | undefined;
  #count = 0;
  readonly #records: ReceivedRecord[] = [];
  readonly #steps: Step[] = [];
  #result: Received | undefined;
  /** The owner of the record before, mostly that of this one too. */
  #owner: Name | undefined;

  constructor({ apex, since, recordsMax = TRANSFER_IN_RECORDS_MAX, onWhole }: IncomingOptions) {
    this.#onWhole = onWhole ?? ((record) => void this.#records.push(record));
    this.#apex = apex;
    this.#apexKey = ownerKey(apex);
    this.#since = since;
    this.#recordsMax = recordsMax;
  }

  /** Records so far. */
  get count(): number {
    return this.#count;
  }

  /** What came, once its last record was there; undefined before. */
  get result(): Received | undefined {
    return this.#result;
  }

  /** The serial of what comes, once two records have shown what it is. */
  get serial(): Serial | undefined {
    return this.#shape === 'unknown' ? undefined : this.#serial;
  }

  /** The records of one message. What is wrong, in words that follow the primary's address; undefined: nothing. */
  take(records: readonly ReceivedRecord[]): string | undefined {
    for (const record of records) {
      const failure = this.#takeOne(record);
      if (failure !== undefined) return failure;
    }
    // RFC 1995 §2: the SOA alone, and the client has it or a newer one.
    if (this.#count !== 1 || this.#since === undefined) return undefined;
    if (!isNewer(this.#serial, this.#since)) this.#result = { kind: 'current', serial: this.#serial };
    return undefined;
  }

  get #serial(): Serial {
    return soaSerial(this.#first!.rdata);
  }

  #takeOne(record: ReceivedRecord): string | undefined {
    if (this.#result !== undefined) return 'sends records after the end of the zone';
    if (++this.#count > this.#recordsMax) return `sends more than ${this.#recordsMax} records`;
    const { type, owner } = record;
    if (!this.#isInZone(owner)) return `sends ${formatName(owner)}, which is not in the zone`;
    const isApexSoa = type === TYPE.SOA && equalNames(owner, this.#apex);
    if (this.#first === undefined) {
      if (!isApexSoa) return 'begins with another record than the SOA of the zone';
      this.#first = record;
      return undefined;
    }
    if (type === TYPE.SOA && !isApexSoa) return `sends a SOA of ${formatName(owner)} inside the zone`;
    if (this.#shape === 'unknown') {
      const isStep = isApexSoa && this.#since !== undefined && soaSerial(record.rdata) === this.#since;
      this.#shape = isStep && this.#since !== this.#serial ? 'differences' : 'whole';
      if (this.#shape === 'whole') this.#onWhole(this.#first);
    }
    if (this.#shape === 'differences') return isApexSoa ? this.#takeStep(record) : this.#takeChange(record);
    if (!isApexSoa) {
      this.#onWhole(record);
      return undefined;
    }
    if (!equalBytes(record.rdata, this.#first.rdata)) {
      const [first, last] = [this.#serial, soaSerial(record.rdata)];
      return `ends with another SOA (serial ${last}) than it began with (${first})`;
    }
    this.#result = { kind: 'whole', serial: this.#serial, records: this.#records };
    return undefined;
  }

  #isInZone(owner: Name): boolean {
    if (this.#owner !== undefined && equalBytes(this.#owner, owner)) return true;
    if (!isAtOrBelow(ownerKey(owner), this.#apexKey)) return false;
    this.#owner = owner;
    return true;
  }

  /** A SOA among differences: the old one of a step, the new one of a step, or the end. */
  #takeStep(record: ReceivedRecord): string | undefined {
    const serial = soaSerial(record.rdata);
    const step = this.#steps.at(-1);
    if (step !== undefined && step.toSerial === undefined) {
      if (!isNewer(serial, step.fromSerial)) return `sends a step from serial ${step.fromSerial} back to ${serial}`;
      step.toSerial = serial;
      step.added.push(record);
      return undefined;
    }
    const reached = step?.toSerial ?? this.#since!;
    if (serial !== reached) return `sends a step from serial ${serial}, and ${reached} was reached`;
    if (reached === this.#serial) {
      this.#result = { kind: 'differences', serial: this.#serial, differences: this.#steps.map(finished) };
      return undefined;
    }
    this.#steps.push({ fromSerial: serial, toSerial: undefined, deleted: [record], added: [] });
    return undefined;
  }

  #takeChange(record: ReceivedRecord): string | undefined {
    const step = this.#steps.at(-1)!;
    (step.toSerial === undefined ? step.deleted : step.added).push(record);
    return undefined;
  }
}

function finished({ fromSerial, toSerial, deleted, added }: Step): ReceivedDifference {
  return { fromSerial, toSerial: toSerial!, deleted, added };
}
