/**
 * Queries signed with a key that is only in control: certbot asks for an SOA with the key that it sends updates with.
 * The answer is made here as for any query; control looks at the query's signature and signs the answer (ADR 0007).
 * Implements: RFC 8945 §5.3 (the answer is what it would be without a signature, and signed).
 * Not here: the other end (control/update/sign-answer.ts), queries with keys that are here (answers.ts).
 */
import { clientNetwork } from '#base/address.ts';
import { copyOf, concatBytes } from '#base/bytes.ts';
import { type ClientAddress, addressText } from '#base/client-address.ts';
import { writeHandedMessage } from '#base/ipc/handed-message.ts';
import { CALL_BYTES_MAX } from '#base/limits/process.ts';
import { ANSWER_IS_LATER, type LaterAnswers, type SendAnswer } from '#answer/later-answer.ts';
import { type Responder } from '#answer/respond.ts';
import { type QueryHead, type Transport } from '#dns/message.ts';
import { EDE, RCODE } from '#dns/types.ts';
import { writeCode } from './code-answer.ts';
import { type PassOn } from './update-gate.ts';

/** Name of the call in which control signs an answer. */
export const SIGN_CALL = 'sign-answer';

/** The query and the answer to it, in the body of a message that is handed over. */
export function writeSignOrder(query: Uint8Array, answer: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(query.length >> 8, query.length & 0xff), query, answer);
}

export interface SignedQueriesOptions {
  readonly handOver: PassOn;
  readonly respond: Responder['respond'];
}

export class SignedQueries implements LaterAnswers {
  readonly #options: SignedQueriesOptions;
  #passed: { send?: SendAnswer } = {};

  constructor(options: SignedQueriesOptions) {
    this.#options = options;
  }

  answer(
    query: Uint8Array,
    length: number,
    head: Readonly<QueryHead>,
    out: Uint8Array,
    transport: Transport,
    client?: ClientAddress,
  ): number {
    const bare = copyOf(query, 0, head.tsigAt);
    const view = new DataView(bare.buffer, bare.byteOffset, bare.byteLength);
    view.setUint16(10, view.getUint16(10) - 1);
    const answerLength = this.#options.respond(bare, bare.length, out, transport, client);
    if (answerLength <= 0) return answerLength;
    const order = writeSignOrder(query.subarray(0, length), out.subarray(0, answerLength));
    const body = writeHandedMessage(transport === 'udp' ? 'udp' : 'tcp', client, order);
    const passed: { send?: SendAnswer } = {};
    // An answer so long is a stranger's wish: no client signs it with such a key.
    const isTaken =
      body.length <= CALL_BYTES_MAX &&
      this.#options.handOver.pass({
        name: SIGN_CALL,
        body,
        client: clientNetwork(addressText(client)),
        done: (outcome) => passed.send?.('answer' in outcome ? outcome.answer : new Uint8Array(0)),
      });
    if (!isTaken) return this.#notSigned(bare, head, out, transport);
    this.#passed = passed;
    return ANSWER_IS_LATER;
  }

  /** Over UDP the client comes again by itself; over TCP it has more to ask on the same connection. */
  #notSigned(query: Uint8Array, head: Readonly<QueryHead>, out: Uint8Array, transport: Transport): number {
    if (transport === 'udp') return 0;
    return writeCode(query, head, out, { rcode: RCODE.SERVFAIL, ede: [EDE.NOT_READY, ''] });
  }

  later(send: SendAnswer): void {
    this.#passed.send = send;
  }
}
