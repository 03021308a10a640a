/**
 * NOTIFY messages that come in: which are taken, and how they go from a thread to the control process. The thread
 * replies at once, from what the store says.
 * Implements: RFC 1996 §3.10 (a NOTIFY for what is not ours has no effect; one about a zone is taken from its
 * primaries), RFC 8945 §5.2–5.3 (signed ones are verified, and their answers signed), RFC 9859 §4.3 (NOTIFY(CDS) and
 * NOTIFY(CSYNC) at the endpoint that the zone's DSYNC records name).
 * Not here: what is done then (control/delegation/), messages of ours (notify-message.ts).
 */
import { clientNetwork } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { readU16 } from '#base/bytes.ts';
import { type ClientAddress, addressText, hasAddress } from '#base/client-address.ts';
import { type LaterAnswers } from '#answer/later-answer.ts';
import { dsyncWildcard } from '#dns/dsync.ts';
import { DROP, FAULT, HEADER_BYTES, type QueryHead, type Transport } from '#dns/message.ts';
import { type Name, ROOT, equalNames, formatName, nameOf, ownerKey, parentName } from '#dns/name.ts';
import { TsigKeys } from '#dns/tsig/key.ts';
import { TsigSigner, appendTsigError } from '#dns/tsig/sign.ts';
import { verifyTsig } from '#dns/tsig/verify.ts';
import { CLASS, RCODE, TYPE, type RrType } from '#dns/types.ts';
import { type StoreReader } from '#store/reader.ts';
import { readPrimaries } from '#store/transfer/primaries.ts';
import { rrsetOf } from '#zone/view.ts';
import { writeCode } from './code-answer.ts';
import { type GrantedKey } from './grants.ts';
import { tsigRefusalText } from './refusal-text.ts';
import { type PassOn } from './update-gate.ts';

/** Name of the call in which control gets them. */
export const NOTIFY_CALL = 'notify';

/** A message that was taken. */
export interface ReceivedNotify {
  /** The name in its question, as text. */
  readonly name: string;
  readonly type: RrType;
  /** Address of its sender, which anyone can forge; for logs. */
  readonly from: string;
}

/** The body that `readReceivedNotify` reads. */
export function writeReceivedNotify(received: ReceivedNotify): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify(received), 'utf8'));
}

/** Undefined when the octets are no such body: the process that strangers talk to may have been taken over. */
export function readReceivedNotify(body: Uint8Array): ReceivedNotify | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    if (typeof value !== 'object' || value === null || !('name' in value) || !('type' in value) || !('from' in value))
      return undefined;
    const { name, type, from } = value;
    if (typeof name !== 'string' || typeof type !== 'number' || typeof from !== 'string') return undefined;
    return { name, type, from };
  } catch {
    return undefined;
  }
}

export interface NotifyReceiverOptions {
  readonly reader: StoreReader;
  readonly handOver: PassOn;
  readonly count: (transport: Transport, fault: number) => void;
  readonly countAnswer: (rcode: number) => void;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly log: (event: 'notify.refused' | 'tsig.refused', text: string) => void;
}

/** Of one thread. A sender's share of the places on the way to control bounds what it can have looked up. */
export class NotifyReceiver implements LaterAnswers {
  readonly #options: NotifyReceiverOptions;
  #keys = new TsigKeys<GrantedKey>();

  constructor(options: NotifyReceiverOptions) {
    this.#options = options;
  }

  /** From now on these keys are known, and no others. */
  takeKeys(keys: TsigKeys<GrantedKey>): void {
    this.#keys = keys;
  }

  answer(
    message: Uint8Array,
    length: number,
    head: Readonly<QueryHead>,
    out: Uint8Array,
    transport: Transport,
    client?: ClientAddress,
  ): number {
    this.#options.count(transport, head.form);
    const { tsigAt: at } = head;
    const now = Math.floor(this.#options.nowMs() / 1000);
    const verdict = at === 0 ? undefined : verifyTsig({ message, length, at, keys: this.#keys, now });
    if (verdict?.kind === 'invalid') {
      const text = `NOTIFY from ${addressText(client)} refused: ${tsigRefusalText(verdict, now)}`;
      this.#options.log('tsig.refused', text);
      return appendTsigError(out, this.#write(message, head, out, RCODE.NOTAUTH), verdict, now);
    }
    const key = verdict?.kind === 'valid' ? verdict.key : undefined;
    const judged = verdict?.kind === 'malformed' ? RCODE.FORMERR : this.#take(message, head, key, client);
    // No reply over UDP: the sender comes again (RFC 1996 §3.6). Over TCP it waits for one.
    if (judged === DROP && transport === 'udp') return 0;
    const rcode = judged === DROP ? RCODE.SERVFAIL : judged;
    const end = this.#write(message, head, out, rcode);
    return verdict?.kind === 'valid' ? new TsigSigner(verdict.key, verdict.record.mac).sign(out, end, now) : end;
  }

  #write(message: Uint8Array, head: Readonly<QueryHead>, out: Uint8Array, rcode: number): number {
    this.#options.countAnswer(rcode);
    return writeCode(message, head, out, { rcode });
  }

  /** Every answer is written at once. */
  later(): void {
    assert(false, 'no answer to a NOTIFY is put off');
  }

  #take(
    message: Uint8Array,
    { form, nameLength, type, class: qclass }: Readonly<QueryHead>,
    key: GrantedKey | undefined,
    client: ClientAddress | undefined,
  ): number {
    if (form === FAULT.VERSION) return RCODE.BADVERS;
    if (form !== FAULT.NONE) return RCODE.FORMERR;
    if (qclass !== CLASS.IN) return RCODE.REFUSED;
    const name = message.slice(HEADER_BYTES, HEADER_BYTES + nameLength);
    const rcode = type === TYPE.SOA ? this.#judgeSoa(name, key, client) : this.#judge(name, type);
    if (rcode !== RCODE.NOERROR) return rcode;
    const from = addressText(client);
    const body = writeReceivedNotify({ name: formatName(name), type, from });
    // What becomes of it changes nothing here: the zone is looked at by itself too.
    const done = (): void => {};
    return this.#options.handOver.pass({ name: NOTIFY_CALL, body, client: clientNetwork(from), done }) ? rcode : DROP;
  }

  /** A type of message has its line here. */
  #judge(name: Name, type: RrType): number {
    switch (type) {
      case TYPE.CDS:
      case TYPE.CSYNC:
        return this.#isServedDelegation(name, type) ? RCODE.NOERROR : RCODE.REFUSED;
      default:
        return RCODE.NOTIMP;
    }
  }

  /** RFC 1996 §3.10: from a primary of the zone, by its address or by the key that it and this server have. */
  #judgeSoa(apex: Name, key: GrantedKey | undefined, client: ClientAddress | undefined): number {
    const { reader, log } = this.#options;
    const zone = reader.zoneByName(apex);
    const refuse = (rcode: number, why: string): number => {
      log('notify.refused', `NOTIFY of ${formatName(apex)} from ${addressText(client)} refused: ${why}`);
      return rcode;
    };
    if (zone?.secondary === undefined) return refuse(RCODE.NOTAUTH, 'the zone comes from no primary');
    const primaries = readPrimaries(reader, zone.id);
    const isKnown = primaries.some(({ ip, key: name }) => {
      if (client !== undefined && hasAddress(client, ip)) return true;
      return key !== undefined && name !== undefined && equalNames(nameOf(name), key.name);
    });
    return isKnown ? RCODE.NOERROR : refuse(RCODE.REFUSED, 'it is no primary of the zone');
  }

  /** RFC 9859 §3.1: a delegation of a zone of ours whose DSYNC records say that such messages are taken here. */
  #isServedDelegation(child: Name, type: RrType): boolean {
    const { reader } = this.#options;
    for (let above = child; above.length > ROOT.length;) {
      above = parentName(above);
      const zone = reader.zoneByName(above);
      if (zone === undefined) continue;
      const view = reader.view(zone);
      const wildcard = dsyncWildcard(view.apex);
      const dsync = wildcard === undefined ? undefined : rrsetOf(view.node(ownerKey(wildcard)), TYPE.DSYNC);
      // A zone from elsewhere has the record of its own parent's operator.
      const isOurs = dsync?.manager === 'delegation';
      const isWanted = dsync?.rdatas.some((rdata) => readU16(rdata, 0) === type) === true;
      return isOurs && isWanted && rrsetOf(view.node(ownerKey(child)), TYPE.NS) !== undefined;
    }
    return false;
  }
}
