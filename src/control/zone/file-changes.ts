/**
 * The records of a zone file as changes of a zone that is not there yet. A million of them would not fit into memory
 * as objects: each is made when it is asked for.
 * Not here: reading the file (zone/assemble.ts), changes of a zone that is there (import.ts).
 */
import { type Serial } from '#dns/serial.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { type ReadZone } from '#zone/assemble.ts';
import { type RrsetChange, withSoaSerial } from '#zone/changeset.ts';
import { type WholeZone } from '#control/commands/decision.ts';

/** The RRsets of a file, in its order. Its data may be read again and again. */
export class FileChanges implements Iterable<RrsetChange> {
  readonly #read: ReadZone;
  readonly #serial: Serial | undefined;

  /** `serial`: that of its SOA; as the file has it unless given. */
  constructor(read: ReadZone, serial?: Serial) {
    this.#read = read;
    this.#serial = serial;
  }

  /** The same, with the zone that they make. */
  get whole(): WholeZone {
    const { view } = this.#read;
    return { changes: this, view, ...(this.#serial === undefined ? {} : { serial: this.#serial }) };
  }

  has(type: RrType): boolean {
    return this.#read.hasType(type);
  }

  /** The same with another serial. */
  withSerial(serial: Serial): FileChanges {
    return new FileChanges(this.#read, serial);
  }

  *[Symbol.iterator](): Generator<RrsetChange, void, undefined> {
    for (const { owner, type, ttl, rdatas: given } of this.#read.rrsets) {
      const serial = type === TYPE.SOA ? this.#serial : undefined;
      const rdatas = serial === undefined ? given : given.map((rdata) => withSoaSerial(rdata, serial));
      yield { owner, type, rrset: { ttl, rdatas, manager: 'manual' } };
    }
  }
}
