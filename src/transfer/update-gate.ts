/**
 * UPDATE in the answer process: what needs no secret is answered here, the rest goes to control as it came (ADR 0007).
 * Implements: RFC 2136 §3.1.1 (FORMERR), §3.3 (REFUSED without a right), RFC 3007 §1.3 (an UPDATE is signed), RFC 8945
 * §5.2.1 (BADKEY of a key that there is not), RFC 2136 §6 (a zone that comes from primaries: the key may be theirs).
 * Not here: what the UPDATE says and whether its signature is right (control/update/), forwarding (control/update/).
 */
import { clientNetwork } from '#base/address.ts';
import { type ClientAddress, addressText } from '#base/client-address.ts';
import { copyOf } from '#base/bytes.ts';
import { writeHandedMessage } from '#base/ipc/handed-message.ts';
import { UPDATE_UNSIGNED_LOG_MS } from '#base/limits/update.ts';
import { ADMIT } from '#answer/defence/rate-limit.ts';
import { ANSWER_IS_LATER, type LaterAnswers, type SendAnswer } from '#answer/later-answer.ts';
import { FAULT, HEADER_BYTES, type QueryHead, type Transport, lastRecordType } from '#dns/message.ts';
import { type Name, type OwnerKey, formatName, ownerKey } from '#dns/name.ts';
import { TsigKeys } from '#dns/tsig/key.ts';
import { TSIG_ERROR } from '#dns/tsig/record.ts';
import { TsigSigner, appendTsigError } from '#dns/tsig/sign.ts';
import { verifyTsig } from '#dns/tsig/verify.ts';
import { CLASS, EDE, RCODE, TYPE } from '#dns/types.ts';
import { type AnswerCode, writeCode } from './code-answer.ts';
import { type GrantedKey } from './grants.ts';
import { tsigRefusalText } from './refusal-text.ts';

/** Name of the call in which control gets them. */
export const UPDATE_CALL = 'update';

/** What passes messages on; server/hand-over.ts is the real one. */
export interface PassOn {
  pass(order: {
    readonly name: string;
    readonly body: Uint8Array;
    readonly client: string;
    readonly done: (outcome: { readonly answer: Uint8Array } | { readonly why: string }) => void;
  }): boolean;
}

export interface UpdateGateOptions {
  readonly handOver: PassOn;
  /** True for the apex of a zone that comes from primaries. */
  readonly isSecondary: (apex: Name) => boolean;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly count: (transport: Transport, fault: number) => void;
  readonly countAnswer: (rcode: number) => void;
  readonly log: (event: 'update.refused' | 'tsig.refused', text: string) => void;
  /** One of ADMIT for a refusal (answer/admission.ts). */
  readonly admitError: (
    message: Uint8Array,
    length: number,
    head: Readonly<QueryHead>,
    transport: Transport,
    client: ClientAddress | undefined,
  ) => number;
}

interface Message {
  readonly query: Uint8Array;
  readonly length: number;
  readonly head: Readonly<QueryHead>;
  readonly out: Uint8Array;
  readonly transport: Transport;
  readonly client: ClientAddress | undefined;
}

export class UpdateGate implements LaterAnswers {
  readonly #options: UpdateGateOptions;
  /** Keys that are here, for transfers: none of them opens UPDATE. */
  #keys = new TsigKeys<GrantedKey>();
  /** Keys that are in control. */
  #names: ReadonlySet<OwnerKey> = new Set();
  /** The message that was passed on last. */
  #passed: { send?: SendAnswer } = {};
  /** Those without a signature that the log has not told of, and when it told last. */
  #unsigned = 0;
  #unsignedToldMs = -Infinity;

  constructor(options: UpdateGateOptions) {
    this.#options = options;
  }

  takeKeys(keys: TsigKeys<GrantedKey>, names: ReadonlySet<OwnerKey>): void {
    [this.#keys, this.#names] = [keys, names];
  }

  answer(
    query: Uint8Array,
    length: number,
    head: Readonly<QueryHead>,
    out: Uint8Array,
    transport: Transport,
    client?: ClientAddress,
  ): number {
    const message = { query, length, head, out, transport, client };
    this.#options.count(transport, head.form);
    if (head.form === FAULT.VERSION) return this.#refuse(message, { rcode: RCODE.BADVERS });
    if (head.form !== FAULT.NONE) return this.#refuse(message, { rcode: RCODE.FORMERR });
    if (head.tsigAt === 0) return this.#refuseUnsigned(message);
    const now = Math.floor(this.#options.nowMs() / 1000);
    const verdict = verifyTsig({ message: query, length, at: head.tsigAt, keys: this.#keys, now });
    if (verdict.kind === 'malformed') return this.#refuse(message, { rcode: RCODE.FORMERR });
    const isElsewhere = verdict.kind === 'invalid' && verdict.error === TSIG_ERROR.BADKEY;
    if (isElsewhere && this.#names.has(ownerKey(verdict.record.keyName))) return this.#pass(message);
    // RFC 8945 §5.5: a key that is not here may be the primary's; one that is here is verified before.
    if ((isElsewhere || verdict.kind === 'valid') && this.#isSecondary(message)) return this.#pass(message);
    if (verdict.kind === 'invalid') {
      this.#options.log('tsig.refused', `UPDATE from ${addressText(client)} refused: ${tsigRefusalText(verdict, now)}`);
      const end = this.#refuse(message, { rcode: RCODE.NOTAUTH });
      return appendTsigError(out, end, verdict, now);
    }
    const name = formatName(verdict.key.name);
    const text = `the key ${name} is not for UPDATE: a key for update is good for nothing else`;
    this.#options.log('update.refused', `UPDATE from ${addressText(client)} refused: ${text}`);
    const end = this.#refuse(message, { rcode: RCODE.REFUSED, ede: [EDE.PROHIBITED, text] });
    return new TsigSigner(verdict.key, verdict.record.mac).sign(out, end, now);
  }

  #isSecondary({ query, head }: Message): boolean {
    const apex = copyOf(query, HEADER_BYTES, HEADER_BYTES + head.nameLength);
    return head.class === CLASS.IN && this.#options.isSecondary(apex);
  }

  later(send: SendAnswer): void {
    this.#passed.send = send;
  }

  #pass(message: Message): number {
    const { query, length, head, transport, client } = message;
    const busy = new Uint8Array(HEADER_BYTES + head.questionLength + BUSY_OPT_BYTES);
    const ede = [EDE.NOT_READY, 'too many updates at once, or the control process is not there'] as const;
    const busyBytes = writeCode(message.query, message.head, busy, { rcode: RCODE.SERVFAIL, ede });
    const passed: { send?: SendAnswer } = {};
    const taken = this.#options.handOver.pass({
      name: UPDATE_CALL,
      body: writeHandedMessage(transport === 'udp' ? 'udp' : 'tcp', client, query.subarray(0, length)),
      client: clientNetwork(addressText(client)),
      done: (outcome) => {
        const undone = busy.subarray(0, busyBytes);
        const answer = 'answer' in outcome ? outcome.answer : unanswered(outcome.why, transport, undone);
        if (answer.length > 0) this.#options.countAnswer(answer[3]! & 0x0f);
        passed.send?.(answer);
      },
    });
    if (!taken) {
      // Over UDP the client comes again by itself.
      if (transport === 'udp') return 0;
      this.#options.countAnswer(RCODE.SERVFAIL);
      message.out.set(busy.subarray(0, busyBytes));
      return busyBytes;
    }
    this.#passed = passed;
    return ANSWER_IS_LATER;
  }

  #refuseUnsigned(message: Message): number {
    const { query, length, head, client } = message;
    const zone = formatName(copyOf(query, HEADER_BYTES, HEADER_BYTES + head.nameLength));
    const isSig0 = lastRecordType(query, length) === TYPE.SIG;
    const what = isSig0 ? 'it is signed with SIG(0), which is not offered' : 'it is not signed';
    this.#unsigned += 1;
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#unsignedToldMs >= UPDATE_UNSIGNED_LOG_MS) {
      const more = this.#unsigned > 1 ? ` (and ${this.#unsigned - 1} more since the last such line)` : '';
      const fix = `make a key: waxseal tsig generate NAME --zone ${zone} --for update`;
      const who = addressText(client);
      this.#options.log('update.refused', `UPDATE of ${zone} from ${who} refused: ${what}${more}; ${fix}`);
      [this.#unsigned, this.#unsignedToldMs] = [0, nowMs];
    }
    const { transport } = message;
    const admitted = this.#options.admitError(query, length, head, transport, client);
    if (admitted === ADMIT.DROP) return 0;
    if (admitted === ADMIT.TRUNCATE) return this.#refuse(message, { rcode: RCODE.REFUSED, isTruncated: true });
    // Over UDP the address may be forged: the answer is hardly longer than the message. The log has the reason.
    const text = transport === 'udp' ? '' : `UPDATE needs a TSIG signature: ${what}`;
    return this.#refuse(message, { rcode: RCODE.REFUSED, ede: [EDE.PROHIBITED, text] });
  }

  #refuse(message: Message, refusal: AnswerCode): number {
    this.#options.countAnswer(refusal.rcode);
    return writeCode(message.query, message.head, message.out, refusal);
  }
}

/** Whether an UPDATE that control did not answer was carried out is not known: then there is no answer. */
function unanswered(why: string, transport: Transport, busy: Uint8Array): Uint8Array {
  const isUndone = why === 'overloaded' || why === 'unknown' || why === 'expired';
  return isUndone && transport !== 'udp' ? busy : new Uint8Array(0);
}

/** OPT with an extended error and its text. */
const BUSY_OPT_BYTES = 128;
