/**
 * DNS cookies: is the server cookie in a query one of ours for this client, and which one does the answer carry.
 * Implements: RFC 7873 §5.2 (what a server does), RFC 9018 §4 (version 1 server cookies: how they are made, how long they last).
 * Not here: finding the option in a query (dns/edns.ts), secrets (cookie-secrets.ts), what a bad cookie leads to (answer/respond.ts).
 * A server cookie: version 1, three reserved octets, a timestamp of four, and SipHash-2-4 of client cookie, those eight octets and the
 * client's address. Nothing about a client is kept.
 */
import { type ClientAddress } from '#base/client-address.ts';
import { readU32 } from '#base/bytes.ts';
import { COOKIE_FUTURE_SECONDS, COOKIE_PAST_SECONDS, COOKIE_RENEW_SECONDS } from '#base/limits/answer.ts';
import { COOKIE_CLIENT_BYTES, OPTION } from '#dns/edns.ts';
import { type CookieSecrets } from './cookie-secrets.ts';
import { sipHash24 } from './siphash.ts';

/** What a query's COOKIE option is worth. */
export const COOKIE = {
  /** No option, or no way to tell who sent it. */
  NONE: 0,
  /** A length that no cookie has: FORMERR (RFC 7873 §5.2.2). */
  MALFORMED: 1,
  /** Only a client cookie: a client that has not asked us before, or any sender. */
  CLIENT_ONLY: 2,
  /** A server cookie that is not ours, not this client's, or too old. */
  INVALID: 3,
  /** This client has had an answer of ours at this address within the hour. */
  VALID: 4,
} as const;

/** A server cookie of version 1 (RFC 9018 §4). */
const SERVER_BYTES = 16;
const SERVER_BYTES_MIN = 8;
const SERVER_BYTES_MAX = 32;
const VERSION = 1;
/** Octets of the option that answers carry, its code and length included. */
export const COOKIE_OPTION_BYTES = 4 + COOKIE_CLIENT_BYTES + SERVER_BYTES;

/** Offsets in the hash's input: client cookie, version and reserved octets, timestamp, client address. */
const STAMPED = COOKIE_CLIENT_BYTES + 4;
const ADDRESS = STAMPED + 4;
const INPUT_BYTES_MAX = ADDRESS + 16;

export class Cookies {
  readonly #secrets: CookieSecrets;
  readonly #input = new Uint8Array(INPUT_BYTES_MAX);
  #inputLength = 0;
  readonly #hash = new Int32Array(2);
  /** The client's cookie is young and ours: the input and hash are those of the cookie to send. */
  #isFresh = false;
  #nowSeconds = 0;

  constructor(secrets: CookieSecrets) {
    this.#secrets = secrets;
  }

  /** Judges the option data `query[at…at + length]`, sent by `client`; `write` then answers it. Returns one of COOKIE. */
  read(query: Uint8Array, at: number, length: number, client: ClientAddress, nowSeconds: number): number {
    const serverLength = length - COOKIE_CLIENT_BYTES;
    // RFC 7873 §5.2.2
    if (serverLength < 0 || serverLength > SERVER_BYTES_MAX || (serverLength > 0 && serverLength < SERVER_BYTES_MIN))
      return COOKIE.MALFORMED;
    this.#secrets.refresh();
    const input = this.#input;
    for (let each = 0; each < COOKIE_CLIENT_BYTES; each++) input[each] = query[at + each]!;
    for (let each = 0; each < client.length; each++) input[ADDRESS + each] = client.octets[each]!;
    this.#inputLength = ADDRESS + client.length;
    this.#nowSeconds = nowSeconds;
    this.#isFresh = false;
    if (serverLength === 0) return COOKIE.CLIENT_ONLY;
    return this.#check(query, at + COOKIE_CLIENT_BYTES, serverLength) ? COOKIE.VALID : COOKIE.INVALID;
  }

  /** Writes the COOKIE option for the query that `read` was given last, at `out[at]`; returns where it ends. */
  write(out: Uint8Array, at: number): number {
    const input = this.#input;
    if (!this.#isFresh) {
      // RFC 9018 §4.2: the reserved octets are 0 when a cookie is made.
      input[COOKIE_CLIENT_BYTES] = VERSION;
      input[COOKIE_CLIENT_BYTES + 1] = 0;
      input[COOKIE_CLIENT_BYTES + 2] = 0;
      input[COOKIE_CLIENT_BYTES + 3] = 0;
      putU32(input, STAMPED, this.#nowSeconds);
      sipHash24(this.#secrets.current, input, this.#inputLength, this.#hash);
    }
    out[at] = OPTION.COOKIE >> 8;
    out[at + 1] = OPTION.COOKIE & 0xff;
    out[at + 2] = 0;
    out[at + 3] = COOKIE_OPTION_BYTES - 4;
    for (let each = 0; each < ADDRESS; each++) out[at + 4 + each] = input[each]!;
    for (let each = 0; each < 8; each++) out[at + 4 + ADDRESS + each] = this.#hash[each >> 2]! >>> (8 * (each & 3));
    return at + COOKIE_OPTION_BYTES;
  }

  #check(query: Uint8Array, at: number, serverLength: number): boolean {
    if (serverLength !== SERVER_BYTES || query[at] !== VERSION) return false;
    // RFC 9018 §4.3: serial number arithmetic (RFC 1982), so that 2106 is a year like any other.
    const ageSeconds = (this.#nowSeconds - readU32(query, at + 4)) | 0;
    if (ageSeconds > COOKIE_PAST_SECONDS || ageSeconds < -COOKIE_FUTURE_SECONDS) return false;
    const input = this.#input;
    // The reserved octets are hashed as they came.
    for (let each = 0; each < 8; each++) input[COOKIE_CLIENT_BYTES + each] = query[at + each]!;
    sipHash24(this.#secrets.current, input, this.#inputLength, this.#hash);
    if (this.#hashIs(query, at + 8)) {
      // RFC 9018 §4.3: half an hour old, a cookie is replaced; before that, the client's own goes back to it.
      this.#isFresh = ageSeconds <= COOKIE_RENEW_SECONDS;
      return true;
    }
    sipHash24(this.#secrets.other, input, this.#inputLength, this.#hash);
    return this.#hashIs(query, at + 8);
  }

  /** Compares all of it whatever differs, so that time tells nothing. */
  #hashIs(query: Uint8Array, at: number): boolean {
    let difference = 0;
    for (let each = 0; each < 8; each++) difference |= query[at + each]! ^ ((this.#hash[each >> 2]! >>> (8 * (each & 3))) & 0xff);
    return difference === 0;
  }
}

function putU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}
