/**
 * What a responder counts: plain numbers in slots of a Float64Array of its caller (one row per worker, so no atomics).
 * Not here: what the sockets count (server/counters.ts), adding rows up and printing them.
 */
import { FAULT, type Transport } from '#dns/message.ts';
import { RCODE } from '#dns/types.ts';
import { COOKIE } from '#answer/defence/cookie.ts';

/** Answers are counted by these; another rcode cannot come out. */
const PLAIN_RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN'] as const;
const RCODES = [...PLAIN_RCODES, 'NOTAUTH', 'BADVERS', 'BADCOOKIE'] as const;
/** Faults of packets, in the order of FAULT, without NONE. */
const FAULTS = [
  'short',
  'response',
  'opcode',
  'question_count',
  'question',
  'record',
  'trailing',
  'opt',
  'version',
  'cookie',
  'tsig',
] as const;
/** What was done about answers over a limit, in the order of LIMITED. */
const LIMITED_ACTIONS = ['truncated', 'badcookie', 'dropped', 'dry_run'] as const;
export const LIMITED = { TRUNCATED: 0, BADCOOKIE: 1, DROPPED: 2, DRY_RUN: 3 } as const;
/** What cookies were worth, in the order of COOKIE, without NONE. */
const COOKIE_RESULTS = ['malformed', 'client_only', 'invalid', 'valid'] as const;
/** How answers that were looked up were found, in the order of CACHE. */
const CACHE_RESULTS = ['exact', 'near', 'miss'] as const;
export const CACHE = { EXACT: 0, NEAR: 1, MISS: 2 } as const;

const REQUESTS_UDP = 0;
const REQUESTS_TCP = 1;
const REQUESTS_TLS = 2;
const TRUNCATED = 3;
const FIRST_RCODE = 4;
const FIRST_FAULT = FIRST_RCODE + RCODES.length;
const FIRST_LIMITED = FIRST_FAULT + FAULTS.length;
const FIRST_COOKIE = FIRST_LIMITED + LIMITED_ACTIONS.length;
const FIRST_CACHE = FIRST_COOKIE + COOKIE_RESULTS.length;
/** Slots a responder needs. */
export const ANSWER_SLOT_COUNT = FIRST_CACHE + CACHE_RESULTS.length;

/** One slot as Prometheus shows it. */
export interface AnswerMetric {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly type: 'counter';
  readonly help: string;
}

const counter = (name: string, help: string, labels: Readonly<Record<string, string>> = {}): AnswerMetric => ({
  name,
  labels,
  type: 'counter',
  help,
});

/** What each slot counts, in order. */
export const ANSWER_METRICS: readonly AnswerMetric[] = [
  counter('waxseal_requests_total', 'Packets given to the responder.', { transport: 'udp' }),
  counter('waxseal_requests_total', 'Packets given to the responder.', { transport: 'tcp' }),
  counter('waxseal_requests_total', 'Packets given to the responder.', { transport: 'tls' }),
  counter('waxseal_responses_truncated_total', 'Responses with TC set.'),
  ...RCODES.map((rcode) => counter('waxseal_responses_total', 'Responses by rcode.', { rcode })),
  ...FAULTS.map((reason) =>
    counter('waxseal_faulty_requests_total', 'Packets that asked nothing that can be looked up, by reason.', { reason }),
  ),
  ...LIMITED_ACTIONS.map((action) => counter('waxseal_rrl_total', 'Answers over a rate limit, by what was done about them.', { action })),
  ...COOKIE_RESULTS.map((result) => counter('waxseal_cookies_total', 'Queries with a COOKIE option, by what it was worth.', { result })),
  ...CACHE_RESULTS.map((result) => counter('waxseal_answer_cache_total', 'Answers looked up, by where they were found.', { result })),
];

/** A name for each slot, in order. */
export const ANSWER_SLOTS: readonly string[] = [
  'requestsUdp',
  'requestsTcp',
  'requestsTls',
  'truncated',
  ...RCODES.map((rcode) => `rcode.${rcode}`),
  ...FAULTS.map((reason) => `fault.${reason}`),
  ...LIMITED_ACTIONS.map((action) => `rrl.${action}`),
  ...COOKIE_RESULTS.map((result) => `cookie.${result}`),
  ...CACHE_RESULTS.map((result) => `cache.${result}`),
];

const SLOT_OF_RCODE = new Uint8Array(RCODE.BADCOOKIE + 1).fill(FIRST_RCODE);
for (const [at, rcode] of RCODES.entries()) SLOT_OF_RCODE[RCODE[rcode]] = FIRST_RCODE + at;

export function countRequest(slots: Float64Array, transport: Transport, fault: number): void {
  slots[transport === 'udp' ? REQUESTS_UDP : transport === 'tcp' ? REQUESTS_TCP : REQUESTS_TLS]! += 1;
  if (fault !== FAULT.NONE) slots[FIRST_FAULT + fault - 1]! += 1;
}

export function countResponse(slots: Float64Array, rcode: number, truncated: boolean): void {
  slots[SLOT_OF_RCODE[rcode]!]! += 1;
  if (truncated) slots[TRUNCATED]! += 1;
}

/** `action` is one of LIMITED. */
export function countLimited(slots: Float64Array, action: number): void {
  slots[FIRST_LIMITED + action]! += 1;
}

/** `result` is one of COOKIE, not NONE. */
export function countCookie(slots: Float64Array, result: number): void {
  slots[FIRST_COOKIE + result - COOKIE.MALFORMED]! += 1;
}

/** `result` is one of CACHE. */
export function countCache(slots: Float64Array, result: number): void {
  slots[FIRST_CACHE + result]! += 1;
}
