/**
 * Who is asking, and may they have this answer: cookies and rate limits as the responder meets them, query by query.
 * Implements: RFC 7873 §5.2 (all cases of a COOKIE option), §5.4 (a query that only asks for a cookie).
 * Without a client address, or without secrets and limits, it does nothing: the law of the house compares answers without it.
 * Not here: the cookies (answer/defence/cookie.ts), the limits (answer/defence/rate-limit.ts), their reasons (docs/adr/0003-rate-limit-and-cookies.md).
 */
import { readU16 } from '#base/bytes.ts';
import { type ClientAddress } from '#base/client-address.ts';
import { type CoarseClock } from '#base/coarse-clock.ts';
import { OPT_BYTES } from '#dns/edns.ts';
import { FAULT, HEADER_BYTES, type QueryHead, type Transport } from '#dns/message.ts';
import { RCODE } from '#dns/types.ts';
import { COOKIE, COOKIE_OPTION_BYTES, Cookies } from '#answer/defence/cookie.ts';
import { type CookieSecrets } from '#answer/defence/cookie-secrets.ts';
import { LIMITED, countCookie, countLimited } from '#answer/count/counters.ts';
import { ADMIT, KIND, type RateLimiter } from '#answer/defence/rate-limit.ts';

/** What there is to protect a server with; what is absent is off. */
export interface Defences {
  readonly cookieSecrets?: CookieSecrets | undefined;
  readonly limiter?: RateLimiter | undefined;
  readonly clock: CoarseClock;
}

/** A limited answer that is longer than its query goes out every second time at most, so that a network never receives more than it sends. */
const LONG_ANSWER_SLIP = 2;

export class Admission {
  readonly #cookies: Cookies | undefined;
  readonly #limiter: RateLimiter | undefined;
  readonly #clock: CoarseClock | undefined;
  readonly #counters: Float64Array;
  /** Whose query it is, when its answer may be limited. */
  #client: ClientAddress | undefined;
  #cookie: number = COOKIE.NONE;
  #isDescribed = false;

  constructor(defences: Defences | undefined, counters: Float64Array) {
    this.#cookies = defences?.cookieSecrets === undefined ? undefined : new Cookies(defences.cookieSecrets);
    this.#limiter = defences?.limiter;
    this.#clock = defences?.clock;
    this.#counters = counters;
  }

  /** Looks at the clock; the queries that follow are taken to come at this time. */
  beginBatch(): void {
    this.#clock?.look();
  }

  /** Takes up a query that gets an answer, and changes the verdict of `head` where a cookie decides it. */
  begin(query: Uint8Array, head: QueryHead, transport: Transport, client: ClientAddress | undefined): void {
    this.#client = undefined;
    this.#cookie = COOKIE.NONE;
    this.#isDescribed = false;
    if (client === undefined || client.length === 0) return;
    if (head.cookieAt > 0 && this.#cookies !== undefined) this.#readCookie(query, head, client, this.#cookies);
    // A handshake or a cookie shows that the client is where it says: no third party's address is abused.
    if (this.#limiter === undefined || transport !== 'udp' || this.#cookie === COOKIE.VALID || this.#limiter.isAllowed(client)) return;
    this.#client = client;
  }

  #readCookie(query: Uint8Array, head: QueryHead, client: ClientAddress, cookies: Cookies): void {
    this.#cookie = cookies.read(query, head.cookieAt, head.cookieLength, client, this.#clock!.unixSeconds);
    countCookie(this.#counters, this.#cookie);
    if (this.#cookie === COOKIE.MALFORMED) {
      if (head.fault !== FAULT.NONE) return;
      // RFC 7873 §5.2.2
      head.fault = FAULT.COOKIE;
      head.verdict = RCODE.FORMERR;
    } else if (head.fault === FAULT.QUESTION_COUNT && readU16(query, 4) === 0) {
      // RFC 7873 §5.4: no question, but a cookie: the cookie is the question.
      head.fault = FAULT.NONE;
      head.verdict = this.#cookie === COOKIE.INVALID ? RCODE.BADCOOKIE : RCODE.NOERROR;
    }
  }

  /** Octets of the COOKIE option that the answer carries. */
  get cookieBytes(): number {
    return this.#cookie >= COOKIE.CLIENT_ONLY ? COOKIE_OPTION_BYTES : 0;
  }

  /** Writes that option at `out[at]`; returns where it ends. */
  writeCookie(out: Uint8Array, at: number): number {
    return this.#cookies!.write(out, at);
  }

  /** The answer may be limited: `describe` is worth its while. */
  get isLimiting(): boolean {
    return this.#client !== undefined;
  }

  /** What the answer is about: its KIND and the first `length` octets of an owner key. What is not described is an error. */
  describe(kind: number, key: Uint8Array, length: number): void {
    this.#limiter!.describe(this.#client!, kind, key, length);
    this.#isDescribed = true;
  }

  /** The same for an error that is written elsewhere, to a query of `length` octets that `head` was read from. */
  admitError(
    query: Uint8Array,
    length: number,
    head: Readonly<QueryHead>,
    transport: Transport,
    client: ClientAddress | undefined,
  ): number {
    const own = { ...head };
    this.begin(query, own, transport, client);
    return this.admit(own, length);
  }

  /** ADMIT.SEND, TRUNCATE or DROP for the answer to a query of `length` octets, counted. */
  admit(head: QueryHead, length: number): number {
    const client = this.#client;
    const limiter = this.#limiter;
    if (client === undefined || limiter === undefined) return ADMIT.SEND;
    if (!this.#isDescribed) limiter.describe(client, KIND.ERROR);
    const limitedBytes = HEADER_BYTES + head.questionLength + (head.edns ? OPT_BYTES + this.cookieBytes : 0);
    const admitted = limiter.admit(client, this.#clock!.monotonicMs, limitedBytes > length ? LONG_ANSWER_SLIP : 1);
    if (admitted === ADMIT.SEND) return admitted;
    if (limiter.dryRun) {
      countLimited(this.#counters, LIMITED.DRY_RUN);
      return ADMIT.SEND;
    }
    if (admitted === ADMIT.DROP) countLimited(this.#counters, LIMITED.DROPPED);
    else countLimited(this.#counters, this.cookieBytes > 0 ? LIMITED.BADCOOKIE : LIMITED.TRUNCATED);
    return admitted;
  }
}
