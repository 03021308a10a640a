/**
 * Answers that another process makes, as that to an UPDATE is: each is sent when it comes, and other queries are
 * answered meanwhile.
 * Not here: how a message gets there and back (server/hand-over.ts), who may send it (transfer/update-gate.ts).
 */
import { assert } from '#base/assert.ts';
import { type ClientAddress } from '#base/client-address.ts';
import { type QueryHead, type Transport } from '#dns/message.ts';

/** Returned by `respond` in place of a length. A number, so that queries with an answer cost nothing more. */
export const ANSWER_IS_LATER = -2;

/** Called once with the answer; of no octets: there is none. Does not keep `answer`. */
export type SendAnswer = (answer: Uint8Array) => void;

/** What takes the messages of an opcode. */
export interface LaterAnswers {
  /**
   * As `respond`, of a message that `head` was read from; `head.form` says whether it is well-formed. Returns the
   * length of an answer that was written at once, 0 for none, or ANSWER_IS_LATER.
   */
  answer(
    query: Uint8Array,
    length: number,
    head: Readonly<QueryHead>,
    out: Uint8Array,
    transport: Transport,
    client?: ClientAddress,
  ): number;
  /** Called at once after ANSWER_IS_LATER: who gets that answer. Never called otherwise. */
  later(send: SendAnswer): void;
}

/** Messages by opcode; those of the others are not taken. */
export class LaterByOpcode implements LaterAnswers {
  readonly #takers: ReadonlyMap<number, LaterAnswers>;
  #last: LaterAnswers | undefined;

  constructor(takers: ReadonlyMap<number, LaterAnswers>) {
    this.#takers = takers;
  }

  takes(opcode: number): boolean {
    return this.#takers.has(opcode);
  }

  answer(...message: Parameters<LaterAnswers['answer']>): number {
    const [, , { opcode }] = message;
    const taker = this.#takers.get(opcode);
    assert(taker !== undefined, `a message of opcode ${opcode}, which is not taken`);
    this.#last = taker;
    return taker.answer(...message);
  }

  later(send: SendAnswer): void {
    assert(this.#last !== undefined, 'no answer was put off');
    this.#last.later(send);
  }
}
